// HttpConnection: one connection of HttpServer, without its descriptor: bytes in, bytes out. Internal to io/.
#pragma once

#include "io/http_server.h"

namespace coffer {

// Not thread-safe.
class HttpConnection {
 public:
  HttpConnection(const HttpServerOptions& options, const HttpServer::Handler& handler)
      : options_(options), handler_(handler) {}

  // Takes what came in, and answers what is complete.
  void Take(std::string_view bytes);
  // To be sent; what was sent is taken away with Sent.
  std::string_view out() const { return std::string_view(out_).substr(sent_); }
  void Sent(std::size_t bytes);

  // Nothing more is read: close once out() is empty.
  bool closing() const { return closing_; }
  // No request has begun and nothing is to be sent.
  bool idle() const { return in_.empty() && !head_ && out().empty(); }

 private:
  // One request, or a part of one; false when there is nothing more to do with what is there.
  bool Step();
  bool TakeHead();
  void Answer(const HttpReply& reply, bool keep_alive);

  const HttpServerOptions& options_;
  const HttpServer::Handler& handler_;
  std::string in_;
  std::string out_;
  std::size_t sent_ = 0;
  std::optional<HttpRequestHead> head_;  // whose body is coming
  bool closing_ = false;
};

}  // namespace coffer
