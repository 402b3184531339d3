#include "keysvc/witness_feed.h"

#include <algorithm>
#include <atomic>

#include <spdlog/spdlog.h>

#include "audit/witness_client.h"
#include "io/http_client.h"
#include "io/ticker.h"

namespace coffer::keysvc {
namespace {

using audit::WitnessOutcome;

constexpr std::int64_t kMaxAheadUs = 300'000'000;  // of a witness's clock

std::string TroubleOf(const WitnessOutcome& outcome, std::uint64_t size) {
  const std::string seen = std::to_string(outcome.witness_size);
  const std::string here = std::to_string(size);
  switch (outcome.kind) {
    case WitnessOutcome::Kind::kCosigned:
      return {};
    case WitnessOutcome::Kind::kUnavailable:
      return "does not answer";
    case WitnessOutcome::Kind::kNotKnown:
      return "does not witness this log with this key";
    case WitnessOutcome::Kind::kRolledBack:
      return "has seen " + seen + " records of this log, which has " + here + ": the log was rolled back";
    case WitnessOutcome::Kind::kForked:
      return "has seen " + seen + " records that these " + here + " do not continue: the log was rewritten";
    case WitnessOutcome::Kind::kFalse:
      break;
  }
  return "answers what no witness with this key answers";
}

std::int64_t MicrosOf(const WitnessOutcome& outcome) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 42U;  // seconds; what is later is as far ahead
  return static_cast<std::int64_t>(std::min(outcome.time_unix_s, kMost)) * kMicrosPerSecond;
}

bool IsRefusal(const WitnessOutcome& outcome) {
  return outcome.kind == WitnessOutcome::Kind::kRolledBack || outcome.kind == WitnessOutcome::Kind::kForked;
}

}  // namespace

struct WitnessFeed::State {
  State(audit::Log& log_in, const Clock& clock_in, Options options_in)
      : log(log_in), clock(clock_in), options(std::move(options_in)) {}

  // One witness, and what was said of it.
  struct Target {
    explicit Target(WitnessAddress address_in) : address(std::move(address_in)), client(address.key) {}
    WitnessAddress address;
    audit::WitnessClient client;
    std::unique_ptr<HttpClient> http;
    std::int64_t asked_us = 0;  // monotonic, when it last cosigned
    std::uint64_t size = 0;     // what it cosigned then
  };

  void ShowAll() COFFER_EXCLUDES(show_mutex, facts_mutex);
  bool IsDue(const Target& target, std::uint64_t size) const;
  WitnessOutcome Show(Target& target, const SignedNote& note, const audit::TreeHead& head) const;
  // False: there is no cosignature to publish.
  bool NoteOutcome(std::size_t which, const WitnessOutcome& outcome, std::uint64_t size) COFFER_EXCLUDES(facts_mutex);

  audit::Log& log;
  const Clock& clock;
  const Options options;

  Mutex show_mutex;
  std::vector<Target> targets COFFER_GUARDED_BY(show_mutex);

  mutable Mutex facts_mutex;
  std::vector<WitnessFacts> facts COFFER_GUARDED_BY(facts_mutex);

  std::atomic<bool> stopping = false;
  std::unique_ptr<Ticker> ticker;  // last: it uses the others
};

// A log that did not grow is shown again, so that the cosignature does not become too old.
bool WitnessFeed::State::IsDue(const Target& target, std::uint64_t size) const {
  if (target.asked_us == 0 || target.size != size) return true;
  const std::int64_t age_us = clock.MonotonicMicros() - target.asked_us;
  return age_us >= std::chrono::duration_cast<std::chrono::microseconds>(options.max_age).count() / 3;
}

WitnessOutcome WitnessFeed::State::Show(Target& target, const SignedNote& note, const audit::TreeHead& head) const {
  const auto prove = [this](audit::Growth growth) { return log.ProveConsistency(growth); };
  const auto post = [&target](const std::string& body) -> Result<audit::WitnessReply> {
    COFFER_ASSIGN_OR_RETURN(HttpAnswer answer, target.http->Post(target.address.url + audit::kAddCheckpointPath, body));
    return audit::WitnessReply{.status = answer.status, .body = std::move(answer.body)};
  };
  return target.client.Ask(note, head, prove, post);
}

// A refusal stands until the witness cosigns: whoever is between the two could else have it forgotten with any answer.
// A cosignature of the future would stay young for as long as somebody likes.
bool WitnessFeed::State::NoteOutcome(std::size_t which, const WitnessOutcome& outcome, std::uint64_t size) {
  const bool cosigned = outcome.kind == WitnessOutcome::Kind::kCosigned;
  const bool ahead = cosigned && MicrosOf(outcome) > clock.UnixMicros() + kMaxAheadUs;
  const bool fine = cosigned && !ahead;
  const Lock held(facts_mutex);
  WitnessFacts& fact = facts[which];
  const bool refused_before = fact.refuses;
  fact.refuses = IsRefusal(outcome) || (refused_before && !fine);
  if (fine || IsRefusal(outcome) || !refused_before) {
    const std::string trouble =
        ahead ? "cosigns with a time that is not yet: its clock or ours is wrong" : TroubleOf(outcome, size);
    // Said when it changes, not each time.
    if (trouble != fact.trouble && !trouble.empty()) spdlog::error("the audit log's witness {} {}", fact.name, trouble);
    if (fine && (fact.cosigned_us == 0 || !fact.trouble.empty())) {
      spdlog::info("the audit log's witness {} has cosigned {} records", fact.name, outcome.witness_size);
    }
    fact.trouble = trouble;
  }
  if (!fine) return false;
  fact.size = outcome.witness_size;
  fact.cosigned_us = MicrosOf(outcome);
  return true;
}

void WitnessFeed::State::ShowAll() {
  const Lock held(show_mutex);
  const Result<SignedNote> note = log.checkpoint();
  if (!note.ok()) return;
  const Result<audit::Checkpoint> checkpoint = audit::Checkpoint::Parse(note->text);
  if (!checkpoint.ok()) return;
  std::vector<NoteSignature> cosignatures;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    Target& target = targets[i];
    if (stopping || !IsDue(target, checkpoint->head.size)) continue;
    const WitnessOutcome outcome = Show(target, *note, checkpoint->head);
    if (stopping) break;
    if (!NoteOutcome(i, outcome, checkpoint->head.size)) continue;
    target.asked_us = clock.MonotonicMicros();
    target.size = checkpoint->head.size;
    cosignatures.push_back(outcome.cosignature);
  }
  if (cosignatures.empty()) return;
  const Status added = log.AddCosignatures(*note, std::move(cosignatures));
  if (!added.ok()) spdlog::error("cosignatures cannot be published: {}", added.error().ToString());
}

WitnessFeed::WitnessFeed(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<WitnessFeed>> WitnessFeed::Start(audit::Log& log, const Clock& clock, Options options) {
  auto state = std::make_unique<State>(log, clock, std::move(options));
  {
    const Lock shown(state->show_mutex);
    const Lock held(state->facts_mutex);
    for (const WitnessAddress& address : state->options.witnesses) {
      State::Target target(address);
      COFFER_ASSIGN_OR_RETURN(
          target.http,
          HttpClient::Create({.deadline = state->options.patience, .ca_file = {}, .cancelled = &state->stopping}));
      state->targets.push_back(std::move(target));
      state->facts.push_back({.name = address.key.name(), .trouble = "was not asked yet"});
    }
  }
  State* const raw = state.get();
  COFFER_ASSIGN_OR_RETURN(raw->ticker, Ticker::Start({.interval = raw->options.interval, .polite = true}, [raw] {
                            raw->ShowAll();
                            return false;
                          }));
  return std::make_unique<WitnessFeed>(std::move(state));
}

WitnessFeed::~WitnessFeed() { state_->stopping = true; }

WitnessReport WitnessFeed::report() const {
  WitnessReport report;
  const std::int64_t oldest_us = state_->clock.UnixMicros() -
                                 std::chrono::duration_cast<std::chrono::microseconds>(state_->options.max_age).count();
  const Lock held(state_->facts_mutex);
  report.witnesses = state_->facts;
  const auto fresh = [oldest_us](const WitnessFacts& fact) { return !fact.refuses && fact.cosigned_us >= oldest_us; };
  const auto refuses = [](const WitnessFacts& fact) { return fact.refuses; };
  report.witnessed = std::any_of(report.witnesses.begin(), report.witnesses.end(), fresh) &&
                     std::none_of(report.witnesses.begin(), report.witnesses.end(), refuses);
  return report;
}

std::uint64_t WitnessFeed::witnessed_size() const {
  std::uint64_t size = 0;
  for (const WitnessFacts& fact : report().witnesses) {
    if (fact.refuses) return 0;
    size = std::max(size, fact.size);
  }
  return size;
}

}  // namespace coffer::keysvc
