// A column of ciphertexts in a SQLite file.
#pragma once

#include "db/cipher_rows.h"
#include "io/sqlite_writer.h"

namespace coffer::db {

// The file is open during a call only, so that its program is never held up longer. Rows are told apart by their row
// ids: one that VACUUM gave to another row meanwhile does not have the old ciphertext.
class SqliteCipherRows final : public CipherRows {
 public:
  // `vfs`: as SqliteWriterOptions has it.
  static Result<std::unique_ptr<CipherRows>> Open(const Source& source, const EncryptedColumn& column,
                                                  const std::string& vfs = "");

  Result<Page> ReadPage(const RowKey* after, std::size_t limit, const Headers& known) override;
  Result<std::vector<StoredValue>> ReadRows(std::span<const RowKey> keys, const Headers& known) override;
  Result<std::vector<bool>> Replace(std::span<const Replacement> replacements) override;

  SqliteCipherRows(SqliteWriterOptions options, EncryptedColumn column)  // Open's
      : options_(std::move(options)), column_(std::move(column)) {}

 private:
  Result<std::vector<StoredValue>> Select(const std::string& rest, const Headers& known) const;
  Result<std::vector<StoredValue>> Read(const std::string& sql) const;

  SqliteWriterOptions options_;
  EncryptedColumn column_;
};

}  // namespace coffer::db
