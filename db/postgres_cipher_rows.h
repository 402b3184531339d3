// A column of ciphertexts on a PostgreSQL server.
#pragma once

#include <functional>

#include "db/cipher_rows.h"
#include "db/postgres_session.h"

namespace coffer::db {

// Each call is a transaction that begins with a look at the table: one that was altered since Open is kConflict. Rows
// are found by the key's index, whatever the planner would like. Nobody waits for a row that others have locked.
class PostgresCipherRows final : public CipherRows {
 public:
  static Result<std::unique_ptr<CipherRows>> Open(const Source& source, const EncryptedColumn& column);

  Result<Page> ReadPage(const RowKey* after, std::size_t limit, const Headers& known) override;
  Result<std::vector<StoredValue>> ReadRows(std::span<const RowKey> keys, const Headers& known) override;
  Result<std::vector<bool>> Replace(std::span<const Replacement> replacements) override;

  PostgresCipherRows(std::unique_ptr<PostgresSession> session, EncryptedColumn column, PostgresTable table);  // Open's

 private:
  Status InTransaction(const char* begin, const std::function<Status()>& act);
  Status Select(const std::string& rest, const std::vector<std::string>& parameters, std::vector<StoredValue>& values);
  // "v(k0, k1)": the keys as a table of text arrays, whose parameters are added.
  std::string KeyArrays(std::span<const RowKey* const> keys, std::vector<std::string>& parameters) const;

  std::unique_ptr<PostgresSession> session_;
  EncryptedColumn column_;
  PostgresTable table_;
  std::string selected_;   // expressions of one StoredValue; $1 is the known headers
  std::string key_names_;  // t."a", t."b"
  std::string same_key_;   // t."a" = v.k0::... AND t."b" = v.k1::...
};

}  // namespace coffer::db
