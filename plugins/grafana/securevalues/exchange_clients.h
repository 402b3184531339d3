// ExchangeClients: which Grafanas may have access tokens. A text of lines:
//
//   # identity   SHA-256 of its token, in hex                                       its namespaces
//   grafana      9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08   default,org-2
//   grafana-dev  60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11e752   *
//
// Tokens are random, so their hashes are no secret and are not salted. An identity may have several lines: an old and a
// new token, while one is replaced by the other.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crypto/hash.h"

namespace coffer::grafana {

inline constexpr std::size_t kMaxExchangeClients = 64;
inline constexpr std::size_t kMaxExchangeClientsText = 64 * 1024;  // bytes
inline constexpr std::size_t kMinExchangeToken = 32;               // characters
inline constexpr std::size_t kMaxExchangeToken = 512;

struct ExchangeClient {
  std::string identity;
  Digest token_hash{};
  std::vector<std::string> namespaces;  // canonical, or kAllNamespaces alone

  // Whether it may have a token for this canonical namespace, or for kAllNamespaces.
  bool MayHave(std::string_view namespace_name) const;
};

// Immutable and thread-safe.
class ExchangeClients {
 public:
  // kInvalidArgument, with the line: what is not the form above, or a token twice; or more than the limits.
  static Result<ExchangeClients> Parse(std::string_view text);

  // Null: nobody's token, or one of a length that none has.
  const ExchangeClient* Find(std::string_view token) const;

  std::size_t size() const { return clients_.size(); }

 private:
  std::vector<ExchangeClient> clients_;
};

}  // namespace coffer::grafana
