// FileFaults: makes a chosen step of this thread's file writes fail. The fault-injecting twin of io/file.h, for tests
// and simulation: without a FileFaults alive in the thread, nothing is ever injected.
#pragma once

#include <cstdint>

namespace coffer {

// While alive, the steps (open, write, set mode, sync, rename, unlink, sync folder) that this thread takes through
// io/file.h and io/directory.h's MakeDirectory and SyncDirectory are counted from 1. One at a time in a thread; belongs
// to that thread.
class FileFaults {
 public:
  enum class Extent : std::uint8_t {
    kOnce,         // Only the chosen step fails: a full disk, a bad sector. Cleaning up works.
    kFromThereOn,  // It and all later ones fail, cleaning up too: what a power cut leaves behind.
  };
  // `step` 0: count only. A write that fails has written half of its bytes first.
  FileFaults(std::uint64_t step, int error_number, Extent extent = Extent::kOnce);
  ~FileFaults();
  FileFaults(const FileFaults&) = delete;
  FileFaults& operator=(const FileFaults&) = delete;

  std::uint64_t steps() const { return steps_; }

  // For io/ itself: counts a step; 0, or the errno that it must fail with.
  static int NextStep();

 private:
  std::uint64_t step_;
  int error_number_;
  Extent extent_;
  std::uint64_t steps_ = 0;
};

}  // namespace coffer
