// Databases with values under data keys in every column that can hold one, and which data keys their blobs name.
#pragma once

#include <set>

#include "plugins/grafana/rotation/data_key_rotation.h"
#include "tests/plugins/grafana/rotation/grafana_file.h"

namespace coffer::grafana {

// Of each column, "table.column", the data keys of its blobs; "" for secret_key itself.
using IdsOfColumns = std::map<std::string, std::set<std::string>>;

inline std::string NameOf(const SensitiveColumn& column) {
  return std::string(column.table) + "." + std::string(column.column);
}

inline IdsOfColumns IdsIn(RowReader& reader) {
  std::vector<WantedTable> wanted;
  std::vector<const SensitiveColumn*> columns;
  for (const SensitiveColumn& column : SensitiveColumns()) {
    if (!HoldsBlobs(column.encoding)) continue;
    wanted.push_back({column.table, {column.column}});
    columns.push_back(&column);
  }
  IdsOfColumns ids;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto read = reader.Read(std::span(&wanted[i], 1), [&ids, column = columns[i]](const ReadRow& row) -> Status {
      if (!row.cells[0]) return {};
      ReadCell(column->encoding, *row.cells[0], [&ids, column](const CellSecret& secret) {
        if (secret.form != SecretForm::kBlob) return;
        ids[NameOf(*column)].insert(SecretBlob::Parse(secret.bytes)->data_key.value_or(""));
      });
      return {};
    });
    EXPECT_TRUE(read.ok()) << read.error().ToString();
  }
  return ids;
}

// As IdsIn gives them where Grafana's own re-encryption visits a column, and where it does not.
inline IdsOfColumns IdsExpected(const std::string& visited, const std::string& not_visited) {
  IdsOfColumns ids;
  for (const SensitiveColumn& column : SensitiveColumns()) {
    if (HoldsBlobs(column.encoding)) ids[NameOf(column)] = {column.rotated ? visited : not_visited};
  }
  return ids;
}

inline std::string CellWith(CellEncoding encoding, const std::string& blob) {
  const std::string base64 = GrafanaRows::Base64(blob);
  switch (encoding) {
    case CellEncoding::kBase64:
      return base64;
    case CellEncoding::kBase64Raw:
      return GrafanaRows::Raw(blob);
    case CellEncoding::kBlob:
      return blob;
    case CellEncoding::kJsonMap:
      return "{ \"password\" :" + Quoted(base64) + " , \"o\":\"\" }";
    case CellEncoding::kAlertingJson:
      return R"({"receivers":[{"secureSettings":{"url":)" + Quoted(base64) +
             R"(}}],"extra":[{"alertmanager_config":"crypto_)" + base64 + "\"}]}";
    case CellEncoding::kSsoJson:
      return R"({"client_id":"grafana","client_secret":)" + Quoted(GrafanaRows::Raw(blob)) + "}";
    case CellEncoding::kResourceJson:
      return R"({"spec":{"github":{"encryptedToken":)" + Quoted(base64) + "}}}";
    default:
      return {};
  }
}

inline bool HasTestColumn(std::string_view table, std::string_view column) {
  for (const WantedTable& each : TestSchema()) {
    if (each.name != table) continue;
    return std::find(each.columns.begin(), each.columns.end(), column) != each.columns.end();
  }
  return false;
}

inline constexpr int kRowsOfColumn = 3;

// Three values under `id` in every column, whose base64 ends in each of the three ways.
inline void PlantEveryColumn(GrafanaRows& grafana, const std::string& id) {
  int number = 0;
  for (const SensitiveColumn& column : SensitiveColumns()) {
    if (!HoldsBlobs(column.encoding)) continue;
    for (int more = 0; more < kRowsOfColumn; ++more) {
      const std::string text = "a value of " + NameOf(column) + std::string(static_cast<std::size_t>(more), '.');
      MemoryRow row = {{std::string(column.column), CellWith(column.encoding, grafana.Envelope(id, text))}};
      for (const std::string_view name : {"id", "guid", "section"}) {
        if (HasTestColumn(column.table, name)) row.emplace_back(name, std::to_string(++number));
      }
      if (HasTestColumn(column.table, "updated")) row.emplace_back("updated", "2024-01-02 03:04:05");
      grafana.rows.Add(std::string(column.table), std::move(row));
    }
  }
}

// Enough under it to prove a secret_key.
inline void PlantProof(GrafanaRows& grafana, const std::string& id) {
  grafana.AddDataSource("900", GrafanaRows::Map("password", grafana.Envelope(id, "a-password-that-is-long-enough")));
}

inline const DataKeyCount& CountOf(const DataKeyReport& report, const std::string& id) {
  static const DataKeyCount kNone;
  for (const DataKeyCount& count : report.data_keys) {
    if (count.id == id) return count;
  }
  ADD_FAILURE() << "no data key " << id;
  return kNone;
}

}  // namespace coffer::grafana
