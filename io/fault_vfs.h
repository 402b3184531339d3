// FaultVfs: the fault-injecting twin of the file layer under SQLite. Files live in memory; each write, truncate, sync
// or delete is one step; from a chosen step on everything fails, and Reboot() keeps what was synced plus a seeded,
// possibly torn part of what was not. For tests and simulation.
//
// The model: an unsynced write or truncate survives or not, independently of its neighbours; the one at which power
// fails is cut at a 512-byte border, anywhere, or whole. Names as under SQLite's own layer: the folder is synced when a
// database is opened (io/sqlite.h does that), with a journal's or WAL's first sync, and with a deletion for which
// SQLite asks it; until then a creation or deletion may be undone. A failed sync makes nothing durable and keeps what
// was written for the next one (a kernel may also forget it; whoever closes and opens again after a failed commit
// relies on neither). One connection at a time may hold a file's lock. Files for temporary use cost no steps.
#pragma once

#include <memory>
#include <string>

#include "crypto/bytes.h"

namespace coffer {

class FaultVfs {
 public:
  // Registers a VFS under a unique name until destroyed, by when all connections must be closed. One thread at a time.
  explicit FaultVfs(std::uint64_t seed);
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  const std::string& name() const;

  // Power fails at the `step`-th write, truncate, sync or delete from now (1 is the next); that one may be torn. 0:
  // never.
  void CrashAtStep(std::uint64_t step);
  // Writes beyond this total size fail with "disk full"; 0: no limit.
  void LimitBytes(std::uint64_t bytes);
  // The `step`-th sync from now fails once with an I/O error. 0: never.
  void FailSyncAtStep(std::uint64_t step);
  bool crashed() const;
  std::uint64_t steps() const;  // so far
  // The machine comes back: all handles must be closed. Unsynced writes survive in part, as the seed says. Works
  // without a crash before it too: power is cut now.
  void Reboot();
  // All bytes of all files, for tests that look for planted secrets.
  Bytes Contents() const;
  // The sum of all files' sizes.
  std::uint64_t TotalBytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace coffer
