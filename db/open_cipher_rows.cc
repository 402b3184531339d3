#include "db/postgres_cipher_rows.h"
#include "db/sqlite_cipher_rows.h"

namespace coffer::db {

Result<std::unique_ptr<CipherRows>> OpenCipherRows(const Source& source, const EncryptedColumn& column) {
  if (source.engine == Engine::kPostgres) return PostgresCipherRows::Open(source, column);
  return SqliteCipherRows::Open(source, column);
}

}  // namespace coffer::db
