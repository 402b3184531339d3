// The file of a QueryIndex: deleted, damaged, foreign, erased from, left behind by a killed process.
#include <fstream>

#include "io/directory.h"
#include "io/sqlite.h"
#include "tests/audit/query_index_fixture.h"

namespace coffer::audit {
namespace {

TEST_F(QueryIndexTest, ADeletedFileComesBackTheSame) {
  for (int i = 0; i < 30; ++i) Append(i % 2 == 0 ? WithEverything() : Refused());
  std::vector<IndexedRecord> before;
  {
    const auto index = NewIndex();
    FollowAll(*index);
    before = AllOf(*index);
  }
  ASSERT_TRUE(RemoveTree(IndexPath()).ok());
  const auto index = NewIndex();
  FollowAll(*index);
  ExpectSame(AllOf(*index), before);
}

TEST_F(QueryIndexTest, AFileThatIsNoGoodIsMadeAnew) {
  for (int i = 0; i < 30; ++i) Append(Call());
  FollowAll(*NewIndex());
  const std::string whole = folder / "whole.sqlite";
  COFFER_CHECK(std::system(("cp '" + IndexPath() + "' '" + whole + "'").c_str()) == 0);
  const std::string path = IndexPath();
  const std::vector<std::pair<const char*, std::function<void()>>> cases = {
      {"no database", [&] { std::ofstream(path) << "this is not a database"; }},
      {"an empty file", [&] { std::ofstream(path) << ""; }},
      {"cut in half", [&] { std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2); }},
      {"a database of something else",
       [&] {
         ASSERT_TRUE(RemoveTree(path).ok());
         ASSERT_TRUE(SqliteDatabase::Open({.path = path, .vfs = {}}).value()->Execute("CREATE TABLE t(a)").ok());
       }},
      {"of another log",
       [&] {
         ASSERT_TRUE(
             SqliteDatabase::Open({.path = path, .vfs = {}}).value()->Execute("UPDATE progress SET origin='x'").ok());
       }},
      {"of another version",
       [&] {
         ASSERT_TRUE(
             SqliteDatabase::Open({.path = path, .vfs = {}}).value()->Execute("UPDATE progress SET version=2").ok());
       }},
      {"without progress",
       [&] {
         ASSERT_TRUE(SqliteDatabase::Open({.path = path, .vfs = {}}).value()->Execute("DELETE FROM progress").ok());
       }},
      {"with another root",
       [&] {
         Frontier other;
         while (other.size() < log->durable().size) other.Append(Digest{});
         const std::string sql = "UPDATE progress SET frontier = x'" + ToHex(other.Encode()) + "'";
         ASSERT_TRUE(SqliteDatabase::Open({.path = path, .vfs = {}}).value()->Execute(sql).ok());
       }},
  };
  for (const auto& [what, damage] : cases) {
    SCOPED_TRACE(what);
    COFFER_CHECK(std::system(("rm -rf '" + path + "'* && cp '" + whole + "' '" + path + "'").c_str()) == 0);
    damage();
    const auto index = NewIndex();
    EXPECT_TRUE(FollowAll(*index));
    ExpectSame(AllOf(*index), Expected());
  }
}

TEST_F(QueryIndexTest, AnIndexAheadOfItsLogIsMadeAnew) {
  Append(Call());
  // Files of the running log come and go meanwhile.
  const std::string copy = "cp -a '" + (folder / "audit") + "' '" + (folder / "earlier") + "' 2>/dev/null || true";
  COFFER_CHECK(std::system(copy.c_str()) == 0);
  for (int i = 0; i < 5; ++i) Append(Refused());
  FollowAll(*NewIndex());
  COFFER_CHECK(std::system(("cp '" + IndexPath() + "' '" + (folder / "ahead.sqlite") + "'").c_str()) == 0);
  log.reset();
  // As a log that was restored together with its signing key's memory of it.
  ASSERT_TRUE(RemoveTree(folder / "audit").ok());
  COFFER_CHECK(
      std::system(("mv '" + (folder / "earlier") + "' '" + (folder / "audit") + "' && rm -f '" +
                   (folder / "audit.key.signed") + "' && cp '" + (folder / "ahead.sqlite") + "' '" + IndexPath() + "'")
                      .c_str()) == 0);
  OpenLog();
  const auto index = NewIndex();
  EXPECT_TRUE(FollowAll(*index));
  ExpectSame(AllOf(*index), Expected());
}

TEST_F(QueryIndexTest, DamageThatASearchMeetsIsHealed) {
  for (int i = 0; i < 50; ++i) Append(WithEverything());
  FollowAll(*NewIndex());
  ASSERT_TRUE(SqliteDatabase::Open({.path = IndexPath(), .vfs = {}}).value()->Execute("DELETE FROM names").ok());
  const auto index = NewIndex();
  EXPECT_FALSE(FollowAll(*index)) << "nothing looks at names before a search";
  EXPECT_EQ(index->Search({}).error().code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(FollowAll(*index));
  ExpectSame(AllOf(*index), Expected());
}

TEST_F(QueryIndexTest, AnErasedMonthsPeopleAreInNoFile) {
  Record november = Call("unix:app:canary-november");
  november.personal.peer = "canary-peer";
  november.personal.on_behalf_of = "canary-behalf";
  november.personal.reason = "canary-reason";
  for (int i = 0; i < 20; ++i) Append(november);
  clock.Advance(20 * kDay);
  Append(Call("unix:app:december"));
  const auto index = NewIndex();
  FollowAll(*index);
  EXPECT_TRUE(FilesHold("canary"));
  RecordFilter filter;
  filter.principal = "unix:app:canary-november";
  EXPECT_EQ(Found(*index, filter).size(), 20u);

  ASSERT_TRUE(index->EraseMonth(202611).ok());
  EXPECT_FALSE(FilesHold("canary"));
  EXPECT_TRUE(FilesHold("unix:app:december"));
  EXPECT_EQ(Found(*index, filter), Indexes());
  filter.principal = "unix:app:december";
  EXPECT_EQ(Found(*index, filter).size(), 1u);
  FollowAll(*index);
  ExpectSame(AllOf(*index), Expected());
  EXPECT_EQ(AllOf(*index).back().record.type, RecordType::kErased);
}

TEST_F(QueryIndexTest, AMonthErasedInTheLogAloneIsForgottenWhenItIsMet) {
  Append(Call("unix:app:canary"));
  {
    const auto index = NewIndex();
    FollowAll(*index);
    ASSERT_TRUE(log->EraseMonth(202611).ok());
    FollowAll(*index);
    EXPECT_FALSE(FilesHold("canary")) << "by the record of it";
    ExpectSame(AllOf(*index), Expected());
  }
}

TEST_F(QueryIndexTest, AMonthWhoseKeyIsGoneIsForgottenWhenTheIndexIsOpened) {
  Append(Call("unix:app:canary"));
  FollowAll(*NewIndex());
  ASSERT_TRUE(FilesHold("canary"));
  ASSERT_TRUE(log->month_keys().Erase(202611).ok());  // Without a record of it.
  const auto index = NewIndex();
  EXPECT_FALSE(FollowAll(*index));
  EXPECT_FALSE(FilesHold("canary"));
  ExpectSame(AllOf(*index), Expected());
}

TEST_F(QueryIndexTest, AnUncleanStopLosesNothing) {
  for (int i = 0; i < 10; ++i) Append(Call());
  const auto index = NewIndex();
  FollowAll(*index);
  // The files as a process leaves them that is killed.
  COFFER_CHECK(
      std::system(("mkdir '" + (folder / "killed") + "' && cp '" + IndexPath() + "'* '" + (folder / "killed") + "/'")
                      .c_str()) == 0);
  QueryIndex again(*log, clock, folder / "killed/index.sqlite");
  EXPECT_FALSE(FollowAll(again));
  ExpectSame(AllOf(again), Expected());
}

TEST_F(QueryIndexTest, AFolderInItsPlaceIsSaidAndLeftAlone) {
  Append(Call());
  ASSERT_TRUE(MakeDirectory(IndexPath(), 0700).ok());
  const auto index = NewIndex();
  EXPECT_EQ(index->Follow().error().code(), ErrorCode::kUnavailable);
  ASSERT_TRUE(RemoveTree(IndexPath()).ok());
  FollowAll(*index);
  ExpectSame(AllOf(*index), Expected());
}

TEST_F(QueryIndexTest, WhoeverHasTheFileIsNotDisturbed) {
  Append(Call());
  const auto first = NewIndex();
  FollowAll(*first);
  const auto second = NewIndex();
  const Result<QueryIndex::Progress> refused = second->Follow();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnavailable);
  ExpectSame(AllOf(*first), Expected());
}

}  // namespace
}  // namespace coffer::audit
