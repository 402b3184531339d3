// Schema: what an application's database is made of, as whoever works on it from outside sees it: tables, columns, and
// what hangs on them. Names and figures only, never a value and never the text of an expression.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"
#include "db/source.h"
#include "db/sql_names.h"

namespace coffer::db {

// How often values of a column occur.
struct ColumnFigures {
  std::uint64_t rows = 0;      // that are not NULL
  std::uint64_t distinct = 0;  // different values
  double top_share = 0;        // of the rows: the commonest value's, above 0 to 1
  bool counted = false;        // false: an estimate from the server's statistics
};

struct SchemaColumn {
  std::string name;
  std::string type;  // as SQL names it: "character varying(80)"
  // What decides how it is worked on. PostgreSQL: the name of its own type ("int8", "varchar", "jsonb"), of a domain
  // the base type's; "array", "enum", "composite", "range"; "ciphertext" for coffer.ciphertext; an extension's as it is
  // called ("citext"). SQLite: "integer", "text", "blob", "real", "numeric", by affinity.
  std::string base_type;
  bool is_domain = false;
  bool not_null = false;
  bool generated = false;
  std::vector<std::string> made_of;    // the columns that it is generated from; not known on SQLite
  bool is_known_after_insert = false;  // a serial or an identity
  std::uint32_t length_max = 0;        // characters; 0: no limit
  std::optional<ColumnFigures> figures;
};

enum class ConstraintKind : std::uint8_t { kPrimaryKey, kUnique, kCheck, kForeignKey, kExclusion };

struct SchemaConstraint {
  ConstraintKind kind = ConstraintKind::kCheck;
  std::string name;
  std::vector<std::string> columns;
  TableName other;                         // kForeignKey: the table that it points to
  std::vector<std::string> other_columns;  // likewise
  bool is_ciphertext_check = false;        // it calls coffer.is_ciphertext
};

struct SchemaIndex {
  std::string name;
  std::vector<std::string> columns;  // those of its expressions and its predicate too
  bool unique = false;
  bool has_expression = false;
  std::string method;  // "btree", "gin", ...; empty on SQLite
};

struct SchemaTrigger {
  std::string name;
  bool writes_rows = false;  // its text has an INSERT
};

struct SchemaTable {
  TableName name;
  bool is_partitioned = false;
  bool is_partition = false;
  std::optional<TableName> parent;         // it inherits from, or is a partition of
  std::vector<std::string> partition_key;  // columns; those of its expressions too
  std::uint64_t rows = 0;
  bool rows_are_known = false;    // false: nothing says how many there are
  bool rows_are_counted = false;  // false: an estimate
  std::vector<SchemaColumn> columns;
  std::vector<std::string> key;  // of the primary key; SQLite: else its rowid, as none
  std::vector<SchemaConstraint> constraints;
  std::vector<SchemaIndex> indexes;
  std::vector<SchemaTrigger> triggers;
  std::vector<std::string> publications;

  const SchemaColumn* Find(std::string_view column) const;
  bool HasUnique(std::string_view column) const;  // by itself
};

// A column that a view or rule reads.
struct ColumnUse {
  TableName table;
  std::string column;
  auto operator<=>(const ColumnUse&) const = default;
};

struct SchemaView {
  TableName name;
  bool is_materialised = false;
  bool is_rule = false;  // a rule of a table, not a view
  std::vector<ColumnUse> uses;
};

struct Schema {
  Engine engine = Engine::kSqlite;
  std::string database;             // its name, or its file's, without folders
  std::vector<SchemaTable> tables;  // sorted by name
  std::vector<SchemaView> views;
  bool has_statement_texts = false;          // pg_stat_statements is loaded and may be read
  std::vector<std::string> statement_texts;  // folded, bounded; compared with names and never shown

  const SchemaTable* Find(const TableName& name) const;
  // Where `name` has no schema: the one in "public", else the only one of that name; null: none, or several. On SQLite
  // case does not count.
  const SchemaTable* Resolve(const TableName& name) const;
};

inline constexpr std::size_t kMaxTables = 20'000;
inline constexpr std::size_t kMaxColumns = 200'000;
inline constexpr std::size_t kMaxSchemaParts = 500'000;  // constraints, indexes, triggers, uses of columns

struct SchemaOptions {
  bool with_figures = true;
};

// Reads it, in one transaction where that says more. kResourceExhausted: larger than the limits above; else as
// PostgresSession and SqliteReader. Thread-safe.
Result<Schema> ReadSchema(const Source& source, const SchemaOptions& options = {});

// The halves of ReadSchema.
class PostgresSession;
Result<Schema> ReadPostgresSchema(PostgresSession& session, const SchemaOptions& options);
Result<Schema> ReadSqliteSchema(const std::string& path);

// "schema.table" or "table".
std::string ShownTable(const TableName& name);
// The same with the column.
std::string ShownColumn(const TableName& name, std::string_view column);

}  // namespace coffer::db
