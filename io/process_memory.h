// Keeps the process's memory off disks: no swap, no core dump.
#pragma once

#include "crypto/result.h"

namespace coffer {

enum class MemoryLock : std::uint8_t {
  kLocked,     // No page of this process reaches swap.
  kSwappable,  // The caller allowed swap, and the system gives no lock.
};

// Locks all memory, now and later, as it is touched (mlockall with MCL_CURRENT, MCL_FUTURE and MCL_ONFAULT); whole
// process. Done only where it cannot fail later: RLIMIT_MEMLOCK is unlimited, or the kernel lets us lock beyond it
// (CAP_IPC_LOCK in the initial user namespace; asked with a trial lock, since a container's CapEff can name it without
// effect). With a small limit mlockall can succeed and the next thread's stack fail. Else: kSwappable when
// `allow_swap`, kFailedPrecondition with the next step when not. A forked child does not inherit the lock.
Result<MemoryLock> LockMemory(bool allow_swap);

// RLIMIT_CORE 0 (hard too) and PR_SET_DUMPABLE 0: no core dump, no ptrace and no /proc/<pid>/mem for other processes of
// our user. Inherited by threads; an executed child is dumpable again, with the same limit.
Status DenyCoreDumps();

}  // namespace coffer
