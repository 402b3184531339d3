// FingerprintSet: which of many things were there already, eight bytes a slot; and SlotBudget: the slots that all such
// sets have together.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace coffer::keysvc {

// 64 bits that stand for a thing, uniformly spread whatever the thing is. 0 and 1 count as one.
enum class Fingerprint : std::uint64_t {};

// Thread-safe.
class SlotBudget {
 public:
  static constexpr std::size_t kMost = std::size_t{1} << 31;

  // Up to kMost slots.
  explicit SlotBudget(std::size_t slots);

  // False, and nothing taken, when it is more than half of what is left: whoever takes much leaves room for others.
  bool Take(std::size_t slots);
  void Return(std::size_t slots) { left_.fetch_add(slots); }
  std::size_t left() const { return left_.load(); }

 private:
  std::atomic<std::size_t> left_;
};

// Of its slots four fifths are used at most. Not thread-safe.
class FingerprintSet {
 public:
  explicit FingerprintSet(std::shared_ptr<SlotBudget> budget) : budget_(std::move(budget)) {}
  ~FingerprintSet() { Clear(); }
  FingerprintSet(const FingerprintSet&) = delete;
  FingerprintSet& operator=(const FingerprintSet&) = delete;

  bool Contains(Fingerprint fingerprint) const;
  std::size_t size() const { return size_; }
  // How many more fit in without growing.
  std::size_t room() const;

  // Makes room for `more`, in time proportional to the set. While it grows it has the slots of before and those of
  // after. False, and nothing changed, when the budget does not give them.
  bool Reserve(std::size_t more);
  // There must be room, unless the set contains it.
  void Insert(Fingerprint fingerprint);
  // Empties it and gives its memory back.
  void Clear();

 private:
  static constexpr std::uint64_t kFree = 0;
  static std::uint64_t AsSlot(Fingerprint fingerprint);
  // Where it is, or would be; there is a free slot.
  std::size_t PlaceOf(std::uint64_t slot) const;

  std::shared_ptr<SlotBudget> budget_;
  std::vector<std::uint64_t> slots_;
  std::size_t size_ = 0;
};

}  // namespace coffer::keysvc
