#include "crypto/share.h"

#include <set>

#include <gtest/gtest.h>

#include "crypto/internal/gf256.h"
#include "crypto/internal/share_seeds.h"
#include "crypto/random.h"
#include "crypto/share_combiner.h"
#include "tests/crypto/vectors.h"

namespace coffer {
namespace {

constexpr std::uint64_t kTime = 1'780'000'000'000;

ShareSplit SplitOf(unsigned threshold, unsigned count) {
  return ShareSplit::Of(RandomSecret(32), {static_cast<std::uint8_t>(threshold), static_cast<std::uint8_t>(count)},
                        kTime)
      .value();
}

Result<Share> ParseText(std::string_view text) { return Share::Parse(SecretOf(AsBytes(text))); }
Share Copy(const Share& share) { return Share::FromBytes(share.ToBytes()).value(); }
std::string HexOfValue(const Share& share) { return ToHex(share.value().Expose(SecretAccess::kTest)); }

internal::ShareSeeds SeedsOf(const Json& c) {
  return {UuidOfHex<ShareSetUuid>(c.at("set")), SecretOf(HexOf(c.at("coefficients")))};
}

SharePlan PlanOf(const Json& c) { return {c.at("threshold").get<std::uint8_t>(), c.at("count").get<std::uint8_t>()}; }

TEST(ShareVectorsTest, OurSharesAreTheSecondImplementationsShares) {
  int count = 0;
  const Json file = LoadVectors("shares.json");
  for (const Json& c : file.at("positive")) {
    if (c.at("kind") != "split") continue;
    const auto split = SeedsOf(c).Split(SecretOf(HexOf(c.at("secret"))), PlanOf(c));
    ASSERT_TRUE(split.ok()) << c.at("name");
    ASSERT_EQ(split->shares.size(), c.at("texts").size());
    for (std::size_t i = 0; i < split->shares.size(); ++i) {
      EXPECT_EQ(HexOfValue(split->shares[i]), c.at("values")[i]) << c.at("name");
      EXPECT_EQ(Revealed(split->shares[i].ToText()), c.at("texts")[i]) << c.at("name");
      EXPECT_EQ(split->shares[i].PublishedDigest(), split->set.digests[i]);
    }
    EXPECT_EQ(ToHex(split->set.Encode()), c.at("record")) << c.at("name");
    EXPECT_EQ(ShareSet::Parse(HexOf(c.at("record"))).value(), split->set);
    ++count;
  }
  EXPECT_GE(count, 12);
}

TEST(ShareVectorsTest, SpellingsParseToTheirShare) {
  int count = 0;
  const Json file = LoadVectors("shares.json");
  for (const Json& c : file.at("positive")) {
    if (c.at("kind") != "spelling") continue;
    const auto share = Share::Parse(SecretOf(HexOf(c.at("typed"))));
    ASSERT_TRUE(share.ok()) << c.at("name") << ": " << share.error().ToString();
    EXPECT_EQ(Revealed(share->ToText()), c.at("text"));
    ++count;
  }
  EXPECT_GE(count, 13);
}

TEST(ShareVectorsTest, NegativesAreRefused) {
  std::map<std::string, int> counts;
  const Json file = LoadVectors("shares.json");
  for (const Json& c : file.at("negative")) {
    const auto kind = c.at("kind").get<std::string>();
    if (kind == "text") {
      EXPECT_FALSE(Share::Parse(SecretOf(HexOf(c.at("typed")))).ok()) << c.at("name");
    }
    if (kind == "set") {
      EXPECT_FALSE(ShareSet::Parse(HexOf(c.at("record"))).ok()) << c.at("name");
    }
    ++counts[kind];
  }
  EXPECT_GE(counts["text"], 50);
  EXPECT_GE(counts["set"], 15);
}

TEST(ShareTest, BytesComeBackAndAreFiftyFive) {
  const ShareSplit split = SplitOf(3, 5);
  for (const Share& share : split.shares) {
    const SecretBytes bytes = share.ToBytes();
    EXPECT_EQ(bytes.size(), kShareSize);
    EXPECT_EQ(Revealed(Share::FromBytes(bytes).value().ToBytes()), Revealed(bytes));
    EXPECT_EQ(share.ToText().size(), kShareTextSize);
    EXPECT_EQ(share.threshold(), 3);
    EXPECT_EQ(share.set(), split.set.uuid);
  }
}

TEST(ShareTest, AFlipOfAnyBitOfTheBytesIsRefused) {
  const SecretBytes good = SplitOf(2, 2).shares[0].ToBytes();
  for (std::size_t i = 0; i < kShareSize * 8; ++i) {
    SecretBytes bad = good.Clone();
    bad.ExposeMutable(SecretAccess::kTest)[i / 8] ^= static_cast<std::byte>(1U << i % 8);
    EXPECT_FALSE(Share::FromBytes(bad).ok()) << i;
  }
}

// A flipped bit of the text gives another spelling of the same share, or none.
TEST(ShareTest, AFlipOfAnyBitOfTheTextIsRefusedUnlessItMeansTheSame) {
  const Share share = Copy(SplitOf(2, 2).shares[1]);
  const std::string text = Revealed(share.ToText());
  int refused = 0;
  int same = 0;
  for (std::size_t i = 0; i < text.size() * 8; ++i) {
    std::string flipped = text;
    flipped[i / 8] = static_cast<char>(static_cast<unsigned char>(text[i / 8]) ^ (1U << i % 8));
    const auto parsed = ParseText(flipped);
    const bool is_case_or_separator = i % 8 == 5 && !(text[i / 8] >= '0' && text[i / 8] <= '9');
    ASSERT_EQ(parsed.ok(), is_case_or_separator) << i;
    if (parsed.ok()) {
      EXPECT_EQ(Revealed(parsed->ToText()), text);
    }
    ++(parsed.ok() ? same : refused);
  }
  EXPECT_GE(refused, 113 * 7);
  EXPECT_GE(same, 1);
}

TEST(ShareTest, ErrorsNameTheGroupAndNothingThatWasTyped) {
  const std::string text = Revealed(SplitOf(2, 2).shares[0].ToText());
  const auto refusal = [](const std::string& typed) { return ParseText(typed).error().ToString(); };
  std::string typed = text;
  typed[15 + 6 * 9] = '1';
  EXPECT_EQ(refusal(typed), "group 7: a group of a share is 8 characters of a-z and 2-7");
  EXPECT_EQ(refusal(text.substr(0, text.size() - 1)), "group 11: a group of a share is 8 characters of a-z and 2-7");
  EXPECT_EQ(refusal(text + "-a"), "a share has 11 groups, and more follows");
  EXPECT_EQ(refusal("coffer-shard-1"), "a share begins with coffer-share-1");
  EXPECT_EQ(refusal(std::string(1025, ' ')), "a share is shorter than this text, in bytes (limit 1024)");
  typed = text;
  typed[20] = typed[20] == 'a' ? 'b' : 'a';
  EXPECT_EQ(refusal(typed), "the check of the share is wrong: it is mistyped or damaged");
}

TEST(ShareSplitTest, PlansOutsideTheLimitsAreRefused) {
  const SecretBytes secret(32);
  for (const auto& [threshold, count] : std::vector<std::pair<unsigned, unsigned>>{
           {0, 0}, {0, 3}, {1, 1}, {1, 3}, {3, 2}, {2, 1}, {2, 17}, {17, 17}, {255, 255}, {16, 15}}) {
    const SharePlan plan = {static_cast<std::uint8_t>(threshold), static_cast<std::uint8_t>(count)};
    const auto split = ShareSplit::Of(secret, plan, kTime);
    ASSERT_FALSE(split.ok()) << threshold << " of " << count;
    EXPECT_EQ(split.error().code(), ErrorCode::kInvalidArgument);
  }
  for (const std::size_t size : {0U, 16U, 31U, 33U, 64U}) {
    EXPECT_FALSE(ShareSplit::Of(SecretBytes(size), {2, 3}, kTime).ok()) << size;
  }
}

TEST(ShareSplitTest, TwoSplitsOfOneSecretShareNothing) {
  const SecretBytes secret = RandomSecret(32);
  std::set<std::string> values;
  std::set<std::string> sets;
  for (int i = 0; i < 20; ++i) {
    const auto split = ShareSplit::Of(secret, {2, 3}, kTime);
    ASSERT_TRUE(split.ok());
    sets.insert(split->set.uuid.ToText());
    for (const Share& share : split->shares) values.insert(HexOfValue(share));
  }
  EXPECT_EQ(sets.size(), 20U);
  EXPECT_EQ(values.size(), 60U);
}

// With one share fewer than the threshold, each value of the secret is as likely as each other one: over all
// coefficients, each pair of (secret byte, values of 2 of 3 shares' bytes) comes up equally often. Exhaustively for one
// byte.
TEST(ShareSecrecyTest, OneShareOfTwoTellsNothingAboutAByte) {
  for (unsigned index = 1; index <= 16; ++index) {
    for (unsigned secret = 0; secret < 256; ++secret) {
      std::set<std::byte> seen;
      for (unsigned coefficient = 0; coefficient < 256; ++coefficient) {
        Bytes out(1);
        internal::gf256::Evaluate(Bytes{static_cast<std::byte>(secret)}, Bytes{static_cast<std::byte>(coefficient)},
                                  static_cast<std::uint8_t>(index), out);
        seen.insert(out[0]);
      }
      ASSERT_EQ(seen.size(), 256U) << index << " " << secret;
    }
  }
}

TEST(ShareSecrecyTest, TwoSharesOfThreeTellNothingAboutAByte) {
  for (const unsigned secret : {0U, 1U, 0x53U, 0xFFU}) {
    std::vector<bool> seen(65'536);
    for (unsigned c = 0; c < 65'536; ++c) {
      const Bytes coefficients = {static_cast<std::byte>(c >> 8), static_cast<std::byte>(c & 0xFFU)};
      Bytes first(1);
      Bytes second(1);
      internal::gf256::Evaluate(Bytes{static_cast<std::byte>(secret)}, coefficients, 2, first);
      internal::gf256::Evaluate(Bytes{static_cast<std::byte>(secret)}, coefficients, 5, second);
      seen[std::to_integer<std::size_t>(first[0]) << 8 | std::to_integer<std::size_t>(second[0])] = true;
    }
    EXPECT_EQ(std::count(seen.begin(), seen.end(), true), 65'536) << secret;
  }
}

// A share's bytes are uniform whatever the secret: a coarse test that randomness goes in.
TEST(ShareSecrecyTest, BytesOfSharesAreSpreadEvenly) {
  std::array<int, 256> counts{};
  const SecretBytes secret(32);
  constexpr int kSplits = 400;
  for (int i = 0; i < kSplits; ++i) {
    const auto split = ShareSplit::Of(secret, {3, 3}, kTime);
    for (const std::byte b : split->shares[2].value().Expose(SecretAccess::kTest)) {
      ++counts[std::to_integer<std::size_t>(b)];
    }
  }
  const double expected = kSplits * 32 / 256.0;
  double chi_square = 0;
  for (const int n : counts) chi_square += (n - expected) * (n - expected) / expected;
  EXPECT_LT(chi_square, 450) << "255 degrees of freedom; above 450 once in 10^12 runs";
  EXPECT_GT(chi_square, 120);
}

}  // namespace
}  // namespace coffer
