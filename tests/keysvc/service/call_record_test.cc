// What is written down about a call: the whole of what it names, and of a mutation before it is done.
#include <algorithm>

#include "keysvc/service/audit_recorder.h"
#include "tests/keysvc/service/service_fixture.h"

namespace coffer::keysvc {
namespace {

using Phase = CallRecord::Phase;
using policy::Operation;

// A catalog whose field names are as long as they may be.
class CallRecordTest : public ServiceFixture {
 protected:
  static std::string FieldOf(int number) {
    const std::string digits = std::to_string(100 + number);
    return "shop." + std::string(60, 't') + digits + "." + std::string(60, 'c') + digits;
  }
  void StartLong(int fields_count) {
    ASSERT_TRUE(operator_service.Init(admin, KeyFile(), {}, true).ok());
    ASSERT_TRUE(key_service.CreateKeyring(admin, "shop").ok());
    ASSERT_TRUE(key_service.CreateKeyring(admin, "tokens", KeyringPurpose::kIndex).ok());
    std::string catalog = "scope = \"shop\"\n";
    for (int i = 0; i < fields_count; ++i) {
      const std::string name = FieldOf(i).substr(5);
      catalog += "[field.\"" + name + "\"]\nclass = \"internal\"\nkeyring = \"shop\"\nrow = \"int64\"\n";
      catalog += "expect = { rows = 1000000, distinct = 900000, top_share = 0.0001 }\n";
      catalog += "[field.\"" + name + "\".index.exact]\nkind = \"equality\"\nkeyring = \"tokens\"\nbits = 256\n";
    }
    const auto applied = admin_service.Apply(admin, catalog, "");
    ASSERT_TRUE(applied.ok()) << applied.error().ToString();
    for (int i = 0; i < fields_count; ++i) names.push_back(FieldOf(i));
  }
  FieldColumn ColumnOf(int field) const {
    FieldColumn column = EmailColumn({"value"});
    column.field = names[static_cast<std::size_t>(field)];
    return column;
  }
  IndexQuery QueryOf(int field) const {
    IndexQuery query{.field = names[static_cast<std::size_t>(field)], .tenant = "", .term = {}};
    query.term.index = "exact";
    query.term.what = SearchTerm::What::kEquals;
    query.term.value = Kept("value");
    return query;
  }
  const CallRecord& Last() const { return recorded.records.back(); }
  // The begin of the last mutation, whatever became of it.
  const CallRecord& LastBegin() const {
    return *std::find_if(recorded.records.rbegin(), recorded.records.rend(),
                         [](const CallRecord& record) { return record.phase == Phase::kBegin; });
  }

  std::vector<std::string> names;
};

TEST_F(CallRecordTest, AFieldThatIsNamedOftenIsRecordedOnceAndHidesNoOther) {
  StartLong(3);
  std::vector<FieldColumn> columns(kMaxColumns - 1, ColumnOf(0));
  columns.push_back(ColumnOf(1));
  const auto output = fields.Encrypt(app, columns);
  ASSERT_TRUE(output.ok()) << output.error().ToString();
  EXPECT_EQ(Last().object, names[0] + "," + names[1]);
  EXPECT_EQ(Last().tenant, "default");
  EXPECT_EQ(Last().items, kMaxColumns);
  std::vector<IndexQuery> queries(kMaxQueries - 1, QueryOf(0));
  queries.push_back(QueryOf(2));
  const auto found = fields.Search(app, queries);
  ASSERT_TRUE(found.ok()) << found.error().ToString();
  EXPECT_EQ(Last().object, names[0] + ".exact," + names[2] + ".exact");
}

TEST_F(CallRecordTest, ACallThatNamesMoreThanItsRecordHoldsIsRefusedBeforeAnythingIsDone) {
  StartLong(64);
  const std::size_t fit = (audit::kMaxNamesBytes + 1) / (names[0].size() + 1);
  ASSERT_LT(fit, 64u);
  std::vector<FieldColumn> columns;
  for (std::size_t i = 0; i <= fit; ++i) columns.push_back(ColumnOf(static_cast<int>(i)));
  const std::uint64_t epoch = barrier->Enter().value()->store->seen().value;
  for (const auto& refused :
       {fields.Encrypt(app, columns), fields.Decrypt(app, columns), fields.Rewrap(app, columns)}) {
    ASSERT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(refused.error().ToString().find(std::to_string(audit::kMaxNamesBytes)), std::string::npos);
    EXPECT_FALSE(Last().ok);
    EXPECT_LE(Last().object.size(), audit::kMaxNamesBytes);
    EXPECT_TRUE(Last().object.ends_with(names[fit - 1])) << "whole names";
  }
  EXPECT_EQ(barrier->Enter().value()->store->seen().value, epoch) << "no key was made";
  columns.pop_back();
  ASSERT_TRUE(fields.Encrypt(app, columns).ok());
  EXPECT_EQ(std::count(Last().object.begin(), Last().object.end(), ','), static_cast<std::ptrdiff_t>(fit) - 1);
  std::vector<IndexQuery> queries;
  for (int i = 0; i < 64; ++i) queries.push_back(QueryOf(i));
  EXPECT_EQ(fields.Search(app, queries).error().code(), ErrorCode::kInvalidArgument);
  queries.resize(8);
  EXPECT_TRUE(fields.Search(app, queries).ok());
}

TEST_F(CallRecordTest, TenantsThatDoNotFitAreRefusedAsWell) {
  StartLong(1);
  std::vector<std::string> tenants;
  for (int i = 0; i < 140; ++i) {
    tenants.push_back(std::string(60, 'x') + std::to_string(100 + i));
    ASSERT_TRUE(key_service.CreateTenant(admin, tenants.back()).ok());
  }
  std::vector<IndexQuery> queries;
  for (const std::string& tenant : tenants) {
    queries.push_back(QueryOf(0));
    queries.back().tenant = tenant;
  }
  EXPECT_EQ(fields.Search(app, queries).error().code(), ErrorCode::kInvalidArgument);
  queries.resize(100);
  EXPECT_TRUE(fields.Search(app, queries).ok());
}

TEST_F(CallRecordTest, ABeginSaysWhatItIsAbout) {
  StartShop();
  EXPECT_EQ(LastBegin().operation, Operation::kApplyCatalog);
  ASSERT_TRUE(key_service.RotateKeyring(admin, "shop", {}).ok());
  EXPECT_EQ(LastBegin().object, "shop");
  ASSERT_TRUE(key_service.CreateTenant(admin, "acme").ok());
  EXPECT_EQ(LastBegin().object, "acme");
  ASSERT_TRUE(secrets
                  .Put(app, {.name = {.tenant = "acme", .path = "s/1"},
                             .value = AsBytes("secret"),
                             .expected_version = std::nullopt,
                             .expires_us = 0,
                             .metadata = std::nullopt})
                  .ok());
  EXPECT_EQ(LastBegin().object, "s/1");
  EXPECT_EQ(LastBegin().tenant, "acme");
  ASSERT_TRUE(secrets.Destroy(admin, {.tenant = "", .path = "s/2"}, {SecretVersion{1}}).error().code() ==
              ErrorCode::kNotFound);
  EXPECT_EQ(LastBegin().object, "s/2");
  EXPECT_EQ(LastBegin().tenant, "default");
  DestroyRequest order;
  order.name = "shop";
  order.version = KeyVersion{1};
  static_cast<void>(key_service.ScheduleDestroy(admin, order));
  EXPECT_EQ(LastBegin().object, "shop");
  std::vector<NewSeal> seals;
  seals.emplace_back(KeyFileSeal{folder / "second.key", true});
  ASSERT_TRUE(operator_service.Rekey(admin, seals).ok());
  EXPECT_TRUE(Last().reason.ends_with(" by bob: a test")) << Last().reason;
}

TEST_F(CallRecordTest, ABeginHoldsNothingThatIsNoName) {
  StartShop();
  for (const char* const value : {"my password is 4711!", "Shop", "a,b", "shop\n", ""}) {
    EXPECT_FALSE(key_service.RotateKeyring(admin, value, {}).ok());
    EXPECT_EQ(LastBegin().operation, Operation::kRotateKeyring);
    EXPECT_EQ(LastBegin().object, "") << value;
  }
  for (const char* const path : {"a b", "//", "a/\x01", ""}) {
    EXPECT_FALSE(secrets.Delete(app, {.tenant = "No Tenant", .path = path}, {}).ok());
    EXPECT_EQ(LastBegin().object, "") << path;
    EXPECT_EQ(LastBegin().tenant, "");
  }
  EXPECT_FALSE(key_service.RemoveCensusSource(admin, "source").ok());
  EXPECT_EQ(LastBegin().object, "source");
  EXPECT_EQ(LastBegin().reason, "");
  const std::size_t before = recorded.records.size();
  EXPECT_FALSE(key_service.RotateKeyring(app, "shop", {}).ok()) << "not the app's";
  ASSERT_EQ(recorded.records.size(), before + 1) << "what the policy refuses has no begin";
  EXPECT_EQ(Last().object, "shop") << "a probe is seen all the same";
}

// Each look at it is a microsecond later, and a month turns meanwhile.
class TurningClock final : public Clock {
 public:
  std::int64_t UnixMicros() const override { return now_us_.fetch_add(1); }
  std::int64_t MonotonicMicros() const override { return now_us_.load(); }
  void Set(std::int64_t now_us) { now_us_ = now_us; }

 private:
  mutable std::atomic<std::int64_t> now_us_ = 1'795'250'000'000'000;
};

TEST_F(CallRecordTest, RowsAreUnderTheKeyOfTheMonthThatTheirRecordSays) {
  constexpr std::int64_t kDecember = 1'796'083'200'000'000;
  TurningClock turning;
  audit::LogOptions options;
  options.folder = folder / "audit";
  options.key_file = folder / "audit.key";
  options.publish_every = std::chrono::hours(1);
  const auto log = audit::Log::Open(options, turning).value();
  AuditRecorder recorder(*log, turning);
  CallRecord call;
  call.operation = Operation::kDecryptFields;
  call.allowed = call.ok = true;
  call.rows = {CopyOf(AsBytes("row"))};
  call.rows_digest = Sha256({AsBytes("row")});
  for (std::int64_t early = 3; early >= -1; --early) {
    turning.Set(kDecember - early);
    std::optional<Result<std::uint64_t>> index;
    Mutex mutex;
    Condition done;
    recorder.Take(call, [&](Result<std::uint64_t> at) {
      const Lock held(mutex);
      index = std::move(at);
      done.notify_all();
    });
    const Lock held(mutex);
    while (!index) done.wait(mutex);
    ASSERT_TRUE(index->ok());
    audit::EncodedRecord record;
    ASSERT_TRUE(log->ReadRecords({.from = index->value(), .to = index->value() + 1},
                                 [&](std::uint64_t, ByteView bytes) -> Result<bool> {
                                   COFFER_ASSIGN_OR_RETURN(record, audit::DecodeRecord(bytes));
                                   return true;
                                 })
                    .ok());
    const auto key = log->month_keys().Find(record.month).value();
    ASSERT_NE(key, nullptr);
    EXPECT_EQ(record.record.rows, key->RowMac(*call.rows_digest).value()) << early;
    EXPECT_EQ(record.month, audit::MonthOf(record.record.time_us)) << early;
  }
}

}  // namespace
}  // namespace coffer::keysvc
