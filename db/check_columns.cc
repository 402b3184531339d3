// The protected columns: whether they are there, what is in them, and what keeps plaintext out.
#include <algorithm>

#include "db/census.h"
#include "db/check.h"
#include "db/guess.h"
#include "db/postgres_session.h"
#include "db/whole_number.h"
#include "io/clock.h"

namespace coffer::db {
namespace {

constexpr std::string_view kPlaintext = "plaintext";
constexpr std::string_view kMissing = "column-missing";

bool IsBinary(const Schema& schema, const SchemaColumn& column) {
  return schema.engine == Engine::kSqlite || column.base_type == "bytea" || column.base_type == "ciphertext";
}

class ColumnCheck {
 public:
  ColumnCheck(const Source& source, const Schema& schema, CheckReport& report)
      : source_(source), schema_(schema), report_(report) {}

  Status Run(const policy::Catalog& catalog, const std::vector<CheckedField>& fields);

 private:
  void Add(Severity severity, std::string_view check, std::string where, std::string what, std::string why,
           std::string mend = {}) {
    report_.Add({severity, check, std::move(where), std::move(what), std::move(why), std::move(mend)});
  }
  void CheckShape(const policy::Catalog& catalog, const CheckedField& field);
  void CheckGuard(const SchemaTable& table, const SchemaColumn& column, const std::string& where);
  void CheckNeighbours(const policy::CatalogField& declared, const SchemaTable& table, const std::string& where);
  void CheckTokens(const policy::CatalogField& declared, const SchemaTable& table, const CheckedField& field);
  void CheckCopies(const SchemaTable& table, const CheckedField& field);
  Status CountBinary();
  Status CountTexts();
  void AddCount(const CheckedColumn& counted);

  const Source& source_;
  const Schema& schema_;
  CheckReport& report_;
  std::string scope_;
  std::vector<CheckedField> binary_;
  std::vector<CheckedField> texts_;
};

void ColumnCheck::CheckGuard(const SchemaTable& table, const SchemaColumn& column, const std::string& where) {
  if (schema_.engine == Engine::kSqlite || column.base_type == "ciphertext") return;
  const bool guarded =
      std::any_of(table.constraints.begin(), table.constraints.end(), [&column](const SchemaConstraint& one) {
        return one.is_ciphertext_check &&
               std::find(one.columns.begin(), one.columns.end(), column.name) != one.columns.end();
      });
  if (guarded) return;
  Add(Severity::kMedium, "check-missing", where, "nothing refuses plaintext in it",
      "a program that forgets to encrypt is not stopped",
      "SELECT coffer.protect(" + SqlText(SqlName(table.name)) + ", " + SqlText(column.name) + ");");
}

void ColumnCheck::CheckNeighbours(const policy::CatalogField& declared, const SchemaTable& table,
                                  const std::string& where) {
  for (const policy::BoundType& bound : declared.declaration.bind) {
    if (table.Find(bound.column) != nullptr) continue;
    Add(Severity::kMedium, "bind-missing", where,
        "the table has no column " + bound.column + ", which the catalog binds",
        "values do not decrypt unless the application knows under which name it is now");
  }
  if (declared.declaration.form.row_bound && table.key.empty() && schema_.engine == Engine::kPostgres) {
    Add(Severity::kMedium, "key-missing", where, "the table has no primary key, and the catalog binds rows",
        "which row a value belongs to is not sure", "");
  }
}

void ColumnCheck::CheckTokens(const policy::CatalogField& declared, const SchemaTable& table,
                              const CheckedField& field) {
  for (const policy::CatalogIndex& index : declared.indexes) {
    for (const std::string& name : TokenColumnsOf(field.place.column, index)) {
      if (table.Find(name) != nullptr) continue;
      Add(Severity::kMedium, kMissing, ShownColumn(table.name, name),
          "the column of the index " + index.name + " is not there under this name",
          "searches find nothing, or the tokens are where this does not look");
    }
  }
}

// What the plaintext was in before, and what keeps old rows.
void ColumnCheck::CheckCopies(const SchemaTable& table, const CheckedField& field) {
  const SchemaColumn* const old = table.Find(field.field.column);
  if (old != nullptr && old->name != field.place.column && old->base_type != "bytea" &&
      old->base_type != "ciphertext") {
    Add(Severity::kMedium, "old-column", ShownColumn(table.name, old->name),
        "a column with the field's name stands beside its ciphertext",
        "if it is the plaintext from before, all of it is readable; what it leaves in the file, only a rewrite removes",
        "ALTER TABLE " + SqlName(table.name) + " DROP COLUMN " + QuotedName(old->name) + "; VACUUM FULL " +
            SqlName(table.name) + ";");
  }
  for (const SchemaTable& other : schema_.tables) {
    const SchemaColumn* const copy = other.Find(field.field.column);
    if (HistoryOf(schema_, other) != &table || copy == nullptr || copy->base_type == "bytea") continue;
    if (copy->base_type == "ciphertext" || copy->base_type == "blob") continue;
    Add(Severity::kMedium, "copy", ShownColumn(other.name, copy->name),
        "a table that looks like the history of " + ShownTable(table.name) + " has a column of this name, in clear",
        "earlier values stay readable there");
  }
}

void ColumnCheck::CheckShape(const policy::Catalog& catalog, const CheckedField& field) {
  const policy::CatalogField& declared = *catalog.Find(field.field);
  const std::string where = ShownColumn(field.place.table, field.place.column);
  const SchemaTable* const table = schema_.Resolve(field.place.table);
  const SchemaColumn* const column = table == nullptr ? nullptr : table->Find(field.place.column);
  if (column == nullptr) {
    Add(Severity::kHigh, kMissing, where,
        std::string(table == nullptr ? "the table" : "the column") + " of " + scope_ + "." + field.field.ToText() +
            " is not there",
        "the catalog says that it is encrypted; where it is now, nobody guards it");
    return;
  }
  (IsBinary(schema_, *column) ? binary_ : texts_).push_back(field);
  if (!IsBinary(schema_, *column)) {
    Add(Severity::kMedium, "type", where, "its type is " + column->type + ", not bytea or coffer.ciphertext",
        "it takes plaintext as well, and ciphertext as text is a third longer");
  } else {
    CheckGuard(*table, *column, where);
  }
  CheckNeighbours(declared, *table, where);
  CheckTokens(declared, *table, field);
  CheckCopies(*table, field);
}

void ColumnCheck::AddCount(const CheckedColumn& counted) {
  report_.columns.push_back(counted);
  if (counted.no_ciphertext == 0) return;
  Add(Severity::kHigh, kPlaintext, counted.place,
      std::to_string(counted.no_ciphertext) + " of " + std::to_string(counted.values) +
          " values have not the form of a ciphertext",
      "whoever reads the database reads them; copies in its log, backups and replicas stay after they are encrypted",
      "");
}

Status ColumnCheck::CountBinary() {
  std::vector<ColumnPlace> places;
  for (const CheckedField& field : binary_) places.push_back(field.place);
  if (places.empty()) return {};
  COFFER_ASSIGN_OR_RETURN(const DatabaseCensus census, TakeCensus(source_, places, SystemClock()));
  for (std::size_t i = 0; i < places.size(); ++i) {
    const ColumnCensus& column = census.columns[i];
    AddCount({scope_ + "." + binary_[i].field.ToText(), ShownColumn(places[i].table, places[i].column), column.Values(),
              column.no_ciphertext, column.keys.size()});
  }
  return {};
}

// Of PostgreSQL alone: a SQLite column of any type is counted by what its cells are.
Status ColumnCheck::CountTexts() {
  if (texts_.empty()) return {};
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<PostgresSession> session, PostgresSession::Open(source_));
  for (const CheckedField& field : texts_) {
    COFFER_TRY(session->server().Execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
    COFFER_ASSIGN_OR_RETURN(const PostgresTable table, session->Lock(field.place.table));
    CheckedColumn counted{scope_ + "." + field.field.ToText(), ShownColumn(field.place.table, field.place.column)};
    const std::string name = QuotedName(field.place.column);
    const std::string sql = "SELECT count(*)::text, (count(*) FILTER (WHERE left(format('%s', " + name +
                            "), 10) <> 'coffer:v1:'))::text FROM " + table.name + " WHERE num_nonnulls(" + name +
                            ") = 1";
    COFFER_TRY(session->server().Query(sql, {}, [&counted](std::span<const std::optional<ByteView>> cells) -> Status {
      COFFER_ASSIGN_OR_RETURN(counted.values, WholeNumber(cells[0]));
      COFFER_ASSIGN_OR_RETURN(counted.no_ciphertext, WholeNumber(cells[1]));
      return {};
    }));
    COFFER_TRY(session->server().Execute("COMMIT"));
    AddCount(counted);
  }
  return {};
}

Status ColumnCheck::Run(const policy::Catalog& catalog, const std::vector<CheckedField>& fields) {
  scope_ = catalog.scope;
  for (const CheckedField& field : fields) CheckShape(catalog, field);
  COFFER_TRY(CountBinary());
  return CountTexts();
}

}  // namespace

Status CheckColumns(const Source& source, const CheckOptions& options, const Schema& schema,
                    const std::vector<CheckedField>& fields, CheckReport& report) {
  return ColumnCheck(source, schema, report).Run(*options.catalog, fields);
}

}  // namespace coffer::db
