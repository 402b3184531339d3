#include "plugins/grafana/database/sqlite_rows.h"

#include <algorithm>
#include <limits>

#include "plugins/grafana/database/sql_names.h"

namespace coffer::grafana {
namespace {

Error Damaged() {
  return Error(ErrorCode::kInvalidArgument, "the database's file is damaged: a table has rows more than once");
}

// Pages of a damaged file can be of many tables, or many times of one: rows without end, from a small file. What is
// read is never much more than what is stored. A number is longer as text, UTF-16 as UTF-8, and a column's default is
// stored once.
class Budget {
 public:
  void Raise(std::uint64_t file_bytes) { most_ = std::max(most_, file_bytes * kMostPerStored); }
  Status TakeRow(std::uint64_t bytes) {
    taken_ += kMostPerStored * kShortestRow + bytes;
    if (taken_ > most_) return Damaged();
    return {};
  }

 private:
  static constexpr std::uint64_t kMostPerStored = 16;
  static constexpr std::uint64_t kShortestRow = 2;  // its pointer in the page

  std::uint64_t most_ = 0;
  std::uint64_t taken_ = 0;
};

// Rows in memory, in their order.
class Spool {
 public:
  explicit Spool(const SpoolLimits& limits) : limits_(limits) {}

  bool full() const { return bytes_ >= limits_.spool_bytes; }
  // Of the row that is being added.
  std::size_t row_bytes() const { return row_.size(); }

  Status AddCell(std::optional<ByteView> cell) {
    if (cell && cell->size() > limits_.row_bytes - row_.size()) {
      return Error(ErrorCode::kInvalidArgument, "the database has a row that is longer than allowed")
          .WithLimit(limits_.row_bytes);
    }
    if (cell) Append(row_, *cell);
    ends_.push_back(cell ? row_.size() : kNull);
    return {};
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

  SpoolLimits limits_;
  std::size_t bytes_ = 0;
  std::vector<Row> rows_;
  std::vector<std::size_t> ends_;  // of each cell, in its row's bytes
  Bytes row_;                      // that is being added
};

// One call of Read.
class Scan {
 public:
  Scan(const std::string& path, const SpoolLimits& limits, std::span<const WantedTable> wanted, const OnRow& on_row)
      : path_(path), wanted_(wanted), on_row_(on_row), spool_(limits) {}

  Result<std::vector<FoundTable>> Run() {
    for (std::size_t table = 0; table < wanted_.size(); ++table) {
      COFFER_TRY(OpenFile());
      COFFER_ASSIGN_OR_RETURN(const auto columns, file_->ColumnsOf(wanted_[table].name));
      COFFER_TRY(columns ? ReadTable(table, *columns) : NoteOther(table));
    }
    COFFER_TRY(HandOver(true));
    return std::move(found_);
  }

 private:
  Status OpenFile() {
    if (file_ != nullptr) return {};
    COFFER_ASSIGN_OR_RETURN(file_, SqliteReader::Open(path_));
    COFFER_ASSIGN_OR_RETURN(const std::uint64_t size, file_->Size());
    budget_.Raise(size);
    return {};
  }

  // What was read counts, and nobody waits for us while it is worked on.
  Status HandOver(bool last) {
    if (file_ != nullptr) COFFER_TRY(file_->Check());
    if (file_ != nullptr && (last || file_->delays_writers())) file_.reset();
    return spool_.Deliver(on_row_);
  }

  // What is no ordinary table.
  Status NoteOther(std::size_t table) {
    COFFER_ASSIGN_OR_RETURN(SqliteQuery type, file_->Prepare(kSqliteTypeOf));
    COFFER_TRY(type.Bind(1, wanted_[table].name));
    COFFER_ASSIGN_OR_RETURN(const bool exists, type.Step());
    if (!exists) return {};
    COFFER_ASSIGN_OR_RETURN(const auto text, type.Cell(0));
    COFFER_ASSIGN_OR_RETURN(FoundTable other,
                            FoundOther(wanted_, table, SqliteKind(AsText(text.value_or(ByteView())))));
    found_.push_back(std::move(other));
    return {};
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
    if (has_row_ids) COFFER_TRY(rows.Bind(1, last_row_id_ ? *last_row_id_ + 1 : kFirstRowId));
    for (;;) {
      COFFER_ASSIGN_OR_RETURN(const bool row, rows.Step());
      if (!row) break;
      COFFER_TRY(TakeRow(rows));
      if (!has_row_ids) continue;
      const std::int64_t id = rows.Integer(0);
      if (last_row_id_ && id <= *last_row_id_) return Damaged();
      last_row_id_ = id;
      if (spool_.full() && id != kLastRowId) return true;
    }
    last_row_id_.reset();
    return false;
  }

  Status TakeRow(const SqliteQuery& row) {
    FoundTable& found = found_.back();
    for (std::size_t i = 0; i < found.has_column.size(); ++i) {
      COFFER_ASSIGN_OR_RETURN(const auto cell, row.Cell(static_cast<int>(i) + 1));
      COFFER_TRY(spool_.AddCell(cell));
    }
    COFFER_TRY(budget_.TakeRow(spool_.row_bytes()));
    spool_.EndRow(found.table);
    ++found.rows;
    return {};
  }

  static constexpr std::int64_t kFirstRowId = std::numeric_limits<std::int64_t>::min();
  static constexpr std::int64_t kLastRowId = std::numeric_limits<std::int64_t>::max();

  const std::string& path_;
  std::span<const WantedTable> wanted_;
  const OnRow& on_row_;
  Spool spool_;
  std::unique_ptr<SqliteReader> file_;
  Budget budget_;
  std::optional<std::int64_t> last_row_id_;  // of the table that is read
  std::vector<FoundTable> found_;
};

}  // namespace

TableKind SqliteKind(std::string_view type) {
  if (type == "table") return TableKind::kTable;
  if (type == "view") return TableKind::kView;
  return type == "virtual" ? TableKind::kVirtualTable : TableKind::kOther;
}

Result<std::vector<FoundTable>> SqliteRows::Read(std::span<const WantedTable> wanted, const OnRow& on_row) {
  return Scan(path_, limits_, wanted, on_row).Run();
}

}  // namespace coffer::grafana
