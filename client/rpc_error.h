// RpcError: why a call failed, in the service's own words.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "client/expected.h"

namespace coffer::client {

// The service's sentences hold names and limits, never values, so they may be shown. Control characters are replaced
// and what is longer than kMaxMessage is cut: a terminal may print them.
struct RpcError {
  RpcError(ErrorCode error_code, std::string_view text, bool service_said_so = false);
  // Found on our side, before anything was sent.
  explicit RpcError(const Error& error) : RpcError(error.code(), error.ToString()) {}

  ErrorCode code;
  std::string message;
  bool from_service;  // false: nobody answered, or nobody was asked
  std::string asked;  // id of the approval that was asked for instead; empty: none was

  static constexpr std::size_t kMaxMessage = 1'024;
};

template <typename T>
using RpcResult = Expected<T, RpcError>;

// The inverse of ErrorCodeName.
std::optional<ErrorCode> ParseErrorCode(std::string_view name);

}  // namespace coffer::client
