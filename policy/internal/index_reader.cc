#include "policy/internal/index_reader.h"

#include "crypto/index_token.h"
#include "crypto/names.h"
#include "crypto/range_map.h"
#include "policy/index_keys.h"
#include "policy/index_planner.h"
#include "policy/index_value.h"
#include "policy/internal/index_values.h"
#include "policy/internal/table_reader.h"

namespace coffer::policy {
namespace {

using Kind = TomlNode::Kind;

constexpr std::uint8_t kDefaultSparsity = 2;

struct WrittenPart {
  ColumnName field;
  IndexedValue value;
};

// The keys of one index as written; what is absent gets its default in Define().
struct WrittenIndex {
  std::optional<IndexKind> kind;
  std::optional<IndexType> type;
  std::optional<std::uint8_t> scale;
  std::optional<std::vector<Transform>> transforms;
  std::optional<std::uint16_t> bits;
  std::uint16_t partitions = 1;
  bool global = false;
  std::optional<std::uint8_t> n;
  std::vector<std::uint8_t> lengths;
  std::string min;
  std::string max;
  std::optional<std::uint8_t> sparsity;
  std::optional<std::uint8_t> count;
  std::optional<SlowCost> slow;
  std::vector<WrittenPart> parts;
  CatalogIndex index;  // the keys that are no part of the definition
};

template <typename Value, typename Place>
Status Store(Result<Value> read, Place& place) {
  COFFER_TRY(read);
  place = std::move(read).value();
  return {};
}

Result<WrittenPart> ReadPart(const TomlNode& node) {
  WrittenPart part;
  if (node.kind != Kind::kTable) {
    COFFER_ASSIGN_OR_RETURN(part.field, ReadColumnName(node));
    return part;
  }
  TableReader reader(node);
  reader.Read("field", ReadColumnName, part.field);
  reader.Read("type", ReadIndexType, part.value.type, false);
  reader.Read("transform", ReadTransforms, part.value.transforms, false);
  COFFER_TRY(reader.Finish({"field", "type", "transform"}, "is not a key of a part"));
  return part;
}

Result<std::vector<WrittenPart>> ReadParts(const TomlNode& node) {
  if (node.kind != Kind::kArray || node.items.size() < 2 || node.items.size() > kMaxCompoundParts) {
    return Refused("must be a list of 2 to 16 fields").WithLimit(kMaxCompoundParts);
  }
  std::vector<WrittenPart> parts;
  for (const TomlNode& item : node.items) {
    Result<WrittenPart> part = ReadPart(item);
    if (!part.ok()) return OnLine(std::move(part).error(), item.line);
    const auto same = [&](const WrittenPart& other) { return other.field == part->field; };
    if (std::any_of(parts.begin(), parts.end(), same)) return OnLine(Refused("names a field twice"), item.line);
    parts.push_back(std::move(part).value());
  }
  return parts;
}

Status ReadKey(IndexKey key, const TomlNode& node, WrittenIndex& written) {
  CatalogIndex& index = written.index;
  switch (key) {
    case IndexKey::kKind:
      return Store(ReadIndexKind(node), written.kind);
    case IndexKey::kKeyring:
      return Store(ReadKeyring(node), index.keyring);
    case IndexKey::kType:
      return Store(ReadIndexType(node), written.type);
    case IndexKey::kScale:
      return Store(ReadScale(node), written.scale);
    case IndexKey::kTransform:
      return Store(ReadTransforms(node), written.transforms);
    case IndexKey::kBits:
      return Store(ReadBits(node), written.bits);
    case IndexKey::kScope:
      return Store(ReadIndexScope(node), written.global);
    case IndexKey::kDomain:
      return Store(ReadIndexName(node), index.domain);
    case IndexKey::kPartitions:
      return Store(ReadPartitions(node), written.partitions);
    case IndexKey::kUnique:
      return Store(ReadBool(node), index.unique);
    case IndexKey::kN:
      return Store(ReadN(node), written.n);
    case IndexKey::kLengths:
      return Store(ReadLengths(node), written.lengths);
    case IndexKey::kMin:
      return Store(ReadEnd(node), written.min);
    case IndexKey::kMax:
      return Store(ReadEnd(node), written.max);
    case IndexKey::kSparsity:
      return Store(ReadSparsity(node), written.sparsity);
    case IndexKey::kCount:
      return Store(ReadCount(node), written.count);
    case IndexKey::kSlow:
      return Store(ReadSlow(node), written.slow);
    case IndexKey::kParts:
      return Store(ReadParts(node), written.parts);
    case IndexKey::kExpect:
      return Store(ReadExpectation(node), index.expect);
    case IndexKey::kAcceptLeak:
      return Store(ReadReason(node), index.accept_leak);
    case IndexKey::kRenamedFrom:
      return Store(ReadIndexName(node), index.renamed_from);
    case IndexKey::kWriteVersion:
      return Store(ReadIndexVersion(node), index.write_version);
    case IndexKey::kOldestVersion:
      return Store(ReadIndexVersion(node), index.oldest_version);
  }
  return Refused("is not a key of an index");
}

// A key that one kind alone has: it is there with that kind (when `required`), and with no other.
Status CheckOnlyFor(bool of_kind, bool given, bool required, std::string_view key) {
  if (given && !of_kind) return Refused("is not a key of an index of this kind").At(key);
  if (!given && of_kind && required) return Refused("is required for an index of this kind").At(key);
  return {};
}

Status CheckKeys(const WrittenIndex& written) {
  if (!written.kind) return Refused("is required: equality, prefix, ngram, range or compound").At("kind");
  const IndexKind kind = *written.kind;
  const bool range = kind == IndexKind::kRange;
  const bool array = range || kind == IndexKind::kPrefix || kind == IndexKind::kNgram;
  const bool compound = kind == IndexKind::kCompound;
  if (written.index.keyring.empty()) return Refused("is required").At("keyring");
  if (!written.bits) return Refused("is required").At("bits");
  COFFER_TRY(CheckOnlyFor(compound, !written.parts.empty(), true, "parts"));
  COFFER_TRY(CheckOnlyFor(!compound, written.type.has_value(), false, "type"));
  COFFER_TRY(CheckOnlyFor(!compound, written.transforms.has_value(), false, "transform"));
  COFFER_TRY(CheckOnlyFor(written.type == IndexType::kDecimal, written.scale.has_value(), true, "scale"));
  COFFER_TRY(CheckOnlyFor(kind == IndexKind::kNgram, written.n.has_value(), true, "n"));
  COFFER_TRY(CheckOnlyFor(kind == IndexKind::kPrefix, !written.lengths.empty(), true, "lengths"));
  COFFER_TRY(CheckOnlyFor(range, !written.min.empty(), true, "min"));
  COFFER_TRY(CheckOnlyFor(range, !written.max.empty(), true, "max"));
  COFFER_TRY(CheckOnlyFor(range, written.sparsity.has_value(), false, "sparsity"));
  COFFER_TRY(CheckOnlyFor(array, written.count.has_value(), kind == IndexKind::kNgram, "count"));
  return CheckOnlyFor(!array, written.slow.has_value(), false, "slow");
}

Result<RangeDomain> ReadDomain(const WrittenIndex& written, const IndexedValue& value) {
  RangeDomain domain;
  domain.sparsity = written.sparsity.value_or(kDefaultSparsity);
  Result<std::uint64_t> min = OrderOf(value, written.min);
  if (!min.ok()) return std::move(min).error().At("min");
  Result<std::uint64_t> max = OrderOf(value, written.max);
  if (!max.ok()) return std::move(max).error().At("max");
  if (*min >= *max) return Refused("must be above min").At("max");
  domain.min = *min;
  domain.max = *max;
  return domain;
}

// As many tokens as a row has parts, when nothing else is said.
Result<std::uint8_t> CountOf(const WrittenIndex& written, const TokenForm& form) {
  if (written.count) return *written.count;
  if (form.kind == IndexKind::kPrefix) return static_cast<std::uint8_t>(form.lengths.size());
  if (!form.domain) return std::uint8_t{0};
  COFFER_ASSIGN_OR_RETURN(const RangeMap map,
                          RangeMap::Create(form.domain->min, form.domain->max, form.domain->sparsity));
  return static_cast<std::uint8_t>(map.level_count());
}

Result<IndexDefinition> Define(const WrittenIndex& written) {
  IndexDefinition definition;
  TokenForm& form = definition.form;
  form.kind = *written.kind;
  form.bits = *written.bits;
  form.column = ColumnOf(form.kind, form.bits);
  form.partitions = written.partitions;
  form.n = written.n.value_or(0);
  form.lengths = written.lengths;
  form.slow = written.slow;
  definition.global = written.global;
  for (const WrittenPart& part : written.parts) definition.values.push_back(part.value);
  if (written.parts.empty()) {
    definition.values.push_back({written.type.value_or(IndexType::kText), written.scale.value_or(0),
                                 written.transforms.value_or(std::vector<Transform>())});
  }
  if (form.kind == IndexKind::kRange) {
    definition.min = written.min;
    definition.max = written.max;
    if (definition.values.front().type == IndexType::kText) return Refused("is required for a range index").At("type");
    COFFER_ASSIGN_OR_RETURN(form.domain, ReadDomain(written, definition.values.front()));
  }
  COFFER_ASSIGN_OR_RETURN(form.count, CountOf(written, form));
  COFFER_TRY(ValidateIndexDefinition(definition));
  return definition;
}

Result<CatalogIndex> Declare(WrittenIndex&& written, const std::string& name) {
  COFFER_TRY(CheckKeys(written));
  CatalogIndex& index = written.index;
  index.name = name;
  COFFER_ASSIGN_OR_RETURN(index.definition, Define(written));
  for (const WrittenPart& part : written.parts) index.parts.push_back(part.field);
  if (index.unique) COFFER_TRY(ValidateUnique(index.definition));
  if (index.renamed_from == index.name) return Refused("is the index's own name").At("renamed_from");
  if (index.write_version && index.oldest_version && *index.oldest_version > *index.write_version) {
    return Refused("is above write_version, so what is written would not be searched").At("oldest_version");
  }
  return std::move(index);
}

// The line of the key that `error` names, when the table has it; else the table's.
Error Locate(Error error, const TomlNode& table) {
  const std::string key = error.path().substr(0, error.path().find('.'));
  const auto found = table.entries.find(key);
  return OnLine(std::move(error), found != table.entries.end() ? found->second->key_line : table.line);
}

Result<CatalogIndex> ReadIndex(const std::string& name, const TomlNode& table) {
  WrittenIndex written;
  for (const auto& [key, entry] : table.entries) {
    const auto known = FindIndexKey(key);
    if (!known) return Refused("is not a key of an index").At(key).AtLine(entry->key_line);
    Status read = ReadKey(*known, entry->value, written);
    if (!read.ok()) return OnLine(std::move(read).error().At(key), entry->value.line);
  }
  written.index.line = table.line;
  Result<CatalogIndex> index = Declare(std::move(written), name);
  if (!index.ok()) return Locate(std::move(index).error(), table);
  return index;
}

Status CheckIndexRenames(const std::vector<CatalogIndex>& indexes) {
  for (std::size_t i = 0; i < indexes.size(); ++i) {
    if (!indexes[i].renamed_from) continue;
    for (std::size_t j = 0; j < i; ++j) {
      if (indexes[j].renamed_from != indexes[i].renamed_from) continue;
      return Refused("is named by two indexes").At("renamed_from").At(indexes[i].name).AtLine(indexes[i].line);
    }
  }
  return {};
}

// The values of a compound belong together by their row ids, so all its fields have ids of the same types.
Status CheckRows(const FieldDeclaration& indexed, const ColumnName& part, const FieldDeclaration& declared) {
  if (!declared.form.row_bound) {
    return Refused("is not bound to its row: the parts of a compound index meet by their row ids").At(part.ToText());
  }
  if (declared.row != indexed.row) {
    return Refused("has other row types than the indexed field: the parts of a compound index meet by their row ids")
        .At(part.ToText());
  }
  return {};
}

Status CheckParts(const Catalog& catalog, const CatalogField& field, const CatalogIndex& index) {
  if (!index.parts.empty()) {
    Status rows = CheckRows(field.declaration, field.name, field.declaration);
    if (!rows.ok()) return std::move(rows).error().At("parts");
  }
  for (const ColumnName& part : index.parts) {
    if (part.table != field.name.table) return Refused("names a field of another table").At("parts");
    const CatalogField* declared = catalog.Find(part);
    if (declared == nullptr) return Refused("names a field that is not declared").At("parts");
    Status rows = CheckRows(field.declaration, part, declared->declaration);
    if (!rows.ok()) return std::move(rows).error().At("parts");
    if (!index.expect && !declared->expect) {
      return Refused("is required: for the index, or for each field of its parts").At("expect");
    }
  }
  return {};
}

Status CheckIndex(const Catalog& catalog, const CatalogField& field, const CatalogIndex& index) {
  COFFER_TRY(CheckParts(catalog, field, index));
  if (!index.expect && KeepsAPartOnly(index.definition)) {
    return Refused("is required where a transform keeps a part only: what is left has fewer different values")
        .At("expect");
  }
  return {};
}

}  // namespace

Result<std::vector<CatalogIndex>> ReadIndexes(const TomlNode& node) {
  if (node.kind != Kind::kTable) {
    return Refused("must be a table: [field.\"table.column\".index.name]").AtLine(node.line);
  }
  if (node.entries.size() > kMaxIndexes) {
    return Refused("declares more indexes than allowed").WithLimit(kMaxIndexes).AtLine(node.line);
  }
  std::vector<CatalogIndex> indexes;
  for (const auto& [name, entry] : node.entries) {
    if (!IsIdentifier(name)) {
      return Refused("is not an index's name: [a-z_][a-z0-9_]{0,62}").At(name).AtLine(entry->key_line);
    }
    if (entry->value.kind != Kind::kTable) return Refused("must be a table").At(name).AtLine(entry->key_line);
    Result<CatalogIndex> index = ReadIndex(name, entry->value);
    if (!index.ok()) return std::move(index).error().At(name);
    indexes.push_back(std::move(index).value());
  }
  COFFER_TRY(CheckIndexRenames(indexes));
  return indexes;
}

Status CheckIndexesOf(const Catalog& catalog) {
  for (const CatalogField& field : catalog.fields) {
    const std::string path = "field." + field.name.ToText();
    const bool wants = !field.indexes.empty() || field.declaration.form.suite == Suite::kAes256Siv;
    if (wants && !field.expect) {
      return Refused("is required for a field with an index, or with suite 4").At("expect").At(path).AtLine(field.line);
    }
    for (const CatalogIndex& index : field.indexes) {
      Status valid = CheckIndex(catalog, field, index);
      if (!valid.ok()) return std::move(valid).error().At("index." + index.name).At(path).AtLine(index.line);
    }
  }
  return {};
}

}  // namespace coffer::policy
