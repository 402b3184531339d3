// Credential: a secret that a person entered into Grafana, with its path in the vault and its places in the database.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/names.h"
#include "crypto/secret_bytes.h"
#include "plugins/grafana/rotation/keyed_cells.h"

namespace coffer::grafana {

enum class CredentialKind : std::uint8_t {
  kDatasource,
  kPlugin,
  kContactPoint,         // of alerting since Grafana 8
  kNotificationChannel,  // of alerting before
  kSso,
  kSetting,     // Enterprise's settings in the database
  kRepository,  // a provisioning repository's token, before they became secure values
};
inline constexpr std::size_t kCredentialKinds = 7;
// "datasources", "plugins", ...
std::string_view CredentialKindName(CredentialKind kind);

// Why one is left where it is.
enum class SkipReason : std::uint8_t {
  kNone,
  kDamaged,        // not what Grafana writes there, whatever the key
  kNotUnderKey,    // under another key, too short to tell, or damaged
  kInClear,        // in clear where Grafana reads an encrypted value
  kDuplicateKeys,  // its JSON has an object with a key twice
  kCopiesDiffer,   // data_source and table secrets do not say the same
  kNoPath,         // nothing names it, or the vault has no paths so long
  kPathTwice,      // another one of this database has the same path
  kTooLarge,
  kReference,   // a reference to the vault already
  kSuperseded,  // an old column, and the datasource has another value in secure_json_data
  kOtherValue,  // the vault holds another value under this path
  kNotInVault,
  kGoneFromVault,  // deleted, destroyed or expired there
  kOtherOrigin,    // import-db did not put the vault's value there from this row
  kNotText,        // the vault's value is none that Grafana could encrypt as a person enters it
  kNoDataKey,      // the database has data keys, and none that is active, under this secret_key and has values
};
std::string_view SkipReasonName(SkipReason reason);
// A sentence's end: "its two copies differ".
std::string_view SkipReasonText(SkipReason reason);

// A row of the database that holds credentials.
struct CredentialRow {
  std::string_view table;
  std::string row_id;
  RowNames names;
  std::vector<std::pair<std::size_t, Bytes>> cells;  // by column, of SensitiveColumns()
};

// Where a value stands.
struct CredentialSite {
  std::size_t row = 0;          // of CredentialRows::rows()
  std::size_t column = 0;       // of SensitiveColumns()
  std::string json_path;        // inside a JSON cell, or inside what a cell encrypts; else empty
  std::size_t json_value = 0;   // which of JsonStringValues of such a cell
  bool is_copy = false;         // in the JSON that table secrets encrypts as a whole
  bool in_clear = false;        // a column from before Grafana encrypted
  bool is_new = false;          // not there yet, or empty
  bool replaces_empty = false;  // of a new one: its key is there
  Bytes blob;                   // unless in clear, or new and no copy
};

struct Credential {
  CredentialKind kind = CredentialKind::kDatasource;
  std::optional<SecretPath> path;
  std::vector<CredentialSite> sites;  // at least one; the first is where it was found
  SecretBytes value;                  // when there is no problem
  SkipReason problem = SkipReason::kNone;
};

// What its path is made of: the row's names and its own key. Nothing when there is none (docs/FORMAT.md section 6).
std::optional<SecretPath> CredentialPath(CredentialKind kind, const RowNames& names, std::string_view key);

}  // namespace coffer::grafana
