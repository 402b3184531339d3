// BadInput: rows of "this request is refused so", checked against a whole daemon.
#pragma once

#include "tests/keysvc/rpc/rpc_fixture.h"

namespace coffer::keysvc {

// Stands where a caller's value stands. No refusal and no log line may hold it.
inline constexpr char kMarker[] = "HUNTER2hunter2";

struct BadCall {
  std::string rpc;
  std::string request;  // in protobuf's text form
  grpc::StatusCode code;
  std::string error;  // "coffer-error"
  std::string text;   // part of the message: the field, and the limit where there is one
};

class BadInput : public RpcFixture {
 protected:
  void ExpectRefused(const std::vector<BadCall>& calls) {
    for (const BadCall& call : calls) ExpectRefused(call);
  }

  // Refused as told, no value shown or logged, and nothing changed.
  void ExpectRefused(const BadCall& call) {
    SCOPED_TRACE(call.rpc + " " + call.request.substr(0, 200));
    const std::string before = Counts();
    const Answer answer = CallAsking(call.rpc, call.request);
    EXPECT_EQ(answer.code, call.code) << answer.ToText();
    EXPECT_EQ(answer.error, call.error) << answer.ToText();
    EXPECT_NE(answer.message.find(call.text), std::string::npos) << answer.ToText();
    EXPECT_EQ(answer.message.find(kMarker), std::string::npos) << answer.ToText();
    EXPECT_EQ(answer.body, "");
    EXPECT_EQ(LogLineWith(kMarker), "");
    EXPECT_EQ(Counts(), before) << "a refused call changed something";
  }

  static BadCall Invalid(const std::string& rpc, const std::string& request, const std::string& text) {
    return {rpc, request, grpc::StatusCode::INVALID_ARGUMENT, "invalid_argument", text};
  }
  static BadCall NotFound(const std::string& rpc, const std::string& request, const std::string& text) {
    return {rpc, request, grpc::StatusCode::NOT_FOUND, "not_found", text};
  }
  static BadCall Exists(const std::string& rpc, const std::string& request, const std::string& text) {
    return {rpc, request, grpc::StatusCode::ALREADY_EXISTS, "already_exists", text};
  }
  static BadCall Precondition(const std::string& rpc, const std::string& request, const std::string& text) {
    return {rpc, request, grpc::StatusCode::FAILED_PRECONDITION, "failed_precondition", text};
  }
  static BadCall Conflict(const std::string& rpc, const std::string& request, const std::string& text) {
    return {rpc, request, grpc::StatusCode::ABORTED, "conflict", text};
  }
  static BadCall Denied(const std::string& rpc, const std::string& request, const std::string& text) {
    return {rpc, request, grpc::StatusCode::PERMISSION_DENIED, "permission_denied", text};
  }
};

// "part part part".
inline std::string Times(int count, const std::string& part) {
  std::string text;
  text.reserve(part.size() * static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) text += part;
  return text;
}

}  // namespace coffer::keysvc
