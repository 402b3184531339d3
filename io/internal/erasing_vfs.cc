#include "io/internal/erasing_vfs.h"

#include <algorithm>
#include <array>
#include <vector>

#include <sqlite3.h>

namespace coffer::internal {
namespace {

constexpr std::size_t kSmallestPage = 512;
constexpr std::size_t kLargestPage = 65'536;
constexpr std::size_t kFileHeader = 100;

std::size_t U16At(ByteView page, std::size_t offset) {
  return std::to_integer<std::size_t>(page[offset]) << 8 | std::to_integer<std::size_t>(page[offset + 1]);
}

// SQLite writes pages whole; whatever else it might write is none.
bool IsPage(std::size_t size, sqlite3_int64 offset) {
  const bool power_of_two = (size & (size - 1)) == 0;
  return power_of_two && size >= kSmallestPage && size <= kLargestPage && offset % static_cast<int>(size) == 0;
}

// The methods of the file beneath, with our xWrite. They stay those of its own handle, so it needs no wrapping.
struct Methods : sqlite3_io_methods {
  const sqlite3_io_methods* base = nullptr;
  mutable std::vector<std::byte> page = std::vector<std::byte>(kLargestPage);
};

int Write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) noexcept {
  const auto& methods = *static_cast<const Methods*>(file->pMethods);
  const ByteView given(static_cast<const std::byte*>(data), static_cast<std::size_t>(size));
  if (!IsPage(given.size(), offset)) return methods.base->xWrite(file, data, size, offset);
  const MutableBytes page = MutableBytes(methods.page).first(given.size());
  std::copy(given.begin(), given.end(), page.begin());
  ZeroGap(page, offset == 0);
  return methods.base->xWrite(file, page.data(), size, offset);
}

}  // namespace

struct ErasingVfs::State : sqlite3_vfs {
  sqlite3_vfs* base = nullptr;
  std::string name;
  Methods methods{};
};

namespace {

// The other calls are the base's own: its callbacks know it by pAppData, which is a copy.
int Open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) noexcept {
  auto& state = *static_cast<ErasingVfs::State*>(vfs);
  const int opened = state.base->xOpen(state.base, path, file, flags, out_flags);
  if (opened != SQLITE_OK || (flags & SQLITE_OPEN_MAIN_DB) == 0) return opened;
  static_cast<sqlite3_io_methods&>(state.methods) = *file->pMethods;
  state.methods.base = file->pMethods;
  state.methods.xWrite = Write;
  file->pMethods = &state.methods;
  return SQLITE_OK;
}

}  // namespace

ErasingVfs::ErasingVfs(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<ErasingVfs>> ErasingVfs::Over(const std::string& base) {
  auto state = std::make_unique<State>();
  state->base = sqlite3_vfs_find(base.empty() ? nullptr : base.c_str());
  if (state->base == nullptr) return Error(ErrorCode::kInternal, "there is no file layer of this name");
  static_cast<sqlite3_vfs&>(*state) = *state->base;
  // Unique among the living, which is what registration needs.
  state->name = "coffer-erasing-" + std::to_string(std::hash<const void*>{}(state.get()));
  state->zName = state->name.c_str();
  state->pNext = nullptr;
  state->xOpen = Open;
  if (sqlite3_vfs_register(state.get(), 0) != SQLITE_OK) {
    return Error(ErrorCode::kUnavailable, "there is not enough memory for the database");
  }
  return std::make_unique<ErasingVfs>(std::move(state));
}

ErasingVfs::~ErasingVfs() { sqlite3_vfs_unregister(state_.get()); }

const std::string& ErasingVfs::name() const { return state_->name; }

void ZeroGap(MutableBytes page, bool first) {
  const std::size_t header = first ? kFileHeader : 0;
  std::size_t header_size = 0;
  switch (std::to_integer<int>(page[header])) {
    case 2:  // interior, of an index
    case 5:  // interior, of a table
      header_size = 12;
      break;
    case 10:  // leaf, of an index
    case 13:  // leaf, of a table
      header_size = 8;
      break;
    default:
      return;
  }
  const std::size_t cells = U16At(page, header + 3);
  const std::size_t content = U16At(page, header + 5);
  const std::size_t start = header + header_size + 2 * cells;
  const std::size_t end = content == 0 ? kLargestPage : content;
  if (start > end || end > page.size()) return;
  std::fill(page.begin() + static_cast<std::ptrdiff_t>(start), page.begin() + static_cast<std::ptrdiff_t>(end),
            std::byte{0});
}

}  // namespace coffer::internal
