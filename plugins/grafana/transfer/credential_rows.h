// CredentialRows: the credentials of a Grafana database as its rows hold them, and what a secret_key is tried on.
#pragma once

#include <map>

#include "plugins/grafana/cells/cell_writer.h"
#include "plugins/grafana/transfer/credential.h"

namespace coffer::grafana {

// An encrypted column whose values nobody entered: how many it has.
struct LeftOut {
  std::string_view table;
  std::string_view column;
  std::uint64_t count = 0;
};

// The copy of a datasource's secrets in table secrets: JSON, encrypted as a whole.
struct UnifiedCopy {
  CredentialSite site;
  SkipReason problem = SkipReason::kNone;
  std::optional<std::size_t> datasource;  // its row, of rows()
};

// Not thread-safe while it is filled.
class CredentialRows {
 public:
  static constexpr std::size_t kMaxCredentials = 100'000;

  CredentialRows();

  // What to ask for.
  const std::vector<WantedTable>& wanted() const { return wanted_; }
  // kResourceExhausted: more than the limits.
  Status Take(std::string_view row_id, const ReadRow& row);
  // After the last row. kInvalidArgument: no Grafana database.
  Status Finish(const std::vector<FoundTable>& found);

  // What a secret_key is tried on, with all else that is under it.
  const KeyedCells& keyed() const { return keyed_; }
  const std::vector<CredentialRow>& rows() const { return rows_; }
  // Each with one site and no value yet; the order of the database.
  const std::vector<Credential>& credentials() const { return credentials_; }
  const std::vector<UnifiedCopy>& copies() const { return copies_; }
  std::vector<LeftOut> left_out() const;
  // "data_source.secure_json_data: password of id=1 org_id=1", printable.
  std::string PlaceOf(const CredentialSite& site) const;

 private:
  struct Cell {
    std::size_t row = 0;
    std::size_t column = 0;
    ByteView bytes;
  };

  Status TakeCell(const Cell& cell);
  void TakeJson(const Cell& cell, CredentialKind kind);
  void TakeUnified(const Cell& cell);
  void TakeSetting(const Cell& cell);
  void TakeInClear(const Cell& cell, std::string_view key);
  void Add(CredentialKind kind, const RowNames& names, std::string_view key, CredentialSite site, SkipReason problem);
  void DropOldConfigurations();
  void MatchCopies();

  KeyedCells keyed_;
  std::vector<WantedTable> wanted_;
  std::vector<CredentialRow> rows_;
  std::vector<Credential> credentials_;
  std::vector<UnifiedCopy> copies_;
  std::map<std::pair<std::string_view, std::string_view>, std::uint64_t> left_out_;
};

// All of a database. Errors: those of reading it, of Take and of Finish.
Result<CredentialRows> ReadCredentialRows(RowReader& reader);
Result<CredentialRows> ReadCredentialRows(CellWriter& writer);

}  // namespace coffer::grafana
