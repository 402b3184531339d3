#include "crypto/names.h"

#include <gtest/gtest.h>

#include "tests/crypto/vectors.h"

namespace coffer {
namespace {

// What a positive case's input parses to, as the vectors write it, and the text that it becomes again.
struct Parsed {
  Json fields;
  std::string again;
};

std::optional<Parsed> ParsePath(const std::string& input) {
  const auto path = SecretPath::Parse(input);
  if (!path.ok()) return std::nullopt;
  Json segments = Json::array();
  const auto raw = path->Segments();
  for (const std::string& segment : raw) segments.push_back(ToHex(AsBytes(segment)));
  return Parsed{{{"segments", segments}}, SecretPath::FromSegments(raw).value().text()};
}

std::optional<Parsed> ParseField(const std::string& input) {
  const auto field = FieldName::Parse(input);
  if (!field.ok()) return std::nullopt;
  Json fields = {{"scope", field->scope}, {"table", field->table}, {"column", field->column}, {"built_in", false}};
  if (field->IsSecret()) fields = {{"scope", nullptr}, {"table", nullptr}, {"column", nullptr}, {"built_in", true}};
  return Parsed{fields, field->ToText()};
}

std::optional<Parsed> ParseTextForm(const std::string& input) {
  const auto ciphertext = CiphertextFromText(input);
  if (!ciphertext.ok()) return std::nullopt;
  return Parsed{{{"ciphertext", ToHex(*ciphertext)}}, CiphertextToText(*ciphertext)};
}

std::optional<Parsed> ParseReference(const std::string& input) {
  const auto reference = SecretReference::Parse(input);
  if (!reference.ok()) return std::nullopt;
  Json fields = {{"path", reference->path.text()}, {"version", nullptr}};
  if (reference->version) fields["version"] = std::to_string(*reference->version);
  return Parsed{fields, reference->ToText()};
}

std::optional<Parsed> ParseCase(const Json& c) {
  const auto kind = c.at("kind").get<std::string>();
  const auto input = c.at("input").get<std::string>();
  if (kind == "path") return ParsePath(input);
  if (kind == "field") return ParseField(input);
  if (kind == "text_form") return ParseTextForm(input);
  COFFER_CHECK(kind == "reference");
  return ParseReference(input);
}

TEST(NamesVectorsTest, PositivesParseAndComeBack) {
  int count = 0;
  const Json file = LoadVectors("names.json");
  for (const Json& c : file.at("positive")) {
    const auto parsed = ParseCase(c);
    ASSERT_TRUE(parsed.has_value()) << c.at("name");
    EXPECT_EQ(parsed->again, c.at("input")) << c.at("name");
    for (const auto& [key, value] : parsed->fields.items()) EXPECT_EQ(value, c.at(key)) << c.at("name") << ", " << key;
    ++count;
  }
  EXPECT_GE(count, 20);
}

TEST(NamesVectorsTest, NegativesAreRefused) {
  int count = 0;
  const Json file = LoadVectors("names.json");
  for (const Json& c : file.at("negative")) {
    EXPECT_FALSE(ParseCase(c).has_value()) << c.at("name");
    ++count;
  }
  EXPECT_GE(count, 60);
}

TEST(IdentifierTest, TakesTheGrammarOnly) {
  for (const std::string& good : {std::string("a"), std::string("_"), std::string("a_9"), std::string(63, 'z')}) {
    EXPECT_TRUE(IsIdentifier(good)) << good;
  }
  for (const std::string& bad :
       {std::string(), std::string("9a"), std::string("A"), std::string("a-b"), std::string("a.b"), std::string("a "),
        std::string("\xc3\xa9"), std::string(64, 'z'), std::string("a\0", 2)}) {
    EXPECT_FALSE(IsIdentifier(bad)) << bad;
  }
}

TEST(SlugTest, TakesTheGrammarOnly) {
  for (const std::string& good :
       {std::string("a"), std::string("9"), std::string("a-9"), std::string("a-"), std::string(63, 'z')}) {
    EXPECT_TRUE(IsSlug(good)) << good;
  }
  for (const std::string& bad : {std::string(), std::string("-a"), std::string("A"), std::string("a_b"),
                                 std::string("a.b"), std::string(64, 'z'), std::string("a\n")}) {
    EXPECT_FALSE(IsSlug(bad)) << bad;
  }
}

TEST(FieldNameTest, OnlyTheBuiltInOneHasTwoParts) {
  EXPECT_TRUE(FieldName::Parse("coffer.secret").value().IsSecret());
  EXPECT_FALSE(FieldName::Parse("shop.connection.password").value().IsSecret());
  for (std::string_view bad :
       {"coffer.secrets", "shop.password", "coffer", "coffer..secret", "coffer.secret.", ".coffer.secret"}) {
    EXPECT_EQ(FieldName::Parse(bad).error().code(), ErrorCode::kInvalidArgument) << bad;
  }
}

TEST(SecretPathTest, EscapesEveryByteThatNeedsIt) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    std::string segment = "x";
    segment += static_cast<char>(byte);
    const std::vector<std::string> raw = {segment};
    const auto path = SecretPath::FromSegments(raw);
    ASSERT_TRUE(path.ok()) << byte;
    EXPECT_EQ(path->Segments(), raw) << byte;
    EXPECT_EQ(SecretPath::Parse(path->text()).value(), *path) << byte;
  }
}

TEST(SecretPathTest, FromSegmentsRefusesWhatParseRefuses) {
  const std::vector<std::vector<std::string>> cases = {{},
                                                       {""},
                                                       {"", "a"},
                                                       {"a", ""},
                                                       {"."},
                                                       {".."},
                                                       {"a", ".", "b"},
                                                       std::vector<std::string>(9, "a"),
                                                       {std::string(65, 'x')},
                                                       {std::string(22, '\xff')}};  // 22 escapes are 66 characters
  for (std::size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(SecretPath::FromSegments(cases[i]).error().code(), ErrorCode::kInvalidArgument) << i;
  }
}

TEST(SecretPathTest, LongestPathIsAccepted) {
  const std::vector<std::string> longest(8, std::string(64, 'x'));
  const auto path = SecretPath::FromSegments(longest);
  ASSERT_TRUE(path.ok());
  EXPECT_EQ(path->text().size(), kMaxSecretPath);
}

TEST(SecretReferenceTest, VersionRangeIsExact) {
  EXPECT_EQ(SecretReference::Parse("coffer://a#9223372036854775807").value().version, 9223372036854775807U);
  EXPECT_FALSE(SecretReference::Parse("coffer://a").value().version.has_value());
  for (std::string_view bad :
       {"coffer://a#", "coffer://a#0", "coffer://a#01", "coffer://a#9223372036854775808", "coffer://a#-1",
        "coffer://a#1#2", "coffer://a#99999999999999999999", "coffer://#1", "coffer:/a", "COFFER://a"}) {
    EXPECT_FALSE(SecretReference::Parse(bad).ok()) << bad;
  }
}

TEST(CiphertextTextTest, LengthLimitIsExact) {
  constexpr std::size_t kMaxText = 4'194'304;
  Bytes ciphertext((kMaxText - 10) * 3 / 4);
  FieldHeader{0x01, KeyId{1}}.Write(MutableBytes(ciphertext).first(10));
  const std::string longest = CiphertextToText(ciphertext);
  ASSERT_LE(longest.size(), kMaxText);
  EXPECT_EQ(CiphertextFromText(longest).value(), ciphertext);
  ciphertext.resize(ciphertext.size() + 2);
  const std::string too_long = CiphertextToText(ciphertext);
  ASSERT_GT(too_long.size(), kMaxText);
  EXPECT_EQ(CiphertextFromText(too_long).error().limit(), kMaxText);
}

}  // namespace
}  // namespace coffer
