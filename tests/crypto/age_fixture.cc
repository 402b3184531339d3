#include "tests/crypto/age_fixture.h"

#include <algorithm>

#include <openssl/evp.h>

#include "crypto/internal/openssl.h"

namespace coffer {
namespace {

Status CollectInto(AgeReading& reading, ByteView piece) {
  Append(reading.plaintext, piece);
  reading.pieces.push_back(piece.size());
  return {};
}

// Each piece lives in a heap block of its own size, so that the address sanitizer sees one byte too many.
Status WriteStepwise(AgeDecryptor& decryptor, ByteView file, std::size_t step, const AgeSink& sink) {
  while (!file.empty()) {
    const Bytes piece = CopyOf(file.first(std::min(step, file.size())));
    file = file.subspan(piece.size());
    COFFER_TRY(decryptor.Write(piece, sink));
  }
  return {};
}

}  // namespace

Bytes AgePlaintext(std::size_t size) {
  const internal::Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  const std::string_view label = "coffer age plaintext";
  Bytes out(size);
  COFFER_CHECK(EVP_DigestInit_ex(context.get(), EVP_shake128(), nullptr) == 1);
  COFFER_CHECK(EVP_DigestUpdate(context.get(), label.data(), label.size()) == 1);
  if (size > 0) COFFER_CHECK(EVP_DigestFinalXOF(context.get(), AsUnsigned(MutableBytes(out)), size) == 1);
  return out;
}

AgeIdentity IdentityOf(std::string_view text) { return AgeIdentity::Parse(SecretOf(AsBytes(text))).value(); }

std::vector<AgeIdentity> IdentitiesOf(const Json& texts) {
  std::vector<AgeIdentity> identities;
  for (const Json& text : texts) identities.push_back(IdentityOf(text.get<std::string>()));
  return identities;
}

std::vector<AgeRecipient> RecipientsOf(std::span<const AgeIdentity> identities) {
  std::vector<AgeRecipient> recipients;
  for (const AgeIdentity& identity : identities) recipients.push_back(identity.Recipient());
  return recipients;
}

const AgeIdentity& TestReader() {
  static const AgeIdentity reader =
      IdentityOf("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX");
  return reader;
}

std::string AgeReading::Ending() const {
  if (status.ok()) return "ok";
  return std::string(ErrorCodeName(status.error().code())) + ": " + status.error().ToString();
}

AgeReading ReadAge(std::span<const AgeIdentity> identities, ByteView file, std::size_t step) {
  AgeReading reading;
  AgeDecryptor decryptor = AgeDecryptor::Create(identities).value();
  const AgeSink sink = [&reading](ByteView piece) { return CollectInto(reading, piece); };
  reading.status = WriteStepwise(decryptor, file, step, sink);
  if (reading.status.ok()) reading.status = decryptor.Finish(sink);
  return reading;
}

AgeReading ReadAge(ByteView file, std::size_t step) { return ReadAge(std::span(&TestReader(), 1), file, step); }

Bytes WriteAge(std::span<const AgeRecipient> recipients, ByteView plaintext, std::size_t step) {
  AgeEncryptor encryptor = AgeEncryptor::Create(recipients).value();
  Bytes file;
  while (!plaintext.empty()) {
    const Bytes piece = CopyOf(plaintext.first(std::min(step, plaintext.size())));
    plaintext = plaintext.subspan(piece.size());
    COFFER_CHECK(encryptor.Write(piece, file).ok());
  }
  COFFER_CHECK(encryptor.Finish(file).ok());
  return file;
}

Bytes WriteAge(ByteView plaintext) { return WriteAge(std::span(&TestReader().Recipient(), 1), plaintext); }

AgeParts::AgeParts() {
  seeds_.file_key = SecretOf(Bytes(internal::kAgeFileKeySize, std::byte{0x11}));
  seeds_.nonce.fill(std::byte{0x22});
  const SecretBytes ephemeral = SecretOf(Bytes(32, std::byte{0x33}));
  ours_ = internal::WrapAgeFileKey(seeds_.file_key, TestReader().Recipient(), ephemeral).value();
}

Bytes AgeParts::HeaderOf(const std::vector<internal::AgeStanza>& stanzas) const {
  Bytes header = internal::AgeHeaderUnderMac(stanzas);
  Append(header, AsBytes(internal::AgeMacLine(internal::AgeHeaderMac(seeds_.file_key, header))));
  return header;
}

Bytes AgeParts::Chunk(std::uint64_t number, bool is_last, ByteView plaintext) const {
  internal::AgeChunks chunks = internal::AgeChunks::Create(seeds_.file_key, seeds_.nonce).value();
  Bytes sealed;
  for (std::uint64_t i = 0; i <= number; ++i) {
    sealed.clear();
    COFFER_CHECK(chunks.Seal(plaintext, is_last, sealed).ok());
  }
  return sealed;
}

Bytes AgeParts::FileOf(const std::vector<Bytes>& chunks) const {
  Bytes file = Header();
  Append(file, seeds_.nonce);
  for (const Bytes& chunk : chunks) Append(file, chunk);
  return file;
}

}  // namespace coffer
