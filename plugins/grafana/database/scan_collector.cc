#include "plugins/grafana/database/scan_collector.h"

#include <algorithm>
#include <bitset>

#include "crypto/cursor.h"
#include "crypto/hash.h"
#include "crypto/pbkdf2_aes.h"

namespace coffer::grafana {
namespace {

constexpr std::size_t kMaxLegacyBytes = std::size_t{32} << 20;  // of bodies that are kept
// Besides texts: of a row of a data key, and of a data key in the report, with its samples.
constexpr std::size_t kDataKeyRowBytes = sizeof(DataKey) + 64;
constexpr std::size_t kDataKeyBytes = sizeof(DataKeyUse) + sizeof(KeySamples) + 128;
// Of a value under secret_key that is tried, besides its body.
constexpr std::size_t kLegacyUnitBytes = sizeof(TrialUnit) + sizeof(TrialSample) + 128;
constexpr std::string_view kDataKeyColumn = "data_key_id";
constexpr std::string_view kUnified = "secrets";
constexpr std::string_view kSessions = "user_auth_token";
constexpr std::string_view kSettingTable = "setting";
constexpr std::string_view kDashboardGroup = "dashboard.grafana.app";  // resources, searched as table dashboard is

bool IsDataKeyTable(std::string_view table) {
  return table == DataKeyColumns(DataKeyTable::kDataKeys).name ||
         table == DataKeyColumns(DataKeyTable::kSecretDataKey).name;
}

DataKeyTable DataKeyTableOf(std::string_view table) {
  return table == DataKeyColumns(DataKeyTable::kDataKeys).name ? DataKeyTable::kDataKeys : DataKeyTable::kSecretDataKey;
}

std::size_t IndexOf(DataKeyTable table) { return static_cast<std::size_t>(table); }

bool IsAskedFor(const SensitiveColumn& column, bool count_personal) {
  return column.not_scanned.empty() || (count_personal && column.encoding == CellEncoding::kPersonal);
}

// Of table temp_user: whoever has the code of a row that is not finished goes on with it.
bool IsFinished(std::string_view status) {
  constexpr std::array<std::string_view, 5> kFinished = {"Completed", "Revoked", "Expired", "EmailUpdateCompleted",
                                                         "EmailUpdateExpired"};
  return std::find(kFinished.begin(), kFinished.end(), status) != kFinished.end();
}

// Of table setting, where the row's key names its value.
bool IsNamedSecret(std::string_view key, std::string_view value) {
  return IsSecretName(key) && !IsPlaceholder(value) && value != "true" && value != "false";
}

bool IsLabel(std::size_t column) { return SensitiveColumns()[column].sensitivity == Sensitivity::kLabel; }

bool IsEmptyValue(const SecretBlob& blob) {
  return blob.body.size() == (blob.cipher == BlobCipher::kAesGcm ? kGcmTagSize : 0);
}

}  // namespace

ScanCollector::ScanCollector(const ScanOptions& options) : options_(options) {
  report_.personal.resize(options.count_personal ? SensitiveColumns().size() : 0);
  for (std::size_t table = 0; table < SensitiveTables().size(); ++table) AskFor(table);
  for (WantedTable& wanted : wanted_) wanted.may_be_other = true;
}

void ScanCollector::AskFor(std::size_t table) {
  const SensitiveTable& named = SensitiveTables()[table];
  if (IsDataKeyTable(named.name)) {
    wanted_.push_back(DataKeyColumns(DataKeyTableOf(named.name)));
    asked_.push_back({table, 0, {}});
    return;
  }
  Asked asked{table, 0, {}};
  WantedTable wanted{named.name, NameColumns(named)};
  asked.names = wanted.columns.size();
  for (std::size_t column = 0; column < SensitiveColumns().size(); ++column) {
    const SensitiveColumn& each = SensitiveColumns()[column];
    if (each.table != named.name || !IsAskedFor(each, options_.count_personal)) continue;
    const auto cell = std::find(wanted.columns.begin(), wanted.columns.end(), each.column);
    asked.columns.push_back({column, static_cast<std::size_t>(cell - wanted.columns.begin())});
    if (cell == wanted.columns.end()) wanted.columns.push_back(each.column);
  }
  if (asked.columns.empty() && named.name != kSessions) return;
  wanted_.push_back(std::move(wanted));
  asked_.push_back(std::move(asked));
}

Status ScanCollector::Take(const ReadRow& row) {
  const Asked& asked = asked_[row.table];
  const std::string_view table = SensitiveTables()[asked.table].name;
  ++report_.rows_read;
  if (IsDataKeyTable(table)) {
    TakeDataKey(DataKeyTableOf(table), row);
    return CheckMemory();
  }
  if (table == kSessions) ++report_.sessions;
  current_ = {&row, &asked, std::nullopt};
  for (const Asked::Column& each : asked.columns) {
    const std::optional<ByteView>& cell = row.cells[each.cell];
    if (cell && !cell->empty()) COFFER_TRY(TakeCell(each.column, *cell));
  }
  return CheckMemory();
}

void ScanCollector::TakeDataKey(DataKeyTable table, const ReadRow& row) {
  const Status added = keys_[IndexOf(table)].Add(row);
  if (!added.ok()) {
    ++report_.damaged_data_keys;
    refused_rows_[IndexOf(table)] = true;
    return;
  }
  kept_bytes_ += kDataKeyRowBytes;
  for (const std::optional<ByteView>& cell : row.cells) kept_bytes_ += cell ? cell->size() : 0;
}

// What the row has in a column that names it; empty without one.
std::string_view ScanCollector::NameOf(std::string_view column) const {
  const auto& names = SensitiveTables()[current_.asked->table].row_name;
  for (std::size_t i = 0; i < current_.asked->names; ++i) {
    if (names[i] == column && current_.row->cells[i]) return AsText(*current_.row->cells[i]);
  }
  return {};
}

Status ScanCollector::TakeCell(std::size_t column, ByteView cell) {
  const CellEncoding encoding = SensitiveColumns()[column].encoding;
  if (encoding == CellEncoding::kPersonal) {
    ++report_.personal[column];
    return {};
  }
  if (encoding == CellEncoding::kPendingInvite && IsFinished(NameOf("status"))) return {};
  Status added;
  bool is_broken = false;
  ReadCell(encoding, cell, [this, column, &added, &is_broken](const CellSecret& secret) {
    is_broken = is_broken || (secret.form == SecretForm::kUnreadable && secret.path.empty());
    if (added.ok()) added = AddSecret(column, secret);
  });
  COFFER_TRY(added);
  return SearchCell(column, cell, is_broken);
}

// What is misplaced. A cell that cannot be read as what it should be is a text like any other.
Status ScanCollector::SearchCell(std::size_t column, ByteView cell, bool is_broken) {
  if (cell.size() > kMaxCell) return {};
  const CellEncoding encoding = SensitiveColumns()[column].encoding;
  Status added;
  std::bitset<kMisplacedKinds> found;
  const auto on_misplaced = [this, column, &added, &found](std::string_view path, MisplacedKind kind) {
    found.set(static_cast<std::size_t>(kind));
    if (added.ok()) added = AddMisplaced(column, path, kind);
  };
  const bool is_dashboard = encoding == CellEncoding::kResourceJson && NameOf("group") == kDashboardGroup;
  const Status searched = FindMisplacedIn(is_dashboard ? CellEncoding::kText : encoding, cell, on_misplaced);
  if (encoding == CellEncoding::kJsonMap) {
    // Its strings are secrets, its keys are names. ReadCell told of one that is no JSON.
    static_cast<void>(ForEachJsonLeaf(
        AsText(cell), [](const JsonLeaf&) {}, on_misplaced));
  }
  const bool is_setting = SensitiveColumns()[column].table == kSettingTable && encoding == CellEncoding::kMaybeSettings;
  if (is_setting && found.none() && IsNamedSecret(NameOf("key"), AsText(cell))) {
    on_misplaced({}, MisplacedKind::kNamedKey);
  }
  if (is_broken) {
    FindMisplaced(AsText(cell), [&on_misplaced, &found](MisplacedKind kind) {
      if (!found.test(static_cast<std::size_t>(kind))) on_misplaced({}, kind);
    });
  }
  COFFER_TRY(added);
  if (searched.ok()) return {};
  return AddSecret(column, {{}, SecretForm::kUnreadable, {}});
}

Status ScanCollector::AddMisplaced(std::size_t column, std::string_view path, MisplacedKind kind) {
  Finding finding;
  finding.column = static_cast<std::uint8_t>(column);
  finding.protection = Protection::kMisplaced;
  finding.readable_by = ReadableBy::kAnyone;
  finding.misplaced = kind;
  return AddFinding(finding, path);
}

Status ScanCollector::AddSecret(std::size_t column, const CellSecret& secret) {
  if (secret.form == SecretForm::kBlob) return AddBlob(column, secret);
  if (IsLabel(column)) return {};
  Finding finding;
  finding.column = static_cast<std::uint8_t>(column);
  const bool plain = secret.form == SecretForm::kPlaintext;
  finding.protection = plain ? Protection::kPlaintext : Protection::kUnreadable;
  finding.readable_by = plain ? ReadableBy::kAnyone : ReadableBy::kUnknown;
  return AddFinding(finding, secret.path);
}

Status ScanCollector::AddBlob(std::size_t column, const CellSecret& secret) {
  Finding finding;
  finding.column = static_cast<std::uint8_t>(column);
  auto blob = SecretBlob::Parse(secret.bytes);
  if (!blob.ok()) return AddFinding(finding, secret.path);
  const bool is_manager = SensitiveColumns()[column].encoding == CellEncoding::kManagerValue;
  std::optional<std::string> key = blob->data_key;
  if (is_manager && !key && !NameOf(kDataKeyColumn).empty()) key = NameOf(kDataKeyColumn);
  finding.cipher = blob->cipher;
  if (is_manager && !key) return AddFinding(finding, secret.path);
  finding.protection = Protection::kLegacy;
  if (key) {
    finding.protection = is_manager ? Protection::kManager : Protection::kEnvelope;
    finding.data_key = UseOf(is_manager ? DataKeyTable::kSecretDataKey : DataKeyTable::kDataKeys, *key);
    ++report_.data_keys[finding.data_key].cells;
  }
  // A label's data key has to stay all the same.
  if (IsEmptyValue(*blob) || IsLabel(column)) return {};
  COFFER_TRY(AddFinding(finding, secret.path));
  if (key) {
    AddSample(finding.data_key, std::move(blob).value(), column);
  } else {
    AddLegacy(std::move(blob).value(), column);
  }
  return {};
}

Status ScanCollector::AddFinding(Finding finding, std::string_view path) {
  if (!current_.name) {
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < current_.asked->names; ++i) {
      const std::optional<ByteView>& cell = current_.row->cells[i];
      names.push_back(cell ? AsText(*cell) : std::string_view());
    }
    current_.name = report_.AddRow(names);
  }
  finding.row = *current_.name;
  finding.path = report_.AddPath(path);
  report_.findings.push_back(finding);
  return CheckMemory();
}

Status ScanCollector::CheckMemory() const {
  if (report_.kept_bytes() + kept_bytes_ <= options_.max_kept_bytes) return {};
  return Error(ErrorCode::kResourceExhausted, "more is found in the database than is kept in memory, in bytes")
      .WithLimit(options_.max_kept_bytes);
}

std::uint32_t ScanCollector::UseOf(DataKeyTable table, std::string_view id) {
  auto& uses = uses_[IndexOf(table)];
  const auto found = uses.find(id);
  if (found != uses.end()) return found->second;
  const auto use = static_cast<std::uint32_t>(report_.data_keys.size());
  DataKeyUse& added = report_.data_keys.emplace_back();
  added.table = table;
  added.id = id;
  samples_.emplace_back();
  uses.emplace(std::string(id), use);
  kept_bytes_ += kDataKeyBytes + 2 * id.size();
  return use;
}

// Grafana's secrets of a datasource are one JSON object.
PlaintextKind ScanCollector::KindOf(std::size_t column) const {
  const bool is_object = SensitiveColumns()[column].table == kUnified && NameOf("type") == "datasource";
  return is_object ? PlaintextKind::kJsonObject : PlaintextKind::kText;
}

void ScanCollector::AddSample(std::uint32_t data_key, SecretBlob blob, std::size_t column) {
  KeySamples& samples = samples_[data_key];
  kept_bytes_ -= samples.bytes();
  samples.Add(std::move(blob), MayBeRaw(column), KindOf(column));
  kept_bytes_ += samples.bytes();
}

// Of the last finding.
void ScanCollector::AddLegacy(SecretBlob blob, std::size_t column) {
  const std::uint64_t digest = LoadU64(ByteView(Sha256({blob.salt, blob.iv, blob.body})).first(sizeof(std::uint64_t)));
  LegacyCell& cell = legacy_.emplace_back();
  cell.finding = static_cast<std::uint32_t>(report_.findings.size() - 1);
  kept_bytes_ += sizeof(LegacyCell);
  const auto known = unit_of_.find(digest);
  if (known != unit_of_.end()) {
    cell.unit = known->second;
    return;
  }
  if (legacy_units_.size() >= options_.max_legacy || legacy_bytes_ >= kMaxLegacyBytes) return;
  std::optional<TrialSample> sample = SampleOf(std::move(blob), MayBeRaw(column), KindOf(column));
  if (!sample) return;
  legacy_bytes_ += sample->blob.body.size();
  kept_bytes_ += kLegacyUnitBytes + sample->blob.body.size();
  cell.unit = static_cast<std::uint32_t>(legacy_units_.size());
  unit_of_.emplace(digest, cell.unit);
  legacy_units_.emplace_back().samples.push_back(std::move(*sample));
}

Status ScanCollector::Finish(const std::vector<FoundTable>& found) {
  bool is_grafana = false;
  for (const FoundTable& table : found) {
    const Asked& asked = asked_[table.table];
    if (table.kind != TableKind::kTable) {
      report_.not_examined.push_back({asked.table, table.kind});
      continue;
    }
    report_.tables.push_back(asked.table);
    // Tables of data keys and of sessions are asked for no column of secrets.
    is_grafana = is_grafana || asked.columns.empty();
    for (const Asked::Column& each : asked.columns) {
      const bool has_column = table.has_column[each.cell];
      if (!has_column) report_.absent.push_back(each.column);
      // A name is in any table.
      is_grafana = is_grafana || (has_column && each.cell >= asked.names);
    }
    NoteDataKeyRows(table);
  }
  NoteDataKeys();
  if (is_grafana || !report_.not_examined.empty()) return CheckMemory();
  return Error(ErrorCode::kInvalidArgument, "is no Grafana database: none of Grafana's tables is in it");
}

void ScanCollector::NoteDataKeyRows(const FoundTable& found) {
  constexpr std::size_t kId = 0;
  constexpr std::size_t kKey = 2;
  const std::string_view name = SensitiveTables()[asked_[found.table].table].name;
  if (!IsDataKeyTable(name)) return;
  const std::size_t table = IndexOf(DataKeyTableOf(name));
  const bool has_columns = found.has_column[kId] && found.has_column[kKey];
  report_.data_key_rows[table] = !has_columns           ? DataKeyRows::kNoColumns
                                 : refused_rows_[table] ? DataKeyRows::kRefused
                                                        : DataKeyRows::kAll;
}

void ScanCollector::NoteDataKeys() {
  for (const DataKeys& keys : keys_) {
    for (const auto& [id, key] : keys.all()) {
      DataKeyUse& use = report_.data_keys[UseOf(keys.table(), id)];
      use.provider = key.provider;
      use.label = key.label;
      use.name_space = key.name_space;
      use.has_row = true;
      use.active = key.active;
      use.damaged = key.IsUnderSecretKey() && !key.wrapped;
      use.is_twice = key.is_twice;
    }
  }
}

}  // namespace coffer::grafana
