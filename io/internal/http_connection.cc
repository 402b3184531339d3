#include "io/internal/http_connection.h"

namespace coffer {

void HttpConnection::Sent(std::size_t bytes) {
  sent_ += bytes;
  if (sent_ < out_.size()) return;
  out_.clear();
  sent_ = 0;
}

void HttpConnection::Answer(const HttpReply& reply, bool keep_alive) {
  out_ += reply.ToText(keep_alive);
  if (keep_alive) return;
  closing_ = true;
  in_.clear();
  head_.reset();
}

bool HttpConnection::TakeHead() {
  const std::optional<std::size_t> end = EndOfHttpHead(std::string_view(in_).substr(0, kMaxHttpHead));
  if (!end) {
    if (in_.size() >= kMaxHttpHead) Answer({.status = 431, .body = "the head is longer than allowed\n"}, false);
    return false;
  }
  Result<HttpRequestHead> head = HttpRequestHead::Parse(std::string_view(in_).substr(0, *end));
  if (!head.ok()) {
    Answer({.status = 400, .body = head.error().ToString() + "\n"}, false);
    return false;
  }
  if (head->body_bytes > options_.max_body) {
    Answer({.status = 413, .body = "the body is longer than allowed\n"}, false);
    return false;
  }
  in_.erase(0, *end);
  head_ = std::move(head).value();
  if (head_->expects_continue && in_.size() < head_->body_bytes) out_ += "HTTP/1.1 100 Continue\r\n\r\n";
  return true;
}

bool HttpConnection::Step() {
  if (closing_ || (!head_ && !TakeHead())) return false;
  if (in_.size() < head_->body_bytes) return false;
  const auto body_bytes = static_cast<std::size_t>(head_->body_bytes);
  const bool keep_alive = head_->keep_alive;
  const HttpRequest request{.method = std::move(head_->method),
                            .target = std::move(head_->target),
                            .body = in_.substr(0, body_bytes),
                            .headers = std::move(head_->headers)};
  in_.erase(0, body_bytes);
  head_.reset();
  Answer(handler_(request), keep_alive);
  return true;
}

void HttpConnection::Take(std::string_view bytes) {
  if (closing_) return;
  in_ += bytes;
  // Who sends many requests without reading the answers waits: the server reads no more while something is to be sent.
  while (Step()) {
  }
}

}  // namespace coffer
