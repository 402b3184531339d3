#include "plugins/grafana/rotation/encrypt_again.h"

#include "crypto/secret_equality.h"

namespace coffer::grafana {

Result<Bytes> EncryptAgain(const SecretBlob& form, const SecretBytes& plaintext, const SecretBytes& key) {
  Bytes bytes = form.EncryptAlike(plaintext, key).ToBytes();
  COFFER_ASSIGN_OR_RETURN(const SecretBlob parsed, SecretBlob::Parse(bytes));
  const auto decrypted = parsed.Decrypt(key);
  const bool same = decrypted.ok() && parsed.data_key == form.data_key && EqualConstantTime(*decrypted, plaintext);
  if (!same) return Error(ErrorCode::kInternal, "a value does not come back from its new encryption");
  return bytes;
}

}  // namespace coffer::grafana
