// Properties of the codecs over inputs drawn from a fixed seed: what is written parses to the same, and a changed byte
// is either refused or written back as it was read.
#include <random>

#include <gtest/gtest.h>

#include "crypto/internal/value_codec.h"
#include "crypto/names.h"
#include "tests/crypto/vectors.h"

namespace coffer {
namespace {

class CodecPropertiesTest : public testing::Test {
 protected:
  std::size_t Below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_); }
  std::byte AnyByte() { return static_cast<std::byte>(Below(256)); }
  std::string AnyText(std::size_t max) {
    static const std::string_view kPieces[] = {
        "a", "Z", "0", "_", " ", "\n", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x94\x91"};
    std::string text;
    for (std::size_t i = Below(max + 1); i > 0; --i) text += kPieces[Below(std::size(kPieces))];
    return text;
  }
  ScalarView AnyValue(bool may_be_null) {
    switch (Below(may_be_null ? 5 : 4)) {
      case 0:
        return static_cast<std::int64_t>(random_());
      case 1: {
        Uuid uuid;
        for (std::byte& b : uuid.bytes) b = AnyByte();
        return uuid;
      }
      case 2:
        return TextView{*texts_.emplace_back(std::make_unique<std::string>(AnyText(20)))};
      case 3:
        return BytesView{AsBytes(*texts_.emplace_back(std::make_unique<std::string>(AnyText(20))))};
      default:
        return NullValue{};
    }
  }
  Bytes AnyRow() {
    std::vector<ScalarView> parts;
    for (std::size_t i = Below(5) + 1; i > 0; --i) parts.push_back(AnyValue(false));
    Bytes out;
    EXPECT_TRUE(EncodeRow(parts, out).ok());
    return out;
  }
  Bytes AnyContext() {
    std::vector<BoundColumn> columns;
    for (std::size_t i = Below(5) + 1; i > 0; --i) {
      std::string& name = *texts_.emplace_back(std::make_unique<std::string>(std::to_string(i)));
      name += AnyText(5);
      columns.push_back({name, AnyValue(true)});
    }
    Bytes out;
    EXPECT_TRUE(EncodeContext(columns, out).ok());
    return out;
  }
  Bytes Mutated(Bytes bytes) {
    const std::size_t place = Below(bytes.size());
    switch (Below(4)) {
      case 0:
        bytes[place] = AnyByte();
        break;
      case 1:
        bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(place));
        break;
      case 2:
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(place), AnyByte());
        break;
      default:
        bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(place), bytes.end());
    }
    return bytes;
  }

 private:
  std::mt19937_64 random_{20240607};
  std::vector<std::unique_ptr<std::string>> texts_;
};

std::string RowAgain(ByteView encoded) {
  const auto parts = ParseRow(encoded);
  if (!parts.ok()) return "refused";
  Bytes out;
  EXPECT_TRUE(EncodeRow(*parts, out).ok());
  return ToHex(out);
}

std::string ContextAgain(ByteView encoded) {
  const auto columns = ParseContext(encoded);
  if (!columns.ok()) return "refused";
  Bytes out;
  EXPECT_TRUE(EncodeContext(*columns, out).ok());
  return ToHex(out);
}

TEST_F(CodecPropertiesTest, RowsRoundTripAndAreNotMalleable) {
  int refused = 0;
  for (int i = 0; i < 5000; ++i) {
    const Bytes encoded = AnyRow();
    ASSERT_EQ(RowAgain(encoded), ToHex(encoded));
    const Bytes mutated = Mutated(encoded);
    const std::string again = RowAgain(mutated);
    if (again == "refused") {
      ++refused;
    } else {
      ASSERT_EQ(again, ToHex(mutated));
    }
  }
  EXPECT_GT(refused, 2000);
}

TEST_F(CodecPropertiesTest, ContextsRoundTripAndAreNotMalleable) {
  int refused = 0;
  for (int i = 0; i < 5000; ++i) {
    const Bytes encoded = AnyContext();
    ASSERT_EQ(ContextAgain(encoded), ToHex(encoded));
    const Bytes mutated = Mutated(encoded);
    const std::string again = ContextAgain(mutated);
    if (again == "refused") {
      ++refused;
    } else {
      ASSERT_EQ(again, ToHex(mutated));
    }
  }
  EXPECT_GT(refused, 2000);
}

TEST_F(CodecPropertiesTest, PathsRoundTripFromAnySegments) {
  for (int i = 0; i < 3000; ++i) {
    std::vector<std::string> segments;
    for (std::size_t n = Below(8) + 1; n > 0; --n) segments.push_back("x" + AnyText(5));
    const auto path = SecretPath::FromSegments(segments);
    ASSERT_TRUE(path.ok());
    EXPECT_EQ(path->Segments(), segments);
    const SecretReference reference{*path,
                                    Below(2) == 0 ? std::nullopt : std::optional<std::uint64_t>(Below(1000) + 1)};
    const auto parsed = SecretReference::Parse(reference.ToText());
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(parsed->path, *path);
    EXPECT_EQ(parsed->version, reference.version);
  }
}

TEST_F(CodecPropertiesTest, CursorsNeverReadBeyondTheEnd) {
  for (int i = 0; i < 5000; ++i) {
    Bytes bytes(Below(40));
    for (std::byte& b : bytes) b = Below(3) == 0 ? AnyByte() : std::byte{0};
    Reader reader(bytes);
    std::size_t taken = 0;
    while (!reader.failed() && reader.remaining() > 0) {
      const std::size_t before = reader.remaining();
      switch (Below(4)) {
        case 0:
          reader.U8();
          break;
        case 1:
          reader.U32();
          break;
        case 2:
          reader.Take(Below(10));
          break;
        default:
          reader.TakeLengthPrefixed(Below(20));
      }
      ASSERT_LE(reader.remaining(), before);
      taken += before - reader.remaining();
    }
    ASSERT_EQ(taken + reader.remaining(), bytes.size());
  }
}

TEST(ValueCodecTest, LimitIsTheCallers) {
  Bytes out;
  EXPECT_TRUE(internal::AppendValue(TextView{"abc"}, 3, out).ok());
  EXPECT_EQ(internal::AppendValue(TextView{"abcd"}, 3, out).error().limit(), 3U);
  EXPECT_EQ(out.size(), 8U) << "an error leaves the output as it was";
  Reader reader(out);
  EXPECT_TRUE(internal::ReadValue(reader, 3).ok());
  Reader strict(out);
  EXPECT_FALSE(internal::ReadValue(strict, 2).ok());
}

TEST(ValueCodecTest, ReadsOneValueAndLeavesTheRest) {
  const Bytes two =
      Hex("00"
          "010000000000000005");
  Reader reader(two);
  EXPECT_EQ(TypeOf(internal::ReadValue(reader, 10).value()), ValueType::kNull);
  EXPECT_EQ(std::get<std::int64_t>(internal::ReadValue(reader, 10).value()), 5);
  EXPECT_TRUE(reader.Finish());
  EXPECT_FALSE(internal::ReadValue(reader, 10).ok()) << "nothing is left";
}

}  // namespace
}  // namespace coffer
