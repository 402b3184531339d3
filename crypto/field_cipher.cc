#include "crypto/field_cipher.h"

#include <algorithm>
#include <limits>
#include <variant>

#include "crypto/cursor.h"
#include "crypto/internal/siv.h"
#include "crypto/internal/xaes.h"

namespace coffer {
namespace {

using internal::kTagSize;

constexpr std::string_view kLabel("coffer/v1/aad\0", 14);
constexpr std::size_t kDataKeySize = 32;
constexpr std::size_t kNonceSize = sizeof(Nonce);
constexpr std::size_t kIdsSize = 3 * 16;
constexpr std::size_t kPrefixSize = kLabel.size() + kFieldHeaderSize + kIdsSize;
constexpr std::byte kPadMarker{0x80};

using Prefix = std::array<std::byte, kPrefixSize>;

Error DecryptFailed() { return {ErrorCode::kDecryptFailed, "the value does not decrypt here"}; }

Prefix MakePrefix(ByteView header, const FieldPlace& place) {
  Prefix prefix{};
  auto at = prefix.begin();
  for (ByteView piece : {AsBytes(kLabel), header, place.scope.view(), place.tenant.view(), place.field.view()}) {
    at = std::copy(piece.begin(), piece.end(), at);
  }
  return prefix;
}

// The associated data of one value: on the stack unless its binding is long.
class AssociatedData {
 public:
  AssociatedData(const Prefix& prefix, const Binding& binding)
      : size_(prefix.size() + 4 + binding.row.size() + 4 + binding.context.size()) {
    if (size_ > short_.size()) long_.resize(size_);
    MutableBytes rest = size_ > short_.size() ? MutableBytes(long_) : MutableBytes(short_).first(size_);
    rest = Put(rest, prefix);
    rest = PutLengthPrefixed(rest, binding.row);
    PutLengthPrefixed(rest, binding.context);
  }
  ByteView view() const { return size_ > short_.size() ? ByteView(long_) : ByteView(short_).first(size_); }

 private:
  static MutableBytes Put(MutableBytes out, ByteView bytes) {
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return out.subspan(bytes.size());
  }
  static MutableBytes PutLengthPrefixed(MutableBytes out, ByteView bytes) {
    StoreU32(out.first(4), static_cast<std::uint32_t>(bytes.size()));
    return Put(out.subspan(4), bytes);
  }

  std::size_t size_;
  std::array<std::byte, 512> short_;  // Written before it is read.
  Bytes long_;
};

// The body of a ciphertext, cut into its parts.
template <typename Span>
struct Parts {
  Span nonce;  // empty in suite 4
  Span content;
  Span tag;         // suite 4: V, in front of the content
  Span commitment;  // empty but in suite 2

  Parts(Span body, Suite suite) {
    if (suite == Suite::kAes256Siv) {
      tag = body.first(kTagSize);
      content = body.subspan(kTagSize);
      return;
    }
    const std::size_t commitment_size = suite == Suite::kXaes256GcmCommitting ? sizeof(Digest) : 0;
    nonce = body.first(kNonceSize);
    content = body.subspan(kNonceSize, body.size() - kNonceSize - kTagSize - commitment_size);
    tag = body.subspan(kNonceSize + content.size(), kTagSize);
    commitment = body.last(commitment_size);
  }
};

// The size of the plaintext in front of the padding, or nothing when the padding is not what encryption makes.
std::optional<std::size_t> UnpaddedSize(ByteView content, std::size_t multiple) {
  if (multiple == 0) return content.size();
  if (content.size() % multiple != 0) return std::nullopt;
  const std::size_t least = content.size() - std::min(content.size(), multiple);
  for (std::size_t i = content.size(); i-- > least;) {
    if (content[i] == kPadMarker) return i;
    if (content[i] != std::byte{0}) return std::nullopt;
  }
  return std::nullopt;
}

Status CheckForm(const SecretBytes& data_key, KeyId id, const FieldForm& form) {
  if (data_key.size() != kDataKeySize) return Error(ErrorCode::kInvalidArgument, "a data key is 32 bytes");
  if (!id.IsValid()) return Error(ErrorCode::kInvalidArgument, "a key id is 1 to 2^63 - 1");
  if (form.pad_multiple > kMaxPadMultiple) {
    return Error(ErrorCode::kInvalidArgument, "the padding multiple is too large").WithLimit(kMaxPadMultiple);
  }
  switch (form.suite) {
    case Suite::kXaes256Gcm:
    case Suite::kXaes256GcmCommitting:
      return {};
    case Suite::kAes256Siv:
      if (form.row_bound) return Error(ErrorCode::kInvalidArgument, "the deterministic suite is never row-bound");
      return {};
  }
  return Error(ErrorCode::kInvalidArgument, "the suite is unknown");
}

// The least body of a ciphertext.
std::size_t LeastBody(Suite suite) { return FieldForm{suite, 0, false, false}.CiphertextSize(0) - kFieldHeaderSize; }

using ContentKey = std::variant<internal::XaesKey, internal::SivKey>;

Result<ContentKey> MakeContentKey(bool is_siv, const SecretBytes& key) {
  const ByteView bytes = key.Expose(SecretAccess::kCipher);
  if (is_siv) {
    COFFER_ASSIGN_OR_RETURN(ContentKey siv, internal::SivKey::Create(bytes));
    return siv;
  }
  COFFER_ASSIGN_OR_RETURN(ContentKey xaes, internal::XaesKey::Create(bytes));
  return xaes;
}

}  // namespace

struct FieldCipher::State {
  FieldForm form;
  KeyId key_id;
  std::array<std::byte, kFieldHeaderSize> header{};
  Prefix prefix{};
  ContentKey encryption;
  SecretBytes commitment;  // empty in suite 4

  Status CheckBinding(const Binding& binding) const;
  Status EncryptContent(ByteView content, ByteView associated_data, const Parts<MutableBytes>& parts) const;
  Result<bool> DecryptContent(const Parts<ByteView>& parts, ByteView associated_data, MutableBytes out) const;
};

Status FieldCipher::State::CheckBinding(const Binding& binding) const {
  constexpr std::size_t kMaxPart = std::numeric_limits<int>::max() / 4;
  if (binding.row.empty() == form.row_bound || binding.context.empty() == form.context_bound ||
      binding.row.size() > kMaxPart || binding.context.size() > kMaxPart) {
    return Error(ErrorCode::kInternal, "the binding does not fit the field's form");
  }
  return {};
}

Status FieldCipher::State::EncryptContent(ByteView content, ByteView associated_data,
                                          const Parts<MutableBytes>& parts) const {
  if (const auto* siv = std::get_if<internal::SivKey>(&encryption)) {
    return siv->Encrypt({&associated_data, 1}, content, parts.tag, parts.content);
  }
  const Nonce nonce = NextNonce();
  std::copy(nonce.begin(), nonce.end(), parts.nonce.begin());
  COFFER_TRY(
      std::get<internal::XaesKey>(encryption).Encrypt(nonce, content, associated_data, parts.content, parts.tag));
  if (form.suite == Suite::kXaes256GcmCommitting) {
    const Digest digest = internal::Commitment(commitment, nonce, associated_data, parts.tag);
    std::copy(digest.begin(), digest.end(), parts.commitment.begin());
  }
  return {};
}

// Both checks are always made, and only their conjunction is told.
Result<bool> FieldCipher::State::DecryptContent(const Parts<ByteView>& parts, ByteView associated_data,
                                                MutableBytes out) const {
  if (const auto* siv = std::get_if<internal::SivKey>(&encryption)) {
    return siv->Decrypt({&associated_data, 1}, parts.tag, parts.content, out);
  }
  bool commits = true;
  if (form.suite == Suite::kXaes256GcmCommitting) {
    commits =
        EqualConstantTime(parts.commitment, internal::Commitment(commitment, parts.nonce, associated_data, parts.tag));
  }
  const auto& xaes = std::get<internal::XaesKey>(encryption);
  COFFER_ASSIGN_OR_RETURN(const bool matches,
                          xaes.Decrypt(parts.nonce, parts.content, parts.tag, associated_data, out));
  return matches && commits;
}

Result<FieldCipher> FieldCipher::Create(const SecretBytes& data_key, KeyId id, const FieldForm& form,
                                        const FieldPlace& place) {
  COFFER_TRY(CheckForm(data_key, id, form));
  const bool is_siv = form.suite == Suite::kAes256Siv;
  FieldKeys keys = is_siv ? FieldKeys{DeriveDeterministicKey(data_key, place.tenant, place.field), {}}
                          : DeriveFieldKeys(data_key, form.suite, place.tenant, place.field);
  COFFER_ASSIGN_OR_RETURN(ContentKey encryption, MakeContentKey(is_siv, keys.encryption));
  auto state = std::make_unique<State>(State{form, id, {}, {}, std::move(encryption), std::move(keys.commitment)});
  FieldHeader{form.SecondByte(), id}.Write(state->header);
  state->prefix = MakePrefix(state->header, place);
  return FieldCipher(std::move(state));
}

FieldCipher::FieldCipher(std::unique_ptr<State> state) : state_(std::move(state)) {}
FieldCipher::~FieldCipher() = default;
FieldCipher::FieldCipher(FieldCipher&&) noexcept = default;
FieldCipher& FieldCipher::operator=(FieldCipher&&) noexcept = default;

const FieldForm& FieldCipher::form() const { return state_->form; }
KeyId FieldCipher::key_id() const { return state_->key_id; }

Status FieldCipher::Encrypt(ByteView plaintext, const Binding& binding, MutableBytes out) const {
  COFFER_TRY(state_->CheckBinding(binding));
  if (out.size() != state_->form.CiphertextSize(plaintext.size())) {
    return Error(ErrorCode::kInternal, "the room for the ciphertext has another size");
  }
  std::copy(state_->header.begin(), state_->header.end(), out.begin());
  const Parts<MutableBytes> parts(out.subspan(kFieldHeaderSize), state_->form.suite);
  ByteView content = plaintext;
  if (state_->form.pad_multiple != 0) {
    auto end = std::copy(plaintext.begin(), plaintext.end(), parts.content.begin());
    *end++ = kPadMarker;
    std::fill(end, parts.content.end(), std::byte{0});
    content = parts.content;
  }
  const AssociatedData associated_data(state_->prefix, binding);
  return state_->EncryptContent(content, associated_data.view(), parts);
}

Result<SecretBytes> FieldCipher::Decrypt(ByteView ciphertext, const Binding& binding) const {
  COFFER_TRY(state_->CheckBinding(binding));
  // What cannot be this cipher's is decrypted all the same, its end or a block of zeros, so that no check shows in the
  // time.
  static constexpr std::array<std::byte, kNonceSize + kTagSize + sizeof(Digest)> kNoBody{};
  const std::size_t body_size = LeastBody(state_->form.suite);
  const bool is_long_enough = ciphertext.size() >= kFieldHeaderSize + body_size;
  const bool is_ours = is_long_enough && EqualConstantTime(ciphertext.first(kFieldHeaderSize), state_->header);
  const ByteView body = is_long_enough ? ciphertext.subspan(kFieldHeaderSize) : ByteView(kNoBody).first(body_size);

  const Parts<ByteView> parts(body, state_->form.suite);
  const AssociatedData associated_data(state_->prefix, binding);
  SecretBytes plaintext(parts.content.size());
  COFFER_ASSIGN_OR_RETURN(const bool decrypted, state_->DecryptContent(parts, associated_data.view(),
                                                                       plaintext.ExposeMutable(SecretAccess::kCipher)));
  if (!is_ours || !decrypted) return DecryptFailed();
  const auto size = UnpaddedSize(plaintext.Expose(SecretAccess::kCipher), state_->form.pad_multiple);
  if (!size) return DecryptFailed();
  plaintext.Truncate(*size);
  return plaintext;
}

}  // namespace coffer
