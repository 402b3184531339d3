#include "plugins/grafana/database/dump_parser.h"

#include "plugins/grafana/database/dump_tokens.h"
#include "tests/plugins/grafana/database/dump_texts.h"
#include "tests/plugins/grafana/database/read_all.h"

namespace coffer::grafana {
namespace {

using Texts = std::vector<std::string>;

const std::vector<WantedTable> kWanted = WantedOfDumps();

AllRows ReadWhole(std::string_view dump, std::size_t piece = 4'096) {
  const auto all = ReadDumpText(dump, kWanted, piece);
  EXPECT_TRUE(all.ok()) << all.error().ToString();
  return all.ok() ? *all : AllRows();
}

Error ReadError(std::string_view dump) {
  const auto all = ReadDumpText(dump, kWanted);
  EXPECT_FALSE(all.ok());
  return all.ok() ? Error(ErrorCode::kInternal, "none") : all.error();
}

std::string Postgres(std::string_view middle) {
  return std::string(kPostgresBegin) + std::string(middle) + std::string(kPostgresEnd);
}
std::string Sqlite(std::string_view middle) { return "BEGIN TRANSACTION;\n" + std::string(middle) + "COMMIT;\n"; }

TEST(DumpParserTest, CopyOfPgDumpIsRead) {
  const AllRows all = ReadWhole(CopyDump());
  EXPECT_EQ(all.rows, RowsOfPostgres());
  EXPECT_EQ(all.tables, (Texts{"data_keys 3 name encrypted_data active", "data_source 3 id secure_json_data key",
                               "user 1 login id"}));
}

TEST(DumpParserTest, InsertsOfPgDumpAreRead) {
  const AllRows all = ReadWhole(InsertDump());
  EXPECT_EQ(all.rows, RowsOfPostgres());
  EXPECT_EQ(all.tables, ReadWhole(CopyDump()).tables);
}

TEST(DumpParserTest, DumpOfSqlite3IsRead) {
  const AllRows all = ReadWhole(kSqliteDump);
  EXPECT_EQ(all.rows, RowsOfSqlite());
  EXPECT_EQ(all.tables, (Texts{"data_source 3 id secure_json_data key", "user 1 login id",
                               "data_keys 0 name encrypted_data active"}));
}

TEST(DumpParserTest, PiecesOfTheInputDoNotMatter) {
  for (const std::string& dump : {CopyDump(), InsertDump(), std::string(kSqliteDump)}) {
    const AllRows whole = ReadWhole(dump);
    for (const std::size_t piece : {1U, 2U, 3U, 7U, 64U}) EXPECT_TRUE(ReadWhole(dump, piece) == whole) << piece;
  }
}

TEST(DumpParserTest, WindowsLineEndsAndAByteOrderMarkAreTaken) {
  for (const std::string& dump : {CopyDump(), std::string(kSqliteDump)}) {
    std::string windows = "\xef\xbb\xbf";
    for (const char c : dump) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
    for (const std::size_t piece : {std::size_t{1}, windows.size()}) {
      EXPECT_TRUE(ReadWhole(windows, piece) == ReadWhole(dump)) << piece;
    }
  }
}

// Whatever is missing at the end: an error with the line, or, behind the mark of the end, all rows.
TEST(DumpParserTest, DumpThatIsCutShortAnywhereIsAnErrorWithItsLine) {
  const std::string postgres_mark = "-- PostgreSQL database dump complete";
  for (const auto& [dump, mark] : {std::pair{CopyDump(), postgres_mark}, std::pair{InsertDump(), postgres_mark},
                                   std::pair{std::string(kSqliteDump), std::string("COMMIT;")}}) {
    const AllRows whole = ReadWhole(dump);
    const std::size_t end = dump.find(mark) + mark.size();
    for (std::size_t size = 0; size < dump.size(); ++size) {
      const auto all = ReadDumpText(std::string_view(dump).substr(0, size), kWanted);
      EXPECT_TRUE(all.ok() || size != end) << size;
      if (all.ok()) {
        EXPECT_TRUE(size >= end && *all == whole) << size;
      } else {
        EXPECT_EQ(all.error().code(), ErrorCode::kInvalidArgument) << size;
        EXPECT_GT(all.error().line(), 0U) << size;
      }
    }
  }
}

// One byte changed anywhere: rows or an error, and never another code than that of a bad dump.
TEST(DumpParserTest, DamageIsAnErrorOrOtherRows) {
  for (const std::string& dump : {CopyDump(), InsertDump(), std::string(kSqliteDump)}) {
    for (std::size_t at = 0; at < dump.size(); ++at) {
      for (const char other : {'\0', '\'', '\\', '$', '(', ';', '\n', 'x'}) {
        std::string damaged = dump;
        damaged[at] = other;
        const auto all = ReadDumpText(damaged, kWanted);
        if (!all.ok()) {
          ASSERT_EQ(all.error().code(), ErrorCode::kInvalidArgument) << at;
        }
      }
    }
  }
}

struct BadDump {
  const char* name;
  std::string dump;
  std::uint64_t line;
  const char* part_of_message;
};

class BadDumpTest : public testing::TestWithParam<BadDump> {};

TEST_P(BadDumpTest, IsRefusedWithItsLine) {
  const Error error = ReadError(GetParam().dump);
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_NE(error.message().find(GetParam().part_of_message), std::string_view::npos) << error.ToString();
  EXPECT_TRUE(GetParam().line == 0 || error.line() == GetParam().line) << error.ToString();
}

constexpr std::uint64_t kFirst = 13;  // the line behind kPostgresBegin

std::string Definition(std::string_view table) {
  return "CREATE TABLE " + std::string(table) + " (id integer, secure_json_data text, key bytea);\n";
}
std::string Copy(std::string_view lines) {
  return Postgres(Definition("data_source") + "COPY data_source (id, secure_json_data, key) FROM stdin;\n" +
                  std::string(lines) + "\\.\n");
}
std::string Insert(std::string_view values) {
  return Postgres(Definition("data_source") + "INSERT INTO data_source VALUES " + std::string(values) + ";\n");
}
std::string InsertSqlite(std::string_view values) {
  return Sqlite("CREATE TABLE data_source(id,key);\nINSERT INTO data_source VALUES" + std::string(values) + ";\n");
}

INSTANTIATE_TEST_SUITE_P(
    , BadDumpTest,
    testing::Values(
        BadDump{"Empty", "", 1, "is neither"}, BadDump{"Prose", "hello\nworld;\n", 1, "is neither"},
        BadDump{"OnlySettings", "SET x = 1;\nPRAGMA y;\n", 3, "is neither"},
        BadDump{"MySql", "-- MySQL dump 10.13\n\nCREATE TABLE `data_source` (`id` int);\n", 3, "is neither"},
        BadDump{"Utf16", std::string("\xff\xfe-\0-\0", 6), 1, "is neither"},
        BadDump{"WithoutBegin", "CREATE TABLE t (a);\nCOMMIT;\n", 1, "is neither"},
        BadDump{"OtherEncoding", Postgres("SET client_encoding = 'SJIS';\n"), kFirst, "UTF8"},
        BadDump{"Rollback", "BEGIN TRANSACTION;\nROLLBACK; -- due to errors\n", 2, "sqlite3 met an error"},
        BadDump{"TwoDumpsOneEnd", std::string(kPostgresBegin) + Postgres(""), 0, "cut short"},
        BadDump{"ClusterWithoutEnd", "-- PostgreSQL database cluster dump\n" + Postgres(""), 0, "cut short"},
        BadDump{"RowsWithoutDefinition", Postgres("COPY data_source (id) FROM stdin;\n1\n\\.\n"), kFirst + 1,
                "--data-only"},
        BadDump{"DefinedTwice", Postgres(Definition("a.data_source") + Definition("b.data_source")), kFirst + 1,
                "two places"},
        BadDump{"RowsTwice",
                Postgres(Definition("data_source") + Definition("\"user\"") +
                         "INSERT INTO data_source VALUES (1, '', '');\nINSERT INTO \"user\" VALUES (1, '', '');\n"
                         "INSERT INTO data_source VALUES (1, '', '');\n"),
                kFirst + 4, "two places"},
        BadDump{"CsvCopy",
                Postgres(Definition("data_source") + "COPY data_source FROM stdin WITH (FORMAT csv);\n\\.\n"),
                kFirst + 1, "not as pg_dump"},
        BadDump{"FewerFields", Copy("1\ta\t\\N\n2\tb\n"), kFirst + 3, "not as many"},
        BadDump{"MoreFields", Copy("1\ta\t\\N\t\n"), kFirst + 2, "not as many"},
        BadDump{"EmptyLine", Copy("\n"), kFirst + 2, "not as many"},
        BadDump{"BackslashAtTheEndOfAField", Copy("1\ta\\\t\\N\n"), kFirst + 2, "not of its column's type"},
        BadDump{"OddHex", Copy("1\ta\t\\\\x2a0\n"), kFirst + 2, "not of its column's type"},
        BadDump{"NoHex", Copy("1\ta\t\\\\x2g\n"), kFirst + 2, "not of its column's type"},
        BadDump{"BadOctal", Copy("1\ta\t\\\\400\n"), kFirst + 2, "not of its column's type"},
        BadDump{"FewerValues", Insert("(1, 'a')"), kFirst + 1, "not as many"},
        BadDump{"MoreValues", Insert("(1, 'a', '', 2)"), kFirst + 1, "not as many"},
        BadDump{"InsertedOddHex", Insert("(1, 'a', '\\x2')"), kFirst + 1, "not of its column's type"},
        BadDump{"Expression", Insert("(now(), 'a', '')"), kFirst + 1, "not as pg_dump"},
        BadDump{"Parameter", Insert("($1, 'a', '')"), kFirst + 1, "not as pg_dump"},
        BadDump{"UnicodeEscape", Insert("(1, E'\\u0041', '')"), kFirst + 1, "not as pg_dump"},
        BadDump{"NoTuple", Insert("1"), kFirst + 1, "not as pg_dump"},
        BadDump{"OddBlob", InsertSqlite("(1,X'2a0')"), 3, "not as pg_dump"},
        BadDump{"OtherFunction", InsertSqlite("(1,hex('a'))"), 3, "not as pg_dump"},
        BadDump{
            "NestedTooDeep",
            InsertSqlite("(1,replace(replace(replace(replace(replace('a','a',char(1)),'a',char(1)),'a',char(1)),'a',"
                         "char(1)),'a',char(1)))"),
            3, "not as pg_dump"},
        BadDump{"CharOfNothing", InsertSqlite("(1,replace('a','a',char()))"), 3, "not as pg_dump"},
        BadDump{"CharBeyondAscii", InsertSqlite("(1,replace('a','a',char(200)))"), 3, "not as pg_dump"},
        BadDump{"Surrogate", InsertSqlite("(1,unistr('\\ud800'))"), 3, "not as pg_dump"},
        BadDump{"ShortUnistr", InsertSqlite("(1,unistr('\\u00a'))"), 3, "not as pg_dump"},
        BadDump{"DollarQuoteInARow", Insert("(1, $$a$$, '')"), kFirst + 1, "not as pg_dump"},
        BadDump{"DefinitionWithoutEnd", Postgres("CREATE TABLE data_source (id integer;\n"), kFirst, "not as pg_dump"}),
    [](const auto& bad) { return std::string(bad.param.name); });

TEST(DumpParserTest, BackslashesInStringsMeanWhatTheDumpSays) {
  const std::string rows = Definition("data_source") + "INSERT INTO data_source VALUES (1, 'a\\\\b', '\\\\x2a');\n";
  EXPECT_EQ(ReadWhole(Postgres("SET standard_conforming_strings = off;\n" + rows)).rows,
            (Texts{"data_source: 1|a\\b|~|*"}));
  EXPECT_EQ(ReadWhole(Postgres(rows)).rows, (Texts{"data_source: 1|a\\\\b|~|\\x2a"}));
}

TEST(DumpParserTest, DatabasesOfAClusterFollowEachOther) {
  const std::string one = Postgres(Definition("data_source") + "INSERT INTO data_source VALUES (1, '', NULL);\n");
  const std::string other = Postgres("CREATE TABLE t (id integer);\nCOPY t (id) FROM stdin;\n1\n\\.\n");
  EXPECT_EQ(ReadWhole("-- PostgreSQL database cluster dump\n\\connect a\n" + one + "\\connect b\n" + other +
                      "-- PostgreSQL database cluster dump complete\n")
                .rows,
            (Texts{"data_source: 1||~|~"}));
}

TEST(DumpParserTest, LargeObjectsAreSkipped) {
  const std::string objects = "BEGIN;\nSELECT pg_catalog.lowrite(0, '\\x2a');\nCOMMIT;\n";
  EXPECT_EQ(ReadWhole(Postgres(Definition("data_source") + objects)).tables,
            (Texts{"data_source 0 id secure_json_data key"}));
}

TEST(DumpParserTest, NamesAreComparedAsTheirDatabaseDoes) {
  const std::string rows = "(id integer);\nINSERT INTO \"DATA_SOURCE\" VALUES (1);\n";
  EXPECT_TRUE(ReadWhole(Postgres("CREATE TABLE \"DATA_SOURCE\" " + rows)).tables.empty());
  EXPECT_EQ(ReadWhole(Sqlite("CREATE TABLE Data_Source " + rows)).rows, (Texts{"data_source: 1|~|~|~"}));
  EXPECT_EQ(ReadWhole(Postgres("CREATE TABLE DATA_SOURCE (ID integer);\n")).tables, (Texts{"data_source 0 id"}));
}

TEST(DumpParserTest, WhatIsNoTableIsToldOfWhereItMayBeThere) {
  for (const auto& [dump, table] : std::vector<std::pair<std::string, std::string>>{
           {Postgres("CREATE VIEW public.data_source AS\n SELECT 1 AS id;\n"), "data_source is view"},
           // As pg_dump does where views need each other.
           {Postgres("CREATE VIEW public.data_source AS\nSELECT\n NULL::integer AS id;\n"
                     "CREATE OR REPLACE VIEW public.data_source WITH (security_barrier='true') AS\n SELECT 1 AS id;\n"),
            "data_source is view"},
           {Postgres("CREATE MATERIALIZED VIEW public.\"user\" AS\n SELECT 1 AS id\n  WITH NO DATA;\n"),
            "user is materialized-view"},
           {Postgres("CREATE FOREIGN DATA WRAPPER w;\nCREATE FOREIGN TABLE public.data_keys (\n    name text\n)\n"
                     "SERVER s OPTIONS (\n    filename 'x'\n);\n"),
            "data_keys is foreign-table"},
           {Sqlite("CREATE VIEW user AS SELECT 1 AS id;\n"), "user is view"},
           {Sqlite("PRAGMA writable_schema=ON;\nINSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES("
                   "'table','User','User',0,'CREATE VIRTUAL TABLE User USING fts5(login)');\n"
                   "CREATE TABLE IF NOT EXISTS 'User_data'(id INTEGER PRIMARY KEY, block BLOB);\n"
                   "INSERT INTO User_data VALUES(1,X'');\nPRAGMA writable_schema=OFF;\n"),
            "user is virtual-table"},
           {Sqlite("CREATE VIRTUAL TABLE user USING fts5(login);\n"), "user is virtual-table"}}) {
    const auto lenient = ReadDumpText(dump, Lenient(kWanted));
    ASSERT_TRUE(lenient.ok()) << dump << lenient.error().ToString();
    EXPECT_EQ(lenient->tables, Texts{table}) << dump;
    EXPECT_TRUE(lenient->rows.empty());
    const Error strict = ReadError(dump);
    EXPECT_EQ(strict.code(), ErrorCode::kInvalidArgument) << dump;
    EXPECT_EQ(strict.path(), table.substr(0, table.find(' ')));
    EXPECT_NE(strict.line(), 0U);
  }
}

TEST(DumpParserTest, ATableAndAViewOfItsNameAreTwo) {
  const std::string table = "CREATE TABLE public.\"user\" (\n    id integer\n);\n";
  const std::string view = "CREATE VIEW other.\"user\" AS\n SELECT 1 AS id;\n";
  for (const std::string& dump : {Postgres(table + view), Postgres(view + table)}) {
    const auto all = ReadDumpText(dump, Lenient(kWanted));
    ASSERT_FALSE(all.ok());
    EXPECT_NE(all.error().message().find("in two places"), std::string_view::npos);
  }
  const std::string seen = "CREATE MATERIALIZED VIEW other.\"user\" AS\n SELECT 1 AS id;\n";
  EXPECT_FALSE(ReadDumpText(Postgres(view + seen), Lenient(kWanted)).ok());
  EXPECT_TRUE(ReadDumpText(Sqlite("CREATE TEMP VIEW user AS SELECT 1;\n"), kWanted).ok());
}

TEST(DumpParserTest, PartitionedTableWithoutARowIsToldOf) {
  const std::string table = "CREATE TABLE public.\"user\" (\n    id integer\n)\nPARTITION BY RANGE (id);\n";
  const std::string part =
      "CREATE TABLE public.user_1 (\n    id integer\n);\nCOPY public.user_1 (id) FROM stdin;\n1\n\\.\n"
      "ALTER TABLE ONLY public.\"user\" ATTACH PARTITION public.user_1 FOR VALUES FROM (0) TO (9);\n";
  const auto lenient = ReadDumpText(Postgres(table + part), Lenient(kWanted));
  ASSERT_TRUE(lenient.ok()) << lenient.error().ToString();
  EXPECT_EQ(lenient->tables, (Texts{"user is partitioned"}));
  EXPECT_EQ(ReadError(Postgres(table + part)).code(), ErrorCode::kInvalidArgument);
  EXPECT_NE(ReadError(Postgres(table + part)).line(), 0U);
  const std::string through_root = "COPY public.\"user\" (id) FROM stdin;\n1\n\\.\n";
  EXPECT_EQ(ReadWhole(Postgres(table + through_root)).tables, (Texts{"user 1 id"}));
}

TEST(DumpParserTest, SchemaRowsThatSqlite3DoesNotWriteAreRefused) {
  for (const char* row : {"INSERT INTO sqlite_schema VALUES;\n", "INSERT INTO sqlite_schema VALUES('table' 'x');\n",
                          "INSERT INTO sqlite_schema VALUES('table',1);\n", "INSERT INTO sqlite_schema(\n",
                          "INSERT INTO sqlite_schema(type) SELECT 'table', 'user';\n"}) {
    EXPECT_EQ(ReadError(Sqlite(row)).code(), ErrorCode::kInvalidArgument) << row;
  }
}

TEST(DumpParserTest, ErrorOfARowIsGivenBackAsItIs) {
  for (const std::string& dump : {CopyDump(), InsertDump(), std::string(kSqliteDump)}) {
    std::string_view rest = dump;
    DumpInput input([&rest](MutableBytes out) -> Result<std::size_t> {
      const ByteView next = AsBytes(rest.substr(0, out.size()));
      std::copy(next.begin(), next.end(), out.begin());
      rest.remove_prefix(next.size());
      return next.size();
    });
    int calls = 0;
    const auto found = ReadDump(input, kWanted, [&calls](const ReadRow&) -> Status {
      ++calls;
      return Error(ErrorCode::kConflict, "enough");
    });
    ASSERT_FALSE(found.ok());
    EXPECT_EQ(found.error().ToString(), "enough");
    EXPECT_EQ(calls, 1);
  }
}

TEST(DumpParserTest, FailureOfTheInputIsGivenBack) {
  const std::string dump = CopyDump();
  for (std::size_t size = 0; size < dump.size(); size += 13) {
    std::string_view rest = std::string_view(dump).substr(0, size);
    DumpInput input([&rest](MutableBytes out) -> Result<std::size_t> {
      if (rest.empty()) return Error(ErrorCode::kUnavailable, "gone");
      const ByteView next = AsBytes(rest.substr(0, std::min<std::size_t>(out.size(), 50)));
      std::copy(next.begin(), next.end(), out.begin());
      rest.remove_prefix(next.size());
      return next.size();
    });
    const auto found = ReadDump(input, kWanted, [](const ReadRow&) { return Status(); });
    ASSERT_FALSE(found.ok());
    EXPECT_EQ(found.error().code(), ErrorCode::kUnavailable) << size;
  }
}

// `before`, then `count` times the same, then `after`, without having it in memory.
DumpInput Repeating(std::string before, char repeated, std::size_t count, std::string after) {
  std::string piece(64 * 1024, repeated);
  return DumpInput(
      [=, begun = false, left = count, rest = std::string()](MutableBytes out) mutable -> Result<std::size_t> {
        if (!begun) rest = before;
        begun = true;
        if (rest.empty() && left > 0) {
          rest = piece.substr(0, std::min(left, piece.size()));
          left -= rest.size();
          if (left == 0) rest += after;
        }
        const std::size_t size = std::min(rest.size(), out.size());
        std::copy_n(AsBytes(rest).begin(), size, out.begin());
        rest.erase(0, size);
        return size;
      });
}

// It would take hours if the quote were looked for to the buffer's end at each escape.
TEST(DumpParserTest, ManyEscapesAreReadInLinearTime) {
  constexpr std::size_t kEscapes = std::size_t{4} << 20;
  const std::string text = std::string(kPostgresBegin) + "INSERT INTO t VALUES (E'" + std::string(2 * kEscapes, '\\') +
                           "');\n" + Definition("data_source") +
                           "INSERT INTO data_source VALUES (1, E'a\\\\b''', '');\n" + std::string(kPostgresEnd);
  const auto all = ReadDumpText(text, kWanted, text.size());
  ASSERT_TRUE(all.ok()) << all.error().ToString();
  EXPECT_EQ(all->rows, (Texts{"data_source: 1|a\\b'|~|"}));
}

TEST(DumpParserTest, RowAboveTheLimitIsRefused) {
  const std::string table = std::string(kPostgresBegin) + Definition("data_source");
  for (const char* before :
       {"COPY data_source (id, secure_json_data, key) FROM stdin;\n1\t", "INSERT INTO data_source VALUES (1, '"}) {
    DumpInput input = Repeating(table + before, 'x', kMaxDumpRow + 1, "\\N\n");
    const auto found = ReadDump(input, kWanted, [](const ReadRow&) { return Status(); });
    ASSERT_FALSE(found.ok());
    EXPECT_EQ(found.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(found.error().limit(), kMaxDumpRow);
  }
}

TEST(DumpParserTest, WhatIsNotWantedMayBeOfAnyLength) {
  const std::string end = std::string(kPostgresEnd);
  for (const auto& [before, after] :
       {std::pair{"COPY t (a) FROM stdin;\n", "\n\\.\n"}, std::pair{"INSERT INTO t VALUES ('", "');\n"},
        std::pair{"SELECT $x$", "$x$;\n"}, std::pair{"-- ", "\n"}, std::pair{"/*", "*/\n"},
        std::pair{"SELECT \"", "\";\n"}, std::pair{"SELECT ", ";\n"}}) {
    DumpInput input = Repeating(std::string(kPostgresBegin) + before, 'x', kMaxDumpRow + 1, after + end);
    const auto found = ReadDump(input, kWanted, [](const ReadRow&) { return Status(); });
    EXPECT_TRUE(found.ok()) << before << found.error().ToString();
  }
}

}  // namespace
}  // namespace coffer::grafana
