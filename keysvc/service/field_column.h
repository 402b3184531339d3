// One column at work: a request's column with what the catalog and the key table say about it.
#pragma once

#include "keysvc/service/authorisation.h"
#include "keysvc/service/field_service.h"

namespace coffer::keysvc {

// Counts over all columns of a call, and the sizes of single values. `decrypting`: values are ciphertexts.
Status CheckFieldLimits(const std::vector<FieldColumn>& columns, bool decrypting);

// Not thread-safe; lives within one call. Errors carry paths from "columns[i]" on.
class ColumnWork {
 public:
  // kInvalidArgument: no such field or tenant. The column and the view must outlive it.
  static Result<ColumnWork> Create(Unsealed& unsealed, const policy::CatalogView& view, const FieldColumn& column,
                                   std::size_t index, std::int64_t now_unix_s);

  const policy::FieldRule& rule() const { return *rule_; }
  TenantUuid tenant() const { return tenant_; }
  ActScope scope() const;

  // From now on the column's values get index tokens.
  void GiveTokens() { gives_tokens_ = true; }
  // The indexes that its values get tokens of.
  std::span<const policy::IndexRule> indexes() const;

  // True when Encrypt would make the tenant's first data key, which is a commit.
  bool NeedsDataKey() const;
  // The same for an index key that its tokens need.
  bool NeedsIndexKey() const;
  // Refuses what Encrypt and Rewrap refuse for the request's sake; touches no value.
  Status CheckEncryptable();

  Result<ColumnOutput> Encrypt();
  Result<ColumnOutput> Decrypt();
  // Adds the ciphertexts that were made anew to `rewrapped`, and what was inside each (nothing: failed) to `plaintexts`
  // when it is not null.
  Result<ColumnOutput> Rewrap(std::uint64_t& rewrapped, std::vector<std::optional<SecretBytes>>* plaintexts);

 private:
  // How the values under one (second byte, key id) decrypt.
  struct Opener {
    std::uint8_t second_byte = 0;
    KeyId key_id;
    DecryptLookup lookup;
    bool current = false;                                          // present keyring, primary version, present form
    audit::ItemReason refusal = audit::ItemReason::kNotAuthentic;  // why it does not decrypt, when it does not
  };
  ColumnWork(Unsealed& unsealed, const policy::FieldRule& rule, const FieldColumn& column, std::size_t index,
             TenantUuid tenant, std::int64_t now_unix_s);

  Status StartEncrypting();
  Status Bind(std::size_t item, const FieldForm& form);
  Result<std::string> EncryptItem(std::size_t item, ByteView plaintext);
  // Nothing: the item failed and is noted in `output`.
  Result<std::optional<SecretBytes>> DecryptItem(std::size_t item, ColumnOutput& output);
  Result<const Opener*> FindOpener(ByteView ciphertext);
  Error AtItem(Error error, std::size_t item) const;

  Unsealed* unsealed_;
  const policy::FieldRule* rule_;
  const FieldColumn* column_;
  std::size_t index_;
  TenantUuid tenant_;
  FieldPlace place_;
  std::int64_t now_unix_s_;
  bool gives_tokens_ = false;
  CipherPointer encryptor_;
  Opener opener_;  // of the item before: a batch mostly has one key
  Bytes row_;
  Bytes context_;
};

}  // namespace coffer::keysvc
