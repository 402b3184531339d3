#include "audit/query_index_rows.h"

#include <algorithm>
#include <limits>
#include <set>

#include "crypto/cursor.h"

namespace coffer::audit {

constexpr std::string_view kTables = R"sql(
CREATE TABLE progress(one INTEGER PRIMARY KEY CHECK(one = 1), version INTEGER NOT NULL, origin TEXT NOT NULL,
  frontier BLOB NOT NULL) STRICT;
CREATE TABLE segments(first INTEGER PRIMARY KEY, month INTEGER NOT NULL) STRICT;
CREATE TABLE names(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE people(id INTEGER PRIMARY KEY, month INTEGER NOT NULL, text TEXT NOT NULL, UNIQUE(month, text)) STRICT;
CREATE TABLE records(idx INTEGER PRIMARY KEY, time_us INTEGER NOT NULL, type INTEGER NOT NULL,
  authentication INTEGER NOT NULL, role INTEGER, operation INTEGER, object INTEGER, tenant INTEGER, principal INTEGER,
  peer INTEGER, on_behalf_of INTEGER, reason INTEGER, purpose INTEGER, request_id TEXT, allowed INTEGER NOT NULL,
  rule INTEGER, policy_serial INTEGER NOT NULL, outcome INTEGER, failure INTEGER, standing INTEGER NOT NULL,
  items INTEGER NOT NULL, failed INTEGER NOT NULL, unmatched INTEGER NOT NULL, reasons BLOB, keys BLOB, row_tags BLOB,
  store BLOB, store_epoch INTEGER NOT NULL, latency_us INTEGER NOT NULL, begin_idx INTEGER) STRICT;
CREATE INDEX by_principal ON records(principal) WHERE principal IS NOT NULL;
CREATE INDEX by_operation ON records(operation) WHERE operation IS NOT NULL;
CREATE INDEX by_request ON records(request_id) WHERE request_id IS NOT NULL;
CREATE INDEX by_trouble ON records(idx) WHERE standing > 0;
CREATE INDEX by_event ON records(idx) WHERE type > 3;
CREATE TABLE record_objects(name INTEGER NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY(name, idx)) STRICT, WITHOUT ROWID;
CREATE TABLE record_tenants(name INTEGER NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY(name, idx)) STRICT, WITHOUT ROWID;
CREATE TABLE record_keys(name INTEGER NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY(name, idx)) STRICT, WITHOUT ROWID;
CREATE TABLE record_rows(name INTEGER NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY(name, idx)) STRICT, WITHOUT ROWID;
)sql";

constexpr std::string_view kInsertRecord =
    "INSERT INTO records VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, "
    "?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30)";

const std::string_view kRecordColumns =
    "r.idx, r.time_us, r.type, r.authentication, r.role, r.operation, r.object, r.tenant, r.principal, r.peer, "
    "r.on_behalf_of, r.reason, r.purpose, r.request_id, r.allowed, r.rule, r.policy_serial, r.outcome, r.failure, "
    "r.items, r.failed, r.unmatched, r.reasons, r.keys, r.row_tags, r.store, r.store_epoch, r.latency_us, r.begin_idx";

namespace {

constexpr std::int64_t kVersion = 1;
constexpr std::size_t kReasonBytes = 9;  // a reason and its count

// Counts are far below this; a column holds no more.
Datum CountOf(std::uint64_t count) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return Signed(std::min(count, kMost));
}

Datum BytesOrNull(Bytes bytes) { return bytes.empty() ? Datum(NullValue{}) : Datum(std::move(bytes)); }

Datum TextOrNull(const std::string& text) { return text.empty() ? Datum(NullValue{}) : Datum(text); }

void AppendU64(Bytes& out, std::uint64_t number) {
  out.resize(out.size() + sizeof number);
  StoreU64(MutableBytes(out).last(sizeof number), number);
}

Bytes ReasonsOf(const Record& record) {
  Bytes bytes;
  for (const auto& [reason, count] : record.reasons) {
    bytes.push_back(static_cast<std::byte>(reason));
    AppendU64(bytes, count);
  }
  return bytes;
}

Bytes KeysOf(const Record& record) {
  Bytes bytes;
  for (const std::uint64_t key : record.keys) AppendU64(bytes, key);
  if (record.more_keys > 0) AppendU64(bytes, record.more_keys);
  return bytes;
}

Bytes TagsOf(const Record& record) {
  Bytes bytes;
  for (const RowTag& tag : record.row_tags) bytes.insert(bytes.end(), tag.begin(), tag.end());
  return bytes;
}

Error Foreign() { return {ErrorCode::kIntegrity, "the audit log's index holds a row that is none of ours"}; }

Status BindAll(SqliteStatement& statement, const std::vector<Datum>& values) {
  int index = 0;
  for (const Datum& value : values) COFFER_TRY(statement.Bind(++index, value));
  return {};
}

// Steps a statement that writes until its end, and gives the first row's number where it has one.
Result<std::int64_t> RunForId(SqliteStatement& statement) {
  COFFER_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) return Error(ErrorCode::kInternal, "the audit log's index gave no id");
  COFFER_ASSIGN_OR_RETURN(const Datum id, statement.Column(0, ValueType::kInt64, false));
  COFFER_TRY(statement.Step());
  return std::get<std::int64_t>(id);
}

// The id of `text`, made when there is none. Both statements take the same parameters.
Result<std::int64_t> FindOrMake(SqliteDatabase& database, std::string_view find, std::string_view make,
                                const std::vector<Datum>& parameters) {
  {
    COFFER_ASSIGN_OR_RETURN(SqliteStatement known, database.Prepare(find));
    COFFER_TRY(BindAll(known, parameters));
    COFFER_ASSIGN_OR_RETURN(const bool found, known.Step());
    if (found) {
      COFFER_ASSIGN_OR_RETURN(const Datum id, known.Column(0, ValueType::kInt64, false));
      return std::get<std::int64_t>(id);
    }
  }
  COFFER_ASSIGN_OR_RETURN(SqliteStatement insert, database.Prepare(make));
  COFFER_TRY(BindAll(insert, parameters));
  return RunForId(insert);
}

}  // namespace

std::int64_t StandingOf(const Record& record) {
  if (!record.allowed) return kRefusedStanding;
  const bool failed = record.failed > 0 || (!record.outcome.empty() && record.outcome != "ok");
  return failed ? kFailedStanding : 0;
}

std::vector<std::string_view> PartsOf(std::string_view list) {
  std::vector<std::string_view> parts;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (comma > 0) parts.push_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return parts;
}

std::int64_t TagNumber(const RowTag& tag) { return Signed(LoadU64(tag)); }

Status MakeTables(SqliteDatabase& database) { return database.Execute(std::string(kTables)); }

Result<bool> HasOurTables(SqliteDatabase& database) {
  std::set<std::string> ours;
  for (std::string_view rest = kTables; !rest.empty();) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    std::string_view statement = rest.substr(0, end);
    statement.remove_prefix(std::min(statement.find_first_not_of('\n'), statement.size()));
    if (!statement.empty()) ours.emplace(statement);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  COFFER_ASSIGN_OR_RETURN(SqliteStatement query,
                          database.Prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL LIMIT 1000"));
  while (true) {
    COFFER_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return ours.empty();
    COFFER_ASSIGN_OR_RETURN(const Datum sql, query.Column(0, ValueType::kText, false));
    if (ours.erase(std::get<std::string>(sql)) == 0) return false;
  }
}

Result<IndexProgress> ReadProgress(SqliteDatabase& database) {
  COFFER_ASSIGN_OR_RETURN(SqliteStatement query, database.Prepare("SELECT version, origin, frontier FROM progress"));
  COFFER_ASSIGN_OR_RETURN(const bool row, query.Step());
  if (!row) return Foreign();
  COFFER_ASSIGN_OR_RETURN(const Datum version, query.Column(0, ValueType::kInt64, false));
  COFFER_ASSIGN_OR_RETURN(Datum origin, query.Column(1, ValueType::kText, false));
  COFFER_ASSIGN_OR_RETURN(const Datum frontier, query.Column(2, ValueType::kBytes, false));
  if (std::get<std::int64_t>(version) != kVersion) return Foreign();
  Result<Frontier> decoded = Frontier::Decode(std::get<Bytes>(frontier));
  if (!decoded.ok()) return Foreign();
  return IndexProgress{.origin = std::get<std::string>(std::move(origin)), .frontier = *decoded};
}

Status WriteProgress(SqliteDatabase& database, const IndexProgress& progress) {
  COFFER_ASSIGN_OR_RETURN(SqliteStatement write,
                          database.Prepare("INSERT INTO progress VALUES(1, ?1, ?2, ?3) ON CONFLICT(one) DO UPDATE SET "
                                           "version = excluded.version, origin = excluded.origin, frontier = "
                                           "excluded.frontier"));
  COFFER_TRY(BindAll(write, {kVersion, progress.origin, progress.frontier.Encode()}));
  const Result<bool> done = write.Step();
  return done.ok() ? Status() : Status(done.error());
}

Result<Datum> RowWriter::NameId(std::string_view name) {
  if (name.empty()) return Datum(NullValue{});
  std::string text(name);
  const auto known = names_.find(text);
  if (known != names_.end()) return Datum(known->second);
  COFFER_ASSIGN_OR_RETURN(const std::int64_t id, FindOrMake(database_, "SELECT id FROM names WHERE text = ?1",
                                                            "INSERT INTO names(text) VALUES(?1) RETURNING id", {text}));
  if (names_.size() >= kMaxNames) names_.clear();
  names_.emplace(std::move(text), id);
  return Datum(id);
}

Result<Datum> RowWriter::PersonId(const std::string& person, Month month) {
  if (person.empty()) return Datum(NullValue{});
  if (people_month_ != month || people_.size() >= kMaxNames) people_.clear();
  people_month_ = month;
  const auto known = people_.find(person);
  if (known != people_.end()) return Datum(known->second);
  COFFER_ASSIGN_OR_RETURN(
      const std::int64_t id,
      FindOrMake(database_, "SELECT id FROM people WHERE month = ?1 AND text = ?2",
                 "INSERT INTO people(month, text) VALUES(?1, ?2) RETURNING id", {std::int64_t{month}, person}));
  people_.emplace(person, id);
  return Datum(id);
}

Status RowWriter::Link(std::string_view sql, std::int64_t what, std::uint64_t index) {
  COFFER_ASSIGN_OR_RETURN(SqliteStatement link, database_.Prepare(sql));
  COFFER_TRY(BindAll(link, {what, Signed(index)}));
  const Result<bool> done = link.Step();
  return done.ok() ? Status() : Status(done.error());
}

Status RowWriter::LinkNames(std::string_view sql, std::string_view list, std::uint64_t index) {
  for (const std::string_view part : PartsOf(list)) {
    COFFER_ASSIGN_OR_RETURN(const Datum id, NameId(part));
    COFFER_TRY(Link(sql, std::get<std::int64_t>(id), index));
  }
  return {};
}

Status RowWriter::WriteLinks(std::uint64_t index, const Record& record) {
  COFFER_TRY(LinkNames("INSERT OR IGNORE INTO record_objects VALUES(?1, ?2)", record.object, index));
  COFFER_TRY(LinkNames("INSERT OR IGNORE INTO record_tenants VALUES(?1, ?2)", record.tenant, index));
  for (const std::uint64_t key : record.keys) {
    COFFER_TRY(Link("INSERT OR IGNORE INTO record_keys VALUES(?1, ?2)", Signed(key), index));
  }
  for (const RowTag& tag : record.row_tags) {
    COFFER_TRY(Link("INSERT OR IGNORE INTO record_rows VALUES(?1, ?2)", TagNumber(tag), index));
  }
  return {};
}

Status RowWriter::NoteMonth(std::uint64_t index, Month month) {
  if (last_month_ == 0) {
    COFFER_ASSIGN_OR_RETURN(SqliteStatement last,
                            database_.Prepare("SELECT month FROM segments ORDER BY first DESC LIMIT 1"));
    COFFER_ASSIGN_OR_RETURN(const bool found, last.Step());
    if (found) {
      COFFER_ASSIGN_OR_RETURN(const Datum known, last.Column(0, ValueType::kInt64, false));
      last_month_ = static_cast<Month>(std::get<std::int64_t>(known));
    }
  }
  if (last_month_ == month) return {};
  last_month_ = month;
  COFFER_ASSIGN_OR_RETURN(SqliteStatement insert, database_.Prepare("INSERT INTO segments VALUES(?1, ?2)"));
  COFFER_TRY(BindAll(insert, {Signed(index), std::int64_t{month}}));
  const Result<bool> done = insert.Step();
  return done.ok() ? Status() : Status(done.error());
}

Status RowWriter::Write(std::uint64_t index, const Record& record, Month month) {
  COFFER_TRY(NoteMonth(index, month));
  std::vector<Datum> row = {Signed(index), record.time_us, std::int64_t{static_cast<std::uint8_t>(record.type)},
                            std::int64_t{static_cast<std::uint8_t>(record.authentication)}};
  const auto add_name = [&](std::string_view name) -> Status {
    COFFER_ASSIGN_OR_RETURN(row.emplace_back(), NameId(name));
    return {};
  };
  for (const std::string* name : {&record.role, &record.operation, &record.object, &record.tenant}) {
    COFFER_TRY(add_name(*name));
  }
  const Personal& personal = record.personal;
  for (const std::string* person : {&personal.principal, &personal.peer, &personal.on_behalf_of, &personal.reason}) {
    COFFER_ASSIGN_OR_RETURN(row.emplace_back(), PersonId(*person, month));
  }
  COFFER_TRY(add_name(record.purpose));
  row.push_back(TextOrNull(record.request_id));
  row.emplace_back(std::int64_t{record.allowed ? 1 : 0});
  COFFER_TRY(add_name(record.rule));
  row.emplace_back(Signed(record.policy_serial));
  COFFER_TRY(add_name(record.outcome));
  COFFER_TRY(add_name(record.failure));
  row.emplace_back(StandingOf(record));
  for (const std::uint64_t count : {record.items, record.failed, record.unmatched}) row.push_back(CountOf(count));
  for (Bytes bytes : {ReasonsOf(record), KeysOf(record), TagsOf(record)}) row.push_back(BytesOrNull(std::move(bytes)));
  row.push_back(record.store.IsZero() ? Datum(NullValue{}) : Datum(CopyOf(record.store.view())));
  row.emplace_back(Signed(record.store_epoch));
  row.push_back(CountOf(record.latency_us));
  row.push_back(record.begin ? Datum(Signed(*record.begin)) : Datum(NullValue{}));
  {
    COFFER_ASSIGN_OR_RETURN(SqliteStatement insert, database_.Prepare(kInsertRecord));
    COFFER_TRY(BindAll(insert, row));
    COFFER_TRY(insert.Step());
  }
  return WriteLinks(index, record);
}

void RowWriter::ForgetNames() {
  names_.clear();
  people_.clear();
  last_month_ = 0;
}

Result<std::string> NameReader::Read(std::string_view sql, const Datum& id, Texts& texts) {
  const auto* number = std::get_if<std::int64_t>(&id);
  if (number == nullptr) return std::string();
  const auto known = texts.find(*number);
  if (known != texts.end()) return known->second;
  COFFER_ASSIGN_OR_RETURN(SqliteStatement query, database_.Prepare(sql));
  COFFER_TRY(query.Bind(1, id));
  COFFER_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return Foreign();
  COFFER_ASSIGN_OR_RETURN(Datum text, query.Column(0, ValueType::kText, false));
  return texts.emplace(*number, std::get<std::string>(std::move(text))).first->second;
}

Result<std::string> NameReader::Name(const Datum& id) {
  return Read("SELECT text FROM names WHERE id = ?1", id, names_);
}

Result<std::string> NameReader::Person(const Datum& id) {
  return Read("SELECT text FROM people WHERE id = ?1", id, people_);
}

namespace {

Status Unlink(SqliteDatabase& database, std::string_view sql, const Datum& what, const Datum& index) {
  COFFER_ASSIGN_OR_RETURN(SqliteStatement unlink, database.Prepare(sql));
  COFFER_TRY(BindAll(unlink, {what, index}));
  const Result<bool> done = unlink.Step();
  return done.ok() ? Status() : Status(done.error());
}

Status UnlinkNames(SqliteDatabase& database, std::string_view sql, const std::string& list, const Datum& index) {
  for (const std::string_view part : PartsOf(list)) {
    COFFER_ASSIGN_OR_RETURN(SqliteStatement query, database.Prepare("SELECT id FROM names WHERE text = ?1"));
    COFFER_TRY(query.Bind(1, std::string(part)));
    COFFER_ASSIGN_OR_RETURN(const bool found, query.Step());
    if (!found) continue;
    COFFER_ASSIGN_OR_RETURN(const Datum id, query.Column(0, ValueType::kInt64, false));
    COFFER_TRY(Unlink(database, sql, id, index));
  }
  return {};
}

// Of eight bytes each.
Status UnlinkNumbers(SqliteDatabase& database, std::string_view sql, const Datum& list, const Datum& index) {
  const auto* bytes = std::get_if<Bytes>(&list);
  for (std::size_t at = 0; bytes != nullptr && at + 8 <= bytes->size(); at += 8) {
    COFFER_TRY(Unlink(database, sql, Signed(LoadU64(ByteView(*bytes).subspan(at, 8))), index));
  }
  return {};
}

// Of a row of index, object, tenant, keys and row tags.
Status EraseLinks(SqliteDatabase& database, const SqliteStatement& row, NameReader& names) {
  COFFER_ASSIGN_OR_RETURN(const Datum index, row.Column(0, ValueType::kInt64, false));
  COFFER_ASSIGN_OR_RETURN(const Datum object, row.Column(1, ValueType::kInt64, true));
  COFFER_ASSIGN_OR_RETURN(const Datum tenant, row.Column(2, ValueType::kInt64, true));
  COFFER_ASSIGN_OR_RETURN(const Datum keys, row.Column(3, ValueType::kBytes, true));
  COFFER_ASSIGN_OR_RETURN(const Datum tags, row.Column(4, ValueType::kBytes, true));
  COFFER_ASSIGN_OR_RETURN(const std::string objects, names.Name(object));
  COFFER_ASSIGN_OR_RETURN(const std::string tenants, names.Name(tenant));
  COFFER_TRY(UnlinkNames(database, "DELETE FROM record_objects WHERE name = ?1 AND idx = ?2", objects, index));
  COFFER_TRY(UnlinkNames(database, "DELETE FROM record_tenants WHERE name = ?1 AND idx = ?2", tenants, index));
  COFFER_TRY(UnlinkNumbers(database, "DELETE FROM record_keys WHERE name = ?1 AND idx = ?2", keys, index));
  return UnlinkNumbers(database, "DELETE FROM record_rows WHERE name = ?1 AND idx = ?2", tags, index);
}

// Takes a row's columns one after another.
class Columns {
 public:
  Columns(const SqliteStatement& row, NameReader& names) : row_(row), names_(names) {}

  Result<std::int64_t> Number() {
    COFFER_ASSIGN_OR_RETURN(const Datum value, row_.Column(at_++, ValueType::kInt64, false));
    return std::get<std::int64_t>(value);
  }
  Status Number(std::uint64_t& out) {
    COFFER_ASSIGN_OR_RETURN(const std::int64_t number, Number());
    out = Unsigned(number);
    return {};
  }
  Status Name(std::string& out) {
    COFFER_ASSIGN_OR_RETURN(const Datum id, row_.Column(at_++, ValueType::kInt64, true));
    COFFER_ASSIGN_OR_RETURN(out, names_.Name(id));
    return {};
  }
  Status Person(std::string& out) {
    COFFER_ASSIGN_OR_RETURN(const Datum id, row_.Column(at_++, ValueType::kInt64, true));
    COFFER_ASSIGN_OR_RETURN(out, names_.Person(id));
    return {};
  }
  Status Text(std::string& out) {
    COFFER_ASSIGN_OR_RETURN(Datum text, row_.Column(at_++, ValueType::kText, true));
    if (auto* found = std::get_if<std::string>(&text)) out = std::move(*found);
    return {};
  }
  Result<Bytes> Blob() {
    COFFER_ASSIGN_OR_RETURN(Datum blob, row_.Column(at_++, ValueType::kBytes, true));
    auto* found = std::get_if<Bytes>(&blob);
    return found == nullptr ? Bytes() : std::move(*found);
  }
  Status Optional(std::optional<std::uint64_t>& out) {
    COFFER_ASSIGN_OR_RETURN(const Datum value, row_.Column(at_++, ValueType::kInt64, true));
    if (const auto* number = std::get_if<std::int64_t>(&value)) out = Unsigned(*number);
    return {};
  }

 private:
  const SqliteStatement& row_;
  NameReader& names_;
  int at_ = 0;
};

Status ReadLists(Columns& columns, Record& record) {
  COFFER_ASSIGN_OR_RETURN(const Bytes reasons, columns.Blob());
  COFFER_ASSIGN_OR_RETURN(const Bytes keys, columns.Blob());
  COFFER_ASSIGN_OR_RETURN(const Bytes tags, columns.Blob());
  if (reasons.size() % kReasonBytes != 0 || keys.size() % 8 != 0 || tags.size() % sizeof(RowTag) != 0) return Foreign();
  for (std::size_t at = 0; at < reasons.size(); at += kReasonBytes) {
    record.reasons[static_cast<ItemReason>(reasons[at])] = LoadU64(ByteView(reasons).subspan(at + 1, 8));
  }
  for (std::size_t at = 0; at < keys.size(); at += 8) record.keys.push_back(LoadU64(ByteView(keys).subspan(at, 8)));
  if (record.keys.size() > kMaxKeyIds) {
    record.more_keys = record.keys.back();
    record.keys.pop_back();
  }
  for (std::size_t at = 0; at < tags.size(); at += sizeof(RowTag)) {
    std::copy_n(tags.begin() + static_cast<std::ptrdiff_t>(at), sizeof(RowTag), record.row_tags.emplace_back().begin());
  }
  COFFER_ASSIGN_OR_RETURN(const Bytes store, columns.Blob());
  if (store.empty()) return {};
  COFFER_ASSIGN_OR_RETURN(record.store, StoreUuid::FromBytes(store));
  return {};
}

}  // namespace

Status EraseRows(SqliteDatabase& database, std::uint64_t from, std::uint64_t to) {
  {
    NameReader names(database);
    COFFER_ASSIGN_OR_RETURN(
        SqliteStatement rows,
        database.Prepare("SELECT idx, object, tenant, keys, row_tags FROM records WHERE idx >= ?1 AND idx < ?2"));
    COFFER_TRY(BindAll(rows, {Signed(from), Signed(to)}));
    while (true) {
      COFFER_ASSIGN_OR_RETURN(const bool more, rows.Step());
      if (!more) break;
      COFFER_TRY(EraseLinks(database, rows, names));
    }
  }
  COFFER_ASSIGN_OR_RETURN(SqliteStatement erase, database.Prepare("DELETE FROM records WHERE idx >= ?1 AND idx < ?2"));
  COFFER_TRY(BindAll(erase, {Signed(from), Signed(to)}));
  const Result<bool> done = erase.Step();
  return done.ok() ? Status() : Status(done.error());
}

Result<IndexedRecord> RecordOf(const SqliteStatement& row, NameReader& names) {
  IndexedRecord found;
  Record& record = found.record;
  Columns columns(row, names);
  COFFER_TRY(columns.Number(found.index));
  COFFER_ASSIGN_OR_RETURN(record.time_us, columns.Number());
  COFFER_ASSIGN_OR_RETURN(const std::int64_t type, columns.Number());
  COFFER_ASSIGN_OR_RETURN(const std::int64_t authentication, columns.Number());
  record.type = static_cast<RecordType>(type);
  record.authentication = static_cast<Authentication>(authentication);
  for (std::string* name : {&record.role, &record.operation, &record.object, &record.tenant}) {
    COFFER_TRY(columns.Name(*name));
  }
  Personal& personal = record.personal;
  for (std::string* person : {&personal.principal, &personal.peer, &personal.on_behalf_of, &personal.reason}) {
    COFFER_TRY(columns.Person(*person));
  }
  COFFER_TRY(columns.Name(record.purpose));
  COFFER_TRY(columns.Text(record.request_id));
  COFFER_ASSIGN_OR_RETURN(const std::int64_t allowed, columns.Number());
  record.allowed = allowed != 0;
  COFFER_TRY(columns.Name(record.rule));
  COFFER_TRY(columns.Number(record.policy_serial));
  COFFER_TRY(columns.Name(record.outcome));
  COFFER_TRY(columns.Name(record.failure));
  for (std::uint64_t* count : {&record.items, &record.failed, &record.unmatched}) COFFER_TRY(columns.Number(*count));
  COFFER_TRY(ReadLists(columns, record));
  COFFER_TRY(columns.Number(record.store_epoch));
  COFFER_TRY(columns.Number(record.latency_us));
  COFFER_TRY(columns.Optional(record.begin));
  return found;
}

}  // namespace coffer::audit
