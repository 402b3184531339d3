#include "audit/journal_spares.h"

#include <algorithm>

#include "audit/frame.h"

namespace coffer::audit {
namespace {

std::string NameOf(std::size_t which) { return "spare-" + std::to_string(which); }

}  // namespace

SpareFiles::SpareFiles(LogFolder& folder, std::uint64_t file_bytes, std::chrono::milliseconds retry_after)
    : folder_(folder), file_bytes_(file_bytes), retry_after_(retry_after), thread_([this] { Run(); }) {}

SpareFiles::~SpareFiles() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void SpareFiles::Run() {
  Adopt();
  while (const std::optional<std::size_t> which = AwaitWork()) {
    Settle(*which, folder_.Prepare(NameOf(*which), file_bytes_));
  }
}

void SpareFiles::Adopt() {
  for (std::size_t which = 0; which < kSpares; ++which) {
    Result<std::unique_ptr<LogFile>> file = folder_.Open(NameOf(which), LogFolder::Access::kReadAndWrite);
    if (file.ok() && IsBlank(**file)) Settle(which, std::move(file));
  }
}

// Of its content the beginning is enough: a crash between the header and the new name leaves more than zeros there, and
// whatever else follows counts as a torn end when the file is in use.
bool SpareFiles::IsBlank(const LogFile& file) const {
  const Result<std::uint64_t> size = file.Size();
  Bytes begin(kFileHeaderBytes, std::byte{1});
  return size.ok() && *size == file_bytes_ && file.ReadAt(0, begin).ok() && begin == Bytes(kFileHeaderBytes);
}

std::optional<std::size_t> SpareFiles::AwaitWork() {
  const Lock lock(mutex_);
  while (!stopping_) {
    for (std::size_t which = 0; which < kSpares; ++which) {
      if (slots_[which].state == State::kMissing) return which;
    }
    changed_.wait(mutex_);
  }
  return std::nullopt;
}

void SpareFiles::Settle(std::size_t which, Result<std::unique_ptr<LogFile>> file) {
  const Lock lock(mutex_);
  failing_ = !file.ok();
  if (file.ok()) {
    slots_[which] = {State::kReady, std::move(file).value()};
    refuses_ordinary_ = false;
  }
  changed_.notify_all();
  const auto until = std::chrono::steady_clock::now() + retry_after_;
  while (failing_ && !stopping_ && std::chrono::steady_clock::now() < until) changed_.wait_until(mutex_, until);
}

std::optional<std::size_t> SpareFiles::Takeable(RecordClass who) {
  std::optional<std::size_t> found;
  for (std::size_t which = 0; which < kSpares; ++which) {
    Slot& slot = slots_[which];
    if (slot.state != State::kReady) continue;
    if (slot.file->CheckInPlace().ok()) {
      found = which;
    } else {
      slot = {};  // somebody removed it
      changed_.notify_all();
    }
  }
  const bool is_last = Count() < 2;
  if (found && is_last && who == RecordClass::kOrdinary) return std::nullopt;
  return found;
}

Result<std::unique_ptr<LogFile>> SpareFiles::Take(RecordClass who) {
  const Lock lock(mutex_);
  while (true) {
    if (const std::optional<std::size_t> which = Takeable(who)) {
      slots_[*which].state = State::kTaken;
      return std::move(slots_[*which].file);
    }
    if (failing_ || stopping_) {
      refuses_ordinary_ = true;
      return Error(ErrorCode::kUnavailable, "the audit log's disk is full");
    }
    changed_.wait(mutex_);
  }
}

void SpareFiles::Renamed() {
  const Lock lock(mutex_);
  for (Slot& slot : slots_) {
    if (slot.state == State::kTaken) slot = {};
  }
  changed_.notify_all();
}

int SpareFiles::Count() const {
  return static_cast<int>(
      std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.state == State::kReady; }));
}

bool SpareFiles::low() const {
  const Lock lock(mutex_);
  return failing_;
}

int SpareFiles::count() const {
  const Lock lock(mutex_);
  return Count();
}

}  // namespace coffer::audit
