#include "audit/query_index.h"

#include "crypto/value.h"
#include "tests/audit/query_index_fixture.h"

namespace coffer::audit {
namespace {

// Each look at it takes a second.
class SlowClock final : public Clock {
 public:
  std::int64_t UnixMicros() const override { return kStart; }
  std::int64_t MonotonicMicros() const override { return now_.fetch_add(1'000'000); }

 private:
  mutable std::atomic<std::int64_t> now_{0};
};

TEST_F(QueryIndexTest, EveryRecordComesBackAsTheJournalHasIt) {
  Append(WithEverything());
  Append(Refused());
  Record bare;
  bare.type = RecordType::kUpkeep;
  Append(bare);
  const auto index = NewIndex();
  EXPECT_FALSE(FollowAll(*index)) << "a file that was never there is not made anew";
  EXPECT_EQ(index->size(), log->durable().size);
  ExpectSame(AllOf(*index), Expected());
}

TEST_F(QueryIndexTest, NothingIsFoundBeforeItIsOpen) {
  const auto index = NewIndex();
  EXPECT_EQ(index->size(), 0u);
  EXPECT_EQ(index->Search({}).error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(index->Count({}, {GroupBy::kRole}).error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(index->EraseMonth(202611).error().code(), ErrorCode::kUnavailable);
}

TEST_F(QueryIndexTest, ItGoesOnWhereItWas) {
  Append(Call());
  FollowAll(*NewIndex());
  Append(Refused());
  const auto index = NewIndex();
  EXPECT_FALSE(FollowAll(*index));
  ExpectSame(AllOf(*index), Expected());
  Append(Call("unix:app:9"));
  FollowAll(*index);
  ExpectSame(AllOf(*index), Expected());
}

TEST_F(QueryIndexTest, AStepIsBounded) {
  for (std::uint64_t i = 0; i < QueryIndex::kStep; ++i) log->Append(Call(), [](const Result<std::uint64_t>&) {});
  Append(Call());
  const auto index = NewIndex();
  const Result<QueryIndex::Progress> first = index->Follow();
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(first->more);
  EXPECT_EQ(index->size(), QueryIndex::kStep);
  FollowAll(*index);
  EXPECT_EQ(index->size(), log->durable().size);
}

TEST_F(QueryIndexTest, EachTermFindsItsRecordsAndNoOthers) {
  const std::uint64_t plain = Append(Call());  // 1
  const std::uint64_t other = Append(Call("unix:app:9", "PutSecret"));
  const std::uint64_t refused = Append(Refused());
  const std::uint64_t full = Append(WithEverything());
  Record failed = Call();
  failed.outcome = "unavailable";
  failed.items = 0;
  const std::uint64_t broken = Append(failed);
  const auto index = NewIndex();
  FollowAll(*index);
  const auto with = [](auto set) {
    RecordFilter filter;
    set(filter);
    return filter;
  };
  using F = RecordFilter;
  const std::vector<std::pair<RecordFilter, Indexes>> cases = {
      {{}, {broken, full, refused, other, plain, 0}},
      {with([](F& f) { f.principal = "unix:app:7"; }), {broken, plain}},
      {with([](F& f) { f.principal = "unix:app"; }), {}},
      {with([](F& f) { f.role = "dba"; }), {refused}},
      {with([](F& f) { f.role = "restorer"; }), {}},
      {with([](F& f) { f.operation = "PutSecret"; }), {other}},
      {with([](F& f) { f.object = "shop.user.phone"; }), {full}},
      {with([](F& f) { f.object = "shop.user.email"; }), {broken, full, refused, other, plain}},
      {with([](F& f) { f.object = "shop.user.email,shop.user.phone"; }), {}},
      {with([](F& f) { f.tenant = "acme"; }), {full}},
      {with([](F& f) { f.outcome = "unavailable"; }), {broken}},
      {with([](F& f) { f.outcome = "ok"; }), {full, other, plain, 0}},
      {with([](F& f) { f.request_id = "req-1"; }), {full}},
      {with([](F& f) { f.request_id = "req-2"; }), {}},
      {with([](F& f) { f.key = 5; }), {full}},
      {with([](F& f) { f.key = 6; }), {}},
      {with([](F& f) { f.refused = true; }), {refused}},
      {with([](F& f) { f.failed = true; }), {broken, full}},
      {with([](F& f) { f.failed = f.refused = true; }), {broken, full, refused}},
      {with([](F& f) { f.type = RecordType::kBoot; }), {0}},
      {with([](F& f) { f.type = RecordType::kResult; }), {full}},
      {with([](F& f) { f.type = RecordType::kErased; }), {}},
      {with([&](F& f) { f.from = refused; }), {broken, full, refused}},
      {with([&](F& f) { f.to = refused; }), {other, plain, 0}},
      {with([&](F& f) { f.from = f.to = refused; }), {}},
      {with([](F& f) { f.from = 1'000; }), {}},
      {with([](F& f) {
         f.principal = "unix:app:7";
         f.failed = true;
       }),
       {broken}},
      {with([](F& f) {
         f.object = "shop.user.email";
         f.tenant = "acme";
         f.key = 3;
       }),
       {full}},
      {with([](F& f) {
         f.principal = "unix:app:9";
         f.operation = "DecryptFields";
       }),
       {}},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(Found(*index, cases[i].first), cases[i].second) << "case " << i;
    Indexes ascending = cases[i].second;
    std::reverse(ascending.begin(), ascending.end());
    EXPECT_EQ(Found(*index, cases[i].first, true), ascending) << "case " << i;
  }
}

TEST_F(QueryIndexTest, TimesAreFirstIncludedAndLastNot) {
  const std::uint64_t first = Append(Call());
  clock.Advance(kHour);
  const std::uint64_t second = Append(Call());
  const std::uint64_t same = Append(Call());
  clock.Advance(kHour);
  const std::uint64_t last = Append(Call());
  const auto index = NewIndex();
  FollowAll(*index);
  const auto between = [&](std::int64_t from, std::int64_t to) {
    RecordFilter filter;
    filter.from_us = from;
    filter.to_us = to;
    return Found(*index, filter, true);
  };
  EXPECT_EQ(between(kStart + 1, kStart + 2 * kHour), (Indexes{second, same}));
  EXPECT_EQ(between(kStart + kHour, kStart + 2 * kHour + 1), (Indexes{second, same, last}));
  EXPECT_EQ(between(0, kStart), Indexes());
  EXPECT_EQ(between(0, kStart + 1), (Indexes{0, first}));
  EXPECT_EQ(between(kStart + 3 * kHour, kStart + 9 * kHour), Indexes());
}

TEST_F(QueryIndexTest, PagesJoinWithoutGapOrRepeat) {
  for (int i = 0; i < 25; ++i) Append(i % 3 == 0 ? Refused() : Call());
  const auto index = NewIndex();
  FollowAll(*index);
  for (const bool oldest_first : {false, true}) {
    RecordQuery query{.filter = {}, .oldest_first = oldest_first, .max_records = 4};
    Indexes paged;
    for (int pages = 0; pages < 20; ++pages) {
      const RecordPage page = index->Search(query).value();
      EXPECT_LE(page.records.size(), 4u);
      for (const IndexedRecord& found : page.records) paged.push_back(found.index);
      if (!page.next) break;
      (oldest_first ? query.filter.from : query.filter.to) = *page.next;
    }
    EXPECT_EQ(paged, Found(*index, {}, oldest_first));
    EXPECT_EQ(paged.size(), 26u);
  }
}

TEST_F(QueryIndexTest, APageThatTakesTooLongEndsAndTheNextOneGoesOn) {
  Append(Call());
  clock.Advance(20 * kDay);  // Another month: two ranges to look at.
  Append(Call());
  const auto index = NewIndex();
  FollowAll(*index);
  const SlowClock slow;
  QueryIndex slow_index(*log, slow, folder / "audit/slow.sqlite");
  FollowAll(slow_index);
  RecordQuery query;
  query.filter.principal = "unix:app:7";
  query.max_us = 1;
  const RecordPage page = slow_index.Search(query).value();
  ASSERT_EQ(page.records.size(), 1u);
  EXPECT_EQ(page.records.front().index, 2u);
  ASSERT_TRUE(page.next.has_value());
  query.filter.to = *page.next;
  const RecordPage rest = slow_index.Search(query).value();
  ASSERT_EQ(rest.records.size(), 1u);
  EXPECT_EQ(rest.records.front().index, 1u);
  EXPECT_FALSE(rest.next.has_value());
  EXPECT_EQ(slow_index.Count(query.filter, {GroupBy::kRole}, -1).error().code(), ErrorCode::kResourceExhausted);
}

TEST_F(QueryIndexTest, ARowIsFoundInEveryMonthWhoseKeyIsThere) {
  Bytes row;
  ASSERT_TRUE(EncodeRow(std::vector<ScalarView>{std::int64_t{7}}, row).ok());
  Bytes other;
  ASSERT_TRUE(EncodeRow(std::vector<ScalarView>{std::int64_t{8}}, other).ok());
  Indexes expected;
  for (int month = 0; month < 2; ++month) {
    const auto key = log->month_keys().For(MonthOf(clock.UnixMicros())).value();
    Record record = Call();
    const Digest mac = key->RowMac(row).value();
    record.rows = mac;
    std::copy_n(mac.begin(), sizeof(RowTag), record.row_tags.emplace_back().begin());
    expected.insert(expected.begin(), Append(record));
    Append(Call());
    clock.Advance(20 * kDay);
  }
  const auto index = NewIndex();
  FollowAll(*index);
  RecordFilter filter;
  filter.row = row;
  EXPECT_EQ(Found(*index, filter), expected);
  filter.row = other;
  EXPECT_EQ(Found(*index, filter), Indexes());
  ASSERT_TRUE(index->EraseMonth(202611).ok());
  filter.row = row;
  EXPECT_EQ(Found(*index, filter), Indexes{expected.front()}) << "the month's key is gone";
}

TEST_F(QueryIndexTest, GroupsCountWhatIsThere) {
  Append(Call());
  Append(Call("unix:app:9"));
  Append(WithEverything());
  Record denied = Refused();
  denied.type = RecordType::kDenied;
  denied.items = 12;
  Append(denied);
  Append(Refused());
  const auto index = NewIndex();
  FollowAll(*index);
  const auto row = [](const RecordGroups& groups, const std::string& key) {
    for (const RecordGroup& group : groups.groups) {
      if (group.keys.front().text == key) return group;
    }
    ADD_FAILURE() << "no group " << key;
    return RecordGroup();
  };
  const RecordGroups roles = index->Count({}, {GroupBy::kRole}).value();
  EXPECT_EQ(roles.groups.size(), 3u);
  EXPECT_FALSE(roles.more);
  EXPECT_EQ(roles.groups.front().keys.front().text, "app") << "the largest first";
  EXPECT_EQ(row(roles, "app").records, 3u);
  EXPECT_EQ(row(roles, "app").values, 9u);
  EXPECT_EQ(row(roles, "app").failed_values, 2u);
  EXPECT_EQ(row(roles, "app").failed, 1u);
  EXPECT_EQ(row(roles, "dba").records, 2u);
  EXPECT_EQ(row(roles, "dba").refused, 13u) << "those that share a record count";
  EXPECT_EQ(row(roles, "dba").failed, 0u);
  EXPECT_EQ(row(roles, "").records, 1u) << "the service's own";
  const RecordGroups objects = index->Count({}, {GroupBy::kObject}).value();
  EXPECT_EQ(row(objects, "shop.user.email").records, 5u);
  EXPECT_EQ(row(objects, "shop.user.phone").records, 1u);
  RecordFilter filter;
  filter.refused = true;
  const RecordGroups both = index->Count(filter, {GroupBy::kPrincipal, GroupBy::kTenant}).value();
  ASSERT_EQ(both.groups.size(), 1u);
  EXPECT_EQ(both.groups[0].keys[0].text, "unix:dba:8");
  EXPECT_EQ(both.groups[0].keys[1].text, "default");
}

TEST_F(QueryIndexTest, HoursAndDaysAreGroupsInTheirOrder) {
  for (int i = 0; i < 5; ++i) {
    Append(Call());
    if (i >= 3) Append(Call());
    clock.Advance(9 * kHour);
  }
  const auto index = NewIndex();
  FollowAll(*index);
  for (const auto& [by, length] : {std::pair(GroupBy::kHour, kHour), std::pair(GroupBy::kDay, kDay)}) {
    const RecordGroups groups = index->Count({}, {by, GroupBy::kRole}).value();
    std::uint64_t records = 0;
    std::int64_t before = 0;
    for (const RecordGroup& group : groups.groups) {
      EXPECT_EQ(group.keys.front().start_us % length, 0);
      EXPECT_GE(group.keys.front().start_us, before);
      before = group.keys.front().start_us;
      records += group.records;
    }
    EXPECT_EQ(records, 8u);
    EXPECT_EQ(groups.groups.front().keys.front().start_us, kStart / length * length);
  }
}

TEST_F(QueryIndexTest, MoreGroupsThanTheLimitAreCutAndSaidSo) {
  for (std::size_t i = 0; i <= QueryIndex::kMaxGroups; ++i) {
    log->Append(Call("unix:app:" + std::to_string(i)), [](const Result<std::uint64_t>&) {});
  }
  Append(Call("unix:app:0"));
  const auto index = NewIndex();
  FollowAll(*index);
  const RecordGroups groups = index->Count({}, {GroupBy::kPrincipal}).value();
  EXPECT_TRUE(groups.more);
  EXPECT_EQ(groups.groups.size(), QueryIndex::kMaxGroups);
  EXPECT_EQ(groups.groups.front().keys.front().text, "unix:app:0");
  EXPECT_EQ(groups.groups.front().records, 2u);
}

}  // namespace
}  // namespace coffer::audit
