#include "plugins/grafana/securevalues/secure_value.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "crypto/random.h"

namespace coffer::grafana {
namespace {

constexpr std::size_t kMaxMetadataValue = 512;  // the vault's
constexpr std::size_t kMaxIdentity = 63;
constexpr std::string_view kAccessTokenKey = "access-token-key";
constexpr std::string_view kInlinePrefix = "inline-";

Error Bad(Literal message) { return {ErrorCode::kInvalidArgument, message}; }

bool IsLowerOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool IsResourceName(std::string_view text, std::size_t max) {
  return !text.empty() && text.size() <= max && IsLowerOrDigit(text.front()) && IsLowerOrDigit(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return IsLowerOrDigit(c) || c == '.' || c == '-'; });
}

bool IsOwnerPart(std::string_view text) {
  return !text.empty() && text.size() <= kMaxOwnerPart && std::all_of(text.begin(), text.end(), [](char c) {
    return IsLowerOrDigit(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
  });
}

// A number of Go's int64 in its only form.
bool IsNumberFrom(std::string_view digits, std::int64_t least) {
  std::int64_t number = 0;
  const char* const end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end && number >= least && digits.front() != '0';
}

}  // namespace

Result<std::string> CanonicalNamespace(std::string_view text) {
  constexpr std::string_view kOrganisation = "org-";
  constexpr std::string_view kStacks = "stacks-";
  constexpr std::string_view kStack = "stack-";
  if (text == "default") return std::string(text);
  if (text.starts_with(kOrganisation) && IsNumberFrom(text.substr(kOrganisation.size()), 2)) return std::string(text);
  if (text.starts_with(kStacks) && IsNumberFrom(text.substr(kStacks.size()), 1)) return std::string(text);
  if (text.starts_with(kStack) && IsNumberFrom(text.substr(kStack.size()), 1)) {
    return std::string(kStacks) + std::string(text.substr(kStack.size()));
  }
  return Bad("is none of default, org-N from 2, and stacks-N from 1").At("namespace");
}

Status CheckSecureValueName(std::string_view name) {
  if (IsResourceName(name, kMaxSecureValueName)) return {};
  return Bad("is not 1 to 253 of [a-z0-9.-] between letters or digits").At("names").WithLimit(kMaxSecureValueName);
}

bool IsIdentity(std::string_view text) { return IsResourceName(text, kMaxIdentity); }

Status OwnerReference::Check() const {
  const std::array<std::pair<std::string_view, const std::string*>, 4> parts = {{{"owner.api_group", &api_group},
                                                                                 {"owner.api_version", &api_version},
                                                                                 {"owner.kind", &kind},
                                                                                 {"owner.name", &name}}};
  for (const auto& [field, part] : parts) {
    if (!IsOwnerPart(*part)) return Bad("is not 1 to 253 of [A-Za-z0-9._-]").At(field).WithLimit(kMaxOwnerPart);
  }
  if (ToText().size() > kMaxMetadataValue) {
    return Bad("is longer than allowed, in bytes of group, kind and name").At("owner").WithLimit(kMaxMetadataValue);
  }
  return {};
}

std::string OwnerReference::ToText() const { return api_group + "/" + kind + "/" + name; }

std::optional<SecretPath> PathOfSecureValue(const SecretPath& prefix, std::string_view namespace_name,
                                            std::string_view name) {
  auto path = SecretPath::Parse(prefix.text() + "/" + std::string(namespace_name) + "/" + std::string(name));
  if (!path.ok()) return std::nullopt;
  return std::move(path).value();
}

Result<SecretPath> PathOfAccessTokenKey(const SecretPath& prefix) {
  if (!PathOfSecureValue(prefix, "default", MakeInlineName())) {
    return Bad("has no room for two more segments").At("prefix");
  }
  return SecretPath::Parse(prefix.text() + "/" + std::string(kAccessTokenKey));
}

std::string MakeInlineName() {
  std::array<std::byte, 16> random{};
  FillRandom(random);
  return std::string(kInlinePrefix) + ToHex(random);
}

bool HasDecrypter(std::string_view list, std::string_view identity) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view one = list.substr(0, comma);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one == identity && !identity.empty()) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

}  // namespace coffer::grafana
