#include "plugins/grafana/rotation/keyed_cells.h"

#include <algorithm>
#include <array>

#include "crypto/hash.h"
#include "plugins/grafana/database/cell_secrets.h"
#include "plugins/grafana/database/report.h"

namespace coffer::grafana {
namespace {

constexpr std::string_view kDataKeyColumn = "data_key_id";
constexpr std::string_view kSessions = "user_auth_token";
constexpr std::string_view kUnified = "secrets";
constexpr std::string_view kUpdated = "updated";
// Grafana keeps what it decrypted of the first three until "updated" changes; its own rotation stamps the fourth.
constexpr std::array<std::string_view, 4> kStamped = {"data_source", "plugin_setting", "secrets", "data_keys"};

// Of cells whose values are under this key, or under a data key that is.
bool IsUnder(GrafanaKey which, CellEncoding encoding) {
  switch (encoding) {
    case CellEncoding::kBase64:
    case CellEncoding::kBase64Raw:
    case CellEncoding::kBlob:
    case CellEncoding::kJsonMap:
    case CellEncoding::kAlertingJson:
    case CellEncoding::kSsoJson:
    case CellEncoding::kResourceJson:
      return which == GrafanaKey::kSecurity;
    case CellEncoding::kManagerValue:
      return which == GrafanaKey::kSecretsManager;
    default:
      return false;
  }
}

// The secrets manager may have more keys of this kind, each with a name and a secret_key of its own.
bool IsWrappedBy(GrafanaKey which, const DataKey& key) {
  return key.provider == NormalProvider(TableOf(which), "secretKey");
}

std::string DigestOf(ByteView bytes) { return std::string(AsText(Sha256({bytes}))); }

}  // namespace

DataKeyTable TableOf(GrafanaKey which) {
  return which == GrafanaKey::kSecurity ? DataKeyTable::kDataKeys : DataKeyTable::kSecretDataKey;
}

std::size_t ColumnOfDataKeys(DataKeyTable table) {
  const auto columns = SensitiveColumns();
  const auto encoding = table == DataKeyTable::kDataKeys ? CellEncoding::kDataKey : CellEncoding::kManagerKey;
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [encoding](const SensitiveColumn& column) { return column.encoding == encoding; });
  return static_cast<std::size_t>(found - columns.begin());
}

std::string_view NameIn(const RowNames& names, std::string_view column) {
  for (const auto& [name, value] : names) {
    if (name == column) return value;
  }
  return {};
}

std::string PlaceText(std::size_t column, const RowNames& names, std::string_view path) {
  ScanReport place;
  std::vector<std::string_view> values;
  for (const auto& [name, value] : names) values.push_back(value);
  Finding finding;
  finding.column = static_cast<std::uint8_t>(column);
  finding.row = place.AddRow(values);
  finding.path = place.AddPath(path);
  return PlaceOf(place, finding);
}

KeyedCells::KeyedCells(GrafanaKey which) : which_(which), keys_(TableOf(which)) {
  for (std::size_t table = 0; table < SensitiveTables().size(); ++table) AskFor(table);
}

void KeyedCells::AskFor(std::size_t table) {
  const SensitiveTable& named = SensitiveTables()[table];
  Asked asked{table, 0, {}};
  WantedTable wanted{named.name, {}};
  for (const std::string_view column : named.row_name) {
    if (!column.empty()) wanted.columns.push_back(column);
  }
  asked.names = wanted.columns.size();
  for (std::size_t column = 0; column < SensitiveColumns().size(); ++column) {
    const SensitiveColumn& each = SensitiveColumns()[column];
    if (each.table != named.name || !IsUnder(which_, each.encoding)) continue;
    wanted.columns.push_back(each.column);
    asked.columns.push_back(column);
  }
  const bool is_data_keys = named.name == DataKeyColumns(TableOf(which_)).name;
  if (is_data_keys) wanted = DataKeyColumns(TableOf(which_));
  const bool is_sessions = named.name == kSessions && which_ == GrafanaKey::kSecurity;
  if (!is_data_keys && !is_sessions && asked.columns.empty()) return;
  // Last, so that nothing else moves.
  if (std::find(kStamped.begin(), kStamped.end(), named.name) != kStamped.end()) wanted.columns.push_back(kUpdated);
  wanted_.push_back(std::move(wanted));
  asked_.push_back(std::move(asked));
}

RowNames KeyedCells::NamesOf(const Asked& asked, const ReadRow& row) {
  RowNames names;
  for (std::size_t i = 0; i < asked.names; ++i) {
    const std::optional<ByteView>& cell = row.cells[i];
    names.emplace_back(SensitiveTables()[asked.table].row_name[i], cell ? AsText(*cell) : std::string_view());
  }
  return names;
}

Status KeyedCells::Take(std::string_view row_id, const ReadRow& row) {
  const Asked& asked = asked_[row.table];
  const std::string_view table = SensitiveTables()[asked.table].name;
  if (table == DataKeyColumns(TableOf(which_)).name) {
    TakeDataKey(row_id, asked, row);
    return {};
  }
  LegacyRow legacy;
  for (std::size_t i = 0; i < asked.columns.size(); ++i) {
    const std::optional<ByteView>& cell = row.cells[asked.names + i];
    if (cell && !cell->empty()) COFFER_TRY(TakeCell(asked, row, asked.columns[i], *cell, legacy));
  }
  if (legacy.cells.empty()) return {};
  legacy.table = table;
  legacy.row_id = row_id;
  legacy.names = NamesOf(asked, row);
  legacy_rows_.push_back(std::move(legacy));
  return {};
}

// The cell is the third column of both tables.
void KeyedCells::TakeDataKey(std::string_view row_id, const Asked& asked, const ReadRow& row) {
  constexpr std::size_t kCell = 2;
  RowNames names = NamesOf(asked, row);
  const Status added = keys_.Add(row);
  const DataKey* const key = added.ok() ? keys_.Find(names.front().second) : nullptr;
  if (key != nullptr && !IsWrappedBy(which_, *key)) {
    ++other_data_keys_;
    return;
  }
  if (key == nullptr || !key->wrapped) {
    ++census_.unreadable;
    damaged_.push_back(PlaceText(ColumnOfDataKeys(TableOf(which_)), names, {}));
    return;
  }
  data_keys_.push_back({std::string(row_id), std::move(names), key, CopyOf(row.cells[kCell].value_or(ByteView()))});
}

Status KeyedCells::TakeCell(const Asked& asked, const ReadRow& row, std::size_t column, ByteView cell,
                            LegacyRow& legacy) {
  bool has_legacy = false;
  ReadCell(SensitiveColumns()[column].encoding, cell, [&](const CellSecret& secret) {
    switch (secret.form) {
      case SecretForm::kBlob:
        has_legacy = AddBlob(asked, row, column, secret.bytes) || has_legacy;
        return;
      case SecretForm::kPlaintext:
        ++census_.plaintexts;
        return;
      case SecretForm::kUnreadable:
        ++census_.unreadable;
        damaged_.push_back(PlaceText(column, NamesOf(asked, row), secret.path));
        return;
    }
  });
  if (!has_legacy) return {};
  legacy_bytes_ += cell.size();
  if (legacy_bytes_ > kMaxBytes) {
    return Error(ErrorCode::kResourceExhausted, "more is to be changed than fits into one transaction, in bytes")
        .WithLimit(kMaxBytes);
  }
  if (values_.size() > kMaxValues) {
    return Error(ErrorCode::kResourceExhausted, "more values are to be changed than fit into one transaction")
        .WithLimit(kMaxValues);
  }
  legacy.cells.push_back({column, CopyOf(cell)});
  return {};
}

// True: it is under secret_key itself.
bool KeyedCells::AddBlob(const Asked& asked, const ReadRow& row, std::size_t column, ByteView bytes) {
  SecretBlob blob = SecretBlob::Parse(bytes).value();
  const bool may_be_raw = MayBeRaw(column);
  std::string data_key = blob.data_key.value_or("");
  const bool is_manager = which_ == GrafanaKey::kSecretsManager;
  if (data_key.empty() && is_manager) data_key = NameIn(NamesOf(asked, row), kDataKeyColumn);
  if (!data_key.empty() || is_manager) {
    ++census_.envelopes;
    samples_[data_key].Add(std::move(blob), may_be_raw);
    return false;
  }
  ++census_.legacy_cells[column];
  if (!value_of_.try_emplace(DigestOf(bytes), values_.size()).second) return true;
  const bool is_object =
      SensitiveColumns()[column].table == kUnified && NameIn(NamesOf(asked, row), "type") == "datasource";
  values_.push_back({std::move(blob), is_object ? PlaintextKind::kJsonObject : PlaintextKind::kText, may_be_raw});
  return true;
}

Status KeyedCells::Finish(const std::vector<FoundTable>& found) {
  bool is_grafana = false;
  for (const FoundTable& table : found) {
    const Asked& asked = asked_[table.table];
    const WantedTable& wanted = wanted_[table.table];
    census_.rows[wanted.name] = table.rows;
    if (wanted.name == kSessions) sessions_ = table.rows;
    is_grafana = is_grafana || asked.columns.empty();
    for (std::size_t i = 0; i < asked.columns.size(); ++i) {
      is_grafana = is_grafana || table.has_column[asked.names + i];
    }
    if (wanted.columns.back() == kUpdated && table.has_column.back()) stamped_.push_back(wanted.name);
  }
  const bool lost_data_keys = census_.envelopes > 0 && data_keys_.empty() && other_data_keys_ == 0;
  if (lost_data_keys) {
    damaged_.push_back(std::string(DataKeyColumns(TableOf(which_)).name) + ": no row, and values are under its keys");
  }
  if (is_grafana) return {};
  if (which_ == GrafanaKey::kSecretsManager) {
    return Error(ErrorCode::kInvalidArgument,
                 "has nothing under the secrets manager's key: make one with `coffer grafana secret-key create --which "
                 "secrets-manager`");
  }
  return Error(ErrorCode::kInvalidArgument, "is no Grafana database: none of the tables of this key is in it");
}

const std::vector<TrialSample>& KeyedCells::SamplesOf(const DataKeyRow& row) const {
  static const std::vector<TrialSample> kNone;
  const auto found = samples_.find(row.key->id);
  return found == samples_.end() ? kNone : found->second.samples();
}

std::optional<std::size_t> KeyedCells::ValueOf(ByteView blob) const {
  const auto found = value_of_.find(DigestOf(blob));
  return found == value_of_.end() ? std::nullopt : std::optional(found->second);
}

bool KeyedCells::Stamps(std::string_view table) const {
  return std::find(stamped_.begin(), stamped_.end(), table) != stamped_.end();
}

}  // namespace coffer::grafana
