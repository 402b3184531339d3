// Contests: the same questions answered by plaintext and by ciphertext with tokens, in turns on one connection.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "bench/database.h"
#include "client/client.h"

namespace coffer::bench {

// One search: what the plaintext's statement takes, and what the service is asked for.
struct Question {
  std::vector<std::string> plaintext;
  v1::Search search;
};

// How tokens become the one parameter of a statement.
enum class TokenParameter : std::uint8_t { kOne, kArray };

struct Contender {
  std::string name;
  std::string sql;    // of ids and ciphertexts; $1 are the tokens
  std::string index;  // that the tokens are of
  TokenParameter parameter = TokenParameter::kArray;
};

struct Contest {
  std::string name;
  std::string field;
  std::string plaintext_sql;  // of ids and values: the baseline
  std::vector<Contender> contenders;
  std::vector<Question> questions;  // 1 to 256
  int repeats = 1;                  // of all questions in one round, the queries alone; short ones need more
};

// The contests over tables of so many rows (bench/search_tables.h), each with so many questions. One question of each
// finds nothing.
std::vector<Contest> SearchContests(std::int64_t rows, std::size_t questions);

// First asks each question once and compares: ends the program unless each contender finds, after decryption and check,
// the rows that the plaintext finds. Then, for each way to answer, over the rounds: {"p50_us", "p95_us": spread over
// the rounds, "ratio": spread of its p50 to the plaintext's of the same round, "rows": found a question}. The ways are
// "plaintext", a contender's name for its query alone, and for the first contender in "end_to_end": "plaintext",
// "index_tokens", "query", "decrypt_and_check", and "all", which is those three one after another.
nlohmann::json RunContest(const Database& database, client::Client& client, const Contest& contest, int rounds);

}  // namespace coffer::bench
