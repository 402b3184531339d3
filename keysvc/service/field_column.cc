#include "keysvc/service/field_column.h"

namespace coffer::keysvc {
namespace {

// What the largest plaintext can become: header, nonce, tag, commitment and a block of padding.
constexpr std::size_t kMaxFieldCiphertext = kMaxFieldValue + 82 + kMaxPadMultiple;

Error Retired() { return Error(ErrorCode::kFailedPrecondition, "is retired from its catalog").At("field"); }

std::string ColumnPath(std::size_t index) { return "columns[" + std::to_string(index) + "]"; }

std::size_t SizeOf(const ScalarView& value) {
  if (const auto* text = std::get_if<TextView>(&value)) return text->text.size();
  if (const auto* bytes = std::get_if<BytesView>(&value)) return bytes->bytes.size();
  return sizeof(Uuid);
}

Status CheckColumn(const FieldColumn& column, bool decrypting, std::size_t& bytes) {
  for (std::size_t item = 0; item < column.values.size(); ++item) {
    bytes += column.values[item].size();
    // A ciphertext comes from the database: one that is too long fails alone (DecryptItem).
    if (decrypting || column.values[item].size() <= kMaxFieldValue) continue;
    return Error(ErrorCode::kInvalidArgument, "is longer than allowed")
        .At("values[" + std::to_string(item) + "]")
        .WithLimit(kMaxFieldValue);
  }
  for (const ScalarView& part : column.row_parts) bytes += SizeOf(part);
  for (const BoundColumn& bound : column.contexts) bytes += bound.column.size() + SizeOf(bound.value);
  if (column.row_parts.size() != column.row_width * column.values.size()) {
    return Error(ErrorCode::kInvalidArgument, "must be one a value, or none").At("rows");
  }
  if (column.contexts.size() != column.context_width * column.values.size()) {
    return Error(ErrorCode::kInvalidArgument, "must be one a value, or none").At("contexts");
  }
  return {};
}

}  // namespace

Status CheckFieldLimits(const std::vector<FieldColumn>& columns, bool decrypting) {
  if (columns.size() > kMaxColumns) {
    return Error(ErrorCode::kInvalidArgument, "has more columns than allowed").At("columns").WithLimit(kMaxColumns);
  }
  std::size_t items = 0;
  for (const FieldColumn& column : columns) items += column.values.size();
  if (items == 0) return Error(ErrorCode::kInvalidArgument, "has no values").At("columns");
  if (items > kMaxItems)
    return Error(ErrorCode::kInvalidArgument, "has more values than allowed").At("columns").WithLimit(kMaxItems);
  std::size_t bytes = 0;
  for (std::size_t index = 0; index < columns.size(); ++index) {
    Status checked = CheckColumn(columns[index], decrypting, bytes);
    if (!checked.ok()) return std::move(checked).error().At(ColumnPath(index));
  }
  if (bytes > kMaxCallBytes)
    return Error(ErrorCode::kInvalidArgument, "has more bytes than allowed").At("columns").WithLimit(kMaxCallBytes);
  return {};
}

ColumnWork::ColumnWork(Unsealed& unsealed, const policy::FieldRule& rule, const FieldColumn& column, std::size_t index,
                       TenantUuid tenant, std::int64_t now_unix_s)
    : unsealed_(&unsealed),
      rule_(&rule),
      column_(&column),
      index_(index),
      tenant_(tenant),
      place_{.scope = rule.scope, .tenant = tenant, .field = rule.field},
      now_unix_s_(now_unix_s) {}

Result<ColumnWork> ColumnWork::Create(Unsealed& unsealed, const policy::CatalogView& view, const FieldColumn& column,
                                      std::size_t index, std::int64_t now_unix_s) {
  const policy::FieldRule* rule = column.field == policy::kBuiltinSecretName ? nullptr : view.Find(column.field);
  if (rule == nullptr) {
    return Error(ErrorCode::kInvalidArgument, "is not a field of an applied catalog").At("field").At(ColumnPath(index));
  }
  Result<TenantUuid> tenant = unsealed.keys->ResolveTenant(column.tenant);
  if (!tenant.ok()) return std::move(tenant).error().At(ColumnPath(index));
  return ColumnWork(unsealed, *rule, column, index, *tenant, now_unix_s);
}

Error ColumnWork::AtItem(Error error, std::size_t item) const {
  return std::move(error).At("values[" + std::to_string(item) + "]").At(ColumnPath(index_));
}

bool ColumnWork::NeedsDataKey() const { return !unsealed_->keys->HasDataKey(rule_->keyrings.front(), tenant_); }

bool ColumnWork::NeedsIndexKey() const {
  return gives_tokens_ && keysvc::NeedsIndexKey(*unsealed_->keys, *rule_, tenant_);
}

ActScope ColumnWork::scope() const { return ActScope::OfField(*rule_, column_->tenant); }

std::span<const policy::IndexRule> ColumnWork::indexes() const {
  return gives_tokens_ ? std::span<const policy::IndexRule>(rule_->indexes) : std::span<const policy::IndexRule>();
}

Status ColumnWork::CheckEncryptable() {
  if (rule_->retired) return Retired().At(ColumnPath(index_));
  for (std::size_t item = 0; item < column_->values.size(); ++item) COFFER_TRY(Bind(item, rule_->form));
  return {};
}

Status ColumnWork::StartEncrypting() {
  if (rule_->retired) return Retired().At(ColumnPath(index_));
  Result<CipherPointer> cipher =
      unsealed_->keys->CipherForEncrypt({.keyring = rule_->keyrings.front(), .place = place_, .form = rule_->form});
  if (!cipher.ok()) return std::move(cipher).error().At(ColumnPath(index_));
  encryptor_ = std::move(cipher).value();
  return {};
}

Status ColumnWork::Bind(std::size_t item, const FieldForm& form) {
  const std::span<const ScalarView> row =
      std::span(column_->row_parts).subspan(item * column_->row_width, column_->row_width);
  const std::span<const BoundColumn> context =
      std::span(column_->contexts).subspan(item * column_->context_width, column_->context_width);
  Status bound = policy::EncodeBinding(*rule_, form, row, context, row_, context_);
  if (!bound.ok()) return AtItem(std::move(bound).error(), item);
  return {};
}

Result<std::string> ColumnWork::EncryptItem(std::size_t item, ByteView plaintext) {
  COFFER_TRY(Bind(item, rule_->form));
  std::string ciphertext(rule_->form.CiphertextSize(plaintext.size()), '\0');
  COFFER_TRY(encryptor_->Encrypt(plaintext, {.row = row_, .context = context_}, AsMutableBytes(ciphertext)));
  return ciphertext;
}

Result<ColumnOutput> ColumnWork::Encrypt() {
  COFFER_TRY(StartEncrypting());
  ColumnOutput output;
  output.keys.insert(encryptor_->key_id().value);
  output.values.reserve(column_->values.size());
  for (std::size_t item = 0; item < column_->values.size(); ++item) {
    COFFER_ASSIGN_OR_RETURN(std::string ciphertext, EncryptItem(item, column_->values[item]));
    output.values.push_back(std::move(ciphertext));
  }
  return output;
}

// The key is found by its id, never by trial: of the field's keyrings only the one that has this id is used, and only
// in a form that the catalog accepts. What is not found is decrypted all the same, by a key that fits nothing, so that
// it takes the same work.
Result<const ColumnWork::Opener*> ColumnWork::FindOpener(ByteView ciphertext) {
  const std::optional<FieldHeader> header = FieldHeader::Parse(ciphertext);
  const std::uint8_t second_byte = header ? header->second_byte : 0;
  const KeyId key_id = header ? header->key_id : KeyId{};
  if (opener_.lookup.cipher != nullptr && opener_.second_byte == second_byte && opener_.key_id == key_id)
    return &opener_;
  opener_ = Opener{.second_byte = second_byte, .key_id = key_id, .lookup = {}};
  opener_.refusal = header ? audit::ItemReason::kOtherForm : audit::ItemReason::kMalformed;
  for (const std::string& keyring : rule_->keyrings) {
    const FieldForm* form = rule_->FindForm(second_byte, keyring, now_unix_s_);
    if (form == nullptr) continue;
    COFFER_ASSIGN_OR_RETURN(opener_.lookup, unsealed_->keys->CipherForDecrypt(
                                                {.keyring = keyring, .place = place_, .form = *form}, key_id));
    opener_.refusal = audit::ItemReason::kUnknownKey;
    if (opener_.lookup.outcome == DecryptLookup::Outcome::kUnknown) continue;
    opener_.refusal = opener_.lookup.outcome == DecryptLookup::Outcome::kRefused ? audit::ItemReason::kKeyDisabled
                                                                                 : audit::ItemReason::kNotAuthentic;
    opener_.current = opener_.lookup.primary && keyring == rule_->keyrings.front() && *form == rule_->form;
    return &opener_;
  }
  if (opener_.lookup.cipher == nullptr) {
    const FieldPlaceAndForm field{.keyring = rule_->keyrings.front(), .place = place_, .form = rule_->form};
    COFFER_ASSIGN_OR_RETURN(opener_.lookup, unsealed_->keys->CipherForDecrypt(field, KeyId{}));
  }
  return &opener_;
}

Result<std::optional<SecretBytes>> ColumnWork::DecryptItem(std::size_t item, ColumnOutput& output) {
  const ByteView ciphertext = column_->values[item];
  COFFER_ASSIGN_OR_RETURN(const Opener* opener, FindOpener(ciphertext));
  // The request is checked against the declaration whatever the ciphertext turns out to be.
  COFFER_TRY(Bind(item, rule_->form));
  ItemFailure failure = ItemFailure::kKeyDisabled;
  audit::ItemReason reason = opener->refusal;
  if (opener->lookup.outcome != DecryptLookup::Outcome::kRefused) {
    failure = ItemFailure::kDecryptFailed;
    const FieldCipher& cipher = *opener->lookup.cipher;
    // A former form, which the ciphertext names, may bind what the request need not say now: the item's failure.
    const bool binds = cipher.form() == rule_->form || Bind(item, cipher.form()).ok();
    if (!binds) reason = audit::ItemReason::kOtherBinding;
    if (binds && ciphertext.size() <= kMaxFieldCiphertext) {
      Result<SecretBytes> plaintext = cipher.Decrypt(ciphertext, {.row = row_, .context = context_});
      if (plaintext.ok()) {
        output.keys.insert(opener->key_id.value);
        return std::optional<SecretBytes>(std::move(plaintext).value());
      }
      if (plaintext.error().code() != ErrorCode::kDecryptFailed) return std::move(plaintext).error();
    }
  }
  if (ciphertext.size() > kMaxFieldCiphertext) reason = audit::ItemReason::kMalformed;
  output.failures.emplace_back(static_cast<std::uint32_t>(item), failure);
  ++output.reasons[reason];
  return std::optional<SecretBytes>();
}

Result<ColumnOutput> ColumnWork::Decrypt() {
  ColumnOutput output;
  output.values.reserve(column_->values.size());
  for (std::size_t item = 0; item < column_->values.size(); ++item) {
    COFFER_ASSIGN_OR_RETURN(const std::optional<SecretBytes> plaintext, DecryptItem(item, output));
    output.values.emplace_back(plaintext ? AsText(plaintext->Expose(SecretAccess::kReply)) : std::string_view());
  }
  return output;
}

Result<ColumnOutput> ColumnWork::Rewrap(std::uint64_t& rewrapped, std::vector<std::optional<SecretBytes>>* plaintexts) {
  COFFER_TRY(StartEncrypting());
  ColumnOutput output;
  output.keys.insert(encryptor_->key_id().value);
  output.values.reserve(column_->values.size());
  for (std::size_t item = 0; item < column_->values.size(); ++item) {
    COFFER_ASSIGN_OR_RETURN(std::optional<SecretBytes> plaintext, DecryptItem(item, output));
    if (!plaintext) {
      output.values.emplace_back();
    } else if (opener_.current) {
      output.values.emplace_back(AsText(column_->values[item]));
    } else {
      COFFER_ASSIGN_OR_RETURN(std::string ciphertext, EncryptItem(item, plaintext->Expose(SecretAccess::kCipher)));
      output.values.push_back(std::move(ciphertext));
      ++rewrapped;
    }
    if (plaintexts != nullptr) plaintexts->push_back(std::move(plaintext));
  }
  return output;
}

}  // namespace coffer::keysvc
