#include <algorithm>
#include <array>

#include "plugins/grafana/database/characters.h"
#include "plugins/grafana/database/json_leaves.h"
#include "plugins/grafana/database/printable_text.h"
#include "plugins/grafana/database/report.h"

namespace coffer::grafana {
namespace {

std::string Count(std::uint64_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

std::string Secrets(std::uint64_t count) { return Count(count, "secret", "secrets"); }

std::string ColumnName(std::size_t column) {
  const SensitiveColumn& each = SensitiveColumns()[column];
  return std::string(each.table) + "." + std::string(each.column);
}

std::string RowText(const ScanReport& report, const Finding& finding) {
  std::string text;
  for (const auto& [column, value] : report.RowName(finding)) {
    if (!text.empty()) text += " ";
    text.append(column).append("=").append(PrintableText(value));
  }
  return text.empty() ? "a row without a name" : text;
}

constexpr unsigned char kTopBits = 0xC0;
constexpr unsigned char kContinuation = 0x80;
bool IsInsideCharacter(char c) { return (static_cast<unsigned char>(c) & kTopBits) == kContinuation; }

// The end of a long text says more of a path, the start more of a name.
std::string LastOf(const std::string& text, std::size_t size) {
  if (text.size() <= size) return text;
  std::size_t start = text.size() - size;
  while (start < text.size() && IsInsideCharacter(text[start])) ++start;
  return "..." + text.substr(start);
}
std::string FirstOf(const std::string& text, std::size_t size) {
  return text.size() <= size ? text : text.substr(0, CharacterEnd(text, size)) + "...";
}

// "password of id=1 org_id=1".
std::string InRow(const ScanReport& report, const Finding& finding) {
  const std::string_view path = report.Path(finding);
  return (path.empty() ? "" : PrintableText(path) + " of ") + RowText(report, finding);
}

std::string ExampleOf(const ScanReport& report, const Finding& finding) {
  constexpr std::size_t kOfPath = 28;
  constexpr std::size_t kOfRow = 64;
  const std::string path = LastOf(PrintableText(report.Path(finding)), kOfPath);
  return (path.empty() ? "" : path + " of ") + FirstOf(RowText(report, finding), kOfRow);
}

std::string_view MisplacedText(MisplacedKind kind) {
  switch (kind) {
    case MisplacedKind::kUrlPassword:
      return "a password in a URL";
    case MisplacedKind::kConnectionPassword:
      return "a password in a connection string";
    case MisplacedKind::kNamedKey:
      return "a secret in a plain setting";
    case MisplacedKind::kPrivateKey:
      return "a private key in clear";
    case MisplacedKind::kGrafanaToken:
      return "a Grafana token in clear";
    case MisplacedKind::kGitHubToken:
      return "a GitHub token in clear";
    case MisplacedKind::kAwsAccessKey:
      return "an AWS access key's id in clear";
    case MisplacedKind::kSlackToken:
      return "a Slack token in clear";
    case MisplacedKind::kDiscordWebhook:
      return "a Discord webhook";
    case MisplacedKind::kTelegramToken:
      return "a Telegram bot's token";
    case MisplacedKind::kJsonWebToken:
      return "a JSON web token in clear";
  }
  return "a secret in clear";
}

bool IsEncrypted(Protection protection) {
  return protection == Protection::kLegacy || protection == Protection::kEnvelope || protection == Protection::kManager;
}

std::string ProtectionText(const FindingGroup& group) {
  std::string cipher = group.cipher == BlobCipher::kAesGcm ? "aes-gcm" : "aes-cfb";
  if (group.readable_by == ReadableBy::kAnyone) cipher += ", under the default key";
  switch (group.protection) {
    case Protection::kPlaintext:
      return "none: plaintext";
    case Protection::kMisplaced:
      return "none: " + std::string(MisplacedText(group.misplaced.value_or(MisplacedKind::kNamedKey)));
    case Protection::kLegacy:
      return "secret_key, " + cipher;
    case Protection::kEnvelope:
      return "data key, " + cipher;
    case Protection::kManager:
      return "secrets manager, " + cipher;
    case Protection::kUnknownKey:
      return "a data key without a row, " + cipher;
    case Protection::kUnreadable:
      return "cannot be read";
  }
  return "";
}

std::string ReaderText(const FindingGroup& group) {
  switch (group.readable_by) {
    case ReadableBy::kAnyone:
      return "anyone";
    case ReadableBy::kGivenKey:
      return "who has the given key";
    case ReadableBy::kKeyHolder:
      return "who has its key";
    case ReadableBy::kNobody:
      return "nobody";
    case ReadableBy::kUnknown:
      return "unknown";
  }
  return "";
}

std::string Headline(const ScanReport& report) {
  const std::uint64_t exposed = CountReadableBy(report, ReadableBy::kAnyone);
  const std::uint64_t unjudged = CountUnjudged(report);
  const auto all = static_cast<std::uint64_t>(std::count_if(report.findings.begin(), report.findings.end(), IsSecret));
  const std::string which = exposed == all ? Secrets(all) : std::to_string(exposed) + " of " + Secrets(all);
  const std::uint64_t accepted = CountAccepted(report);
  const std::size_t unexamined = report.not_examined.size();
  std::string text =
      all == 0 ? "No secret was found in this database" : which + " can be read by whoever holds this database";
  if (unjudged > 0) text += "; " + Count(unjudged, "value", "values") + " could not be judged";
  if (unexamined > 0) text += "; " + Count(unexamined, "table was", "tables were") + " not examined";
  if (accepted > 0) text += "; " + Count(accepted, "finding is", "findings are") + " accepted";
  return text + ".";
}

std::string_view KindText(TableKind kind) {
  switch (kind) {
    case TableKind::kTable:
      break;
    case TableKind::kView:
      return "it is a view, not a table";
    case TableKind::kMaterializedView:
      return "it is a materialized view, not a table";
    case TableKind::kForeignTable:
      return "it is a foreign table, whose rows are elsewhere";
    case TableKind::kForeignParts:
      return "parts of it are foreign tables, whose rows are elsewhere";
    case TableKind::kPartitioned:
      return "its rows have the names of its parts in this dump: dump with pg_dump --load-via-partition-root";
    case TableKind::kVirtualTable:
      return "it is a virtual table, whose rows are elsewhere";
    case TableKind::kOther:
      break;
  }
  return "it is no ordinary table";
}

using Facts = std::vector<std::string>;

void AddNotExamined(const ScanReport& report, Facts& facts) {
  for (const NotExamined& each : report.not_examined) {
    facts.push_back(std::string(SensitiveTables()[each.table].name) +
                    ": not examined: " + std::string(KindText(each.kind)) + ".");
  }
}

void AddKeyFacts(const ScanReport& report, Facts& facts) {
  struct Told {
    DataKeyTable table;
    std::string_view key;
    GivenKey given;
  };
  const std::array<Told, 2> domains = {
      {{DataKeyTable::kDataKeys, "secret_key", report.secret_key},
       {DataKeyTable::kSecretDataKey, "secret_key of the secrets manager", report.manager_key}}};
  for (const Told& domain : domains) {
    const bool by_default =
        std::any_of(report.data_keys.begin(), report.data_keys.end(), [&domain](const DataKeyUse& use) {
          return use.table == domain.table && use.readable_by == ReadableBy::kAnyone;
        });
    const std::string the_key = "the " + std::string(domain.key);
    if (by_default) facts.push_back("Data keys open with " + the_key + " that Grafana ships, which everybody knows.");
    if (domain.given == GivenKey::kIsDefault) facts.push_back("The given key is the public default of Grafana.");
    if (domain.given == GivenKey::kOpens) facts.push_back("The given key is " + the_key + " of this database.");
    if (domain.given == GivenKey::kOpensNone) {
      facts.push_back("The given key opens nothing here: it is not " + the_key + " of this database.");
    }
    if (domain.given == GivenKey::kNotTold) {
      facts.push_back("Whether the given key is " + the_key +
                      " of this database cannot be told: what is under it is too short, or too little.");
    }
    if (domain.given == GivenKey::kNoneToOpen) facts.push_back("There is nothing to try " + the_key + " on.");
  }
}

void AddDataKeyFacts(const ScanReport& report, Facts& facts) {
  std::uint64_t rows = 0;
  std::uint64_t active = 0;
  std::uint64_t unused = 0;
  std::uint64_t damaged = report.damaged_data_keys;
  for (const DataKeyUse& use : report.data_keys) {
    rows += use.has_row ? 1 : 0;
    active += use.active ? 1 : 0;
    unused += use.has_row && use.cells == 0 ? 1 : 0;
    damaged += use.damaged ? 1 : 0;
  }
  if (rows > 0) {
    std::string fact = Count(rows, "data key", "data keys") + ": " + std::to_string(active) + " active, " +
                       std::to_string(rows - active) + " old";
    if (unused > 0)
      fact += ", " + std::to_string(unused) + " with nothing under " + (unused == 1 ? "it" : "them") + " here";
    facts.push_back(fact + ".");
  }
  if (damaged > 0) facts.push_back(Count(damaged, "row of a data key is", "rows of data keys are") + " damaged.");
}

// Of blobs that name a data key without a row.
void AddMissingKeyFacts(const ScanReport& report, Facts& facts) {
  for (const DataKeyTable table : {DataKeyTable::kDataKeys, DataKeyTable::kSecretDataKey}) {
    std::uint64_t missing = 0;
    std::uint64_t cells = 0;
    for (const DataKeyUse& use : report.data_keys) {
      if (use.has_row || use.table != table) continue;
      ++missing;
      cells += use.cells;
    }
    if (missing == 0) continue;
    const std::string name = "table " + std::string(DataKeyColumns(table).name);
    const std::string under = ": who can read the " + Count(cells, "value", "values") + " under " +
                              Count(missing, "data key", "data keys") + " without a row cannot be told.";
    switch (report.RowsOf(table)) {
      case DataKeyRows::kAll:
        facts.push_back(Count(missing, "data key is gone, and with it ", "data keys are gone, and with them ") +
                        Count(cells, "value", "values") + ".");
        break;
      case DataKeyRows::kRefused:
        facts.push_back("Rows of " + name + " could not be read" + under);
        break;
      case DataKeyRows::kNoColumns:
        facts.push_back("Columns of " + name + " are not there" + under);
        break;
      case DataKeyRows::kNoTable:
        facts.push_back("There is no " + name + " in what was scanned" + under);
        break;
    }
  }
}

// Where Grafana leaves a secret behind when it is told to re-encrypt.
void AddLeftBehindFacts(const ScanReport& report, Facts& facts) {
  std::uint64_t in_history = 0;
  for (std::size_t reader = 0; reader < kReaders; ++reader) {
    in_history += CountInHistory(report, static_cast<ReadableBy>(reader));
  }
  if (in_history > 0) {
    facts.push_back("Tables of old versions hold " + Count(in_history, "copy", "copies") +
                    ", which a change in Grafana leaves as they are.");
  }
  std::vector<std::string> columns;
  for (const Finding& finding : report.findings) {
    const bool left = !SensitiveColumns()[finding.column].rotated && report.DataKeyOf(finding) != nullptr;
    std::string name = left ? ColumnName(finding.column) : "";
    if (left && std::find(columns.begin(), columns.end(), name) == columns.end()) columns.push_back(std::move(name));
  }
  if (columns.empty()) return;
  std::string list;
  for (const std::string& column : columns) list += (list.empty() ? "" : ", ") + column;
  facts.push_back("Grafana's own re-encryption does not visit " + list + ": old data keys have to stay for it.");
}

std::uint64_t CountUnreadable(const ScanReport& report) {
  return static_cast<std::uint64_t>(
      std::count_if(report.findings.begin(), report.findings.end(),
                    [](const Finding& finding) { return finding.protection == Protection::kUnreadable; }));
}

// What somebody's key opens, the default one maybe.
std::uint64_t CountUntold(const ScanReport& report) {
  return static_cast<std::uint64_t>(
      std::count_if(report.findings.begin(), report.findings.end(), [](const Finding& finding) {
        return finding.readable_by == ReadableBy::kUnknown && IsEncrypted(finding.protection);
      }));
}

void AddLimits(const ScanReport& report, Facts& facts) {
  const std::uint64_t unreadable = CountUnreadable(report);
  if (unreadable > 0) {
    facts.push_back(Count(unreadable, "value", "values") + " could not be read; look at " +
                    (unreadable == 1 ? "it." : "them."));
  }
  const std::uint64_t untold = CountUntold(report);
  if (untold > 0) {
    facts.push_back("Whether the default key opens " + Count(untold, "encrypted value", "encrypted values") +
                    " cannot be told.");
  }
  if (report.legacy_not_tried > 0) {
    facts.push_back("Of " + std::to_string(report.legacy_tried + report.legacy_not_tried) +
                    " values under secret_key itself " + std::to_string(report.legacy_tried) +
                    " were tried; the others are taken to be like them.");
  }
}

void AddOtherFacts(const ScanReport& report, Facts& facts) {
  if (report.sessions > 0) {
    facts.push_back(Count(report.sessions, "session is", "sessions are") +
                    " kept as hashes keyed with secret_key: another secret_key logs everybody out.");
  }
  for (std::size_t column = 0; column < report.personal.size(); ++column) {
    if (report.personal[column] == 0) continue;
    facts.push_back(ColumnName(column) + ": " + Count(report.personal[column], "value", "values") +
                    " about persons, in clear.");
  }
}

// Whether anyone can read a finding of this protection that nobody accepted.
bool HasExposed(const ScanReport& report, const std::function<bool(Protection)>& test) {
  return std::any_of(report.findings.begin(), report.findings.end(), [&test](const Finding& finding) {
    return !finding.accepted && finding.readable_by == ReadableBy::kAnyone && test(finding.protection);
  });
}

std::vector<std::string> Steps(const ScanReport& report) {
  std::vector<std::string> steps;
  if (HasExposed(report, IsEncrypted)) {
    steps.emplace_back(
        "the default key protects nothing: stop Grafana and give it another, `coffer grafana rotate-secret-key "
        "DATABASE`, "
        "for secure values with --which secrets-manager (\"Another secret_key\" in docs/OPERATIONS.md)");
  }
  if (HasExposed(report, [](Protection protection) { return protection == Protection::kPlaintext; })) {
    steps.emplace_back("what is plaintext in a datasource is encrypted when the datasource is saved again in Grafana");
  }
  if (HasExposed(report, [](Protection protection) { return protection == Protection::kMisplaced; })) {
    steps.emplace_back("move what is misplaced to a secure field, or out of Grafana");
  }
  if (!steps.empty()) {
    steps.emplace_back(
        "datasources of provisioning files keep no secret here: `coffer grafana import FILE --in-place`");
    steps.emplace_back(
        "change each secret where it is from: backups, replicas and whoever looked have what was readable");
  } else if (CountReadableBy(report, ReadableBy::kGivenKey) > 0) {
    steps.emplace_back("keep secret_key out of grafana.ini: `coffer grafana secret-key import --file FILE`");
  }
  if (report.secret_key == GivenKey::kNone && CountUntold(report) > 0) {
    steps.emplace_back("Grafana's secret_key may tell of values that could not be judged: --secret-key-file FILE");
  }
  return steps;
}

}  // namespace

std::string PlaceOf(const ScanReport& report, const Finding& finding) {
  return ColumnName(finding.column) + ": " + InRow(report, finding);
}

std::string LineOf(const ScanReport& report, const Finding& finding) {
  std::string line(ReadableByName(finding.readable_by));
  line.append("  ").append(ProtectionName(finding.protection));
  if (finding.protection == Protection::kMisplaced) line.append(":").append(MisplacedKindName(finding.misplaced));
  line.append("  ").append(PlaceOf(report, finding));
  return std::string(Trimmed(line));
}

ReportText TextOf(const ScanReport& report) {
  ReportText text;
  text.headline = Headline(report);
  text.is_exposed = IsExposed(report);
  text.is_unjudged = IsUnjudged(report);
  for (const FindingGroup& group : GroupFindings(report)) {
    text.groups.push_back({ColumnName(group.column), ProtectionText(group), ReaderText(group), group.count,
                           ExampleOf(report, report.findings[group.examples.front()]),
                           !group.accepted && group.readable_by == ReadableBy::kAnyone,
                           !group.accepted && group.readable_by == ReadableBy::kUnknown, group.accepted});
  }
  AddNotExamined(report, text.facts);
  AddKeyFacts(report, text.facts);
  AddDataKeyFacts(report, text.facts);
  AddMissingKeyFacts(report, text.facts);
  AddLeftBehindFacts(report, text.facts);
  AddLimits(report, text.facts);
  AddOtherFacts(report, text.facts);
  text.steps = Steps(report);
  return text;
}

}  // namespace coffer::grafana
