#include "io/file_faults.h"

#include "crypto/result.h"

namespace coffer {
namespace {

// Per thread, so that a test's faults never reach another test's thread; null in production.
thread_local FileFaults* active_faults = nullptr;

}  // namespace

FileFaults::FileFaults(std::uint64_t step, int error_number, Extent extent)
    : step_(step), error_number_(error_number), extent_(extent) {
  COFFER_CHECK(active_faults == nullptr);
  active_faults = this;
}

FileFaults::~FileFaults() { active_faults = nullptr; }

int FileFaults::NextStep() {
  FileFaults* faults = active_faults;
  if (faults == nullptr) return 0;
  ++faults->steps_;
  const bool fails = faults->step_ != 0 && (faults->extent_ == Extent::kOnce ? faults->steps_ == faults->step_
                                                                             : faults->steps_ >= faults->step_);
  return fails ? faults->error_number_ : 0;
}

}  // namespace coffer
