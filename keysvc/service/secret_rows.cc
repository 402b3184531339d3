#include "keysvc/service/secret_rows.h"

#include "crypto/value.h"
#include "policy/catalog_lock.h"

namespace coffer::keysvc {
namespace {

Uuid Plain(const auto& uuid) { return Uuid{uuid.bytes}; }

// row = 10 02 (secret UUID, int64 version)
Result<Bytes> RowOf(SecretUuid secret, SecretVersion version) {
  const std::array<ScalarView, 2> parts{Plain(secret), version.value};
  Bytes row;
  COFFER_TRY(EncodeRow(parts, row));
  return row;
}

template <typename Record>
Result<std::optional<Record>> AsRecord(Result<std::optional<Row>> row, Result<Record> (*from_row)(const Row&)) {
  if (!row.ok()) return std::move(row).error();
  if (!row->has_value()) return std::optional<Record>();
  COFFER_ASSIGN_OR_RETURN(Record record, from_row(**row));
  return std::optional<Record>(std::move(record));
}

template <typename Record>
Result<std::vector<Record>> AsRecords(const Result<std::vector<Row>>& rows, Result<Record> (*from_row)(const Row&)) {
  if (!rows.ok()) return rows.error();
  std::vector<Record> records;
  records.reserve(rows->size());
  for (const Row& row : *rows) {
    COFFER_ASSIGN_OR_RETURN(Record record, from_row(row));
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace

FieldPlaceAndForm SecretField(TenantUuid tenant) {
  static const policy::LockedField kField = policy::BuiltinSecretField();
  return {.keyring = kSecretsKeyring,
          .place = {.scope = policy::BuiltinScopeUuid(), .tenant = tenant, .field = kField.uuid},
          .form = kField.now.form};
}

Result<Bytes> EncryptSecret(const FieldCipher& cipher, SecretUuid secret, SecretVersion version, ByteView value) {
  COFFER_ASSIGN_OR_RETURN(const Bytes row, RowOf(secret, version));
  Bytes ciphertext(cipher.form().CiphertextSize(value.size()));
  COFFER_TRY(cipher.Encrypt(value, {.row = row, .context = {}}, ciphertext));
  return ciphertext;
}

Result<SecretBytes> DecryptSecret(KeyEngine& keys, TenantUuid tenant, SecretUuid secret, SecretVersion version,
                                  ByteView ciphertext) {
  const std::optional<FieldHeader> header = FieldHeader::Parse(ciphertext);
  COFFER_ASSIGN_OR_RETURN(const DecryptLookup lookup,
                          keys.CipherForDecrypt(SecretField(tenant), header ? header->key_id : KeyId{}));
  if (lookup.outcome == DecryptLookup::Outcome::kRefused) {
    return Error(ErrorCode::kFailedPrecondition, "the key version that encrypts this value is disabled");
  }
  COFFER_ASSIGN_OR_RETURN(const Bytes row, RowOf(secret, version));
  return lookup.cipher->Decrypt(ciphertext, {.row = row, .context = {}});
}

template <typename Reader>
Result<std::optional<SecretRecord>> GetSecretRow(Reader& reader, TenantUuid tenant, const std::string& path) {
  return AsRecord<SecretRecord>(reader.Get(Table::kSecret, {Plain(tenant), path}), SecretFromRow);
}

template <typename Reader>
Result<std::optional<SecretVersionRecord>> GetVersionRow(Reader& reader, SecretUuid secret, SecretVersion version) {
  const Row key{Plain(secret), version.value};
  return AsRecord<SecretVersionRecord>(reader.Get(Table::kSecretVersion, key), SecretVersionFromRow);
}

template <typename Reader>
Result<std::optional<SecretVersionRecord>> GetVersionOf(Reader& reader, const SecretRecord& secret,
                                                        SecretVersion version) {
  COFFER_ASSIGN_OR_RETURN(std::optional<SecretVersionRecord> found, GetVersionRow(reader, secret.uuid, version));
  if (!found && version.value >= 1 && version <= secret.current) {
    return Error(ErrorCode::kIntegrity, "a version of a secret was removed outside the service").At("secret_version");
  }
  return found;
}

template Result<std::optional<SecretRecord>> GetSecretRow(AuthenticatedStore&, TenantUuid, const std::string&);
template Result<std::optional<SecretRecord>> GetSecretRow(StoreMutation&, TenantUuid, const std::string&);
template Result<std::optional<SecretVersionRecord>> GetVersionRow(AuthenticatedStore&, SecretUuid, SecretVersion);
template Result<std::optional<SecretVersionRecord>> GetVersionRow(StoreMutation&, SecretUuid, SecretVersion);
template Result<std::optional<SecretVersionRecord>> GetVersionOf(AuthenticatedStore&, const SecretRecord&,
                                                                 SecretVersion);
template Result<std::optional<SecretVersionRecord>> GetVersionOf(StoreMutation&, const SecretRecord&, SecretVersion);

Result<std::vector<SecretRecord>> ListSecretRows(AuthenticatedStore& store, TenantUuid tenant,
                                                 const std::string& prefix, const std::string& after,
                                                 std::size_t limit) {
  ScanRequest scan{
      .table = Table::kSecret, .equals = {Plain(tenant)}, .text_prefix = prefix, .after = std::nullopt, .limit = limit};
  if (!after.empty()) scan.after = Datum(after);
  return AsRecords<SecretRecord>(store.Scan(scan), SecretFromRow);
}

Result<std::vector<std::pair<std::string, std::string>>> GetMetadata(AuthenticatedStore& store, SecretUuid secret) {
  COFFER_ASSIGN_OR_RETURN(
      const std::vector<SecretMetadataRecord> records,
      AsRecords<SecretMetadataRecord>(store.Scan({.table = Table::kSecretMetadata, .equals = {Plain(secret)}}),
                                      SecretMetadataFromRow));
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const SecretMetadataRecord& record : records) pairs.emplace_back(record.key, record.value);
  return pairs;
}

Status ReplaceMetadata(StoreMutation& mutation, SecretUuid secret,
                       const std::vector<std::pair<std::string, std::string>>& pairs) {
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> old,
                          mutation.Scan({.table = Table::kSecretMetadata, .equals = {Plain(secret)}}));
  for (const Row& row : old) COFFER_TRY(mutation.Erase(Table::kSecretMetadata, {row[0], row[1]}));
  for (const auto& [key, value] : pairs) {
    COFFER_TRY(mutation.Insert(Table::kSecretMetadata,
                               ToRow(SecretMetadataRecord{.secret = secret, .key = key, .value = value})));
  }
  return {};
}

}  // namespace coffer::keysvc
