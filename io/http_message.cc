#include "io/http_message.h"

#include <algorithm>
#include <charconv>

namespace coffer {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::uint64_t kMaxLength = std::uint64_t{1} << 40;

Error Malformed(Literal what) { return {ErrorCode::kInvalidArgument, what}; }

bool IsTokenChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
bool IsToken(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenChar); }
bool IsVisible(char c) { return c > ' ' && c < '\x7f'; }
// Visible, a blank, a tab, or of another alphabet.
bool IsValueChar(char c) { return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != '\x7f'); }

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool SameWord(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return Lower(x) == Lower(y); });
}

std::string_view Trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// "close, upgrade" has "close".
bool ListHas(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (SameWord(Trimmed(list.substr(0, comma)), word)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

// The next line without its end; the text must have one.
Result<std::string_view> NextLine(std::string_view& rest) {
  const std::size_t end = rest.find(kLineEnd);
  if (end == std::string_view::npos) return Malformed("a line of the head has no end");
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + kLineEnd.size());
  return line;
}

Status ReadRequestLine(std::string_view line, HttpRequestHead& head) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || last == first) return Malformed("the request line has not three parts");
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!IsToken(line.substr(0, first))) return Malformed("the method is malformed");
  if (!target.starts_with('/') || !std::all_of(target.begin(), target.end(), IsVisible)) {
    return Malformed("the target is malformed");
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return Malformed("the version is not HTTP/1.1");
  head.method = line.substr(0, first);
  head.target = target;
  head.keep_alive = version == "HTTP/1.1";
  return {};
}

Status ReadLength(std::string_view value, bool again, HttpRequestHead& head) {
  const char* const end = value.data() + value.size();
  const auto parsed = std::from_chars(value.data(), end, head.body_bytes);
  const bool digits = std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (again || !digits || parsed.ec != std::errc() || parsed.ptr != end || head.body_bytes > kMaxLength) {
    return Malformed("the length is no number, or is there twice");
  }
  return {};
}

Status ReadHeader(std::string_view line, bool& has_length, HttpRequestHead& head) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !IsToken(line.substr(0, colon))) return Malformed("a header is malformed");
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = Trimmed(line.substr(colon + 1));
  if (!std::all_of(value.begin(), value.end(), IsValueChar)) return Malformed("a header has a control character");
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), Lower);
  head.headers.emplace_back(std::move(lower), value);
  if (SameWord(name, "Content-Length")) {
    COFFER_TRY(ReadLength(value, has_length, head));
    has_length = true;
  } else if (SameWord(name, "Transfer-Encoding")) {
    return Malformed("a body without a length is not taken");
  } else if (SameWord(name, "Connection")) {
    if (ListHas(value, "close")) head.keep_alive = false;
  } else if (SameWord(name, "Expect")) {
    if (!SameWord(value, "100-continue")) return Malformed("another expectation than 100-continue");
    head.expects_continue = true;
  }
  return {};
}

std::string_view ReasonOf(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 422:
      return "Unprocessable Content";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "Answer";
  }
}

}  // namespace

std::optional<std::string_view> OnlyHeader(const HttpHeaders& headers, std::string_view name) {
  std::optional<std::string_view> only;
  for (const auto& [header, value] : headers) {
    if (header != name) continue;
    if (only) return std::nullopt;
    only = value;
  }
  return only;
}

std::optional<std::size_t> EndOfHttpHead(std::string_view bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  return end == std::string_view::npos ? std::nullopt : std::optional(end + 4);
}

Result<HttpRequestHead> HttpRequestHead::Parse(std::string_view head) {
  if (head.size() > kMaxHttpHead) return Malformed("the head is longer than allowed").WithLimit(kMaxHttpHead);
  HttpRequestHead parsed;
  COFFER_ASSIGN_OR_RETURN(const std::string_view first, NextLine(head));
  COFFER_TRY(ReadRequestLine(first, parsed));
  bool has_length = false;
  for (std::size_t count = 0;; ++count) {
    COFFER_ASSIGN_OR_RETURN(const std::string_view line, NextLine(head));
    if (line.empty()) break;
    if (count == kMaxHttpHeaders) return Malformed("there are more headers than allowed").WithLimit(kMaxHttpHeaders);
    COFFER_TRY(ReadHeader(line, has_length, parsed));
  }
  if (!head.empty()) return Malformed("something follows the head");
  return parsed;
}

std::string HttpReply::ToText(bool keep_alive) const {
  COFFER_CHECK(status >= 100 && status <= 599);
  COFFER_CHECK(std::all_of(content_type.begin(), content_type.end(), IsValueChar));
  std::string text = "HTTP/1.1 " + std::to_string(status) + " ";
  text += ReasonOf(status);
  text += "\r\nContent-Type: " + content_type + "\r\nContent-Length: " + std::to_string(body.size());
  text += keep_alive ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n";
  return text + body;
}

}  // namespace coffer
