#include "examples/postgres/customers.h"

#include <set>

#include "client/search.h"

namespace shop {
namespace {

using coffer::v1::Column;
using coffer::v1::ColumnResult;

constexpr const char* kColumns[] = {"email", "name", "city", "income"};
constexpr int kMostCandidates = 1000;

template <typename T>
T OrThrow(coffer::client::RpcResult<T> result) {
  if (!result.ok()) throw Failure(result.error().message);
  return std::move(result).value();
}

std::size_t PlaceOf(const std::string& column) {
  std::size_t place = 0;
  while (kColumns[place] != column) ++place;
  return place;
}

// A request's column, still without values.
Column NewColumn(const std::string& column) {
  Column request;
  request.set_field("shop.customer." + column);
  return request;
}

void AddValue(Column& column, const std::string& id, const std::string& value) {
  column.add_rows()->add_parts()->set_int64(std::stoll(id));
  column.add_values(value);
}

// One column of rows (id, email, name, city, income).
Column ColumnOf(const std::string& column, const std::vector<Row>& rows) {
  Column request = NewColumn(column);
  for (const Row& row : rows) AddValue(request, row[0].value(), BytesOf(row[1 + PlaceOf(column)]));
  return request;
}

// The rows of a search that are what was meant. What does not decrypt was not written by us: somebody changed it.
std::vector<Row> Meant(const std::vector<Row>& candidates, const ColumnResult& decrypted) {
  std::set<std::size_t> others;
  for (const coffer::v1::ItemError& error : decrypted.errors()) {
    if (error.code() != coffer::v1::ITEM_ERROR_CODE_NO_MATCH) throw Failure("a customer's row does not decrypt");
    others.insert(error.index());
  }
  std::vector<Row> meant;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!others.contains(i)) meant.push_back(candidates[i]);
  }
  return meant;
}

// INSERT or UPDATE of the row's columns: their names, and $1 and on.
struct ColumnList {
  std::string names;
  std::string places;
  std::vector<Cell> values;
};

ColumnList ListOf(const NamedRow& row) {
  ColumnList list;
  for (const auto& [name, value] : row) {
    list.values.push_back(value);
    list.names += (list.names.empty() ? "" : ", ") + name;
    list.places += (list.places.empty() ? "$" : ", $") + std::to_string(list.values.size());
  }
  return list;
}

// A row's ciphertexts and tokens out of an answer for all columns.
template <typename Response>
void Fill(const Response& response, int item, NamedRow& row) {
  for (int column = 0; column < response.columns_size(); ++column) {
    const ColumnResult& result = response.columns(column);
    if (!result.errors().empty()) throw Failure("a customer's row does not decrypt");
    row.at(kColumns[column]) = ByteaText(result.values(item));
    AddTokens(kColumns[column], result, item, row);
  }
}

}  // namespace

// The server is COFFER_SERVER, the role is the application's.
Customers::Customers() : coffer_(OrThrow(coffer::client::Client::Connect({}))) {}

// All columns, so that a write sets every token: a column that kept an old one would find the row under its old value.
NamedRow Customers::EmptyRow() {
  NamedRow row;
  for (const Row& name : database_.Query("SELECT attname FROM pg_attribute WHERE attrelid = 'customer'::regclass "
                                         "AND attnum > 0 AND NOT attisdropped")) {
    row.emplace(name[0].value(), Cell());
  }
  return row;
}

std::int64_t Customers::Add(const Customer& customer) {
  NamedRow row = EmptyRow();
  const std::string id = database_.Query("SELECT nextval('customer_id')")[0][0].value();
  row.at("id") = id;
  const std::string* const values[] = {&customer.email, &customer.name, &customer.city, &customer.income};
  coffer::v1::EncryptFieldsRequest request;
  for (std::size_t i = 0; i < std::size(kColumns); ++i) {
    Column& column = *request.add_columns() = NewColumn(kColumns[i]);
    AddValue(column, id, *values[i]);
  }
  Fill(OrThrow(coffer_->EncryptFields(request)), 0, row);
  const ColumnList list = ListOf(row);
  database_.Query("INSERT INTO customer (" + list.names + ") VALUES (" + list.places + ")", list.values);
  return std::stoll(id);
}

coffer::v1::IndexAnswer Customers::TokensFor(const Index& index, const coffer::v1::Search& search) {
  coffer::v1::IndexTokensRequest request;
  coffer::v1::IndexQuery& query = *request.add_queries();
  query.set_field(std::string("shop.customer.") + index.column);
  *query.mutable_search() = search;
  return OrThrow(coffer_->IndexTokens(request)).answers(0);
}

Found Customers::Find(const Index& index, coffer::v1::Search search) {
  search.set_index(index.name);
  const std::string indexed = std::string(index.column) + "_" + index.name;
  const Condition condition = ConditionOf(indexed, index.tokens, TokensFor(index, search));
  const std::vector<Row> rows =
      database_.Query("SELECT id, email, name, city, income FROM customer WHERE " + condition.sql +
                          " ORDER BY id LIMIT " + std::to_string(kMostCandidates),
                      condition.parameters);
  if (rows.empty()) return {};
  if (rows.size() == kMostCandidates) throw Failure("too many customers are like that");

  // Whether a candidate is what was meant, the service says after it has decrypted it.
  std::vector<Column> other_parts;
  if (index.other_part != nullptr) other_parts.push_back(ColumnOf(index.other_part, rows));
  const auto checked = OrThrow(DecryptFound(*coffer_, ColumnOf(index.column, rows), search, std::move(other_parts)));
  const std::vector<Row> meant = Meant(rows, checked.columns(0));
  Found found{.customers = {}, .candidates = rows.size()};
  if (meant.empty()) return found;

  coffer::v1::DecryptFieldsRequest request;
  for (const char* const column : kColumns) *request.add_columns() = ColumnOf(column, meant);
  const auto decrypted = OrThrow(coffer_->DecryptFields(request));
  for (const ColumnResult& column : decrypted.columns()) {
    if (!column.errors().empty()) throw Failure("a customer's row does not decrypt");
  }
  for (std::size_t i = 0; i < meant.size(); ++i) {
    const auto value = [&](int column) { return decrypted.columns(column).values(static_cast<int>(i)); };
    found.customers.emplace_back(std::stoll(meant[i][0].value()), Customer{value(0), value(1), value(2), value(3)});
  }
  return found;
}

std::size_t Customers::WriteAgain(int version, int limit) {
  const std::vector<Row> rows = database_.Query(
      "SELECT id, email, name, city, income FROM customer WHERE email_exact_iv < $1 ORDER BY id LIMIT $2",
      {std::to_string(version), std::to_string(limit)});
  if (rows.empty()) return 0;
  coffer::v1::RewrapFieldsRequest request;
  request.set_with_tokens(true);
  for (const char* const column : kColumns) *request.add_columns() = ColumnOf(column, rows);
  const auto rewrapped = OrThrow(coffer_->RewrapFields(request));
  NamedRow row = EmptyRow();
  row.erase("id");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (auto& [name, value] : row) value.reset();
    Fill(rewrapped, static_cast<int>(i), row);
    if (std::stoi(row.at("email_exact_iv").value()) < version)
      throw Failure("the catalog still writes an older version");
    ColumnList list = ListOf(row);
    std::string unchanged;
    for (std::size_t column = 0; column < rows[i].size(); ++column) {
      list.values.push_back(rows[i][column]);
      const std::string old = column == 0 ? "id" : std::string(kColumns[column - 1]) + "::bytea";
      unchanged += (column == 0 ? "" : " AND ") + old + " = $" + std::to_string(list.values.size());
    }
    database_.Query("UPDATE customer SET (" + list.names + ") = ROW (" + list.places + ") WHERE " + unchanged,
                    list.values);
  }
  return rows.size();
}

}  // namespace shop
