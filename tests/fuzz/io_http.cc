// The HTTP server's reading: heads that parse are strict, and a connection answers the same whatever pieces its bytes
// come in, holds no more than it may, and stops for good after what it refuses.
#include "io/internal/http_connection.h"

namespace coffer {
namespace {

constexpr std::size_t kMaxBody = 64;

struct Heard {
  std::string out;
  std::vector<std::string> requests;
  bool closing = false;
};

Heard Talk(std::string_view bytes, std::size_t piece) {
  Heard heard;
  HttpServerOptions options;
  options.max_body = kMaxBody;
  const HttpServer::Handler handler = [&heard](const HttpRequest& request) -> HttpReply {
    COFFER_CHECK(request.body.size() <= kMaxBody && request.target.starts_with('/') && !request.method.empty());
    heard.requests.push_back(request.method + " " + request.target + " " + request.body);
    return {.status = 200, .body = request.body};
  };
  HttpConnection connection(options, handler);
  while (!bytes.empty()) {
    connection.Take(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  heard.out = connection.out();
  heard.closing = connection.closing();
  return heard;
}

// Without the interim answers, which depend on what has come yet.
std::string WithoutContinue(std::string text) {
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  for (std::size_t at = text.find(kContinue); at != text.npos; at = text.find(kContinue))
    text.erase(at, kContinue.size());
  return text;
}

void CheckConnection(std::string_view bytes) {
  const Heard whole = Talk(bytes, std::max<std::size_t>(bytes.size(), 1));
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{100}}) {
    const Heard pieces = Talk(bytes, piece);
    COFFER_CHECK(pieces.requests == whole.requests && pieces.closing == whole.closing);
    COFFER_CHECK(WithoutContinue(pieces.out) == WithoutContinue(whole.out));
  }
}

void CheckHead(std::string_view bytes) {
  const std::optional<std::size_t> end = EndOfHttpHead(bytes);
  const auto head = HttpRequestHead::Parse(bytes);
  if (!head.ok()) return COFFER_CHECK(head.error().code() == ErrorCode::kInvalidArgument);
  COFFER_CHECK(end == bytes.size() && bytes.size() <= kMaxHttpHead);
  COFFER_CHECK(bytes.starts_with(head->method + " " + head->target + " HTTP/1."));
  COFFER_CHECK(bytes.find('\0') == bytes.npos);
}

}  // namespace
}  // namespace coffer

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input = coffer::AsText(std::as_bytes(std::span(data + 1, size - 1)));
  if (data[0] % 2 == 0) {
    coffer::CheckHead(input);
  } else {
    coffer::CheckConnection(input.substr(0, 20'000));
  }
  return 0;
}
