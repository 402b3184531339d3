// Files of persons' keys that no passphrase protects: what reads is the key of its first line, and is written again as
// a file that reads as the same.
#include <cstdint>

#include "crypto/person_key.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const coffer::SecretBytes file = coffer::SecretBytes::CopyOf(std::as_bytes(std::span(data, size)));
  const coffer::Result<coffer::NoteVerifier> verifier = coffer::PublicPersonKey(file);
  if (coffer::IsEncryptedPersonKey(file)) return 0;  // each would cost a fifth of a second
  const coffer::Result<coffer::NoteSigner> signer = coffer::ReadPersonKey(file, coffer::SecretBytes());
  COFFER_CHECK(!signer.ok() || (verifier.ok() && signer->verifier() == *verifier));
  return 0;
}
