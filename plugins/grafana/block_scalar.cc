#include "plugins/grafana/block_scalar.h"

#include <algorithm>
#include <string>

#include "crypto/bytes.h"

namespace coffer::grafana {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

struct Header {
  bool folded = false;
  char chomping = 0;       // '-' strips, '+' keeps.
  std::size_t indent = 0;  // 0: found from the content.
  std::size_t end = 0;
};

std::optional<Header> ReadHeader(std::string_view text, std::size_t at) {
  Header header;
  header.folded = text[at++] == '>';
  for (; at < text.size() && text[at] != ' ' && text[at] != '\t' && text[at] != '\r' && text[at] != '\n'; ++at) {
    const char c = text[at];
    if ((c == '-' || c == '+') && header.chomping == 0) {
      header.chomping = c;
    } else if (c >= '1' && c <= '9' && header.indent == 0) {
      header.indent = static_cast<std::size_t>(c - '0');
    } else {
      return std::nullopt;
    }
  }
  header.end = at;
  return header;
}

struct Line {
  std::string_view text;  // Without its break.
  std::size_t next = 0;
  bool has_break = false;
  std::size_t spaces = 0;  // In front.
  bool IsEmpty() const { return spaces == text.size(); }
};

Line ReadLine(std::string_view text, std::size_t at) {
  Line line;
  const std::size_t feed = text.find('\n', at);
  line.has_break = feed != std::string_view::npos;
  const std::size_t end = line.has_break ? feed : text.size();
  line.next = line.has_break ? end + 1 : end;
  line.text = text.substr(at, end - at);
  if (line.text.ends_with('\r')) line.text.remove_suffix(1);
  line.spaces = std::min(line.text.find_first_not_of(' '), line.text.size());
  return line;
}

// The content's own indentation: that of its first line that is not empty, more than the parent's.
std::size_t FindIndent(std::string_view text, std::size_t at, std::size_t parent_indent) {
  while (at < text.size()) {
    const Line line = ReadLine(text, at);
    if (!line.IsEmpty()) return std::max(line.spaces, parent_indent + 1);
    at = line.next;
  }
  return parent_indent + 1;
}

// Puts the lines together as libyaml's yaml_parser_scan_block_scalar does.
class Content {
 public:
  explicit Content(const Header& header) : header_(header) {}
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;
  ~Content() { Wipe(AsMutableBytes(value_)); }

  void AddEmptyLine(bool has_break) { empty_lines_ += has_break ? 1 : 0; }

  void AddLine(std::string_view line, bool has_break) {
    const bool more_indented = !line.empty() && IsBlank(line.front());
    if (header_.folded && pending_break_ && !previous_more_indented_ && !more_indented) {
      if (empty_lines_ == 0) value_ += ' ';
    } else if (pending_break_) {
      value_ += '\n';
    }
    value_.append(empty_lines_, '\n');
    value_ += line;
    empty_lines_ = 0;
    pending_break_ = has_break;
    previous_more_indented_ = more_indented;
  }

  bool Finish(std::string_view expected) {
    if (header_.chomping != '-' && pending_break_) value_ += '\n';
    if (header_.chomping == '+') value_.append(empty_lines_, '\n');
    return value_ == expected;
  }

 private:
  const Header& header_;
  std::string value_;
  std::size_t empty_lines_ = 0;
  bool pending_break_ = false;
  bool previous_more_indented_ = false;
};

}  // namespace

std::optional<BlockExtent> MatchBlock(std::string_view text, std::size_t begin, std::size_t parent_indent,
                                      std::string_view value) {
  const std::optional<Header> header = ReadHeader(text, begin);
  if (!header) return std::nullopt;
  const std::size_t first = ReadLine(text, begin).next;
  const std::size_t indent =
      header->indent > 0 ? parent_indent + header->indent : FindIndent(text, first, parent_indent);
  BlockExtent extent{header->end, first, first};
  Content content(*header);
  for (std::size_t at = first; at < text.size();) {
    const Line line = ReadLine(text, at);
    if (line.IsEmpty() && line.spaces <= indent) {
      content.AddEmptyLine(line.has_break);
    } else if (line.spaces < indent) {
      break;
    } else {
      content.AddLine(line.text.substr(indent), line.has_break);
      extent.content_end = line.next;
    }
    at = line.next;
  }
  if (!content.Finish(value)) return std::nullopt;
  return extent;
}

}  // namespace coffer::grafana
