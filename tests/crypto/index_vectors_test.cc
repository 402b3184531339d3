// crypto/ against tests/vectors/index_tokens.json, which a second implementation made.
#include <algorithm>
#include <bit>
#include <map>

#include <gtest/gtest.h>

#include "crypto/index_token.h"
#include "crypto/range_map.h"
#include "tests/crypto/index_fixture.h"

namespace coffer {
namespace {

std::vector<Transform> TransformsOf(const Json& names, bool& ok) {
  std::vector<Transform> transforms;
  for (const Json& name : names) {
    auto transform = Transform::Parse(name.get<std::string>());
    ok = ok && transform.ok();
    if (transform.ok()) transforms.push_back(*transform);
  }
  return transforms;
}

Json TransformAnswer(const Json& c) {
  bool ok = true;
  const auto transforms = TransformsOf(c.at("transforms"), ok);
  if (!ok) return "refused";
  const Bytes input = HexOf(c.at("input"));
  const auto output = ApplyTransforms(transforms, AsText(input));
  if (!output.ok()) return "refused";
  return ToHex(output->Expose(SecretAccess::kTest));
}

Result<std::uint64_t> OrderOf(const std::string& type, const std::string& value, unsigned scale) {
  if (type == "int64") return OrderOfInt64(std::stoll(value));
  if (type == "timestamp") return OrderOfTimestamp(std::stoll(value));
  if (type == "decimal") return OrderOfDecimal(value, scale);
  return OrderOfDouble(std::bit_cast<double>(LoadU64(Hex(value))));
}

Json OrderAnswer(const Json& c) {
  const auto order = OrderOf(c.at("type"), c.at("value"), c.at("scale").get<unsigned>());
  if (!order.ok()) return "refused";
  return std::to_string(*order);
}

Json CompoundAnswer(const Json& c) {
  std::vector<Bytes> storage;
  for (const Json& value : c.at("values")) storage.push_back(value.is_null() ? Bytes() : HexOf(value));
  std::vector<std::optional<ByteView>> values;
  for (std::size_t i = 0; i < storage.size(); ++i) {
    values.push_back(c.at("values")[i].is_null() ? std::nullopt : std::optional<ByteView>(storage[i]));
  }
  const auto packed = PackCompound(values);
  if (!packed.ok()) return "refused";
  if (!*packed) return nullptr;
  return ToHex((**packed).Expose(SecretAccess::kTest));
}

Json Written(const IndexTokens& tokens) {
  Json list = Json::array();
  for (std::int64_t number : tokens.numbers) list.push_back(std::to_string(number));
  for (const Bytes& string : tokens.strings) list.push_back(ToHex(string));
  return list;
}

Result<IndexTokens> StoredOf(const IndexTokenizer& index, const Json& c) {
  if (c.contains("order")) return index.StoredRange(U64Of(c.at("order")));
  return index.Stored(HexOf(c.at("value")));
}

Json StoredAnswer(const Json& c) {
  const auto index = TokenizerOf(c);
  if (!index.ok()) return "refused";
  FixedRandom::next = static_cast<std::byte>(c.value("partition", 0));
  const auto tokens = StoredOf(*index, c);
  if (!tokens.ok()) return "refused";
  return Written(*tokens);
}

Json SearchAnswer(const Json& c) {
  const auto index = TokenizerOf(c);
  if (!index.ok()) return "refused";
  const auto search = c.contains("low") ? index->SearchRange(U64Of(c.at("low")), U64Of(c.at("high")))
                                        : index->Search(HexOf(c.at("value")),
                                                        {c.at("at_start").get<bool>(), c.at("at_end").get<bool>()});
  if (!search.ok()) return "refused";
  Json groups = Json::array();
  for (const IndexTokens& tokens : search->alternatives) groups.push_back(Written(tokens));
  return Json::array({groups, search->needs_filter});
}

// What the library answers to a case: the form of Expected, or "refused".
Json AnswerOf(const Json& c) {
  const auto op = c.at("op").get<std::string>();
  if (op == "transform") return TransformAnswer(c);
  if (op == "order") return OrderAnswer(c);
  if (op == "compound") return CompoundAnswer(c);
  if (op == "stored" || op == "stored_range" || op == "differs") return StoredAnswer(c);
  if (op == "search" || op == "search_range") return SearchAnswer(c);
  COFFER_CHECK(op == "form");
  return TokenizerOf(c).ok() ? "accepted" : "refused";
}

Json ExpectedOf(const Json& c) {
  if (c.contains("alternatives")) return Json::array({c.at("alternatives"), c.at("needs_filter")});
  for (const char* key : {"output", "order", "packed", "tokens"}) {
    if (key == std::string("order") && c.at("op") != "order") continue;
    if (c.contains(key)) return c.at(key);
  }
  return "nothing";
}

TEST(IndexVectorsTest, PositivesGiveTheBytesOfTheVectors) {
  std::map<std::string, int> counts;
  const Json file = LoadVectors("index_tokens.json");
  for (const Json& c : file.at("positive")) {
    EXPECT_EQ(AnswerOf(c), ExpectedOf(c)) << c.at("name");
    ++counts[c.at("op").get<std::string>()];
  }
  EXPECT_GE(counts["transform"], 20);
  EXPECT_GE(counts["order"], 20);
  EXPECT_GE(counts["stored"], 30);
  EXPECT_GE(counts["stored_range"], 10);
  EXPECT_GE(counts["search"] + counts["search_range"], 30);
}

TEST(IndexVectorsTest, NegativesAreRefused) {
  int count = 0;
  const Json file = LoadVectors("index_tokens.json");
  for (const Json& c : file.at("negative")) {
    if (c.at("op") == "differs") continue;
    EXPECT_EQ(AnswerOf(c), "refused") << c.at("name");
    ++count;
  }
  EXPECT_GE(count, 60);
}

TEST(IndexVectorsTest, EveryInputOfATokenCounts) {
  int count = 0;
  const Json file = LoadVectors("index_tokens.json");
  for (const Json& c : file.at("negative")) {
    if (c.at("op") != "differs") continue;
    const Json answer = AnswerOf(c);
    ASSERT_TRUE(answer.is_array()) << c.at("name");
    for (const Json& token : c.at("tokens")) {
      EXPECT_EQ(std::count(answer.begin(), answer.end(), token), 0) << c.at("name");
    }
    ++count;
  }
  EXPECT_GE(count, 30);
}

}  // namespace
}  // namespace coffer
