// What a column holds, guessed from its name and, where values were sampled, from the form of those. A guess is a
// proposal for a person; it misses what is called otherwise.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "crypto/bytes.h"
#include "db/schema.h"

namespace coffer::db {

enum class Content : std::uint8_t {
  kPassword,
  kPasswordHash,  // one-way: nothing to decrypt
  kToken,
  kApiKey,
  kPrivateKey,
  kSecret,
  kEmail,
  kPhone,
  kPersonName,
  kAddress,
  kBirthDate,
  kNationalId,
  kBankAccount,
  kCard,
  kHealth,
  kNetworkAddress,
  kRowCopy,  // old or new rows as a whole: of a history table
};
std::string_view ContentName(Content content);  // "e-mail address"

// Whether it lets its bearer in somewhere; what is none of both is personal.
bool IsSecretContent(Content content);
bool IsPersonalContent(Content content);

// By its name, and by its table's; nothing for what is already encrypted (`coffer.ciphertext`), for tokens of an index
// of ours (`<column>_iv` and what stands before it), and for a type that cannot hold it.
std::optional<Content> GuessByName(const SchemaTable& table, const SchemaColumn& column);

// Whether a table looks like a history of others, or an audit log: its columns may be copies.
bool IsHistory(std::string_view table);
// The table that `history` is of, by its name ("user_history", "audit_user"), among those of the schema; null if none.
const SchemaTable* HistoryOf(const Schema& schema, const SchemaTable& history);

// Columns that say where a secret is used, or whose it is: whoever edits one has the application carry the secret to
// another place.
bool IsNeighbour(std::string_view column);

// Counts forms of sampled values, and keeps none of them.
class FormCounter {
 public:
  void Add(ByteView value);
  std::uint64_t seen() const { return seen_; }
  // What at least half of at least 5 values look like.
  std::optional<Content> Guess() const;

 private:
  static constexpr std::size_t kForms = 7;
  std::array<std::uint64_t, kForms> counts_ = {};
  std::uint64_t seen_ = 0;
};

}  // namespace coffer::db
