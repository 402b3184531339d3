#include "plugins/grafana/database/secret_patterns.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <string>

#include "plugins/grafana/database/characters.h"

namespace coffer::grafana {
namespace {

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }
bool IsBase64(char c) { return IsAlphanumeric(c) || c == '+' || c == '/'; }
bool IsBase64Url(char c) { return IsAlphanumeric(c) || c == '-' || c == '_'; }
bool IsBase32(char c) { return IsUpper(c) || (c >= '2' && c <= '7'); }

using CharacterTest = bool (*)(char);

// How many characters at the start of `text` pass.
std::size_t RunOf(std::string_view text, CharacterTest test) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), test) - text.begin());
}

// Exactly `count` characters that pass, and the word ends there.
bool IsWordOf(std::string_view text, std::size_t count, CharacterTest test) {
  if (RunOf(text, test) < count) return false;
  return text.size() == count || (!IsAlphanumeric(text[count]) && text[count] != '_');
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(text.begin(), text.end(), lower.begin(),
                 [](char c) { return IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

bool IsName(std::string_view text) {
  const auto fits = [](char c) { return IsAlphanumeric(c) || c == '_'; };
  return !text.empty() && !IsDigit(text.front()) && RunOf(text, fits) == text.size();
}

// Nothing but one character that stands for another.
bool IsMasked(std::string_view value) {
  constexpr std::string_view kMasks = "*.?xX";
  return std::any_of(kMasks.begin(), kMasks.end(),
                     [value](char mask) { return value.find_first_not_of(mask) == std::string_view::npos; });
}

// The whole value is to be replaced: ${...}, $__file{...}, $NAME, $1, {{...}}, <...>, [...], %NAME%, %s. Of a password
// in a URL "%40" and "$" are characters.
bool IsTemplate(std::string_view value) {
  if (IsMasked(value)) return true;
  const auto between = [value](std::string_view start, char end) {
    return value.size() > start.size() && value.starts_with(start) && value.back() == end;
  };
  if (between("${", '}') || between("$__", '}') || between("$(", ')') || between("{", '}') || between("<", '>') ||
      between("[", ']')) {
    return true;
  }
  const std::string_view name = value.substr(1);
  if (value.front() == '$') return IsName(name) || RunOf(name, IsDigit) == name.size();
  if (value.front() != '%') return false;
  return name == "s" || name == "v" || (name.ends_with('%') && IsName(name.substr(0, name.size() - 1)));
}

// Behind "://" up to the path. Other marks than those that end it may stand in a password.
std::string_view AuthorityOf(std::string_view rest) { return rest.substr(0, rest.find_first_of("/?#\"<>\\` \t\r\n")); }

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

bool HoldsUrlPassword(std::string_view text) {
  constexpr std::string_view kMark = "://";
  for (std::size_t at = text.find(kMark); at != std::string_view::npos;) {
    // Up to the next one, so that no character is looked at twice.
    const std::size_t next = text.find(kMark, at + 1);
    const std::string_view rest = text.substr(at + kMark.size(), next - at - 1);
    const bool has_scheme = at > 0 && IsAlphanumeric(text[at - 1]);
    if (has_scheme && (HasPassword(AuthorityOf(rest)) || HasPasswordParameter(rest))) return true;
    at = next;
  }
  return false;
}

// As it is in JSON: slashes may be escaped there, and so may characters of the password.
bool MayHoldUrlPassword(std::string_view json) {
  for (const std::string_view mark : {"://", ":\\/\\/"}) {
    for (std::size_t at = json.find(mark); at != std::string_view::npos;) {
      const std::size_t next = json.find(mark, at + 1);
      const std::string_view rest = json.substr(at + mark.size(), next - at);
      const std::string_view authority = rest.substr(0, rest.find_first_of("\" \t\r\n/?#"));
      const std::size_t user_end = authority.find(':');
      if (user_end != std::string_view::npos && authority.find('@', user_end) != std::string_view::npos) return true;
      at = next;
    }
  }
  return false;
}

// In lower case. A URL's parameters of passwords end in one of them too.
constexpr std::array<std::string_view, 5> kSecretSettings = {"password", "passwd", "pwd", "accountkey",
                                                             "sharedaccesskey"};
constexpr std::array<std::string_view, 9> kHostSettings = {"host", "hostaddr", "server",   "data source", "address",
                                                           "addr", "dbname",   "endpoint", "accountname"};
// go-sql-driver's networks, between the password and the address.
constexpr std::array<std::string_view, 5> kDriverNetworks = {"@tcp(", "@tcp4(", "@tcp6(", "@unix(", "@cloudsql("};

bool StartsSetting(std::string_view text, std::size_t at) {
  return at == 0 || std::string_view("; \t\r\n'\"`,(").find(text[at - 1]) != std::string_view::npos;
}

// The value of `name`, where it stands as a setting of its own: "name=value", "name = value", "name='value'". With both
// blanks and quotes it is a comparison in a query. Goes on behind the value, so that none is read twice.
template <typename Found>
bool AnySetting(std::string_view text, std::string_view name, Found found) {
  constexpr std::string_view kBlanks = " \t";
  for (std::size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at)) {
    const bool starts = StartsSetting(text, at);
    at += name.size();
    const std::size_t equals = text.find_first_not_of(kBlanks, at);
    if (equals == std::string_view::npos) return false;
    if (!starts || text[equals] != '=') continue;
    const std::size_t begin = std::min(text.find_first_not_of(kBlanks, equals + 1), text.size());
    const bool has_blanks = equals != at || begin != equals + 1;
    at = begin;
    const bool quoted = begin < text.size() && (text[begin] == '\'' || text[begin] == '"');
    if (quoted && has_blanks) continue;
    const std::size_t end = quoted ? text.find(text[begin], begin + 1) : text.find_first_of(";'\"`, \t\r\n)", begin);
    at = std::min(end, text.size());
    if (found(text.substr(begin, at - begin).substr(quoted ? 1 : 0))) return true;
  }
  return false;
}

// user:password@tcp(host:port)/database
bool HoldsDriverPassword(std::string_view text, std::string_view network) {
  std::size_t from = 0;
  for (std::size_t at = text.find(network); at != std::string_view::npos; at = text.find(network, from)) {
    const std::string_view before = text.substr(from, at - from);
    const std::string_view user = before.substr(before.find_last_of(" \t\r\n\"'`") + 1);
    const std::size_t colon = std::min(user.find(':'), user.size());
    const bool is_url = user.substr(colon).starts_with("://");
    if (colon < user.size() && !is_url && !IsTemplate(user.substr(colon + 1))) return true;
    from = at + network.size();
  }
  return false;
}

bool HoldsConnectionPassword(std::string_view text) {
  const auto has_network = [text](std::string_view network) { return HoldsDriverPassword(text, network); };
  if (std::any_of(kDriverNetworks.begin(), kDriverNetworks.end(), has_network)) return true;
  if (text.find('=') == std::string_view::npos) return false;
  const std::string lower = Lower(text);
  const bool has_secret = std::any_of(kSecretSettings.begin(), kSecretSettings.end(), [&lower](std::string_view name) {
    return AnySetting(lower, name, [](std::string_view value) { return !IsTemplate(value); });
  });
  return has_secret && std::any_of(kHostSettings.begin(), kHostSettings.end(), [&lower](std::string_view name) {
           return AnySetting(lower, name, [](std::string_view value) { return !value.empty(); });
         });
}

// "123456789:AA...", maybe behind "bot".
constexpr std::string_view kTelegramMark = ":AA";

bool HoldsTelegramToken(std::string_view text) {
  constexpr std::size_t kShortestId = 8;
  constexpr std::size_t kLongestId = 12;
  constexpr std::size_t kSecret = 35;
  for (std::size_t at = text.find(kTelegramMark); at != std::string_view::npos; at = text.find(kTelegramMark, at + 1)) {
    std::string_view before = text.substr(0, at);
    while (before.size() + kLongestId > at && !before.empty() && IsDigit(before.back())) before.remove_suffix(1);
    const bool in_word = !before.empty() && IsAlphanumeric(before.back()) && !before.ends_with("bot");
    const bool is_secret = RunOf(text.substr(at + 1, kSecret + 1), IsBase64Url) == kSecret;
    if (is_secret && !in_word && before.size() + kShortestId <= at) return true;
  }
  return false;
}

// What may follow the start of a token.

// " RSA PRIVATE KEY-----" and the key.
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
    const std::size_t size = RunOf(path, IsAlphanumeric);
    if (size < kShortestId || path[0] != start || path.size() == size || path[size] != '/') return false;
    path.remove_prefix(size + 1);
  }
  const std::string_view token = path.substr(0, RunOf(path, IsAlphanumeric));
  return token.size() >= kShortestToken && !IsTemplate(token);
}

bool IsDiscordWebhook(std::string_view path) {
  constexpr std::string_view kWebhooks = "webhooks/";
  constexpr std::size_t kShortestId = 15;
  constexpr std::size_t kShortestToken = 32;
  if (path.starts_with('v')) path.remove_prefix(std::min(path.find('/'), path.size() - 1) + 1);  // a version
  if (!path.starts_with(kWebhooks)) return false;
  path.remove_prefix(kWebhooks.size());
  const std::size_t id = RunOf(path, IsDigit);
  if (id < kShortestId || path.size() == id || path[id] != '/') return false;
  path.remove_prefix(id + 1);
  const std::string_view token = path.substr(0, RunOf(path, IsBase64Url));
  return token.size() >= kShortestToken && !IsTemplate(token);
}

bool IsServiceAccountToken(std::string_view rest) {
  constexpr std::size_t kSecret = 32;
  constexpr std::size_t kChecksum = 8;
  return RunOf(rest, IsAlphanumeric) == kSecret && rest.size() > kSecret && rest[kSecret] == '_' &&
         IsWordOf(rest.substr(kSecret + 1), kChecksum, IsHexDigit);
}

bool IsGrafanaBase64(std::string_view rest) {
  constexpr std::size_t kShortest = 32;
  return RunOf(rest, IsBase64) >= kShortest;
}

bool IsGitHubToken(std::string_view rest) {
  constexpr std::size_t kSecret = 36;
  return IsWordOf(rest, kSecret, IsAlphanumeric);
}

bool IsFineGrainedGitHubToken(std::string_view rest) {
  constexpr std::size_t kId = 22;
  constexpr std::size_t kSecret = 59;
  return RunOf(rest, IsAlphanumeric) == kId && rest.size() > kId && rest[kId] == '_' &&
         IsWordOf(rest.substr(kId + 1), kSecret, IsAlphanumeric);
}

bool IsAwsAccessKey(std::string_view rest) {
  constexpr std::size_t kRest = 16;
  return IsWordOf(rest, kRest, IsBase32);
}

// "b-1234...": the kind of token, and the token.
bool IsSlackToken(std::string_view rest) {
  constexpr std::string_view kKinds = "abeoprs";
  constexpr std::size_t kShortest = 20;
  if (rest.size() < 2 || kKinds.find(rest[0]) == std::string_view::npos || rest[1] != '-') return false;
  const std::string_view secret =
      rest.substr(2, RunOf(rest.substr(2), [](char c) { return IsAlphanumeric(c) || c == '-'; }));
  return secret.size() >= kShortest && std::any_of(secret.begin(), secret.end(), IsDigit);
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

struct TokenPattern {
  MisplacedKind kind;
  std::string_view start;
  bool (*is_rest)(std::string_view rest);
};

constexpr auto kTokens = std::to_array<TokenPattern>({
    {MisplacedKind::kPrivateKey, "-----BEGIN", IsOpenPrivateKey},
    {MisplacedKind::kGrafanaToken, "glsa_", IsServiceAccountToken},
    {MisplacedKind::kGrafanaToken, "glc_eyJ", IsGrafanaBase64},
    {MisplacedKind::kGrafanaToken, "eyJrIjoi", IsGrafanaBase64},
    {MisplacedKind::kGitHubToken, "ghp_", IsGitHubToken},
    {MisplacedKind::kGitHubToken, "gho_", IsGitHubToken},
    {MisplacedKind::kGitHubToken, "ghu_", IsGitHubToken},
    {MisplacedKind::kGitHubToken, "ghs_", IsGitHubToken},
    {MisplacedKind::kGitHubToken, "ghr_", IsGitHubToken},
    {MisplacedKind::kGitHubToken, "github_pat_", IsFineGrainedGitHubToken},
    {MisplacedKind::kAwsAccessKey, "AKIA", IsAwsAccessKey},
    {MisplacedKind::kAwsAccessKey, "ASIA", IsAwsAccessKey},
    {MisplacedKind::kSlackToken, "xox", IsSlackToken},
    {MisplacedKind::kSlackToken, "hooks.slack.com/services/", IsSlackWebhook},
    {MisplacedKind::kDiscordWebhook, "discord.com/api/", IsDiscordWebhook},
    {MisplacedKind::kDiscordWebhook, "discordapp.com/api/", IsDiscordWebhook},
    {MisplacedKind::kJsonWebToken, "eyJ", IsRestOfJsonWebToken},
});

// A start that is a word must not continue one (a dash does not end one: with one, a text of many starts would be read
// as many times).
bool HoldsToken(std::string_view text, const TokenPattern& token) {
  const bool is_word = IsAlphanumeric(token.start.front());
  for (std::size_t at = text.find(token.start); at != std::string_view::npos; at = text.find(token.start, at + 1)) {
    const bool in_word = is_word && at > 0 && IsBase64Url(text[at - 1]);
    if (!in_word && token.is_rest(text.substr(at + token.start.size()))) return true;
  }
  return false;
}

}  // namespace

void FindMisplaced(std::string_view text, const std::function<void(MisplacedKind)>& on_kind) {
  if (HoldsUrlPassword(text)) on_kind(MisplacedKind::kUrlPassword);
  if (HoldsConnectionPassword(text)) on_kind(MisplacedKind::kConnectionPassword);
  if (HoldsTelegramToken(text)) on_kind(MisplacedKind::kTelegramToken);
  std::bitset<kMisplacedKinds> found;
  for (const TokenPattern& token : kTokens) {
    const auto kind = static_cast<std::size_t>(token.kind);
    if (found.test(kind) || !HoldsToken(text, token)) continue;
    found.set(kind);
    on_kind(token.kind);
  }
}

bool MayHoldMisplaced(std::string_view json) {
  const auto has = [json](std::string_view part) { return json.find(part) != std::string_view::npos; };
  // Up to a slash, which may be escaped.
  const auto has_start = [&has](const TokenPattern& token) {
    return has(token.start.substr(0, token.start.find('/')));
  };
  if (MayHoldUrlPassword(json) || has(kTelegramMark)) return true;
  if (std::any_of(kDriverNetworks.begin(), kDriverNetworks.end(), has)) return true;
  if (std::any_of(kTokens.begin(), kTokens.end(), has_start)) return true;
  const std::string lower = Lower(json);
  return std::any_of(kSecretSettings.begin(), kSecretSettings.end(),
                     [&lower](std::string_view name) { return lower.find(name) != std::string::npos; });
}

}  // namespace coffer::grafana
