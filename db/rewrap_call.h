// Stored ciphertexts through RewrapFields: ciphertext out, ciphertext in.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "client/client.h"
#include "db/cipher_rows.h"

namespace coffer::db {

using RewrapCall = std::function<client::RpcResult<v1::RewrapFieldsResponse>(const v1::RewrapFieldsRequest&)>;

// Why a stored value was left as it is.
enum class RewrapFault : std::uint8_t {
  kNoCiphertext,  // by its form; it was not sent
  kUnfitRow,      // its row id, a bound column or its tenant is no value of the declared type; it was not sent
  kUndecryptable,
  kKeyDisabled,
};
inline constexpr std::size_t kRewrapFaults = 4;

struct RewrapOutcome {
  std::optional<RewrapFault> fault;
  std::string ciphertext;  // the stored one, where it was made under the primary version and in the present form
};

// As many outcomes as values, none of which is current. Calls as often as the service's limits ask for. What the
// service says of a whole call is given back, kInternal where its answer is none.
client::RpcResult<std::vector<RewrapOutcome>> RewrapValues(const EncryptedColumn& column,
                                                           std::span<const StoredValue> values, const RewrapCall& call);

// The tenant that a value is rewrapped for.
std::string TenantOf(const EncryptedColumn& column, const StoredValue& value);

}  // namespace coffer::db
