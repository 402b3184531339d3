// What the audit log is told of those who were refused before they were anybody.
#include "keysvc/rpc/refused_identities.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "tests/keysvc/rpc/refused_records.h"
#include "tests/support/temp_dir.h"

namespace coffer::keysvc {
namespace {

using audit::Authentication;

constexpr std::int64_t kMinute = RefusedIdentities::kIntervalUs;

class RefusedIdentitiesTest : public ::testing::Test {
 protected:
  std::unique_ptr<audit::Log> OpenLog(const std::string& name) const {
    audit::LogOptions options;
    options.folder = folder / name;
    options.key_file = folder / (name + ".key");
    options.file_bytes = 1 << 20;
    options.publish_every = std::chrono::hours(1);
    return audit::Log::Open(options, clock).value();
  }
  void Expired(const std::string& peer = "ipv4:10.0.0.7:1") {
    refused.Note({.authentication = Authentication::kJwt, .failure = "the token has expired by its exp", .peer = peer});
  }
  void Stranger() {
    refused.Note({.authentication = Authentication::kUnixSocket,
                  .role = "app",
                  .failure = "the user id is not one of the socket's",
                  .peer = "uid:65534"});
  }
  std::vector<audit::Record> Written() const { return RefusedRecords(*log); }

  TempDir folder;
  FakeClock clock;
  RefusedIdentities refused;
  std::unique_ptr<audit::Log> log = OpenLog("audit");
};

TEST_F(RefusedIdentitiesTest, ARecordSaysHowItWasTriedAndFromWhere) {
  Stranger();
  refused.Flush(*log, 0);
  const std::vector<audit::Record> written = Written();
  ASSERT_EQ(written.size(), 1U);
  const audit::Record& record = written.front();
  EXPECT_EQ(record.type, audit::RecordType::kDenied);
  EXPECT_EQ(record.authentication, Authentication::kUnixSocket);
  EXPECT_EQ(record.role, "app");
  EXPECT_EQ(record.items, 1U);
  EXPECT_FALSE(record.allowed);
  EXPECT_EQ(record.outcome, "unauthenticated");
  EXPECT_EQ(record.failure, "the user id is not one of the socket's");
  EXPECT_EQ(record.personal, (audit::Personal{.principal = {}, .peer = "uid:65534", .on_behalf_of = {}, .reason = {}}));
}

TEST_F(RefusedIdentitiesTest, OfAKindThereIsOneRecordAMinuteAndNoneIsForgotten) {
  refused.Flush(*log, 0);
  EXPECT_EQ(Written().size(), 0U) << "nobody was refused";
  Expired();
  refused.Flush(*log, 100);
  ASSERT_EQ(Written().size(), 1U) << "the first at once";
  for (int i = 0; i < 1000; ++i) Expired("ipv4:10.0.0." + std::to_string(i % 250) + ":1");
  refused.Flush(*log, 100 + kMinute - 1);
  EXPECT_EQ(Written().size(), 1U);
  refused.Flush(*log, 100 + kMinute);
  const std::vector<audit::Record> written = Written();
  ASSERT_EQ(written.size(), 2U);
  EXPECT_EQ(written[1].items, 1000U);
  EXPECT_EQ(written[1].personal.peer, "ipv4:10.0.0.0:1") << "the first of them";
  refused.Flush(*log, 100 + 2 * kMinute);
  EXPECT_EQ(Written().size(), 2U) << "nothing new";
  Expired();
  refused.Flush(*log, 100 + 2 * kMinute);
  EXPECT_EQ(Written().size(), 3U) << "the first for a minute";
}

TEST_F(RefusedIdentitiesTest, KindsDoNotHideEachOther) {
  Expired();
  refused.Flush(*log, 0);
  Expired();
  Stranger();
  refused.Note({.authentication = Authentication::kJwt, .failure = "the call has more than one authorization"});
  refused.Note({.authentication = Authentication::kCertificate, .failure = "the token has expired by its exp"});
  refused.Note({.authentication = Authentication::kUnixSocket,
                .role = "dba",
                .failure = "the user id is not one of the socket's"});
  refused.Flush(*log, 1);
  EXPECT_EQ(Written().size(), 5U) << "all but the second of the first kind";
}

TEST_F(RefusedIdentitiesTest, TheEndWritesWhatIsCounted) {
  Expired();
  refused.Flush(*log, 0);
  Expired();
  Expired();
  refused.FlushAll(*log);
  const std::vector<audit::Record> written = Written();
  ASSERT_EQ(written.size(), 2U);
  EXPECT_EQ(written[1].items, 2U);
}

TEST_F(RefusedIdentitiesTest, WhatALogCannotTakeCountsForTheNextRecord) {
  {
    const auto broken = OpenLog("broken");
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / "broken")) {
      if (entry.is_regular_file() && entry.path().extension() == ".journal") std::filesystem::remove(entry.path());
    }
    Expired();
    Expired();
    refused.Flush(*broken, 0);
    ASSERT_FALSE(broken->AppendAndWait({}).ok()) << "it was to be broken";
  }
  EXPECT_EQ(Written().size(), 0U);
  Expired();
  refused.Flush(*log, kMinute);
  const std::vector<audit::Record> written = Written();
  ASSERT_EQ(written.size(), 1U);
  EXPECT_EQ(written[0].items, 3U);
}

TEST_F(RefusedIdentitiesTest, KindsAreBoundedAndAllAreCounted) {
  constexpr std::size_t kMany = RefusedIdentities::kMaxKinds + 100;
  for (std::size_t i = 0; i < kMany; ++i) {
    refused.Note({.authentication = Authentication::kJwt, .failure = "failure " + std::to_string(i)});
  }
  refused.Flush(*log, 0);
  const std::vector<audit::Record> written = Written();
  EXPECT_EQ(written.size(), RefusedIdentities::kMaxKinds + 1);
  std::uint64_t counted = 0;
  for (const audit::Record& record : written) counted += record.items;
  EXPECT_EQ(counted, kMany);
}

}  // namespace
}  // namespace coffer::keysvc
