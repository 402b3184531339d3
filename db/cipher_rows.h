// CipherRows: the ciphertexts of one column of a live table, read by pages and replaced one by one where they still are
// what was read.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/field_header.h"
#include "db/encrypted_column.h"
#include "db/source.h"

namespace coffer::db {

// What tells a row from the others of its table, in the database's own text. For CipherRows; it may be personal.
using RowKey = std::vector<std::string>;

// A cell's bytes: of bytea and blobs as they are, of all else the text; nothing for NULL.
using Cell = std::optional<std::string>;

struct StoredValue {
  RowKey key;
  bool is_current = false;  // has one of the known headers; then the rest is empty
  std::string ciphertext;   // whatever is stored; what is longer than any ciphertext is cut to kMaxStored
  std::vector<Cell> row;    // of EncryptedColumn::row; longer values are cut to kMaxBound, which is too long
  std::vector<Cell> context;
  Cell tenant;
};

// One more than the longest ciphertext: 64 KiB of plaintext, suite 2, padded.
inline constexpr std::size_t kMaxStored = 65'651;
// Bytes; one more than a value of a row id or context may have.
inline constexpr std::size_t kMaxBound = kMaxValueBytes + 1;
inline constexpr std::size_t kMaxPage = 1'000;
inline constexpr std::size_t kMaxKnownHeaders = 1'000;

// The first kFieldHeaderSize bytes of ciphertexts.
using Headers = std::vector<std::string>;

struct Page {
  std::vector<StoredValue> values;  // by ascending key, without NULLs
  bool is_last = false;
};

struct Replacement {
  const RowKey* key = nullptr;
  std::string_view old_ciphertext;
  std::string_view new_ciphertext;
};

// Not thread-safe. Nothing is locked between two calls, and each sees what is committed then.
//
// Errors of every call: kUnavailable: an outage, or a lock that others hold for seconds; kConflict: the table was
// altered meanwhile; kPermissionDenied; kInternal, kInvalidArgument: the database is not as it says.
class CipherRows {
 public:
  virtual ~CipherRows() = default;

  // At most `limit` (1 to kMaxPage) values behind `after`; null: from the first. `known`: at most kMaxKnownHeaders.
  virtual Result<Page> ReadPage(const RowKey* after, std::size_t limit, const Headers& known) = 0;
  // The values of these rows (at most kMaxPage), those that are there.
  virtual Result<std::vector<StoredValue>> ReadRows(std::span<const RowKey> keys, const Headers& known) = 0;
  // In one short transaction, durable when it is ok: each is replaced, or left as it is when the stored value is not
  // the old one any more or another transaction holds its row. Says for each whether it was.
  virtual Result<std::vector<bool>> Replace(std::span<const Replacement> replacements) = 0;
};

// For replacing: `column` has to be an ordinary column of a table with a key (PostgreSQL: a primary key, or a unique
// index of columns that are NOT NULL; SQLite: row ids), of type bytea or coffer.ciphertext (SQLite: it holds blobs).
// Row, bound and tenant columns are of the engine's own types.
//
// kNotFound: no such table or column; kInvalidArgument: it is of another kind or type, or has no key, or the key is not
// the field's row id; kPermissionDenied: a superuser, where the table is another's (postgres_session.h). At the table
// or column. On a SQLite file triggers do not run, and a journal that a crash left is rolled back.
Result<std::unique_ptr<CipherRows>> OpenCipherRows(const Source& source, const EncryptedColumn& column);

}  // namespace coffer::db
