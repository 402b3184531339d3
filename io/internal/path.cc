#include "io/internal/path.h"

#include "io/system_error.h"

namespace coffer::internal {

Error PathError(int error_number, const std::string& path) { return SystemError(error_number).At(path); }

Status CheckPath(const std::string& path) {
  if (path.empty()) return Error(ErrorCode::kInvalidArgument, "a path must not be empty");
  if (path.find('\0') != std::string::npos)
    return Error(ErrorCode::kInvalidArgument, "a path must not hold a NUL byte");
  return {};
}

Result<PathParts> SplitPath(const std::string& path) {
  COFFER_TRY(CheckPath(path));
  const std::size_t slash = path.rfind('/');
  PathParts parts;
  if (slash == std::string::npos) {
    parts = {".", path};
  } else {
    parts = {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
  }
  if (parts.name.empty() || parts.name == "." || parts.name == "..") {
    return Error(ErrorCode::kInvalidArgument, "does not end with a file name").At(path);
  }
  return parts;
}

}  // namespace coffer::internal
