#include "plugins/grafana/database/accepted_findings.h"

#include <algorithm>
#include <map>

#include "plugins/grafana/database/characters.h"
#include "plugins/grafana/database/printable_text.h"
#include "plugins/grafana/database/report.h"

namespace coffer::grafana {
namespace {

constexpr std::string_view kBetween = "  ";
constexpr std::string_view kBeforeRow = ": ";

// Anyone can read it, for all that is known.
bool Counts(ReadableBy readable_by) {
  return readable_by == ReadableBy::kAnyone || readable_by == ReadableBy::kUnknown;
}

// The text in front of `end`, which goes from `rest` with it; nothing without one.
std::string_view TakeUntil(std::string_view end, std::string_view& rest) {
  const std::size_t at = rest.find(end);
  if (at == std::string_view::npos) return {};
  const std::string_view taken = rest.substr(0, at);
  rest.remove_prefix(at + end.size());
  return taken;
}

bool IsReader(std::string_view name) {
  return name == ReadableByName(ReadableBy::kAnyone) || name == ReadableByName(ReadableBy::kUnknown);
}

bool IsProtection(std::string_view name) {
  const std::string misplaced = std::string(ProtectionName(Protection::kMisplaced)) + ":";
  if (name.starts_with(misplaced)) {
    for (std::size_t kind = 0; kind < kMisplacedKinds; ++kind) {
      if (name.substr(misplaced.size()) == MisplacedKindName(static_cast<MisplacedKind>(kind))) return true;
    }
    return false;
  }
  for (std::size_t i = 0; i < kProtections; ++i) {
    const auto protection = static_cast<Protection>(i);
    if (protection != Protection::kMisplaced && name == ProtectionName(protection)) return true;
  }
  return false;
}

bool IsColumn(std::string_view name) {
  const auto columns = SensitiveColumns();
  return std::any_of(columns.begin(), columns.end(), [name](const SensitiveColumn& column) {
    return name == std::string(column.table) + "." + std::string(column.column);
  });
}

// As LineOf makes one of a finding that counts.
bool IsLine(std::string_view text) {
  std::string_view rest = text;
  return IsReader(TakeUntil(kBetween, rest)) && IsProtection(TakeUntil(kBetween, rest)) &&
         IsColumn(TakeUntil(kBeforeRow, rest)) && !rest.empty() && PrintableText(text) == text;
}

}  // namespace

Result<AcceptedFindings> AcceptedFindings::Parse(std::string_view text) {
  if (text.size() > kMaxBytes) {
    return Error(ErrorCode::kInvalidArgument, "is larger than allowed, in bytes").WithLimit(kMaxBytes);
  }
  AcceptedFindings accepted;
  for (std::uint64_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view entry = Trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (entry.empty() || entry.starts_with('#')) continue;
    if (!IsLine(entry)) {
      return Error(ErrorCode::kInvalidArgument,
                   "is no finding that anyone can read, or may, as `coffer grafana scan --all` prints it")
          .AtLine(line);
    }
    if (accepted.entries_.size() == kMaxEntries) {
      return Error(ErrorCode::kInvalidArgument, "accepts more findings than allowed")
          .AtLine(line)
          .WithLimit(kMaxEntries);
    }
    accepted.entries_.push_back({std::string(entry), line});
  }
  return accepted;
}

std::vector<AcceptedFindings::Entry> AcceptedFindings::Mark(ScanReport& report) const {
  std::multimap<std::string_view, const Entry*> open;
  for (const Entry& entry : entries_) open.emplace(entry.text, &entry);
  for (Finding& finding : report.findings) {
    if (open.empty()) break;
    if (!Counts(finding.readable_by)) continue;
    const auto match = open.find(LineOf(report, finding));
    if (match == open.end()) continue;
    finding.accepted = true;
    open.erase(match);
  }
  std::vector<Entry> stale;
  for (const auto& [text, entry] : open) stale.push_back(*entry);
  std::sort(stale.begin(), stale.end(), [](const Entry& a, const Entry& b) { return a.line < b.line; });
  return stale;
}

}  // namespace coffer::grafana
