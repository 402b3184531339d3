// The schema of a PostgreSQL database, out of its catalogs. Functions and operators are PostgreSQL's own
// (PostgresSession), and no view of others is read.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>

#include "db/postgres_session.h"
#include "db/schema.h"

namespace coffer::db {
namespace {

using Cells = std::span<const std::optional<ByteView>>;

// Tables that are a person's: no system schema, and no member of an extension.
#define COFFER_OF_USERS                                                                                     \
  " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname <> 'information_schema'"                  \
  " AND n.nspname !~ '^pg_' AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass" \
  " AND e.objid = c.oid AND e.deptype = 'e')"

constexpr const char* kTables =
    "SELECT c.oid::text, n.nspname::text, c.relname::text, (c.relkind = 'p')::text, c.relispartition::text,"
    " c.reltuples::float8::text FROM pg_class c" COFFER_OF_USERS " AND c.relkind IN ('r', 'p') ORDER BY 2, 3";

constexpr const char* kColumns =
    "SELECT c.oid::text, a.attname::text, format_type(a.atttypid, a.atttypmod),"
    " CASE WHEN b.typtype = 'e' THEN 'enum' WHEN b.typtype = 'c' THEN 'composite' WHEN b.typtype IN ('r', 'm') THEN"
    " 'range' WHEN b.typcategory = 'A' THEN 'array' ELSE b.typname::text END, (t.typtype = 'd')::text,"
    " (a.attnotnull OR t.typnotnull)::text, (a.attgenerated <> '')::text,"
    " (a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false))::text,"
    " CASE WHEN b.typname IN ('varchar', 'bpchar') AND m.modifier > 4 THEN (m.modifier - 4)::text ELSE '0' END"
    " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " JOIN pg_type t ON t.oid = a.atttypid"
    " JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END"
    " CROSS JOIN LATERAL (SELECT CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END AS modifier) m"
    " LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum" COFFER_OF_USERS
    " AND c.relkind IN ('r', 'p') ORDER BY c.oid, a.attnum";

constexpr const char* kParents =
    "SELECT DISTINCT ON (c.oid) c.oid::text, pn.nspname::text, p.relname::text FROM pg_inherits i"
    " JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace"
    " JOIN pg_class c ON c.oid = i.inhrelid" COFFER_OF_USERS " AND c.relkind IN ('r', 'p') ORDER BY c.oid, i.inhseqno";

// What the key's expressions name hangs on the table itself.
constexpr const char* kPartitionKeys =
    "SELECT c.oid::text, a.attname::text FROM pg_class c JOIN pg_partitioned_table k ON k.partrelid = c.oid"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND"
    " (a.attnum = ANY (k.partattrs::int2[]) OR EXISTS (SELECT FROM pg_depend d WHERE d.classid ="
    " 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0 AND d.refclassid = 'pg_class'::regclass AND"
    " d.refobjid = c.oid AND d.refobjsubid = a.attnum))" COFFER_OF_USERS " ORDER BY 1, 2";

constexpr const char* kGenerated =
    "SELECT c.oid::text, a.attname::text, s.attname::text FROM pg_class c"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attgenerated <> '' AND NOT a.attisdropped"
    " JOIN pg_attrdef x ON x.adrelid = c.oid AND x.adnum = a.attnum"
    " JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = x.oid AND"
    " d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid NOT IN (0, a.attnum)"
    " JOIN pg_attribute s ON s.attrelid = c.oid AND s.attnum = d.refobjsubid" COFFER_OF_USERS " ORDER BY 1, 2, 3";

constexpr const char* kConstraints =
    "SELECT c.oid::text, o.oid::text, o.conname::text, o.contype::text, a.attname::text,"
    " coalesce(fn.nspname, '')::text, coalesce(f.relname, '')::text, coalesce(fa.attname, '')::text,"
    " EXISTS (SELECT FROM pg_depend x JOIN pg_proc p ON p.oid = x.refobjid JOIN pg_namespace pn ON"
    " pn.oid = p.pronamespace WHERE x.classid = 'pg_constraint'::regclass AND x.objid = o.oid AND"
    " x.refclassid = 'pg_proc'::regclass AND p.proname = 'is_ciphertext' AND pn.nspname = 'coffer')::text"
    " FROM pg_class c JOIN pg_constraint o ON o.conrelid = c.oid"
    " CROSS JOIN LATERAL ROWS FROM (unnest(o.conkey), unnest(o.confkey)) WITH ORDINALITY AS k(mine, other, place)"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.mine"
    " LEFT JOIN pg_class f ON f.oid = o.confrelid LEFT JOIN pg_namespace fn ON fn.oid = f.relnamespace"
    " LEFT JOIN pg_attribute fa ON fa.attrelid = o.confrelid AND fa.attnum = k.other" COFFER_OF_USERS
    " AND o.contype IN ('p', 'u', 'c', 'f', 'x') ORDER BY o.oid, k.place";

constexpr const char* kIndexes =
    "SELECT c.oid::text, i.indexrelid::text, x.relname::text, i.indisunique::text,"
    " (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)::text, m.amname::text, a.attname::text"
    " FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid JOIN pg_class x ON x.oid = i.indexrelid"
    " JOIN pg_am m ON m.oid = x.relam"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND (a.attnum = ANY (i.indkey::int2[]) OR EXISTS"
    " (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND"
    " d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid = a.attnum))" COFFER_OF_USERS
    " ORDER BY i.indexrelid, a.attnum";

constexpr const char* kTriggers =
    "SELECT c.oid::text, g.tgname::text, (p.prosrc ~* '\\minsert\\M')::text FROM pg_class c"
    " JOIN pg_trigger g ON g.tgrelid = c.oid AND NOT g.tgisinternal JOIN pg_proc p ON p.oid = g.tgfoid" COFFER_OF_USERS
    " ORDER BY c.oid, g.tgname";

constexpr const char* kViews =
    "SELECT v.oid::text, vn.nspname::text, v.relname::text, v.relkind::text, n.nspname::text, c.relname::text,"
    " a.attname::text FROM pg_rewrite r JOIN pg_class v ON v.oid = r.ev_class"
    " JOIN pg_namespace vn ON vn.oid = v.relnamespace"
    " JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND"
    " d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.refobjid <> v.oid"
    " JOIN pg_class c ON c.oid = d.refobjid"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid" COFFER_OF_USERS
    " ORDER BY v.oid, 5, 6, 7";

constexpr const char* kPublications =
    "SELECT c.oid::text, p.pubname::text FROM pg_publication_tables p JOIN pg_class c ON c.relname = "
    "p.tablename" COFFER_OF_USERS " AND n.nspname = p.schemaname ORDER BY 1, 2";

// The commonest value's share is all that is taken of it.
constexpr const char* kFigures =
    "SELECT c.oid::text, s.attname::text, s.null_frac::float8::text, s.n_distinct::float8::text,"
    " coalesce(s.most_common_freqs[1], 0)::float8::text FROM pg_stats s JOIN pg_class c ON c.relname = "
    "s.tablename" COFFER_OF_USERS " AND n.nspname = s.schemaname AND s.inherited = (c.relkind = 'p')";

constexpr const char* kStatements =
    "SELECT n.nspname::text FROM pg_extension e JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND"
    " d.refobjid = e.oid AND d.deptype = 'e' AND d.classid = 'pg_proc'::regclass"
    " JOIN pg_proc p ON p.oid = d.objid JOIN pg_namespace n ON n.oid = p.pronamespace"
    " WHERE e.extname = 'pg_stat_statements' AND p.proname = 'pg_stat_statements' AND EXISTS"
    " (SELECT FROM pg_settings WHERE name = 'pg_stat_statements.max')";

#undef COFFER_OF_USERS

constexpr std::size_t kMaxStatements = 10'000;
constexpr std::size_t kMaxStatementText = 4'096;

Error OtherCatalog() {
  return Error(ErrorCode::kInternal, "the PostgreSQL server describes its tables in another way");
}

Error TooLarge(std::size_t limit) {
  return Error(ErrorCode::kResourceExhausted, "the database has more tables, columns or parts than are looked at")
      .At("database")
      .WithLimit(limit);
}

double Number(std::string_view text) {
  double value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc() && std::isfinite(value) ? value : 0;
}

class Reading {
 public:
  explicit Reading(PostgresSession& session) : session_(session), server_(session.server()) {}

  Result<Schema> Run(const SchemaOptions& options);

 private:
  using Texts = std::vector<std::string_view>;
  using OnTexts = std::function<void(const Texts&)>;

  Status Each(const char* sql, std::size_t columns, std::size_t limit, const OnTexts& on_row);
  Status ReadTables();
  Status ReadColumns();
  Status ReadConstraints();
  Status ReadIndexes();
  Status ReadTriggersAndPublications();
  Status ReadViews();
  Status ReadFigures();
  Status ReadStatements();
  SchemaTable* At(std::string_view oid);

  PostgresSession& session_;
  PostgresConnection& server_;
  Schema schema_;
  std::map<std::string, std::size_t, std::less<>> places_;  // by oid
};

SchemaTable* Reading::At(std::string_view oid) {
  const auto found = places_.find(oid);
  return found == places_.end() ? nullptr : &schema_.tables[found->second];
}

// Every cell is text; nothing of it is NULL.
Status Reading::Each(const char* sql, std::size_t columns, std::size_t limit, const OnTexts& on_row) {
  std::size_t rows = 0;
  Texts texts;
  return server_.Query(sql, {}, [&](Cells cells) -> Status {
    if (cells.size() != columns) return OtherCatalog();
    if (++rows > limit) return TooLarge(limit);
    texts.clear();
    for (const auto& cell : cells) {
      if (!cell) return OtherCatalog();
      texts.push_back(AsText(*cell));
    }
    on_row(texts);
    return {};
  });
}

Status Reading::ReadTables() {
  COFFER_TRY(Each("SELECT current_database()::text", 1, 1, [this](const Texts& row) { schema_.database = row[0]; }));
  COFFER_TRY(Each(kTables, 6, kMaxTables, [this](const Texts& row) {
    SchemaTable table;
    table.name = {std::string(row[1]), std::string(row[2])};
    table.is_partitioned = row[3] == "true";
    table.is_partition = row[4] == "true";
    const double rows = Number(row[5]);  // -1: never looked at
    table.rows_are_known = rows >= 0;
    table.rows = rows > 0 ? static_cast<std::uint64_t>(std::min(rows, 1e15)) : 0;
    places_.emplace(row[0], schema_.tables.size());
    schema_.tables.push_back(std::move(table));
  }));
  COFFER_TRY(Each(kParents, 3, kMaxTables, [this](const Texts& row) {
    SchemaTable* const table = At(row[0]);
    if (table != nullptr) table->parent = TableName{std::string(row[1]), std::string(row[2])};
  }));
  return Each(kPartitionKeys, 2, kMaxColumns, [this](const Texts& row) {
    SchemaTable* const table = At(row[0]);
    if (table != nullptr) table->partition_key.emplace_back(row[1]);
  });
}

Status Reading::ReadColumns() {
  COFFER_TRY(Each(kColumns, 9, kMaxColumns, [this](const Texts& row) {
    SchemaTable* const table = At(row[0]);
    if (table == nullptr) return;
    SchemaColumn column;
    column.name = row[1];
    column.type = row[2];
    column.base_type = row[3];
    column.is_domain = row[4] == "true";
    column.not_null = row[5] == "true";
    column.generated = row[6] == "true";
    column.is_known_after_insert = row[7] == "true";
    column.length_max = static_cast<std::uint32_t>(Number(row[8]));
    table->columns.push_back(std::move(column));
  }));
  return Each(kGenerated, 3, kMaxColumns, [this](const Texts& row) {
    SchemaTable* const table = At(row[0]);
    if (table == nullptr) return;
    for (SchemaColumn& column : table->columns) {
      if (column.name == row[1]) column.made_of.emplace_back(row[2]);
    }
  });
}

Status Reading::ReadConstraints() {
  std::string last;
  return Each(kConstraints, 9, kMaxSchemaParts, [this, &last](const Texts& row) {
    SchemaTable* const table = At(row[0]);
    if (table == nullptr) return;
    if (row[1] != last) {
      last = row[1];
      SchemaConstraint constraint;
      constraint.name = row[2];
      constraint.kind = row[3] == "p"   ? ConstraintKind::kPrimaryKey
                        : row[3] == "u" ? ConstraintKind::kUnique
                        : row[3] == "f" ? ConstraintKind::kForeignKey
                        : row[3] == "x" ? ConstraintKind::kExclusion
                                        : ConstraintKind::kCheck;
      constraint.other = {std::string(row[5]), std::string(row[6])};
      constraint.is_ciphertext_check = row[8] == "true";
      table->constraints.push_back(std::move(constraint));
    }
    SchemaConstraint& constraint = table->constraints.back();
    constraint.columns.emplace_back(row[4]);
    if (constraint.kind == ConstraintKind::kForeignKey) constraint.other_columns.emplace_back(row[7]);
    if (constraint.kind == ConstraintKind::kPrimaryKey) table->key.emplace_back(row[4]);
  });
}

Status Reading::ReadIndexes() {
  std::string last;
  return Each(kIndexes, 7, kMaxSchemaParts, [this, &last](const Texts& row) {
    SchemaTable* const table = At(row[0]);
    if (table == nullptr) return;
    if (row[1] != last) {
      last = row[1];
      table->indexes.push_back({std::string(row[2]), {}, row[3] == "true", row[4] == "true", std::string(row[5])});
    }
    table->indexes.back().columns.emplace_back(row[6]);
  });
}

Status Reading::ReadTriggersAndPublications() {
  COFFER_TRY(Each(kTriggers, 3, kMaxSchemaParts, [this](const Texts& row) {
    SchemaTable* const table = At(row[0]);
    if (table != nullptr) table->triggers.push_back({std::string(row[1]), row[2] == "true"});
  }));
  return Each(kPublications, 2, kMaxSchemaParts, [this](const Texts& row) {
    SchemaTable* const table = At(row[0]);
    if (table != nullptr) table->publications.emplace_back(row[1]);
  });
}

Status Reading::ReadViews() {
  std::string last;
  return Each(kViews, 7, kMaxSchemaParts, [this, &last](const Texts& row) {
    if (row[0] != last) {
      last = row[0];
      SchemaView view;
      view.name = {std::string(row[1]), std::string(row[2])};
      view.is_materialised = row[3] == "m";
      view.is_rule = row[3] != "m" && row[3] != "v";
      schema_.views.push_back(std::move(view));
    }
    schema_.views.back().uses.push_back({{std::string(row[4]), std::string(row[5])}, std::string(row[6])});
  });
}

// n_distinct below 0 is a share of the rows.
Status Reading::ReadFigures() {
  return Each(kFigures, 5, kMaxColumns, [this](const Texts& row) {
    SchemaTable* const table = At(row[0]);
    if (table == nullptr || !table->rows_are_known) return;
    const auto column = std::find_if(table->columns.begin(), table->columns.end(),
                                     [&row](const SchemaColumn& one) { return one.name == row[1]; });
    if (column == table->columns.end()) return;
    const double rows = static_cast<double>(table->rows);
    const double filled = std::floor(rows * (1 - std::clamp(Number(row[2]), 0.0, 1.0)));
    if (filled < 1) return;
    const double distinct = Number(row[3]) < 0 ? -Number(row[3]) * rows : Number(row[3]);
    ColumnFigures figures;
    figures.rows = static_cast<std::uint64_t>(filled);
    figures.distinct = static_cast<std::uint64_t>(std::clamp(std::round(distinct), 1.0, filled));
    figures.top_share = std::clamp(std::max(Number(row[4]) * rows / filled, 1 / filled), 0.0, 1.0);
    column->figures = figures;
  });
}

Status Reading::ReadStatements() {
  std::string schema;
  COFFER_TRY(Each(kStatements, 1, 4, [&schema](const Texts& row) { schema = row[0]; }));
  // Who owns the schema could have put another function there; the extension's view stands beside its function.
  if (schema.empty() || !session_.CheckTrust(QuotedName(schema) + ".pg_stat_statements").ok()) return {};
  const std::string sql = "SELECT DISTINCT lower(left(query, " + std::to_string(kMaxStatementText) + ")) FROM " +
                          QuotedName(schema) + ".pg_stat_statements(true) WHERE query IS NOT NULL LIMIT " +
                          std::to_string(kMaxStatements);
  const Status read =
      Each(sql.c_str(), 1, kMaxStatements, [this](const Texts& row) { schema_.statement_texts.emplace_back(row[0]); });
  // Who may not read it knows nothing of it: that is no reason to know nothing of the rest.
  schema_.has_statement_texts = read.ok();
  return {};
}

Result<Schema> Reading::Run(const SchemaOptions& options) {
  schema_.engine = Engine::kPostgres;
  COFFER_TRY(server_.Execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
  COFFER_TRY(ReadTables());
  COFFER_TRY(ReadColumns());
  COFFER_TRY(ReadConstraints());
  COFFER_TRY(ReadIndexes());
  COFFER_TRY(ReadTriggersAndPublications());
  COFFER_TRY(ReadViews());
  if (options.with_figures) COFFER_TRY(ReadFigures());
  COFFER_TRY(server_.Execute("COMMIT"));
  if (options.with_figures) COFFER_TRY(ReadStatements());
  std::sort(schema_.tables.begin(), schema_.tables.end(),
            [](const SchemaTable& a, const SchemaTable& b) { return a.name < b.name; });
  return std::move(schema_);
}

}  // namespace

Result<Schema> ReadPostgresSchema(PostgresSession& session, const SchemaOptions& options) {
  return Reading(session).Run(options);
}

}  // namespace coffer::db
