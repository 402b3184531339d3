#include "plugins/grafana/database/data_keys.h"

#include <array>

namespace coffer::grafana {
namespace {

constexpr std::string_view kSecurityProvider = "secretKey.v1";
constexpr std::string_view kManagerProvider = "secret_key.v1";
constexpr std::string_view kManagerProviders = "secret_key.";

// The columns of both tables, in this order.
enum Column : std::size_t { kId, kProvider, kEncryptedData, kActive, kLabel, kScopeOrNamespace };

std::string_view TextOf(const ReadRow& row, Column column) {
  if (column >= row.cells.size() || !row.cells[column]) return {};
  return AsText(*row.cells[column]);
}

bool IsTrue(std::string_view boolean) { return boolean == "1" || boolean == "t" || boolean == "true"; }

std::optional<SecretBlob> WrappedKey(std::string_view bytes) {
  auto blob = SecretBlob::Parse(AsBytes(bytes));
  if (!blob.ok() || blob->data_key) return std::nullopt;  // A data key is never under another one.
  return std::move(blob).value();
}

}  // namespace

bool DataKey::IsUnderSecretKey() const {
  return provider == kSecurityProvider || provider.starts_with(kManagerProviders);
}

std::string NormalProvider(DataKeyTable table, std::string_view provider) {
  const bool is_old = provider == "secret" || provider == "secretKey" || provider == kSecurityProvider;
  if (!is_old) return std::string(provider);
  return std::string(table == DataKeyTable::kDataKeys ? kSecurityProvider : kManagerProvider);
}

const WantedTable& DataKeyColumns(DataKeyTable table) {
  static const WantedTable data_keys{"data_keys", {"name", "provider", "encrypted_data", "active", "label", "scope"}};
  static const WantedTable secret_data_key{"secret_data_key",
                                           {"uid", "provider", "encrypted_data", "active", "label", "namespace"}};
  return table == DataKeyTable::kDataKeys ? data_keys : secret_data_key;
}

Status DataKeys::Add(const ReadRow& row) {
  const std::string_view id = TextOf(row, kId);
  if (id.empty() || id.size() > SecretBlob::kMaxDataKeyId) {
    return Error(ErrorCode::kInvalidArgument, "a data key's id is not 1 to so many bytes")
        .WithLimit(SecretBlob::kMaxDataKeyId);
  }
  if (keys_.size() == kMaxKeys) {
    return Error(ErrorCode::kResourceExhausted, "the database has more data keys than are read").WithLimit(kMaxKeys);
  }
  DataKey key;
  key.id = id;
  key.provider = NormalProvider(table_, TextOf(row, kProvider));
  key.label = TextOf(row, kLabel);
  (table_ == DataKeyTable::kDataKeys ? key.scope : key.name_space) = TextOf(row, kScopeOrNamespace);
  key.active = IsTrue(TextOf(row, kActive));
  key.wrapped = WrappedKey(TextOf(row, kEncryptedData));
  const auto known = keys_.find(id);
  if (known == keys_.end()) {
    keys_.emplace(std::string(id), std::move(key));
    return {};
  }
  if (!known->second.wrapped) known->second = std::move(key);
  known->second.is_twice = true;
  return Error(ErrorCode::kAlreadyExists, "two data keys have one id");
}

const DataKey* DataKeys::Find(std::string_view id) const {
  const auto found = keys_.find(id);
  return found == keys_.end() ? nullptr : &found->second;
}

}  // namespace coffer::grafana
