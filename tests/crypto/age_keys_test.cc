#include "crypto/age_keys.h"

#include <gtest/gtest.h>

#include "crypto/internal/bech32.h"
#include "tests/crypto/vectors.h"

namespace coffer {
namespace {

constexpr std::string_view kIdentity = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
constexpr std::string_view kRecipient = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

SecretBytes Text(std::string_view text) { return SecretOf(AsBytes(text)); }

std::string RefusalOf(std::string_view recipient) {
  const auto parsed = AgeRecipient::Parse(recipient);
  return parsed.ok() ? "parses" : parsed.error().ToString();
}

std::string IdentityRefusalOf(std::string_view identity) {
  const auto parsed = AgeIdentity::Parse(Text(identity));
  if (parsed.ok()) return "parses";
  EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidArgument);
  return parsed.error().ToString();
}

TEST(AgeKeysVectorsTest, PositivesParseAndComeBack) {
  int count = 0;
  const Json file = LoadVectors("age.json");
  for (const Json& c : file.at("positive")) {
    if (c.at("kind") != "keys") continue;
    const auto identity = AgeIdentity::Parse(Text(c.at("identity").get<std::string>()));
    const auto recipient = AgeRecipient::Parse(c.at("recipient").get<std::string>());
    ASSERT_TRUE(identity.ok() && recipient.ok()) << c.at("name");
    EXPECT_EQ(ToHex(identity->secret().Expose(SecretAccess::kTest)), c.at("secret"));
    EXPECT_EQ(ToHex(recipient->public_key()), c.at("public_key"));
    EXPECT_EQ(identity->Recipient(), *recipient);
    EXPECT_EQ(Revealed(identity->ToText()), c.at("identity"));
    EXPECT_EQ(recipient->ToText(), c.at("recipient"));
    EXPECT_EQ(Revealed(identity->Clone().ToText()), c.at("identity"));
    ++count;
  }
  EXPECT_GE(count, 6);
}

TEST(AgeKeysVectorsTest, NegativesAreRefused) {
  int recipients = 0;
  int identities = 0;
  const Json file = LoadVectors("age.json");
  for (const Json& c : file.at("negative")) {
    if (c.at("kind") == "recipient") {
      EXPECT_NE(RefusalOf(c.at("text").get<std::string>()), "parses") << c.at("name");
      ++recipients;
    } else if (c.at("kind") == "identity") {
      EXPECT_NE(IdentityRefusalOf(c.at("text").get<std::string>()), "parses") << c.at("name");
      ++identities;
    }
  }
  EXPECT_GE(recipients, 20);
  EXPECT_GE(identities, 15);
}

TEST(AgeRecipientTest, SaysWhatIsWrong) {
  EXPECT_EQ(RefusalOf(kRecipient), "parses");
  EXPECT_EQ(RefusalOf(kIdentity), "this is a secret identity, and a recipient (age1...) is wanted");
  EXPECT_EQ(RefusalOf("age1"), "the Bech32 text has another length");
  EXPECT_EQ(RefusalOf("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExam"),
            "the Bech32 text has another prefix");
  std::string typo(kRecipient);
  typo[10] = 'q';
  EXPECT_EQ(RefusalOf(typo), "the Bech32 checksum is wrong: the text is mistyped or cut");
  typo[10] = 'b';
  EXPECT_EQ(RefusalOf(typo), "the Bech32 text has a character that is none of its letters");
  std::string zeros(internal::Bech32Size("age", 32), '\0');
  internal::EncodeBech32("age", Bytes(32), AsMutableBytes(zeros));
  EXPECT_EQ(RefusalOf(zeros), "the recipient is no X25519 public key that anybody has");
}

TEST(AgeRecipientTest, EachBitOfTheTextCounts) {
  int refused = 0;
  for (std::size_t i = 0; i < kRecipient.size() * 8; ++i) {
    std::string flipped(kRecipient);
    flipped[i / 8] = static_cast<char>(static_cast<unsigned char>(flipped[i / 8]) ^ (1U << i % 8));
    EXPECT_NE(RefusalOf(flipped), "parses") << i;
    ++refused;
  }
  EXPECT_EQ(refused, 62 * 8);
}

TEST(AgeRecipientTest, IsCanonicalUpToTheEdge) {
  Bytes point(32, std::byte{0xFF});
  point[31] = std::byte{0x7F};
  const auto parse = [&point](unsigned low) {
    point[0] = static_cast<std::byte>(low);
    std::string text(internal::Bech32Size("age", 32), '\0');
    internal::EncodeBech32("age", point, AsMutableBytes(text));
    return AgeRecipient::Parse(text).ok();
  };
  EXPECT_TRUE(parse(0xEB));   // p - 2
  EXPECT_FALSE(parse(0xEC));  // p - 1, of low order
  for (unsigned low = 0xED; low <= 0xFF; ++low) EXPECT_FALSE(parse(low)) << low;
}

TEST(AgeIdentityTest, EachBitOfTheTextCounts) {
  for (std::size_t i = 0; i < kIdentity.size() * 8; ++i) {
    std::string flipped(kIdentity);
    flipped[i / 8] = static_cast<char>(static_cast<unsigned char>(flipped[i / 8]) ^ (1U << i % 8));
    EXPECT_NE(IdentityRefusalOf(flipped), "parses") << i;
  }
}

TEST(AgeIdentityTest, GeneratesAnotherOneEachTime) {
  const AgeIdentity a = AgeIdentity::Generate();
  const AgeIdentity b = AgeIdentity::Generate();
  EXPECT_FALSE(a.Recipient() == b.Recipient());
  const auto again = AgeIdentity::Parse(a.ToText());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->Recipient(), a.Recipient());
  EXPECT_EQ(AgeRecipient::Parse(a.Recipient().ToText()).value(), a.Recipient());
}

TEST(Bech32Test, SizesAndUnusedBitsOfAnyLength) {
  for (std::size_t size = 0; size < 40; ++size) {
    Bytes in(size);
    for (std::size_t i = 0; i < size; ++i) in[i] = static_cast<std::byte>(i * 37 + 11);
    for (const std::string_view prefix : {"x", "AGE-SECRET-KEY-"}) {
      std::string text(internal::Bech32Size(prefix, size), '\0');
      internal::EncodeBech32(prefix, in, AsMutableBytes(text));
      Bytes out(size);
      ASSERT_TRUE(internal::DecodeBech32(prefix, AsBytes(text), out).ok()) << size;
      EXPECT_EQ(out, in);
      Bytes longer(size + 5);
      EXPECT_FALSE(internal::DecodeBech32(prefix, AsBytes(text), longer).ok());
    }
  }
}

// BIP 173's valid texts: an empty data part, each case, a long prefix.
TEST(Bech32Test, MatchesBip173) {
  for (const auto& [prefix, text] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"A", "A12UEL5L"},
           {"a", "a12uel5l"},
           {"an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio",
            "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs"}}) {
    std::string written(text.size(), '\0');
    internal::EncodeBech32(prefix, {}, AsMutableBytes(written));
    EXPECT_EQ(written, text);
    EXPECT_TRUE(internal::DecodeBech32(prefix, AsBytes(text), {}).ok());
  }
}

TEST(AgeIdentityFileTest, IsWhatAgeKeygenWrites) {
  const std::string file = "# created: 2026-01-01T00:00:00Z\n# public key: " + std::string(kRecipient) + "\n" +
                           std::string(kIdentity) + "\n";
  const auto identities = ParseAgeIdentities(Text(file));
  ASSERT_TRUE(identities.ok());
  ASSERT_EQ(identities->size(), 1U);
  EXPECT_EQ(identities->front().Recipient().ToText(), kRecipient);
}

TEST(AgeIdentityFileTest, TakesCommentsEmptyLinesAndTwentyIdentities) {
  const std::string one(kIdentity);
  EXPECT_EQ(ParseAgeIdentities(Text(one))->size(), 1U);
  EXPECT_EQ(ParseAgeIdentities(Text("\n\r\n# x\n#\n" + one + "\r\n\n" + one))->size(), 2U);
  std::string twenty;
  for (int i = 0; i < 20; ++i) twenty += one + "\n";
  EXPECT_EQ(ParseAgeIdentities(Text(twenty))->size(), 20U);
  EXPECT_FALSE(ParseAgeIdentities(Text(twenty + one)).ok());
}

TEST(AgeIdentityFileTest, RefusesAnythingElseAndNamesTheLine) {
  const std::string one(kIdentity);
  for (const auto& [file, line] :
       std::vector<std::pair<std::string, std::uint64_t>>{{"", 0},
                                                          {"\n\n# only a comment\n", 0},
                                                          {one + " \n", 1},
                                                          {" " + one, 1},
                                                          {"#\n" + one + "\n" + std::string(kRecipient) + "\n", 3},
                                                          {one + "\r\r\n", 1},
                                                          {one + "\n\n\nAGE-PLUGIN-YUBIKEY-1QQQ\n", 4},
                                                          {std::string(65'537, '\n'), 0}}) {
    const auto identities = ParseAgeIdentities(Text(file));
    ASSERT_FALSE(identities.ok()) << file.substr(0, 80);
    EXPECT_EQ(identities.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(identities.error().line(), line);
  }
}

}  // namespace
}  // namespace coffer
