#include "bench/search_tables.h"

#include <chrono>

#include "bench/search_rows.h"
#include "crypto/bytes.h"

namespace coffer::bench {
namespace {

constexpr std::int64_t kBatch = 1000;

constexpr char kTables[] = R"(
CREATE EXTENSION pgcrypto;
CREATE EXTENSION pg_trgm;
CREATE TABLE plain_email (id bigint, email text);
CREATE TABLE plain_name (id bigint, name text);
CREATE TABLE plain_income (id bigint, income bigint);
CREATE TABLE coffer_email (id bigint, email bytea, email_exact int8, email_exact_iv smallint,
  email_bucket int4, email_bucket_iv smallint, email_unique bytea);
CREATE TABLE coffer_name (id bigint, name bytea, name_part int8[], name_part_iv smallint);
CREATE TABLE coffer_income (id bigint, income bytea, income_range int8[], income_range_iv smallint);
ALTER TABLE coffer_email ALTER email SET STORAGE EXTERNAL;
ALTER TABLE coffer_name ALTER name SET STORAGE EXTERNAL;
ALTER TABLE coffer_income ALTER income SET STORAGE EXTERNAL;
)";

struct NewIndex {
  const char* name;
  const char* on;
};

constexpr NewIndex kIndexes[] = {
    {"plain_email_btree", "plain_email (email)"},
    {"coffer_email_exact_int8_btree", "coffer_email (email_exact)"},
    {"coffer_email_bucket_int4_btree", "coffer_email (email_bucket)"},
    {"coffer_email_unique_bytea_btree", "coffer_email (email_unique)"},
    {"plain_name_trgm_gin", "plain_name USING gin (name gin_trgm_ops)"},
    {"coffer_name_ngram_gin", "coffer_name USING gin (name_part)"},
    {"plain_income_btree", "plain_income (income)"},
    {"coffer_income_range_gin", "coffer_income USING gin (income_range)"},
};

double Seconds(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
}

// PostgreSQL's text of bytea, as COPY wants its backslash.
std::string CopyBytea(const std::string& bytes) { return "\\\\x" + ToHex(AsBytes(bytes)); }

std::string CopyArray(const v1::IndexColumn& tokens, int item) {
  const int width = static_cast<int>(tokens.width());
  std::string text;
  for (int i = 0; i < width; ++i) text += (i == 0 ? "{" : ",") + std::to_string(tokens.numbers(item * width + i));
  return text + "}";
}

const v1::IndexColumn& Tokens(const v1::ColumnResult& result, const std::string& index) {
  for (const v1::IndexColumn& tokens : result.indexes()) {
    if (tokens.index() == index) return tokens;
  }
  std::abort();
}

// The connections of a load: a COPY takes one for itself.
struct Copies {
  explicit Copies(const std::string& url) : email(url), name(url), income(url) {}
  void Begin(const std::string& kind) const {
    email.BeginCopy(kind + "_email");
    name.BeginCopy(kind + "_name");
    income.BeginCopy(kind + "_income");
  }
  void End() const {
    for (const Database* database : {&email, &name, &income}) database->EndCopy();
  }
  Database email;
  Database name;
  Database income;
};

void CopyPlain(const Copies& copies, std::int64_t rows) {
  copies.Begin("plain");
  for (std::int64_t id = 1; id <= rows; ++id) {
    const SearchRow row = RowOf(id);
    const std::string first = std::to_string(id) + "\t";
    copies.email.CopyLine(first + row.email + "\n");
    copies.name.CopyLine(first + row.name + "\n");
    copies.income.CopyLine(first + std::to_string(row.income) + "\n");
  }
  copies.End();
}

v1::EncryptFieldsRequest RequestOf(std::int64_t first, std::int64_t end) {
  v1::EncryptFieldsRequest request;
  for (const char* const field : {"search.bench.email", "search.bench.name", "search.bench.income"}) {
    request.add_columns()->set_field(field);
  }
  for (std::int64_t id = first; id < end; ++id) {
    SearchRow row = RowOf(id);
    request.mutable_columns(0)->add_values(std::move(row.email));
    request.mutable_columns(1)->add_values(std::move(row.name));
    request.mutable_columns(2)->add_values(std::to_string(row.income));
    for (v1::Column& column : *request.mutable_columns()) column.add_rows()->add_parts()->set_int64(id);
  }
  return request;
}

void CopyEncrypted(const Copies& copies, const v1::EncryptFieldsResponse& response, std::int64_t first) {
  const v1::ColumnResult& email = response.columns(0);
  const v1::ColumnResult& name = response.columns(1);
  const v1::ColumnResult& income = response.columns(2);
  const v1::IndexColumn& exact = Tokens(email, "exact");
  const v1::IndexColumn& bucket = Tokens(email, "bucket");
  const v1::IndexColumn& unique = Tokens(email, "unique");
  const v1::IndexColumn& part = Tokens(name, "part");
  const v1::IndexColumn& range = Tokens(income, "range");
  for (int i = 0; i < email.values_size(); ++i) {
    const std::string id = std::to_string(first + i) + "\t";
    copies.email.CopyLine(id + CopyBytea(email.values(i)) + "\t" + std::to_string(exact.numbers(i)) + "\t1\t" +
                          std::to_string(bucket.numbers(i)) + "\t1\t" + CopyBytea(unique.bytes(i)) + "\n");
    copies.name.CopyLine(id + CopyBytea(name.values(i)) + "\t" + CopyArray(part, i) + "\t1\n");
    copies.income.CopyLine(id + CopyBytea(income.values(i)) + "\t" + CopyArray(range, i) + "\t1\n");
  }
}

// Seconds in the service's calls; the rest of the time is COPY's.
double EncryptAndCopy(const Copies& copies, client::Client& client, std::int64_t rows) {
  double encrypting = 0;
  copies.Begin("coffer");
  for (std::int64_t first = 1; first <= rows; first += kBatch) {
    const v1::EncryptFieldsRequest request = RequestOf(first, std::min(first + kBatch, rows + 1));
    const auto start = std::chrono::steady_clock::now();
    const auto response = client.EncryptFields(request);
    encrypting += Seconds(start);
    COFFER_CHECK(response.ok());
    CopyEncrypted(copies, *response, first);
  }
  copies.End();
  return encrypting;
}

nlohmann::json MakeIndexes(const Database& database) {
  nlohmann::json seconds;
  database.Query("SET maintenance_work_mem = '1GB'; SET max_parallel_maintenance_workers = 0");
  for (const NewIndex& index : kIndexes) {
    const auto start = std::chrono::steady_clock::now();
    database.Query(std::string("CREATE INDEX ") + index.name + " ON " + index.on);
    seconds[index.name] = Seconds(start);
  }
  return seconds;
}

}  // namespace

std::string SearchCatalog(std::int64_t rows) {
  const std::string many = std::to_string(rows);
  const auto field = [&many](const std::string& name) {
    return "[field.\"bench." + name +
           "\"]\nclass = \"pii\"\nkeyring = \"bench\"\nrow = \"int64\"\nexpect = { rows = " + many +
           ", distinct = " + many + ", top_share = 0.0001 }\n";
  };
  const auto index = [](const std::string& name, const std::string& rest) {
    return "[field.\"bench." + name + "]\nkeyring = \"bench-index\"\n" + rest + "\n";
  };
  return "scope = \"search\"\n" + field("email") + index("email\".index.exact", "kind = \"equality\"\nbits = 40") +
         index("email\".index.bucket", "kind = \"equality\"\nbits = 16") +
         index("email\".index.unique", "kind = \"equality\"\nbits = 128\nunique = true") + field("name") +
         index("name\".index.part", "kind = \"ngram\"\nbits = 40\nn = 3\ncount = 24") + field("income") +
         index("income\".index.range",
               "kind = \"range\"\nbits = 40\ntype = \"int64\"\nmin = 0\nmax = " + std::to_string(kMaxIncome));
}

nlohmann::json MakeSearchTables(const std::string& url, client::Client& client, std::int64_t rows) {
  const Database database(url);
  const Copies copies(url);
  database.Query(kTables);
  nlohmann::json seconds;
  auto start = std::chrono::steady_clock::now();
  CopyPlain(copies, rows);
  seconds["copy_plaintext"] = Seconds(start);
  start = std::chrono::steady_clock::now();
  const double encrypting = EncryptAndCopy(copies, client, rows);
  seconds["encrypt_with_tokens"] = encrypting;
  seconds["copy_ciphertext_and_tokens"] = Seconds(start) - encrypting;
  start = std::chrono::steady_clock::now();
  for (const char* const mode : {"0", "3"}) {
    const std::string table = std::string("pgcrypto_email_") + mode;
    // Half a second a thousand rows with mode 3: a part of the rows has to do.
    const std::string part = mode[0] == '0' ? "" : " WHERE id <= " + std::to_string(std::min<std::int64_t>(rows, 2000));
    database.Query("CREATE TABLE " + table + " AS SELECT id, pgp_sym_encrypt(email, '" + kPgcryptoPassword +
                   "', 's2k-mode=" + mode + ", compress-algo=0') AS email FROM plain_email" + part);
  }
  seconds["pgcrypto"] = Seconds(start);
  seconds["indexes"] = MakeIndexes(database);
  for (const char* const kind : {"plain", "coffer"}) {
    for (const char* const column : {"email", "name", "income"}) {
      database.Query(std::string("ALTER TABLE ") + kind + "_" + column + " ADD PRIMARY KEY (id)");
    }
  }
  database.Query("VACUUM ANALYZE");
  database.Query("CHECKPOINT");
  return seconds;
}

nlohmann::json SizesOf(const Database& database, std::int64_t rows) {
  nlohmann::json sizes;
  const Rows relations = database.Query(
      "SELECT relname, CASE relkind WHEN 'r' THEN pg_table_size(oid) ELSE pg_relation_size(oid) END FROM pg_class "
      "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i') AND relname <> 'pgcrypto_email_3' "
      "ORDER BY relname");
  for (std::size_t i = 0; i < relations.size(); ++i) {
    const auto bytes = std::stod(std::string(relations.Cell(i, 1)));
    sizes[std::string(relations.Cell(i, 0))] = {{"bytes", bytes}, {"bytes_a_row", bytes / static_cast<double>(rows)}};
  }
  return sizes;
}

}  // namespace coffer::bench
