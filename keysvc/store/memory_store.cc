#include "keysvc/store/memory_store.h"

#include <algorithm>

namespace coffer::keysvc {

class MemoryTransaction final : public StoreTransaction {
 public:
  explicit MemoryTransaction(MemoryStore& store) : store_(store), lock_(store.mutex_), head_before_(store.head_) {}

  ~MemoryTransaction() override {
    if (!lock_.owns_lock()) return;
    for (auto undo = undo_.rbegin(); undo != undo_.rend(); ++undo)
      Put(undo->table, undo->primary_key, std::move(undo->before));
    store_.head_ = head_before_;
  }

  Result<std::optional<StoredRow>> Get(Table table, const Row& primary_key) override {
    COFFER_TRY(CheckOpen());
    COFFER_TRY(CheckPrimaryKey(SpecOf(table), primary_key));
    return Find(table, primary_key);
  }

  Result<std::vector<StoredRow>> Scan(const ScanRequest& request) override {
    COFFER_TRY(CheckOpen());
    COFFER_TRY(CheckScan(SpecOf(request.table), request));
    const std::size_t next = request.equals.size();
    std::vector<StoredRow> found;
    const auto& rows = RowsOf(request.table).by_key;
    for (auto row = rows.lower_bound(StartOf(request)); row != rows.end(); ++row) {
      const Row& key = row->first;
      if (!std::equal(request.equals.begin(), request.equals.end(), key.begin())) break;
      if (!request.text_prefix.empty() && !std::get<std::string>(key[next]).starts_with(request.text_prefix)) break;
      if (request.after && key[next] == *request.after) continue;
      found.push_back(row->second);
      if (request.limit != 0 && found.size() == request.limit) break;
    }
    return found;
  }

  Status Insert(Table table, const StoredRow& row) override {
    COFFER_TRY(CheckOpen());
    const TableSpec& spec = SpecOf(table);
    COFFER_TRY(CheckColumns(spec, row.columns));
    const Row key = PrimaryKeyOf(spec, row.columns);
    if (RowsOf(table).by_key.contains(key) || RowsOf(table).unique.contains(UniqueOf(spec, row.columns))) {
      return Error(ErrorCode::kAlreadyExists, "a row with this key exists").At(spec.name);
    }
    Change(table, key, row);
    return {};
  }

  Status Update(Table table, const StoredRow& row) override {
    COFFER_TRY(CheckOpen());
    const TableSpec& spec = SpecOf(table);
    COFFER_TRY(CheckColumns(spec, row.columns));
    const Row key = PrimaryKeyOf(spec, row.columns);
    const std::optional<StoredRow> before = Find(table, key);
    if (!before) return Error(ErrorCode::kNotFound, "there is no row with this key").At(spec.name);
    const Row unique = UniqueOf(spec, row.columns);
    if (unique != UniqueOf(spec, before->columns) && RowsOf(table).unique.contains(unique)) {
      return Error(ErrorCode::kAlreadyExists, "a row with this key exists").At(spec.name);
    }
    Change(table, key, row);
    return {};
  }

  Status Erase(Table table, const Row& primary_key) override {
    COFFER_TRY(CheckOpen());
    COFFER_TRY(CheckPrimaryKey(SpecOf(table), primary_key));
    if (!RowsOf(table).by_key.contains(primary_key)) {
      return Error(ErrorCode::kNotFound, "there is no row with this key").At(SpecOf(table).name);
    }
    Change(table, primary_key, std::nullopt);
    return {};
  }

  Status ForEachMac(const std::function<void(Table, const Row& primary_key, const Digest& mac)>& visit) override {
    COFFER_TRY(CheckOpen());
    for (const TableSpec& spec : Schema()) {
      for (const auto& [key, row] : RowsOf(spec.table).by_key) visit(spec.table, key, row.mac);
    }
    return {};
  }

  Result<std::optional<StoredHead>> GetHead() override {
    COFFER_TRY(CheckOpen());
    return store_.head_;
  }

  Status PutHead(const StoredHead& head) override {
    COFFER_TRY(CheckOpen());
    store_.head_ = head;
    return {};
  }

  Status Commit() override {
    COFFER_TRY(CheckOpen());
    lock_.unlock();
    return {};
  }

 private:
  struct Undo {
    Table table;
    Row primary_key;
    std::optional<StoredRow> before;
  };

  // Empty, and never kept, where the table has no further unique key.
  static Row UniqueOf(const TableSpec& spec, const Row& columns) {
    Row key;
    for (const std::size_t column : spec.unique) key.push_back(columns[column]);
    return key;
  }

  static Row StartOf(const ScanRequest& request) {
    Row start = request.equals;
    std::optional<Datum> next = request.after;
    if (!request.text_prefix.empty())
      next = next ? std::max(*next, Datum(request.text_prefix)) : Datum(request.text_prefix);
    if (next) start.push_back(*std::move(next));
    return start;
  }

  Status CheckOpen() const {
    if (!lock_.owns_lock()) return Error(ErrorCode::kInternal, "the transaction is over");
    return {};
  }

  MemoryStore::Rows& RowsOf(Table table) { return store_.tables_[static_cast<std::size_t>(table)]; }

  std::optional<StoredRow> Find(Table table, const Row& primary_key) {
    const auto& rows = RowsOf(table).by_key;
    const auto found = rows.find(primary_key);
    return found == rows.end() ? std::nullopt : std::optional(found->second);
  }

  void Change(Table table, const Row& primary_key, std::optional<StoredRow> after) {
    undo_.push_back({table, primary_key, Find(table, primary_key)});
    Put(table, primary_key, std::move(after));
  }

  void Put(Table table, const Row& primary_key, std::optional<StoredRow> row) {
    MemoryStore::Rows& rows = RowsOf(table);
    const TableSpec& spec = SpecOf(table);
    if (const std::optional<StoredRow> old = Find(table, primary_key)) {
      rows.unique.erase(UniqueOf(spec, old->columns));
      rows.by_key.erase(primary_key);
    }
    if (!row) return;
    if (!spec.unique.empty()) rows.unique.insert(UniqueOf(spec, row->columns));
    rows.by_key.emplace(primary_key, *std::move(row));
  }

  MemoryStore& store_;
  std::unique_lock<Mutex> lock_;
  std::optional<StoredHead> head_before_;
  std::vector<Undo> undo_;
};

Result<std::unique_ptr<StoreTransaction>> MemoryStore::Begin() {
  return std::unique_ptr<StoreTransaction>(std::make_unique<MemoryTransaction>(*this));
}

}  // namespace coffer::keysvc
