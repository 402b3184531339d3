// What Grafana's client asks a token exchange for: the JSON body of its request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/result.h"

namespace coffer::grafana {

struct ExchangeRequest {
  std::string namespace_name;          // canonical, or kAllNamespaces
  std::optional<std::int64_t> life_s;  // from 1; nothing: as long as it may be

  // An object without a key given twice, in which "namespace" is a namespace or kAllNamespaces, "audiences" is
  // kSecretAudience alone, and "expiresIn", if it is there and not null, a number of seconds; a larger one than any
  // token lives is taken for kMaxAccessTokenLife. Other members are not looked at. kPermissionDenied: other audiences;
  // kInvalidArgument: anything else. The caller bounds the size. Thread-safe.
  static Result<ExchangeRequest> Parse(std::string_view body);
};

}  // namespace coffer::grafana
