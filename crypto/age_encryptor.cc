#include <algorithm>

#include "crypto/age_file.h"
#include "crypto/internal/age_seeds.h"
#include "crypto/internal/age_x25519.h"
#include "crypto/random.h"

namespace coffer {
namespace {

using internal::AgeChunks;
using internal::AgeSeeds;
using internal::AgeStanza;
using internal::kAgeChunkSize;
using internal::kAgeTagSize;

constexpr std::size_t kEphemeralSize = 32;
constexpr std::uint64_t kStanzaSize = 98;      // "-> X25519 ", twice 43 characters, two line feeds
constexpr std::uint64_t kFrameSize = 22 + 48;  // the version's line and the MAC's

// Header and payload nonce: all that stands before the chunks.
Result<Bytes> MakeFront(std::span<const AgeRecipient> recipients, const AgeSeeds& seeds) {
  std::vector<AgeStanza> stanzas;
  for (std::size_t i = 0; i < recipients.size(); ++i) {
    COFFER_ASSIGN_OR_RETURN(AgeStanza stanza,
                            internal::WrapAgeFileKey(seeds.file_key, recipients[i], seeds.ephemerals[i]));
    stanzas.push_back(std::move(stanza));
  }
  Bytes front = internal::AgeHeaderUnderMac(stanzas);
  Append(front, AsBytes(internal::AgeMacLine(internal::AgeHeaderMac(seeds.file_key, front))));
  Append(front, seeds.nonce);
  return front;
}

}  // namespace

AgeSeeds internal::AgeSeeds::Generate(std::size_t recipients) {
  AgeSeeds seeds;
  seeds.file_key = RandomSecret(internal::kAgeFileKeySize);
  for (std::size_t i = 0; i < recipients; ++i) seeds.ephemerals.push_back(RandomSecret(kEphemeralSize));
  FillRandom(seeds.nonce);
  return seeds;
}

std::uint64_t AgeFileSize(std::size_t recipients, std::uint64_t plaintext_size) {
  const std::uint64_t chunks = plaintext_size / kAgeChunkSize + (plaintext_size % kAgeChunkSize != 0 ? 1 : 0);
  return kFrameSize + kStanzaSize * recipients + sizeof(internal::AgePayloadNonce) + plaintext_size +
         kAgeTagSize * std::max<std::uint64_t>(1, chunks);
}

struct AgeEncryptor::State {
  State(Bytes bytes, AgeChunks cipher) : front(std::move(bytes)), chunks(std::move(cipher)) {}
  Status Take(ByteView& rest, Bytes& out);

  Bytes front;  // Until it was written.
  AgeChunks chunks;
  SecretBytes held{kAgeChunkSize};  // The plaintext that may be the last chunk.
  std::size_t held_size = 0;
  bool finished = false;
};

// A chunk is sealed only when more plaintext follows, since the last one is sealed differently.
Status AgeEncryptor::State::Take(ByteView& rest, Bytes& out) {
  const MutableBytes buffer = held.ExposeMutable(SecretAccess::kCipher);
  if (held_size == kAgeChunkSize) {
    COFFER_TRY(chunks.Seal(buffer, false, out));
    held_size = 0;
  }
  if (held_size == 0 && rest.size() > kAgeChunkSize) {
    COFFER_TRY(chunks.Seal(rest.first(kAgeChunkSize), false, out));
    rest = rest.subspan(kAgeChunkSize);
    return {};
  }
  const std::size_t size = std::min(rest.size(), kAgeChunkSize - held_size);
  std::copy_n(rest.begin(), size, buffer.subspan(held_size).begin());
  held_size += size;
  rest = rest.subspan(size);
  return {};
}

AgeEncryptor::AgeEncryptor(std::unique_ptr<State> state) : state_(std::move(state)) {}
AgeEncryptor::~AgeEncryptor() = default;
AgeEncryptor::AgeEncryptor(AgeEncryptor&&) noexcept = default;
AgeEncryptor& AgeEncryptor::operator=(AgeEncryptor&&) noexcept = default;

Result<AgeEncryptor> AgeEncryptor::Create(std::span<const AgeRecipient> recipients) {
  return CreateWith(recipients, AgeSeeds::Generate(recipients.size()));
}

Result<AgeEncryptor> AgeEncryptor::CreateWith(std::span<const AgeRecipient> recipients, const AgeSeeds& seeds) {
  if (recipients.empty() || recipients.size() > kMaxAgeKeys) {
    return Error(ErrorCode::kInvalidArgument, "an age file has at least one recipient and not too many")
        .WithLimit(kMaxAgeKeys);
  }
  COFFER_CHECK(seeds.ephemerals.size() == recipients.size());
  COFFER_ASSIGN_OR_RETURN(Bytes front, MakeFront(recipients, seeds));
  COFFER_ASSIGN_OR_RETURN(AgeChunks chunks, AgeChunks::Create(seeds.file_key, seeds.nonce));
  return AgeEncryptor(std::make_unique<State>(std::move(front), std::move(chunks)));
}

Status AgeEncryptor::Write(ByteView plaintext, Bytes& out) {
  if (state_->finished) return Error(ErrorCode::kFailedPrecondition, "the age file is finished");
  Append(out, std::exchange(state_->front, {}));
  while (!plaintext.empty()) COFFER_TRY(state_->Take(plaintext, out));
  return {};
}

Status AgeEncryptor::Finish(Bytes& out) {
  COFFER_TRY(Write({}, out));
  state_->finished = true;
  const MutableBytes last = state_->held.ExposeMutable(SecretAccess::kCipher).first(state_->held_size);
  return state_->chunks.Seal(last, true, out);
}

Result<Bytes> AgeEncrypt(std::span<const AgeRecipient> recipients, const SecretBytes& plaintext) {
  COFFER_ASSIGN_OR_RETURN(AgeEncryptor encryptor, AgeEncryptor::Create(recipients));
  Bytes out;
  out.reserve(AgeFileSize(recipients.size(), plaintext.size()));
  COFFER_TRY(encryptor.Write(plaintext.Expose(SecretAccess::kCipher), out));
  COFFER_TRY(encryptor.Finish(out));
  return out;
}

}  // namespace coffer
