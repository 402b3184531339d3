// Tells how many rows were read, now and then.
#pragma once

#include "plugins/grafana/rotation/rotation.h"

namespace coffer::grafana {

// Not thread-safe.
class RowProgress {
 public:
  // `on_progress` must outlive it; empty: nobody asks.
  RowProgress(const OnRotationProgress& on_progress, RotationStep step) : on_progress_(on_progress), step_(step) {}

  void Add() {
    constexpr std::uint64_t kRowsBetween = 1'024;
    if (on_progress_ && rows_ % kRowsBetween == 0) on_progress_(step_, rows_, 0);
    ++rows_;
  }

 private:
  const OnRotationProgress& on_progress_;
  RotationStep step_;
  std::uint64_t rows_ = 0;
};

}  // namespace coffer::grafana
