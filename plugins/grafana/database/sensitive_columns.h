// Where a Grafana database keeps what is secret: every table and column, how the cell is encoded, whether Grafana's own
// re-encryption visits it. Constant tables, from Grafana 5 to 13; what a database lacks is no error.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace coffer::grafana {

// How a cell holds its secrets. A blob is a SecretBlob.
enum class CellEncoding : std::uint8_t {
  kBase64,        // one blob, base64 (RFC 4648 section 4) with padding
  kBase64Raw,     // one blob, base64 without padding
  kBlob,          // one blob as bytes
  kJsonMap,       // JSON object: each string is a base64 blob
  kAlertingJson,  // Alertmanager configuration: base64 blobs under "secureSettings", "crypto_" and base64 in extra ones
  kSsoJson,       // JSON: base64 blobs without padding under the keys that Grafana takes for secret
  kResourceJson,  // Kubernetes-style JSON: base64 blobs under "encryptedToken" and "encryptedSecret"
  kDataKey,       // a data key, as a blob under secret_key
  kManagerValue,  // a secrets manager's blob; its data key's id in column data_key_id, or in the blob
  kManagerKey,    // a secrets manager's data key
  kPlaintext,     // the secret itself
  kPendingInvite,  // a code that counts while the row's status says so
  kSettings,       // JSON, maybe with a secret under a key that names one
  kMaybeSettings,  // text, or JSON as kSettings
  kText,           // text or JSON, maybe with a secret in it
  kHash,           // a one-way hash
  kPersonal,       // about a person, in clear
  kMetadata,       // about a secret, in clear
};

enum class Sensitivity : std::uint8_t {
  kSecret,   // passwords, certificates' keys, whatever a datasource needs
  kToken,    // lets its bearer in
  kKey,      // opens or signs other things
  kContent,  // what a dashboard showed
  kLabel,    // encrypted by Grafana, no secret by itself
  kMixed,    // none, but for mistakes
  kPii,
};
std::string_view SensitivityName(Sensitivity sensitivity);

struct SensitiveColumn {
  std::string_view table;
  std::string_view column;
  CellEncoding encoding;
  Sensitivity sensitivity;
  bool rotated = false;          // by Grafana's own re-encryption
  std::string_view not_scanned;  // why it is not; empty: it is
};

inline constexpr std::size_t kMaxRowName = 5;
struct SensitiveTable {
  std::string_view name;
  std::array<std::string_view, kMaxRowName> row_name;  // the columns that tell a person which row; empty: no more
  bool is_history = false;                             // old versions of another table's rows
};

// Those of row_name that are not empty: what a reader is asked for before the columns that it is about.
std::vector<std::string_view> NameColumns(const SensitiveTable& table);

// Both in the same order: the columns of a table stand together.
std::span<const SensitiveTable> SensitiveTables();
std::span<const SensitiveColumn> SensitiveColumns();
// The table of one of SensitiveColumns().
const SensitiveTable& TableOfColumn(std::size_t column);
// Whether the plaintexts of one of SensitiveColumns() may be any bytes. All others are text, signing keys as PEM.
bool MayBeRaw(std::size_t column);

}  // namespace coffer::grafana
