#include "io/wiping_allocation.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

namespace coffer {

bool WipesFreedMemory() {
  // The allocator hands the block that was freed last out again; its own links stand in the first 16 bytes.
  constexpr std::size_t kSize = 256;
  constexpr std::size_t kLinks = 16;
  constexpr unsigned char kPlanted = 0xA5;
  // Volatile, or the compiler may conclude that a new block never is an old one.
  void* volatile const first = malloc(kSize);
  if (first == nullptr) return false;
  volatile unsigned char* written = static_cast<unsigned char*>(first);
  for (std::size_t i = 0; i < kSize; ++i) written[i] = kPlanted;
  free(first);
  void* volatile const second = malloc(kSize);
  if (second == nullptr) return false;
  const bool same = first == second;
  const volatile unsigned char* found = static_cast<unsigned char*>(second);
  bool clean = true;
  for (std::size_t i = kLinks; i < kSize; ++i) clean = clean && found[i] == 0;
  free(second);
  return same && clean;
}

}  // namespace coffer

#if !defined(COFFER_SANITIZED)
// glibc's own, under the names by which it lets a program put others in front (GLIBC_2.2.5).
extern "C" void __libc_free(void* memory) noexcept;

extern "C" void free(void* memory) noexcept {
  if (memory == nullptr) return;
  const int error = errno;  // free keeps it
  // All that malloc gave, not only what was asked for: code may use malloc_usable_size too.
  explicit_bzero(memory, malloc_usable_size(memory));
  __libc_free(memory);
  errno = error;
}

// glibc's would free the old block by itself when it moves one, unwiped.
extern "C" void* realloc(void* memory, std::size_t size) noexcept {
  if (memory == nullptr) return malloc(size);
  if (size == 0) {
    free(memory);
    return nullptr;
  }
  const std::size_t held = malloc_usable_size(memory);
  if (size <= held && size >= held / 2) return memory;
  void* const moved = malloc(size);
  if (moved == nullptr) return nullptr;
  memcpy(moved, memory, std::min(size, held));
  free(memory);
  return moved;
}
#endif
