#include "plugins/grafana/transfer/credential_rows.h"

#include <algorithm>
#include <array>

#include "plugins/grafana/cells/json_strings.h"
#include "plugins/grafana/database/cell_secrets.h"

namespace coffer::grafana {
namespace {

constexpr std::string_view kDatasources = "data_source";
constexpr std::string_view kUnified = "secrets";
constexpr std::string_view kConfigurations = "alert_configuration";
constexpr std::string_view kSecureValues = "secret_encrypted_value";
constexpr std::string_view kSecureSettings = ".secureSettings.";
constexpr std::string_view kIntegrations = "grafana_managed_receiver_configs";
constexpr std::string_view kIntegration = "integration";  // as CredentialPath names it

// Columns from before Grafana encrypted, and the keys that their values have in secure_json_data since.
struct OldColumn {
  std::string_view column;
  std::string_view key;
};
constexpr std::array<OldColumn, 2> kOldColumns = {
    {{"password", "password"}, {"basic_auth_password", "basicAuthPassword"}}};

// The tables whose JSON or single values are credentials, whole or in part.
std::optional<CredentialKind> KindOf(std::string_view table) {
  if (table == kDatasources) return CredentialKind::kDatasource;
  if (table == "plugin_setting") return CredentialKind::kPlugin;
  if (table == kConfigurations) return CredentialKind::kContactPoint;
  if (table == "alert_notification") return CredentialKind::kNotificationChannel;
  if (table == "sso_setting") return CredentialKind::kSso;
  if (table == "setting") return CredentialKind::kSetting;
  if (table == "resource") return CredentialKind::kRepository;
  return std::nullopt;
}

std::optional<std::size_t> ColumnOf(std::string_view table, std::string_view column) {
  const auto columns = SensitiveColumns();
  const auto found = std::find_if(columns.begin(), columns.end(), [table, column](const SensitiveColumn& each) {
    return each.table == table && each.column == column;
  });
  if (found == columns.end()) return std::nullopt;
  return static_cast<std::size_t>(found - columns.begin());
}

std::size_t NamesOf(std::string_view table) {
  const auto tables = SensitiveTables();
  const auto found =
      std::find_if(tables.begin(), tables.end(), [table](const SensitiveTable& each) { return each.name == table; });
  if (found == tables.end()) return 0;
  const auto is_name = [](std::string_view name) { return !name.empty(); };
  return static_cast<std::size_t>(std::count_if(found->row_name.begin(), found->row_name.end(), is_name));
}

// A string of a JSON cell that may be a secret.
struct SecretLeaf {
  std::string path;
  std::string key;
  std::size_t depth = 0;
  std::size_t json_value = 0;
};

struct JsonCell {
  std::vector<SecretLeaf> secrets;
  std::map<std::string, std::string, std::less<>> integrations;  // by the path of their object: uid

  // Null where there is none, or more than one.
  const SecretLeaf* Find(std::string_view path) const {
    const auto same = [path](const SecretLeaf& leaf) { return leaf.path == path; };
    const auto found = std::find_if(secrets.begin(), secrets.end(), same);
    if (found == secrets.end() || std::find_if(found + 1, secrets.end(), same) != secrets.end()) return nullptr;
    return &*found;
  }
};

JsonCell ReadJson(CellEncoding encoding, std::string_view json) {
  constexpr std::string_view kUid = ".uid";
  JsonCell cell;
  std::size_t strings = 0;
  // What is no JSON has been found damaged by ReadCell.
  static_cast<void>(ForEachJsonLeaf(json, [&cell, &strings, encoding, kUid](const JsonLeaf& leaf) {
    if (!leaf.is_string) return;
    const std::size_t value = strings++;
    if (IsSecretLeaf(encoding, leaf)) {
      cell.secrets.push_back({std::string(leaf.path), std::string(leaf.key), leaf.depth, value});
    } else if (leaf.parent == kIntegrations && leaf.path.ends_with(kUid)) {
      cell.integrations.emplace(leaf.path.substr(0, leaf.path.size() - kUid.size()), leaf.text);
    }
  }));
  return cell;
}

// Of an alerting secret: its integration's uid, "" when it has none; nothing when it is none of an integration's.
std::optional<std::string> IntegrationOf(const JsonCell& cell, std::string_view path) {
  const std::size_t end = path.find(kSecureSettings);
  if (end == std::string_view::npos || path.substr(0, end).find(kIntegrations) == std::string_view::npos) {
    return std::nullopt;
  }
  const auto found = cell.integrations.find(path.substr(0, end));
  return found == cell.integrations.end() ? std::string() : found->second;
}

SkipReason ProblemOf(SecretForm form) {
  switch (form) {
    case SecretForm::kBlob:
      return SkipReason::kNone;
    case SecretForm::kPlaintext:
      return SkipReason::kInClear;
    case SecretForm::kUnreadable:
      return SkipReason::kDamaged;
  }
  return SkipReason::kDamaged;
}

CredentialSite SiteOf(std::size_t row, std::size_t column, const CellSecret& secret) {
  CredentialSite site;
  site.row = row;
  site.column = column;
  site.json_path = secret.path;
  if (secret.form == SecretForm::kBlob) site.blob = CopyOf(secret.bytes);
  return site;
}

// Of decimal numbers.
bool IsLess(const std::string& a, const std::string& b) { return a.size() != b.size() ? a.size() < b.size() : a < b; }

}  // namespace

CredentialRows::CredentialRows() : keyed_(GrafanaKey::kSecurity), wanted_(keyed_.wanted()) {
  for (WantedTable& table : wanted_) {
    if (table.name != kDatasources) continue;
    for (const OldColumn& old : kOldColumns) table.columns.push_back(old.column);
  }
  wanted_.push_back({kSecureValues, {"namespace"}});
}

Status CredentialRows::Take(std::string_view row_id, const ReadRow& row) {
  const WantedTable& wanted = wanted_[row.table];
  if (wanted.name == kSecureValues) {
    ++left_out_[{kSecureValues, "encrypted_data"}];
    return {};
  }
  COFFER_TRY(keyed_.Take(row_id, row));
  const std::size_t names = NamesOf(wanted.name);
  const bool has_credentials = KindOf(wanted.name) || wanted.name == kUnified;
  if (has_credentials) {
    CredentialRow& added = rows_.emplace_back(CredentialRow{wanted.name, std::string(row_id), {}, {}});
    for (std::size_t i = 0; i < names; ++i) {
      const std::optional<ByteView>& cell = row.cells[i];
      added.names.emplace_back(wanted.columns[i], cell ? AsText(*cell) : std::string_view());
    }
  }
  for (std::size_t i = names; i < wanted.columns.size(); ++i) {
    const std::optional<std::size_t> column = ColumnOf(wanted.name, wanted.columns[i]);
    if (!column || !row.cells[i] || row.cells[i]->empty()) continue;
    if (has_credentials) rows_.back().cells.emplace_back(*column, CopyOf(*row.cells[i]));
    COFFER_TRY(TakeCell({rows_.empty() ? 0 : rows_.size() - 1, *column, *row.cells[i]}));
  }
  return {};
}

Status CredentialRows::TakeCell(const Cell& cell) {
  const SensitiveColumn& column = SensitiveColumns()[cell.column];
  const std::optional<CredentialKind> kind = KindOf(column.table);
  const auto old = std::find_if(kOldColumns.begin(), kOldColumns.end(),
                                [&column](const OldColumn& each) { return each.column == column.column; });
  if (column.table == kDatasources && old != kOldColumns.end()) {
    TakeInClear(cell, old->key);
  } else if (column.table == kUnified && NameIn(rows_[cell.row].names, "type") == "datasource") {
    TakeUnified(cell);
  } else if (kind == CredentialKind::kSetting) {
    TakeSetting(cell);
  } else if (kind) {
    TakeJson(cell, *kind);
  } else if (column.sensitivity != Sensitivity::kLabel) {
    ReadCell(column.encoding, cell.bytes, [this, &column](const CellSecret&) {
      ++left_out_[{column.table, column.column}];
    });
  }
  if (credentials_.size() <= kMaxCredentials) return {};
  return Error(ErrorCode::kResourceExhausted, "the database has more credentials than are taken")
      .WithLimit(kMaxCredentials);
}

void CredentialRows::TakeJson(const Cell& cell, CredentialKind kind) {
  const SensitiveColumn& column = SensitiveColumns()[cell.column];
  const JsonCell json = ReadJson(column.encoding, AsText(cell.bytes));
  const bool has_twins = HasDuplicateKeys(AsText(cell.bytes));
  ReadCell(column.encoding, cell.bytes, [&](const CellSecret& secret) {
    const bool is_whole = secret.path.empty();  // the cell is no JSON
    RowNames names = rows_[cell.row].names;
    const std::optional<std::string> integration = IntegrationOf(json, secret.path);
    const bool is_ours = is_whole || (kind == CredentialKind::kContactPoint ? integration.has_value()
                                      : kind == CredentialKind::kRepository ? secret.path.ends_with("encryptedToken")
                                                                            : true);
    if (!is_ours) {
      ++left_out_[{column.table, column.column}];
      return;
    }
    CredentialSite site = SiteOf(cell.row, cell.column, secret);
    const SecretLeaf* const leaf = json.Find(secret.path);
    if (leaf == nullptr || has_twins) {
      return Add(kind, names, {}, std::move(site), has_twins ? SkipReason::kDuplicateKeys : SkipReason::kDamaged);
    }
    if (integration) names.emplace_back(kIntegration, *integration);
    site.json_value = leaf->json_value;
    const bool is_flat = kind == CredentialKind::kContactPoint || leaf->depth == 1;
    // Where a path does not show the key as it is, the vault's would not either, or show what is none.
    const bool shows_key = leaf->path.ends_with(leaf->key);
    Add(kind, names, !shows_key ? "" : is_flat ? leaf->key : leaf->path, std::move(site), ProblemOf(secret.form));
  });
}

void CredentialRows::TakeUnified(const Cell& cell) {
  ReadCell(SensitiveColumns()[cell.column].encoding, cell.bytes, [this, &cell](const CellSecret& secret) {
    UnifiedCopy& copy = copies_.emplace_back();
    copy.site = SiteOf(cell.row, cell.column, secret);
    copy.site.is_copy = true;
    copy.problem = ProblemOf(secret.form);
  });
}

void CredentialRows::TakeSetting(const Cell& cell) {
  ReadCell(SensitiveColumns()[cell.column].encoding, cell.bytes, [this, &cell](const CellSecret& secret) {
    const RowNames& names = rows_[cell.row].names;
    Add(CredentialKind::kSetting, names, NameIn(names, "key"), SiteOf(cell.row, cell.column, secret),
        ProblemOf(secret.form));
  });
}

void CredentialRows::TakeInClear(const Cell& cell, std::string_view key) {
  ReadCell(SensitiveColumns()[cell.column].encoding, cell.bytes, [this, &cell, key](const CellSecret& secret) {
    CredentialSite site = SiteOf(cell.row, cell.column, secret);
    site.in_clear = true;
    const bool is_text = IsPrintableText(AsText(secret.bytes));
    Add(CredentialKind::kDatasource, rows_[cell.row].names, key, std::move(site),
        is_text ? SkipReason::kNone : SkipReason::kDamaged);
    if (is_text) credentials_.back().value = SecretBytes::CopyOf(secret.bytes);
  });
}

void CredentialRows::Add(CredentialKind kind, const RowNames& names, std::string_view key, CredentialSite site,
                         SkipReason problem) {
  Credential& added = credentials_.emplace_back();
  added.kind = kind;
  added.problem = problem;
  added.sites.push_back(std::move(site));
  if (!key.empty()) added.path = CredentialPath(kind, names, key);
  if (!added.path && problem == SkipReason::kNone) added.problem = SkipReason::kNoPath;
}

Status CredentialRows::Finish(const std::vector<FoundTable>& found) {
  std::vector<FoundTable> of_keyed;
  for (const FoundTable& table : found) {
    if (table.table >= keyed_.wanted().size()) continue;
    of_keyed.push_back(table);
    of_keyed.back().has_column.resize(keyed_.wanted()[table.table].columns.size());
  }
  COFFER_TRY(keyed_.Finish(of_keyed));
  DropOldConfigurations();
  MatchCopies();
  return {};
}

// Grafana 8 and 9 keep old ones in the same table; the newest counts.
void CredentialRows::DropOldConfigurations() {
  std::map<std::string_view, std::string> newest;  // ids, by organisation
  for (const CredentialRow& row : rows_) {
    if (row.table != kConfigurations) continue;
    std::string& id = newest[NameIn(row.names, "org_id")];
    id = std::max(id, std::string(NameIn(row.names, "id")), IsLess);
  }
  std::erase_if(credentials_, [this, &newest](const Credential& credential) {
    if (credential.kind != CredentialKind::kContactPoint) return false;
    const RowNames& names = rows_[credential.sites.front().row].names;
    const bool is_old = newest[NameIn(names, "org_id")] != NameIn(names, "id");
    if (is_old) ++left_out_[{kConfigurations, "alertmanager_configuration"}];
    return is_old;
  });
}

void CredentialRows::MatchCopies() {
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> datasources;
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    if (rows_[row].table != kDatasources) continue;
    datasources.emplace(std::pair(NameIn(rows_[row].names, "org_id"), NameIn(rows_[row].names, "name")), row);
  }
  std::erase_if(copies_, [this, &datasources](UnifiedCopy& copy) {
    const RowNames& names = rows_[copy.site.row].names;
    const auto found = datasources.find({NameIn(names, "org_id"), NameIn(names, "namespace")});
    if (found != datasources.end()) {
      copy.datasource = found->second;
    } else {
      ++left_out_[{kUnified, "value"}];  // of a datasource that is gone
    }
    return found == datasources.end();
  });
}

std::vector<LeftOut> CredentialRows::left_out() const {
  std::vector<LeftOut> list;
  for (const auto& [column, count] : left_out_) list.push_back({column.first, column.second, count});
  return list;
}

std::string CredentialRows::PlaceOf(const CredentialSite& site) const {
  return PlaceText(site.column, rows_[site.row].names, site.json_path);
}

Result<CredentialRows> ReadCredentialRows(RowReader& reader) {
  CredentialRows rows;
  COFFER_ASSIGN_OR_RETURN(const std::vector<FoundTable> found,
                          reader.Read(rows.wanted(), [&rows](const ReadRow& row) { return rows.Take({}, row); }));
  COFFER_TRY(rows.Finish(found));
  return rows;
}

Result<CredentialRows> ReadCredentialRows(CellWriter& writer) {
  CredentialRows rows;
  COFFER_ASSIGN_OR_RETURN(const std::vector<FoundTable> found,
                          writer.Read(rows.wanted(), [&rows](std::string_view row_id, const ReadRow& row) {
                            return rows.Take(row_id, row);
                          }));
  COFFER_TRY(rows.Finish(found));
  return rows;
}

}  // namespace coffer::grafana
