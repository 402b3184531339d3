// A field's plaintext as an index takes it (docs/FORMAT.md section 5): text transformed, numbers and UUIDs as their
// bytes, ordered types as their order. All functions are thread-safe; messages never hold the value.
#pragma once

#include "crypto/secret_bytes.h"
#include "policy/index_declaration.h"

namespace coffer::policy {

// m(x) of a value of an ordered type, from its text:
//
//   int64      decimal digits, with '-' before them for a negative number
//   timestamp  2027-01-31T23:59:59.123456+01:00, also ' ' for 'T' and "+01" or "+00:19:32" as PostgreSQL has it; up to
//   6
//              decimals; an offset is required; years 0000 to 9999
//   decimal    -?[0-9]+(\.[0-9]+)?
//   double     what std::from_chars takes, so 1e-3 and inf as well
//
// kInvalidArgument: anything else, a value without an order (NaN), or a type without one.
Result<std::uint64_t> OrderOf(const IndexedValue& form, std::string_view text);

// The bytes that IndexTokenizer takes of a value of the other types: text transformed, bytes verbatim, an int64 as 8
// bytes, a UUID (36 characters) as 16. kInvalidArgument: another text, one that a transform refuses, or an ordered type
// that has no bytes (timestamp, decimal, double).
Result<SecretBytes> IndexedBytes(const IndexedValue& form, ByteView plaintext);

// True when `utf8` is UTF-8 of code points up to U+024F (Latin with its extensions) and nothing else. Unicode 5.0 and
// all later versions assign each of these, and its stability policy keeps their NFKC_Casefold as it is, so tokens of
// such a text are the same whatever version of Unicode made them.
bool IsStableText(ByteView utf8);

}  // namespace coffer::policy
