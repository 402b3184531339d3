// The heads of HTTP/1.1 messages, as far as our server reads them: strict and bounded (RFC 9112). Pure and thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/result.h"

namespace coffer {

inline constexpr std::size_t kMaxHttpHead = 8 * 1024;  // bytes, up to the empty line
inline constexpr std::size_t kMaxHttpHeaders = 64;

// Names in lower case, values without the blanks around them; in the order of the message.
using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// The value of the header `name`, which is in lower case; nothing when it is not there, or more than once.
std::optional<std::string_view> OnlyHeader(const HttpHeaders& headers, std::string_view name);

struct HttpRequestHead {
  std::string method;
  std::string target;  // begins with '/'; visible ASCII
  std::uint64_t body_bytes = 0;
  bool keep_alive = true;
  bool expects_continue = false;  // the client waits for "100 Continue" before it sends the body
  HttpHeaders headers;

  // `head` is a message up to its empty line, that included. kInvalidArgument for anything that two readers could take
  // for two things: another line end than CRLF, a folded or malformed header, two lengths, a transfer coding, another
  // version than 1.0 and 1.1.
  static Result<HttpRequestHead> Parse(std::string_view head);
};

// Where the head of a message ends, behind its empty line; nothing when it is not all there yet.
std::optional<std::size_t> EndOfHttpHead(std::string_view bytes);

struct HttpReply {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;

  // The whole message. A programmer's error: a status that is not 100 to 599, or a type with control characters.
  std::string ToText(bool keep_alive) const;
};

}  // namespace coffer
