// The text of a lock: the writer, and the reader that accepts nothing else.
#include <algorithm>

#include "crypto/hash.h"
#include "policy/catalog_lock.h"
#include "policy/internal/index_lock_text.h"
#include "policy/internal/index_values.h"
#include "policy/internal/lock_text.h"
#include "policy/internal/table_reader.h"

namespace coffer::policy {
namespace {

using Kind = TomlNode::Kind;

constexpr std::string_view kHead =
    "# Written by Coffer: keep it beside the catalog, in version control, and do not edit it.\n"
    "# The ids in it are part of every ciphertext: without them an empty store cannot decrypt.\n";
constexpr std::int64_t kLockFormat = 1;
constexpr Literal kNoKey = "is not a key of a lock";

std::string PadText(std::uint8_t multiple) { return multiple == 0 ? "\"none\"" : std::to_string(multiple); }

std::string RowText(const std::vector<ValueType>& row) {
  if (row.size() == 1) return Quoted(ValueTypeName(row.front()));
  return ListText(row, [](ValueType type) { return Quoted(ValueTypeName(type)); });
}

std::string BindText(const std::vector<BoundType>& bind) {
  std::string out;
  for (const BoundType& bound : bind)
    out += (out.empty() ? "" : ", ") + bound.column + " = " + Quoted(ValueTypeName(bound.type));
  return "{ " + out + " }";
}

std::string FormText(const FieldForm& form) {
  std::string out = "suite = " + std::to_string(static_cast<unsigned>(form.suite));
  out += ", pad = " + PadText(form.pad_multiple);
  out += ", row_bound = ";
  out += BoolWord(form.row_bound);
  out += ", context_bound = ";
  out += BoolWord(form.context_bound);
  return out;
}

void WriteFormer(const LockedField& field, std::string& out) {
  if (!field.former_names.empty()) {
    const auto quoted = [](const ColumnName& name) { return Quoted(name.ToText()); };
    out += "former_names = " + ListText(field.former_names, quoted) + "\n";
  }
  if (field.former.empty()) return;
  out += "former = [\n";
  for (const FormerDeclaration& former : field.former) {
    out += "  { keyring = " + Quoted(former.keyring) + ", " + FormText(former.form);
    if (former.until_unix_s) out += ", until = " + std::to_string(*former.until_unix_s);
    out += " },\n";
  }
  out += "]\n";
}

void WriteField(const LockedField& field, std::string& out) {
  const FieldDeclaration& now = field.now;
  out += "\n[field." + Quoted(field.name.ToText()) + "]\n";
  out += "id = " + Quoted(field.uuid.ToText()) + "\n";
  out += "state = " + Quoted(field.retired ? "retired" : "live") + "\n";
  out += "class = " + Quoted(FieldClassName(now.field_class)) + "\n";
  out += "keyring = " + Quoted(now.keyring) + "\n";
  out += "suite = " + std::to_string(static_cast<unsigned>(now.form.suite)) + "\n";
  out += "pad = " + PadText(now.form.pad_multiple) + "\n";
  out += "bind_row = ";
  out += BoolWord(now.form.row_bound);
  out += "\n";
  if (!now.row.empty()) out += "row = " + RowText(now.row) + "\n";
  if (!now.bind.empty()) out += "bind = " + BindText(now.bind) + "\n";
  if (!now.unbound.empty()) out += "unbound = " + Quoted(now.unbound) + "\n";
  if (field.expect) out += "expect = " + ExpectationText(*field.expect) + "\n";
  WriteFormer(field, out);
  WriteIndexes(field, out);
}

Result<std::int64_t> ReadInteger(const TomlNode& node) {
  if (node.kind != Kind::kInteger || node.integer < 0) return Refused("must be a number, 0 or more");
  return node.integer;
}

template <typename Id>
Result<Id> ReadId(const TomlNode& node) {
  if (node.kind != Kind::kText) return Refused("must be a UUID");
  return Id::Parse(node.text);
}

Result<bool> ReadState(const TomlNode& node) {
  if (node.kind == Kind::kText && node.text == "live") return false;
  if (node.kind == Kind::kText && node.text == "retired") return true;
  return Refused("must be \"live\" or \"retired\"");
}

Result<FormerDeclaration> ReadFormerItem(const TomlNode& node) {
  if (node.kind != Kind::kTable) return Refused("must be a table");
  FormerDeclaration former;
  TableReader reader(node);
  reader.Read("keyring", ReadKeyring, former.keyring);
  reader.Read("suite", ReadSuite, former.form.suite);
  reader.Read("pad", ReadPad, former.form.pad_multiple);
  reader.Read("row_bound", ReadBool, former.form.row_bound);
  reader.Read("context_bound", ReadBool, former.form.context_bound);
  reader.Read("until", ReadInteger, former.until_unix_s, false);
  COFFER_TRY(reader.Finish({"keyring", "suite", "pad", "row_bound", "context_bound", "until"}, kNoKey));
  return former;
}

Result<std::vector<FormerDeclaration>> ReadFormer(const TomlNode& node) {
  if (node.kind != Kind::kArray) return Refused("must be a list");
  std::vector<FormerDeclaration> former;
  for (const TomlNode& item : node.items) {
    COFFER_ASSIGN_OR_RETURN(FormerDeclaration one, ReadFormerItem(item));
    former.push_back(std::move(one));
  }
  return former;
}

Result<std::vector<ColumnName>> ReadFormerNames(const TomlNode& node) {
  if (node.kind != Kind::kArray) return Refused("must be a list");
  std::vector<ColumnName> names;
  for (const TomlNode& item : node.items) {
    const auto name = item.kind == Kind::kText ? ColumnName::Parse(item.text) : std::nullopt;
    if (!name) return Refused("must be a list of \"table.column\"");
    names.push_back(*name);
  }
  return names;
}

Result<LockedField> ReadLockedField(const TomlNode& node) {
  LockedField field;
  TableReader reader(node);
  reader.Read("id", ReadId<FieldUuid>, field.uuid);
  reader.Read("state", ReadState, field.retired);
  reader.Read("class", ReadClass, field.now.field_class);
  reader.Read("keyring", ReadKeyring, field.now.keyring);
  reader.Read("suite", ReadSuite, field.now.form.suite);
  reader.Read("pad", ReadPad, field.now.form.pad_multiple);
  reader.Read("bind_row", ReadBool, field.now.form.row_bound);
  reader.Read("row", ReadRowTypes, field.now.row, false);
  reader.Read("bind", ReadBind, field.now.bind, false);
  reader.Read("unbound", ReadReason, field.now.unbound, false);
  reader.Read("former_names", ReadFormerNames, field.former_names, false);
  reader.Read("former", ReadFormer, field.former, false);
  reader.Read("expect", ReadExpectation, field.expect, false);
  reader.Read("index", ReadLockedIndexes, field.indexes, false);
  field.now.form.context_bound = !field.now.bind.empty();
  COFFER_TRY(reader.Finish({"id", "state", "class", "keyring", "suite", "pad", "bind_row", "row", "bind", "unbound",
                            "former_names", "former", "expect", "index"},
                           kNoKey));
  return field;
}

Result<std::vector<LockedField>> ReadLockedFields(const TomlNode& node) {
  if (node.kind != Kind::kTable) return Refused("must be a table");
  if (node.entries.size() > kMaxLockFields) return Refused("holds more fields than allowed").WithLimit(kMaxLockFields);
  std::vector<LockedField> fields;
  for (const auto& [key, entry] : node.entries) {
    const auto name = ColumnName::Parse(key);
    if (!name || entry->value.kind != Kind::kTable) return Refused("is not a field").At(key).AtLine(entry->key_line);
    Result<LockedField> field = ReadLockedField(entry->value);
    if (!field.ok()) return std::move(field).error().At(key);
    field->name = *name;
    fields.push_back(std::move(field).value());
  }
  std::sort(fields.begin(), fields.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return fields;
}

Result<std::int64_t> ReadFormat(const TomlNode& node) {
  if (node.kind != Kind::kInteger || node.integer != kLockFormat)
    return Refused("is not a lock format that this version reads");
  return node.integer;
}

}  // namespace

std::string WriteCatalogLock(const CatalogLock& lock) {
  std::string body = "scope = " + Quoted(lock.scope) + "\n";
  body += "scope_id = " + Quoted(lock.uuid.ToText()) + "\n";
  body += "serial = " + std::to_string(lock.serial) + "\n";
  for (const LockedField& field : lock.fields) WriteField(field, body);
  WriteDomains(lock.domains, body);
  std::string out(kHead);
  out += "format = " + std::to_string(kLockFormat) + "\n";
  out += "checksum = " + Quoted(ToHex(Sha256({AsBytes(body)}))) + "\n";
  return out + body;
}

Result<CatalogLock> ParseCatalogLock(std::string_view text) {
  COFFER_ASSIGN_OR_RETURN(const TomlNode top, ParseToml(text, kMaxLockBytes));
  CatalogLock lock;
  std::int64_t format = 0;
  std::int64_t serial = 0;
  std::string checksum;  // compared with the rest of the text
  TableReader reader(top);
  reader.Read("format", ReadFormat, format);
  reader.Read("checksum", ReadText, checksum);
  reader.Read("scope", ReadScope, lock.scope);
  reader.Read("scope_id", ReadId<ScopeUuid>, lock.uuid);
  reader.Read("serial", ReadInteger, serial);
  reader.Read("field", ReadLockedFields, lock.fields, false);
  reader.Read("domain", ReadLockedDomains, lock.domains, false);
  COFFER_TRY(reader.Finish({"format", "checksum", "scope", "scope_id", "serial", "field", "domain"}, kNoKey));
  lock.serial = static_cast<std::uint64_t>(serial);
  COFFER_TRY(ValidateCatalogLock(lock));
  if (WriteCatalogLock(lock) != text)
    return Refused("is not the text that Coffer writes: it was edited or cut off").At("catalog.lock");
  return lock;
}

}  // namespace coffer::policy
