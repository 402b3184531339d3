// Secure values as Grafana names them, and where they are in the vault: <prefix>/<namespace>/<name>. What Grafana knows
// of a value besides stands in the secret's metadata, which is not secret.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "crypto/names.h"

namespace coffer::grafana {

inline constexpr std::string_view kSecretAudience = "secret.grafana.app";
inline constexpr std::size_t kMaxSecureValue = 24'576;     // bytes; at least 1
inline constexpr std::size_t kMaxSecureValueName = 253;    // characters
inline constexpr std::size_t kMaxSecureValueNames = 100;   // a call: a full reply stays below the 4 MiB that Go takes
inline constexpr std::size_t kMaxNamespace = 64;           // characters
inline constexpr std::size_t kMaxOwnerPart = 253;          // bytes
inline constexpr std::size_t kMaxSecureDescription = 512;  // bytes
inline constexpr std::string_view kAllNamespaces = "*";    // of a token or of a list, never of a value

// Keys of the metadata. An owner is OwnerReference::ToText; decrypters are identities with commas between them.
inline constexpr std::string_view kOwnerKey = "grafana-owner";
inline constexpr std::string_view kDecryptersKey = "grafana-decrypters";
inline constexpr std::string_view kDescriptionKey = "grafana-description";

// One text a namespace: "default" (organisation 1), "org-<n>" from 2, "stacks-<n>" from 1, for which "stack-<n>" is
// taken too. kInvalidArgument: anything else.
Result<std::string> CanonicalNamespace(std::string_view text);

// 1 to kMaxSecureValueName characters of [a-z0-9.-], the first and the last a letter or a digit.
Status CheckSecureValueName(std::string_view name);

// A name that who calls goes by: 1 to 63 of [a-z0-9.-], as above.
bool IsIdentity(std::string_view text);

// The resource that a value belongs to.
struct OwnerReference {
  std::string api_group;
  std::string api_version;
  std::string kind;
  std::string name;

  // kInvalidArgument: a part is empty, longer than kMaxOwnerPart, or has other characters than [A-Za-z0-9._-]; or they
  // are together longer than metadata may be.
  Status Check() const;
  // "group/kind/name". Which version it is written in does not matter.
  std::string ToText() const;
};

// Where a value is. nullopt: the vault cannot have such a name.
std::optional<SecretPath> PathOfSecureValue(const SecretPath& prefix, std::string_view namespace_name,
                                            std::string_view name);
// Where the key is that signs access tokens: <prefix>/access-token-key, which is no value's place.
// kInvalidArgument: the prefix has no room for the segments below it.
Result<SecretPath> PathOfAccessTokenKey(const SecretPath& prefix);

// "inline-" and 32 hex digits of randomness.
std::string MakeInlineName();

// Whether a list of decrypters, as it stands in the metadata, has this identity.
bool HasDecrypter(std::string_view list, std::string_view identity);

}  // namespace coffer::grafana
