#include "plugins/grafana/database/scan_report.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "plugins/grafana/database/characters.h"
#include "plugins/grafana/database/json_leaves.h"

namespace coffer::grafana {
namespace {

constexpr char kBetween = '\x1F';
constexpr std::size_t kMaxName = 64;  // bytes of a value that names a row

// Of a new path, besides its text: a node of the index, and a pointer.
constexpr std::size_t kPathBytes = sizeof(std::string) + 7 * sizeof(void*);

bool HoldsSecret(std::string_view name) {
  bool holds = false;
  FindMisplaced(name, [&holds](MisplacedKind) { holds = true; });
  return holds;
}

}  // namespace

std::string_view ProtectionName(Protection protection) {
  switch (protection) {
    case Protection::kPlaintext:
      return "plaintext";
    case Protection::kMisplaced:
      return "misplaced";
    case Protection::kLegacy:
      return "legacy";
    case Protection::kEnvelope:
      return "envelope";
    case Protection::kManager:
      return "secrets-manager";
    case Protection::kUnknownKey:
      return "unknown-data-key";
    case Protection::kUnreadable:
      return "unreadable";
  }
  return "unknown";
}

std::string_view ReadableByName(ReadableBy readable_by) {
  switch (readable_by) {
    case ReadableBy::kAnyone:
      return "anyone";
    case ReadableBy::kGivenKey:
      return "given-key";
    case ReadableBy::kKeyHolder:
      return "key-holder";
    case ReadableBy::kNobody:
      return "nobody";
    case ReadableBy::kUnknown:
      return "unknown";
  }
  return "unknown";
}

std::string_view GivenKeyName(GivenKey given) {
  switch (given) {
    case GivenKey::kNone:
      return "none";
    case GivenKey::kIsDefault:
      return "default";
    case GivenKey::kOpens:
      return "opens";
    case GivenKey::kOpensNone:
      return "opens-none";
    case GivenKey::kNotTold:
      return "not-told";
    case GivenKey::kNoneToOpen:
      return "none-to-open";
  }
  return "unknown";
}

std::string_view DataKeyRowsName(DataKeyRows rows) {
  switch (rows) {
    case DataKeyRows::kAll:
      return "all";
    case DataKeyRows::kRefused:
      return "refused";
    case DataKeyRows::kNoColumns:
      return "no-columns";
    case DataKeyRows::kNoTable:
      return "no-table";
  }
  return "unknown";
}

std::vector<std::pair<std::string_view, std::string_view>> ScanReport::RowName(const Finding& finding) const {
  const Row& row = rows_[finding.row];
  std::string_view rest = std::string_view(row_names_).substr(row.offset, row.size);
  std::vector<std::pair<std::string_view, std::string_view>> names;
  for (const std::string_view column : TableOfColumn(finding.column).row_name) {
    const std::size_t end = std::min(rest.find(kBetween), rest.size());
    if (end > 0) names.emplace_back(column, rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return names;
}

const DataKeyUse* ScanReport::DataKeyOf(const Finding& finding) const {
  return finding.data_key == Finding::kNoDataKey ? nullptr : &data_keys[finding.data_key];
}

std::uint32_t ScanReport::AddRow(const std::vector<std::string_view>& names) {
  const std::size_t offset = row_names_.size();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) row_names_ += kBetween;
    const std::size_t start = row_names_.size();
    row_names_ += HoldsSecret(names[i]) ? kHiddenName : names[i].substr(0, CharacterEnd(names[i], kMaxName));
    std::replace_if(row_names_.begin() + static_cast<std::ptrdiff_t>(start), row_names_.end(), IsControl, '?');
  }
  rows_.push_back({offset, static_cast<std::uint32_t>(row_names_.size() - offset)});
  names_and_paths_bytes_ += sizeof(Row) + rows_.back().size;
  return static_cast<std::uint32_t>(rows_.size() - 1);
}

std::uint32_t ScanReport::AddPath(std::string_view path) {
  const auto [found, is_new] = path_index_.try_emplace(std::string(path), static_cast<std::uint32_t>(paths_.size()));
  if (!is_new) return found->second;
  paths_.push_back(&found->first);
  names_and_paths_bytes_ += kPathBytes + path.size();
  return found->second;
}

bool IsSecret(const Finding& finding) { return finding.protection != Protection::kUnreadable; }

std::optional<BlobCipher> CipherOf(const Finding& finding) {
  switch (finding.protection) {
    case Protection::kLegacy:
    case Protection::kEnvelope:
    case Protection::kManager:
    case Protection::kUnknownKey:
      return finding.cipher;
    case Protection::kPlaintext:
    case Protection::kMisplaced:
    case Protection::kUnreadable:
      return std::nullopt;
  }
  return std::nullopt;
}

std::vector<FindingGroup> GroupFindings(const ScanReport& report) {
  using Key = std::tuple<ReadableBy, std::uint8_t, Protection, std::optional<BlobCipher>, MisplacedKind, bool>;
  std::map<Key, FindingGroup> groups;
  for (std::size_t i = 0; i < report.findings.size(); ++i) {
    const Finding& finding = report.findings[i];
    FindingGroup& group = groups[{finding.readable_by, finding.column, finding.protection, CipherOf(finding),
                                  finding.misplaced, finding.accepted}];
    group.column = finding.column;
    group.protection = finding.protection;
    group.readable_by = finding.readable_by;
    group.cipher = CipherOf(finding);
    group.accepted = finding.accepted;
    if (finding.protection == Protection::kMisplaced) group.misplaced = finding.misplaced;
    ++group.count;
    if (group.examples.size() < kMaxExamples) group.examples.push_back(i);
  }
  std::vector<FindingGroup> sorted;
  sorted.reserve(groups.size());
  for (auto& [key, group] : groups) sorted.push_back(std::move(group));
  return sorted;
}

std::uint64_t CountReadableBy(const ScanReport& report, ReadableBy readable_by) {
  return static_cast<std::uint64_t>(std::count_if(
      report.findings.begin(), report.findings.end(),
      [readable_by](const Finding& finding) { return finding.readable_by == readable_by && IsSecret(finding); }));
}

std::uint64_t CountUnjudged(const ScanReport& report) {
  return static_cast<std::uint64_t>(
      std::count_if(report.findings.begin(), report.findings.end(),
                    [](const Finding& finding) { return finding.readable_by == ReadableBy::kUnknown; }));
}

std::uint64_t CountAccepted(const ScanReport& report) {
  return static_cast<std::uint64_t>(std::count_if(report.findings.begin(), report.findings.end(),
                                                  [](const Finding& finding) { return finding.accepted; }));
}

bool IsExposed(const ScanReport& report) {
  return std::any_of(report.findings.begin(), report.findings.end(), [](const Finding& finding) {
    return !finding.accepted && finding.readable_by == ReadableBy::kAnyone && IsSecret(finding);
  });
}

bool IsUnjudged(const ScanReport& report) {
  return !report.not_examined.empty() ||
         std::any_of(report.findings.begin(), report.findings.end(), [](const Finding& finding) {
           return !finding.accepted && finding.readable_by == ReadableBy::kUnknown;
         });
}

std::uint64_t CountInHistory(const ScanReport& report, ReadableBy readable_by) {
  return static_cast<std::uint64_t>(
      std::count_if(report.findings.begin(), report.findings.end(), [readable_by](const Finding& finding) {
        return finding.readable_by == readable_by && IsSecret(finding) && TableOfColumn(finding.column).is_history;
      }));
}

}  // namespace coffer::grafana
