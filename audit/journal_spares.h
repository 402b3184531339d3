// SpareFiles: journal files made ahead of time by a thread of their own, so that the writer never waits for a disk to
// give space, and a reserve is left when it gives none.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "crypto/bytes.h"
#include "io/log_file.h"
#include "io/mutex.h"

namespace coffer::audit {

// Who may go on when the disk is full.
enum class RecordClass : std::uint8_t {
  kOrdinary,
  kReserve,  // what mends the outage, or must be known of it: an operator's acts, starts, recoveries
};

// Thread-safe, but for one thread that takes. Keeps spare-0 and spare-1 ready; ordinary records never take the last
// one.
class SpareFiles {
 public:
  // `folder` must outlive it. Starts the thread. Spare files that are there are used when they are as they should be.
  SpareFiles(LogFolder& folder, std::uint64_t file_bytes, std::chrono::milliseconds retry_after);
  ~SpareFiles();
  SpareFiles(const SpareFiles&) = delete;
  SpareFiles& operator=(const SpareFiles&) = delete;

  // A spare file, to be renamed by the caller, who then says so. Waits while one is being made. kUnavailable: the disk
  // gives no more space, and for ordinary records there is none that they may take; from then on refuses_ordinary()
  // holds.
  Result<std::unique_ptr<LogFile>> Take(RecordClass who) COFFER_EXCLUDES(mutex_);
  // The file that was taken has another name now: its own may be used again.
  void Renamed() COFFER_EXCLUDES(mutex_);

  // Ordinary records have to be refused until a spare file could be made again.
  bool refuses_ordinary() const { return refuses_ordinary_.load(std::memory_order_relaxed); }
  // The last attempt to make a spare file failed, so the reserve is all that is left.
  bool low() const COFFER_EXCLUDES(mutex_);
  int count() const COFFER_EXCLUDES(mutex_);

 private:
  static constexpr std::size_t kSpares = 2;
  enum class State : std::uint8_t { kMissing, kReady, kTaken };
  struct Slot {
    State state = State::kMissing;
    std::unique_ptr<LogFile> file;  // when it is ready
  };

  void Run() COFFER_EXCLUDES(mutex_);
  // Those that an earlier process made.
  void Adopt() COFFER_EXCLUDES(mutex_);
  bool IsBlank(const LogFile& file) const;
  // Waits until a slot is missing: its number, or nothing when it is time to stop.
  std::optional<std::size_t> AwaitWork() COFFER_EXCLUDES(mutex_);
  // What came of it. After a failure waits a while.
  void Settle(std::size_t which, Result<std::unique_ptr<LogFile>> file) COFFER_EXCLUDES(mutex_);
  // The number of a file that this class may take.
  std::optional<std::size_t> Takeable(RecordClass who) COFFER_REQUIRES(mutex_);
  int Count() const COFFER_REQUIRES(mutex_);

  LogFolder& folder_;
  const std::uint64_t file_bytes_;
  const std::chrono::milliseconds retry_after_;

  mutable Mutex mutex_;
  Condition changed_;
  std::array<Slot, kSpares> slots_ COFFER_GUARDED_BY(mutex_);
  bool failing_ COFFER_GUARDED_BY(mutex_) = false;
  bool stopping_ COFFER_GUARDED_BY(mutex_) = false;
  std::atomic<bool> refuses_ordinary_ = false;  // written under the mutex
  std::thread thread_;                          // last: it uses the others
};

}  // namespace coffer::audit
