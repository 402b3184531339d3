// A whole number that a database wrote as text.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <system_error>

#include "crypto/bytes.h"
#include "crypto/result.h"

namespace coffer::db {

// kInternal: it is NULL, or something else. Thread-safe.
inline Result<std::uint64_t> WholeNumber(const std::optional<ByteView>& cell) {
  const std::string_view text = cell ? AsText(*cell) : std::string_view();
  std::uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec == std::errc() && read.ptr == text.data() + text.size() && !text.empty()) return number;
  return Error(ErrorCode::kInternal, "the database counts in another way");
}

}  // namespace coffer::db
