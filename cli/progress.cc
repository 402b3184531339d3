#include "cli/progress.h"

#include <algorithm>
#include <iostream>
#include <string>

namespace coffer::cli {
namespace {

constexpr std::size_t kWidth = 40;
constexpr std::uint64_t kWhole = 100;

}  // namespace

Progress::~Progress() {
  if (total_ != 0) std::cerr << "\r\x1b[K" << std::flush;
}

void Progress::Show(std::uint64_t done) {
  if (total_ == 0) return;
  const std::uint64_t percent = std::min(kWhole, done / std::max<std::uint64_t>(1, total_ / kWhole));
  if (percent == shown_percent_) return;
  shown_percent_ = percent;
  const std::size_t filled = kWidth * percent / kWhole;
  std::cerr << "\r[" << std::string(filled, '#') << std::string(kWidth - filled, ' ') << "] " << percent << "%"
            << std::flush;
}

}  // namespace coffer::cli
