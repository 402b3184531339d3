#include "crypto/internal/age_header.h"

#include <algorithm>

namespace coffer::internal {
namespace {

constexpr std::string_view kFamily = "age-encryption.org/";
constexpr std::string_view kArmor = "-----BEGIN AGE ENCRYPTED FILE-----";
constexpr std::string_view kStanzaMark = "-> ";
constexpr std::string_view kMacMark = "---";
constexpr std::size_t kColumns = 64;

void Replace(std::string& text, char from, char to) { std::replace(text.begin(), text.end(), from, to); }

bool IsArgument(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x21 && c <= 0x7E; });
}

Error Malformed(Literal message) { return {ErrorCode::kInvalidArgument, message}; }

// Hands out lines without their line feed, and counts them.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  bool BeginsWith(std::string_view mark) const { return rest_.substr(0, mark.size()) == mark; }
  bool empty() const { return rest_.empty(); }
  std::uint64_t number() const { return number_; }

  Result<std::string_view> Next() {
    const std::size_t end = rest_.find('\n');
    if (end == std::string_view::npos) return Malformed("the age header is cut short");
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    ++number_;
    return line;
  }

 private:
  std::string_view rest_;
  std::uint64_t number_ = 0;
};

Result<std::vector<std::string>> ParseArguments(std::string_view line) {
  if (line.substr(0, kStanzaMark.size()) != kStanzaMark) {
    return Malformed("the age header has a line that begins neither a stanza nor the MAC");
  }
  line.remove_prefix(kStanzaMark.size());
  std::vector<std::string> arguments;
  for (;;) {
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view argument = line.substr(0, end);
    if (!IsArgument(argument)) return Malformed("a stanza of the age header has an empty or unprintable argument");
    arguments.emplace_back(argument);
    if (end == line.size()) return arguments;
    line.remove_prefix(end + 1);
  }
}

Result<Bytes> ParseBody(Lines& lines) {
  std::string text;
  for (;;) {
    COFFER_ASSIGN_OR_RETURN(const std::string_view line, lines.Next());
    if (line.size() > kColumns) return Malformed("a body in the age header has a line of more than 64 characters");
    text += line;
    if (line.size() < kColumns) return FromAgeBase64(text);
  }
}

Result<AgeStanza> ParseStanza(Lines& lines) {
  AgeStanza stanza;
  COFFER_ASSIGN_OR_RETURN(const std::string_view line, lines.Next());
  COFFER_ASSIGN_OR_RETURN(stanza.arguments, ParseArguments(line));
  COFFER_ASSIGN_OR_RETURN(stanza.body, ParseBody(lines));
  return stanza;
}

Result<Digest> ParseMac(Lines& lines) {
  COFFER_ASSIGN_OR_RETURN(std::string_view line, lines.Next());
  line.remove_prefix(kMacMark.size());
  if (line.empty() || line.front() != ' ') return Malformed("the MAC of the age header is malformed");
  COFFER_ASSIGN_OR_RETURN(const Bytes bytes, FromAgeBase64(line.substr(1)));
  Digest mac{};
  if (bytes.size() != mac.size()) return Malformed("the MAC of the age header is not 32 bytes");
  std::copy(bytes.begin(), bytes.end(), mac.begin());
  return mac;
}

Result<AgeHeader> ParseLines(Lines& lines) {
  AgeHeader header;
  while (!lines.BeginsWith(kMacMark)) {
    COFFER_ASSIGN_OR_RETURN(AgeStanza stanza, ParseStanza(lines));
    header.stanzas.push_back(std::move(stanza));
  }
  if (header.stanzas.empty()) return Malformed("the age header has no stanza");
  COFFER_ASSIGN_OR_RETURN(header.mac, ParseMac(lines));
  if (!lines.empty()) return Malformed("bytes follow the age header");
  return header;
}

void AppendStanza(Bytes& out, const AgeStanza& stanza) {
  std::string text = "->";
  for (const std::string& argument : stanza.arguments) text.append(" ").append(argument);
  text += '\n';
  const std::string body = ToAgeBase64(stanza.body);
  for (std::size_t at = 0; at <= body.size(); at += kColumns) text.append(body, at, kColumns).append("\n");
  Append(out, AsBytes(text));
}

}  // namespace

std::string ToAgeBase64(ByteView bytes) {
  std::string text = ToBase64Url(bytes);
  Replace(text, '-', '+');
  Replace(text, '_', '/');
  return text;
}

Result<Bytes> FromAgeBase64(std::string_view text) {
  std::string url(text);
  const bool is_url = url.find_first_of("-_") != std::string::npos;
  Replace(url, '+', '-');
  Replace(url, '/', '_');
  auto bytes = FromBase64Url(url);
  if (is_url || !bytes.ok()) return Malformed("the age header has base64 that is not in its one form");
  return bytes;
}

Bytes AgeHeaderUnderMac(const std::vector<AgeStanza>& stanzas) {
  Bytes out = CopyOf(AsBytes(kAgeVersionLine));
  for (const AgeStanza& stanza : stanzas) AppendStanza(out, stanza);
  Append(out, AsBytes(kMacMark));
  return out;
}

std::string AgeMacLine(const Digest& mac) { return " " + ToAgeBase64(mac) + "\n"; }

Result<AgeHeader> ParseAgeHeader(ByteView header) {
  const std::string_view text = AsText(header);
  if (text.substr(0, kAgeVersionLine.size()) != kAgeVersionLine) {
    return Malformed("the age header does not begin with its version");
  }
  Lines lines(text.substr(kAgeVersionLine.size()));
  auto parsed = ParseLines(lines);
  if (!parsed.ok()) return std::move(parsed).error().AtLine(lines.number() + 1);
  parsed->authenticated = CopyOf(header.first(text.rfind(kMacMark) + kMacMark.size()));
  return parsed;
}

Status AgeHeaderCutter::CheckStart() const {
  const std::string_view text = AsText(header_);
  if (text == kAgeVersionLine) return {};
  if (text == kArmor.substr(0, text.size()))
    return Malformed("the age file is armored: decode it with `age -d` or send the binary file");
  if (text.substr(0, kFamily.size()) == kFamily) return Malformed("the age file is of a version that is not supported");
  return Malformed("the file is no age file");
}

Result<bool> AgeHeaderCutter::Take(ByteView& rest) {
  while (!rest.empty()) {
    const bool line_ends = rest.front() == std::byte{'\n'};
    header_.push_back(rest.front());
    rest = rest.subspan(1);
    if (header_.size() == kAgeVersionLine.size()) COFFER_TRY(CheckStart());
    if (header_.size() > kMaxAgeHeader) {
      return Malformed("the age header is longer than allowed, in bytes").WithLimit(kMaxAgeHeader);
    }
    if (!line_ends) continue;
    if (AsText(header_).substr(line_at_, kMacMark.size()) == kMacMark) return true;
    line_at_ = header_.size();
  }
  return false;
}

}  // namespace coffer::internal
