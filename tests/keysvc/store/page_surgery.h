// PageSurgery: edits of an SQLite file beneath SQLite, as somebody with the file can make them. Rows keep every byte;
// what changes is the order in which a b-tree page lists them, and so what a search in the tree finds. The layout is
// that of https://www.sqlite.org/fileformat2.html, section 1.6.
#pragma once

#include <gtest/gtest.h>

#include "io/file.h"
#include "io/sqlite.h"

namespace coffer::testing {

class PageSurgery {
 public:
  // The file must be closed, with nothing in a WAL.
  explicit PageSurgery(std::string path) : path_(std::move(path)) {
    file_ = ReadFile(path_, kLargestFile).value();
    page_size_ = U16(16);
  }

  void Save() const { ASSERT_TRUE(WriteFileDurably(path_, file_, 0600).ok()); }

  // The page that a table's tree begins with.
  std::size_t RootOf(std::string_view table) const {
    const auto database = SqliteDatabase::Open({path_, "", 0});
    auto query = (*database)->Prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?1");
    EXPECT_TRUE(query->Bind(1, std::string(table)).ok() && *query->Step());
    return static_cast<std::size_t>(std::get<std::int64_t>(query->Column(0, ValueType::kInt64, false).value()));
  }

  bool IsLeaf(std::size_t page) const { return file_[Start(page)] == std::byte{10}; }
  std::size_t CellsOf(std::size_t page) const { return U16(Start(page) + 3); }
  void SetCells(std::size_t page, std::size_t count) { PutU16(Start(page) + 3, count); }

  // `order[i]`: the cell that stands in place i afterwards.
  void Reorder(std::size_t page, const std::vector<std::size_t>& order) {
    std::vector<std::size_t> cells;
    for (std::size_t i = 0; i < order.size(); ++i) cells.push_back(U16(Pointer(page, i)));
    for (std::size_t i = 0; i < order.size(); ++i) PutU16(Pointer(page, i), cells[order[i]]);
  }

  // Of an inner page: two subtrees change places, the entries between them stay.
  void SwapChildren(std::size_t page, std::size_t one, std::size_t two) {
    const std::size_t a = Start(page) + U16(Pointer(page, one)) - (page == 1 ? 100 : 0);
    const std::size_t b = Start(page) + U16(Pointer(page, two)) - (page == 1 ? 100 : 0);
    for (std::size_t i = 0; i < 4; ++i) std::swap(file_[a + i], file_[b + i]);
  }

 private:
  static constexpr std::uint64_t kLargestFile = 64 * 1024 * 1024;

  std::size_t Start(std::size_t page) const { return (page - 1) * page_size_ + (page == 1 ? 100 : 0); }
  std::size_t Pointer(std::size_t page, std::size_t cell) const {
    return Start(page) + (IsLeaf(page) ? 8 : 12) + 2 * cell;
  }
  std::size_t U16(std::size_t at) const {
    return std::to_integer<std::size_t>(file_[at]) << 8 | std::to_integer<std::size_t>(file_[at + 1]);
  }
  void PutU16(std::size_t at, std::size_t value) {
    file_[at] = static_cast<std::byte>(value >> 8);
    file_[at + 1] = static_cast<std::byte>(value & 0xff);
  }

  std::string path_;
  Bytes file_;
  std::size_t page_size_ = 0;
};

}  // namespace coffer::testing
