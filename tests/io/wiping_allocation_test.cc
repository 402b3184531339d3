#include "io/wiping_allocation.h"

#include <cerrno>
#include <cstdint>
#include <malloc.h>
#include <map>
#include <memory>
#include <new>
#include <stdlib.h>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

extern "C" void __libc_free(void* memory) noexcept;

namespace coffer {
namespace {

constexpr unsigned char kPlanted = 0xA5;
constexpr std::size_t kLinks = 16;  // The allocator's own links stand in the first bytes of a freed block.

std::size_t Remains(const void* block, std::size_t size) {
  const volatile unsigned char* bytes = static_cast<const unsigned char*>(block);
  std::size_t found = 0;
  for (std::size_t i = kLinks; i < size; ++i) found += bytes[i] == kPlanted ? 1 : 0;
  return found;
}

void Plant(void* block, std::size_t size) {
  volatile unsigned char* bytes = static_cast<unsigned char*>(block);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = kPlanted;
}

// Hands the block that was freed last out again and counts what it still holds.
std::size_t RemainsAfter(void* freed_block, std::size_t size) {
  void* volatile const freed = freed_block;  // Volatile: else the compiler may take it that no new block is an old one.
  void* volatile again = malloc(size);
  EXPECT_EQ(again, freed) << "the allocator gave another block; nothing was learnt";
  const std::size_t found = Remains(again, size);
  free(again);
  return found;
}

TEST(WipingAllocationTest, FreeOfTheLibraryAloneLeavesTheBytes) {
  // The control: without wiping they are there, so the tests below can fail.
  void* volatile block = malloc(300);
  Plant(block, 300);
  __libc_free(block);
  EXPECT_EQ(RemainsAfter(block, 300), 300 - kLinks);
}

TEST(WipingAllocationTest, FreeWipes) {
  void* volatile block = malloc(300);
  Plant(block, 300);
  free(block);
  EXPECT_EQ(RemainsAfter(block, 300), 0U);
}

TEST(WipingAllocationTest, FreeKeepsErrno) {
  errno = EAGAIN;
  free(malloc(64));
  EXPECT_EQ(errno, EAGAIN);
}

TEST(WipingAllocationTest, ReallocKeepsContentsAndWipesTheOldBlock) {
  for (const std::size_t bigger : {400U, 4096U, 1U << 20U}) {
    void* volatile block = malloc(300);
    Plant(block, 300);
    void* volatile const moved = realloc(block, bigger);
    ASSERT_NE(moved, block);
    EXPECT_EQ(Remains(moved, 300), 300 - kLinks);
    EXPECT_EQ(RemainsAfter(block, 300), 0U);
    free(moved);
  }
}

TEST(WipingAllocationTest, ReallocShrinksAndGrowsFromNothing) {
  void* volatile block = realloc(nullptr, 4096);
  ASSERT_NE(block, nullptr);
  Plant(block, 4096);
  void* volatile const shrunk = realloc(block, 64);
  EXPECT_EQ(Remains(shrunk, 64), 64 - kLinks);
  EXPECT_LT(malloc_usable_size(shrunk), 2048U);
  void* volatile const gone = realloc(shrunk, 0);
  EXPECT_EQ(gone, nullptr);
}

TEST(WipingAllocationTest, ReallocThatFailsLeavesTheBlock) {
  volatile std::size_t too_much = SIZE_MAX / 2;
  void* volatile block = malloc(300);
  Plant(block, 300);
  EXPECT_EQ(realloc(block, too_much), nullptr);
  EXPECT_EQ(Remains(block, 300), 300 - kLinks);
  free(block);
}

TEST(WipingAllocationTest, ProcessKnowsThatItWipes) { EXPECT_TRUE(WipesFreedMemory()); }

TEST(WipingAllocationTest, EveryFormOfDeleteWipes) {
  constexpr std::size_t kSize = 304;
  void* volatile block = ::operator new(kSize);
  Plant(block, kSize);
  ::operator delete(block);
  EXPECT_EQ(RemainsAfter(block, kSize), 0U);
  block = ::operator new[](kSize);
  Plant(block, kSize);
  ::operator delete[](block);
  EXPECT_EQ(RemainsAfter(block, kSize), 0U);
  block = ::operator new(kSize);
  Plant(block, kSize);
  ::operator delete(block, kSize);
  EXPECT_EQ(RemainsAfter(block, kSize), 0U);
  block = ::operator new[](kSize);
  Plant(block, kSize);
  ::operator delete[](block, kSize);
  EXPECT_EQ(RemainsAfter(block, kSize), 0U);
  block = ::operator new(kSize, std::nothrow);
  Plant(block, kSize);
  ::operator delete(block, std::nothrow);
  EXPECT_EQ(RemainsAfter(block, kSize), 0U);
}

TEST(WipingAllocationTest, StringLeavesNothing) {
  constexpr std::size_t kSize = 320;
  void* volatile block = nullptr;
  {
    std::string text;
    text.reserve(kSize - 1);
    text.append(kSize - 1, static_cast<char>(kPlanted));
    block = text.data();
    ASSERT_GT(Remains(block, kSize - 1), 0U);
  }
  EXPECT_EQ(RemainsAfter(block, kSize), 0U);
}

TEST(WipingAllocationTest, AlignedMemoryIsAlignedAndWiped) {
  for (const std::size_t alignment : {32U, 64U, 4096U}) {
    void* volatile block = ::operator new (512, std::align_val_t{alignment});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignment, 0U);
    Plant(block, 512);
    ::operator delete (block, std::align_val_t{alignment});
    void* volatile again = ::operator new[](512, std::align_val_t{alignment});
    EXPECT_EQ(Remains(again, 512), 0U);
    ::operator delete[](again, 512, std::align_val_t{alignment});
  }
}

TEST(WipingAllocationTest, NullAndZeroBytesAreFine) {
  ::operator delete(nullptr);
  ::operator delete[](nullptr, std::size_t{8});
  void* empty = ::operator new(0);
  EXPECT_NE(empty, nullptr);
  ::operator delete(empty);
}

TEST(WipingAllocationTest, TooMuchThrows) {
  volatile std::size_t too_much = SIZE_MAX / 2;
  EXPECT_THROW(::operator delete(::operator new(too_much)), std::bad_alloc);
  EXPECT_THROW(::operator delete (::operator new (too_much, std::align_val_t{64}), std::align_val_t{64}),
               std::bad_alloc);
  EXPECT_EQ(::operator new(too_much, std::nothrow), nullptr);
}

TEST(WipingAllocationTest, ContainersInThreadsWork) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      std::map<int, std::string> map;
      for (int i = 0; i < 2000; ++i) map[i % 100] = std::string(static_cast<std::size_t>(i), 'x');
      EXPECT_EQ(map[99].size(), 1999U);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace coffer
