#include "io/fault_vfs.h"

#include <algorithm>
#include <map>
#include <optional>

#include <sqlite3.h>

namespace coffer {
namespace {

constexpr std::size_t kTearBorder = 512;
constexpr int kSectorSize = 4096;
constexpr int kJournals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
constexpr sqlite3_int64 kJulianMillisecondsOf2025 = 212'602'536'000'000;

// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere for one seed.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }
  std::uint64_t Below(std::uint64_t limit) { return Next() % limit; }

 private:
  std::uint64_t state_;
};

// A write of `data` at `offset`, or without data a truncation to `offset`.
struct Change {
  std::uint64_t offset = 0;
  std::optional<Bytes> data;

  void ApplyTo(Bytes& content) const {
    if (!data) {
      content.resize(offset);
      return;
    }
    content.resize(std::max<std::uint64_t>(content.size(), offset + data->size()));
    std::copy(data->begin(), data->end(), content.begin() + static_cast<std::ptrdiff_t>(offset));
  }
};

struct File {
  Bytes content;                 // as a reader sees it now
  Bytes durable;                 // as it was at the last sync
  std::vector<Change> unsynced;  // from `durable` to `content`
  bool temporary = false;
  const void* lock_holder = nullptr;
};

using Directory = std::map<std::string, std::shared_ptr<File>>;

enum class Survival : std::uint8_t { kNothing, kEverything, kByCoin };

}  // namespace

struct FaultVfs::State {
  explicit State(std::uint64_t seed) : random(seed) {}

  std::string name;
  sqlite3_vfs vfs{};
  Random random;
  Directory files;
  Directory durable_files;
  std::uint64_t steps = 0;
  std::uint64_t crash_at = 0;  // in `steps`; 0: never
  std::uint64_t byte_limit = 0;
  std::uint64_t syncs = 0;
  std::uint64_t fail_sync_at = 0;  // in `syncs`; 0: never
  std::size_t open_handles = 0;
  bool crashed = false;

  // False when power fails at this very step.
  bool TakeStep() {
    ++steps;
    if (steps == crash_at) crashed = true;
    return !crashed;
  }

  std::uint64_t TotalBytes() const {
    std::uint64_t total = 0;
    for (const auto& [path, file] : files) total += file->content.size();
    return total;
  }

  std::size_t TornSize(std::size_t size) {
    switch (random.Below(3)) {
      case 0:
        return size;
      case 1:
        return static_cast<std::size_t>(random.Below(size / kTearBorder + 1)) * kTearBorder;
      default:
        return static_cast<std::size_t>(random.Below(size + 1));
    }
  }

  int Write(File& file, std::uint64_t offset, ByteView data) {
    if (crashed) return SQLITE_IOERR_WRITE;
    const std::uint64_t end = offset + data.size();
    const std::uint64_t growth = end > file.content.size() ? end - file.content.size() : 0;
    if (byte_limit != 0 && growth != 0 && TotalBytes() + growth > byte_limit) return SQLITE_FULL;
    if (file.temporary) {
      Change{offset, CopyOf(data)}.ApplyTo(file.content);
      return SQLITE_OK;
    }
    const bool powered = TakeStep();
    Change change{offset, CopyOf(powered ? data : data.first(TornSize(data.size())))};
    change.ApplyTo(file.content);
    file.unsynced.push_back(std::move(change));
    return powered ? SQLITE_OK : SQLITE_IOERR_WRITE;
  }

  int Truncate(File& file, std::uint64_t size) {
    if (crashed) return SQLITE_IOERR_TRUNCATE;
    const bool powered = file.temporary || TakeStep();
    Change change{size, std::nullopt};
    change.ApplyTo(file.content);
    if (!file.temporary) file.unsynced.push_back(std::move(change));
    return powered ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
  }

  int Sync(File& file, bool with_folder) {
    if (crashed) return SQLITE_IOERR_FSYNC;
    if (file.temporary) return SQLITE_OK;
    ++syncs;
    if (!TakeStep() || syncs == fail_sync_at) return SQLITE_IOERR_FSYNC;
    for (const Change& change : file.unsynced) change.ApplyTo(file.durable);
    file.unsynced.clear();
    if (with_folder) durable_files = files;
    return SQLITE_OK;
  }

  int Delete(const std::string& path, bool sync_folder) {
    if (crashed) return SQLITE_IOERR_DELETE;
    if (!files.contains(path)) return SQLITE_IOERR_DELETE_NOENT;
    const bool powered = TakeStep();
    files.erase(path);
    if (powered && sync_folder) durable_files = files;
    return powered ? SQLITE_OK : SQLITE_IOERR_DELETE;
  }

  bool Survives(Survival survival) {
    return survival == Survival::kEverything || (survival == Survival::kByCoin && random.Below(2) == 0);
  }

  void Reboot() {
    const auto choice = random.Below(4);
    const Survival survival = choice == 0   ? Survival::kNothing
                              : choice == 1 ? Survival::kEverything
                                            : Survival::kByCoin;
    Directory kept;
    for (const Directory* from : {&files, &durable_files}) {
      for (const auto& [path, file] : *from) kept[path] = nullptr;
    }
    for (auto& [path, file] : kept) {
      const Directory& from = Survives(survival) ? files : durable_files;
      const auto entry = from.find(path);
      if (entry != from.end()) file = entry->second;
    }
    std::erase_if(kept, [](const auto& entry) { return entry.second == nullptr; });
    for (const auto& [path, file] : kept) {
      for (const Change& change : file->unsynced) {
        if (Survives(survival)) change.ApplyTo(file->durable);
      }
      file->unsynced.clear();
      file->content = file->durable;
      file->lock_holder = nullptr;
    }
    files = kept;
    durable_files = std::move(kept);
    crashed = false;
    crash_at = 0;
    fail_sync_at = 0;
  }
};

namespace {

// What SQLite holds of an open file: its own part first, as its interface asks.
template <typename State>
struct HandleOf : sqlite3_file {
  State* state = nullptr;
  std::shared_ptr<File> file;
  bool sync_folder = false;  // with the next sync
};

// SQLite's callbacks. They are C's: nothing may throw, and running out of memory ends the test.
template <typename State>
struct Calls {
  using Handle = HandleOf<State>;
  static Handle& Of(sqlite3_file* file) { return *static_cast<Handle*>(file); }
  static State& Of(sqlite3_vfs* vfs) { return *static_cast<State*>(vfs->pAppData); }

  static int Close(sqlite3_file* file) noexcept {
    Handle& handle = Of(file);
    if (handle.file->lock_holder == &handle) handle.file->lock_holder = nullptr;
    --handle.state->open_handles;
    std::destroy_at(&handle);
    return SQLITE_OK;
  }
  static int Read(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) noexcept {
    Handle& handle = Of(file);
    if (handle.state->crashed) return SQLITE_IOERR_READ;
    const Bytes& content = handle.file->content;
    const auto wanted = static_cast<std::size_t>(size);
    const std::size_t start = std::min(static_cast<std::size_t>(offset), content.size());
    const ByteView there = ByteView(content).subspan(start, std::min(wanted, content.size() - start));
    const MutableBytes target(static_cast<std::byte*>(out), wanted);
    std::copy(there.begin(), there.end(), target.begin());
    for (std::byte& missing : target.subspan(there.size())) missing = std::byte{0};
    return there.size() == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
  }
  static int Write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) noexcept {
    const ByteView bytes(static_cast<const std::byte*>(data), static_cast<std::size_t>(size));
    return Of(file).state->Write(*Of(file).file, static_cast<std::uint64_t>(offset), bytes);
  }
  static int Truncate(sqlite3_file* file, sqlite3_int64 size) noexcept {
    return Of(file).state->Truncate(*Of(file).file, static_cast<std::uint64_t>(size));
  }
  static int Sync(sqlite3_file* file, int) noexcept {
    const int code = Of(file).state->Sync(*Of(file).file, Of(file).sync_folder);
    if (code == SQLITE_OK) Of(file).sync_folder = false;
    return code;
  }
  static int FileSize(sqlite3_file* file, sqlite3_int64* size) noexcept {
    if (Of(file).state->crashed) return SQLITE_IOERR_FSTAT;
    *size = static_cast<sqlite3_int64>(Of(file).file->content.size());
    return SQLITE_OK;
  }
  static int Lock(sqlite3_file* file, int) noexcept {
    const void*& holder = Of(file).file->lock_holder;
    if (holder != nullptr && holder != file) return SQLITE_BUSY;
    holder = file;
    return SQLITE_OK;
  }
  static int Unlock(sqlite3_file* file, int level) noexcept {
    if (level == SQLITE_LOCK_NONE && Of(file).file->lock_holder == file) Of(file).file->lock_holder = nullptr;
    return SQLITE_OK;
  }
  static int CheckReservedLock(sqlite3_file*, int* reserved) noexcept {
    *reserved = 0;
    return SQLITE_OK;
  }
  static int FileControl(sqlite3_file*, int, void*) noexcept { return SQLITE_NOTFOUND; }
  static int SectorSize(sqlite3_file*) noexcept { return kSectorSize; }
  static int DeviceCharacteristics(sqlite3_file*) noexcept { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

  // Version 1: no shared memory, so SQLite keeps the WAL's index in its own.
  static const sqlite3_io_methods* Methods() {
    static const sqlite3_io_methods kMethods = [] {
      sqlite3_io_methods methods{};
      methods.iVersion = 1;
      methods.xClose = Close;
      methods.xRead = Read;
      methods.xWrite = Write;
      methods.xTruncate = Truncate;
      methods.xSync = Sync;
      methods.xFileSize = FileSize;
      methods.xLock = Lock;
      methods.xUnlock = Unlock;
      methods.xCheckReservedLock = CheckReservedLock;
      methods.xFileControl = FileControl;
      methods.xSectorSize = SectorSize;
      methods.xDeviceCharacteristics = DeviceCharacteristics;
      return methods;
    }();
    return &kMethods;
  }

  static int Open(sqlite3_vfs* vfs, const char* path, sqlite3_file* raw, int flags, int* out_flags) noexcept {
    State& state = Of(vfs);
    raw->pMethods = nullptr;
    if (state.crashed) return SQLITE_CANTOPEN;
    std::shared_ptr<File> file;
    if (path == nullptr) {
      file = std::make_shared<File>();
      file->temporary = true;
    } else if (const auto known = state.files.find(path); known != state.files.end()) {
      file = known->second;
    } else if ((flags & SQLITE_OPEN_CREATE) == 0) {
      return SQLITE_CANTOPEN;
    } else {
      file = state.files.emplace(path, std::make_shared<File>()).first->second;
    }
    if ((flags & SQLITE_OPEN_MAIN_DB) != 0) state.durable_files = state.files;
    Handle* handle = std::construct_at(static_cast<Handle*>(raw));
    handle->pMethods = Methods();
    handle->state = &state;
    handle->file = std::move(file);
    handle->sync_folder = (flags & SQLITE_OPEN_CREATE) != 0 && (flags & kJournals) != 0;
    ++state.open_handles;
    if (out_flags != nullptr) *out_flags = flags;
    return SQLITE_OK;
  }
  static int Delete(sqlite3_vfs* vfs, const char* path, int sync_folder) noexcept {
    return Of(vfs).Delete(path, sync_folder != 0);
  }
  static int Access(sqlite3_vfs* vfs, const char* path, int, int* found) noexcept {
    const State& state = Of(vfs);
    if (state.crashed) return SQLITE_IOERR_ACCESS;
    const auto known = state.files.find(path);
    *found = known != state.files.end() && !known->second->content.empty() ? 1 : 0;
    return SQLITE_OK;
  }
  static int FullPathname(sqlite3_vfs*, const char* path, int size, char* out) noexcept {
    sqlite3_snprintf(size, out, "%s", path);
    return SQLITE_OK;
  }
  static int Randomness(sqlite3_vfs* vfs, int size, char* out) noexcept {
    for (int i = 0; i < size; ++i) out[i] = static_cast<char>(Of(vfs).random.Below(256));
    return size;
  }
  static int Sleep(sqlite3_vfs*, int microseconds) noexcept { return microseconds; }
  static int CurrentTimeInt64(sqlite3_vfs*, sqlite3_int64* now) noexcept {
    *now = kJulianMillisecondsOf2025;
    return SQLITE_OK;
  }
  static int GetLastError(sqlite3_vfs*, int, char*) noexcept { return 0; }

  static void FillIn(State& state) {
    state.vfs.iVersion = 2;
    state.vfs.szOsFile = sizeof(Handle);
    state.vfs.mxPathname = 255;
    state.vfs.zName = state.name.c_str();
    state.vfs.pAppData = &state;
    state.vfs.xOpen = Open;
    state.vfs.xDelete = Delete;
    state.vfs.xAccess = Access;
    state.vfs.xFullPathname = FullPathname;
    state.vfs.xRandomness = Randomness;
    state.vfs.xSleep = Sleep;
    state.vfs.xGetLastError = GetLastError;
    state.vfs.xCurrentTimeInt64 = CurrentTimeInt64;
  }
};

}  // namespace

FaultVfs::FaultVfs(std::uint64_t seed) : state_(std::make_unique<State>(seed)) {
  // Unique among the living, which is what registration needs.
  state_->name = "coffer-fault-" + std::to_string(std::hash<const void*>{}(state_.get()));
  Calls<State>::FillIn(*state_);
  COFFER_CHECK(sqlite3_vfs_register(&state_->vfs, 0) == SQLITE_OK);
}

FaultVfs::~FaultVfs() {
  COFFER_CHECK(state_->open_handles == 0);
  sqlite3_vfs_unregister(&state_->vfs);
}

const std::string& FaultVfs::name() const { return state_->name; }
void FaultVfs::CrashAtStep(std::uint64_t step) { state_->crash_at = step == 0 ? 0 : state_->steps + step; }
void FaultVfs::LimitBytes(std::uint64_t bytes) { state_->byte_limit = bytes; }
void FaultVfs::FailSyncAtStep(std::uint64_t step) { state_->fail_sync_at = step == 0 ? 0 : state_->syncs + step; }
bool FaultVfs::crashed() const { return state_->crashed; }
std::uint64_t FaultVfs::steps() const { return state_->steps; }

void FaultVfs::Reboot() {
  COFFER_CHECK(state_->open_handles == 0);
  state_->Reboot();
}

Bytes FaultVfs::Contents() const {
  Bytes all;
  for (const auto& [path, file] : state_->files) Append(all, file->content);
  return all;
}

std::uint64_t FaultVfs::TotalBytes() const { return state_->TotalBytes(); }

}  // namespace coffer
