#include "crypto/audit_key.h"

#include "crypto/internal/keyed_hmac.h"
#include "crypto/internal/xaes.h"

namespace coffer {
namespace {

constexpr std::size_t kNonceSize = 24;
constexpr std::size_t kKeySize = 32;
constexpr std::string_view kLabel("coffer/v1/audit-personal\0", 25);

Bytes AssociatedData(ByteView record_id) {
  Bytes data = CopyOf(AsBytes(kLabel));
  Append(data, record_id);
  return data;
}

}  // namespace

struct AuditKey::State {
  internal::XaesKey personal;
  internal::KeyedHmac rows;
};

AuditKey::AuditKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
AuditKey::~AuditKey() = default;
AuditKey::AuditKey(AuditKey&&) noexcept = default;
AuditKey& AuditKey::operator=(AuditKey&&) noexcept = default;

Result<AuditKey> AuditKey::Create(const SecretBytes& month_key) {
  if (month_key.size() != kKeySize) {
    return Error(ErrorCode::kInvalidArgument, "an audit key is 32 bytes").WithLimit(kKeySize);
  }
  const AuditKeys keys = DeriveAuditKeys(month_key);
  COFFER_ASSIGN_OR_RETURN(internal::XaesKey personal,
                          internal::XaesKey::Create(keys.personal.Expose(SecretAccess::kCipher)));
  COFFER_ASSIGN_OR_RETURN(internal::KeyedHmac rows, internal::KeyedHmac::Create(keys.rows));
  return AuditKey(std::make_unique<State>(State{.personal = std::move(personal), .rows = std::move(rows)}));
}

Result<Bytes> AuditKey::Encrypt(ByteView plaintext, ByteView record_id) const {
  const Nonce nonce = NextNonce();
  Bytes out(kOverhead + plaintext.size());
  const MutableBytes all(out);
  std::copy(nonce.begin(), nonce.end(), out.begin());
  COFFER_TRY(state_->personal.Encrypt(nonce, plaintext, AssociatedData(record_id),
                                      all.subspan(kNonceSize, plaintext.size()),
                                      all.subspan(kNonceSize + plaintext.size())));
  return out;
}

Result<SecretBytes> AuditKey::Decrypt(ByteView encrypted, ByteView record_id) const {
  const Error failed(ErrorCode::kDecryptFailed, "the personal part of an audit record does not decrypt");
  if (encrypted.size() < kOverhead) return failed;
  const std::size_t size = encrypted.size() - kOverhead;
  SecretBytes plaintext(size);
  COFFER_ASSIGN_OR_RETURN(const bool whole,
                          state_->personal.Decrypt(encrypted.first(kNonceSize), encrypted.subspan(kNonceSize, size),
                                                   encrypted.subspan(kNonceSize + size), AssociatedData(record_id),
                                                   plaintext.ExposeMutable(SecretAccess::kCipher)));
  if (!whole) return failed;
  return plaintext;
}

Result<Digest> AuditKey::RowMac(ByteView row) const { return state_->rows.Of({row}); }

}  // namespace coffer
