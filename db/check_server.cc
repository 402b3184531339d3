// A PostgreSQL server: settings that write values where nobody looks for them, labels, statistics, publications.
#include <algorithm>
#include <array>
#include <functional>

#include "db/check.h"
#include "db/postgres_session.h"

namespace coffer::db {
namespace {

using Cells = std::span<const std::optional<ByteView>>;
using Settings = std::map<std::string, std::string, std::less<>>;

constexpr const char* kSettings =
    "SELECT name, setting FROM pg_settings WHERE setting IS NOT NULL AND (name LIKE 'log\\_%' OR name LIKE 'pgaudit.%'"
    " OR name LIKE 'auto\\_explain.%' OR name LIKE 'pg\\_stat\\_statements.%' OR name IN ('ssl', 'wal_level',"
    " 'listen_addresses', 'track_activity_query_size'))";

// A setting of one role or database, which the session's own values do not show.
constexpr const char* kOverrides =
    "SELECT DISTINCT split_part(s.one, '=', 1) FROM pg_db_role_setting d CROSS JOIN LATERAL unnest(d.setconfig) AS"
    " s(one) WHERE split_part(s.one, '=', 1) LIKE 'log\\_%' OR split_part(s.one, '=', 1) LIKE 'pgaudit.%' OR"
    " split_part(s.one, '=', 1) LIKE 'auto\\_explain.%'";

constexpr const char* kLabels =
    "SELECT n.nspname::text, c.relname::text, a.attname::text, l.label FROM pg_seclabel l"
    " JOIN pg_class c ON c.oid = l.objoid JOIN pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = l.objsubid"
    " WHERE l.classoid = 'pg_class'::regclass AND l.objsubid > 0 AND l.provider = 'coffer'";

constexpr const char* kHasExtension =
    "SELECT extversion FROM pg_extension WHERE extname = 'coffer' AND extversion <> 'l1'";

constexpr const char* kStatistics =
    "SELECT s.schemaname::text, s.tablename::text, s.attname::text FROM pg_stats s WHERE s.schemaname !~ '^pg_'"
    " AND s.schemaname <> 'information_schema'";

constexpr const char* kPlainSessions =
    "SELECT count(*)::text FROM pg_stat_ssl s JOIN pg_stat_activity a ON a.pid = s.pid WHERE NOT s.ssl AND"
    " a.client_addr IS NOT NULL AND NOT a.client_addr <<= '127.0.0.0/8' AND a.client_addr <> '::1'";

// Whether a value of a setting leaks, what it does, and what does not.
struct SettingRule {
  std::string_view name;
  Severity severity;
  bool (*leaks)(std::string_view value, const Settings& all);
  std::string_view what;
  std::string_view safe;
};

std::string_view ValueOf(const Settings& all, std::string_view name) {
  const auto found = all.find(name);
  return found == all.end() ? std::string_view() : std::string_view(found->second);
}
bool IsNotZero(std::string_view value, const Settings&) { return value != "0"; }
bool IsOn(std::string_view value, const Settings&) { return value == "on"; }
bool IsNotNegative(std::string_view value, const Settings&) { return !value.starts_with('-'); }
bool LogsErrors(std::string_view value, const Settings&) {
  return value != "panic" && value != "fatal" && value != "log";
}
bool LogsStatements(std::string_view value, const Settings&) { return value == "mod" || value == "all"; }
bool LogsPlans(std::string_view value, const Settings& all) {
  return value != "0" && !ValueOf(all, "auto_explain.log_min_duration").starts_with('-');
}

constexpr std::array kRules = {
    SettingRule{"log_statement", Severity::kMedium, LogsStatements,
                "statements that write are logged, literals and bound parameters with them", "none"},
    SettingRule{"log_min_duration_statement", Severity::kMedium, IsNotNegative,
                "slow statements are logged, literals and bound parameters with them", "-1"},
    SettingRule{"log_min_duration_sample", Severity::kMedium, IsNotNegative,
                "a share of statements is logged, literals and bound parameters with them", "-1"},
    SettingRule{"log_transaction_sample_rate", Severity::kMedium, IsNotZero,
                "all statements of a share of transactions are logged", "0"},
    SettingRule{"log_parameter_max_length", Severity::kLow, IsNotZero,
                "bound parameters are logged with every statement that is logged", "0"},
    SettingRule{"log_parameter_max_length_on_error", Severity::kMedium, IsNotZero,
                "bound parameters are logged with every error", "0"},
    SettingRule{"log_min_error_statement", Severity::kLow, LogsErrors,
                "a statement that is refused is logged as it was sent, and so is a plaintext that a CHECK refused",
                "panic"},
    SettingRule{"pgaudit.log_parameter", Severity::kMedium, IsOn, "pgaudit logs bound parameters", "off"},
    SettingRule{"auto_explain.log_parameter_max_length", Severity::kMedium, LogsPlans,
                "auto_explain logs bound parameters with its plans", "0"},
};

std::string AlterSystem(std::string_view name, std::string_view value) {
  return "ALTER SYSTEM SET " + std::string(name) + " = '" + std::string(value) + "'; SELECT pg_reload_conf();";
}

class ServerCheck {
 public:
  ServerCheck(PostgresSession& session, const CheckOptions& options, const Schema& schema,
              const std::vector<CheckedField>& fields, CheckReport& report)
      : server_(session.server()), catalog_(*options.catalog), schema_(schema), fields_(fields), report_(report) {}

  Status Run();

 private:
  using Texts = std::vector<std::string>;
  Status Each(const char* sql, const std::function<void(const Texts&)>& on_row);
  void Add(Severity severity, std::string_view check, std::string where, std::string what, std::string why,
           std::string mend = {}) {
    report_.Add({severity, check, std::move(where), std::move(what), std::move(why), std::move(mend)});
  }
  Status CheckSettings();
  void CheckRules(const Settings& settings);
  Status CheckLabels();
  Status CheckStatistics();
  void CheckPublications();

  PostgresConnection& server_;
  const policy::Catalog& catalog_;
  const Schema& schema_;
  const std::vector<CheckedField>& fields_;
  CheckReport& report_;
};

Status ServerCheck::Each(const char* sql, const std::function<void(const Texts&)>& on_row) {
  Texts texts;
  return server_.Query(sql, {}, [&](Cells cells) -> Status {
    texts.clear();
    for (const auto& cell : cells) texts.emplace_back(cell ? AsText(*cell) : std::string_view());
    on_row(texts);
    return {};
  });
}

void ServerCheck::CheckRules(const Settings& settings) {
  const std::string why = "what an application sends in clear, by mistake or before it encrypts, stays in the log";
  for (const SettingRule& rule : kRules) {
    const auto found = settings.find(rule.name);
    if (found == settings.end() || !rule.leaks(found->second, settings)) continue;
    Add(rule.severity, "setting", std::string(rule.name), std::string(rule.what), why,
        AlterSystem(rule.name, rule.safe));
  }
}

Status ServerCheck::CheckSettings() {
  Settings settings;
  COFFER_TRY(Each(kSettings, [&settings](const Texts& row) { settings.emplace(row[0], row[1]); }));
  CheckRules(settings);
  if (settings.contains("pg_stat_statements.max")) {
    Add(Severity::kLow, "setting", "pg_stat_statements", "texts of statements are kept",
        "constants are taken out, but not those of utility statements before PostgreSQL 16",
        "SELECT pg_stat_statements_reset();");
  }
  Add(Severity::kLow, "setting", "track_activity_query_size",
      "pg_stat_activity shows the first " + std::string(ValueOf(settings, "track_activity_query_size")) +
          " bytes of each running statement",
      "literals are seen by superusers and pg_read_all_stats: send values as parameters");
  if (ValueOf(settings, "ssl") == "off" && !ValueOf(settings, "listen_addresses").empty()) {
    Add(Severity::kMedium, "setting", "ssl", "the server talks to the network without TLS",
        "ciphertexts, tokens and all other columns pass in clear", AlterSystem("ssl", "on"));
  }
  COFFER_TRY(Each(kOverrides, [this](const Texts& row) {
    Add(Severity::kLow, "setting", row[0], "a role or database has a value of its own for it",
        "what is said of the server does not hold for that role or database",
        "SELECT setdatabase, setrole, setconfig FROM pg_db_role_setting;");
  }));
  return Each(kPlainSessions, [this](const Texts& row) {
    if (row[0] == "0") return;
    Add(Severity::kMedium, "unencrypted", "pg_stat_ssl", row[0] + " session(s) over the network have no TLS",
        "whoever is on the way reads what they send", "");
  });
}

Status ServerCheck::CheckLabels() {
  bool has_extension = false;
  COFFER_TRY(Each(kHasExtension, [&has_extension](const Texts&) { has_extension = true; }));
  std::map<ColumnPlace, std::string> labels;
  COFFER_TRY(Each(kLabels, [&labels](const Texts& row) { labels[{{row[0], row[1]}, row[2]}] = row[3]; }));
  for (const CheckedField& field : fields_) {
    const std::string wanted = "field=" + catalog_.scope + "." + field.field.ToText();
    const std::string where = ShownColumn(field.place.table, field.place.column);
    const std::string mend = "SECURITY LABEL FOR coffer ON COLUMN " + SqlName(field.place.table) + "." +
                             QuotedName(field.place.column) + " IS '" + wanted + "';";
    const SchemaTable* const table = schema_.Resolve(field.place.table);
    if (table == nullptr || table->Find(field.place.column) == nullptr) continue;
    const auto label = labels.find(field.place);
    if (label == labels.end()) {
      if (has_extension) {
        Add(Severity::kLow, "label", where, "it has no label", "the guard rails do not know it; a restore loses labels",
            mend);
      }
      continue;
    }
    if (label->second != wanted) {
      Add(Severity::kMedium, "label", where, "its label names another field than the catalog",
          "somebody relabelled it, or it holds another field's values", mend);
    }
    labels.erase(label);
  }
  for (const auto& [place, label] : labels) {
    if (!label.starts_with("field=" + catalog_.scope + ".")) continue;
    Add(Severity::kMedium, "label", ShownColumn(place.table, place.column),
        "it is labelled as a field of this scope that the catalog does not have there",
        "the catalog and the database are not of one time");
  }
  return {};
}

// Statistics show how often the commonest tokens occur, to whoever may read the column, or is a superuser.
Status ServerCheck::CheckStatistics() {
  std::vector<ColumnPlace> present;
  COFFER_TRY(Each(kStatistics, [&present](const Texts& row) { present.push_back({{row[0], row[1]}, row[2]}); }));
  std::sort(present.begin(), present.end());
  for (const CheckedField& field : fields_) {
    for (const policy::CatalogIndex& index : catalog_.Find(field.field)->indexes) {
      const ColumnPlace tokens{field.place.table, TokenColumnsOf(field.place.column, index).front()};
      const SchemaTable* const table = schema_.Resolve(tokens.table);
      const SchemaColumn* const column = table == nullptr ? nullptr : table->Find(tokens.column);
      if (column == nullptr || !std::binary_search(present.begin(), present.end(), tokens)) continue;
      const std::string name = SqlName(tokens.table);
      Add(Severity::kLow, "statistics", ShownColumn(tokens.table, tokens.column),
          "pg_stats has the commonest tokens and how often they occur",
          "frequencies of values, ready counted; without them plans know less of this column",
          "ALTER TABLE " + name + " ALTER COLUMN " + QuotedName(tokens.column) + " SET STATISTICS 0, ALTER COLUMN " +
              QuotedName(tokens.column) + " TYPE " + column->type + ";");
    }
  }
  return {};
}

void ServerCheck::CheckPublications() {
  for (const CheckedField& field : fields_) {
    const SchemaTable* const table = schema_.Resolve(field.place.table);
    if (table == nullptr) continue;
    const auto& indexes = catalog_.Find(field.field)->indexes;
    for (const std::string& publication : table->publications) {
      if (indexes.empty()) continue;
      Add(Severity::kLow, "publication", publication,
          "it sends ciphertexts and index tokens of " + ShownTable(table->name) + " to its subscribers",
          "who reads a subscriber sees what who reads this server sees: guard it likewise");
    }
  }
}

Status ServerCheck::Run() {
  COFFER_TRY(CheckSettings());
  COFFER_TRY(CheckLabels());
  COFFER_TRY(CheckStatistics());
  CheckPublications();
  return {};
}

}  // namespace

Status CheckServer(const Source& source, const CheckOptions& options, const Schema& schema,
                   const std::vector<CheckedField>& fields, CheckReport& report) {
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<PostgresSession> session, PostgresSession::Open(source));
  return ServerCheck(*session, options, schema, fields, report).Run();
}

}  // namespace coffer::db
