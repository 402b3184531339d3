// Certificates that are denied: which, since when and by whom, and that a store that fails does not hide it.
#include "keysvc/service/denied_certificates.h"

#include <gtest/gtest.h>

#include "tests/keysvc/service/lost_answer_store.h"

namespace coffer::keysvc {
namespace {

using Fate = LostAnswerStore::Fate;

Digest DigestNumber(std::size_t number) { return Sha256({AsBytes(std::to_string(number))}); }

class DeniedCertificatesTest : public ::testing::Test {
 protected:
  Status Deny(std::size_t number, const std::string& by = "unix:admin:7", const std::string& reason = "stolen") {
    return denied->Deny(DigestNumber(number), by, reason);
  }
  bool IsDenied(std::size_t number) const { return denied->view()->contains(DigestNumber(number)); }

  FakeClock clock;
  LostAnswerFixture fixture;
  std::unique_ptr<DeniedCertificates> denied = DeniedCertificates::Load(fixture.store, clock).value();
};

TEST_F(DeniedCertificatesTest, OneIsDeniedUntilItIsAllowed) {
  EXPECT_TRUE(denied->view()->empty());
  const std::uint64_t before = denied->generation();
  ASSERT_TRUE(Deny(1).ok());
  EXPECT_GT(denied->generation(), before);
  EXPECT_TRUE(IsDenied(1));
  EXPECT_FALSE(IsDenied(2));
  const DeniedCertificateRecord record = denied->Find(DigestNumber(1)).value();
  EXPECT_EQ(record.sha256, DigestNumber(1));
  EXPECT_EQ(record.denied_us, clock.UnixMicros());
  EXPECT_EQ(record.denied_by, "unix:admin:7");
  EXPECT_EQ(record.reason, "stolen");
  const auto held = denied->view();
  const std::uint64_t between = denied->generation();
  ASSERT_TRUE(denied->Allow(DigestNumber(1)).ok());
  EXPECT_GT(denied->generation(), between);
  EXPECT_FALSE(IsDenied(1));
  EXPECT_TRUE(held->contains(DigestNumber(1))) << "a view does not change";
}

TEST_F(DeniedCertificatesTest, DenyingAgainKeepsWhatWasSaidFirst) {
  ASSERT_TRUE(Deny(1).ok());
  const std::int64_t first = clock.UnixMicros();
  clock.Advance(1'000'000);
  ASSERT_TRUE(Deny(1, "unix:admin:8", "another reason").ok());
  const DeniedCertificateRecord record = denied->Find(DigestNumber(1)).value();
  EXPECT_EQ(record.denied_us, first);
  EXPECT_EQ(record.denied_by, "unix:admin:7");
  EXPECT_EQ(record.reason, "stolen");
}

TEST_F(DeniedCertificatesTest, WhatIsNotDeniedIsNotFound) {
  EXPECT_EQ(denied->Allow(DigestNumber(1)).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(denied->Find(DigestNumber(1)).error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(Deny(1).ok());
  EXPECT_EQ(denied->Allow(DigestNumber(2)).error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(IsDenied(1));
}

TEST_F(DeniedCertificatesTest, ARestartKeepsThem) {
  ASSERT_TRUE(Deny(1).ok());
  ASSERT_TRUE(Deny(2).ok());
  ASSERT_TRUE(denied->Allow(DigestNumber(1)).ok());
  denied = DeniedCertificates::Load(fixture.store, clock).value();
  EXPECT_FALSE(IsDenied(1));
  EXPECT_TRUE(IsDenied(2));
}

TEST_F(DeniedCertificatesTest, AsManyAsMayBe) {
  StoreMutation mutation = fixture.store.Begin().value();
  for (std::size_t i = 0; i + 1 < kMaxDeniedCertificates; ++i) {
    const DeniedCertificateRecord record{
        .sha256 = DigestNumber(i), .denied_us = 1, .denied_by = "unix:admin:8", .reason = "stolen"};
    ASSERT_TRUE(mutation.Insert(Table::kDeniedCertificate, ToRow(record)).ok());
  }
  ASSERT_TRUE(mutation.Commit().ok());
  ASSERT_TRUE(Deny(kMaxDeniedCertificates).ok()) << "the last one";
  const Status refused = Deny(kMaxDeniedCertificates + 1);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(refused.error().limit(), kMaxDeniedCertificates);
  EXPECT_TRUE(Deny(0).ok()) << "it is there already";
  ASSERT_TRUE(denied->Allow(DigestNumber(0)).ok());
  EXPECT_TRUE(Deny(kMaxDeniedCertificates + 1).ok());
  EXPECT_EQ(denied->view()->size(), kMaxDeniedCertificates);
}

TEST_F(DeniedCertificatesTest, OneAdministratorAloneTakesNotAllPlaces) {
  StoreMutation mutation = fixture.store.Begin().value();
  for (std::size_t i = 0; i < kMaxDeniedByOne; ++i) {
    const DeniedCertificateRecord record{
        .sha256 = DigestNumber(i), .denied_us = 1, .denied_by = "unix:admin:7", .reason = "stolen"};
    ASSERT_TRUE(mutation.Insert(Table::kDeniedCertificate, ToRow(record)).ok());
  }
  ASSERT_TRUE(mutation.Commit().ok());
  const Status refused = denied->Deny(DigestNumber(kMaxDeniedByOne), "unix:admin:7", "stolen");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(refused.error().limit(), kMaxDeniedByOne);
  EXPECT_TRUE(denied->Deny(DigestNumber(kMaxDeniedByOne), "unix:admin:8", "stolen").ok()) << "another one still may";
}

TEST_F(DeniedCertificatesTest, ACommitOfWhichNobodyKnowsMayHaveHappened) {
  fixture.beneath.fate = Fate::kAnswerLost;
  EXPECT_EQ(Deny(1).error().code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(IsDenied(1));
  EXPECT_TRUE(Deny(1).ok()) << "done already";
  EXPECT_EQ(denied->Allow(DigestNumber(1)).error().code(), ErrorCode::kUnavailable);
  EXPECT_FALSE(IsDenied(1));
  fixture.beneath.fate = Fate::kNotDone;
  EXPECT_EQ(Deny(2).error().code(), ErrorCode::kUnavailable);
  EXPECT_FALSE(IsDenied(2));
}

TEST_F(DeniedCertificatesTest, WhatHappenedInAStoreThatWentAwayIsLearntWhenItIsBack) {
  fixture.beneath.fate = Fate::kGone;
  EXPECT_EQ(Deny(1).error().code(), ErrorCode::kUnavailable);
  EXPECT_FALSE(IsDenied(1)) << "nobody knows yet";
  fixture.beneath.gone = false;
  fixture.beneath.fate = Fate::kGood;
  EXPECT_TRUE(Deny(1).ok());
  EXPECT_TRUE(IsDenied(1));
}

}  // namespace
}  // namespace coffer::keysvc
