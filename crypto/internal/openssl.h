// Owners of OpenSSL's handles. Internal to crypto/.
#pragma once

#include <memory>

namespace coffer::internal {

template <auto kFree>
struct FreeWith {
  template <typename T>
  void operator()(T* handle) const {
    kFree(handle);
  }
};

// Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>: freed, and wiped by OpenSSL, at the end of its scope.
template <typename T, auto kFree>
using Owned = std::unique_ptr<T, FreeWith<kFree>>;

}  // namespace coffer::internal
