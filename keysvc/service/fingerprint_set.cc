#include "keysvc/service/fingerprint_set.h"

#include <algorithm>
#include <utility>

#include "crypto/result.h"

namespace coffer::keysvc {
namespace {

constexpr std::size_t kLeastSlots = 16;

std::size_t FittingIn(std::size_t slots) { return slots * 4 / 5; }
std::size_t SlotsFor(std::size_t fingerprints) { return fingerprints + fingerprints / 4 + 1; }

}  // namespace

SlotBudget::SlotBudget(std::size_t slots) : left_(slots) { COFFER_CHECK(slots <= kMost); }

bool SlotBudget::Take(std::size_t slots) {
  std::size_t left = left_.load();
  do {
    if (slots > left / 2) return false;
  } while (!left_.compare_exchange_weak(left, left - slots));
  return true;
}

std::uint64_t FingerprintSet::AsSlot(Fingerprint fingerprint) {
  return std::max<std::uint64_t>(static_cast<std::uint64_t>(fingerprint), kFree + 1);
}

// Linear probing from where the upper half points, so that the slots stay almost sorted and growing walks through
// memory in order.
std::size_t FingerprintSet::PlaceOf(std::uint64_t slot) const {
  std::size_t place = ((slot >> 32) * slots_.size()) >> 32;
  while (slots_[place] != kFree && slots_[place] != slot) place = place + 1 == slots_.size() ? 0 : place + 1;
  return place;
}

bool FingerprintSet::Contains(Fingerprint fingerprint) const {
  if (size_ == 0) return false;
  const std::uint64_t slot = AsSlot(fingerprint);
  return slots_[PlaceOf(slot)] == slot;
}

std::size_t FingerprintSet::room() const { return FittingIn(slots_.size()) - size_; }

bool FingerprintSet::Reserve(std::size_t more) {
  if (more <= room()) return true;
  if (more > SlotBudget::kMost) return false;
  const std::size_t wanted = std::max({SlotsFor(size_ + more), slots_.size() * 3 / 2, kLeastSlots});
  if (!budget_->Take(wanted)) return false;
  const std::vector<std::uint64_t> old = std::exchange(slots_, std::vector<std::uint64_t>(wanted, kFree));
  for (const std::uint64_t slot : old) {
    if (slot != kFree) slots_[PlaceOf(slot)] = slot;
  }
  budget_->Return(old.size());
  return true;
}

void FingerprintSet::Insert(Fingerprint fingerprint) {
  if (Contains(fingerprint)) return;
  COFFER_CHECK(room() > 0);
  const std::uint64_t slot = AsSlot(fingerprint);
  slots_[PlaceOf(slot)] = slot;
  ++size_;
}

void FingerprintSet::Clear() {
  budget_->Return(slots_.size());
  std::vector<std::uint64_t>().swap(slots_);  // assigning would keep the memory
  size_ = 0;
}

}  // namespace coffer::keysvc
