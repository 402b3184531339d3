#include "policy/internal/index_diff.h"

#include "policy/internal/lock_text.h"

namespace coffer::policy {
namespace {

// The two sides as text. Nothing changes when they are equal.
struct Sides {
  std::string before;
  std::string wanted;
  bool weaker = false;  // when they differ
};

// Of the one value, or a list of a compound's.
template <typename TextOf>
std::string ValuesText(const IndexDefinition& definition, TextOf text_of) {
  return definition.values.size() == 1 ? text_of(definition.values.front()) : ListText(definition.values, text_of);
}

std::string TypesText(const IndexDefinition& definition) {
  return ValuesText(definition, [](const IndexedValue& value) { return std::string(IndexTypeName(value.type)); });
}

std::string ScalesText(const IndexDefinition& definition) {
  return ValuesText(definition, [](const IndexedValue& value) { return std::to_string(value.scale); });
}

std::string TransformsText(const IndexDefinition& definition) {
  return ValuesText(definition, [](const IndexedValue& value) {
    return ListText(value.transforms, [](const Transform& step) { return step.ToText(); });
  });
}

std::string LengthsText(const TokenForm& form) {
  return ListText(form.lengths, [](std::uint8_t length) { return std::to_string(length); });
}

std::string SlowText(const std::optional<SlowCost>& slow) {
  if (!slow) return "none";
  return std::to_string(slow->passes) + " x " + std::to_string(slow->memory_kib) + " KiB";
}

bool IsFaster(const std::optional<SlowCost>& before, const std::optional<SlowCost>& wanted) {
  if (!before) return false;
  return !wanted || wanted->passes < before->passes || wanted->memory_kib < before->memory_kib;
}

std::string GivenText(bool given) { return given ? "given" : "not given"; }

Sides CompareAcceptance(const std::string& before, const std::string& wanted) {
  if (before == wanted) return {};
  const bool another = !before.empty() && !wanted.empty();
  return {GivenText(!before.empty()), another ? "another reason" : GivenText(!wanted.empty()), !wanted.empty()};
}

Sides CompareExpectation(const std::optional<Expectation>& before, const std::optional<Expectation>& wanted) {
  if (before == wanted) return {};
  return {GivenText(before.has_value()), wanted ? "as it is now" : "not given", false};
}

std::string SparsityText(const TokenForm& form) { return form.domain ? std::to_string(form.domain->sparsity) : "none"; }

Sides Numbers(unsigned before, unsigned wanted, bool weaker) {
  return {std::to_string(before), std::to_string(wanted), weaker};
}

Sides Compare(IndexKey key, const AppliedIndex& before, const CatalogIndex& wanted) {
  const IndexDefinition& was = before.profile.definition;
  const IndexDefinition& will = wanted.definition;
  switch (key) {
    case IndexKey::kKind:
      return {std::string(IndexKindName(was.form.kind)), std::string(IndexKindName(will.form.kind)), true};
    case IndexKey::kKeyring:
      return {before.index.Declared().keyring, wanted.keyring, true};
    case IndexKey::kType:
      return {TypesText(was), TypesText(will), true};
    case IndexKey::kScale:
      return {ScalesText(was), ScalesText(will), true};
    case IndexKey::kTransform:
      return {TransformsText(was), TransformsText(will), true};
    case IndexKey::kBits:
      return Numbers(was.form.bits, will.form.bits, will.form.bits > was.form.bits);
    case IndexKey::kScope:
      return {was.global ? "global" : "tenant", will.global ? "global" : "tenant", will.global};
    case IndexKey::kDomain:
      return {before.domain.IsShared() ? before.domain.name : "its own",
              wanted.domain.empty() ? "its own" : wanted.domain, !wanted.domain.empty()};
    case IndexKey::kPartitions:
      return Numbers(was.form.partitions, will.form.partitions, will.form.partitions < was.form.partitions);
    case IndexKey::kUnique:
      return {std::string(BoolWord(before.index.unique)), std::string(BoolWord(wanted.unique)), wanted.unique};
    case IndexKey::kN:
      return Numbers(was.form.n, will.form.n, true);
    case IndexKey::kLengths:
      return {LengthsText(was.form), LengthsText(will.form), true};
    case IndexKey::kMin:
      return {was.min, will.min, true};
    case IndexKey::kMax:
      return {was.max, will.max, true};
    case IndexKey::kSparsity:
      return {SparsityText(was.form), SparsityText(will.form), true};
    case IndexKey::kCount:
      return Numbers(was.form.count, will.form.count, true);
    case IndexKey::kSlow:
      return {SlowText(was.form.slow), SlowText(will.form.slow), IsFaster(was.form.slow, will.form.slow)};
    case IndexKey::kExpect:
      return CompareExpectation(before.index.expect, wanted.expect);
    case IndexKey::kAcceptLeak:
      return CompareAcceptance(before.index.accept_leak, wanted.accept_leak);
    case IndexKey::kParts:  // these are the plan's
    case IndexKey::kRenamedFrom:
    case IndexKey::kWriteVersion:
    case IndexKey::kOldestVersion:
      return {};
  }
  return {};
}

}  // namespace

std::vector<IndexKeyChange> CompareIndexKeys(const AppliedIndex& before, const CatalogIndex& wanted) {
  std::vector<IndexKeyChange> changes;
  for (const IndexKeyRule& rule : kIndexKeys) {
    const Sides sides = Compare(rule.key, before, wanted);
    if (sides.before == sides.wanted) continue;
    changes.push_back({rule.key,
                       std::string(rule.name).append(": ").append(sides.before).append(" -> ").append(sides.wanted),
                       sides.weaker});
  }
  return changes;
}

}  // namespace coffer::policy
