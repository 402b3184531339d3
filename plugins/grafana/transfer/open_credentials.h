// The values of a Grafana database's credentials, once its secret_key is proven.
#pragma once

#include <functional>
#include <set>

#include "plugins/grafana/rotation/key_assignment.h"
#include "plugins/grafana/transfer/credential_rows.h"

namespace coffer::grafana {

enum class KeyRefusal : std::uint8_t {
  kNone,
  kOpensNothing,  // it is not the database's
  kUnproven,      // nothing speaks against it, and too little for it
};

// Opens what is under one secret_key, and what is under the data keys that it opens. Thread-compatible.
class CredentialKeys {
 public:
  // `rows` must outlive it. Tries the key (rotation/key_assignment.h); one that is unproven is refused unless accepted.
  CredentialKeys(const CredentialRows& rows, const SecretBytes& secret_key, bool accept_unproven = false);

  KeyRefusal refusal() const { return refusal_; }
  // Text, as Grafana encrypts it; nothing: it is not under this key, or damaged.
  std::optional<SecretBytes> Open(ByteView blob) const;
  // The data key itself; null: this secret_key does not open it.
  const SecretBytes* Find(std::string_view id) const;
  // Whether it may have new values: it is active, and its tag fits or a value of the database comes out of it.
  bool IsInUse(std::string_view id) const;

 private:
  const CredentialRows& rows_;
  KeyAssignment assignment_;
  KeyRefusal refusal_ = KeyRefusal::kNone;
  std::map<std::string, SecretBytes, std::less<>> data_keys_;
  std::set<std::string, std::less<>> in_use_;  // of data_keys_
};

// All credentials with their values, those of both copies of a datasource once. In the order of the database, without
// empty ones. Only without a refusal.
std::vector<Credential> OpenCredentials(const CredentialRows& rows, const CredentialKeys& keys);

}  // namespace coffer::grafana
