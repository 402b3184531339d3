#include "policy/internal/index_lock_text.h"

#include <charconv>

#include "crypto/names.h"
#include "policy/index_value.h"
#include "policy/internal/index_values.h"
#include "policy/internal/lock_text.h"
#include "policy/internal/table_reader.h"

namespace coffer::policy {
namespace {

using Kind = TomlNode::Kind;

constexpr std::size_t kShareDigits = 12;
constexpr std::size_t kMaxUnicode = 32;
constexpr Literal kNoKey = "is not a key of a lock";

std::string ShareText(std::uint64_t share) {
  if (share == kWholeShare) return "1.0";
  std::string digits = std::to_string(share);
  digits.insert(0, kShareDigits - digits.size(), '0');
  while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
  return "0." + digits;
}

std::string ValueText(const IndexedValue& value) {
  std::string out = "{ type = " + Quoted(IndexTypeName(value.type));
  if (value.type == IndexType::kDecimal) out += ", scale = " + std::to_string(value.scale);
  if (!value.transforms.empty()) {
    out += ", transform = " + ListText(value.transforms, [](const Transform& step) { return Quoted(step.ToText()); });
  }
  return out + " }";
}

void WriteProfile(const LockedDomain& domain, const IndexProfile& profile, std::string& out) {
  const IndexDefinition& definition = profile.definition;
  const TokenForm& form = definition.form;
  const auto line = [&out](std::string_view key, const std::string& value) {
    out.append(key).append(" = ").append(value).append("\n");
  };
  out += "\n[domain." + Quoted(domain.name) + ".profile." + std::to_string(profile.number) + "]\n";
  line("kind", Quoted(IndexKindName(form.kind)));
  line("values", ListText(definition.values, ValueText));
  line("bits", std::to_string(form.bits));
  line("partitions", std::to_string(form.partitions));
  line("scope", Quoted(definition.global ? "global" : "tenant"));
  if (form.n != 0) line("n", std::to_string(form.n));
  if (!form.lengths.empty()) {
    line("lengths", ListText(form.lengths, [](std::uint8_t length) { return std::to_string(length); }));
  }
  if (form.domain) {
    line("min", Quoted(definition.min));
    line("max", Quoted(definition.max));
    line("sparsity", std::to_string(form.domain->sparsity));
  }
  if (form.count != 0) line("count", std::to_string(form.count));
  if (form.slow) {
    line("slow", "{ passes = " + std::to_string(form.slow->passes) +
                     ", memory_kib = " + std::to_string(form.slow->memory_kib) + " }");
  }
  if (!profile.unicode.empty()) line("unicode", Quoted(profile.unicode));
}

std::string VersionText(const LockedIndexVersion& version) {
  std::string out = "{ version = " + std::to_string(version.number);
  out += ", domain = " + Quoted(version.domain);
  out += ", profile = " + std::to_string(version.profile);
  out += ", keyring = " + Quoted(version.keyring);
  out += ", key_version = " + std::to_string(version.key_version.value);
  return out + (version.merged ? ", merged = true }" : " }");
}

void WriteIndex(const ColumnName& field, const LockedIndex& index, std::string& out) {
  out += "\n[field." + Quoted(field.ToText()) + ".index." + Quoted(index.name) + "]\n";
  out += "state = " + Quoted(index.retired ? "retired" : "live") + "\n";
  out.append("unique = ").append(BoolWord(index.unique)).append("\n");
  if (!index.parts.empty()) {
    out += "parts = " + ListText(index.parts, [](const ColumnName& part) { return Quoted(part.ToText()); }) + "\n";
  }
  if (index.expect) out += "expect = " + ExpectationText(*index.expect) + "\n";
  if (!index.accept_leak.empty()) out += "accept_leak = " + Quoted(index.accept_leak) + "\n";
  if (!index.former_names.empty()) out += "former_names = " + ListText(index.former_names, Quoted) + "\n";
  out += "write_version = " + std::to_string(index.write_version) + "\n";
  if (index.stored_version) out += "stored_version = " + std::to_string(*index.stored_version) + "\n";
  out += "versions = [\n";
  for (const LockedIndexVersion& version : index.versions) out += "  " + VersionText(version) + ",\n";
  out += "]\n";
}

Result<std::uint32_t> ReadNumber(const TomlNode& node) {
  COFFER_ASSIGN_OR_RETURN(const std::int64_t number, ReadWithin(node, 1, 0xffffffff, "must be 1 or more"));
  return static_cast<std::uint32_t>(number);
}

Result<KeyVersion> ReadKeyVersion(const TomlNode& node) {
  COFFER_ASSIGN_OR_RETURN(const std::uint32_t number, ReadNumber(node));
  return KeyVersion{number};
}

Result<bool> ReadIndexState(const TomlNode& node) {
  if (node.kind == Kind::kText && node.text == "live") return false;
  if (node.kind == Kind::kText && node.text == "retired") return true;
  return Refused("must be \"live\" or \"retired\"");
}

Result<std::string> ReadUnicode(const TomlNode& node) {
  const auto is_plain = [](char c) { return c == '.' || (c >= '0' && c <= '9'); };
  if (node.kind != Kind::kText || node.text.empty() || node.text.size() > kMaxUnicode ||
      !std::all_of(node.text.begin(), node.text.end(), is_plain)) {
    return Refused("is not a version of Unicode");
  }
  return node.text;
}

// One reader for each item of a list.
template <typename Item>
Result<std::vector<Item>> ReadList(const TomlNode& node, Result<Item> (*read)(const TomlNode&)) {
  if (node.kind != Kind::kArray) return Refused("must be a list");
  std::vector<Item> items;
  for (const TomlNode& item : node.items) {
    Result<Item> one = read(item);
    if (!one.ok()) return OnLine(std::move(one).error(), item.line);
    items.push_back(std::move(one).value());
  }
  return items;
}

Result<IndexedValue> ReadValue(const TomlNode& node) {
  if (node.kind != Kind::kTable) return Refused("must be a table");
  IndexedValue value;
  TableReader reader(node);
  reader.Read("type", ReadIndexType, value.type);
  reader.Read("scale", ReadScale, value.scale, false);
  reader.Read("transform", ReadTransforms, value.transforms, false);
  COFFER_TRY(reader.Finish({"type", "scale", "transform"}, kNoKey));
  return value;
}

Result<std::vector<IndexedValue>> ReadValues(const TomlNode& node) { return ReadList(node, ReadValue); }
Result<std::vector<ColumnName>> ReadPartNames(const TomlNode& node) { return ReadList(node, ReadColumnName); }
Result<std::vector<std::string>> ReadIndexNames(const TomlNode& node) { return ReadList(node, ReadIndexName); }

Result<std::string> ReadDomainName(const TomlNode& node) {
  if (node.kind == Kind::kText && (IsIdentifier(node.text) || IndexDomainUuid::Parse(node.text).ok())) return node.text;
  return Refused("is not a domain's name or id");
}

Result<LockedIndexVersion> ReadVersion(const TomlNode& node) {
  if (node.kind != Kind::kTable) return Refused("must be a table");
  LockedIndexVersion version;
  TableReader reader(node);
  reader.Read("version", ReadIndexVersion, version.number);
  reader.Read("domain", ReadDomainName, version.domain);
  reader.Read("profile", ReadNumber, version.profile);
  reader.Read("keyring", ReadKeyring, version.keyring);
  reader.Read("key_version", ReadKeyVersion, version.key_version);
  reader.Read("merged", ReadBool, version.merged, false);
  COFFER_TRY(reader.Finish({"version", "domain", "profile", "keyring", "key_version", "merged"}, kNoKey));
  return version;
}

Result<std::vector<LockedIndexVersion>> ReadVersions(const TomlNode& node) { return ReadList(node, ReadVersion); }

Result<LockedIndex> ReadLockedIndex(const TomlNode& node) {
  LockedIndex index;
  TableReader reader(node);
  reader.Read("state", ReadIndexState, index.retired);
  reader.Read("unique", ReadBool, index.unique);
  reader.Read("parts", ReadPartNames, index.parts, false);
  reader.Read("expect", ReadExpectation, index.expect, false);
  reader.Read("accept_leak", ReadReason, index.accept_leak, false);
  reader.Read("former_names", ReadIndexNames, index.former_names, false);
  reader.Read("write_version", ReadIndexVersion, index.write_version);
  reader.Read("stored_version", ReadIndexVersion, index.stored_version, false);
  reader.Read("versions", ReadVersions, index.versions);
  COFFER_TRY(reader.Finish({"state", "unique", "parts", "expect", "accept_leak", "former_names", "write_version",
                            "stored_version", "versions"},
                           kNoKey));
  return index;
}

// What RangeDomain holds of the ends, from the texts.
Status ReadOrders(IndexDefinition& definition, std::uint8_t sparsity) {
  if (definition.form.kind != IndexKind::kRange || definition.values.size() != 1) {
    return Refused("is a range index's, over one value").At("min");
  }
  RangeDomain domain;
  domain.sparsity = sparsity;
  Result<std::uint64_t> min = OrderOf(definition.values.front(), definition.min);
  if (!min.ok()) return std::move(min).error().At("min");
  Result<std::uint64_t> max = OrderOf(definition.values.front(), definition.max);
  if (!max.ok()) return std::move(max).error().At("max");
  domain.min = *min;
  domain.max = *max;
  definition.form.domain = domain;
  return {};
}

Result<IndexProfile> ReadProfile(const TomlNode& node) {
  if (node.kind != Kind::kTable) return Refused("must be a table").AtLine(node.line);
  IndexProfile profile;
  IndexDefinition& definition = profile.definition;
  TokenForm& form = definition.form;
  std::uint8_t sparsity = 0;
  TableReader reader(node);
  reader.Read("kind", ReadIndexKind, form.kind);
  reader.Read("values", ReadValues, definition.values);
  reader.Read("bits", ReadBits, form.bits);
  reader.Read("partitions", ReadPartitions, form.partitions);
  reader.Read("scope", ReadIndexScope, definition.global);
  reader.Read("n", ReadN, form.n, false);
  reader.Read("lengths", ReadLengths, form.lengths, false);
  reader.Read("min", ReadEnd, definition.min, false);
  reader.Read("max", ReadEnd, definition.max, false);
  reader.Read("sparsity", ReadSparsity, sparsity, false);
  reader.Read("count", ReadCount, form.count, false);
  reader.Read("slow", ReadSlow, form.slow, false);
  reader.Read("unicode", ReadUnicode, profile.unicode, false);
  COFFER_TRY(reader.Finish({"kind", "values", "bits", "partitions", "scope", "n", "lengths", "min", "max", "sparsity",
                            "count", "slow", "unicode"},
                           kNoKey));
  form.column = ColumnOf(form.kind, form.bits);
  if (sparsity != 0) {
    Status orders = ReadOrders(definition, sparsity);
    if (!orders.ok()) return OnLine(std::move(orders).error(), node.line);
  }
  return profile;
}

// "12", without a leading zero; 0 when it is not.
std::uint32_t ProfileNumber(const std::string& key) {
  std::uint32_t number = 0;
  const auto [end, failure] = std::from_chars(key.data(), key.data() + key.size(), number);
  const bool plain = failure == std::errc() && end == key.data() + key.size() && key.front() != '0';
  return plain ? number : 0;
}

Result<std::vector<IndexProfile>> ReadProfiles(const TomlNode& node) {
  if (node.kind != Kind::kTable) return Refused("must be a table");
  if (node.entries.size() > kMaxProfiles) return Refused("holds more profiles than allowed").WithLimit(kMaxProfiles);
  std::vector<IndexProfile> profiles;
  for (const auto& [key, entry] : node.entries) {
    const std::uint32_t number = ProfileNumber(key);
    if (number == 0) return Refused("is not a profile's number").At(key).AtLine(entry->key_line);
    Result<IndexProfile> profile = ReadProfile(entry->value);
    if (!profile.ok()) return std::move(profile).error().At(key);
    profile->number = number;
    profiles.push_back(std::move(profile).value());
  }
  std::sort(profiles.begin(), profiles.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  return profiles;
}

Result<IndexDomainUuid> ReadDomainId(const TomlNode& node) {
  if (node.kind != Kind::kText) return Refused("must be a UUID");
  return IndexDomainUuid::Parse(node.text);
}

Result<LockedDomain> ReadLockedDomain(const TomlNode& node) {
  LockedDomain domain;
  TableReader reader(node);
  reader.Read("id", ReadDomainId, domain.uuid);
  reader.Read("profile", ReadProfiles, domain.profiles);
  COFFER_TRY(reader.Finish({"id", "profile"}, kNoKey));
  return domain;
}

// The tables of a table, by name, which `read` reads.
template <typename Item>
Result<std::vector<Item>> ReadTables(const TomlNode& node, Result<Item> (*read)(const TomlNode&)) {
  if (node.kind != Kind::kTable) return Refused("must be a table").AtLine(node.line);
  std::vector<Item> items;
  for (const auto& [key, entry] : node.entries) {
    if (entry->value.kind != Kind::kTable) return Refused("must be a table").At(key).AtLine(entry->key_line);
    Result<Item> item = read(entry->value);
    if (!item.ok()) return std::move(item).error().At(key);
    item->name = key;
    items.push_back(std::move(item).value());
  }
  return items;
}

}  // namespace

std::string ExpectationText(const Expectation& expect) {
  return "{ rows = " + std::to_string(expect.rows) + ", distinct = " + std::to_string(expect.distinct) +
         ", top_share = " + ShareText(expect.top_share) + " }";
}

void WriteIndexes(const LockedField& field, std::string& out) {
  for (const LockedIndex& index : field.indexes) WriteIndex(field.name, index, out);
}

void WriteDomains(const std::vector<LockedDomain>& domains, std::string& out) {
  for (const LockedDomain& domain : domains) {
    out += "\n[domain." + Quoted(domain.name) + "]\n";
    out += "id = " + Quoted(domain.uuid.ToText()) + "\n";
    for (const IndexProfile& profile : domain.profiles) WriteProfile(domain, profile, out);
  }
}

Result<std::vector<LockedIndex>> ReadLockedIndexes(const TomlNode& node) {
  if (node.entries.size() > kMaxLockIndexes) {
    return Refused("holds more indexes than allowed").WithLimit(kMaxLockIndexes);
  }
  return ReadTables(node, ReadLockedIndex);
}

Result<std::vector<LockedDomain>> ReadLockedDomains(const TomlNode& node) {
  if (node.entries.size() > kMaxLockDomains) {
    return Refused("holds more domains than allowed").WithLimit(kMaxLockDomains);
  }
  return ReadTables(node, ReadLockedDomain);
}

}  // namespace coffer::policy
