#include "plugins/grafana/database/scan_collector.h"

#include <algorithm>

#include "crypto/cursor.h"
#include "crypto/hash.h"
#include "crypto/pbkdf2_aes.h"

namespace coffer::grafana {
namespace {

constexpr std::size_t kMaxLegacyBytes = std::size_t{32} << 20;  // of bodies that are kept
constexpr std::string_view kDataKeyColumn = "data_key_id";
constexpr std::string_view kSessions = "user_auth_token";

bool IsDataKeyTable(std::string_view table) {
  return table == DataKeyColumns(DataKeyTable::kDataKeys).name ||
         table == DataKeyColumns(DataKeyTable::kSecretDataKey).name;
}

DataKeyTable DataKeyTableOf(std::string_view table) {
  return table == DataKeyColumns(DataKeyTable::kDataKeys).name ? DataKeyTable::kDataKeys : DataKeyTable::kSecretDataKey;
}

bool IsAskedFor(const SensitiveColumn& column, bool count_personal) {
  return column.not_scanned.empty() || (count_personal && column.encoding == CellEncoding::kPersonal);
}

bool IsLabel(std::size_t column) { return SensitiveColumns()[column].sensitivity == Sensitivity::kLabel; }

bool IsEmptyValue(const SecretBlob& blob) {
  return blob.body.size() == (blob.cipher == BlobCipher::kAesGcm ? kGcmTagSize : 0);
}

}  // namespace

ScanCollector::ScanCollector(bool count_personal, std::size_t max_legacy) : max_legacy_(max_legacy) {
  report_.personal.resize(count_personal ? SensitiveColumns().size() : 0);
  for (std::size_t table = 0; table < SensitiveTables().size(); ++table) AskFor(table, count_personal);
}

void ScanCollector::AskFor(std::size_t table, bool count_personal) {
  const SensitiveTable& named = SensitiveTables()[table];
  if (IsDataKeyTable(named.name)) {
    wanted_.push_back(DataKeyColumns(DataKeyTableOf(named.name)));
    asked_.push_back({table, 0, {}});
    return;
  }
  Asked asked{table, 0, {}};
  WantedTable wanted{named.name, {}};
  for (const std::string_view column : named.row_name) {
    if (!column.empty()) wanted.columns.push_back(column);
  }
  asked.names = wanted.columns.size();
  for (std::size_t column = 0; column < SensitiveColumns().size(); ++column) {
    const SensitiveColumn& each = SensitiveColumns()[column];
    if (each.table != named.name || !IsAskedFor(each, count_personal)) continue;
    wanted.columns.push_back(each.column);
    asked.columns.push_back(column);
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
    const Status added = keys_[static_cast<std::size_t>(DataKeyTableOf(table))].Add(row);
    if (!added.ok()) ++report_.damaged_data_keys;
    return {};
  }
  if (table == kSessions) ++report_.sessions;
  current_ = {&row, &asked, std::nullopt};
  for (std::size_t i = 0; i < asked.columns.size(); ++i) {
    const std::optional<ByteView>& cell = row.cells[asked.names + i];
    if (cell && !cell->empty()) COFFER_TRY(TakeCell(asked.columns[i], *cell));
  }
  return {};
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
  if (encoding == CellEncoding::kPendingInvite) {
    const std::string_view status = NameOf("status");
    if (!status.empty() && status != "InvitePending" && status != "SignUpStarted") return {};
  }
  Status added;
  ReadCell(encoding, cell, [this, column, &added](const CellSecret& secret) {
    if (added.ok()) added = AddSecret(column, secret);
  });
  COFFER_TRY(added);
  const Status searched =
      FindMisplacedIn(encoding, cell, [this, column, &added](std::string_view path, MisplacedKind kind) {
        Finding finding;
        finding.column = static_cast<std::uint8_t>(column);
        finding.protection = Protection::kMisplaced;
        finding.readable_by = ReadableBy::kAnyone;
        finding.misplaced = kind;
        if (added.ok()) added = AddFinding(finding, path);
      });
  COFFER_TRY(added);
  if (searched.ok()) return {};
  return AddSecret(column, {{}, SecretForm::kUnreadable, {}});
}

Status ScanCollector::AddSecret(std::size_t column, const CellSecret& secret) {
  Finding finding;
  finding.column = static_cast<std::uint8_t>(column);
  if (secret.form == SecretForm::kBlob) {
    finding.path = report_.AddPath(secret.path);
    return AddBlob(finding, secret.bytes, SensitiveColumns()[column].encoding);
  }
  if (IsLabel(column)) return {};
  const bool plain = secret.form == SecretForm::kPlaintext;
  finding.protection = plain ? Protection::kPlaintext : Protection::kUnreadable;
  finding.readable_by = plain ? ReadableBy::kAnyone : ReadableBy::kUnknown;
  return AddFinding(finding, secret.path);
}

Status ScanCollector::AddBlob(Finding finding, ByteView bytes, CellEncoding encoding) {
  auto blob = SecretBlob::Parse(bytes);
  if (!blob.ok()) return AddFinding(finding, report_.Path(finding));
  const bool may_be_raw = SensitiveColumns()[finding.column].sensitivity == Sensitivity::kKey;
  const bool is_manager = encoding == CellEncoding::kManagerValue;
  std::optional<std::string> key = blob->data_key;
  if (is_manager && !key && !NameOf(kDataKeyColumn).empty()) key = NameOf(kDataKeyColumn);
  finding.cipher = blob->cipher;
  if (is_manager && !key) return AddFinding(finding, report_.Path(finding));
  if (key) {
    const auto table = is_manager ? DataKeyTable::kSecretDataKey : DataKeyTable::kDataKeys;
    finding.protection = is_manager ? Protection::kManager : Protection::kEnvelope;
    finding.data_key = UseOf(table, *key);
    ++report_.data_keys[finding.data_key].cells;
  } else {
    finding.protection = Protection::kLegacy;
  }
  // A label's data key has to stay all the same.
  if (IsEmptyValue(*blob) || IsLabel(finding.column)) return {};
  COFFER_TRY(AddFinding(finding, report_.Path(finding)));
  if (key) {
    samples_[finding.data_key].Add(std::move(blob).value(), may_be_raw);
  } else {
    AddLegacy(static_cast<std::uint32_t>(report_.findings.size() - 1), std::move(blob).value(), may_be_raw);
  }
  return {};
}

Status ScanCollector::AddFinding(const Finding& finding, std::string_view path) {
  if (report_.findings.size() == ScanReport::kMaxFindings) {
    return Error(ErrorCode::kResourceExhausted, "the database has more secrets than are kept apart")
        .WithLimit(ScanReport::kMaxFindings);
  }
  if (!current_.name) {
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < current_.asked->names; ++i) {
      const std::optional<ByteView>& cell = current_.row->cells[i];
      names.push_back(cell ? AsText(*cell) : std::string_view());
    }
    current_.name = report_.AddRow(names);
  }
  Finding& added = report_.findings.emplace_back(finding);
  added.row = *current_.name;
  added.path = report_.AddPath(path);
  return {};
}

std::uint32_t ScanCollector::UseOf(DataKeyTable table, std::string_view id) {
  auto& uses = uses_[static_cast<std::size_t>(table)];
  const auto found = uses.find(id);
  if (found != uses.end()) return found->second;
  const auto use = static_cast<std::uint32_t>(report_.data_keys.size());
  DataKeyUse& added = report_.data_keys.emplace_back();
  added.table = table;
  added.id = id;
  samples_.emplace_back();
  uses.emplace(std::string(id), use);
  return use;
}

void ScanCollector::AddLegacy(std::uint32_t finding, SecretBlob blob, bool may_be_raw) {
  const std::uint64_t digest = LoadU64(ByteView(Sha256({blob.salt, blob.iv, blob.body})).first(sizeof(std::uint64_t)));
  const auto known = unit_of_.find(digest);
  if (known != unit_of_.end()) {
    legacy_.push_back({finding, known->second});
    return;
  }
  legacy_.push_back({finding});
  if (legacy_units_.size() >= max_legacy_ || legacy_bytes_ >= kMaxLegacyBytes) return;
  std::optional<TrialSample> sample = SampleOf(std::move(blob), may_be_raw);
  if (!sample) return;
  legacy_bytes_ += sample->blob.body.size();
  legacy_.back().unit = static_cast<std::uint32_t>(legacy_units_.size());
  unit_of_.emplace(digest, legacy_.back().unit);
  TrialUnit& unit = legacy_units_.emplace_back();
  unit.samples.push_back(std::move(*sample));
}

Status ScanCollector::Finish(const std::vector<FoundTable>& found) {
  bool is_grafana = false;
  for (const FoundTable& table : found) {
    const Asked& asked = asked_[table.table];
    report_.tables.push_back(asked.table);
    // Tables of data keys and of sessions are asked for no column of secrets.
    is_grafana = is_grafana || asked.columns.empty();
    for (std::size_t i = 0; i < asked.columns.size(); ++i) {
      const bool has_column = table.has_column[asked.names + i];
      if (!has_column) report_.absent.push_back(asked.columns[i]);
      is_grafana = is_grafana || has_column;
    }
  }
  for (const DataKeys& keys : keys_) {
    for (const auto& [id, key] : keys.all()) {
      DataKeyUse& use = report_.data_keys[UseOf(keys.table(), id)];
      use.provider = key.provider;
      use.label = key.label;
      use.name_space = key.name_space;
      use.has_row = true;
      use.active = key.active;
      use.damaged = key.IsUnderSecretKey() && !key.wrapped;
    }
  }
  if (is_grafana) return {};
  return Error(ErrorCode::kInvalidArgument, "is no Grafana database: none of Grafana's tables is in it");
}

}  // namespace coffer::grafana
