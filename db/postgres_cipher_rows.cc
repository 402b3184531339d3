#include "db/postgres_cipher_rows.h"

#include <algorithm>

#include "db/postgres_value.h"
#include "db/whole_number.h"

namespace coffer::db {
namespace {

using Cells = std::span<const std::optional<ByteView>>;

constexpr const char* kRead = "BEGIN READ ONLY";
constexpr const char* kWrite = "BEGIN READ WRITE";

// A batch is a small part of the table: its rows are looked up one by one.
constexpr const char* kLookUp =
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_bitmapscan = off";

Error OtherAnswer() {
  return Error(ErrorCode::kInternal, "the PostgreSQL server answers with other columns than it was asked for");
}

Cell CellOf(const std::optional<ByteView>& bytes) { return bytes ? Cell(std::string(AsText(*bytes))) : Cell(); }

Status CheckValueColumn(const EncryptedColumn& column, const PostgresTable& table) {
  const PostgresColumn* const value = table.Find(column.place.column);
  if (value == nullptr) {
    return Error(ErrorCode::kNotFound, "the table has no such column").At(column.place.ToText());
  }
  if (value->generated || (!value->is_bytes && !value->is_ciphertext)) {
    return Error(ErrorCode::kInvalidArgument, "is no bytea or coffer.ciphertext").At(column.place.ToText());
  }
  return {};
}

Status CheckKey(const PostgresTable& table, const std::string& name) {
  if (table.key.empty()) {
    return Error(ErrorCode::kInvalidArgument,
                 "the table has no primary key, and no unique index of columns that are NOT NULL")
        .At(name);
  }
  if (table.has_children) {
    return Error(ErrorCode::kInvalidArgument, "other tables inherit from the table, so its key is not one").At(name);
  }
  for (const std::string& part : table.key) COFFER_TRY(PlainColumnOf(table, part));
  return {};
}

std::string Number(std::size_t number) { return std::to_string(number); }

}  // namespace

PostgresCipherRows::PostgresCipherRows(std::unique_ptr<PostgresSession> session, EncryptedColumn column,
                                       PostgresTable table)
    : session_(std::move(session)), column_(std::move(column)), table_(std::move(table)) {
  const std::string value = BytesOf(*table_.Find(column_.place.column));
  for (std::size_t i = 0; i < table_.key.size(); ++i) {
    const std::string name = "t." + QuotedName(table_.key[i]);
    selected_ += name + "::text, ";
    key_names_ += (i == 0 ? "" : ", ") + name;
    same_key_ += (i == 0 ? "" : " AND ") + name + " = v.k" + Number(i) + "::" + PlainTypeOf(table_, table_.key[i]);
  }
  selected_ += "CASE WHEN substring(" + value + ", 1, " + Number(kFieldHeaderSize) +
               ") = ANY ($1::bytea[]) THEN NULL ELSE substring(" + value + ", 1, " + Number(kMaxStored) + ") END";
  for (const TypedColumn& part : column_.row) selected_ += ", " + BoundValueOf(table_, part);
  for (const BoundName& bound : column_.context) selected_ += ", " + BoundValueOf(table_, bound.value);
  const TypedColumn tenant = {column_.tenant_column, ValueType::kText};
  selected_ += ", " + (tenant.column.empty() ? std::string("NULL") : BoundValueOf(table_, tenant));
}

Result<std::unique_ptr<CipherRows>> PostgresCipherRows::Open(const Source& source, const EncryptedColumn& column) {
  COFFER_ASSIGN_OR_RETURN(auto session, PostgresSession::Open(source));
  COFFER_TRY(session->server().Execute(kLookUp));
  COFFER_TRY(session->server().Execute(kRead));
  COFFER_ASSIGN_OR_RETURN(PostgresTable table, session->Lock(column.place.table));
  COFFER_TRY(session->server().Execute("COMMIT"));
  COFFER_TRY(CheckKey(table, column.place.table.table));
  COFFER_TRY(CheckValueColumn(column, table));
  EncryptedColumn named = column;
  COFFER_TRY(NameRow(named, table.key));
  for (const TypedColumn& part : named.row) COFFER_TRY(PlainColumnOf(table, part.column));
  for (const BoundName& bound : named.context) COFFER_TRY(PlainColumnOf(table, bound.value.column));
  if (!named.tenant_column.empty()) COFFER_TRY(PlainColumnOf(table, named.tenant_column));
  return std::unique_ptr<CipherRows>(
      std::make_unique<PostgresCipherRows>(std::move(session), std::move(named), std::move(table)));
}

Status PostgresCipherRows::InTransaction(const char* begin, const std::function<Status()>& act) {
  PostgresConnection& server = session_->server();
  COFFER_TRY(server.Execute(begin));
  const Status done = [&]() -> Status {
    const Status locked = session_->LockAgain(table_);
    if (!locked.ok()) return Error(locked.error()).At(column_.place.table.table);
    return act();
  }();
  if (done.ok()) return server.Execute("COMMIT");
  static_cast<void>(server.Execute("ROLLBACK"));  // a lost connection is what `done` tells of
  return done;
}

Status PostgresCipherRows::Select(const std::string& rest, const std::vector<std::string>& parameters,
                                  std::vector<StoredValue>& values) {
  const std::size_t keys = table_.key.size();
  const std::size_t rows = column_.row.size();
  const std::size_t width = keys + 1 + rows + column_.context.size() + 1;
  const auto take = [&](Cells cells) -> Status {
    if (cells.size() != width) return OtherAnswer();
    StoredValue& value = values.emplace_back();
    for (const auto& part : cells.first(keys)) {
      if (!part) return OtherAnswer();
      value.key.emplace_back(AsText(*part));
    }
    value.is_current = !cells[keys];
    if (value.is_current) return {};
    value.ciphertext = AsText(*cells[keys]);
    for (const auto& cell : cells.subspan(keys + 1, rows)) value.row.push_back(CellOf(cell));
    for (const auto& cell : cells.subspan(keys + 1 + rows, column_.context.size())) {
      value.context.push_back(CellOf(cell));
    }
    value.tenant = CellOf(cells.back());
    return {};
  };
  return session_->server().Query("SELECT " + selected_ + " FROM " + table_.name + " t" + rest, parameters, take);
}

Result<Page> PostgresCipherRows::ReadPage(const RowKey* after, std::size_t limit, const Headers& known) {
  std::vector<std::string> parameters = {BytesArray(known)};
  std::string rest = " WHERE t." + QuotedName(column_.place.column) + " IS NOT NULL";
  if (after != nullptr) {
    std::string last;
    for (std::size_t i = 0; i < after->size(); ++i) {
      parameters.push_back((*after)[i]);
      last += (i == 0 ? "$" : ", $") + Number(parameters.size()) + "::" + PlainTypeOf(table_, table_.key[i]);
    }
    rest += " AND ROW(" + key_names_ + ") > ROW(" + last + ")";
  }
  rest += " ORDER BY " + key_names_ + " LIMIT " + Number(limit);
  Page page;
  COFFER_TRY(InTransaction(kRead, [&] { return Select(rest, parameters, page.values); }));
  page.is_last = page.values.size() < limit;
  return page;
}

std::string PostgresCipherRows::KeyArrays(std::span<const RowKey* const> keys,
                                          std::vector<std::string>& parameters) const {
  std::string arrays;
  for (std::size_t part = 0; part < table_.key.size(); ++part) {
    std::vector<std::string_view> texts;
    for (const RowKey* const key : keys) texts.push_back((*key)[part]);
    parameters.push_back(TextArray(texts));
    arrays += (part == 0 ? "$" : ", $") + Number(parameters.size()) + "::text[]";
  }
  return arrays;
}

Result<std::vector<StoredValue>> PostgresCipherRows::ReadRows(std::span<const RowKey> keys, const Headers& known) {
  std::vector<StoredValue> values;
  std::vector<const RowKey*> pointers;
  for (const RowKey& key : keys) pointers.push_back(&key);
  std::vector<std::string> parameters = {BytesArray(known)};
  std::string names;
  for (std::size_t part = 0; part < table_.key.size(); ++part) names += (part == 0 ? "k" : ", k") + Number(part);
  const std::string arrays = KeyArrays(pointers, parameters);
  const std::string rest = " JOIN unnest(" + arrays + ") AS v(" + names + ") ON " + same_key_ + " WHERE t." +
                           QuotedName(column_.place.column) + " IS NOT NULL";
  COFFER_TRY(InTransaction(kRead, [&] { return Select(rest, parameters, values); }));
  return values;
}

// The row is locked before it is written, so that one that others hold is passed by and nobody is waited for.
Result<std::vector<bool>> PostgresCipherRows::Replace(std::span<const Replacement> replacements) {
  std::vector<bool> replaced(replacements.size(), false);
  std::vector<const RowKey*> keys;
  std::vector<std::string> olds;
  std::vector<std::string> news;
  for (const Replacement& replacement : replacements) {
    keys.push_back(replacement.key);
    olds.emplace_back(replacement.old_ciphertext);
    news.emplace_back(replacement.new_ciphertext);
  }
  std::vector<std::string> parameters = {BytesArray(olds), BytesArray(news)};
  std::string names;
  for (std::size_t part = 0; part < table_.key.size(); ++part) names += ", k" + Number(part);
  const std::string arrays = KeyArrays(keys, parameters);
  const std::string is_old = BytesOf(*table_.Find(column_.place.column)) + " = v.o";
  const std::string sql = "WITH v AS (SELECT v.* FROM unnest($1::bytea[], $2::bytea[], " + arrays +
                          ") WITH ORDINALITY AS v(o, n" + names + ", i) JOIN " + table_.name + " t ON " + same_key_ +
                          " WHERE " + is_old + " FOR NO KEY UPDATE OF t SKIP LOCKED) UPDATE " + table_.name +
                          " t SET " + QuotedName(column_.place.column) + " = v.n FROM v WHERE " + same_key_ + " AND " +
                          is_old + " RETURNING v.i::text";
  const auto take = [&replaced](Cells cells) -> Status {
    if (cells.size() != 1) return OtherAnswer();
    COFFER_ASSIGN_OR_RETURN(const std::uint64_t place, WholeNumber(cells[0]));
    if (place == 0 || place > replaced.size()) return OtherAnswer();
    replaced[place - 1] = true;
    return {};
  };
  COFFER_TRY(InTransaction(kWrite, [&] { return session_->server().Query(sql, parameters, take); }));
  return replaced;
}

}  // namespace coffer::db
