#include "keysvc/store/sqlite_store.h"

#include <algorithm>

#include "keysvc/store/sql.h"

namespace coffer::keysvc {
namespace {

constexpr std::int64_t kApplicationId = 0x436F6672;  // "Cofr"

Result<std::int64_t> ReadPragma(SqliteDatabase& database, std::string_view pragma) {
  COFFER_ASSIGN_OR_RETURN(SqliteStatement statement, database.Prepare(pragma));
  COFFER_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) return Error(ErrorCode::kInternal, "the store's file has no header value");
  COFFER_ASSIGN_OR_RETURN(const Datum value, statement.Column(0, ValueType::kInt64, false));
  return std::get<std::int64_t>(value);
}

// Every object of the file, but SQLite's own indexes, as (name, sql) in the order of names.
Result<std::vector<SchemaObject>> StoredObjects(SqliteDatabase& database) {
  COFFER_ASSIGN_OR_RETURN(SqliteStatement statement,
                          database.Prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name"));
  std::vector<SchemaObject> objects;
  while (true) {
    COFFER_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return objects;
    COFFER_ASSIGN_OR_RETURN(Datum name, statement.Column(0, ValueType::kText, false));
    COFFER_ASSIGN_OR_RETURN(Datum sql, statement.Column(1, ValueType::kText, false));
    objects.push_back({std::get<std::string>(std::move(name)), std::get<std::string>(std::move(sql))});
  }
}

Status CreateTables(SqliteDatabase& database) {
  std::string sql = "BEGIN IMMEDIATE;";
  for (const SchemaObject& object : SchemaObjects()) sql += object.sql + ";";
  sql += "PRAGMA application_id=" + std::to_string(kApplicationId) + ";";
  sql += "PRAGMA user_version=" + std::to_string(kSchemaVersion) + ";COMMIT";
  return database.Execute(sql);
}

// A file whose tables, triggers or views are others could change what our statements do.
Status CheckTables(SqliteDatabase& database, std::int64_t version) {
  COFFER_ASSIGN_OR_RETURN(const std::vector<SchemaObject> stored, StoredObjects(database));
  std::vector<SchemaObject> expected = SchemaObjects(version);
  const auto by_name = [](const SchemaObject& a, const SchemaObject& b) { return a.name < b.name; };
  std::sort(expected.begin(), expected.end(), by_name);
  const auto same = [](const SchemaObject& a, const SchemaObject& b) { return a.name == b.name && a.sql == b.sql; };
  if (!std::equal(stored.begin(), stored.end(), expected.begin(), expected.end(), same)) {
    return Error(ErrorCode::kIntegrity, "the store's tables are not those of its schema version");
  }
  return {};
}

// All of it or nothing; no row is touched, so the head stays right.
Status UpgradeTables(SqliteDatabase& database, std::int64_t from) {
  std::string sql = "BEGIN IMMEDIATE;";
  for (const SchemaObject& object : ObjectsSince(from)) sql += object.sql + ";";
  sql += "PRAGMA user_version=" + std::to_string(kSchemaVersion) + ";COMMIT";
  return database.Execute(sql);
}

Status CheckOrCreateTables(SqliteDatabase& database) {
  COFFER_ASSIGN_OR_RETURN(const std::int64_t application, ReadPragma(database, "PRAGMA application_id"));
  COFFER_ASSIGN_OR_RETURN(const std::int64_t version, ReadPragma(database, "PRAGMA user_version"));
  COFFER_ASSIGN_OR_RETURN(const std::vector<SchemaObject> stored, StoredObjects(database));
  if (application == 0 && version == 0 && stored.empty())
    COFFER_TRY(CreateTables(database));
  else if (application != kApplicationId)
    return Error(ErrorCode::kIntegrity, "the file is not a Coffer store");
  else if (version > kSchemaVersion)
    return Error(ErrorCode::kFailedPrecondition, "a newer Coffer wrote this store");
  else if (version < 1)
    return Error(ErrorCode::kIntegrity, "the store's schema version never existed");
  if (version >= 1 && version < kSchemaVersion) {
    COFFER_TRY(CheckTables(database, version));
    COFFER_TRY(UpgradeTables(database, version));
  }
  return CheckTables(database, kSchemaVersion);
}

Result<std::unique_ptr<SqliteDatabase>> OpenChecked(const SqliteOptions& options) {
  COFFER_ASSIGN_OR_RETURN(std::unique_ptr<SqliteDatabase> database, SqliteDatabase::Open(options));
  COFFER_TRY(CheckOrCreateTables(*database));
  // A process that died between write and sync left a commit that a power cut could still take back.
  COFFER_TRY(database->MakeDurable());
  return database;
}

Result<Digest> DigestAt(const SqliteStatement& statement, int column) {
  COFFER_ASSIGN_OR_RETURN(const Datum value, statement.Column(column, ValueType::kBytes, false));
  const Bytes& bytes = std::get<Bytes>(value);
  Digest digest{};
  if (bytes.size() != digest.size()) return Error(ErrorCode::kIntegrity, "a stored MAC is not 32 bytes");
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

// Epochs are stored as SQL's signed integers.
Result<std::uint64_t> EpochAt(const SqliteStatement& statement, int column) {
  COFFER_ASSIGN_OR_RETURN(const Datum value, statement.Column(column, ValueType::kInt64, false));
  const std::int64_t epoch = std::get<std::int64_t>(value);
  if (epoch < 0) return Error(ErrorCode::kIntegrity, "a stored epoch is negative");
  return static_cast<std::uint64_t>(epoch);
}

// The first `count` columns of the table.
Result<Row> ColumnsAt(const SqliteStatement& statement, const TableSpec& spec, std::size_t count) {
  Row columns;
  columns.reserve(count);
  for (const ColumnSpec& column : spec.columns.first(count)) {
    const int index = static_cast<int>(columns.size());
    COFFER_ASSIGN_OR_RETURN(Datum value, statement.Column(index, column.type, column.nullable));
    columns.push_back(std::move(value));
  }
  return columns;
}

Result<StoredRow> RowAt(const SqliteStatement& statement, const TableSpec& spec) {
  StoredRow row;
  COFFER_ASSIGN_OR_RETURN(row.columns, ColumnsAt(statement, spec, spec.columns.size()));
  int index = static_cast<int>(row.columns.size());
  COFFER_ASSIGN_OR_RETURN(row.row_epoch, EpochAt(statement, index++));
  COFFER_ASSIGN_OR_RETURN(row.mac, DigestAt(statement, index));
  return row;
}

Datum EpochDatum(std::uint64_t epoch) { return static_cast<std::int64_t>(epoch); }
Datum DigestDatum(const Digest& digest) { return CopyOf(digest); }

Status BindAll(SqliteStatement& statement, const Row& values) {
  int index = 0;
  for (const Datum& value : values) COFFER_TRY(statement.Bind(++index, value));
  return {};
}

}  // namespace

class SqliteTransaction final : public StoreTransaction {
 public:
  SqliteTransaction(SqliteStore& store, std::unique_lock<Mutex> lock) : store_(store), lock_(std::move(lock)) {}

  ~SqliteTransaction() override {
    if (!lock_.owns_lock() || store_.database_ == nullptr) return;
    // Fails when SQLite has rolled back by itself; any other failure is cured by opening anew.
    if (!store_.database_->Execute("ROLLBACK").ok()) store_.reopen_ = true;
  }

  Result<std::optional<StoredRow>> Get(Table table, const Row& primary_key) override {
    return Guarded([&]() -> Result<std::optional<StoredRow>> {
      const TableSpec& spec = SpecOf(table);
      COFFER_TRY(CheckPrimaryKey(spec, primary_key));
      COFFER_ASSIGN_OR_RETURN(SqliteStatement statement, database().Prepare(GetSql(spec)));
      COFFER_TRY(BindAll(statement, primary_key));
      COFFER_ASSIGN_OR_RETURN(const bool found, statement.Step());
      if (!found) return std::optional<StoredRow>();
      COFFER_ASSIGN_OR_RETURN(StoredRow row, RowAt(statement, spec));
      return std::optional(std::move(row));
    });
  }

  Result<std::vector<StoredRow>> Scan(const ScanRequest& request) override {
    return Guarded([&]() -> Result<std::vector<StoredRow>> {
      const TableSpec& spec = SpecOf(request.table);
      COFFER_TRY(CheckScan(spec, request));
      COFFER_ASSIGN_OR_RETURN(SqliteStatement statement, database().Prepare(ScanSql(spec, request)));
      Row parameters = request.equals;
      if (!request.text_prefix.empty()) parameters.emplace_back(request.text_prefix);
      if (request.after) parameters.push_back(*request.after);
      if (request.limit != 0) parameters.emplace_back(static_cast<std::int64_t>(request.limit));
      COFFER_TRY(BindAll(statement, parameters));
      return Collect(statement, spec, request);
    });
  }

  Status Insert(Table table, const StoredRow& row) override {
    return Guarded([&]() -> Status {
      COFFER_ASSIGN_OR_RETURN(const bool returned, Write(table, row, InsertSql(SpecOf(table))));
      static_cast<void>(returned);
      return {};
    });
  }

  Status Update(Table table, const StoredRow& row) override {
    return Guarded([&]() -> Status {
      COFFER_ASSIGN_OR_RETURN(const bool found, Write(table, row, UpdateSql(SpecOf(table))));
      if (!found) return NoSuchRow(table);
      return {};
    });
  }

  Status Erase(Table table, const Row& primary_key) override {
    return Guarded([&]() -> Status {
      const TableSpec& spec = SpecOf(table);
      COFFER_TRY(CheckPrimaryKey(spec, primary_key));
      COFFER_ASSIGN_OR_RETURN(SqliteStatement statement, database().Prepare(EraseSql(spec)));
      COFFER_TRY(BindAll(statement, primary_key));
      COFFER_ASSIGN_OR_RETURN(const bool found, RunToEnd(statement));
      if (!found) return NoSuchRow(table);
      return {};
    });
  }

  Status ForEachMac(const std::function<void(Table, const Row& primary_key, const Digest& mac)>& visit) override {
    return Guarded([&]() -> Status {
      for (const TableSpec& spec : Schema()) {
        COFFER_ASSIGN_OR_RETURN(SqliteStatement statement, database().Prepare(MacsSql(spec)));
        while (true) {
          COFFER_ASSIGN_OR_RETURN(const bool row, statement.Step());
          if (!row) break;
          COFFER_ASSIGN_OR_RETURN(const Row key, ColumnsAt(statement, spec, spec.primary_key_columns));
          COFFER_ASSIGN_OR_RETURN(const Digest mac, DigestAt(statement, static_cast<int>(key.size())));
          visit(spec.table, key, mac);
        }
      }
      return {};
    });
  }

  Result<std::optional<StoredHead>> GetHead() override {
    return Guarded([&]() -> Result<std::optional<StoredHead>> {
      COFFER_ASSIGN_OR_RETURN(SqliteStatement statement, database().Prepare(kGetHeadSql));
      COFFER_ASSIGN_OR_RETURN(const bool found, statement.Step());
      if (!found) return std::optional<StoredHead>();
      StoredHead head;
      COFFER_ASSIGN_OR_RETURN(head.epoch.value, EpochAt(statement, 0));
      COFFER_ASSIGN_OR_RETURN(head.sum, DigestAt(statement, 1));
      COFFER_ASSIGN_OR_RETURN(head.mac, DigestAt(statement, 2));
      return std::optional(head);
    });
  }

  Status PutHead(const StoredHead& head) override {
    return Guarded([&]() -> Status {
      COFFER_ASSIGN_OR_RETURN(SqliteStatement statement, database().Prepare(kPutHeadSql));
      COFFER_TRY(BindAll(statement, {EpochDatum(head.epoch.value), DigestDatum(head.sum), DigestDatum(head.mac)}));
      COFFER_TRY(RunToEnd(statement));
      return {};
    });
  }

  Status Commit() override {
    const Status committed = Guarded([&]() -> Status { return database().Execute("COMMIT"); });
    if (!lock_.owns_lock()) return committed;
    if (!committed.ok()) {
      store_.reopen_ = true;
      return committed;
    }
    // What is committed stays committed, whether or not the files can be cleaned now.
    if (store_.purge_owed_) store_.purge_owed_ = !database().TruncateLog().ok();
    lock_.unlock();
    return {};
  }

 private:
  SqliteDatabase& database() { return *store_.database_; }

  // Runs `call` unless the transaction is over or broken: after an outage SQLite may have rolled back, and the next
  // statement would be a transaction of its own.
  template <typename Call>
  auto Guarded(Call call) -> decltype(call()) {
    if (!lock_.owns_lock()) return Error(ErrorCode::kInternal, "the transaction is over");
    if (broken_) return Error(ErrorCode::kUnavailable, "the transaction failed before; nothing of it was kept");
    auto result = call();
    if (result.ok()) return result;
    const ErrorCode code = result.error().code();
    broken_ = code == ErrorCode::kUnavailable || code == ErrorCode::kIntegrity || code == ErrorCode::kInternal;
    if (code == ErrorCode::kUnavailable) store_.reopen_ = true;
    return result;
  }

  static Error NoSuchRow(Table table) {
    return Error(ErrorCode::kNotFound, "there is no row with this key").At(SpecOf(table).name);
  }

  // True when a row came back. All steps are taken, so that the statement is complete.
  static Result<bool> RunToEnd(SqliteStatement& statement) {
    COFFER_ASSIGN_OR_RETURN(const bool returned, statement.Step());
    if (returned) COFFER_TRY(statement.Step());
    return returned;
  }

  Result<bool> Write(Table table, const StoredRow& row, const std::string& sql) {
    COFFER_TRY(CheckColumns(SpecOf(table), row.columns));
    COFFER_ASSIGN_OR_RETURN(SqliteStatement statement, database().Prepare(sql));
    COFFER_TRY(BindAll(statement, row.columns));
    const int columns = static_cast<int>(row.columns.size());
    COFFER_TRY(statement.Bind(columns + 1, EpochDatum(row.row_epoch)));
    COFFER_TRY(statement.Bind(columns + 2, DigestDatum(row.mac)));
    Result<bool> returned = RunToEnd(statement);
    if (!returned.ok()) return std::move(returned).error().At(SpecOf(table).name);
    return returned;
  }

  // The prefix ends the scan: rows come in order and start at it.
  static Result<std::vector<StoredRow>> Collect(SqliteStatement& statement, const TableSpec& spec,
                                                const ScanRequest& request) {
    std::vector<StoredRow> found;
    const std::size_t next = request.equals.size();
    while (true) {
      COFFER_ASSIGN_OR_RETURN(const bool more, statement.Step());
      if (!more) return found;
      COFFER_ASSIGN_OR_RETURN(StoredRow row, RowAt(statement, spec));
      if (!request.text_prefix.empty() && !std::get<std::string>(row.columns[next]).starts_with(request.text_prefix))
        return found;
      found.push_back(std::move(row));
    }
  }

  SqliteStore& store_;
  std::unique_lock<Mutex> lock_;
  bool broken_ = false;
};

SqliteStore::SqliteStore(SqliteOptions options) : options_(std::move(options)) {}

Result<std::unique_ptr<SqliteStore>> SqliteStore::Open(const SqliteOptions& options) {
  auto store = std::make_unique<SqliteStore>(options);
  COFFER_TRY(store->Reopen());
  return store;
}

Status SqliteStore::Reopen() {
  if (!reopen_) return {};
  database_.reset();
  COFFER_ASSIGN_OR_RETURN(database_, OpenChecked(options_));
  reopen_ = false;
  purge_owed_ = !database_->TruncateLog().ok();
  return {};
}

Status SqliteStore::PurgeErased() {
  const std::unique_lock<Mutex> lock(mutex_);
  purge_owed_ = true;
  COFFER_TRY(Reopen());
  COFFER_TRY(database_->TruncateLog());
  purge_owed_ = false;
  return {};
}

Result<std::unique_ptr<StoreTransaction>> SqliteStore::Begin() {
  std::unique_lock<Mutex> lock(mutex_);
  COFFER_TRY(Reopen());
  const Status begun = database_->Execute("BEGIN IMMEDIATE");
  if (!begun.ok()) {
    reopen_ = true;
    return begun.error();
  }
  return std::unique_ptr<StoreTransaction>(std::make_unique<SqliteTransaction>(*this, std::move(lock)));
}

}  // namespace coffer::keysvc
