// What the tests of age files share: keys, plaintexts, and reading piece by piece.
#pragma once

#include "crypto/age_file.h"
#include "crypto/internal/age_seeds.h"
#include "crypto/internal/age_x25519.h"
#include "tests/crypto/vectors.h"

namespace coffer {

// The first `size` bytes of SHAKE128("coffer age plaintext"), as tests/vectors/README.md says.
Bytes AgePlaintext(std::size_t size);

AgeIdentity IdentityOf(std::string_view text);
std::vector<AgeIdentity> IdentitiesOf(const Json& texts);
std::vector<AgeRecipient> RecipientsOf(std::span<const AgeIdentity> identities);
// One reader, the same in each test.
const AgeIdentity& TestReader();

// What a decryptor gave out until it ended, and how it ended.
struct AgeReading {
  Bytes plaintext;
  std::vector<std::size_t> pieces;
  Status status;
  // "ok", or "decrypt_failed: the age file ...".
  std::string Ending() const;
};
// `step`: how many bytes go into each Write.
AgeReading ReadAge(std::span<const AgeIdentity> identities, ByteView file, std::size_t step = SIZE_MAX);
AgeReading ReadAge(ByteView file, std::size_t step = SIZE_MAX);  // by TestReader()

// Made by AgeEncryptor, with `step` bytes in each Write.
Bytes WriteAge(std::span<const AgeRecipient> recipients, ByteView plaintext, std::size_t step = SIZE_MAX);
Bytes WriteAge(ByteView plaintext);  // to TestReader()

// A file to TestReader() that is taken apart and put together by hand. The same at each run.
class AgeParts {
 public:
  AgeParts();
  const SecretBytes& file_key() const { return seeds_.file_key; }
  const internal::AgeStanza& ours() const { return ours_; }

  // With a MAC that is right.
  Bytes HeaderOf(const std::vector<internal::AgeStanza>& stanzas) const;
  Bytes Header() const { return HeaderOf({ours_}); }
  // The payload's nonce.
  ByteView nonce() const { return seeds_.nonce; }
  // One sealed chunk, of any number and with either flag.
  Bytes Chunk(std::uint64_t number, bool is_last, ByteView plaintext) const;
  // Header, nonce and these.
  Bytes FileOf(const std::vector<Bytes>& chunks) const;

 private:
  internal::AgeSeeds seeds_;
  internal::AgeStanza ours_;
};

inline constexpr std::string_view kPayloadChanged =
    "decrypt_failed: the payload of the age file was changed, is damaged, or is cut short";
inline constexpr std::string_view kForOthers = "decrypt_failed: the age file is encrypted to other recipients";
inline constexpr std::string_view kHeaderChanged =
    "decrypt_failed: the header of the age file was changed or is damaged";

}  // namespace coffer
