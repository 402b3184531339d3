#include "policy/catalog.h"

#include <algorithm>

#include "crypto/names.h"
#include "policy/catalog_keys.h"
#include "policy/internal/index_reader.h"
#include "policy/internal/index_values.h"

namespace coffer::policy {
namespace {

using Kind = TomlNode::Kind;

// The keys of one field as written; what is absent gets its default in Declare().
struct WrittenField {
  std::optional<FieldClass> field_class;
  std::string keyring;
  std::vector<ValueType> row;
  std::vector<BoundType> bind;
  std::optional<Suite> suite;
  std::optional<std::uint8_t> pad;
  bool bind_row = true;
  std::string unbound;
  std::optional<ColumnName> renamed_from;
  std::optional<std::int64_t> accept_unbound_until;
  std::optional<Expectation> expect;
  std::vector<CatalogIndex> indexes;
};

Result<std::int64_t> ReadInstant(const TomlNode& node) {
  if (node.kind != Kind::kInstant || node.integer <= 0) {
    return Refused("must be a date and time with an offset, in whole seconds, like 2027-01-31T00:00:00Z");
  }
  return node.integer;
}

template <typename Value, typename Place>
Status Store(Result<Value> read, Place& place) {
  COFFER_TRY(read);
  place = std::move(read).value();
  return {};
}

Status ReadKey(CatalogKey key, const TomlNode& node, WrittenField& field) {
  switch (key) {
    case CatalogKey::kClass:
      return Store(ReadClass(node), field.field_class);
    case CatalogKey::kKeyring:
      return Store(ReadKeyring(node), field.keyring);
    case CatalogKey::kRow:
      return Store(ReadRowTypes(node), field.row);
    case CatalogKey::kBind:
      return Store(ReadBind(node), field.bind);
    case CatalogKey::kSuite:
      return Store(ReadSuite(node), field.suite);
    case CatalogKey::kPad:
      return Store(ReadPad(node), field.pad);
    case CatalogKey::kBindRow:
      return Store(ReadBool(node), field.bind_row);
    case CatalogKey::kUnbound:
      return Store(ReadReason(node), field.unbound);
    case CatalogKey::kRenamedFrom:
      return Store(ReadColumnName(node), field.renamed_from);
    case CatalogKey::kAcceptUnboundUntil:
      return Store(ReadInstant(node), field.accept_unbound_until);
    case CatalogKey::kExpect:
      return Store(ReadExpectation(node), field.expect);
    case CatalogKey::kIndex:
      return Store(ReadIndexes(node), field.indexes);
  }
  return Refused("is not a key of a field");
}

FieldDeclaration Declare(WrittenField&& written) {
  const bool secret = written.field_class == FieldClass::kSecret;
  FieldDeclaration declaration;
  declaration.field_class = *written.field_class;
  declaration.keyring = std::move(written.keyring);
  declaration.form.suite = written.suite.value_or(secret ? Suite::kXaes256GcmCommitting : Suite::kXaes256Gcm);
  declaration.form.pad_multiple = written.pad.value_or(static_cast<std::uint8_t>(secret ? kMaxPadMultiple : 0));
  declaration.form.row_bound = written.bind_row;
  declaration.form.context_bound = !written.bind.empty();
  declaration.row = std::move(written.row);
  declaration.bind = std::move(written.bind);
  declaration.unbound = std::move(written.unbound);
  return declaration;
}

Status CheckOwnKeys(const WrittenField& written, const ColumnName& name) {
  if (!written.field_class) return Refused("is required: public, internal, pii or secret").At("class");
  if (written.keyring.empty()) return Refused("is required").At("keyring");
  if (written.renamed_from == name) return Refused("is the field's own name").At("renamed_from");
  if (written.accept_unbound_until && !written.bind_row) {
    return Refused("has no meaning while bind_row = false").At("accept_unbound_until");
  }
  return {};
}

Result<CatalogField> ReadField(const ColumnName& name, const TomlNode& table) {
  WrittenField written;
  for (const auto& [key, entry] : table.entries) {
    const auto known = FindCatalogKey(key);
    if (!known) return Refused("is not a key of a field").At(key).AtLine(entry->key_line);
    Status read = ReadKey(*known, entry->value, written);
    if (!read.ok()) return OnLine(std::move(read).error().At(key), entry->value.line);
  }
  COFFER_TRY(CheckOwnKeys(written, name));
  CatalogField field;
  field.name = name;
  field.renamed_from = written.renamed_from;
  field.accept_unbound_until_unix_s = written.accept_unbound_until;
  field.expect = written.expect;
  field.indexes = std::move(written.indexes);
  field.line = table.line;
  field.declaration = Declare(std::move(written));
  COFFER_TRY(ValidateDeclaration(field.declaration, name));
  return field;
}

// The line of the key that `error` names, when the file has it; else the table's.
Error Locate(Error error, const TomlNode& table) {
  if (error.line() != 0) return error;
  for (const auto& [key, entry] : table.entries) {
    if (key == error.path()) return std::move(error).AtLine(entry->key_line);
  }
  return std::move(error).AtLine(table.line);
}

Result<std::vector<CatalogField>> ReadFields(const TomlNode& fields) {
  if (fields.kind != Kind::kTable)
    return Refused("must be a table: [field.\"table.column\"]").At("field").AtLine(fields.line);
  if (fields.entries.size() > kMaxCatalogFields) {
    return Refused("declares more fields than allowed").At("field").WithLimit(kMaxCatalogFields);
  }
  std::vector<CatalogField> read;
  for (const auto& [key, entry] : fields.entries) {
    const std::string path = "field." + key;
    const auto name = ColumnName::Parse(key);
    if (!name) {
      return Refused("is not a field's name: quote it, \"table.column\", each [a-z_][a-z0-9_]{0,62}")
          .At(path)
          .AtLine(entry->key_line);
    }
    if (entry->value.kind != Kind::kTable) return Refused("must be a table").At(path).AtLine(entry->key_line);
    Result<CatalogField> field = ReadField(*name, entry->value);
    if (!field.ok()) return Locate(std::move(field).error(), entry->value).At(path);
    read.push_back(std::move(field).value());
  }
  std::sort(read.begin(), read.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return read;
}

Status CheckRenames(const Catalog& catalog) {
  std::vector<std::pair<ColumnName, const CatalogField*>> sources;
  for (const CatalogField& field : catalog.fields) {
    if (field.renamed_from) sources.emplace_back(*field.renamed_from, &field);
  }
  std::sort(sources.begin(), sources.end());
  for (std::size_t i = 1; i < sources.size(); ++i) {
    if (sources[i].first != sources[i - 1].first) continue;
    const CatalogField& second = *sources[i].second;
    return Refused("is named by two fields").At("field." + second.name.ToText() + ".renamed_from").AtLine(second.line);
  }
  return {};
}

}  // namespace

const CatalogField* Catalog::Find(const ColumnName& name) const {
  const auto by_name = [](const CatalogField& field, const ColumnName& wanted) { return field.name < wanted; };
  const auto found = std::lower_bound(fields.begin(), fields.end(), name, by_name);
  return found != fields.end() && found->name == name ? &*found : nullptr;
}

Result<Catalog> ParseCatalog(std::string_view text) {
  COFFER_ASSIGN_OR_RETURN(const TomlNode top, ParseToml(text, kMaxCatalogBytes));
  Catalog catalog;
  for (const auto& [key, entry] : top.entries) {
    if (key == "scope") {
      Status read = Store(ReadScope(entry->value), catalog.scope);
      if (!read.ok()) return std::move(read).error().At("scope").AtLine(entry->key_line);
    } else if (key == "field") {
      COFFER_TRY(Store(ReadFields(entry->value), catalog.fields));
    } else {
      return Refused("is not a key of a catalog").At(key).AtLine(entry->key_line);
    }
  }
  if (catalog.scope.empty()) return Refused("is required").At("scope");
  COFFER_TRY(CheckRenames(catalog));
  COFFER_TRY(CheckIndexesOf(catalog));
  return catalog;
}

}  // namespace coffer::policy
