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

// For readers of PEM: without it OpenSSL asks the terminal for the password of an old kind of encrypted block.
inline int NoPassword(char*, int, int, void*) { return -1; }

}  // namespace coffer::internal
