#include "crypto/result.h"

#include <algorithm>
#include <cstdio>

namespace coffer {
namespace {

bool IsPathCharacter(char c) {
  constexpr std::string_view kOthers = "._/:[]- ";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kOthers.find(c) != kOthers.npos;
}

}  // namespace

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kUnauthenticated:
      return "unauthenticated";
    case ErrorCode::kPermissionDenied:
      return "permission_denied";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kAlreadyExists:
      return "already_exists";
    case ErrorCode::kFailedPrecondition:
      return "failed_precondition";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kDecryptFailed:
      return "decrypt_failed";
    case ErrorCode::kSealed:
      return "sealed";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kResourceExhausted:
      return "resource_exhausted";
    case ErrorCode::kIntegrity:
      return "integrity";
    case ErrorCode::kInternal:
      return "internal";
  }
  CheckFailed("a known error code", __FILE__, __LINE__);
}

Error Error::At(std::string_view path) && {
  std::string joined;
  joined.reserve(std::min(path.size(), kMaxPath) + 1 + path_.size());
  for (char c : path.substr(0, kMaxPath)) joined += IsPathCharacter(c) ? c : '?';
  if (!joined.empty() && !path_.empty()) joined += '.';
  joined += path_;
  joined.resize(std::min(joined.size(), kMaxPath));
  path_ = std::move(joined);
  return std::move(*this);
}

Error Error::AtLine(std::uint64_t line) && {
  line_ = line;
  return std::move(*this);
}

Error Error::WithLimit(std::uint64_t limit) && {
  limit_ = limit;
  return std::move(*this);
}

std::string Error::ToString() const {
  std::string text = path_;
  if (line_ != 0) {
    text += path_.empty() ? "line " : ":";
    text += std::to_string(line_);
  }
  if (!text.empty()) text += ": ";
  text += message_;
  if (limit_ != 0) text += " (limit " + std::to_string(limit_) + ")";
  return text;
}

void CheckFailed(const char* condition, const char* file, int line) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): the process ends here, nothing else may run or allocate.
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace coffer
