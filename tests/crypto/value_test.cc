#include "crypto/value.h"

#include <gtest/gtest.h>

#include "tests/crypto/vectors.h"

namespace coffer {
namespace {

Bytes EncodedRow(std::vector<ScalarView> parts) {
  Bytes out;
  EXPECT_TRUE(EncodeRow(parts, out).ok());
  return out;
}

Bytes ReEncodedContext(const std::vector<BoundColumn>& columns) {
  Bytes out;
  EXPECT_TRUE(EncodeContext(columns, out).ok());
  return out;
}

TEST(ValueVectorsTest, PositivesEncodeAndParseBack) {
  int count = 0;
  const Json file = LoadVectors("value_encoding.json");
  for (const Json& c : file.at("positive")) {
    const Bytes expected = HexOf(c.at("encoded"));
    if (c.at("kind") == "row") {
      EXPECT_EQ(RowOf(c.at("value")), expected) << c.at("name");
      const auto parsed = ParseRow(expected);
      ASSERT_TRUE(parsed.ok()) << c.at("name");
      EXPECT_EQ(EncodedRow(*parsed), expected) << c.at("name");
    } else {
      EXPECT_EQ(ContextOf(c.at("context")), expected) << c.at("name");
      const auto parsed = ParseContext(expected);
      ASSERT_TRUE(parsed.ok()) << c.at("name");
      EXPECT_EQ(ReEncodedContext(*parsed), expected) << c.at("name");
    }
    ++count;
  }
  EXPECT_GE(count, 20);
}

TEST(ValueVectorsTest, NegativesDoNotParse) {
  int count = 0;
  const Json file = LoadVectors("value_encoding.json");
  for (const Json& c : file.at("negative")) {
    const Bytes encoded = HexOf(c.at("encoded"));
    const bool parses = c.at("kind") == "row" ? ParseRow(encoded).ok() : ParseContext(encoded).ok();
    EXPECT_FALSE(parses) << c.at("name");
    ++count;
  }
  EXPECT_GE(count, 60);
}

TEST(EncodeValueTest, KnowsEachType) {
  EXPECT_EQ(TypeOf(NullValue{}), ValueType::kNull);
  EXPECT_EQ(TypeOf(std::int64_t{1}), ValueType::kInt64);
  EXPECT_EQ(TypeOf(Uuid{}), ValueType::kUuid);
  EXPECT_EQ(TypeOf(TextView{}), ValueType::kText);
  EXPECT_EQ(TypeOf(BytesView{}), ValueType::kBytes);
}

TEST(EncodeValueTest, AppendsBehindWhatIsThere) {
  Bytes out = Hex("ff");
  ASSERT_TRUE(EncodeValue(TextView{"ab"}, out).ok());
  ASSERT_TRUE(EncodeValue(NullValue{}, out).ok());
  ASSERT_TRUE(EncodeValue(std::int64_t{-1}, out).ok());
  EXPECT_EQ(ToHex(out),
            "ff0300000002616200"
            "01ffffffffffffffff");
}

TEST(EncodeValueTest, LimitIsExact) {
  const std::string longest(kMaxValueBytes, 'x');
  const std::string too_long(kMaxValueBytes + 1, 'x');
  Bytes out = Hex("ab");
  EXPECT_EQ(EncodeValue(TextView{too_long}, out).error().limit(), kMaxValueBytes);
  EXPECT_EQ(EncodeValue(BytesView{AsBytes(too_long)}, out).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(ToHex(out), "ab");
  EXPECT_TRUE(EncodeValue(TextView{longest}, out).ok());
  EXPECT_TRUE(EncodeValue(BytesView{AsBytes(longest)}, out).ok());
}

TEST(EncodeValueTest, RefusesTextThatIsNotUtf8) {
  Bytes out;
  for (std::string_view bad : {"\xff", "\xc0\x80", "\xed\xa0\x80", "ok\xe2\x82"}) {
    EXPECT_EQ(EncodeValue(TextView{bad}, out).error().code(), ErrorCode::kInvalidArgument);
    EXPECT_TRUE(EncodeValue(BytesView{AsBytes(bad)}, out).ok()) << "bytes may be anything";
    out.clear();
  }
}

TEST(EncodeRowTest, RefusesNoneTooManyAndNull) {
  Bytes out = Hex("ab");
  const std::vector<ScalarView> many(256, ScalarView(std::int64_t{1}));
  EXPECT_FALSE(EncodeRow({}, out).ok());
  EXPECT_FALSE(EncodeRow(many, out).ok());
  EXPECT_TRUE(EncodeRow(std::span(many).first(255), out).ok());
  out = Hex("ab");
  const std::vector<ScalarView> null_last = {std::int64_t{1}, NullValue{}};
  EXPECT_FALSE(EncodeRow(null_last, out).ok());
  EXPECT_FALSE(EncodeRow(std::span(null_last).last(1), out).ok());
  EXPECT_EQ(ToHex(out), "ab") << "an error leaves the output as it was";
}

TEST(EncodeRowTest, TypesNeverCollide) {
  const std::vector<std::vector<ScalarView>> rows = {{std::int64_t{42}},
                                                     {TextView{"42"}},
                                                     {BytesView{AsBytes("42")}},
                                                     {Uuid{}},
                                                     {TextView{""}},
                                                     {BytesView{}},
                                                     {TextView{"a"}, TextView{"bc"}},
                                                     {TextView{"ab"}, TextView{"c"}},
                                                     {std::int64_t{42}, std::int64_t{42}}};
  std::set<std::string> encoded;
  for (const auto& row : rows) encoded.insert(ToHex(EncodedRow(row)));
  EXPECT_EQ(encoded.size(), rows.size());
}

TEST(EncodeContextTest, OrderOfColumnsDoesNotMatter) {
  std::vector<BoundColumn> columns = {{"url", TextView{"u"}}, {"login", NullValue{}}, {"log", std::int64_t{1}}};
  const Bytes first = ReEncodedContext(columns);
  std::swap(columns[0], columns[2]);
  EXPECT_EQ(ReEncodedContext(columns), first);
}

TEST(EncodeContextTest, RefusesBadColumns) {
  const std::string too_long(64, 'c');
  const std::vector<std::vector<BoundColumn>> cases = {
      {},
      {{"", std::int64_t{1}}},
      {{too_long, std::int64_t{1}}},
      {{"a\xff", std::int64_t{1}}},
      {{"a", std::int64_t{1}}, {"a", std::int64_t{2}}},
      {{"b", std::int64_t{1}}, {"a", NullValue{}}, {"b", std::int64_t{1}}},
      {{"a", TextView{"\xff"}}},
      std::vector<BoundColumn>(256, BoundColumn{"a", NullValue{}})};
  for (std::size_t i = 0; i < cases.size(); ++i) {
    Bytes out = Hex("ab");
    EXPECT_EQ(EncodeContext(cases[i], out).error().code(), ErrorCode::kInvalidArgument) << i;
    EXPECT_EQ(ToHex(out), "ab") << i;
  }
}

TEST(ParseTest, ParsersHoldTheLimitsOfTheEncoders) {
  Bytes row;
  Writer(row).U8(3).LengthPrefixed(std::string(kMaxValueBytes + 1, 'x'));
  EXPECT_FALSE(ParseRow(row).ok());
  Bytes context;
  Writer(context).U8(1).LengthPrefixed(std::string(kMaxColumnName + 1, 'c')).U8(0);
  EXPECT_FALSE(ParseContext(context).ok());
}

TEST(ParseTest, TruncationAtEveryLengthIsRefused) {
  const Bytes row = EncodedRow({std::int64_t{1}, TextView{"ab"}, Uuid{}, BytesView{}});
  for (std::size_t size = 0; size < row.size(); ++size) EXPECT_FALSE(ParseRow(ByteView(row).first(size)).ok()) << size;
  const Bytes context = ReEncodedContext({{"a", TextView{"x"}}, {"b", NullValue{}}});
  for (std::size_t size = 0; size < context.size(); ++size) {
    EXPECT_FALSE(ParseContext(ByteView(context).first(size)).ok()) << size;
  }
}

}  // namespace
}  // namespace coffer
