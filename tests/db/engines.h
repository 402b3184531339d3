// A database of each engine, filled by SQL; for tests that are the same for both.
#pragma once

#include <gtest/gtest.h>

#include "db/source.h"
#include "io/postgres.h"
#include "tests/db/ciphertexts.h"
#include "tests/support/postgres_server.h"
#include "tests/support/sqlite_program.h"
#include "tests/support/temp_dir.h"

namespace coffer::db {

// One server for all tests of a binary; null where there is none.
inline PostgresServer* SharedServer() {
  static const std::unique_ptr<PostgresServer> server =
      PostgresServer::Programs().empty() ? nullptr : PostgresServer::Start();
  return server.get();
}

class Database {
 public:
  explicit Database(Engine engine) : engine_(engine) {
    if (engine == Engine::kSqlite) return;
    static int count = 0;
    name_ = "d" + std::to_string(++count);
    EXPECT_TRUE(RunOn("postgres", "CREATE DATABASE " + name_));
  }

  static bool IsThere(Engine engine) { return engine == Engine::kSqlite || SharedServer() != nullptr; }

  // Statements, separated by ';'. True: all of them are done.
  bool Run(const std::string& sql) const {
    return engine_ == Engine::kSqlite ? RunSqlite(path(), sql) == 0 : RunOn(name_, sql);
  }
  // With the database's name for ":db".
  std::string Named(std::string sql) const {
    for (std::size_t at = sql.find(":db"); at != sql.npos; at = sql.find(":db")) sql.replace(at, 3, name_);
    return sql;
  }
  std::string Blob(const std::string& bytes) const {
    return engine_ == Engine::kSqlite ? SqliteBlob(bytes) : PostgresBytes(bytes);
  }
  std::string BlobType() const { return engine_ == Engine::kSqlite ? "BLOB" : "bytea"; }
  Source source(const std::string& user = "owner") const {
    return engine_ == Engine::kSqlite ? Source{engine_, path()} : Source{engine_, SharedServer()->Url(name_, user)};
  }
  std::string path() const { return folder_ / "a.db"; }

 private:
  // As a role that owns what it makes, but for what only a superuser may.
  static bool RunOn(const std::string& database, const std::string& sql) {
    PostgresOptions options;
    options.connection = SharedServer()->Url(database);
    const auto server = PostgresConnection::Open(options);
    if (!server.ok()) return false;
    static_cast<void>((*server)->Execute("CREATE ROLE owner LOGIN"));
    if (database == "postgres") return (*server)->Execute(sql).ok();
    return (*server)->Execute("GRANT CREATE ON SCHEMA public TO owner").ok() && (*server)->Execute(sql).ok();
  }

  Engine engine_;
  std::string name_;
  TempDir folder_;
};

}  // namespace coffer::db
