#include "client/rpc_error.h"

#include <gtest/gtest.h>

namespace coffer::client {
namespace {

TEST(ParseErrorCode, EveryNameReadsBack) {
  for (int i = 1; i <= static_cast<int>(ErrorCode::kInternal); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    EXPECT_EQ(ParseErrorCode(ErrorCodeName(code)), code);
  }
}

TEST(ParseErrorCode, OtherWordsAreNoCode) {
  for (const char* name : {"", "SEALED", "sealed ", "ok", "unknown"}) EXPECT_FALSE(ParseErrorCode(name)) << name;
}

TEST(RpcError, ControlCharactersNeverReachATerminal) {
  const RpcError error(ErrorCode::kInternal, "a\x1b[2Jb\r\nc\x7f\x01");
  EXPECT_EQ(error.message, "a?[2Jb??c??");
}

TEST(RpcError, ALongSentenceIsCut) {
  EXPECT_EQ(RpcError(ErrorCode::kInternal, std::string(5000, 'x')).message.size(), RpcError::kMaxMessage);
}

TEST(RpcError, AnErrorOfOursIsNotFromTheService) {
  const RpcError error(Error(ErrorCode::kInvalidArgument, "is wrong").At("server"));
  EXPECT_EQ(error.message, "server: is wrong");
  EXPECT_FALSE(error.from_service);
}

}  // namespace
}  // namespace coffer::client
