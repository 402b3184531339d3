// Reads the keys of one TOML table, each once: what is left over at the end is not a key of it.
#pragma once

#include <algorithm>
#include <initializer_list>

#include "policy/internal/field_values.h"

namespace coffer::policy {

class TableReader {
 public:
  // `table` must be of kind kTable and outlive the reader.
  explicit TableReader(const TomlNode& table) : table_(table) {}

  // Nothing read and no error when an optional key is absent.
  template <typename Value, typename Place>
  void Read(std::string_view key, Result<Value> (*read)(const TomlNode&), Place& place, bool required = true) {
    if (!status_.ok()) return;
    const TomlNode* node = table_.Find(key);
    if (node == nullptr) {
      if (required) status_ = Refused("is required").At(key).AtLine(table_.line);
      return;
    }
    ++used_;
    Result<Value> value = read(*node);
    if (value.ok()) {
      place = std::move(value).value();
    } else {
      status_ = OnLine(std::move(value).error().At(key), node->line);
    }
  }

  // kInvalidArgument with `message` for a key that is not among `known`.
  Status Finish(std::initializer_list<std::string_view> known, Literal message) const {
    if (!status_.ok() || used_ == table_.entries.size()) return status_;
    for (const auto& [key, entry] : table_.entries) {
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        return Refused(message).At(key).AtLine(entry->key_line);
      }
    }
    return status_;
  }

 private:
  const TomlNode& table_;
  Status status_;
  std::size_t used_ = 0;
};

}  // namespace coffer::policy
