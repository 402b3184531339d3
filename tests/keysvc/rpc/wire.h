// Wire: calls to a running service by name, with whatever bytes and metadata the test wants, over a connection of its
// own.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <google/protobuf/message.h>
#include <grpcpp/support/status_code_enum.h>
#include <gtest/gtest.h>

#include "policy/roles.h"

namespace coffer::keysvc {

// What a call came to.
struct Answer {
  grpc::StatusCode code = grpc::StatusCode::UNKNOWN;
  std::string message;
  std::string error;  // the trailing metadata "coffer-error"
  std::string body;   // the response's bytes
  std::string asked;  // the trailing metadata "coffer-approval-asked"

  bool ok() const { return code == grpc::StatusCode::OK; }
  // For messages of failing tests.
  std::string ToText() const { return std::to_string(code) + " " + error + " \"" + message + "\""; }
  // The response; the test fails when the call did.
  template <typename Response>
  Response As() const {
    EXPECT_TRUE(ok()) << ToText();
    Response response;
    EXPECT_TRUE(response.ParseFromString(body));
    return response;
  }
};

using Metadata = std::vector<std::pair<std::string, std::string>>;

// One RPC that is served: "KeyService.GetKeyring", the operation that the policy knows it by, and a request that is
// well formed.
struct Rpc {
  std::string name;
  policy::Operation operation;
  std::string sample;
};
const std::vector<Rpc>& AllRpcs();
// Who may call it: the application where it may, else the administrator, else the auditor.
policy::Role CallerOf(const std::string& rpc);
// Names of all RPCs that the protos declare.
std::vector<std::string> DeclaredRpcs();

// How a client of the program openssl ends that speaks one version, "-tls1_2": 0 when it got a connection. The names
// are as for Wire::ToTls.
int OpenSslClient(int port, const std::string& folder, const std::string& version, const std::string& name);

// Text of a protobuf string literal that holds exactly these bytes, quotes included.
std::string Quoted(const std::string& bytes);

// Thread-safe.
class Wire {
 public:
  static constexpr std::chrono::seconds kPatience{60};

  static Wire ToSocket(const std::string& path);
  // Mutual TLS with <folder>/<name>.crt and .key; an empty name: no certificate.
  static Wire ToTls(int port, const std::string& folder, const std::string& name);

  // A request in protobuf's text form.
  Answer Call(const std::string& rpc, const std::string& request, const Metadata& metadata = {}) const;
  Answer Call(const std::string& rpc, const google::protobuf::Message& request) const;
  // The same, given up after `patience`.
  Answer CallWithin(std::chrono::milliseconds patience, const std::string& rpc, const std::string& request) const;
  // Any bytes to any method, "/coffer.v1.KeyService/GetKeyring".
  Answer CallRaw(const std::string& method, const std::string& bytes, const Metadata& metadata = {},
                 std::chrono::milliseconds patience = kPatience) const;
  static std::string MethodOf(const std::string& rpc);

  // What the standard health service answers; nothing when it does not.
  std::optional<bool> Serving() const;

 private:
  struct Channel;
  explicit Wire(std::shared_ptr<const Channel> channel) : channel_(std::move(channel)) {}
  std::shared_ptr<const Channel> channel_;
};

}  // namespace coffer::keysvc
