#include "policy/index_planner.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "policy/internal/index_reach.h"

namespace coffer::policy {
namespace {

constexpr double kFewestRows = 16;
constexpr double kFewestCoincidences = 2;
constexpr std::uint32_t kMostBits = 256;
constexpr double kFewestValueBits = 8;
constexpr std::uint64_t kLargestTopShare = kWholeShare / 16;
constexpr std::uint8_t kShortestPrefix = 3;

// Of `most` different values the commonest has at least its share.
Expectation Capped(Expectation expect, double most) {
  if (most >= static_cast<double>(expect.distinct)) return expect;
  expect.distinct = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(most));
  expect.top_share = std::max(expect.top_share, kWholeShare / expect.distinct);
  return expect;
}

// What the parts of a compound come to: as many combinations as the rows allow, the commonest at most as common as the
// rarest of its parts' commonest values.
Expectation Together(const Catalog& catalog, const CatalogIndex& index) {
  Expectation together{kMaxExpectedRows, 1, kWholeShare};
  for (std::size_t i = 0; i < index.parts.size(); ++i) {
    const CatalogField* field = catalog.Find(index.parts[i]);
    COFFER_CHECK(field != nullptr && field->expect);
    const Expectation one = Capped(*field->expect, MostValues(index.definition.values[i]));
    together.rows = std::min(together.rows, one.rows);
    together.top_share = std::min(together.top_share, one.top_share);
    const double product = static_cast<double>(together.distinct) * static_cast<double>(one.distinct);
    together.distinct =
        product < static_cast<double>(kMaxExpectedRows) ? together.distinct * one.distinct : kMaxExpectedRows;
  }
  together.distinct = std::min(together.distinct, together.rows);
  return together;
}

Expectation ExpectationOf(const Catalog& catalog, const CatalogField& field, const CatalogIndex& index) {
  const double most = MostValues(index.definition);
  if (index.expect) return Capped(*index.expect, most);
  if (!index.parts.empty()) return Together(catalog, index);
  COFFER_CHECK(field.expect.has_value());
  return Capped(*field.expect, most);
}

bool HoldsASecret(const Catalog& catalog, const CatalogField& field, const CatalogIndex& index) {
  if (index.parts.empty()) return field.declaration.field_class == FieldClass::kSecret;
  return std::any_of(index.parts.begin(), index.parts.end(), [&](const ColumnName& part) {
    const CatalogField* declared = catalog.Find(part);
    return declared != nullptr && declared->declaration.field_class == FieldClass::kSecret;
  });
}

// `most`: of what is indexed, when that is not the whole value.
std::vector<IndexRefusal> RefusalsOf(bool secret, const Expectation& expect, double most) {
  std::vector<IndexRefusal> refusals;
  if (secret) refusals.push_back(IndexRefusal::kSecret);
  if (std::log2(std::min(static_cast<double>(expect.distinct), most)) < kFewestValueBits) {
    refusals.push_back(IndexRefusal::kFewValues);
  }
  if (expect.top_share > kLargestTopShare) refusals.push_back(IndexRefusal::kCommonValue);
  return refusals;
}

IndexLeak LeakOf(IndexKind kind) {
  switch (kind) {
    case IndexKind::kEquality:
      return IndexLeak::kEqualValues;
    case IndexKind::kCompound:
      return IndexLeak::kEqualCombinations;
    case IndexKind::kPrefix:
      return IndexLeak::kEqualPrefixes;
    case IndexKind::kNgram:
      return IndexLeak::kNgrams;
    case IndexKind::kRange:
      return IndexLeak::kOrder;
  }
  return IndexLeak::kEqualValues;
}

// Pads are made of the whole text (docs/FORMAT.md section 5, "Arrays"). The leaf of a range is the whole value already.
bool ShowsEqualTexts(const TokenForm& form) {
  return form.kind == IndexKind::kPrefix || form.kind == IndexKind::kNgram;
}

void Estimate(IndexAssessment& assessment, std::uint8_t count) {
  const auto rows = static_cast<double>(assessment.expect.rows);
  const auto distinct = static_cast<double>(assessment.expect.distinct);
  assessment.value_bits = std::log2(distinct);
  const double tokens = std::exp2(assessment.bits);
  const double meant = rows / distinct;
  assessment.false_rows = (rows - meant) / tokens * std::max<double>(count, 1);
  assessment.linkage = tokens / (tokens + distinct - 1);
}

// The tighter of both rules: what both allow, or else the lower range.
std::optional<BitRange> Tighter(const std::optional<BitRange>& a, const std::optional<BitRange>& b) {
  if (!a || !b) return std::nullopt;
  const BitRange both{std::max(a->min, b->min), std::min(a->max, b->max)};
  if (both.min <= both.max) return both;
  return a->max < b->max ? a : b;
}

// Prefixes, n-grams and ranges have several tokens a row: neither rule is about them.
void Advise(IndexAssessment& assessment, bool unique) {
  const auto rows = static_cast<double>(assessment.expect.rows);
  assessment.advised = Tighter(BitsByCoincidences(rows, assessment.value_bits, 0),
                               BitsByDistinctValues(static_cast<double>(assessment.expect.distinct)));
  if (unique || !assessment.advised) return;
  if (assessment.bits > assessment.advised->max) assessment.warnings.push_back(IndexWarning::kMoreBits);
  if (assessment.bits < assessment.advised->min) assessment.warnings.push_back(IndexWarning::kFewerBits);
}

IndexAssessment Assess(const Catalog& catalog, const CatalogField& field, const CatalogIndex& index) {
  const TokenForm& form = index.definition.form;
  IndexAssessment assessment;
  assessment.field = field.name;
  assessment.name = index.name;
  assessment.kind = form.kind;
  assessment.bits = form.bits;
  assessment.partitions = form.partitions;
  if (form.kind == IndexKind::kPrefix) {
    assessment.longest = form.lengths.back();
    assessment.always_padded = form.count > form.lengths.size();
  }
  assessment.expect = ExpectationOf(catalog, field, index);
  assessment.accepted = !index.accept_leak.empty();
  Estimate(assessment, form.count);
  if (!form.IsArray()) Advise(assessment, index.unique);
  assessment.leaks.push_back(LeakOf(form.kind));
  if (ShowsEqualTexts(form)) assessment.leaks.push_back(IndexLeak::kEqualTexts);
  if (index.definition.global) assessment.leaks.push_back(IndexLeak::kAcrossTenants);
  if (!index.domain.empty()) assessment.leaks.push_back(IndexLeak::kAcrossColumns);
  if (index.unique) assessment.leaks.push_back(IndexLeak::kExistence);
  const double beginnings = MostBeginnings(index.definition);
  assessment.refusals = RefusalsOf(HoldsASecret(catalog, field, index), assessment.expect, beginnings);
  if (form.kind == IndexKind::kPrefix && form.lengths.front() < kShortestPrefix) {
    assessment.refusals.push_back(IndexRefusal::kShortPrefix);
  }
  return assessment;
}

// A field of suite 4 is as good as an equality index that cuts nothing off, and nobody can accept what it leaks.
IndexAssessment AssessDeterministic(const CatalogField& field) {
  IndexAssessment assessment;
  assessment.field = field.name;
  assessment.bits = kMostBits;
  COFFER_CHECK(field.expect.has_value());
  assessment.expect = *field.expect;
  Estimate(assessment, 0);
  assessment.false_rows = 0;
  assessment.linkage = 1;
  assessment.leaks.push_back(IndexLeak::kEqualCiphertexts);
  assessment.refusals = RefusalsOf(field.declaration.field_class == FieldClass::kSecret, assessment.expect,
                                   static_cast<double>(kMaxExpectedRows));
  return assessment;
}

void AddToTable(const IndexAssessment& assessment, TableAssessment& table) {
  table.table = assessment.field.table;
  table.rows = table.rows == 0 ? assessment.expect.rows : std::min(table.rows, assessment.expect.rows);
  table.taken_bits += std::min<double>(assessment.bits, assessment.value_bits);
}

}  // namespace

std::optional<BitRange> BitsByCoincidences(double rows, double value_bits, double taken_bits) {
  if (rows < kFewestRows) return std::nullopt;
  const auto coincidences = [&](std::uint32_t bits) {
    return rows / std::exp2(taken_bits + std::min<double>(bits, value_bits));
  };
  if (coincidences(1) < kFewestCoincidences) return std::nullopt;
  BitRange range{0, 1};
  for (std::uint32_t bits = 1; bits <= kMostBits && coincidences(bits) >= kFewestCoincidences; ++bits) {
    if (range.min == 0 && coincidences(bits) <= std::sqrt(rows)) range.min = bits;
    range.max = bits;
    if (bits >= value_bits) break;  // more bits than different values change nothing
  }
  range.min = std::max<std::uint32_t>(range.min, 1);
  return range;
}

std::optional<BitRange> BitsByDistinctValues(double distinct) {
  BitRange range;
  for (std::uint32_t bits = 1; bits <= kMostBits; ++bits) {
    const double tokens = std::exp2(bits);
    if (tokens >= distinct / 2) break;
    if (tokens <= std::sqrt(distinct)) continue;
    if (range.min == 0) range.min = bits;
    range.max = bits;
  }
  if (range.min == 0) return std::nullopt;
  return range;
}

const IndexAssessment* CatalogAssessment::Find(const ColumnName& field, std::string_view name) const {
  const auto found = std::find_if(indexes.begin(), indexes.end(), [&](const IndexAssessment& assessment) {
    return assessment.field == field && assessment.name == name;
  });
  return found == indexes.end() ? nullptr : &*found;
}

CatalogAssessment AssessIndexes(const Catalog& catalog) {
  CatalogAssessment assessment;
  std::map<std::string, TableAssessment> tables;
  for (const CatalogField& field : catalog.fields) {
    if (field.declaration.form.suite == Suite::kAes256Siv) {
      assessment.indexes.push_back(AssessDeterministic(field));
      AddToTable(assessment.indexes.back(), tables[field.name.table]);
    }
    for (const CatalogIndex& index : field.indexes) {
      assessment.indexes.push_back(Assess(catalog, field, index));
      AddToTable(assessment.indexes.back(), tables[field.name.table]);
    }
  }
  for (auto& [name, table] : tables) {
    table.coincidences = std::max(1.0, static_cast<double>(table.rows)) / std::exp2(table.taken_bits);
    table.tells_rows_apart = table.coincidences < kFewestCoincidences;
    assessment.tables.push_back(std::move(table));
  }
  return assessment;
}

bool KeepsAPartOnly(const IndexDefinition& definition) {
  const auto cuts = [](const Transform& step) {
    return step.kind == TransformKind::kFirst || step.kind == TransformKind::kLast ||
           step.kind == TransformKind::kEmailLocal || step.kind == TransformKind::kEmailDomain;
  };
  return std::any_of(definition.values.begin(), definition.values.end(), [&](const IndexedValue& value) {
    return std::any_of(value.transforms.begin(), value.transforms.end(), cuts);
  });
}

}  // namespace coffer::policy
