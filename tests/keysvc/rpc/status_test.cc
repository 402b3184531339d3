// Our closed error codes on the wire: every one has its gRPC code, and only outages say "try again".
#include "keysvc/rpc/status.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

namespace coffer::keysvc {
namespace {

const std::map<ErrorCode, grpc::StatusCode> kExpected = {
    {ErrorCode::kInvalidArgument, grpc::StatusCode::INVALID_ARGUMENT},
    {ErrorCode::kUnauthenticated, grpc::StatusCode::UNAUTHENTICATED},
    {ErrorCode::kPermissionDenied, grpc::StatusCode::PERMISSION_DENIED},
    {ErrorCode::kNotFound, grpc::StatusCode::NOT_FOUND},
    {ErrorCode::kAlreadyExists, grpc::StatusCode::ALREADY_EXISTS},
    {ErrorCode::kFailedPrecondition, grpc::StatusCode::FAILED_PRECONDITION},
    {ErrorCode::kConflict, grpc::StatusCode::ABORTED},
    {ErrorCode::kDecryptFailed, grpc::StatusCode::DATA_LOSS},
    {ErrorCode::kSealed, grpc::StatusCode::UNAVAILABLE},
    {ErrorCode::kUnavailable, grpc::StatusCode::UNAVAILABLE},
    {ErrorCode::kResourceExhausted, grpc::StatusCode::RESOURCE_EXHAUSTED},
    {ErrorCode::kIntegrity, grpc::StatusCode::DATA_LOSS},
    {ErrorCode::kInternal, grpc::StatusCode::INTERNAL},
};

constexpr int kFirstCode = 1;
constexpr int kLastCode = static_cast<int>(ErrorCode::kInternal);

TEST(StatusTest, EveryCodeMaps) {
  ASSERT_EQ(kExpected.size(), static_cast<std::size_t>(kLastCode - kFirstCode + 1));
  for (int code = kFirstCode; code <= kLastCode; ++code) {
    const auto error = static_cast<ErrorCode>(code);
    ASSERT_TRUE(kExpected.contains(error)) << code;
    EXPECT_EQ(StatusCodeOf(error), kExpected.at(error)) << ErrorCodeName(error);
  }
}

TEST(StatusTest, NoErrorBecomesOkOrUnknown) {
  for (int code = kFirstCode; code <= kLastCode; ++code) {
    const grpc::StatusCode status = StatusCodeOf(static_cast<ErrorCode>(code));
    EXPECT_NE(status, grpc::StatusCode::OK) << code;
    EXPECT_NE(status, grpc::StatusCode::UNKNOWN) << code;
    EXPECT_NE(status, grpc::StatusCode::UNIMPLEMENTED) << code;
  }
}

TEST(StatusTest, OnlyOutagesSayTryAgain) {
  for (const auto& [error, status] : kExpected) {
    const bool outage = error == ErrorCode::kUnavailable || error == ErrorCode::kSealed;
    EXPECT_EQ(status == grpc::StatusCode::UNAVAILABLE, outage) << ErrorCodeName(error);
  }
}

TEST(StatusTest, NamesTellApartWhatGrpcDoesNot) {
  std::set<std::string_view> names;
  for (const auto& [error, status] : kExpected) {
    const std::string_view name = ErrorCodeName(error);
    EXPECT_TRUE(names.insert(name).second) << name;
    // What metadata may hold as it is.
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos) << name;
  }
}

}  // namespace
}  // namespace coffer::keysvc
