#include <algorithm>

#include <nlohmann/json.hpp>

#include "plugins/grafana/database/report.h"

namespace coffer::grafana {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;

// In ASCII: a terminal may show it, and there are characters of Unicode that it would obey.
std::string Dumped(const Json& json) { return json.dump(-1, ' ', true, Json::error_handler_t::replace); }

std::string_view TableName(DataKeyTable table) { return DataKeyColumns(table).name; }
std::string_view CipherName(BlobCipher cipher) { return cipher == BlobCipher::kAesGcm ? "aes-gcm" : "aes-cfb"; }

Json OrNull(bool there, std::string_view text) { return there ? Json(text) : Json(nullptr); }

Json CipherJson(std::optional<BlobCipher> cipher) { return cipher ? Json(CipherName(*cipher)) : Json(nullptr); }

Json ColumnsJson(const std::vector<std::size_t>& columns) {
  Json json = Json::array();
  for (const std::size_t column : columns) {
    const SensitiveColumn& each = SensitiveColumns()[column];
    json.push_back(std::string(each.table) + "." + std::string(each.column));
  }
  return json;
}

Json GroupJson(const FindingGroup& group) {
  const SensitiveColumn& column = SensitiveColumns()[group.column];
  return {{"table", column.table},
          {"column", column.column},
          {"sensitivity", SensitivityName(column.sensitivity)},
          {"protection", ProtectionName(group.protection)},
          {"cipher", CipherJson(group.cipher)},
          {"misplaced", group.misplaced ? Json(MisplacedKindName(*group.misplaced)) : Json(nullptr)},
          {"readable_by", ReadableByName(group.readable_by)},
          {"accepted", group.accepted},
          {"count", group.count}};
}

Json DataKeyJson(const DataKeyUse& use) {
  return {{"table", TableName(use.table)},
          {"id", use.id},
          {"label", OrNull(use.has_row, use.label)},
          {"provider", OrNull(use.has_row, use.provider)},
          {"namespace", OrNull(use.has_row && use.table == DataKeyTable::kSecretDataKey, use.name_space)},
          {"has_row", use.has_row},
          {"active", use.active},
          {"damaged", use.damaged},
          {"cells", use.cells},
          {"readable_by", ReadableByName(use.readable_by)}};
}

Json FindingJson(const ScanReport& report, const Finding& finding) {
  const SensitiveColumn& column = SensitiveColumns()[finding.column];
  Json row = Json::object();
  for (const auto& [name, value] : report.RowName(finding)) row[std::string(name)] = value;
  const DataKeyUse* const use = report.DataKeyOf(finding);
  const bool is_misplaced = finding.protection == Protection::kMisplaced;
  return {{"table", column.table},
          {"column", column.column},
          {"row", row},
          {"path", report.Path(finding)},
          {"sensitivity", SensitivityName(column.sensitivity)},
          {"protection", ProtectionName(finding.protection)},
          {"cipher", CipherJson(CipherOf(finding))},
          {"data_key", use == nullptr ? Json(nullptr) : Json(use->id)},
          {"misplaced", OrNull(is_misplaced, MisplacedKindName(finding.misplaced))},
          {"readable_by", ReadableByName(finding.readable_by)},
          {"inferred", finding.inferred},
          {"accepted", finding.accepted},
          {"line", LineOf(report, finding)}};
}

// Everything but the lists.
Json SummaryJson(const ScanReport& report) {
  Json readable = Json::object();
  for (std::size_t i = 0; i < kReaders; ++i) {
    const auto reader = static_cast<ReadableBy>(i);
    readable[std::string(ReadableByName(reader))] = CountReadableBy(report, reader);
  }
  Json tables = Json::array();
  for (const std::size_t table : report.tables) tables.push_back(SensitiveTables()[table].name);
  Json not_examined = Json::array();
  for (const NotExamined& each : report.not_examined) {
    not_examined.push_back({{"table", SensitiveTables()[each.table].name}, {"is", TableKindName(each.kind)}});
  }
  Json personal = report.personal.empty() ? Json(nullptr) : Json::object();
  for (std::size_t i = 0; i < report.personal.size(); ++i) {
    const SensitiveColumn& column = SensitiveColumns()[i];
    const std::string name = std::string(column.table) + "." + std::string(column.column);
    if (column.encoding == CellEncoding::kPersonal) personal[name] = report.personal[i];
  }
  Json data_key_rows = Json::object();
  for (const DataKeyTable table : {DataKeyTable::kDataKeys, DataKeyTable::kSecretDataKey}) {
    data_key_rows[std::string(TableName(table))] = DataKeyRowsName(report.RowsOf(table));
  }
  const auto secrets = std::count_if(report.findings.begin(), report.findings.end(), IsSecret);
  return {{"version", kVersion},
          {"exposed", CountReadableBy(report, ReadableBy::kAnyone)},
          {"secrets", secrets},
          {"unreadable", report.findings.size() - static_cast<std::size_t>(secrets)},
          {"unjudged", CountUnjudged(report)},
          {"accepted", CountAccepted(report)},
          {"readable_by", readable},
          {"secret_key", GivenKeyName(report.secret_key)},
          {"secrets_manager_key", GivenKeyName(report.manager_key)},
          {"legacy_tried", report.legacy_tried},
          {"legacy_not_tried", report.legacy_not_tried},
          {"damaged_data_keys", report.damaged_data_keys},
          {"data_key_rows", data_key_rows},
          {"sessions", report.sessions},
          {"personal", personal},
          {"rows", report.rows_read},
          {"tables", tables},
          {"not_examined", not_examined},
          {"absent_columns", ColumnsJson(report.absent)}};
}

// One element a line.
template <typename List, typename ToJson>
Status WriteList(std::string_view name, const List& list, const ToJson& to_json,
                 const std::function<Status(std::string_view)>& write) {
  COFFER_TRY(write(",\n\"" + std::string(name) + "\": ["));
  std::string_view before = "\n";
  for (const auto& element : list) {
    COFFER_TRY(write(std::string(before) + Dumped(to_json(element))));
    before = ",\n";
  }
  return write("]");
}

}  // namespace

Status WriteReportJson(const ScanReport& report, const std::function<Status(std::string_view)>& write) {
  std::string summary = Dumped(SummaryJson(report));
  summary.pop_back();  // its brace
  COFFER_TRY(write(summary));
  COFFER_TRY(WriteList("groups", GroupFindings(report), GroupJson, write));
  COFFER_TRY(WriteList("data_keys", report.data_keys, DataKeyJson, write));
  const auto finding_json = [&report](const Finding& finding) { return FindingJson(report, finding); };
  COFFER_TRY(WriteList("findings", report.findings, finding_json, write));
  return write("}\n");
}

}  // namespace coffer::grafana
