// Witness (c2sp.org/tlog-witness): remembers the largest checkpoint that it saw of each log, and cosigns only what
// continues it. A log that was rolled back, or that shows two histories, gets no cosignature any more.
//
// No I/O of its own: requests come from io/http_server.h, state goes to a WitnessStore.
#pragma once

#include <memory>

#include "audit/witness_request.h"
#include "io/clock.h"
#include "io/mutex.h"

namespace coffer::audit {

// A log that is witnessed.
struct WitnessedLog {
  std::string origin;
  std::vector<NoteVerifier> keys;  // of type kSignature; one that signed is enough
};

// Where a witness keeps the last checkpoint of each log, as the log signed it. Called by one thread at a time.
class WitnessStore {
 public:
  virtual ~WitnessStore() = default;
  // Nothing: none was kept.
  virtual Result<std::optional<std::string>> Load(const std::string& origin) = 0;
  // Durable when it returns. After an error Load may give the old one or the new one.
  virtual Status Save(const std::string& origin, const std::string& note) = 0;
  // A checkpoint that its log signed and that contradicts the kept one: evidence, for people.
  virtual Status KeepFork(const std::string& origin, const std::string& note) = 0;
};

// Files in a folder: "<hash of the origin>.checkpoint", and ".fork" beside it. `folder` must exist, and nobody else may
// use it.
std::unique_ptr<WitnessStore> FilesOfWitness(std::string folder);

// What is answered over HTTP.
struct WitnessAnswer {
  int status = 0;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  // For the witness's own log; not sent.
  std::string origin;  // of a log that is known
  std::uint64_t size = 0;
};

// Thread-safe: one request at a time is checked and kept.
class Witness {
 public:
  // Reads what was kept. `store` and `clock` must outlive it. kInvalidArgument: no log, a log without keys or with keys
  // that do not sign, an origin twice. kIntegrity: what was kept of a log was not signed by it. Else the store's.
  static Result<std::unique_ptr<Witness>> Create(NoteCosigner cosigner, std::vector<WitnessedLog> logs,
                                                 WitnessStore& store, const Clock& clock);

  // 200 with the cosignature's line; 400 malformed, or an old size above the checkpoint's; 404 an unknown origin; 403
  // not signed by the log; 409 with the size that is kept, when the old size is another one or the root is; 422 a proof
  // that does not hold; 500 the state could not be kept.
  WitnessAnswer AddCheckpoint(std::string_view body) COFFER_EXCLUDES(mutex_);

  const NoteVerifier& verifier() const { return cosigner_.verifier(); }

  // For Create alone, which has the key.
  class Key {
    friend class Witness;
    Key() = default;
  };
  Witness(Key, NoteCosigner cosigner, std::vector<WitnessedLog> logs, WitnessStore& store, const Clock& clock)
      : cosigner_(std::move(cosigner)), logs_(std::move(logs)), store_(store), clock_(clock) {}

 private:
  const WitnessedLog* Find(const std::string& origin) const;
  // The largest head of the log that was cosigned; the empty tree when none was.
  Result<TreeHead> Kept(const WitnessedLog& log) const COFFER_REQUIRES(mutex_);
  // Of a checkpoint that its log has signed.
  WitnessAnswer Judge(const WitnessedLog& log, const WitnessRequest& request) COFFER_REQUIRES(mutex_);
  WitnessAnswer Cosign(const WitnessedLog& log, const WitnessRequest& request) COFFER_REQUIRES(mutex_);

  const NoteCosigner cosigner_;
  const std::vector<WitnessedLog> logs_;
  Mutex mutex_;
  WitnessStore& store_;  // used with mutex_ held
  const Clock& clock_;
};

}  // namespace coffer::audit
