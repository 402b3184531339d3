// The tables that searches are measured over: each column once in plaintext and once as cofferd encrypts it, in tables
// of their own, so that what one index costs is not paid by the searches of another.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "bench/database.h"
#include "client/client.h"

namespace coffer::bench {

// The fields "bench.email", "bench.name" and "bench.income" of the scope "search", and their indexes, over keyrings
// "bench" and "bench-index".
std::string SearchCatalog(std::int64_t rows);

// Makes and fills the tables, rows 1 to `rows` (bench/search_rows.h): ciphertexts and tokens come from the service, in
// calls of 1,000 rows, and go into the database by COPY, as the plaintexts do; pgcrypto's are encrypted by the
// database. How long each step took, in seconds.
nlohmann::json MakeSearchTables(const std::string& url, client::Client& client, std::int64_t rows);

// Bytes of each table without its indexes, and of each index: {"table or index": {"bytes", "bytes_a_row"}}.
nlohmann::json SizesOf(const Database& database, std::int64_t rows);

// Tells how pgcrypto's key comes from its password: the default iterates a hash for each value, 0 does not.
inline constexpr const char* kPgcryptoPassword = "benchmark";

}  // namespace coffer::bench
