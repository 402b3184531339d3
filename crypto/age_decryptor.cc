#include <algorithm>
#include <optional>

#include "crypto/age_file.h"
#include "crypto/internal/age_x25519.h"

namespace coffer {
namespace {

using internal::AgeChunks;
using internal::AgeHeader;
using internal::AgePayloadNonce;
using internal::kAgeChunkSize;
using internal::kAgeSealedChunkSize;
using internal::kAgeTagSize;

Error ForOthers() { return {ErrorCode::kDecryptFailed, "the age file is encrypted to other recipients"}; }
Error HeaderChanged() { return {ErrorCode::kDecryptFailed, "the header of the age file was changed or is damaged"}; }
Error PayloadChanged() {
  return {ErrorCode::kDecryptFailed, "the payload of the age file was changed, is damaged, or is cut short"};
}

Result<SecretBytes> FindFileKey(const AgeHeader& header, std::span<const AgeIdentity> identities) {
  COFFER_ASSIGN_OR_RETURN(const auto stanzas, internal::X25519StanzasOf(header));
  for (const AgeIdentity& identity : identities) {
    for (const internal::X25519Stanza& stanza : stanzas) {
      COFFER_ASSIGN_OR_RETURN(auto file_key, internal::UnwrapAgeFileKey(stanza, identity));
      if (file_key.has_value()) return *std::move(file_key);
    }
  }
  return ForOthers();
}

Result<SecretBytes> OpenHeader(ByteView text, std::span<const AgeIdentity> identities) {
  COFFER_ASSIGN_OR_RETURN(const AgeHeader header, internal::ParseAgeHeader(text));
  COFFER_ASSIGN_OR_RETURN(SecretBytes file_key, FindFileKey(header, identities));
  if (!EqualConstantTime(internal::AgeHeaderMac(file_key, header.authenticated), header.mac)) return HeaderChanged();
  return file_key;
}

}  // namespace

bool IsAgeFile(ByteView head) {
  return AsText(head).substr(0, internal::kAgeVersionLine.size()) == internal::kAgeVersionLine;
}

struct AgeDecryptor::State {
  Status Take(ByteView& rest, const AgeSink& sink);
  Status TakeHeader(ByteView& rest);
  Status TakeNonce(ByteView& rest);
  Status Open(bool is_last, const AgeSink& sink);
  Status OpenLast(const AgeSink& sink);

  std::vector<AgeIdentity> identities;  // Until the header was read.
  internal::AgeHeaderCutter cutter;
  std::optional<SecretBytes> file_key;  // Between header and chunks.
  std::optional<AgeChunks> chunks;
  Bytes held;  // Sealed bytes: of the payload's nonce, then of one chunk.
  SecretBytes plaintext;
  std::optional<Error> failure;
};

Status AgeDecryptor::State::TakeHeader(ByteView& rest) {
  COFFER_ASSIGN_OR_RETURN(const bool whole, cutter.Take(rest));
  if (!whole) return {};
  COFFER_ASSIGN_OR_RETURN(file_key, OpenHeader(cutter.header(), identities));
  cutter = {};
  identities.clear();
  return {};
}

Status AgeDecryptor::State::TakeNonce(ByteView& rest) {
  AgePayloadNonce nonce{};
  const std::size_t size = std::min(rest.size(), nonce.size() - held.size());
  Append(held, rest.first(size));
  rest = rest.subspan(size);
  if (held.size() < nonce.size()) return {};
  std::copy(held.begin(), held.end(), nonce.begin());
  COFFER_ASSIGN_OR_RETURN(chunks, AgeChunks::Create(*file_key, nonce));
  file_key.reset();
  held.clear();
  held.reserve(kAgeSealedChunkSize);
  plaintext = SecretBytes(kAgeChunkSize);
  return {};
}

Status AgeDecryptor::State::Open(bool is_last, const AgeSink& sink) {
  const MutableBytes out = plaintext.ExposeMutable(SecretAccess::kCipher).first(held.size() - kAgeTagSize);
  COFFER_ASSIGN_OR_RETURN(const bool authentic, chunks->Open(held, is_last, out));
  if (!authentic) return PayloadChanged();
  held.clear();
  Status taken = out.empty() ? Status() : sink(out);
  Wipe(out);
  return taken;
}

// A full chunk is opened only when more follows, since the last one is sealed differently.
Status AgeDecryptor::State::Take(ByteView& rest, const AgeSink& sink) {
  if (!file_key && !chunks) return TakeHeader(rest);
  if (!chunks) return TakeNonce(rest);
  if (held.size() == kAgeSealedChunkSize) COFFER_TRY(Open(false, sink));
  const std::size_t size = std::min(rest.size(), kAgeSealedChunkSize - held.size());
  Append(held, rest.first(size));
  rest = rest.subspan(size);
  return {};
}

Status AgeDecryptor::State::OpenLast(const AgeSink& sink) {
  if (!file_key && !chunks) {
    return Error(ErrorCode::kInvalidArgument, "the file is no age file, or is cut short inside its header");
  }
  if (!chunks || held.size() < kAgeTagSize) return PayloadChanged();
  if (held.size() == kAgeTagSize && chunks->count() > 0) return PayloadChanged();
  return Open(true, sink);
}

AgeDecryptor::AgeDecryptor(std::unique_ptr<State> state) : state_(std::move(state)) {}
AgeDecryptor::~AgeDecryptor() = default;
AgeDecryptor::AgeDecryptor(AgeDecryptor&&) noexcept = default;
AgeDecryptor& AgeDecryptor::operator=(AgeDecryptor&&) noexcept = default;

Result<AgeDecryptor> AgeDecryptor::Create(std::span<const AgeIdentity> identities) {
  if (identities.empty() || identities.size() > kMaxAgeKeys) {
    return Error(ErrorCode::kInvalidArgument, "an age file is read with at least one identity and not too many")
        .WithLimit(kMaxAgeKeys);
  }
  auto state = std::make_unique<State>();
  for (const AgeIdentity& identity : identities) state->identities.push_back(identity.Clone());
  return AgeDecryptor(std::move(state));
}

Status AgeDecryptor::Write(ByteView ciphertext, const AgeSink& sink) {
  if (state_->failure) return *state_->failure;
  while (!ciphertext.empty()) {
    Status taken = state_->Take(ciphertext, sink);
    if (taken.ok()) continue;
    state_->failure = taken.error();
    return taken;
  }
  return {};
}

Status AgeDecryptor::Finish(const AgeSink& sink) {
  if (state_->failure) return *state_->failure;
  Status finished = state_->OpenLast(sink);
  state_->failure =
      finished.ok() ? Error(ErrorCode::kFailedPrecondition, "the age file is finished") : finished.error();
  return finished;
}

Result<SecretBytes> AgeDecrypt(std::span<const AgeIdentity> identities, ByteView file) {
  COFFER_ASSIGN_OR_RETURN(AgeDecryptor decryptor, AgeDecryptor::Create(identities));
  SecretBytes plaintext(file.size());  // Always longer than what is inside.
  std::size_t size = 0;
  const AgeSink sink = [&](ByteView piece) -> Status {
    std::copy(piece.begin(), piece.end(), plaintext.ExposeMutable(SecretAccess::kCipher).subspan(size).begin());
    size += piece.size();
    return {};
  };
  COFFER_TRY(decryptor.Write(file, sink));
  COFFER_TRY(decryptor.Finish(sink));
  plaintext.Truncate(size);
  return plaintext;
}

}  // namespace coffer
