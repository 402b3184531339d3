// Which database a person means: a PostgreSQL server's, or a SQLite file.
#pragma once

#include <string>
#include <string_view>

#include "crypto/result.h"

namespace coffer::db {

enum class Engine : std::uint8_t { kPostgres, kSqlite };

struct Source {
  Engine engine = Engine::kSqlite;
  std::string location;  // a postgresql:// URL, or a path
};

// A postgresql:// or postgres:// URL, as libpq takes it (its environment, password and service files count too), else
// the path of a SQLite file, whose first bytes are looked at. kInvalidArgument: it is neither; kNotFound,
// kPermissionDenied: the file. Errors never repeat what was given. Thread-safe.
Result<Source> ParseSource(const std::string& text);

}  // namespace coffer::db
