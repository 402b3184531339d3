#include "crypto/secret_equality.h"

namespace coffer {

bool EqualConstantTime(const SecretBytes& a, const SecretBytes& b) {
  return EqualConstantTime(a.Expose(SecretAccess::kCipher), b.Expose(SecretAccess::kCipher));
}

}  // namespace coffer
