#include "db/rewrap.h"

#include <algorithm>
#include <deque>
#include <future>
#include <map>
#include <numeric>

namespace coffer::db {
namespace {

constexpr std::int64_t kPauseAfterConflictsMicros = 200'000;
// Pages that the service has while the database reads and writes others, where there are no writers.
constexpr std::size_t kPagesAhead = 2;

// Rows that others hold, and those that they changed, are left to a later pass.
bool OthersAreFirst(const Error& error) {
  return error.code() == ErrorCode::kUnavailable || error.code() == ErrorCode::kConflict;
}

// What the service made of values, as far as it is to be written.
std::vector<Replacement> ReplacementsOf(std::span<const StoredValue> values,
                                        const std::vector<RewrapOutcome>& outcomes) {
  std::vector<Replacement> replacements;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (outcomes[i].fault || outcomes[i].ciphertext == values[i].ciphertext) continue;
    replacements.push_back({&values[i].key, values[i].ciphertext, outcomes[i].ciphertext});
  }
  return replacements;
}

class Run {
 public:
  Run(CipherRows& rows, const EncryptedColumn& column, const RewrapOptions& options, const RewrapPorts& ports)
      : rows_(rows),
        column_(column),
        options_(options),
        ports_(ports),
        began_(ports.clock->MonotonicMicros()),
        pages_ahead_(ports.writers.empty() ? kPagesAhead : ports.writers.size() - 1) {}

  RewrapResult<RewrapReport> Passes() {
    for (;;) {
      COFFER_TRY(Pass());
      ++report_.passes;
      report_.left = conflicts_ + report_.FailedInAll();
      report_.conflicts += conflicts_;
      report_.settled = replaced_ == 0 && !report_.too_many_failed;
      const bool is_done = report_.settled && conflicts_ == 0;
      if (is_done || report_.too_many_failed || report_.passes >= options_.max_passes) return std::move(report_);
      if (conflicts_ > 0) ports_.pause(kPauseAfterConflictsMicros);
    }
  }

 private:
  // What became of a page's values.
  struct Made {
    client::RpcResult<std::vector<RewrapOutcome>> outcomes;
    std::vector<Replacement> replacements;
    Result<std::vector<bool>> replaced;
  };

  struct PageAhead {
    std::uint64_t seen = 0;  // by the pass, with this page
    std::vector<StoredValue> values;
    std::future<Made> made;
  };

  RewrapResult<void> Pass() {
    headers_.clear();
    conflicts_ = replaced_ = 0;
    report_.failed = {};
    report_.failed_rows.clear();
    std::uint64_t seen = 0;
    std::optional<RowKey> last;
    std::deque<PageAhead> ahead;  // its calls end before it does
    for (bool more = true; more;) {
      COFFER_ASSIGN_OR_RETURN(Page page, rows_.ReadPage(last ? &*last : nullptr, options_.batch, Known()));
      more = !page.is_last;
      if (!page.values.empty()) last = page.values.back().key;
      seen += page.values.size();
      if (report_.passes == 0) report_.values += page.values.size();
      Begin(std::move(page.values), seen, ahead.emplace_back());
      // Before the first answer nothing is known to be current, and all that is read would be asked for.
      while (ahead.size() > (more && !headers_.empty() ? pages_ahead_ : 0)) {
        COFFER_TRY(Finish(ahead.front()));
        ahead.pop_front();
        if (report_.too_many_failed) return {};
      }
    }
    return {};
  }

  // Leaves out what is current. Where there is no thread to be had, it is done when it is waited for.
  void Begin(std::vector<StoredValue> values, std::uint64_t seen, PageAhead& page) {
    CountCurrent(std::erase_if(values, [](const StoredValue& value) { return value.is_current; }));
    page.seen = seen;
    page.values = std::move(values);
    // At most as many pages are ahead as there are writers, and the oldest ends first: this one is free.
    CipherRows* const writer = ports_.writers.empty() ? nullptr : ports_.writers[begun_++ % ports_.writers.size()];
    if (page.values.empty()) return;
    page.made = std::async(
        [this, asked = std::span<const StoredValue>(page.values), writer] { return MakeAnew(asked, writer); });
  }

  // Of others' threads: nothing here is changed.
  Made MakeAnew(std::span<const StoredValue> values, CipherRows* writer) const {
    Made made{RewrapValues(column_, values, ports_.rewrap), {}, std::vector<bool>()};
    if (!made.outcomes.ok()) return made;
    made.replacements = ReplacementsOf(values, *made.outcomes);
    if (writer != nullptr && !made.replacements.empty()) made.replaced = writer->Replace(made.replacements);
    return made;
  }

  RewrapResult<void> Finish(PageAhead& page) {
    if (!page.values.empty()) {
      Made made = page.made.get();
      if (ports_.writers.empty()) Replace(made);
      COFFER_ASSIGN_OR_RETURN(const std::vector<RowKey> changed, Settle(page.values, made));
      if (!changed.empty()) COFFER_TRY(TakeAgain(changed));
    }
    ports_.progress(page.seen);
    report_.too_many_failed = report_.FailedInAll() > options_.max_failed;
    if (!report_.too_many_failed) KeepRate();
    return {};
  }

  RewrapResult<void> TakeAgain(const std::vector<RowKey>& changed) {
    COFFER_ASSIGN_OR_RETURN(std::vector<StoredValue> values, rows_.ReadRows(changed, Known()));
    CountCurrent(std::erase_if(values, [](const StoredValue& value) { return value.is_current; }));
    if (values.empty()) return {};
    Made made = MakeAnew(values, nullptr);
    Replace(made);
    COFFER_ASSIGN_OR_RETURN(const std::vector<RowKey> lost, Settle(values, made));
    conflicts_ += lost.size();
    return {};
  }

  void Replace(Made& made) {
    if (!made.replacements.empty()) made.replaced = rows_.Replace(made.replacements);
  }

  // Counts. Gives the keys of those that others changed or hold.
  RewrapResult<std::vector<RowKey>> Settle(const std::vector<StoredValue>& values, const Made& made) {
    if (!made.outcomes.ok()) return RewrapError(made.outcomes.error());
    if (!made.replaced.ok() && !OthersAreFirst(made.replaced.error())) return RewrapError(made.replaced.error());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const RewrapOutcome& outcome = (*made.outcomes)[i];
      if (outcome.fault) {
        CountFailed(values[i].key, *outcome.fault);
        continue;
      }
      Learn(TenantOf(column_, values[i]), outcome.ciphertext);
      if (outcome.ciphertext == values[i].ciphertext) CountCurrent(1);
    }
    std::vector<RowKey> changed;
    for (std::size_t i = 0; i < made.replacements.size(); ++i) {
      const bool is_ours = made.replaced.ok() && (*made.replaced)[i];
      replaced_ += is_ours ? 1 : 0;
      report_.rewrapped += is_ours ? 1 : 0;
      if (!is_ours) changed.push_back(*made.replacements[i].key);
    }
    return changed;
  }

  void CountCurrent(std::uint64_t count) {
    if (report_.passes == 0) report_.current += count;
  }

  void CountFailed(const RowKey& key, RewrapFault fault) {
    ++report_.failed[static_cast<std::size_t>(fault)];
    if (report_.failed_rows.size() < options_.failed_rows_kept) report_.failed_rows.push_back({key, fault});
  }

  // What the service made last is of the present key and form.
  void Learn(const std::string& tenant, const std::string& ciphertext) {
    const auto known = headers_.find(tenant);
    if (known == headers_.end() && headers_.size() >= kMaxKnownHeaders) return;
    headers_[tenant] = ciphertext.substr(0, kFieldHeaderSize);
  }

  Headers Known() const {
    Headers known;
    for (const auto& [tenant, header] : headers_) known.push_back(header);
    return known;
  }

  void KeepRate() {
    if (options_.max_rate == 0) return;
    const auto wanted = static_cast<std::int64_t>(report_.rewrapped * kMicrosPerSecond / options_.max_rate);
    const std::int64_t ahead = wanted - (ports_.clock->MonotonicMicros() - began_);
    if (ahead > 0) ports_.pause(ahead);
  }

  CipherRows& rows_;
  const EncryptedColumn& column_;
  const RewrapOptions& options_;
  const RewrapPorts& ports_;
  const std::int64_t began_;
  const std::size_t pages_ahead_;
  std::size_t begun_ = 0;  // pages
  RewrapReport report_;
  // Of this pass:
  std::map<std::string, std::string> headers_;  // of each tenant, as far as known
  std::uint64_t conflicts_ = 0;
  std::uint64_t replaced_ = 0;
};

}  // namespace

std::uint64_t RewrapReport::FailedInAll() const { return std::accumulate(failed.begin(), failed.end(), 0ULL); }

RewrapResult<RewrapReport> RewrapColumn(CipherRows& rows, const EncryptedColumn& column, const RewrapOptions& options,
                                        const RewrapPorts& ports) {
  return Run(rows, column, options, ports).Passes();
}

}  // namespace coffer::db
