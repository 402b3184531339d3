// A table in memory, with others who write it at the worst moments.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <set>

#include "db/cipher_rows.h"

namespace coffer::db {

class MemoryRows final : public CipherRows {
 public:
  struct Row {
    std::string ciphertext;
    std::vector<Cell> row;
    std::vector<Cell> context;
    Cell tenant;
  };

  Result<Page> ReadPage(const RowKey* after, std::size_t limit, const Headers& known) override {
    ++pages;
    if (fail_reads) return *fail_reads;
    Page page;
    auto at = after == nullptr ? rows.begin() : rows.upper_bound(after->front());
    for (; at != rows.end() && page.values.size() < limit; ++at) page.values.push_back(ValueOf(at->first, known));
    page.is_last = page.values.size() < limit;
    return page;
  }

  Result<std::vector<StoredValue>> ReadRows(std::span<const RowKey> keys, const Headers& known) override {
    std::vector<StoredValue> values;
    for (const RowKey& key : keys) {
      if (rows.contains(key.front())) values.push_back(ValueOf(key.front(), known));
    }
    return values;
  }

  Result<std::vector<bool>> Replace(std::span<const Replacement> replacements) override {
    if (before_replace) before_replace(*this);
    if (fail_writes) return *fail_writes;
    std::vector<bool> replaced;
    for (const Replacement& one : replacements) {
      const auto row = rows.find(one.key->front());
      const bool is_same =
          row != rows.end() && row->second.ciphertext == one.old_ciphertext && !locked.contains(row->first);
      if (is_same) row->second.ciphertext = one.new_ciphertext;
      replaced.push_back(is_same);
    }
    return replaced;
  }

  std::map<std::string, Row> rows;
  std::set<std::string> locked;
  std::function<void(MemoryRows&)> before_replace;
  std::optional<Error> fail_reads;
  std::optional<Error> fail_writes;
  std::atomic<std::size_t> pages = 0;  // read

 private:
  StoredValue ValueOf(const std::string& key, const Headers& known) const {
    const Row& row = rows.at(key);
    StoredValue value;
    value.key = {key};
    for (const std::string& header : known) value.is_current = value.is_current || row.ciphertext.starts_with(header);
    if (value.is_current) return value;
    value.ciphertext = row.ciphertext;
    value.row = row.row;
    value.context = row.context;
    value.tenant = row.tenant;
    return value;
  }
};

}  // namespace coffer::db
