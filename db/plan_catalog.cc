// The catalog's text. Bits of indexes are chosen by the planner of policy/, and what it refuses stays a comment.
#include <algorithm>

#include <fmt/format.h>

#include "db/plan.h"
#include "policy/index_planner.h"
#include "policy/index_sentences.h"

namespace coffer::db {
namespace {

constexpr std::uint16_t kUniqueBits = 128;
constexpr std::uint16_t kFewestBits = 1;
constexpr std::uint16_t kMostBits = 63;

// One line, whatever names the database has.
std::string Comment(std::string_view text) {
  std::string line = "# ";
  for (const char c : text) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return line + "\n";
}

std::string ExpectText(const ColumnFigures& figures) {
  const std::uint64_t rows = std::clamp<std::uint64_t>(figures.rows, 1, policy::kMaxExpectedRows);
  const double share = std::clamp(figures.top_share, 1e-12, 1.0);
  std::string text = fmt::format("{:.12f}", share);
  while (text.ends_with('0') && !text.ends_with(".0")) text.pop_back();
  return fmt::format("{{ rows = {}, distinct = {}, top_share = {} }}", rows,
                     std::clamp<std::uint64_t>(figures.distinct, 1, rows), text);
}

std::string RowText(const std::vector<ValueType>& row) {
  if (row.size() == 1) return fmt::format("\"{}\"", policy::ValueTypeName(row[0]));
  std::string text;
  for (const ValueType type : row)
    text += fmt::format("{}\"{}\"", text.empty() ? "" : ", ", policy::ValueTypeName(type));
  return "[" + text + "]";
}

std::string FieldText(const std::string& keyring, const ProposedField& field) {
  std::string text = fmt::format("[field.\"{}\"]\n", field.field.ToText());
  text += fmt::format("class   = \"{}\"\n", policy::FieldClassName(field.field_class));
  text += fmt::format("keyring = \"{}\"\n", keyring);
  text += field.row.empty() ? "bind_row = false\n" : "row     = " + RowText(field.row) + "\n";
  if (!field.bind.empty()) {
    std::string list;
    for (const policy::BoundType& bound : field.bind) {
      list += fmt::format("{}{} = \"{}\"", list.empty() ? "" : ", ", bound.column, policy::ValueTypeName(bound.type));
    }
    text += "bind    = { " + list + " }\n";
  }
  const bool says_why = field.row.empty() || (field.field_class == policy::FieldClass::kSecret && field.bind.empty());
  if (says_why) text += fmt::format("unbound = \"{}\"\n", field.unbound);
  if (field.figures && !field.indexes.empty()) text += "expect  = " + ExpectText(*field.figures) + "\n";
  return text;
}

std::string IndexText(const std::string& keyring, const ProposedField& field, const ProposedIndex& index) {
  std::string text = fmt::format("[field.\"{}\".index.{}]\n", field.field.ToText(), index.name);
  text += fmt::format("kind    = \"equality\"\nkeyring = \"{}-index\"\ntype    = \"{}\"\n", keyring,
                      policy::IndexTypeName(index.type));
  text += fmt::format("bits    = {}\n", index.bits);
  if (index.unique) text += "unique  = true\n";
  std::string list;
  for (const std::string& name : index.transforms) list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", name);
  if (!list.empty()) text += "transform = [" + list + "]\n";
  return text;
}

// A keyring's name has '-' where a scope has '_', and begins with a letter or digit.
std::string KeyringOf(std::string_view scope) {
  std::string name;
  for (const char c : scope) {
    if (c != '_' || !name.empty()) name += c == '_' ? '-' : c;
  }
  constexpr std::size_t kLongest = 57;  // "-index" fits behind it
  if (name.size() > kLongest) name.resize(kLongest);
  return name.empty() ? "app" : name;
}

struct Bits {
  std::uint16_t count = 0;
  std::string refusal;  // why there is no such index; else empty
};

// The planner's advice for this index alone on its table.
Result<Bits> ChooseBits(const Plan& plan, const ProposedField& field, ProposedIndex index) {
  index.bits = index.unique ? kUniqueBits : 16;
  const std::string keyring = KeyringOf(plan.scope);
  const std::string text =
      "scope = \"" + plan.scope + "\"\n" + FieldText(keyring, field) + IndexText(keyring, field, index);
  COFFER_ASSIGN_OR_RETURN(const policy::Catalog catalog, policy::ParseCatalog(text));
  const policy::CatalogAssessment assessment = policy::AssessIndexes(catalog);
  const policy::IndexAssessment* const one = assessment.Find(field.field, index.name);
  if (one == nullptr) return Error(ErrorCode::kInternal, "the planner does not know the index that it was asked for");
  if (!one->refusals.empty()) return Bits{0, std::string(policy::CauseOf(one->refusals.front()))};
  if (index.unique) return Bits{kUniqueBits, ""};
  if (!one->advised) return Bits{0, "no number of bits keeps the planner's rules with so few rows"};
  return Bits{static_cast<std::uint16_t>(std::clamp<std::uint32_t>(one->advised->max, kFewestBits, kMostBits)), ""};
}

}  // namespace

Status ChooseIndexes(Plan& plan) {
  for (ProposedField& field : plan.fields) {
    std::vector<ProposedIndex> chosen;
    for (ProposedIndex& index : field.indexes) {
      COFFER_ASSIGN_OR_RETURN(Bits bits, ChooseBits(plan, field, index));
      index.bits = bits.count;
      if (bits.refusal.empty()) {
        chosen.push_back(std::move(index));
      } else {
        field.notes.push_back({Advice::kIndex, "no index, though it is searched: " + bits.refusal});
      }
    }
    field.indexes = std::move(chosen);
  }
  return {};
}

Result<std::string> WriteCatalog(const Plan& plan) {
  std::string text = Comment("Proposed by 'coffer db plan' from the schema: guesses for a person to decide.");
  text += "scope = \"" + plan.scope + "\"\n";
  for (const Note& note : plan.notes) text += Comment(note.text);
  for (const ProposedField& field : plan.fields) {
    text += "\n" + Comment(ShownColumn(field.table, field.column) + ", " + field.type + ": " +
                           std::string(ContentName(field.content)) + (field.by_sample ? " (by its values)" : ""));
    for (const Note& note : field.notes) text += Comment(note.text);
    text += FieldText(KeyringOf(plan.scope), field);
    for (const ProposedIndex& index : field.indexes) text += IndexText(KeyringOf(plan.scope), field, index);
  }
  const auto parsed = policy::ParseCatalog(text);
  if (!parsed.ok())
    return Error(ErrorCode::kInternal, "the proposed catalog does not parse: a defect").At(parsed.error().path());
  return text;
}

}  // namespace coffer::db
