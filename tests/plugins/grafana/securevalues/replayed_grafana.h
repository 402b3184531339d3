// ReplayedGrafana: calls as an unmodified Grafana's own client makes them, written from its contract alone: method
// names, field numbers, metadata, token exchange, what is tried again. Nothing of ours is in it, so that a mistake in
// our protos does not hide itself.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "io/clock.h"

namespace coffer::grafana {

// grafana.ini.
struct GrafanaIni {
  std::string grpc_server_address;   // [secrets_manager]
  bool grpc_server_use_tls = false;  // likewise
  std::string grpc_server_tls_server_name;
  std::string apiservice_ca_bundle_file;  // [grafana-apiserver]
  std::string proxy_client_cert_file;
  std::string proxy_client_key_file;
  std::string token;            // [grpc_client_authentication]
  int token_exchange_port = 0;  // of http://127.0.0.1:<port>/v1/sign-access-token
};

// A resource of Grafana's, as the inline service takes it.
struct Resource {
  std::string api_group;
  std::string api_version;
  std::string kind;
  std::string namespace_name;
  std::string name;
};

class ReplayedGrafana {
 public:
  ReplayedGrafana(GrafanaIni ini, const Clock& clock);

  struct Answer {
    grpc::StatusCode code = grpc::StatusCode::UNKNOWN;
    std::string message;
    std::string body;  // of the reply, as it came
    bool ok() const { return code == grpc::StatusCode::OK; }
    std::string ToText() const { return std::to_string(code) + " \"" + message + "\""; }
  };
  struct Value {
    std::string value;
    std::string error;
    bool operator==(const Value&) const = default;
  };
  struct Decrypted : Answer {
    std::map<std::string, Value> values;  // what was not asked for is dropped
  };
  struct Created : Answer {
    std::string name;
  };

  // Names are sent once, empty ones not at all; no names are no call.
  Decrypted Decrypt(const std::string& service, const std::string& namespace_name,
                    const std::vector<std::string>& names);
  // These three are not tried again.
  Answer CanReference(const Resource& owner, const std::vector<std::string>& names);
  Created CreateInline(const Resource& owner, const std::string& value, const std::string* description = nullptr);
  Answer DeleteWhenOwnedByResource(const Resource& owner, const std::vector<std::string>& names);

  // POST as its client does; the body of a 200's reply, else nothing.
  struct HttpAnswer {
    int status = 0;
    std::string body;
  };
  HttpAnswer Exchange(const std::string& namespace_name, const std::string& audience);
  // The access token for a namespace: of the cache until 15 s before its end, where it keeps those of ES256 only.
  std::string AccessTokenFor(const std::string& namespace_name);

  // Any bytes to any method, with any metadata, once.
  Answer CallOnce(const std::string& method, const std::string& request,
                  const std::vector<std::pair<std::string, std::string>>& metadata);

  std::string version = "v1beta1";             // or "v1"
  std::function<void()> before_retry = [] {};  // in place of its pause
  int exchanges = 0;
  int attempts = 0;  // of all calls

 private:
  Answer Call(const std::string& method, const std::string& namespace_name, const std::string& request,
              const std::string& service, int max_attempts);

  const GrafanaIni ini_;
  const Clock& clock_;
  std::shared_ptr<grpc::Channel> channel_;
  std::map<std::string, std::pair<std::string, std::int64_t>> cache_;  // by namespace: token, until when
};

// Protobuf's wire format, as far as these messages go: length-delimited fields.
std::string WireText(int number, const std::string& bytes);
// Nothing when the bytes are not such fields.
std::optional<std::vector<std::pair<int, std::string>>> ReadWire(const std::string& bytes);
// {namespace = 1, names = 2}.
std::string DecryptRequestOf(const std::string& namespace_name, const std::vector<std::string>& names);

}  // namespace coffer::grafana
