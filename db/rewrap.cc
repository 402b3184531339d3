#include "db/rewrap.h"

#include <algorithm>
#include <deque>
#include <future>
#include <map>
#include <numeric>

namespace coffer::db {
namespace {

constexpr std::int64_t kPauseAfterConflictsMicros = 200'000;
// Pages that the service has while the database reads and writes others.
constexpr std::size_t kPagesAhead = 2;

// Rows that others hold, and those that they changed, are left to a later pass.
bool OthersAreFirst(const Error& error) {
  return error.code() == ErrorCode::kUnavailable || error.code() == ErrorCode::kConflict;
}

class Run {
 public:
  Run(CipherRows& rows, const EncryptedColumn& column, const RewrapOptions& options, const RewrapPorts& ports)
      : rows_(rows), column_(column), options_(options), ports_(ports), began_(ports.clock->MonotonicMicros()) {}

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
  using Outcomes = client::RpcResult<std::vector<RewrapOutcome>>;

  // What was read, and what the service makes of it meanwhile.
  struct PageAhead {
    std::uint64_t seen = 0;  // by the pass, with this page
    std::vector<StoredValue> values;
    std::future<Outcomes> outcomes;
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
      Ask(std::move(page.values), seen, ahead.emplace_back());
      // Before the first answer nothing is known to be current, and all that is read would be asked for.
      while (ahead.size() > (more && !headers_.empty() ? kPagesAhead : 0)) {
        COFFER_TRY(Finish(ahead.front()));
        ahead.pop_front();
        if (report_.too_many_failed) return {};
      }
    }
    return {};
  }

  // Leaves out what is current. Where there is no thread to be had, the call is made when its answer is wanted.
  void Ask(std::vector<StoredValue> values, std::uint64_t seen, PageAhead& page) {
    CountCurrent(std::erase_if(values, [](const StoredValue& value) { return value.is_current; }));
    page.seen = seen;
    page.values = std::move(values);
    if (page.values.empty()) return;
    page.outcomes = std::async([this, asked = std::span<const StoredValue>(page.values)] {
      return RewrapValues(column_, asked, ports_.rewrap);
    });
  }

  RewrapResult<void> Finish(PageAhead& page) {
    if (!page.values.empty()) {
      COFFER_ASSIGN_OR_RETURN(const std::vector<RewrapOutcome> outcomes, page.outcomes.get());
      COFFER_ASSIGN_OR_RETURN(const std::vector<RowKey> changed, Settle(page.values, outcomes));
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
    COFFER_ASSIGN_OR_RETURN(const auto outcomes, RewrapValues(column_, values, ports_.rewrap));
    COFFER_ASSIGN_OR_RETURN(const std::vector<RowKey> lost, Settle(values, outcomes));
    conflicts_ += lost.size();
    return {};
  }

  // Gives the keys of those that others changed or hold.
  RewrapResult<std::vector<RowKey>> Settle(const std::vector<StoredValue>& values,
                                           const std::vector<RewrapOutcome>& outcomes) {
    std::vector<Replacement> replacements;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (outcomes[i].fault) {
        CountFailed(values[i].key, *outcomes[i].fault);
        continue;
      }
      Learn(TenantOf(column_, values[i]), outcomes[i].ciphertext);
      if (outcomes[i].ciphertext == values[i].ciphertext) {
        CountCurrent(1);
      } else {
        replacements.push_back({&values[i].key, values[i].ciphertext, outcomes[i].ciphertext});
      }
    }
    return Replace(replacements);
  }

  RewrapResult<std::vector<RowKey>> Replace(const std::vector<Replacement>& replacements) {
    std::vector<RowKey> changed;
    if (replacements.empty()) return changed;
    Result<std::vector<bool>> replaced = rows_.Replace(replacements);
    if (!replaced.ok() && !OthersAreFirst(replaced.error())) return replaced.error();
    for (std::size_t i = 0; i < replacements.size(); ++i) {
      const bool is_ours = replaced.ok() && (*replaced)[i];
      replaced_ += is_ours ? 1 : 0;
      report_.rewrapped += is_ours ? 1 : 0;
      if (!is_ours) changed.push_back(*replacements[i].key);
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
