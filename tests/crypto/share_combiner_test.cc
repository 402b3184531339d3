#include "crypto/share_combiner.h"

#include <gtest/gtest.h>

#include "crypto/random.h"
#include "tests/crypto/vectors.h"

namespace coffer {
namespace {

using Answer = ShareCombiner::Answer;

constexpr std::uint64_t kTime = 1'780'000'000'000;

Share Copy(const Share& share) { return Share::FromBytes(share.ToBytes()).value(); }

Share OfText(const Json& text) { return Share::Parse(SecretOf(AsBytes(text.get<std::string>()))).value(); }

// A share with some of its 55 bytes replaced, and a check that is right again.
Share Forged(const Share& share, std::size_t at, unsigned value) {
  SecretBytes bytes = share.ToBytes();
  const MutableBytes all = bytes.ExposeMutable(SecretAccess::kTest);
  all[at] = static_cast<std::byte>(value);
  const Digest check = Sha256({ByteView(AsBytes(std::string_view("coffer/v1/share-check\0", 22))), all.first(51)});
  std::copy_n(check.begin(), 4, all.subspan(51).begin());
  return Share::FromBytes(bytes).value();
}

std::string AnswerOf(ShareCombiner& combiner, Share share) {
  const auto answer = combiner.Add(std::move(share));
  if (!answer.ok()) return answer.error().ToString();
  return *answer == Answer::kCounted ? "counted" : "duplicate";
}

struct Fixture {
  SecretBytes secret = RandomSecret(32);
  ShareSplit split = ShareSplit::Of(secret, {3, 5}, kTime).value();
  ShareCombiner combiner = ShareCombiner::Create(split.set).value();
};

TEST(ShareCombinerTest, EverySubsetOfThreeOfFiveCombines) {
  const Fixture f;
  int combined = 0;
  for (unsigned subset = 0; subset < 32; ++subset) {
    ShareCombiner combiner = ShareCombiner::Create(f.split.set).value();
    std::size_t count = 0;
    for (std::size_t i = 0; i < 5; ++i) {
      if ((subset >> i & 1U) == 0) continue;
      EXPECT_EQ(AnswerOf(combiner, Copy(f.split.shares[i])), "counted");
      ++count;
    }
    EXPECT_EQ(combiner.Missing(), count >= 3 ? 0 : 3 - count);
    const auto secret = combiner.Combine();
    ASSERT_EQ(secret.ok(), count >= 3) << subset;
    if (!secret.ok()) {
      EXPECT_EQ(secret.error().code(), ErrorCode::kFailedPrecondition);
      EXPECT_EQ(secret.error().limit(), 3U);
      continue;
    }
    EXPECT_EQ(Revealed(*secret), Revealed(f.secret));
    ++combined;
  }
  EXPECT_EQ(combined, 16);
}

TEST(ShareCombinerTest, OrderDoesNotMatter) {
  Fixture f;
  for (const std::size_t i : {4U, 0U, 2U}) EXPECT_EQ(AnswerOf(f.combiner, Copy(f.split.shares[i])), "counted");
  EXPECT_EQ(f.combiner.Indexes(), (std::vector<std::uint8_t>{5, 1, 3}));
  EXPECT_EQ(Revealed(f.combiner.Combine().value()), Revealed(f.secret));
}

TEST(ShareCombinerTest, SixteenOfSixteenCombine) {
  const SecretBytes secret = RandomSecret(32);
  const ShareSplit split = ShareSplit::Of(secret, {16, 16}, kTime).value();
  ShareCombiner combiner = ShareCombiner::Create(split.set).value();
  for (const Share& share : split.shares) {
    EXPECT_FALSE(combiner.Combine().ok());
    EXPECT_EQ(AnswerOf(combiner, Copy(share)), "counted");
  }
  EXPECT_EQ(Revealed(combiner.Combine().value()), Revealed(secret));
}

TEST(ShareCombinerTest, ADuplicateIsNamedAndNotCounted) {
  Fixture f;
  EXPECT_EQ(AnswerOf(f.combiner, Copy(f.split.shares[0])), "counted");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(AnswerOf(f.combiner, Copy(f.split.shares[0])), "duplicate");
  EXPECT_EQ(f.combiner.Missing(), 2U);
  EXPECT_FALSE(f.combiner.Combine().ok());
}

TEST(ShareCombinerTest, SaysWhatIsWrongAndStaysUsable) {
  Fixture f;
  const ShareSplit other = ShareSplit::Of(f.secret, {3, 5}, kTime).value();
  const Share& share = f.split.shares[1];
  EXPECT_EQ(AnswerOf(f.combiner, Copy(other.shares[1])),
            "share 2: the share is of another set: it was made by another split");
  EXPECT_EQ(AnswerOf(f.combiner, Forged(share, 17, 2)), "share 2: the share has another threshold than its set");
  EXPECT_EQ(AnswerOf(f.combiner, Forged(share, 18, 6)), "share 6: the share's set has no share of this index");
  EXPECT_EQ(AnswerOf(f.combiner, Forged(share, 18, 255)), "share 255: the share's set has no share of this index");
  EXPECT_EQ(AnswerOf(f.combiner, Forged(share, 18, 3)),
            "share 3: the share is wrong: it is not the one that was handed out under this index");
  EXPECT_EQ(f.combiner.Missing(), 3U);
  for (const std::size_t i : {0U, 1U, 2U}) EXPECT_EQ(AnswerOf(f.combiner, Copy(f.split.shares[i])), "counted");
  EXPECT_EQ(Revealed(f.combiner.Combine().value()), Revealed(f.secret));
}

// The check is right, so only the digest can tell: every bit of the 32 bytes.
TEST(ShareCombinerTest, AWrongShareWithARightCheckIsRefusedByItsDigest) {
  Fixture f;
  const SecretBytes bytes = f.split.shares[0].ToBytes();
  for (std::size_t i = 0; i < 32 * 8; ++i) {
    const std::size_t at = 19 + i / 8;
    const auto good = std::to_integer<unsigned>(bytes.Expose(SecretAccess::kTest)[at]);
    EXPECT_EQ(AnswerOf(f.combiner, Forged(f.split.shares[0], at, good ^ 1U << i % 8)),
              "share 1: the share is wrong: it is not the one that was handed out under this index");
  }
  EXPECT_EQ(f.combiner.Missing(), 3U);
}

TEST(ShareCombinerTest, AFalseShareOfAnIndexThatIsThereIsRefusedNotADuplicate) {
  Fixture f;
  EXPECT_EQ(AnswerOf(f.combiner, Copy(f.split.shares[0])), "counted");
  EXPECT_NE(AnswerOf(f.combiner, Forged(f.split.shares[0], 30, 7)), "duplicate");
}

TEST(ShareCombinerTest, SetsOutsideTheLimitsAreRefused) {
  const ShareSet good = Fixture().split.set;
  const auto refused = [](ShareSet set) { return !ShareCombiner::Create(std::move(set)).ok(); };
  EXPECT_FALSE(refused(good));
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(refused({good.uuid, 1, good.digests}));
  EXPECT_TRUE(refused({good.uuid, 6, good.digests}));
  EXPECT_TRUE(refused({{}, 3, good.digests}));
  EXPECT_TRUE(refused({good.uuid, 3, std::vector<Digest>(17)}));
  EXPECT_TRUE(refused({good.uuid, 3, std::vector<Digest>(256 + 5)}));
}

TEST(ShareCombinerVectorsTest, EverySplitCombinesFromItsFirstAndItsLastShares) {
  int count = 0;
  const Json file = LoadVectors("shares.json");
  for (const Json& c : file.at("positive")) {
    if (c.at("kind") != "split") continue;
    const auto set = ShareSet::Parse(HexOf(c.at("record"))).value();
    for (const bool from_end : {false, true}) {
      ShareCombiner combiner = ShareCombiner::Create(set).value();
      for (std::size_t i = 0; combiner.Missing() > 0; ++i) {
        const std::size_t at = from_end ? c.at("texts").size() - 1 - i : i;
        EXPECT_EQ(AnswerOf(combiner, OfText(c.at("texts")[at])), "counted") << c.at("name");
      }
      EXPECT_EQ(ToHex(combiner.Combine()->Expose(SecretAccess::kTest)), c.at("secret")) << c.at("name");
    }
    ++count;
  }
  EXPECT_GE(count, 12);
}

TEST(ShareCombinerVectorsTest, NegativesAreRefusedForTheirReason) {
  const std::map<std::string, std::string> messages = {
      {"another set", "the share is of another set: it was made by another split"},
      {"another threshold", "the share has another threshold than its set"},
      {"index above count", "the share's set has no share of this index"},
      {"digest", "the share is wrong: it is not the one that was handed out under this index"}};
  int count = 0;
  const Json file = LoadVectors("shares.json");
  for (const Json& c : file.at("negative")) {
    if (c.at("kind") != "share") continue;
    ShareCombiner combiner = ShareCombiner::Create(ShareSet::Parse(HexOf(c.at("record"))).value()).value();
    const auto answer = combiner.Add(OfText(c.at("text")));
    ASSERT_FALSE(answer.ok()) << c.at("name");
    EXPECT_EQ(answer.error().message(), messages.at(c.at("check"))) << c.at("name");
    EXPECT_EQ(answer.error().code(), ErrorCode::kInvalidArgument);
    ++count;
  }
  EXPECT_GE(count, 10);
}

}  // namespace
}  // namespace coffer
