#include "plugins/grafana/cells/sqlite_cells.h"

#include "plugins/grafana/cells/open_cells.h"
#include "tests/plugins/grafana/rotation/sqlite_rotation.h"

namespace coffer::grafana {
namespace {

class SqliteCellsTest : public SqliteRotationTest {
 protected:
  SqliteCellsTest() {
    EXPECT_EQ(RunSqlite(path_,
                        "CREATE TABLE data_source (id INTEGER PRIMARY KEY, a TEXT, b, updated DATETIME);"
                        "INSERT INTO data_source VALUES (3, 'text', x'00ff', '2024-01-02 03:04:05.678+00:00'), "
                        "(5, NULL, 'other', 'never');"),
              SQLITE_OK);
    cells_ = SqliteCells::Open({.path = path_, .busy_timeout_ms = 0, .vfs = ""}).value();
  }
  RowChange Change(std::string row_id, std::vector<CellChange> cells) const {
    return {"data_source", std::move(row_id), {}, std::move(cells), true};
  }
  static coffer::Bytes Of(std::string_view text) { return CopyOf(AsBytes(text)); }
  ErrorCode UpdateError(const RowChange& change) {
    const Status updated = cells_->Update(change);
    EXPECT_FALSE(updated.ok());
    return updated.ok() ? ErrorCode::kInternal : updated.error().code();
  }

  std::unique_ptr<SqliteCells> cells_;
};

TEST_F(SqliteCellsTest, RowsComeWithTheirIds) {
  const std::vector<WantedTable> wanted = {{"none", {"a"}}, {"data_source", {"b", "missing", "a"}}};
  std::vector<std::string> rows;
  const auto found = cells_->Read(wanted, [&rows](std::string_view id, const ReadRow& row) -> Status {
    std::string text(id);
    for (const auto& cell : row.cells) text += "|" + (cell ? std::string(AsText(*cell)) : "~");
    rows.push_back(text);
    return {};
  });
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(rows, (std::vector<std::string>{std::string("3|\0\xff|~|text", 11), "5|other|~|~"}));
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ((*found)[0].has_column, (std::vector<bool>{true, false, true}));
}

TEST_F(SqliteCellsTest, CellsKeepTheirStorageClassAndTheStampGoesOn) {
  ASSERT_TRUE(
      cells_->Update(Change("3", {{"a", Of("text"), Of("x")}, {"b", Of(std::string("\0\xff", 2)), Of("y")}})).ok());
  ASSERT_TRUE(cells_->Commit().ok());
  cells_.reset();
  EXPECT_EQ(Value("SELECT quote(a) || quote(b) FROM data_source WHERE id = 3"), "'x'X'79'");
  EXPECT_EQ(Value("SELECT updated > '2024-01-02' AND length(updated) = 19 FROM data_source WHERE id = 3"), "1");
  EXPECT_EQ(Value("SELECT quote(b) || updated FROM data_source WHERE id = 5"), "'other'never");
}

TEST_F(SqliteCellsTest, AnotherValueThanBeforeIsAConflict) {
  EXPECT_EQ(UpdateError(Change("3", {{"a", Of("Text"), Of("x")}})), ErrorCode::kConflict);
  EXPECT_EQ(UpdateError(Change("3", {{"a", Of("text"), Of("x")}, {"b", Of("no"), Of("y")}})), ErrorCode::kConflict);
  EXPECT_EQ(UpdateError(Change("4", {{"a", Of("text"), Of("x")}})), ErrorCode::kConflict);
  EXPECT_EQ(UpdateError(Change("5", {{"a", Of(""), Of("x")}})), ErrorCode::kConflict) << "NULL is not empty";
  EXPECT_EQ(UpdateError(Change("(0,1)", {{"a", Of("text"), Of("x")}})), ErrorCode::kInternal);
}

TEST_F(SqliteCellsTest, ATableWithoutRowIdsIsRefused) {
  cells_.reset();
  ASSERT_EQ(RunSqlite(path_, "CREATE TABLE w (k PRIMARY KEY) WITHOUT ROWID"), SQLITE_OK);
  const auto cells = SqliteCells::Open({.path = path_, .busy_timeout_ms = 0, .vfs = ""});
  ASSERT_TRUE(cells.ok());
  const std::vector<WantedTable> wanted = {{"w", {"k"}}};
  const auto found = (*cells)->Read(wanted, [](std::string_view, const ReadRow&) { return Status(); });
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code(), ErrorCode::kInvalidArgument);
}

ErrorCode OpenError(const std::string& source) {
  const auto cells = OpenCells(source);
  EXPECT_FALSE(cells.ok()) << source;
  return cells.ok() ? ErrorCode::kInternal : cells.error().code();
}

TEST_F(SqliteCellsTest, OnlyADatabaseCanBeOpened) {
  cells_.reset();
  EXPECT_TRUE(OpenCells(path_).ok());
  const std::string dump = folder_ / "dump";
  for (const std::string content : {"-- PostgreSQL database dump\n", "PGDMP\x01\x0e", "", "SQLite format 3"}) {
    ASSERT_TRUE(WriteFileDurably(dump, AsBytes(content), 0600).ok());
    EXPECT_EQ(OpenError(dump), ErrorCode::kInvalidArgument) << content;
    EXPECT_EQ(AsText(ReadFile(dump, kFileLimit).value()), content);
  }
  EXPECT_EQ(OpenError(folder_.path()), ErrorCode::kInvalidArgument);
  EXPECT_EQ(OpenError(folder_ / "none"), ErrorCode::kNotFound);
  EXPECT_EQ(OpenError("mysql://user:secret@host/grafana"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(OpenCells("mysql://user:secret@host/x").error().ToString().find("secret"), std::string::npos);
  EXPECT_EQ(OpenError("/dev/stdin"), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace coffer::grafana
