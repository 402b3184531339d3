#include "crypto/internal/xaes.h"

#include <algorithm>
#include <atomic>

#include <openssl/evp.h>

#include "crypto/cursor.h"
#include "crypto/hash.h"
#include "crypto/internal/openssl.h"

namespace coffer::internal {
namespace {

constexpr std::size_t kKeySize = 32;
constexpr std::size_t kNonceSize = 24;
constexpr std::size_t kBlockSize = 16;
constexpr std::size_t kDerivingNonceSize = 12;
constexpr std::size_t kNonceAt = 4;  // in a block M

using Block = std::array<std::byte, kBlockSize>;
using TwoBlocks = std::array<std::byte, 2 * kBlockSize>;
using CipherContext = Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

const EVP_CIPHER* FetchedEcb() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-ECB", nullptr);
  COFFER_CHECK(cipher != nullptr);
  return cipher;
}

Error LibraryFailed() { return {ErrorCode::kInternal, "the AES library failed"}; }

bool EncryptBlocks(EVP_CIPHER_CTX* context, ByteView in, MutableBytes out) {
  int size = 0;
  return EVP_EncryptUpdate(context, AsUnsigned(out), &size, AsUnsigned(in), static_cast<int>(in.size())) == 1 &&
         size == static_cast<int>(out.size());
}

// Doubling in GF(2^128), as in CMAC (NIST SP 800-38B section 6.1), without a branch on the key.
Block Doubled(const Block& block) {
  Block out{};
  unsigned carry = 0;
  for (std::size_t i = kBlockSize; i-- > 0;) {
    const auto byte = std::to_integer<unsigned>(block[i]);
    out[i] = static_cast<std::byte>((byte << 1 | carry) & 0xFFU);
    carry = byte >> 7;
  }
  out[kBlockSize - 1] ^= static_cast<std::byte>(carry * 0x87U);
  return out;
}

// M_i ^ K1 with M_i = 00 i 58 00 and a nonce of zeros.
TwoBlocks MasksOf(const Block& k1) {
  TwoBlocks masks{};
  for (std::size_t i = 0; i < masks.size(); ++i) masks[i] = k1[i % kBlockSize];
  for (std::size_t i = 0; i < 2; ++i) {
    masks[i * kBlockSize + 1] ^= static_cast<std::byte>(i + 1);
    masks[i * kBlockSize + 2] ^= std::byte{0x58};
  }
  return masks;
}

}  // namespace

// The context is the expanded key. EVP contexts are for one thread at a time: `idle` holds one for whoever comes first,
// and a second user at the same moment copies `pattern`, which nobody encrypts with.
struct XaesKey::State {
  ~State() {
    const CipherContext last(idle.load());
    Wipe(masks);
  }
  Status DeriveMessageKey(ByteView nonce, TwoBlocks& key);

  CipherContext pattern;
  std::atomic<EVP_CIPHER_CTX*> idle{nullptr};
  TwoBlocks masks{};  // M1 ^ K1 and M2 ^ K1 for a nonce of zeros: what is left to do for a message is to add its nonce.
  GcmBackend backend = GcmBackend::kAutomatic;

 private:
  CipherContext Lease();
  void Return(CipherContext context);
};

CipherContext XaesKey::State::Lease() {
  CipherContext context(idle.exchange(nullptr, std::memory_order_acquire));
  if (context != nullptr) return context;
  context.reset(EVP_CIPHER_CTX_new());
  if (context != nullptr && EVP_CIPHER_CTX_copy(context.get(), pattern.get()) != 1) context.reset();
  return context;
}

void XaesKey::State::Return(CipherContext context) {
  EVP_CIPHER_CTX* expected = nullptr;
  if (idle.compare_exchange_strong(expected, context.get(), std::memory_order_release, std::memory_order_relaxed)) {
    static_cast<void>(context.release());
  }
}

Status XaesKey::State::DeriveMessageKey(ByteView nonce, TwoBlocks& key) {
  COFFER_CHECK(nonce.size() == kNonceSize);
  TwoBlocks blocks = masks;
  for (std::size_t i = 0; i < kDerivingNonceSize; ++i) {
    blocks[kNonceAt + i] ^= nonce[i];
    blocks[kBlockSize + kNonceAt + i] ^= nonce[i];
  }
  CipherContext context = Lease();
  const bool ok = context != nullptr && EncryptBlocks(context.get(), blocks, key);
  Wipe(blocks);
  if (!ok) return LibraryFailed();
  Return(std::move(context));
  return {};
}

Result<XaesKey> XaesKey::Create(ByteView key, GcmBackend backend) {
  if (key.size() != kKeySize) return Error(ErrorCode::kInvalidArgument, "an XAES key is 32 bytes");
  if (!IsAvailable(backend)) return Error(ErrorCode::kInvalidArgument, "this processor has no AES instructions");
  auto state = std::make_unique<State>();
  state->backend = backend;
  state->pattern.reset(EVP_CIPHER_CTX_new());
  EVP_CIPHER_CTX* const context = state->pattern.get();
  if (context == nullptr || EVP_EncryptInit_ex2(context, FetchedEcb(), AsUnsigned(key), nullptr, nullptr) != 1 ||
      EVP_CIPHER_CTX_set_padding(context, 0) != 1) {
    return LibraryFailed();
  }
  Block l{};
  if (!EncryptBlocks(context, Block{}, l)) return LibraryFailed();
  Block k1 = Doubled(l);
  state->masks = MasksOf(k1);
  Wipe(k1);
  Wipe(l);
  return XaesKey(std::move(state));
}

XaesKey::XaesKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
XaesKey::~XaesKey() = default;
XaesKey::XaesKey(XaesKey&&) noexcept = default;
XaesKey& XaesKey::operator=(XaesKey&&) noexcept = default;

Status XaesKey::Encrypt(ByteView nonce, ByteView plaintext, ByteView associated_data, MutableBytes out,
                        MutableBytes tag) const {
  TwoBlocks message_key;
  COFFER_TRY(state_->DeriveMessageKey(nonce, message_key));
  Status encrypted =
      GcmEncrypt(state_->backend, message_key, nonce.subspan(kDerivingNonceSize), plaintext, associated_data, out, tag);
  Wipe(message_key);
  return encrypted;
}

Result<bool> XaesKey::Decrypt(ByteView nonce, ByteView ciphertext, ByteView tag, ByteView associated_data,
                              MutableBytes out) const {
  TwoBlocks message_key;
  COFFER_TRY(state_->DeriveMessageKey(nonce, message_key));
  auto matches = GcmDecrypt(state_->backend, message_key, nonce.subspan(kDerivingNonceSize), ciphertext, tag,
                            associated_data, out);
  Wipe(message_key);
  return matches;
}

std::array<std::byte, 32> Commitment(const SecretBytes& commitment_key, ByteView nonce, ByteView associated_data,
                                     ByteView tag) {
  static constexpr std::string_view kLabel("coffer/v1/cmt\0", 14);
  std::array<std::byte, 4> size{};
  StoreU32(size, static_cast<std::uint32_t>(associated_data.size()));
  return Sha256({AsBytes(kLabel), commitment_key.Expose(SecretAccess::kCipher), nonce, size, associated_data, tag});
}

}  // namespace coffer::internal
