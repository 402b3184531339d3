#include "plugins/grafana/securevalues/secure_value_calls.h"

#include <algorithm>
#include <array>
#include <set>

#include "crypto/random.h"

namespace coffer::grafana {
namespace {

constexpr std::string_view kPurpose = "grafana-secure-value";
constexpr std::size_t kMaxOnBehalfOf = 128;  // the key service's
constexpr std::string_view kNotThere = "not found, or not for this service";
constexpr std::string_view kUndecryptable = "the value does not decrypt";
constexpr std::string_view kNoText = "the value is not a text of 1 to 24576 bytes";

Error Bad(Literal message) { return {ErrorCode::kInvalidArgument, message}; }

Error NotTheOwners() {
  return Error(ErrorCode::kPermissionDenied, "a value is not there, or does not belong to this owner").At("names");
}

Result<std::string> NamespaceFor(const GrafanaCall& call, std::string_view text) {
  COFFER_ASSIGN_OR_RETURN(std::string name, CanonicalNamespace(text));
  if (call.token.Covers(name)) return name;
  return Error(ErrorCode::kPermissionDenied, "is not the access token's").At("namespace");
}

// Each name once.
Result<std::set<std::string>> CheckNames(const std::vector<std::string>& names) {
  if (names.size() > kMaxSecureValueNames) {
    return Bad("has more names than allowed").At("names").WithLimit(kMaxSecureValueNames);
  }
  for (const std::string& name : names) COFFER_TRY(CheckSecureValueName(name));
  return std::set<std::string>(names.begin(), names.end());
}

std::string NewRequestId() {
  std::array<std::byte, 8> random{};
  FillRandom(random);
  return ToHex(random);
}

// What is about one value, rather than about the key service.
std::optional<std::string_view> RefusalOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound:
    case ErrorCode::kFailedPrecondition:
    case ErrorCode::kPermissionDenied:
      return kNotThere;
    case ErrorCode::kDecryptFailed:
      return kUndecryptable;
    default:
      return std::nullopt;
  }
}

DecryptedValue Refused(std::string_view why) { return {.value = "", .refusal = why}; }

// What does not decrypt is said to those alone who may have it.
Result<std::string_view> SentenceOf(const SecureValueVault& vault, std::string_view namespace_name,
                                    const std::string& name, const std::string& identity, const Error& error) {
  const auto refusal = RefusalOf(error.code());
  if (!refusal) return error;
  if (*refusal != kUndecryptable) return *refusal;
  const auto facts = vault.Describe(namespace_name, name);
  return facts.ok() && HasDecrypter(facts->decrypters, identity) ? kUndecryptable : kNotThere;
}

Result<DecryptedValue> DecryptOne(const SecureValueVault& vault, std::string_view namespace_name,
                                  const std::string& name, const std::string& identity) {
  auto read = vault.Read(namespace_name, name);
  if (!read.ok()) {
    COFFER_ASSIGN_OR_RETURN(const std::string_view sentence,
                            SentenceOf(vault, namespace_name, name, identity, read.error()));
    return Refused(sentence);
  }
  std::string value = std::move(read->value);
  std::string_view refusal;
  if (value.empty() || value.size() > kMaxSecureValue || !IsUtf8(value)) refusal = kNoText;
  if (!HasDecrypter(read->facts.decrypters, identity)) refusal = kNotThere;
  if (refusal.empty()) return DecryptedValue{.value = std::move(value), .refusal = {}};
  Wipe(AsMutableBytes(value));
  return Refused(refusal);
}

// The owner is what the caller says; that it may speak for him, its identity says: another Grafana has the same owners,
// of its own, in the same namespace.
Result<bool> IsOwnedBy(const SecureValueVault& vault, std::string_view namespace_name, const std::string& name,
                       const std::string& owner, const std::string& identity) {
  const auto facts = vault.Describe(namespace_name, name);
  if (!facts.ok()) {
    if (RefusalOf(facts.error().code())) return false;
    return facts.error();
  }
  return facts->owner == owner && HasDecrypter(facts->decrypters, identity);
}

Status CheckTime(const GrafanaCall& call) {
  if (std::chrono::system_clock::now() < call.deadline) return {};
  return Error(ErrorCode::kUnavailable, "the time for this call is over");
}

}  // namespace

std::string GrafanaCall::ToText() const {
  std::string text = token.identity;
  if (service.empty()) return text;
  text += "/" + service;
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c <= ' ' || c > '~'; }, '?');
  return text.substr(0, kMaxOnBehalfOf);
}

Result<std::unique_ptr<client::Client>> SecureValueCalls::ClientFor(const GrafanaCall& call) const {
  client::CallClaims claims{
      .purpose = std::string(kPurpose), .on_behalf_of = call.ToText(), .request_id = NewRequestId()};
  auto client = client_.ForCalls(std::move(claims), vault_patience_);
  if (!client.ok()) return Error(ErrorCode::kInternal, "the call's claims were refused");
  return std::move(client).value();
}

Result<DecryptedValues> SecureValueCalls::Decrypt(const GrafanaCall& call, std::string_view namespace_name,
                                                  const std::vector<std::string>& names) const {
  COFFER_ASSIGN_OR_RETURN(const std::string in, NamespaceFor(call, namespace_name));
  COFFER_ASSIGN_OR_RETURN(const std::set<std::string> unique, CheckNames(names));
  COFFER_ASSIGN_OR_RETURN(const auto client, ClientFor(call));
  const SecureValueVault vault(*client, place_);
  DecryptedValues values;
  for (const std::string& name : unique) {
    COFFER_TRY(CheckTime(call));
    COFFER_ASSIGN_OR_RETURN(values[name], DecryptOne(vault, in, name, call.token.identity));
  }
  return values;
}

Status SecureValueCalls::CanReference(const GrafanaCall& call, std::string_view namespace_name,
                                      const OwnerReference& owner, const std::vector<std::string>& names) const {
  COFFER_ASSIGN_OR_RETURN(const std::string in, NamespaceFor(call, namespace_name));
  COFFER_TRY(owner.Check());
  if (names.empty()) return Bad("must have a name").At("names");
  COFFER_ASSIGN_OR_RETURN(const std::set<std::string> unique, CheckNames(names));
  COFFER_ASSIGN_OR_RETURN(const auto client, ClientFor(call));
  const SecureValueVault vault(*client, place_);
  for (const std::string& name : unique) {
    COFFER_TRY(CheckTime(call));
    COFFER_ASSIGN_OR_RETURN(const bool owned, IsOwnedBy(vault, in, name, owner.ToText(), call.token.identity));
    if (!owned) return NotTheOwners();
  }
  return {};
}

Result<std::string> SecureValueCalls::Create(const GrafanaCall& call, std::string_view namespace_name,
                                             const OwnerReference& owner, std::string_view value,
                                             std::string_view description) const {
  COFFER_ASSIGN_OR_RETURN(const std::string in, NamespaceFor(call, namespace_name));
  COFFER_TRY(owner.Check());
  if (value.empty() || value.size() > kMaxSecureValue) {
    return Bad("must be 1 to 24576 bytes").At("value").WithLimit(kMaxSecureValue);
  }
  if (description.size() > kMaxSecureDescription) {
    return Bad("is longer than allowed, in bytes").At("description").WithLimit(kMaxSecureDescription);
  }
  SecureValueFacts facts{
      .owner = owner.ToText(), .decrypters = owner.api_group, .description = std::string(description)};
  if (!HasDecrypter(facts.decrypters, call.token.identity)) facts.decrypters += "," + call.token.identity;
  COFFER_TRY(CheckTime(call));
  COFFER_ASSIGN_OR_RETURN(const auto client, ClientFor(call));
  const std::string name = MakeInlineName();
  COFFER_TRY(SecureValueVault(*client, place_).Create(in, name, value, facts));
  return name;
}

Result<std::size_t> SecureValueCalls::DeleteOwned(const GrafanaCall& call, std::string_view namespace_name,
                                                  const OwnerReference& owner,
                                                  const std::vector<std::string>& names) const {
  COFFER_ASSIGN_OR_RETURN(const std::string in, NamespaceFor(call, namespace_name));
  COFFER_TRY(owner.Check());
  COFFER_ASSIGN_OR_RETURN(const std::set<std::string> unique, CheckNames(names));
  COFFER_ASSIGN_OR_RETURN(const auto client, ClientFor(call));
  const SecureValueVault vault(*client, place_);
  std::size_t deleted = 0;
  for (const std::string& name : unique) {
    COFFER_TRY(CheckTime(call));
    COFFER_ASSIGN_OR_RETURN(const bool owned, IsOwnedBy(vault, in, name, owner.ToText(), call.token.identity));
    if (!owned) continue;
    COFFER_TRY(vault.Delete(in, name));
    ++deleted;
  }
  return deleted;
}

}  // namespace coffer::grafana
