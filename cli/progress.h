// A progress bar on standard error.
#pragma once

#include <cstdint>

namespace coffer::cli {

// Drawn over itself at each whole percent; cleared when destroyed. A total of 0 draws nothing.
class Progress {
 public:
  Progress(std::uint64_t total, bool enabled) : total_(enabled ? total : 0) {}
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Show(std::uint64_t done);

 private:
  std::uint64_t total_;
  std::uint64_t shown_percent_ = ~std::uint64_t{0};
};

}  // namespace coffer::cli
