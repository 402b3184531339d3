// A Grafana's SQLite file in a folder of its own, and rotations of it.
#pragma once

#include "io/file.h"
#include "plugins/grafana/cells/sqlite_cells.h"
#include "plugins/grafana/database/sqlite_rows.h"
#include "plugins/grafana/rotation/rotation.h"
#include "tests/plugins/grafana/rotation/grafana_file.h"
#include "tests/support/sqlite_program.h"
#include "tests/support/temp_dir.h"

namespace coffer::grafana {

inline RotationKeys KeysOf(std::string_view old_key, std::string_view target) {
  RotationKeys keys;
  keys.old.push_back(known_answers::Secret(old_key));
  keys.target = known_answers::Secret(target);
  return keys;
}

class SqliteRotationTest : public testing::Test {
 protected:
  static constexpr std::uint64_t kFileLimit = 64 * 1024 * 1024;

  void MakeFile(GrafanaRows& grafana, const std::string& more = "") {
    ASSERT_EQ(RunSqlite(path_, SqlOf(grafana.rows, Dialect::kSqlite) + more), SQLITE_OK);
  }
  std::string Bytes() const {
    const auto bytes = ReadFile(path_, kFileLimit);
    EXPECT_TRUE(bytes.ok());
    return bytes.ok() ? std::string(AsText(*bytes)) : "";
  }
  Plaintexts Read(std::string_view key) const { return ReadFrom(path_, key); }
  static Plaintexts ReadFrom(const std::string& path, std::string_view key) {
    SqliteRows rows(path);
    return PlaintextReader(key).Read(rows);
  }
  // The only value of a query.
  std::string Value(const std::string& sql) const {
    const auto reader = SqliteReader::Open(path_, 0);
    EXPECT_TRUE(reader.ok());
    auto query = (*reader)->Prepare(sql);
    EXPECT_TRUE(query.ok() && query->Step().ok());
    const auto cell = query->Cell(0);
    return cell.ok() && *cell ? std::string(AsText(**cell)) : "";
  }

  Result<RotationReport> TryRotate(
      const RotationKeys& keys, const RotationOptions& options = {},
      const std::function<Status()>& before_commit = [] { return Status(); }) const {
    COFFER_ASSIGN_OR_RETURN(const auto cells, SqliteCells::Open({.path = path_, .busy_timeout_ms = 0, .vfs = ""}));
    return grafana::Rotate(*cells, keys, options, before_commit);
  }
  RotationReport Rotate(const RotationKeys& keys, const RotationOptions& options = {}) const {
    auto report = TryRotate(keys, options);
    EXPECT_TRUE(report.ok()) << report.error().ToString();
    return report.ok() ? std::move(report).value() : RotationReport();
  }

  TempDir folder_;
  const std::string path_ = folder_ / "grafana.db";
};

}  // namespace coffer::grafana
