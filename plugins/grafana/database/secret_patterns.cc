#include "plugins/grafana/database/secret_patterns.h"

#include <algorithm>
#include <array>
#include <string>

namespace coffer::grafana {
namespace {

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlnum(char c) { return IsLower(c) || IsUpper(c) || IsDigit(c); }
bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }
bool IsBase64(char c) { return IsAlnum(c) || c == '+' || c == '/'; }
bool IsBase64Url(char c) { return IsAlnum(c) || c == '-' || c == '_'; }
bool IsBase32(char c) { return IsUpper(c) || (c >= '2' && c <= '7'); }
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

using CharacterTest = bool (*)(char);

// How many characters at the start of `text` pass.
std::size_t RunOf(std::string_view text, CharacterTest test) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), test) - text.begin());
}

// Calls `found` with what follows each `start` that does not continue a word (a dash does not end one: with one, a text
// of many starts would be read as many times); true as soon as it says so.
template <typename Found>
bool AnyAfter(std::string_view text, std::string_view start, Found found) {
  for (std::size_t at = text.find(start); at != std::string_view::npos; at = text.find(start, at + 1)) {
    const bool in_word = at > 0 && IsBase64Url(text[at - 1]);
    if (!in_word && found(text.substr(at + start.size()))) return true;
  }
  return false;
}

// Exactly `count` characters that pass, and the word ends there.
bool IsWordOf(std::string_view text, std::size_t count, CharacterTest test) {
  if (RunOf(text, test) < count) return false;
  return text.size() == count || (!IsAlnum(text[count]) && text[count] != '_');
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(text.begin(), text.end(), lower.begin(),
                 [](char c) { return IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

bool IsTemplate(std::string_view value) {
  constexpr std::string_view kStarts = "${<[%";
  if (value.empty() || kStarts.find(value.front()) != std::string_view::npos) return true;
  return value.find_first_not_of('*') == std::string_view::npos ||
         value.find_first_not_of('.') == std::string_view::npos ||
         RunOf(value, [](char c) { return c == 'x' || c == 'X'; }) == value.size();
}

// Behind "://" up to the path.
std::string_view AuthorityOf(std::string_view rest) {
  return rest.substr(0, rest.find_first_of("/?#\"'<>\\`) \t\r\n"));
}

bool HasPassword(std::string_view authority) {
  const std::size_t at = authority.rfind('@');
  if (at == std::string_view::npos) return false;
  const std::size_t colon = authority.substr(0, at).find(':');
  return colon != std::string_view::npos && !IsTemplate(authority.substr(colon + 1, at - colon - 1));
}

// The parameters of a URL, behind the authority.
bool HasPasswordParameter(std::string_view rest) {
  constexpr std::array<std::string_view, 4> kNames = {"password=", "sslpassword=", "passwd=", "pwd="};
  const std::string_view url = rest.substr(0, rest.find_first_of("\"'<>\\` \t\r\n"));
  for (std::size_t at = url.find('?'); at != std::string_view::npos; at = url.find('&', at + 1)) {
    const std::string_view parameter = url.substr(at + 1, url.find_first_of("&#", at + 1) - at - 1);
    for (const std::string_view name : kNames) {
      if (parameter.starts_with(name) && !IsTemplate(parameter.substr(name.size()))) return true;
    }
  }
  return false;
}

bool StartsSetting(std::string_view text, std::size_t at) {
  return at == 0 || std::string_view("; \t\r\n'\"`,(").find(text[at - 1]) != std::string_view::npos;
}

// The value of `name`, which ends in '=', where it stands as a setting of its own.
template <typename Found>
bool AnySetting(std::string_view text, std::string_view name, Found found) {
  for (std::size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    if (!StartsSetting(text, at)) continue;
    std::string_view value = text.substr(at + name.size());
    if (value.starts_with('\'') || value.starts_with('"')) value.remove_prefix(1);
    if (found(value.substr(0, value.find_first_of(";'\"`, \t\r\n)")))) return true;
  }
  return false;
}

// "-----BEGIN" is cut off: " RSA PRIVATE KEY-----" and the key.
bool IsOpenPrivateKey(std::string_view text) {
  constexpr std::string_view kEnd = "PRIVATE KEY-----";
  constexpr std::size_t kLongestKind = 24;
  constexpr std::size_t kFirstLine = 20;  // of base64, to tell a key from a text about keys
  const std::size_t end = text.substr(0, kLongestKind + kEnd.size()).find(kEnd);
  if (end == std::string_view::npos || text.substr(0, end).find("ENCRYPTED") != std::string_view::npos) return false;
  if (text.substr(0, end).find_first_not_of(" ABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string_view::npos) return false;
  std::string_view body = text.substr(end + kEnd.size());
  // A line end may be escaped, once or twice.
  while (!body.empty() && (IsSpace(body.front()) || body.front() == '\\')) {
    const bool escaped = body.size() > 1 && body.front() == '\\' && (body[1] == 'n' || body[1] == 'r');
    body.remove_prefix(escaped ? 2 : 1);
  }
  return RunOf(body, IsBase64) >= kFirstLine;
}

bool IsSlackWebhook(std::string_view path) {
  constexpr std::size_t kShortestId = 9;
  constexpr std::size_t kShortestToken = 20;
  for (const char start : {'T', 'B'}) {
    const std::size_t size = RunOf(path, IsAlnum);
    if (size < kShortestId || path[0] != start || path.size() == size || path[size] != '/') return false;
    path.remove_prefix(size + 1);
  }
  const std::string_view token = path.substr(0, RunOf(path, IsAlnum));
  return token.size() >= kShortestToken && !IsTemplate(token);
}

bool IsRestOfJsonWebToken(std::string_view text) {
  constexpr std::string_view kJson = "eyJ";
  constexpr std::size_t kShortestPart = 8;
  constexpr std::size_t kShortestSignature = 20;
  const std::size_t header = RunOf(text, IsBase64Url);
  if (header < kShortestPart || text.size() == header || text[header] != '.') return false;
  text.remove_prefix(header + 1);
  const std::size_t payload = RunOf(text, IsBase64Url);
  if (!text.starts_with(kJson) || payload < kShortestPart || text.size() == payload || text[payload] != '.')
    return false;
  return RunOf(text.substr(payload + 1), IsBase64Url) >= kShortestSignature;
}

}  // namespace

bool HoldsUrlPassword(std::string_view text) {
  constexpr std::string_view kMark = "://";
  for (std::size_t at = text.find(kMark); at != std::string_view::npos;) {
    // Up to the next one, so that no character is looked at twice.
    const std::size_t next = text.find(kMark, at + 1);
    const std::string_view rest = text.substr(at + kMark.size(), next - at - 1);
    const bool has_scheme = at > 0 && IsAlnum(text[at - 1]);
    if (has_scheme && (HasPassword(AuthorityOf(rest)) || HasPasswordParameter(rest))) return true;
    at = next;
  }
  return false;
}

bool HoldsConnectionPassword(std::string_view text) {
  constexpr std::array<std::string_view, 5> kSecrets = {
      "password=", "passwd=", "pwd=", "accountkey=", "sharedaccesskey="};
  constexpr std::array<std::string_view, 9> kHosts = {
      "host=", "hostaddr=", "server=", "data source=", "address=", "addr=", "dbname=", "endpoint=", "accountname="};
  if (text.find('=') == std::string_view::npos) return false;
  const std::string lower = Lower(text);
  const bool has_secret = std::any_of(kSecrets.begin(), kSecrets.end(), [&lower](std::string_view name) {
    return AnySetting(lower, name, [](std::string_view value) { return !IsTemplate(value); });
  });
  return has_secret && std::any_of(kHosts.begin(), kHosts.end(), [&lower](std::string_view name) {
           return AnySetting(lower, name, [](std::string_view value) { return !value.empty(); });
         });
}

bool HoldsPrivateKey(std::string_view text) {
  constexpr std::string_view kBegin = "-----BEGIN";
  for (std::size_t at = text.find(kBegin); at != std::string_view::npos; at = text.find(kBegin, at + 1)) {
    if (IsOpenPrivateKey(text.substr(at + kBegin.size()))) return true;
  }
  return false;
}

bool HoldsGrafanaToken(std::string_view text) {
  constexpr std::size_t kSecret = 32;
  constexpr std::size_t kChecksum = 8;
  constexpr std::size_t kShortest = 32;
  const auto service_account = [](std::string_view rest) {
    return RunOf(rest, IsAlnum) == kSecret && rest.size() > kSecret && rest[kSecret] == '_' &&
           IsWordOf(rest.substr(kSecret + 1), kChecksum, IsHexDigit);
  };
  const auto base64 = [](std::string_view rest) { return RunOf(rest, IsBase64) >= kShortest; };
  return AnyAfter(text, "glsa_", service_account) || AnyAfter(text, "glc_eyJ", base64) ||
         AnyAfter(text, "eyJrIjoi", base64);
}

bool HoldsGitHubToken(std::string_view text) {
  constexpr std::array<std::string_view, 5> kStarts = {"ghp_", "gho_", "ghu_", "ghs_", "ghr_"};
  constexpr std::size_t kSecret = 36;
  constexpr std::size_t kId = 22;
  constexpr std::size_t kFineGrained = 59;
  const auto classic = [text](std::string_view start) {
    return AnyAfter(text, start, [](std::string_view rest) { return IsWordOf(rest, kSecret, IsAlnum); });
  };
  return std::any_of(kStarts.begin(), kStarts.end(), classic) ||
         AnyAfter(text, "github_pat_", [](std::string_view rest) {
           return RunOf(rest, IsAlnum) == kId && rest.size() > kId && rest[kId] == '_' &&
                  IsWordOf(rest.substr(kId + 1), kFineGrained, IsAlnum);
         });
}

bool HoldsAwsAccessKey(std::string_view text) {
  constexpr std::size_t kRest = 16;
  const auto key = [](std::string_view rest) { return IsWordOf(rest, kRest, IsBase32); };
  return AnyAfter(text, "AKIA", key) || AnyAfter(text, "ASIA", key);
}

bool HoldsSlackToken(std::string_view text) {
  const auto token = [](std::string_view rest) {
    constexpr std::string_view kKinds = "abeoprs";
    constexpr std::size_t kShortest = 20;
    if (rest.size() < 2 || kKinds.find(rest[0]) == std::string_view::npos || rest[1] != '-') return false;
    const std::string_view secret =
        rest.substr(2, RunOf(rest.substr(2), [](char c) { return IsAlnum(c) || c == '-'; }));
    return secret.size() >= kShortest && std::any_of(secret.begin(), secret.end(), IsDigit);
  };
  return AnyAfter(text, "xox", token) || AnyAfter(text, "hooks.slack.com/services/", IsSlackWebhook);
}

bool HoldsJsonWebToken(std::string_view text) { return AnyAfter(text, "eyJ", IsRestOfJsonWebToken); }

}  // namespace coffer::grafana
