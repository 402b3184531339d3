#include "policy/internal/policy_values.h"

#include <algorithm>

#include "crypto/names.h"
#include "policy/internal/field_values.h"

namespace coffer::policy {
namespace {

constexpr std::size_t kMaxPurpose = 64;

}  // namespace

bool IsPurpose(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !text.empty() && text.size() <= kMaxPurpose && std::all_of(text.begin(), text.end(), fits);
}

bool IsRuleField(std::string_view text) { return text != kSecretField && FieldName::Parse(text).ok(); }

Result<std::optional<std::int64_t>> ReadMoment(const TomlNode& node) {
  if (node.kind != TomlNode::Kind::kInstant || node.integer <= 0) {
    return Refused("must be a date and time with an offset, in whole seconds, like 2027-01-31T00:00:00Z");
  }
  return std::optional(node.integer);
}

}  // namespace coffer::policy
