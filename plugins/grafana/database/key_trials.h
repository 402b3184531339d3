// Key trials: does a secret_key open these values? AES-CFB has no tag, so what comes out is weighed (plausible.h), and
// what one value is too short to tell, all of them together do. The start of a value is enough.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "crypto/secret_bytes.h"
#include "plugins/grafana/database/plausible.h"
#include "plugins/grafana/database/secret_blob.h"

namespace coffer::grafana {

// A value that was encrypted, or the start of one.
struct TrialSample {
  SecretBlob blob;
  bool is_cut = false;                        // aes-cfb: only the start is here
  bool may_be_raw = false;                    // the plaintext need not be text
  PlaintextKind kind = PlaintextKind::kText;  // what it is when it is whole
};

// A data key with values under it, or, without `wrapped`, values under secret_key itself.
struct TrialUnit {
  const SecretBlob* wrapped = nullptr;
  std::vector<TrialSample> samples;
};

enum class TrialOutcome : std::uint8_t {
  kFailed,
  kPlausible,
  kTagged,    // a tag fits: for certain
  kUntested,  // there is nothing to look at
};
struct Trial {
  TrialOutcome outcome = TrialOutcome::kUntested;
  double bits = 0;  // of kPlausible: random bytes come so far with a probability of at most 2^-bits
};

// About 2 ms a sample, and as much for a data key. What unwraps to another size than 16 or 32 bytes is no data key:
// kFailed.
Trial TryKey(const TrialUnit& unit, const SecretBytes& secret_key);

// Each unit, on `threads` threads. `on_done` is called on the caller's thread, now and then, with about how many are
// done.
std::vector<Trial> TryKeyOnAll(std::span<const TrialUnit> units, const SecretBytes& secret_key, unsigned threads,
                               const std::function<void(std::size_t)>& on_done);

enum class KeyFit : std::uint8_t {
  kOpens,
  kDoesNot,
  kUnknown,
};

// Whether the key is right for some of them for certain: a tag, or all of them together by a chance of at most 2^-20.
bool IsProven(std::span<const Trial> trials);

// What the trials of one key come to, each for its unit. A key that is proven opens all that is plausible or untested.
// One that is not opens what is plausible where nothing failed: few short values then are enough. Where something did,
// it may have been chance or another key that is older: what is plausible is kUnknown, and so is all that is untested.
std::vector<KeyFit> Conclude(std::span<const Trial> trials);

}  // namespace coffer::grafana
