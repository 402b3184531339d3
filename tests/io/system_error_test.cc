#include "io/system_error.h"

#include <cerrno>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace coffer {
namespace {

TEST(SystemErrorTest, EachErrnoHasItsCode) {
  const std::vector<std::pair<int, ErrorCode>> kCases = {
      {ENOENT, ErrorCode::kNotFound},
      {ENOTDIR, ErrorCode::kNotFound},
      {EACCES, ErrorCode::kPermissionDenied},
      {EPERM, ErrorCode::kPermissionDenied},
      {EROFS, ErrorCode::kPermissionDenied},
      {EEXIST, ErrorCode::kAlreadyExists},
      {ENOTEMPTY, ErrorCode::kAlreadyExists},
      {EINVAL, ErrorCode::kInvalidArgument},
      {ENAMETOOLONG, ErrorCode::kInvalidArgument},
      {ELOOP, ErrorCode::kInvalidArgument},
      {EISDIR, ErrorCode::kInvalidArgument},
      {E2BIG, ErrorCode::kInvalidArgument},
      {ENOSPC, ErrorCode::kUnavailable},
      {EDQUOT, ErrorCode::kUnavailable},
      {EIO, ErrorCode::kUnavailable},
      {EMFILE, ErrorCode::kUnavailable},
      {ENOMEM, ErrorCode::kUnavailable},
      {EAGAIN, ErrorCode::kUnavailable},
  };
  for (const auto& [number, code] : kCases) {
    EXPECT_EQ(SystemError(number).code(), code) << number;
    EXPECT_FALSE(SystemError(number).message().empty()) << number;
  }
}

TEST(SystemErrorTest, UnknownErrnoIsAnOutage) { EXPECT_EQ(SystemError(99'999).code(), ErrorCode::kUnavailable); }

TEST(SystemErrorTest, FullDiskSaysSo) {
  EXPECT_NE(SystemError(ENOSPC).message().find("no space"), std::string_view::npos);
}

}  // namespace
}  // namespace coffer
