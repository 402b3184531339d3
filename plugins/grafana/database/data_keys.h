// DataKeys: the data keys of a Grafana database, as its rows keep them, each wrapped by a provider.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "plugins/grafana/database/row_reader.h"
#include "plugins/grafana/database/secret_blob.h"

namespace coffer::grafana {

enum class DataKeyTable : std::uint8_t {
  kDataKeys,       // data_keys: provider secretKey.v1 wraps with [security] secret_key
  kSecretDataKey,  // secret_data_key: secret_key.NAME with [secrets_manager.encryption.secret_key.NAME] secret_key
};

struct DataKey {
  std::string id;          // what blobs name: data_keys.name, secret_data_key.uid
  std::string name_space;  // of secret_data_key
  std::string provider;    // its newest name: NormalProvider
  std::string scope;       // of data_keys
  std::string label;
  bool active = false;
  // As a secret_key wraps it, whoever the row says has done so. Nothing: it is no such blob.
  std::optional<SecretBlob> wrapped;
  bool is_twice = false;  // another row has the same id: which of the two keys is meant cannot be told

  // Its provider wraps with a secret_key; others with a key management service.
  bool IsUnderSecretKey() const;
};

// "secretKey.v1" for the older names "secret" and "secretKey" in data_keys, "secret_key.v1" for them and "secretKey.v1"
// in secret_data_key. Any other name is given back.
std::string NormalProvider(DataKeyTable table, std::string_view provider);

// The table and columns to ask a RowReader for; static.
const WantedTable& DataKeyColumns(DataKeyTable table);

// Not thread-safe while it is filled.
class DataKeys {
 public:
  static constexpr std::size_t kMaxKeys = 100'000;

  explicit DataKeys(DataKeyTable table) : table_(table) {}

  // A row of DataKeyColumns(table). kInvalidArgument: no id, or one above SecretBlob::kMaxDataKeyId; kAlreadyExists: an
  // id for the second time, of which the first one with a blob is kept; kResourceExhausted: more than kMaxKeys.
  Status Add(const ReadRow& row);

  DataKeyTable table() const { return table_; }
  // By their ids.
  const std::map<std::string, DataKey, std::less<>>& all() const { return keys_; }
  // Null when there is none.
  const DataKey* Find(std::string_view id) const;

 private:
  DataKeyTable table_;
  std::map<std::string, DataKey, std::less<>> keys_;
};

}  // namespace coffer::grafana
