#include "plugins/grafana/database/key_trials.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "plugins/grafana/database/in_parallel.h"

namespace coffer::grafana {
namespace {

// How many bytes a cut can leave of a character.
constexpr int kMaxPartOfCharacter = 3;
// Of a whole database: all but one in a million wrong keys fail.
constexpr double kCertainBits = 20;
// Of a data key, in bytes: Grafana's are of 16. Nothing else is one, least of all nothing: whoever can write to the
// database could otherwise make one that he knows.
constexpr std::size_t kDataKeySize = 16;
constexpr std::size_t kLongDataKeySize = 32;
// Of a test that is one of two.
constexpr double kBitsOfChoice = 1;

bool IsDataKeySize(std::size_t size) { return size == kDataKeySize || size == kLongDataKeySize; }

Trial LookAt(const TrialSample& sample, const SecretBytes& passphrase) {
  auto plaintext = sample.blob.Decrypt(passphrase);
  if (!plaintext.ok()) return {TrialOutcome::kFailed};
  if (sample.blob.cipher == BlobCipher::kAesGcm) return {TrialOutcome::kTagged};
  if (plaintext->empty()) return {TrialOutcome::kUntested};
  std::optional<double> bits = PlausibleBits(*plaintext, sample.is_cut ? PlaintextKind::kText : sample.kind);
  for (int cut = 0; !bits && sample.is_cut && cut < kMaxPartOfCharacter; ++cut) {
    plaintext->Truncate(plaintext->size() - 1);
    bits = PlausibleBits(*plaintext, PlaintextKind::kText);
  }
  if (bits) return {TrialOutcome::kPlausible, *bits};
  return {sample.may_be_raw ? TrialOutcome::kUntested : TrialOutcome::kFailed};
}

// What a trial adds to the evidence that a key is right for some of the values, not for all of them: log2 of the mean
// of 1 and its likelihood, so that a value under another key costs one bit. The mean's expectation is at most 1 for a
// wrong key, and so is that of the product over values that were encrypted apart: the bits add up as those of
// PlausibleBits do.
double Evidence(const Trial& trial) {
  if (trial.outcome == TrialOutcome::kFailed) return -kBitsOfChoice;
  if (trial.outcome != TrialOutcome::kPlausible) return 0;
  // For many bits, 2^bits is all there is.
  constexpr double kMany = 60;
  if (trial.bits > kMany) return trial.bits - kBitsOfChoice;
  return std::log2(1 + std::exp2(trial.bits)) - kBitsOfChoice;
}

// All of them under the same key, one of them damaged, maybe.
Trial TrySamples(const std::vector<TrialSample>& samples, const SecretBytes& passphrase) {
  if (samples.size() == 1) return LookAt(samples.front(), passphrase);
  double evidence = 0;
  bool tested = false;
  for (const TrialSample& sample : samples) {
    const Trial trial = LookAt(sample, passphrase);
    if (trial.outcome == TrialOutcome::kTagged) return trial;
    tested = tested || trial.outcome != TrialOutcome::kUntested;
    evidence += Evidence(trial);
  }
  if (!tested) return {TrialOutcome::kUntested};
  return evidence > 0 ? Trial{TrialOutcome::kPlausible, evidence} : Trial{TrialOutcome::kFailed};
}

KeyFit FitOf(const Trial& trial, bool right, bool failed) {
  switch (trial.outcome) {
    case TrialOutcome::kTagged:
      return KeyFit::kOpens;
    case TrialOutcome::kFailed:
      return KeyFit::kDoesNot;
    case TrialOutcome::kPlausible:
      return right || !failed ? KeyFit::kOpens : KeyFit::kUnknown;
    case TrialOutcome::kUntested:
      return right ? KeyFit::kOpens : KeyFit::kUnknown;
  }
  return KeyFit::kUnknown;
}

}  // namespace

bool IsProven(std::span<const Trial> trials) {
  double all = 0;
  double most = 0;
  for (const Trial& trial : trials) {
    if (trial.outcome == TrialOutcome::kTagged) return true;
    all += Evidence(trial);
    most = std::max(most, trial.bits);
  }
  // Two tests, each at half the chance; the second one is the best of so many.
  const double choices = std::log2(static_cast<double>(std::max<std::size_t>(trials.size(), 1)));
  return all >= kCertainBits + kBitsOfChoice || most >= kCertainBits + kBitsOfChoice + choices;
}

Trial TryKey(const TrialUnit& unit, const SecretBytes& secret_key) {
  if (unit.wrapped == nullptr) return TrySamples(unit.samples, secret_key);
  const bool has_tag = unit.wrapped->cipher == BlobCipher::kAesGcm;
  if (!has_tag && !IsDataKeySize(unit.wrapped->body.size())) return {TrialOutcome::kFailed};
  // Any key gives a data key that nothing contradicts.
  if (!has_tag && unit.samples.empty()) return {};
  const auto data_key = unit.wrapped->Decrypt(secret_key);
  if (!data_key.ok() || !IsDataKeySize(data_key->size())) return {TrialOutcome::kFailed};
  if (has_tag) return {TrialOutcome::kTagged};
  return TrySamples(unit.samples, *data_key);
}

std::vector<Trial> TryKeyOnAll(std::span<const TrialUnit> units, const SecretBytes& secret_key, unsigned threads,
                               const std::function<void(std::size_t)>& on_done) {
  std::vector<Trial> trials(units.size());
  InParallel(
      units.size(), threads, [&](std::size_t at) { trials[at] = TryKey(units[at], secret_key); }, on_done);
  return trials;
}

std::vector<KeyFit> Conclude(std::span<const Trial> trials) {
  const bool right = IsProven(trials);
  const bool failed = std::any_of(trials.begin(), trials.end(),
                                  [](const Trial& trial) { return trial.outcome == TrialOutcome::kFailed; });
  std::vector<KeyFit> fits;
  fits.reserve(trials.size());
  for (const Trial& trial : trials) fits.push_back(FitOf(trial, right, failed));
  return fits;
}

}  // namespace coffer::grafana
