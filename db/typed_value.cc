#include "db/typed_value.h"

#include <charconv>

namespace coffer::db {
namespace {

Status SetInt64(const std::string& text, v1::Value& value) {
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) {
    return Error(ErrorCode::kInvalidArgument, "is no 64-bit integer");
  }
  value.set_int64(number);
  return {};
}

// 16 bytes, or the text form.
Status SetUuid(const std::string& bytes, v1::Value& value) {
  const auto uuid = bytes.size() == 16 ? Uuid::FromBytes(AsBytes(bytes)) : Uuid::Parse(bytes);
  if (!uuid.ok()) return Error(ErrorCode::kInvalidArgument, "is no UUID");
  value.set_uuid(std::string(AsText(uuid->view())));
  return {};
}

}  // namespace

Result<v1::Value> ToMessage(const Cell& cell, ValueType type) {
  v1::Value value;
  if (!cell) return value;
  if (cell->size() > kMaxValueBytes) {
    return Error(ErrorCode::kInvalidArgument, "is longer than a bound value may be").WithLimit(kMaxValueBytes);
  }
  switch (type) {
    case ValueType::kInt64:
      COFFER_TRY(SetInt64(*cell, value));
      break;
    case ValueType::kUuid:
      COFFER_TRY(SetUuid(*cell, value));
      break;
    case ValueType::kText:
      if (!IsUtf8(*cell)) return Error(ErrorCode::kInvalidArgument, "is not UTF-8");
      value.set_text(*cell);
      break;
    case ValueType::kBytes:
      value.set_bytes(*cell);
      break;
    case ValueType::kNull:
      return Error(ErrorCode::kInternal, "no column is declared to be NULL");
  }
  return value;
}

}  // namespace coffer::db
