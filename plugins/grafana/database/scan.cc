#include "plugins/grafana/database/scan.h"

#include <algorithm>
#include <span>
#include <thread>

#include "plugins/grafana/database/in_parallel.h"
#include "plugins/grafana/database/key_trials.h"
#include "plugins/grafana/database/scan_collector.h"
#include "plugins/grafana/default_secret_key.h"

namespace coffer::grafana {
namespace {

constexpr std::uint64_t kRowsBetweenProgress = 1'024;

SecretBytes DefaultKey() { return SecretBytes::CopyOf(AsBytes(kDefaultSecretKey)); }

bool IsDefaultKey(const SecretBytes& key) {
  return EqualConstantTime(key.Expose(SecretAccess::kCipher), AsBytes(kDefaultSecretKey));
}

ReadableBy ReaderOf(KeyFit by_default) {
  switch (by_default) {
    case KeyFit::kOpens:
      return ReadableBy::kAnyone;
    case KeyFit::kDoesNot:
      return ReadableBy::kKeyHolder;
    case KeyFit::kUnknown:
      return ReadableBy::kUnknown;
  }
  return ReadableBy::kUnknown;
}

bool AnyIs(std::span<const Trial> trials, TrialOutcome outcome) {
  return std::any_of(trials.begin(), trials.end(), [outcome](const Trial& each) { return each.outcome == outcome; });
}

// The values that one secret_key should open: Grafana's own, or the secrets manager's.
class Domain {
 public:
  Domain(ScanCollector& collector, DataKeyTable table) {
    const std::vector<DataKeyUse>& uses = collector.report().data_keys;
    for (std::size_t use = 0; use < uses.size(); ++use) {
      if (uses[use].table != table || !uses[use].has_row) continue;
      const DataKey* const key = collector.keys(table).Find(uses[use].id);
      if (key == nullptr || !key->wrapped) continue;
      data_keys_.push_back(use);
      units_.push_back({&*key->wrapped, collector.TakeSamplesOf(use)});
    }
    if (table != DataKeyTable::kDataKeys) return;
    for (TrialUnit& unit : collector.TakeLegacyUnits()) units_.push_back(std::move(unit));
  }

  std::size_t size() const { return units_.size(); }
  // Of report.data_keys, for the first units; the others are the legacy ones.
  const std::vector<std::size_t>& data_keys() const { return data_keys_; }
  ReadableBy readable_by(std::size_t unit) const { return readers_[unit]; }

  // Grafana's default, then the key that was given on what is left. Once.
  GivenKey Try(const std::optional<SecretBytes>& given, unsigned threads,
               const std::function<void(std::size_t)>& on_done) {
    const std::vector<KeyFit> by_default = Conclude(TryKeyOnAll(units_, DefaultKey(), threads, on_done));
    for (const KeyFit fit : by_default) readers_.push_back(ReaderOf(fit));
    if (!given) return GivenKey::kNone;
    if (IsDefaultKey(*given)) return GivenKey::kIsDefault;
    if (units_.empty()) return GivenKey::kNoneToOpen;
    return TryGiven(*given, threads, on_done);
  }

 private:
  GivenKey TryGiven(const SecretBytes& given, unsigned threads, const std::function<void(std::size_t)>& on_done) {
    std::vector<std::size_t> left;
    std::vector<TrialUnit> units;
    for (std::size_t unit = 0; unit < units_.size(); ++unit) {
      if (readers_[unit] == ReadableBy::kAnyone) continue;
      left.push_back(unit);
      units.push_back(std::move(units_[unit]));
    }
    const auto on_given_done = [this, &on_done](std::size_t done) { on_done(units_.size() + done); };
    const std::vector<Trial> trials = TryKeyOnAll(units, given, threads, on_given_done);
    const std::vector<KeyFit> fits = Conclude(trials);
    for (std::size_t i = 0; i < fits.size(); ++i) {
      if (fits[i] == KeyFit::kOpens) readers_[left[i]] = ReadableBy::kGivenKey;
    }
    if (std::find(fits.begin(), fits.end(), KeyFit::kOpens) != fits.end()) return GivenKey::kOpens;
    const bool all_failed = AnyIs(trials, TrialOutcome::kFailed) && !AnyIs(trials, TrialOutcome::kPlausible);
    return all_failed || units.empty() ? GivenKey::kOpensNone : GivenKey::kNotTold;
  }

  std::vector<TrialUnit> units_;
  std::vector<std::size_t> data_keys_;
  std::vector<ReadableBy> readers_;
};

// What anyone reads is anyone's, whatever else there is. A data key whose wrapping no secret_key opens is a key
// management service's.
void GiveDataKeysTheirReaders(const Domain& domain, DataKeyTable table, ScanReport& report) {
  for (DataKeyUse& use : report.data_keys) {
    if (use.table != table) continue;
    const bool is_gone = !use.has_row && report.RowsOf(table) == DataKeyRows::kAll;
    const bool is_known = use.has_row && !use.damaged && !use.is_twice;
    use.readable_by = is_gone ? ReadableBy::kNobody : is_known ? ReadableBy::kKeyHolder : ReadableBy::kUnknown;
  }
  for (std::size_t unit = 0; unit < domain.data_keys().size(); ++unit) {
    DataKeyUse& use = report.data_keys[domain.data_keys()[unit]];
    const ReadableBy reader = domain.readable_by(unit);
    if (!use.is_twice || reader == ReadableBy::kAnyone) use.readable_by = reader;
  }
}

// What was not tried is read by whom all that was tried is read, if that is one.
void GiveLegacyCellsTheirReaders(const Domain& domain, const std::vector<LegacyCell>& cells, ScanReport& report) {
  const std::size_t first = domain.data_keys().size();
  std::optional<ReadableBy> of_all;
  for (std::size_t unit = first; unit < domain.size(); ++unit) {
    const ReadableBy reader = domain.readable_by(unit);
    if (of_all && *of_all != reader) of_all = ReadableBy::kUnknown;
    if (!of_all) of_all = reader;
  }
  for (const LegacyCell& cell : cells) {
    Finding& finding = report.findings[cell.finding];
    finding.inferred = cell.unit == LegacyCell::kNotTried;
    finding.readable_by =
        finding.inferred ? of_all.value_or(ReadableBy::kUnknown) : domain.readable_by(first + cell.unit);
    ++(finding.inferred ? report.legacy_not_tried : report.legacy_tried);
  }
}

void GiveFindingsTheirReaders(ScanReport& report) {
  for (Finding& finding : report.findings) {
    const DataKeyUse* const use = report.DataKeyOf(finding);
    if (use == nullptr) continue;
    finding.readable_by = use->readable_by;
    if (!use->has_row) finding.protection = Protection::kUnknownKey;
  }
}

void TryKeys(ScanCollector& collector, const ScanOptions& options) {
  const unsigned threads = ThreadsFor(options.threads);
  ScanReport& report = collector.report();
  Domain security(collector, DataKeyTable::kDataKeys);
  Domain manager(collector, DataKeyTable::kSecretDataKey);
  const std::size_t of_security = security.size() * (options.secret_key ? 2 : 1);
  const std::size_t total = of_security + manager.size() * (options.manager_key ? 2 : 1);
  std::size_t before = 0;
  const auto on_done = [&options, &before, total](std::size_t done) {
    if (options.on_progress) options.on_progress(ScanStep::kTrying, std::min(before + done, total), total);
  };
  report.secret_key = security.Try(options.secret_key, threads, on_done);
  before = of_security;
  report.manager_key = manager.Try(options.manager_key, threads, on_done);
  GiveDataKeysTheirReaders(security, DataKeyTable::kDataKeys, report);
  GiveDataKeysTheirReaders(manager, DataKeyTable::kSecretDataKey, report);
  GiveLegacyCellsTheirReaders(security, collector.legacy(), report);
  GiveFindingsTheirReaders(report);
}

}  // namespace

Result<ScanReport> Scan(RowReader& reader, const ScanOptions& options) {
  ScanCollector collector(options);
  COFFER_ASSIGN_OR_RETURN(const std::vector<FoundTable> found,
                          reader.Read(collector.wanted(), [&collector, &options](const ReadRow& row) {
                            const std::uint64_t rows = collector.report().rows_read;
                            if (options.on_progress && rows % kRowsBetweenProgress == 0)
                              options.on_progress(ScanStep::kReading, rows, 0);
                            return collector.Take(row);
                          }));
  COFFER_TRY(collector.Finish(found));
  TryKeys(collector, options);
  return std::move(collector.report());
}

}  // namespace coffer::grafana
