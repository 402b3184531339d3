// What the schema shows of where a column's plaintext goes besides the column, and of what breaks when it is encrypted.
#include <algorithm>
#include <array>

#include "db/plan.h"
#include "db/sql_words.h"

namespace coffer::db {
namespace {

bool Has(const std::vector<std::string>& columns, const std::string& column) {
  return std::find(columns.begin(), columns.end(), column) != columns.end();
}

void FindViews(const Schema& schema, const SchemaTable& table, const SchemaColumn& column, std::vector<Note>& notes) {
  for (const SchemaView& view : schema.views) {
    const bool uses = std::any_of(view.uses.begin(), view.uses.end(), [&](const ColumnUse& use) {
      return use.table == table.name && use.column == column.name;
    });
    if (!uses) continue;
    const std::string name = ShownTable(view.name);
    if (view.is_rule) {
      notes.push_back({Advice::kCopy, "a rule of " + name + " reads it"});
    } else if (view.is_materialised) {
      notes.push_back(
          {Advice::kCopy, "the materialised view " + name + " keeps a copy: refresh it once the column is encrypted"});
    } else {
      notes.push_back({Advice::kCopy, "the view " + name + " shows it"});
    }
  }
}

void FindHistories(const Schema& schema, const SchemaTable& table, const SchemaColumn& column,
                   std::vector<Note>& notes) {
  for (const SchemaTable& other : schema.tables) {
    if (&other == &table || !IsHistory(other.name.table) || other.is_partition) continue;
    if (HistoryOf(schema, other) != &table) continue;
    if (other.Find(column.name) != nullptr) {
      notes.push_back({Advice::kCopy, ShownColumn(other.name, column.name) + " has its earlier values"});
    }
    for (const SchemaColumn& payload : other.columns) {
      if (GuessByName(other, payload) == Content::kRowCopy) {
        notes.push_back({Advice::kCopy, ShownColumn(other.name, payload.name) + " may hold whole rows of it"});
      }
    }
  }
}

void FindWriters(const SchemaTable& table, std::vector<Note>& notes) {
  for (const SchemaTrigger& trigger : table.triggers) {
    if (trigger.writes_rows) {
      notes.push_back(
          {Advice::kCopy, "the trigger " + trigger.name + " inserts rows: see whether it copies the value"});
    }
  }
  for (const std::string& publication : table.publications) {
    notes.push_back({Advice::kCopy, "the publication " + publication + " sends its values to subscribers"});
  }
}

void FindStatements(const Schema& schema, const SchemaColumn& column, std::vector<Note>& notes) {
  const std::string name = FoldedName(column.name);
  const auto count = std::count_if(schema.statement_texts.begin(), schema.statement_texts.end(),
                                   [&name](const std::string& text) { return HasWord(text, name); });
  if (count == 0) return;
  notes.push_back({Advice::kCopy, "pg_stat_statements has " + std::to_string(count) +
                                      " statement(s) that name it, maybe with literals"});
}

void FindGenerated(const SchemaTable& table, const SchemaColumn& column, std::vector<Note>& notes) {
  for (const SchemaColumn& other : table.columns) {
    const bool is_source = other.made_of.empty() || Has(other.made_of, column.name);
    if (!other.generated || !is_source) continue;
    notes.push_back({Advice::kCopy, "the column " + other.name + " is generated" +
                                        (other.made_of.empty() ? ": see whether from it" : " from it")});
  }
  for (const SchemaIndex& index : table.indexes) {
    if (!Has(index.columns, column.name)) continue;
    notes.push_back({Advice::kCopy, index.has_expression
                                        ? "the index " + index.name + " keeps the result of an expression of it"
                                        : "the index " + index.name + " keeps a copy"});
  }
}

std::string_view KindName(ConstraintKind kind) {
  switch (kind) {
    case ConstraintKind::kPrimaryKey:
      return "primary key";
    case ConstraintKind::kUnique:
      return "UNIQUE constraint";
    case ConstraintKind::kCheck:
      return "CHECK";
    case ConstraintKind::kForeignKey:
      return "foreign key";
    case ConstraintKind::kExclusion:
      break;
  }
  return "EXCLUDE constraint";
}

std::string_view EffectOf(ConstraintKind kind) {
  switch (kind) {
    case ConstraintKind::kPrimaryKey:
      return "a key cannot be encrypted: find the row by another one";
    case ConstraintKind::kUnique:
      return "ciphertexts always differ, so it holds nothing: a unique index of the catalog does";
    case ConstraintKind::kCheck:
      return "sees ciphertext then: check in the application, drop it here";
    case ConstraintKind::kForeignKey:
      return "ciphertexts do not match: point by a key that says nothing";
    case ConstraintKind::kExclusion:
      break;
  }
  return "compares ciphertexts, which says nothing";
}

void FindConstraints(const Schema& schema, const SchemaTable& table, const SchemaColumn& column,
                     std::vector<Note>& notes) {
  for (const SchemaConstraint& constraint : table.constraints) {
    if (!Has(constraint.columns, column.name) || constraint.is_ciphertext_check) continue;
    const std::string shown = constraint.name == KindName(constraint.kind) ? "" : " " + constraint.name;
    notes.push_back({Advice::kConstraint, "the " + std::string(KindName(constraint.kind)) + shown + ": " +
                                              std::string(EffectOf(constraint.kind))});
  }
  for (const SchemaTable& other : schema.tables) {
    for (const SchemaConstraint& constraint : other.constraints) {
      if (constraint.kind != ConstraintKind::kForeignKey || constraint.other != table.name) continue;
      if (!Has(constraint.other_columns, column.name)) continue;
      notes.push_back({Advice::kConstraint, "a foreign key of " + ShownTable(other.name) +
                                                " points to it: the value stands there too, and will not match"});
    }
  }
}

struct TypeCare {
  std::string_view type;
  std::string_view care;
};
constexpr std::array kCares = {
    TypeCare{"citext", "compares without case: an index takes transform = [\"nfkc_casefold\"] for that"},
    TypeCare{"enum", "has few values: an index over them gives them away"},
    TypeCare{"composite", "is several values: encrypt each part in a column of its own"},
    TypeCare{"range", "is two values: encrypt its text, or each end"},
    TypeCare{"array", "is several values: encrypt its text as a whole, or give each a row of its own"},
    TypeCare{"json", "is encrypted as a whole: operators on its parts stop working"},
    TypeCare{"jsonb", "is encrypted as a whole: operators and indexes on its parts stop working"},
    TypeCare{"hstore", "is encrypted as a whole: operators on its parts stop working"},
    TypeCare{"xml", "is encrypted as a whole"},
    TypeCare{"numeric", "is encrypted as its text: agree on one (1.50 or 1.5); sums and sorting are the application's"},
    TypeCare{"float4", "is encrypted as its text: agree on the digits"},
    TypeCare{"float8", "is encrypted as its text: agree on the digits"},
    TypeCare{"timestamptz", "is shown in each session's time zone: encrypt one form of it, in UTC"},
    TypeCare{"timestamp", "has no time zone: encrypt one form of it"},
    TypeCare{"bpchar", "is filled with spaces: trim before encrypting"},
    TypeCare{"bool", "has two values: its ciphertext's row says much, and an index all"},
};

}  // namespace

std::vector<Note> FindCopies(const Schema& schema, const SchemaTable& table, const SchemaColumn& column) {
  std::vector<Note> notes;
  FindViews(schema, table, column, notes);
  FindHistories(schema, table, column, notes);
  FindWriters(table, notes);
  FindGenerated(table, column, notes);
  FindStatements(schema, column, notes);
  return notes;
}

std::vector<Note> FindObstacles(const Schema& schema, const SchemaTable& table, const SchemaColumn& column) {
  std::vector<Note> notes;
  FindConstraints(schema, table, column, notes);
  for (const TypeCare& care : kCares) {
    if (care.type == column.base_type) notes.push_back({Advice::kType, "its type " + std::string(care.care)});
  }
  if (column.is_domain) notes.push_back({Advice::kType, "its type is a domain: the new column has none"});
  if (column.generated) notes.push_back({Advice::kType, "it is generated: encrypt what it is made of, and drop it"});
  return notes;
}

std::optional<KnownApplication> FindApplication(const Schema& schema) {
  struct Fingerprint {
    std::array<std::string_view, 4> tables;
    KnownApplication application;
  };
  constexpr std::string_view kNotItsOwn =
      "it reads and writes its columns itself, so they can be encrypted only where its own code calls the service";
  static constexpr std::array kKnown = {
      Fingerprint{
          {"data_source", "dashboard", "migration_log", "org_user"},
          {"Grafana",
           "an unmodified Grafana's columns can be neither bound nor indexed: nothing of them is proposed. See what "
           "its database shows with 'coffer grafana scan', and keep its credentials with 'coffer grafana "
           "import-db' and 'coffer grafana rotate-secret-key'",
           true}},
      Fingerprint{{"user_entity", "credential", "realm", "client_session"}, {"Keycloak", kNotItsOwn, false}},
      Fingerprint{
          {"auth_user", "django_migrations", "django_content_type", "auth_group"},
          {"Django", "give the model's fields an encrypting type, and keep auth_user.password: it is a hash", false}},
      Fingerprint{{"wp_users", "wp_usermeta", "wp_options", "wp_posts"}, {"WordPress", kNotItsOwn, false}},
      Fingerprint{{"repository", "login_source", "access_token", "two_factor"}, {"Gitea", kNotItsOwn, false}},
      Fingerprint{{"schema_migrations", "ar_internal_metadata", "", ""},
                  {"Ruby on Rails", "give the model's attributes a type that calls the service", false}},
  };
  for (const Fingerprint& one : kKnown) {
    const auto is_there = [&schema](std::string_view name) {
      return name.empty() || std::any_of(schema.tables.begin(), schema.tables.end(),
                                         [name](const SchemaTable& table) { return table.name.table == name; });
    };
    if (std::all_of(one.tables.begin(), one.tables.end(), is_there)) return one.application;
  }
  return std::nullopt;
}

}  // namespace coffer::db
