#include "plugins/grafana/database/sqlite_rows.h"

#include <algorithm>
#include <limits>

#include "io/sqlite_reader.h"
#include "plugins/grafana/database/sql_names.h"

namespace coffer::grafana {
namespace {

// Rows in memory, in their order.
class Spool {
 public:
  explicit Spool(std::size_t limit) : limit_(limit) {}

  bool full() const { return bytes_ >= limit_; }

  void AddCell(std::optional<ByteView> cell) {
    if (cell) Append(row_, *cell);
    ends_.push_back(cell ? row_.size() : kNull);
  }
  // What was added since the last row is one of `table`.
  void EndRow(std::size_t table) {
    rows_.push_back({table, ends_.size(), row_});
    bytes_ += sizeof(Row) + row_.size();
    row_.clear();
  }

  // Hands everything over and is empty.
  Status Deliver(const OnRow& on_row) {
    ReadRow out;
    std::size_t cell = 0;
    for (const Row& row : rows_) {
      out.table = row.table;
      out.cells.clear();
      for (std::size_t begin = 0; cell < row.last_cell; ++cell) {
        const bool is_null = ends_[cell] == kNull;
        const std::size_t end = is_null ? begin : ends_[cell];
        const ByteView bytes = ByteView(row.bytes).subspan(begin, end - begin);
        out.cells.push_back(is_null ? std::nullopt : std::optional(bytes));
        begin = end;
      }
      COFFER_TRY(on_row(out));
    }
    rows_.clear();
    ends_.clear();
    bytes_ = 0;
    return {};
  }

 private:
  static constexpr std::size_t kNull = std::numeric_limits<std::size_t>::max();
  struct Row {
    std::size_t table = 0;
    std::size_t last_cell = 0;  // the next row's first, of ends_
    Bytes bytes;                // of its cells
  };

  std::size_t limit_;
  std::size_t bytes_ = 0;
  std::vector<Row> rows_;
  std::vector<std::size_t> ends_;  // of each cell, in its row's bytes
  Bytes row_;                      // that is being added
};

// One call of Read.
class Scan {
 public:
  Scan(const std::string& path, std::size_t spool_bytes, std::span<const WantedTable> wanted, const OnRow& on_row)
      : path_(path), wanted_(wanted), on_row_(on_row), spool_(spool_bytes) {}

  Result<std::vector<FoundTable>> Run() {
    for (std::size_t table = 0; table < wanted_.size(); ++table) {
      COFFER_TRY(OpenFile());
      COFFER_ASSIGN_OR_RETURN(const auto columns, file_->ColumnsOf(wanted_[table].name));
      if (columns) COFFER_TRY(ReadTable(table, *columns));
    }
    COFFER_TRY(HandOver(true));
    return std::move(found_);
  }

 private:
  Status OpenFile() {
    if (file_ != nullptr) return {};
    COFFER_ASSIGN_OR_RETURN(file_, SqliteReader::Open(path_));
    return {};
  }

  // What was read counts, and nobody waits for us while it is worked on.
  Status HandOver(bool last) {
    if (file_ != nullptr) COFFER_TRY(file_->Check());
    if (file_ != nullptr && (last || file_->delays_writers())) file_.reset();
    return spool_.Deliver(on_row_);
  }

  // In pieces, where its rows have ids.
  Status ReadTable(std::size_t table, const SqliteColumns& columns) {
    const WantedTable& wanted = wanted_[table];
    found_.push_back({table, std::vector<bool>(wanted.columns.size()), 0});
    std::string selected = columns.has_row_ids ? "_rowid_" : "0";
    for (std::size_t i = 0; i < wanted.columns.size(); ++i) {
      found_.back().has_column[i] = std::any_of(columns.names.begin(), columns.names.end(), [&](const auto& name) {
        return FoldedName(name) == wanted.columns[i];
      });
      selected += found_.back().has_column[i] ? ", " + QuotedName(wanted.columns[i]) : ", NULL";
    }
    std::string sql = "SELECT " + selected + " FROM main." + QuotedName(wanted.name);
    if (columns.has_row_ids) sql += " WHERE _rowid_ >= ?1 ORDER BY _rowid_";
    for (bool more = true; more;) {
      COFFER_TRY(OpenFile());
      const Result<bool> piece = ReadPiece(sql, columns.has_row_ids);
      if (!piece.ok()) {
        COFFER_TRY(file_->Check());  // which may say why
        return piece.error();
      }
      more = *piece;
      if (more) COFFER_TRY(HandOver(false));
    }
    return {};
  }

  // True: the spool is full, and the table may go on behind last_row_id_.
  Result<bool> ReadPiece(const std::string& sql, bool has_row_ids) {
    COFFER_ASSIGN_OR_RETURN(SqliteQuery rows, file_->Prepare(sql));
    if (has_row_ids) COFFER_TRY(rows.Bind(1, next_row_id_));
    FoundTable& found = found_.back();
    for (;;) {
      COFFER_ASSIGN_OR_RETURN(const bool row, rows.Step());
      if (!row) break;
      for (std::size_t i = 0; i < found.has_column.size(); ++i) {
        COFFER_ASSIGN_OR_RETURN(const auto cell, rows.Cell(static_cast<int>(i) + 1));
        spool_.AddCell(cell);
      }
      spool_.EndRow(found.table);
      ++found.rows;
      const std::int64_t id = rows.Integer(0);
      if (!has_row_ids || !spool_.full() || id == kLastRowId) continue;
      next_row_id_ = id + 1;
      return true;
    }
    next_row_id_ = kFirstRowId;
    return false;
  }

  static constexpr std::int64_t kFirstRowId = std::numeric_limits<std::int64_t>::min();
  static constexpr std::int64_t kLastRowId = std::numeric_limits<std::int64_t>::max();

  const std::string& path_;
  std::span<const WantedTable> wanted_;
  const OnRow& on_row_;
  Spool spool_;
  std::unique_ptr<SqliteReader> file_;
  std::int64_t next_row_id_ = kFirstRowId;
  std::vector<FoundTable> found_;
};

}  // namespace

Result<std::vector<FoundTable>> SqliteRows::Read(std::span<const WantedTable> wanted, const OnRow& on_row) {
  return Scan(path_, spool_bytes_, wanted, on_row).Run();
}

}  // namespace coffer::grafana
