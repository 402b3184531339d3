#include "io/process_memory.h"

#include <cstddef>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/system_error.h"

namespace coffer {
namespace {

// Beyond the 47 bits of a process's address space a limit limits nothing.
constexpr rlim_t kAddressSpace = rlim_t{1} << 47;

// Address space that nobody touches: it takes no memory.
class Reservation {
 public:
  explicit Reservation(std::size_t size)
      : address_(mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)), size_(size) {}
  ~Reservation() {
    if (ok()) munmap(address_, size_);
  }
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;

  bool ok() const { return address_ != MAP_FAILED; }
  bool LockOnFault() const { return mlock2(address_, size_, MLOCK_ONFAULT) == 0; }

 private:
  void* address_;
  std::size_t size_;
};

// True when no later lock can hit a limit.
bool MayLockWithoutLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return false;
  if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= kAddressSpace) return true;
  const Reservation trial(static_cast<std::size_t>(limit.rlim_cur) + static_cast<std::size_t>(sysconf(_SC_PAGESIZE)));
  return trial.ok() && trial.LockOnFault();
}

}  // namespace

Result<MemoryLock> LockMemory(bool allow_swap) {
  if (MayLockWithoutLimit() && mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0) return MemoryLock::kLocked;
  if (allow_swap) return MemoryLock::kSwappable;
  return Error(ErrorCode::kFailedPrecondition,
               "memory cannot be locked, so keys could reach swap: set LimitMEMLOCK=infinity in the unit "
               "(ulimit -l unlimited), or grant CAP_IPC_LOCK, or start with --allow-swap");
}

Status DenyCoreDumps() {
  const rlimit none = {0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0) return SystemError(errno);
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return SystemError(errno);
  return {};
}

}  // namespace coffer
