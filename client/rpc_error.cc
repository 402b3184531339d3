#include "client/rpc_error.h"

#include <algorithm>

namespace coffer::client {
namespace {

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

}  // namespace

RpcError::RpcError(ErrorCode error_code, std::string_view text, bool service_said_so)
    : code(error_code), message(text.substr(0, kMaxMessage)), from_service(service_said_so) {
  std::replace_if(message.begin(), message.end(), IsControl, '?');
}

std::optional<ErrorCode> ParseErrorCode(std::string_view name) {
  for (auto code = ErrorCode::kInvalidArgument;; code = static_cast<ErrorCode>(static_cast<int>(code) + 1)) {
    if (ErrorCodeName(code) == name) return code;
    if (code == ErrorCode::kInternal) return std::nullopt;
  }
}

}  // namespace coffer::client
