// SecureValueVault: secure values in the vault of the key service, for one call of Grafana's. Each of its own calls is
// recorded by the key service, with the value's path and on whose behalf it was.
#pragma once

#include "client/client.h"
#include "plugins/grafana/securevalues/secure_value.h"

namespace coffer::grafana {

// What stands in a value's metadata; empty: nothing does.
struct SecureValueFacts {
  std::string owner;       // OwnerReference::ToText
  std::string decrypters;  // for HasDecrypter
  std::string description;
};

struct SecureValue {
  std::string value;  // the reader's to wipe
  SecureValueFacts facts;
};

// Where values are.
struct SecureValuePlace {
  SecretPath prefix;
  std::string tenant;  // of the key service; empty: its default
};

// The client must outlive it, and so must the place. Thread-compatible. Errors of all: what the key service answers, as
// a literal of ours, with its code; kFailedPrecondition: deleted, destroyed or expired, or its key is disabled.
class SecureValueVault {
 public:
  SecureValueVault(client::Client& client, const SecureValuePlace& place) : client_(client), place_(place) {}

  // Both names in the form that they have to have. kNotFound: there is none, or can be none of this name.
  Result<SecureValue> Read(std::string_view namespace_name, std::string_view name) const;
  // Without the value, of which the key service decrypts nothing. Also of what is deleted.
  Result<SecureValueFacts> Describe(std::string_view namespace_name, std::string_view name) const;
  // kConflict: there is one already.
  Status Create(std::string_view namespace_name, std::string_view name, std::string_view value,
                const SecureValueFacts& facts) const;
  // Hides all its versions, until somebody undeletes them.
  Status Delete(std::string_view namespace_name, std::string_view name) const;

 private:
  Result<std::string> PathOf(std::string_view namespace_name, std::string_view name) const;

  client::Client& client_;
  const SecureValuePlace& place_;
};

}  // namespace coffer::grafana
