#include "io/wiping_allocation.h"

#include <algorithm>
#include <cstddef>
#include <malloc.h>
#include <new>
#include <stdlib.h>
#include <string.h>

namespace coffer {

bool WipesFreedMemory() {
  // The allocator hands the block that was freed last out again; its own links stand in the first 16 bytes.
  constexpr std::size_t kSize = 256;
  constexpr std::size_t kLinks = 16;
  constexpr unsigned char kPlanted = 0xA5;
  // Volatile, or the compiler may conclude that a new block never is an old one.
  void* volatile const first = ::operator new(kSize);
  volatile unsigned char* written = static_cast<unsigned char*>(first);
  for (std::size_t i = 0; i < kSize; ++i) written[i] = kPlanted;
  ::operator delete(first);
  void* volatile const second = ::operator new(kSize);
  const bool same = first == second;
  const volatile unsigned char* found = static_cast<unsigned char*>(second);
  bool clean = true;
  for (std::size_t i = kLinks; i < kSize; ++i) clean = clean && found[i] == 0;
  ::operator delete(second);
  return same && clean;
}

}  // namespace coffer

#if !defined(COFFER_SANITIZED)
namespace {

void* Allocate(std::size_t size) {
  for (;;) {
    void* memory = malloc(std::max<std::size_t>(size, 1));
    if (memory != nullptr) return memory;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}

void* AllocateAligned(std::size_t size, std::align_val_t alignment) {
  const std::size_t boundary = std::max(static_cast<std::size_t>(alignment), sizeof(void*));
  for (;;) {
    void* memory = nullptr;
    if (posix_memalign(&memory, boundary, std::max<std::size_t>(size, 1)) == 0) return memory;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}

void WipeAndFree(void* memory) {
  if (memory == nullptr) return;
  // All that malloc gave, not only what was asked for: code may use malloc_usable_size too.
  explicit_bzero(memory, malloc_usable_size(memory));
  free(memory);
}

}  // namespace

// The forms that are not here (nothrow new, nothrow delete) are defined by the standard library in terms of these.
void* operator new(std::size_t size) { return Allocate(size); }
void* operator new[](std::size_t size) { return Allocate(size); }
void* operator new(std::size_t size, std::align_val_t alignment) { return AllocateAligned(size, alignment); }
void* operator new[](std::size_t size, std::align_val_t alignment) { return AllocateAligned(size, alignment); }

void operator delete(void* memory) noexcept { WipeAndFree(memory); }
void operator delete[](void* memory) noexcept { WipeAndFree(memory); }
void operator delete(void* memory, std::size_t) noexcept { WipeAndFree(memory); }
void operator delete[](void* memory, std::size_t) noexcept { WipeAndFree(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { WipeAndFree(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { WipeAndFree(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { WipeAndFree(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { WipeAndFree(memory); }
#endif
