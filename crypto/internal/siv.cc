#include "crypto/internal/siv.h"

#include <algorithm>
#include <array>

#include <openssl/evp.h>

#include "crypto/internal/spare_context.h"

namespace coffer::internal {
namespace {

constexpr std::size_t kBlockSize = 16;
constexpr std::size_t kBlocksAtOnce = 16;
constexpr std::size_t kMaxComponents = 126;

using Block = std::array<std::byte, kBlockSize>;

EVP_CIPHER_CTX* Duplicate(const EVP_CIPHER_CTX* pattern) {
  Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free> copy(EVP_CIPHER_CTX_new());
  if (copy == nullptr || EVP_CIPHER_CTX_copy(copy.get(), pattern) != 1) return nullptr;
  return copy.release();
}
using AesContext = SpareContext<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free, Duplicate>;

const EVP_CIPHER* FetchedEcb(std::size_t key_size) {
  static const EVP_CIPHER* const aes128 = EVP_CIPHER_fetch(nullptr, "AES-128-ECB", nullptr);
  static const EVP_CIPHER* const aes256 = EVP_CIPHER_fetch(nullptr, "AES-256-ECB", nullptr);
  COFFER_CHECK(aes128 != nullptr && aes256 != nullptr);
  return key_size == 16 ? aes128 : aes256;
}

Error LibraryFailed() { return {ErrorCode::kInternal, "the AES library failed"}; }

// In place: `blocks` is a multiple of a block.
bool EncryptBlocks(EVP_CIPHER_CTX* context, MutableBytes blocks) {
  int size = 0;
  const int all = static_cast<int>(blocks.size());
  return EVP_EncryptUpdate(context, AsUnsigned(blocks), &size, AsUnsigned(ByteView(blocks)), all) == 1 && size == all;
}

void XorInto(MutableBytes into, ByteView bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) into[i] ^= bytes[i];
}

// Doubling in GF(2^128) (RFC 5297 section 2.3), without a branch on the key.
void Double(Block& block) {
  unsigned carry = 0;
  for (std::size_t i = kBlockSize; i-- > 0;) {
    const auto byte = std::to_integer<unsigned>(block[i]);
    block[i] = static_cast<std::byte>((byte << 1 | carry) & 0xFFU);
    carry = byte >> 7;
  }
  block[kBlockSize - 1] ^= static_cast<std::byte>(carry * 0x87U);
}

// A block that is wiped at the end of its scope.
struct SecretBlock {
  SecretBlock() = default;
  SecretBlock(const SecretBlock&) = delete;
  SecretBlock& operator=(const SecretBlock&) = delete;
  ~SecretBlock() { Wipe(bytes); }
  Block bytes{};
};

}  // namespace

struct SivKey::State {
  State(AesContext::Handle mac_pattern, AesContext::Handle ctr_pattern)
      : mac(std::move(mac_pattern)), ctr(std::move(ctr_pattern)) {}
  ~State() {
    Wipe(whole);
    Wipe(partial);
    Wipe(zero);
  }

  bool MakeSubkeys();
  // CMAC (NIST SP 800-38B section 6.2). The 16 bytes of `end_mask`, where given, are first added to the last ones of
  // `message`, which then has at least as many (RFC 5297's xorend).
  bool Cmac(EVP_CIPHER_CTX* context, ByteView message, const Block* end_mask, Block& out) const;
  bool S2v(std::span<const ByteView> components, ByteView plaintext, MutableBytes v);
  bool Ctr(ByteView v, ByteView in, MutableBytes out);

  AesContext mac;
  AesContext ctr;
  Block whole{};    // K1 of CMAC: added to a last block that is whole
  Block partial{};  // K2 of CMAC: added to one that was filled up
  Block zero{};     // CMAC of a block of zeros, where S2V starts
};

bool SivKey::State::MakeSubkeys() {
  AesContext::Handle context = mac.Lease();
  if (context == nullptr || !EncryptBlocks(context.get(), whole)) return false;
  Double(whole);
  partial = whole;
  Double(partial);
  const Block zeros{};
  if (!Cmac(context.get(), zeros, nullptr, zero)) return false;
  mac.Return(std::move(context));
  return true;
}

bool SivKey::State::Cmac(EVP_CIPHER_CTX* context, ByteView message, const Block* end_mask, Block& out) const {
  const std::size_t mask_at = end_mask == nullptr ? message.size() : message.size() - kBlockSize;
  std::size_t at = 0;
  out = {};
  for (bool last = false; !last;) {
    const std::size_t size = std::min(kBlockSize, message.size() - at);
    last = at + size == message.size();
    XorInto(out, message.subspan(at, size));
    // The mask lies over the last 16 bytes, so over the end of one block and the start of the next.
    for (std::size_t i = mask_at > at ? mask_at - at : 0; i < size; ++i) out[i] ^= (*end_mask)[at + i - mask_at];
    if (last && size < kBlockSize) out[size] ^= std::byte{0x80};
    if (last) XorInto(out, size == kBlockSize ? whole : partial);
    if (!EncryptBlocks(context, out)) return false;
    at += size;
  }
  return true;
}

bool SivKey::State::S2v(std::span<const ByteView> components, ByteView plaintext, MutableBytes v) {
  COFFER_CHECK(components.size() <= kMaxComponents && v.size() == kSivSize);
  AesContext::Handle context = mac.Lease();
  if (context == nullptr) return false;
  SecretBlock sum;
  SecretBlock next;
  sum.bytes = zero;
  for (ByteView component : components) {
    Double(sum.bytes);
    if (!Cmac(context.get(), component, nullptr, next.bytes)) return false;
    XorInto(sum.bytes, next.bytes);
  }
  bool done = false;
  if (plaintext.size() >= kBlockSize) {
    done = Cmac(context.get(), plaintext, &sum.bytes, next.bytes);
  } else {
    Double(sum.bytes);
    XorInto(sum.bytes, plaintext);
    sum.bytes[plaintext.size()] ^= std::byte{0x80};
    done = Cmac(context.get(), sum.bytes, nullptr, next.bytes);
  }
  if (!done) return false;
  std::copy(next.bytes.begin(), next.bytes.end(), v.begin());
  mac.Return(std::move(context));
  return true;
}

// CTR from V with bits 31 and 63 cleared (RFC 5297 section 2.5). So the last 32 bits count to 2^31 without a carry.
bool SivKey::State::Ctr(ByteView v, ByteView in, MutableBytes out) {
  COFFER_CHECK(v.size() == kSivSize && in.size() == out.size());
  if (in.empty()) return true;
  AesContext::Handle context = ctr.Lease();
  if (context == nullptr) return false;
  Block counter{};
  std::copy(v.begin(), v.end(), counter.begin());
  counter[8] &= std::byte{0x7F};
  counter[12] &= std::byte{0x7F};
  std::array<std::byte, kBlocksAtOnce * kBlockSize> stream;  // Written before it is read.
  bool ok = true;
  for (std::size_t at = 0; ok && at < in.size(); at += stream.size()) {
    const std::size_t size = std::min(stream.size(), in.size() - at);
    const std::size_t blocks = (size + kBlockSize - 1) / kBlockSize;
    for (std::size_t i = 0; i < blocks; ++i) {
      std::copy(counter.begin(), counter.end(), stream.begin() + static_cast<std::ptrdiff_t>(i * kBlockSize));
      for (std::size_t place = kBlockSize; place-- > 0;) {
        counter[place] = static_cast<std::byte>(std::to_integer<unsigned>(counter[place]) + 1U);
        if (counter[place] != std::byte{0}) break;
      }
    }
    ok = EncryptBlocks(context.get(), MutableBytes(stream).first(blocks * kBlockSize));
    for (std::size_t i = 0; ok && i < size; ++i) out[at + i] = in[at + i] ^ stream[i];
  }
  Wipe(stream);
  if (ok) ctr.Return(std::move(context));
  return ok;
}

Result<SivKey> SivKey::Create(ByteView key) {
  if (key.size() != 32 && key.size() != 64) return Error(ErrorCode::kInvalidArgument, "a SIV key is 32 or 64 bytes");
  const std::size_t half = key.size() / 2;
  std::array<AesContext::Handle, 2> patterns;
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    patterns[i].reset(EVP_CIPHER_CTX_new());
    EVP_CIPHER_CTX* const context = patterns[i].get();
    if (context == nullptr ||
        EVP_EncryptInit_ex2(context, FetchedEcb(half), AsUnsigned(key.subspan(i * half, half)), nullptr, nullptr) !=
            1 ||
        EVP_CIPHER_CTX_set_padding(context, 0) != 1) {
      return LibraryFailed();
    }
  }
  auto state = std::make_unique<State>(std::move(patterns[0]), std::move(patterns[1]));
  if (!state->MakeSubkeys()) return LibraryFailed();
  return SivKey(std::move(state));
}

SivKey::SivKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
SivKey::~SivKey() = default;
SivKey::SivKey(SivKey&&) noexcept = default;
SivKey& SivKey::operator=(SivKey&&) noexcept = default;

Status SivKey::Encrypt(std::span<const ByteView> components, ByteView plaintext, MutableBytes v,
                       MutableBytes out) const {
  if (!state_->S2v(components, plaintext, v) || !state_->Ctr(v, plaintext, out)) return LibraryFailed();
  return {};
}

Result<bool> SivKey::Decrypt(std::span<const ByteView> components, ByteView v, ByteView ciphertext,
                             MutableBytes out) const {
  SecretBlock expected;
  const bool ok = state_->Ctr(v, ciphertext, out) && state_->S2v(components, out, expected.bytes);
  const bool matches = ok && EqualConstantTime(v, expected.bytes);
  if (!matches) Wipe(out);
  if (!ok) return LibraryFailed();
  return matches;
}

}  // namespace coffer::internal
