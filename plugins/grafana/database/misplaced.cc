#include "plugins/grafana/database/misplaced.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <string>

#include "plugins/grafana/database/cell_secrets.h"
#include "plugins/grafana/database/characters.h"

namespace coffer::grafana {
namespace {

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
  switch (encoding) {
    case CellEncoding::kSettings:
    case CellEncoding::kMaybeSettings:
    case CellEncoding::kAlertingJson:
    case CellEncoding::kResourceJson:
      return true;
    default:
      return false;
  }
}

// What is no JSON is told by ReadCell.
bool IsJsonColumn(CellEncoding encoding) {
  return encoding == CellEncoding::kAlertingJson || encoding == CellEncoding::kSsoJson ||
         encoding == CellEncoding::kResourceJson;
}

bool IsSearched(CellEncoding encoding) {
  switch (encoding) {
    case CellEncoding::kText:
    case CellEncoding::kSettings:
    case CellEncoding::kMaybeSettings:
    case CellEncoding::kAlertingJson:
    case CellEncoding::kSsoJson:
    case CellEncoding::kResourceJson:
      return true;
    default:
      return false;
  }
}

bool MayBeJson(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpaces);
  return first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
}

// A short number counts or limits something.
bool MayBeSecretValue(const JsonLeaf& leaf) {
  constexpr std::size_t kShortestNumber = 4;
  if (!leaf.is_string) return leaf.text.size() >= kShortestNumber;
  return !leaf.text.empty() && !IsPlaceholder(leaf.text);
}

class Search {
 public:
  Search(CellEncoding encoding, const OnMisplaced& on_misplaced) : encoding_(encoding), on_misplaced_(on_misplaced) {}

  void Take(const JsonLeaf& leaf) {
    if (IsSecretLeaf(encoding_, leaf)) return;
    bool found = false;
    if (leaf.is_string) {
      FindMisplaced(leaf.text, [this, &leaf, &found](MisplacedKind kind) {
        found = true;
        Report(leaf.path, kind);
      });
    }
    const bool may_be_named = !found && HasNamedKeys(encoding_) && MayBeSecretValue(leaf);
    if (may_be_named && IsSecretName(leaf.key)) Report(leaf.path, MisplacedKind::kNamedKey);
  }

  // All of the text, for what was not found by its path.
  void TakeText(std::string_view text) {
    FindMisplaced(text, [this](MisplacedKind kind) {
      if (!found_.test(static_cast<std::size_t>(kind))) Report({}, kind);
    });
  }

  void Report(std::string_view path, MisplacedKind kind) {
    found_.set(static_cast<std::size_t>(kind));
    on_misplaced_(path, kind);
  }

 private:
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
    case MisplacedKind::kDiscordWebhook:
      return "discord-webhook";
    case MisplacedKind::kTelegramToken:
      return "telegram-token";
    case MisplacedKind::kJsonWebToken:
      return "json-web-token";
  }
  return "unknown";
}

bool IsSecretName(std::string_view key) {
  constexpr auto kNotTheSecret = std::to_array<std::string_view>(
      {"name",     "arn",     "path",   "file",       "url",     "uri",    "type", "header",  "field",    "ref",
       "id",       "mode",    "method", "format",     "policy",  "length", "size", "ttl",     "maxage",   "days",
       "interval", "seconds", "expiry", "expiration", "timeout", "status", "hint", "enabled", "provider", "version"});
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
  if (folded.starts_with("httpheadervalue") || folded.ends_with("authorizationheader")) return true;
  // Vault's, of an AppRole; another one's names a secret.
  if (folded == "secretid" || folded.ends_with("vaultsecretid") || folded.ends_with("approlesecretid")) return true;
  if (std::any_of(kNotTheSecret.begin(), kNotTheSecret.end(), ends)) return false;
  const auto within = [&folded](std::string_view word) { return folded.find(word) != std::string::npos; };
  return std::any_of(kWithin.begin(), kWithin.end(), within) || std::any_of(kEnds.begin(), kEnds.end(), ends);
}

Status FindMisplacedIn(CellEncoding encoding, ByteView cell, const OnMisplaced& on_misplaced) {
  const std::string_view text = AsText(cell);
  const bool searched = IsSearched(encoding) && !cell.empty() && cell.size() <= kMaxCell;
  if (!searched || (!HasNamedKeys(encoding) && !MayHoldMisplaced(text))) return {};
  Search search(encoding, on_misplaced);
  const bool may_be_text = encoding == CellEncoding::kText || encoding == CellEncoding::kMaybeSettings;
  if (may_be_text && !MayBeJson(text)) {
    search.TakeText(text);
    return {};
  }
  Status read = ForEachJsonLeaf(
      text, [&search](const JsonLeaf& leaf) { search.Take(leaf); },
      [&search](std::string_view path, MisplacedKind kind) { search.Report(path, kind); });
  if (read.ok() || IsJsonColumn(encoding)) return {};
  search.TakeText(text);
  return encoding == CellEncoding::kSettings ? std::move(read) : Status();
}

}  // namespace coffer::grafana
