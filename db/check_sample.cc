#include "db/check_sample.h"

#include <algorithm>
#include <numeric>

namespace coffer::db {

std::uint64_t SampledColumn::Failed() const { return std::accumulate(failed.begin(), failed.end(), std::uint64_t{0}); }

RewrapResult<SampledColumn> SampleColumn(const Source& source, const EncryptedColumn& column, std::uint32_t limit,
                                         const RewrapCall& call) {
  const Result<std::unique_ptr<CipherRows>> rows = OpenCipherRows(source, column);
  if (!rows.ok()) return RewrapError(rows.error());
  const Result<Page> page = (*rows)->ReadPage(nullptr, std::clamp<std::size_t>(limit, 1, kMaxSampledValues), {});
  if (!page.ok()) return RewrapError(page.error());
  SampledColumn sampled;
  sampled.sampled = page->values.size();
  if (page->values.empty()) return sampled;
  const auto outcomes = RewrapValues(column, page->values, call);
  if (!outcomes.ok()) return RewrapError(outcomes.error());
  for (const RewrapOutcome& outcome : *outcomes) {
    if (outcome.fault) ++sampled.failed[static_cast<std::size_t>(*outcome.fault)];
  }
  return sampled;
}

std::vector<Finding> FindingsOf(const SampledColumn& sampled, const EncryptedColumn& column) {
  const auto count = [&sampled](RewrapFault fault) { return sampled.failed[static_cast<std::size_t>(fault)]; };
  const std::string where = ShownColumn(column.place.table, column.place.column);
  const std::string of = " of " + std::to_string(sampled.sampled) + " sampled values ";
  std::vector<Finding> findings;
  if (const std::uint64_t undecryptable = count(RewrapFault::kUndecryptable); undecryptable > 0) {
    findings.push_back({Severity::kHigh, "undecryptable", where, std::to_string(undecryptable) + of + "do not decrypt",
                        "moved from another row, a bound column was edited, damaged, or of another catalog", ""});
  }
  if (const std::uint64_t unfit = count(RewrapFault::kUnfitRow); unfit > 0) {
    findings.push_back({Severity::kHigh, "undecryptable", where,
                        std::to_string(unfit) + of + "have a row id, bound column or tenant of another type",
                        "the catalog and the table do not fit", ""});
  }
  if (const std::uint64_t disabled = count(RewrapFault::kKeyDisabled); disabled > 0) {
    findings.push_back({Severity::kMedium, "key-disabled", where,
                        std::to_string(disabled) + of + "are under a disabled key version", "nobody can read them now",
                        ""});
  }
  return findings;
}

}  // namespace coffer::db
