// The customers of a shop: in PostgreSQL only ciphertext and index tokens, in this program plaintext.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/client.h"
#include "examples/postgres/database.h"
#include "examples/postgres/sql_tokens.h"

namespace shop {

struct Customer {
  std::string email;
  std::string name;
  std::string city;
  std::string income;
};

// The rows that a search found, and of how many candidates: the others had a token of what was searched for and were
// something else.
struct Found {
  std::vector<std::pair<std::int64_t, Customer>> customers;
  std::size_t candidates = 0;
};

// An index of the table.
struct Index {
  const char* column;
  const char* name;
  Tokens tokens = Tokens::kOne;
  const char* other_part = nullptr;  // of a compound index: the other column
};

// Every call throws Failure, or Duplicate where an e-mail address is taken.
class Customers {
 public:
  Customers();

  // Its number.
  std::int64_t Add(const Customer& customer);

  // `search` looks for something in `index`; its index's name is filled in. Reads at most 1,000 candidates.
  Found Find(const Index& index, coffer::v1::Search search);

  // Rewraps up to `limit` rows whose tokens are of an index version before `version`, and gives them the tokens that
  // are written now. A row that is changed meanwhile is left as it is. How many there were; 0: all are done.
  std::size_t WriteAgain(int version, int limit);

 private:
  NamedRow EmptyRow();
  coffer::v1::IndexAnswer TokensFor(const Index& index, const coffer::v1::Search& search);

  Database database_;
  std::unique_ptr<coffer::client::Client> coffer_;
};

}  // namespace shop
