#include "db/plan.h"

#include <algorithm>
#include <array>
#include <set>

#include "crypto/names.h"
#include "db/plan_figures.h"

namespace coffer::db {
namespace {

constexpr std::string_view kGrafanaTables[] = {"alert_configuration",
                                               "api_key",
                                               "dashboard",
                                               "data_source",
                                               "data_keys",
                                               "user",
                                               "user_auth",
                                               "user_auth_token",
                                               "temp_user",
                                               "plugin_setting",
                                               "secrets",
                                               "sso_setting",
                                               "dashboard_snapshot",
                                               "cloud_migration_session",
                                               "login_attempt",
                                               "org",
                                               "org_user",
                                               "kv_store"};

// A name that the catalog takes: what is none of its characters becomes "_".
std::string IdentifierOf(std::string_view name) {
  constexpr std::size_t kLongest = 63;
  std::string identifier;
  for (const char c : FoldedName(name)) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    identifier += fits ? c : '_';
  }
  if (identifier.empty() || (identifier[0] >= '0' && identifier[0] <= '9')) identifier.insert(0, "_");
  if (identifier.size() > kLongest) identifier.resize(kLongest);
  return identifier;
}

std::string ScopeOf(const PlanOptions& options, const Schema& schema) {
  if (!options.scope.empty()) return options.scope;
  std::string name = schema.database;
  if (schema.engine == Engine::kSqlite) name = name.substr(0, name.find('.', 1));
  const std::string scope = IdentifierOf(name);
  return scope == policy::kReservedScope ? scope + "_db" : scope;
}

// As what a column can be bound; nothing: it cannot.
std::optional<ValueType> ValueTypeOf(const SchemaColumn& column) {
  struct Entry {
    std::string_view type;
    ValueType value;
  };
  static constexpr std::array kTypes = {
      Entry{"int2", ValueType::kInt64},  Entry{"int4", ValueType::kInt64},    Entry{"int8", ValueType::kInt64},
      Entry{"uuid", ValueType::kUuid},   Entry{"text", ValueType::kText},     Entry{"varchar", ValueType::kText},
      Entry{"bpchar", ValueType::kText}, Entry{"citext", ValueType::kText},   Entry{"name", ValueType::kText},
      Entry{"bytea", ValueType::kBytes}, Entry{"integer", ValueType::kInt64}, Entry{"blob", ValueType::kBytes},
  };
  for (const Entry& entry : kTypes) {
    if (entry.type == column.base_type) return entry.value;
  }
  return std::nullopt;
}

// As what its plaintext is indexed; nothing: its text is none that equal values share.
std::optional<policy::IndexType> IndexTypeOf(const SchemaColumn& column) {
  const std::optional<ValueType> type = ValueTypeOf(column);
  if (!type || *type == ValueType::kBytes) return std::nullopt;
  if (*type == ValueType::kInt64) return policy::IndexType::kInt64;
  return *type == ValueType::kUuid ? policy::IndexType::kUuid : policy::IndexType::kText;
}

class Planner {
 public:
  Planner(const Source& source, const PlanOptions& options) : source_(source), options_(options) {}
  Result<Plan> Run();

 private:
  bool IsApplications(const SchemaTable& table) const;
  Status PlanTable(SchemaTable& table);
  ProposedField Propose(const SchemaTable& table, const SchemaColumn& column, Content content, bool by_sample);
  void SetRow(const SchemaTable& table, ProposedField& field) const;
  void SetBind(const SchemaTable& table, ProposedField& field) const;
  void SetIndexes(const SchemaTable& table, const SchemaColumn& column, ProposedField& field) const;
  void SetName(const SchemaTable& table, ProposedField& field);
  void AddDatabaseNotes();

  const Source& source_;
  const PlanOptions& options_;
  Plan plan_;
  std::set<policy::ColumnName> names_;
};

bool Planner::IsApplications(const SchemaTable& table) const {
  return plan_.application && plan_.application->keeps_its_columns &&
         std::find(std::begin(kGrafanaTables), std::end(kGrafanaTables), table.name.table) != std::end(kGrafanaTables);
}

void Planner::SetRow(const SchemaTable& table, ProposedField& field) const {
  std::vector<ValueType> types;
  bool known_late = false;
  for (const std::string& name : table.key) {
    const SchemaColumn* const column = table.Find(name);
    const std::optional<ValueType> type = column == nullptr ? std::nullopt : ValueTypeOf(*column);
    if (!type || name == field.column) {
      field.unbound =
          name == field.column ? "it is the table's key itself" : "a type of the table's key cannot be bound";
      field.notes.push_back({Advice::kRow, "rows cannot be bound: " + field.unbound});
      return;
    }
    known_late = known_late || column->is_known_after_insert;
    types.push_back(*type);
  }
  if (types.empty()) {
    field.unbound = "the table has no primary key";
    field.notes.push_back({Advice::kRow,
                           "rows cannot be bound, so a value can be copied to another row: give the table "
                           "a primary key"});
    return;
  }
  field.row = std::move(types);
  field.row_columns = table.key;
  if (known_late) {
    field.notes.push_back({Advice::kRow, "the row id is known only after INSERT: take nextval first, or use a uuid"});
  }
}

void Planner::SetBind(const SchemaTable& table, ProposedField& field) const {
  std::set<std::string> taken;
  for (const SchemaColumn& column : table.columns) {
    if (column.name == field.column || column.generated || !IsNeighbour(column.name)) continue;
    if (std::find(table.key.begin(), table.key.end(), column.name) != table.key.end()) continue;
    const std::optional<Content> content = GuessByName(table, column);
    if (content && *content != Content::kNetworkAddress && *content != Content::kAddress) continue;
    const std::optional<ValueType> type = ValueTypeOf(column);
    if (!type) {
      field.notes.push_back({Advice::kBind, "the column " + column.name + " beside it cannot be bound: its type"});
    } else if (IsIdentifier(column.name) && taken.insert(column.name).second) {
      field.bind.push_back({column.name, *type});
    }
  }
  std::sort(field.bind.begin(), field.bind.end(),
            [](const policy::BoundType& a, const policy::BoundType& b) { return a.column < b.column; });
  if (!field.bind.empty()) {
    field.notes.push_back({Advice::kBind,
                           "bound to what stands beside it: who edits that cannot have the secret sent to "
                           "another place; whoever changes it encrypts anew"});
  } else if (field.unbound.empty()) {
    field.unbound = "no column beside it says where it is used";
  }
}

// What is searched today, by the indexes that there are.
void Planner::SetIndexes(const SchemaTable& table, const SchemaColumn& column, ProposedField& field) const {
  const auto is_indexed = [&field](const SchemaIndex& index) {
    return std::find(index.columns.begin(), index.columns.end(), field.column) != index.columns.end();
  };
  const auto index = std::find_if(table.indexes.begin(), table.indexes.end(), is_indexed);
  const bool is_unique = table.HasUnique(field.column);
  if (index == table.indexes.end() && !is_unique && field.content != Content::kEmail) return;
  if (IsSecretContent(field.content)) {
    field.notes.push_back({Advice::kIndex,
                           "it is searched, and an index on a secret is refused: search for a hash that "
                           "the application makes"});
    return;
  }
  const std::optional<policy::IndexType> type = IndexTypeOf(column);
  if (!type) {
    field.notes.push_back({Advice::kIndex,
                           "it is searched, and its type has no form that is proposed: declare the index"
                           " by hand"});
    return;
  }
  ProposedIndex proposed;
  proposed.type = *type;
  proposed.name = is_unique ? "unique" : "exact";
  proposed.unique = is_unique;
  if (field.content == Content::kEmail && *type == policy::IndexType::kText)
    proposed.transforms = {"trim", "nfkc_casefold"};
  if (index != table.indexes.end() && (index->method == "gin" || index->method == "gist")) {
    field.notes.push_back({Advice::kIndex, "it has a " + index->method +
                                               " index: an ngram index finds pieces of texts, "
                                               "and shows more"});
  }
  if (!field.figures) {
    field.notes.push_back({Advice::kIndex,
                           "it is searched, but nothing says how often its values occur: ANALYZE, or "
                           "--count, and plan again"});
    return;
  }
  field.indexes.push_back(std::move(proposed));
}

void Planner::SetName(const SchemaTable& table, ProposedField& field) {
  field.field = {IdentifierOf(table.name.table), IdentifierOf(field.column)};
  if (!names_.insert(field.field).second) {
    field.field.table = IdentifierOf(table.name.schema + "_" + table.name.table);
    for (int number = 2; !names_.insert(field.field).second; ++number) {
      field.field.column = IdentifierOf(field.column).substr(0, 56) + "_" + std::to_string(number);
    }
  }
  if (field.field.table != table.name.table || field.field.column != field.column) {
    field.notes.push_back({Advice::kName, "the catalog calls it " + field.field.ToText()});
  }
}

ProposedField Planner::Propose(const SchemaTable& table, const SchemaColumn& column, Content content, bool by_sample) {
  ProposedField field;
  field.table = table.name;
  field.column = column.name;
  field.type = column.type;
  field.content = content;
  field.by_sample = by_sample;
  field.field_class = IsSecretContent(content) ? policy::FieldClass::kSecret : policy::FieldClass::kPii;
  field.figures = column.figures;
  SetName(table, field);
  SetRow(table, field);
  if (IsSecretContent(content)) SetBind(table, field);
  SetIndexes(table, column, field);
  for (Note& note : FindObstacles(plan_.schema, table, column)) field.notes.push_back(std::move(note));
  for (Note& note : FindCopies(plan_.schema, table, column)) field.notes.push_back(std::move(note));
  return field;
}

Status Planner::PlanTable(SchemaTable& table) {
  std::map<std::string, std::pair<Content, bool>> contents;
  for (const SchemaColumn& column : table.columns) {
    const std::optional<Content> content = GuessByName(table, column);
    if (content) contents.emplace(column.name, std::pair(*content, false));
  }
  if (options_.sample > 0) {
    COFFER_ASSIGN_OR_RETURN(const auto forms, SampleForms(source_, table, options_.sample));
    for (const auto& [column, content] : forms) {
      const bool is_hash = content == Content::kPasswordHash;
      const auto [at, is_new] = contents.emplace(column, std::pair(content, true));
      if (!is_new && is_hash) at->second = {content, true};
    }
  }
  if (options_.count && !contents.empty()) {
    std::vector<std::string> columns;
    for (const auto& [column, content] : contents) columns.push_back(column);
    COFFER_TRY(CountFigures(source_, table, columns));
  }
  for (const SchemaColumn& column : table.columns) {
    const auto found = contents.find(column.name);
    const bool is_copy = column.generated || (found != contents.end() && found->second.first == Content::kRowCopy);
    if (found == contents.end() || is_copy) continue;
    if (found->second.first == Content::kPasswordHash) {
      plan_.notes.push_back({Advice::kHash, ShownColumn(table.name, column.name) +
                                                " is a one-way hash: nobody decrypts it, so it is not proposed"});
      continue;
    }
    if (plan_.fields.size() == policy::kMaxCatalogFields) {
      return Error(ErrorCode::kResourceExhausted, "more columns are proposed than a catalog has")
          .At("database")
          .WithLimit(policy::kMaxCatalogFields);
    }
    plan_.fields.push_back(Propose(table, column, found->second.first, found->second.second));
  }
  return {};
}

void Planner::AddDatabaseNotes() {
  const Schema& schema = plan_.schema;
  if (plan_.application) {
    plan_.notes.push_back({Advice::kCopy, "this is a database of " + std::string(plan_.application->name) + ": " +
                                              std::string(plan_.application->advice)});
  }
  if (!schema.statement_texts.empty()) {
    plan_.notes.push_back({Advice::kCopy,
                           "pg_stat_statements is loaded: before PostgreSQL 16 the literals of utility "
                           "statements stay in its texts; pg_stat_statements_reset() forgets them"});
  }
  if (schema.engine == Engine::kPostgres) {
    plan_.notes.push_back({Advice::kCopy,
                           "pg_stats keeps common values of every column in clear, for whoever may read "
                           "the column: after encrypting, ANALYZE the table, or ALTER COLUMN ... SET "
                           "STATISTICS 0"});
  }
  for (const SchemaTable& table : schema.tables) {
    for (const SchemaColumn& column : table.columns) {
      if (GuessByName(table, column) == Content::kRowCopy) {
        plan_.notes.push_back({Advice::kCopy, ShownColumn(table.name, column.name) +
                                                  " looks like copies of whole rows: what is encrypted elsewhere may "
                                                  "stand there in clear"});
      }
    }
  }
}

Result<Plan> Planner::Run() {
  if (!options_.scope.empty() && (!IsIdentifier(options_.scope) || options_.scope == policy::kReservedScope)) {
    return Error(ErrorCode::kInvalidArgument, "must be [a-z_][a-z0-9_]{0,62}, and not coffer").At("scope");
  }
  if (options_.sample > kMaxSample) {
    return Error(ErrorCode::kInvalidArgument, "asks for more values than are sampled")
        .At("sample")
        .WithLimit(kMaxSample);
  }
  COFFER_ASSIGN_OR_RETURN(plan_.schema, ReadSchema(source_));
  plan_.scope = ScopeOf(options_, plan_.schema);
  plan_.application = FindApplication(plan_.schema);
  const std::uint64_t total = plan_.schema.tables.size();
  for (std::uint64_t done = 0; done < total; ++done) {
    SchemaTable& table = plan_.schema.tables[done];
    // A partition's columns are its table's, and a history's are the copies of others.
    const bool is_copy = table.is_partition || HistoryOf(plan_.schema, table) != nullptr;
    if (!is_copy && !IsApplications(table)) COFFER_TRY(PlanTable(table));
    if (options_.on_progress) options_.on_progress(done + 1, total);
  }
  AddDatabaseNotes();
  COFFER_TRY(ChooseIndexes(plan_));
  COFFER_ASSIGN_OR_RETURN(plan_.catalog, WriteCatalog(plan_));
  return std::move(plan_);
}

}  // namespace

std::string_view AdviceName(Advice advice) {
  switch (advice) {
    case Advice::kCopy:
      return "copy";
    case Advice::kConstraint:
      return "constraint";
    case Advice::kType:
      return "type";
    case Advice::kRow:
      return "row";
    case Advice::kBind:
      return "bind";
    case Advice::kIndex:
      return "index";
    case Advice::kName:
      return "name";
    case Advice::kHash:
      break;
  }
  return "hash";
}

Result<Plan> MakePlan(const Source& source, const PlanOptions& options) { return Planner(source, options).Run(); }

}  // namespace coffer::db
