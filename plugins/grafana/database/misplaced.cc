#include "plugins/grafana/database/misplaced.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <string>

#include "plugins/grafana/database/cell_secrets.h"
#include "plugins/grafana/database/secret_patterns.h"

namespace coffer::grafana {
namespace {

struct Pattern {
  MisplacedKind kind;
  bool (*holds)(std::string_view text);
};

constexpr auto kPatterns = std::to_array<Pattern>({
    {MisplacedKind::kUrlPassword, HoldsUrlPassword},
    {MisplacedKind::kConnectionPassword, HoldsConnectionPassword},
    {MisplacedKind::kPrivateKey, HoldsPrivateKey},
    {MisplacedKind::kGrafanaToken, HoldsGrafanaToken},
    {MisplacedKind::kGitHubToken, HoldsGitHubToken},
    {MisplacedKind::kAwsAccessKey, HoldsAwsAccessKey},
    {MisplacedKind::kSlackToken, HoldsSlackToken},
    {MisplacedKind::kJsonWebToken, HoldsJsonWebToken},
});

// Lower case, without what separates words.
std::string Folded(std::string_view name) {
  std::string folded;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') folded += static_cast<char>(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) folded += c;
  }
  return folded;
}

bool HasNamedKeys(CellEncoding encoding) {
  return encoding == CellEncoding::kSettings || encoding == CellEncoding::kAlertingJson;
}

bool IsJsonColumn(CellEncoding encoding) {
  return encoding != CellEncoding::kText && encoding != CellEncoding::kSettings;
}

bool IsSearched(CellEncoding encoding) {
  switch (encoding) {
    case CellEncoding::kText:
    case CellEncoding::kSettings:
    case CellEncoding::kAlertingJson:
    case CellEncoding::kSsoJson:
    case CellEncoding::kResourceJson:
      return true;
    default:
      return false;
  }
}

bool MayBeJson(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
}

// Whether a URL may have a user and a password, in JSON as it is: slashes may be escaped there, and so may characters
// of the password.
bool MayHoldUrlPassword(std::string_view text) {
  for (const std::string_view mark : {"://", ":\\/\\/"}) {
    for (std::size_t at = text.find(mark); at != std::string_view::npos;) {
      const std::size_t next = text.find(mark, at + 1);
      const std::string_view rest = text.substr(at + mark.size(), next - at);
      const std::string_view authority = rest.substr(0, rest.find_first_of("\" \t\r\n/?#"));
      const std::size_t user_end = authority.find(':');
      if (user_end != std::string_view::npos && authority.find('@', user_end) != std::string_view::npos) return true;
      at = next;
    }
  }
  return false;
}

// Whether there can be anything, before the work of finding where.
bool MayHold(std::string_view text) {
  constexpr auto kParts = std::to_array<std::string_view>(
      {"assw",        "ASSW",  "wd=",  "WD=",  "ccountKey=", "ccountkey=",     "ccessKey=", "ccesskey=",
       "PRIVATE KEY", "glsa_", "glc_", "ghp_", "gho_",       "ghu_",           "ghs_",      "ghr_",
       "github_pat_", "AKIA",  "ASIA", "xox",  "eyJ",        "hooks.slack.com"});
  return MayHoldUrlPassword(text) || std::any_of(kParts.begin(), kParts.end(), [text](std::string_view part) {
           return text.find(part) != std::string_view::npos;
         });
}

class Search {
 public:
  Search(CellEncoding encoding, const OnMisplaced& on_misplaced) : encoding_(encoding), on_misplaced_(on_misplaced) {}

  void Take(const JsonLeaf& leaf) {
    if (!leaf.is_string || IsSecretLeaf(encoding_, leaf)) return;
    bool found = false;
    const auto on_kind = [this, &leaf, &found](MisplacedKind kind) {
      found = true;
      Report(leaf.path, kind);
    };
    if (MayHold(leaf.text)) FindMisplaced(leaf.text, on_kind);
    const bool named = !found && HasNamedKeys(encoding_) && !leaf.text.empty() && IsSecretName(leaf.key);
    if (named && !IsPlaceholder(leaf.text)) Report(leaf.path, MisplacedKind::kNamedKey);
  }

  // All of the text, for what was not found by its path.
  void TakeText(std::string_view text) {
    FindMisplaced(text, [this](MisplacedKind kind) {
      if (!found_.test(static_cast<std::size_t>(kind))) Report({}, kind);
    });
  }

 private:
  void Report(std::string_view path, MisplacedKind kind) {
    found_.set(static_cast<std::size_t>(kind));
    on_misplaced_(path, kind);
  }

  CellEncoding encoding_;
  const OnMisplaced& on_misplaced_;
  std::bitset<kMisplacedKinds> found_;
};

}  // namespace

std::string_view MisplacedKindName(MisplacedKind kind) {
  switch (kind) {
    case MisplacedKind::kUrlPassword:
      return "url-password";
    case MisplacedKind::kConnectionPassword:
      return "connection-password";
    case MisplacedKind::kNamedKey:
      return "named-key";
    case MisplacedKind::kPrivateKey:
      return "private-key";
    case MisplacedKind::kGrafanaToken:
      return "grafana-token";
    case MisplacedKind::kGitHubToken:
      return "github-token";
    case MisplacedKind::kAwsAccessKey:
      return "aws-access-key";
    case MisplacedKind::kSlackToken:
      return "slack-token";
    case MisplacedKind::kJsonWebToken:
      return "json-web-token";
  }
  return "unknown";
}

void FindMisplaced(std::string_view text, const std::function<void(MisplacedKind)>& on_kind) {
  for (const Pattern& pattern : kPatterns) {
    if (pattern.holds(text)) on_kind(pattern.kind);
  }
}

bool IsSecretName(std::string_view key) {
  constexpr std::array<std::string_view, 21> kNotTheSecret = {
      "name", "arn",    "path",   "file",   "url",    "uri",      "type",    "header", "field",      "ref",    "id",
      "mode", "method", "format", "policy", "length", "provider", "enabled", "expiry", "expiration", "version"};
  constexpr std::array<std::string_view, 4> kWithin = {"password", "passwd", "passphrase", "secret"};
  constexpr std::array<std::string_view, 16> kEnds = {"pwd",
                                                      "token",
                                                      "apikey",
                                                      "accesskey",
                                                      "privatekey",
                                                      "clientkey",
                                                      "sharedkey",
                                                      "signingkey",
                                                      "encryptionkey",
                                                      "accountkey",
                                                      "servicekey",
                                                      "integrationkey",
                                                      "connectionstring",
                                                      "authorizationcredentials",
                                                      "authorization",
                                                      "bearer"};
  const std::string folded = Folded(key);
  const auto ends = [&folded](std::string_view word) { return folded.ends_with(word); };
  if (folded.starts_with("httpheadervalue")) return true;
  if (std::any_of(kNotTheSecret.begin(), kNotTheSecret.end(), ends)) return false;
  const auto within = [&folded](std::string_view word) { return folded.find(word) != std::string::npos; };
  return std::any_of(kWithin.begin(), kWithin.end(), within) || std::any_of(kEnds.begin(), kEnds.end(), ends);
}

Status FindMisplacedIn(CellEncoding encoding, ByteView cell, const OnMisplaced& on_misplaced) {
  const std::string_view text = AsText(cell);
  const bool searched = IsSearched(encoding) && !cell.empty() && cell.size() <= kMaxCell;
  if (!searched || (!HasNamedKeys(encoding) && !MayHold(text))) return {};
  Search search(encoding, on_misplaced);
  if (encoding == CellEncoding::kText && !MayBeJson(text)) {
    search.TakeText(text);
    return {};
  }
  Status read = ForEachJsonLeaf(text, [&search](const JsonLeaf& leaf) { search.Take(leaf); });
  if (read.ok() || IsJsonColumn(encoding)) return {};
  search.TakeText(text);
  return encoding == CellEncoding::kSettings ? std::move(read) : Status();
}

}  // namespace coffer::grafana
