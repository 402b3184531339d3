// Age files, headers and keys: what parses is written back to the same bytes, a file that is changed is refused with
// one of two codes, and the sizes of the pieces never matter. The first byte chooses the check.
#include <algorithm>

#include "crypto/cursor.h"
#include "crypto/internal/age_seeds.h"
#include "crypto/internal/age_x25519.h"

namespace coffer {
namespace {

using internal::AgeHeader;
using internal::AgeSeeds;

const AgeIdentity& Reader1() {
  static const AgeIdentity identity =
      AgeIdentity::Parse(
          SecretBytes::CopyOf(AsBytes("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX")))
          .value();
  return identity;
}

AgeSeeds FixedSeeds() {
  AgeSeeds seeds;
  seeds.file_key = SecretBytes(internal::kAgeFileKeySize);
  seeds.ephemerals.push_back(SecretBytes::CopyOf(Bytes(32, std::byte{1})));
  return seeds;
}

struct Reading {
  Bytes plaintext;
  bool ok = false;
  std::string_view message;
};

Status Feed(AgeDecryptor& decryptor, ByteView file, std::size_t step, const AgeSink& sink) {
  while (!file.empty()) {
    const std::size_t size = std::min(step, file.size());
    COFFER_TRY(decryptor.Write(file.first(size), sink));
    file = file.subspan(size);
  }
  return decryptor.Finish(sink);
}

Reading Read(ByteView file, std::size_t step) {
  Reading reading;
  AgeDecryptor decryptor = AgeDecryptor::Create(std::span(&Reader1(), 1)).value();
  const Status status = Feed(decryptor, file, step, [&reading](ByteView piece) {
    COFFER_CHECK(!piece.empty() && piece.size() <= internal::kAgeChunkSize);
    Append(reading.plaintext, piece);
    return Status();
  });
  reading.ok = status.ok();
  if (status.ok()) return reading;
  const ErrorCode code = status.error().code();
  COFFER_CHECK(code == ErrorCode::kInvalidArgument || code == ErrorCode::kDecryptFailed);
  reading.message = status.error().message();
  return reading;
}

void CheckFile(ByteView input) {
  Reader reader(input);
  const std::size_t step = reader.U8() + 1U;
  const ByteView file = reader.Take(reader.remaining());
  const Reading whole = Read(file, SIZE_MAX);
  const Reading stepwise = Read(file, step);
  COFFER_CHECK(whole.ok == stepwise.ok && whole.plaintext == stepwise.plaintext && whole.message == stepwise.message);
  COFFER_CHECK(!whole.ok || IsAgeFile(file));
}

void CheckHeader(ByteView input) {
  const auto header = internal::ParseAgeHeader(input);
  if (!header.ok()) return;
  Bytes again = internal::AgeHeaderUnderMac(header->stanzas);
  COFFER_CHECK(again == header->authenticated);
  Append(again, AsBytes(internal::AgeMacLine(header->mac)));
  COFFER_CHECK(again == CopyOf(input));
}

// Stanzas before ours, under a MAC that is right: the file is read only when each of them is well-formed.
void CheckStanzas(ByteView input) {
  const AgeSeeds seeds = FixedSeeds();
  const auto ours = internal::WrapAgeFileKey(seeds.file_key, Reader1().Recipient(), seeds.ephemerals[0]).value();
  const Bytes after_version = internal::AgeHeaderUnderMac({ours});
  Bytes file = CopyOf(AsBytes(internal::kAgeVersionLine));
  Append(file, input);
  Append(file, ByteView(after_version).subspan(internal::kAgeVersionLine.size()));
  Append(file, AsBytes(internal::AgeMacLine(internal::AgeHeaderMac(seeds.file_key, file))));
  const auto header = internal::ParseAgeHeader(file);
  const bool well_formed = header.ok() && internal::X25519StanzasOf(*header).ok();
  Append(file, seeds.nonce);
  internal::AgeChunks chunks = internal::AgeChunks::Create(seeds.file_key, seeds.nonce).value();
  COFFER_CHECK(chunks.Seal(AsBytes("plain"), true, file).ok());
  const Reading reading = Read(file, SIZE_MAX);
  COFFER_CHECK(!reading.ok || (well_formed && reading.plaintext == CopyOf(AsBytes("plain"))));
}

void CheckRoundTrip(ByteView input) {
  Reader reader(input);
  const std::size_t place = reader.U16();
  const Bytes plaintext = CopyOf(reader.Take(reader.remaining()));
  AgeEncryptor encryptor = FixedSeeds().MakeEncryptor(std::span(&Reader1().Recipient(), 1)).value();
  Bytes file;
  COFFER_CHECK(encryptor.Write(plaintext, file).ok() && encryptor.Finish(file).ok());
  COFFER_CHECK(file.size() == AgeFileSize(1, plaintext.size()));
  const Reading good = Read(file, SIZE_MAX);
  COFFER_CHECK(good.ok && good.plaintext == plaintext);
  file[place % file.size()] ^= static_cast<std::byte>(1U << place % 8);
  COFFER_CHECK(!Read(file, SIZE_MAX).ok);
}

void CheckKeys(ByteView input) {
  const std::string_view text = AsText(input);
  const auto recipient = AgeRecipient::Parse(text);
  if (recipient.ok()) COFFER_CHECK(recipient->ToText() == text);
  const SecretBytes secret = SecretBytes::CopyOf(input);
  const auto identity = AgeIdentity::Parse(secret);
  if (identity.ok()) COFFER_CHECK(AsText(identity->ToText().Expose(SecretAccess::kTest)) == text);
  COFFER_CHECK(!(recipient.ok() && identity.ok()));
  const auto identities = ParseAgeIdentities(secret);
  COFFER_CHECK(!identity.ok() || (identities.ok() && identities->size() == 1));
  COFFER_CHECK(!identities.ok() || identities->size() <= kMaxAgeKeys);
}

void Check(unsigned choice, ByteView input) {
  switch (choice % 5) {
    case 0:
      return CheckFile(input);
    case 1:
      return CheckHeader(input);
    case 2:
      return CheckStanzas(input);
    case 3:
      return CheckRoundTrip(input);
    default:
      return CheckKeys(input);
  }
}

}  // namespace
}  // namespace coffer

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  coffer::Check(data[0], std::as_bytes(std::span(data, size).subspan(1)));
  return 0;
}
