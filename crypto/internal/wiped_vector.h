// A vector for secrets that grow: every block that it gives back is wiped first. Internal to crypto/.
#pragma once

#include <memory>
#include <vector>

#include "crypto/bytes.h"

namespace coffer::internal {

template <typename T>
struct WipingAllocator {
  using value_type = T;

  WipingAllocator() = default;
  template <typename U>
  // NOLINTNEXTLINE(google-explicit-constructor): the form that allocators are rebound in.
  WipingAllocator(const WipingAllocator<U>&) {}

  T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* block, std::size_t count) {
    Wipe(std::as_writable_bytes(std::span(block, count)));
    std::allocator<T>().deallocate(block, count);
  }
  bool operator==(const WipingAllocator&) const = default;
};

// For integers only: what a vector drops at its end (resize, erase) stays in its block until the block is freed.
template <typename T>
using WipedVector = std::vector<T, WipingAllocator<T>>;

}  // namespace coffer::internal
