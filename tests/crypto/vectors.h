// Reading test vectors, and short forms that the tests of crypto/ share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "crypto/derive.h"
#include "crypto/value.h"

namespace coffer {

using Json = nlohmann::json;

// tests/vectors/<name>, which must be there.
Json LoadVectors(const std::string& name);
// The cases of one algorithm of tests/vectors/external.json.
Json LoadExternal(const std::string& algorithm);
// The outside vectors of project Wycheproof beside the repository; nothing when they are not there.
std::optional<Json> LoadWycheproof(const std::string& name);

// Decodes hex that the test wrote itself.
Bytes Hex(std::string_view hex);
Bytes HexOf(const Json& text);
SecretBytes SecretOf(ByteView bytes);
std::uint64_t U64Of(const Json& decimal);
template <typename Id>
Id UuidOfHex(const Json& hex) {
  return Id::FromBytes(HexOf(hex)).value();
}
// A UUID whose last byte is `last`.
template <typename Id>
Id TestUuid(unsigned last) {
  Id id;
  id.bytes[15] = static_cast<std::byte>(last);
  return id;
}
std::string Revealed(const SecretBytes& secret);
// The UTF-8 of one code point that is no surrogate.
std::string Utf8Of(std::uint32_t point);

// Values of the vectors' notation, with what their views point into.
class OwnedValues {
 public:
  // One value, or the parts of a composite.
  static OwnedValues OfRow(const Json& value);
  static OwnedValues OfList(const Json& values);
  const std::vector<ScalarView>& views() const { return views_; }

 private:
  void Add(const Json& value);
  std::vector<std::unique_ptr<std::string>> storage_;
  std::vector<ScalarView> views_;
};

// Encoded as the vectors' `row` and `context` say; empty for null. An error for a request that cannot be formed.
Result<Bytes> TryRowOf(const Json& row);
Result<Bytes> TryContextOf(const Json& context);
// The same of a case whose request is good.
Bytes RowOf(const Json& row);
Bytes ContextOf(const Json& context);

}  // namespace coffer
