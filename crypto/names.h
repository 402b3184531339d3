// Names and text forms (docs/FORMAT.md section 6). Strict: what is accepted re-serialises to the same text.
#pragma once

#include <optional>

#include "crypto/bytes.h"

namespace coffer {

// [a-z_][a-z0-9_]{0,62}: scopes, tables, columns, keyrings' and tenants' names use [a-z0-9][a-z0-9-]{0,62} (IsSlug).
bool IsIdentifier(std::string_view text);
bool IsSlug(std::string_view text);

// The built-in field that the vault's secrets are encrypted in: the one name with two parts.
inline constexpr std::string_view kSecretField = "coffer.secret";

// "scope.table.column", or "coffer.secret" with an empty table.
struct FieldName {
  std::string scope;
  std::string table;
  std::string column;
  static FieldName Secret() { return {"coffer", "", "secret"}; }
  bool IsSecret() const { return table.empty(); }
  std::string ToText() const;
  static Result<FieldName> Parse(std::string_view text);
};

// A secret's path in the vault: 1 to 8 segments of 1 to 64 characters (counted escaped).
class SecretPath {
 public:
  // The escaped text as callers write it.
  static Result<SecretPath> Parse(std::string_view text);
  // From raw segments, which are escaped here: every byte outside [A-Za-z0-9._~-] as %XX in upper case.
  static Result<SecretPath> FromSegments(std::span<const std::string> segments);
  const std::string& text() const { return text_; }
  std::vector<std::string> Segments() const;  // unescaped
  bool operator==(const SecretPath&) const = default;

 private:
  explicit SecretPath(std::string text) : text_(std::move(text)) {}
  std::string text_;
};
inline constexpr std::size_t kMaxSecretPath = 8 * 64 + 7;

// "coffer://<path>" with an optional "#<version>".
struct SecretReference {
  SecretPath path;
  std::optional<std::uint64_t> version;  // 1 to 2^63 - 1
  std::string ToText() const;
  static Result<SecretReference> Parse(std::string_view text);
};
inline constexpr std::string_view kSecretScheme = "coffer://";

// "coffer:v1:" + base64url of a field ciphertext (IsFieldCiphertext); at most 4,194,304 bytes of text.
std::string CiphertextToText(ByteView ciphertext);
Result<Bytes> CiphertextFromText(std::string_view text);

}  // namespace coffer
