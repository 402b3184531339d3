// HttpClient: POSTs to one server, over libcurl: certificates are verified, nothing is followed elsewhere, and both the
// answer and the time for it are bounded.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "crypto/secret_bytes.h"

namespace coffer {

inline constexpr std::size_t kMaxUrl = 2'000;  // bytes

// Ok for "http://..." and "https://..." of visible ASCII without user, query and fragment. kInvalidArgument otherwise.
Status CheckUrl(std::string_view url);

// Who a call says it is, in its header Authorization.
struct HttpLogin {
  std::string user;    // basic authentication, visible ASCII without ':'; empty: `secret` is a bearer token
  SecretBytes secret;  // 1 to 4,096 bytes: a password without NUL, or a token of visible ASCII
};

struct HttpAnswer {
  int status = 0;
  std::string body;
};

// Keeps its connection between calls. One thread at a time.
class HttpClient {
 public:
  struct Options {
    std::chrono::milliseconds deadline{10'000};  // of one call, connecting included
    std::size_t max_answer = 64 * 1024;          // bytes of a body
    std::string ca_file;                         // PEM; empty: the system's authorities
    // Outlives the client; true ends a call within a second or so. May be null.
    const std::atomic<bool>* cancelled = nullptr;
  };
  // kUnavailable: libcurl gives no handle.
  static Result<std::unique_ptr<HttpClient>> Create(Options options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any status is an answer. kInvalidArgument: the URL. kUnavailable: nobody answers there, not in time, not with a
  // certificate that is believed, or with more than allowed.
  Result<HttpAnswer> Post(const std::string& url, std::string_view body);
  // The same with a login, also kInvalidArgument for one that is none. It goes to this server alone; libcurl's copies
  // of it end with the client.
  Result<HttpAnswer> Post(const std::string& url, std::string_view body, const HttpLogin& login);

  struct State;
  explicit HttpClient(std::unique_ptr<State> state);  // Create's

 private:
  std::unique_ptr<State> state_;
};

}  // namespace coffer
