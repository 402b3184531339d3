// Transforms of text before it is indexed: a closed list, because tokens that are stored were made with them
// (docs/FORMAT.md section 5, "Transforms of text").
//
// What is transformed is plaintext: it is worked on in memory that is wiped. All functions are thread-safe.
#pragma once

#include <span>
#include <string>

#include "crypto/secret_bytes.h"

namespace coffer {

enum class TransformKind : std::uint8_t {
  kTrim,            // "trim": drops White_Space at both ends
  kNfkcCasefold,    // "nfkc_casefold": by utf8proc's tables; refuses what UnicodeVersion() does not assign
  kAsciiCasefold,   // "ascii_casefold": A-Z become a-z
  kDigits,          // "digits": keeps 0-9 only
  kEmailLocal,      // "email_local": what is before the last @
  kEmailDomain,     // "email_domain": what is after it
  kEmailStripPlus,  // "email_strip_plus": drops +tag before the last @
  kFirst,           // "first:N": the first N code points
  kLast,            // "last:N": the last N
  kE164,            // "e164", "e164:CC": a telephone number as + and digits (ITU-T E.164)
};

struct Transform {
  TransformKind kind = TransformKind::kTrim;
  // kFirst, kLast: 1 to 255. kE164: the country code of national numbers, 1 to 999, or 0 for none. Else 0.
  std::uint16_t parameter = 0;

  auto operator<=>(const Transform&) const = default;

  // The form of the catalog: a name of the list above, with its number in decimal. kInvalidArgument: anything else;
  // also a country code whose national numbers keep their leading 0.
  static Result<Transform> Parse(std::string_view text);
  // Parse(ToText()) gives the same back for every transform that Parse makes.
  std::string ToText() const;
};

inline constexpr std::size_t kMaxTransforms = 8;
inline constexpr std::size_t kMaxIndexedBytes = 65536;  // of a text or bytes value, before and after each transform

// The version of Unicode that kNfkcCasefold follows, "15.0.0" for one: the library's, and part of an index profile.
std::string_view UnicodeVersion();

// Applies `transforms` from left to right. kInvalidArgument: more than kMaxTransforms; a text that is not UTF-8, has a
// U+0000 or is longer than kMaxIndexedBytes, at first or after a step; a text that a transform refuses.
Result<SecretBytes> ApplyTransforms(std::span<const Transform> transforms, std::string_view text);

}  // namespace coffer
