#include "crypto/value.h"

#include <algorithm>

#include "crypto/internal/value_codec.h"

namespace coffer {
namespace {

constexpr std::uint8_t kComposite = 0x10;

Error Malformed() { return {ErrorCode::kInvalidArgument, "is not the encoding of a value"}; }

struct TypeVisitor {
  ValueType operator()(const NullValue&) const { return ValueType::kNull; }
  ValueType operator()(std::int64_t) const { return ValueType::kInt64; }
  ValueType operator()(const Uuid&) const { return ValueType::kUuid; }
  ValueType operator()(const TextView&) const { return ValueType::kText; }
  ValueType operator()(const BytesView&) const { return ValueType::kBytes; }
};

struct AppendVisitor {
  Writer writer;
  void operator()(const NullValue&) {}
  void operator()(std::int64_t value) { writer.U64(static_cast<std::uint64_t>(value)); }
  void operator()(const Uuid& value) { writer.Raw(value.view()); }
  void operator()(const TextView& value) { writer.LengthPrefixed(value.text); }
  void operator()(const BytesView& value) { writer.LengthPrefixed(value.bytes); }
};

std::size_t LengthOf(const ScalarView& value) {
  if (const auto* text = std::get_if<TextView>(&value)) return text->text.size();
  if (const auto* bytes = std::get_if<BytesView>(&value)) return bytes->bytes.size();
  return 0;
}

bool IsColumnName(std::string_view name) { return !name.empty() && name.size() <= kMaxColumnName && IsUtf8(name); }

Status AppendRowParts(std::span<const ScalarView> parts, Bytes& out) {
  for (const ScalarView& part : parts) {
    if (TypeOf(part) == ValueType::kNull) return Error(ErrorCode::kInvalidArgument, "a row id has no NULL");
    COFFER_TRY(EncodeValue(part, out));
  }
  return {};
}

std::vector<const BoundColumn*> SortedByName(std::span<const BoundColumn> columns) {
  std::vector<const BoundColumn*> sorted;
  sorted.reserve(columns.size());
  for (const BoundColumn& column : columns) sorted.push_back(&column);
  // std::string_view compares as unsigned bytes, a proper prefix first.
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->column < b->column; });
  return sorted;
}

Status AppendColumns(std::span<const BoundColumn* const> sorted, Bytes& out) {
  const BoundColumn* previous = nullptr;
  for (const BoundColumn* column : sorted) {
    if (!IsColumnName(column->column)) {
      return Error(ErrorCode::kInvalidArgument, "a bound column's name is empty, too long or not UTF-8")
          .WithLimit(kMaxColumnName);
    }
    if (previous != nullptr && previous->column == column->column) {
      return Error(ErrorCode::kInvalidArgument, "a bound column is given twice");
    }
    Writer(out).LengthPrefixed(column->column);
    COFFER_TRY(EncodeValue(column->value, out));
    previous = column;
  }
  return {};
}

// Passes `status` on; puts `out` back to `size` when it failed.
Status OrRestore(Status status, Bytes& out, std::size_t size) {
  if (!status.ok()) out.resize(size);
  return status;
}

Result<ScalarView> ReadRowPart(Reader& reader) {
  COFFER_ASSIGN_OR_RETURN(ScalarView part, internal::ReadValue(reader, kMaxValueBytes));
  if (TypeOf(part) == ValueType::kNull) return Malformed();
  return part;
}

}  // namespace

namespace internal {

Status AppendValue(const ScalarView& value, std::size_t max_bytes, Bytes& out) {
  if (LengthOf(value) > max_bytes)
    return Error(ErrorCode::kInvalidArgument, "is longer than allowed").WithLimit(max_bytes);
  if (const auto* text = std::get_if<TextView>(&value); text != nullptr && !IsUtf8(text->text)) {
    return Error(ErrorCode::kInvalidArgument, "is not UTF-8");
  }
  Writer writer(out);
  writer.U8(static_cast<std::uint8_t>(TypeOf(value)));
  std::visit(AppendVisitor{writer}, value);
  return {};
}

Result<ScalarView> ReadValue(Reader& reader, std::size_t max_bytes) {
  ScalarView value;
  switch (reader.U8()) {
    case static_cast<std::uint8_t>(ValueType::kNull):
      value = NullValue{};
      break;
    case static_cast<std::uint8_t>(ValueType::kInt64):
      value = static_cast<std::int64_t>(reader.U64());
      break;
    case static_cast<std::uint8_t>(ValueType::kUuid): {
      Uuid uuid;
      const ByteView bytes = reader.Take(uuid.bytes.size());
      std::copy(bytes.begin(), bytes.end(), uuid.bytes.begin());
      value = uuid;
      break;
    }
    case static_cast<std::uint8_t>(ValueType::kText):
      value = TextView{AsText(reader.TakeLengthPrefixed(max_bytes))};
      break;
    case static_cast<std::uint8_t>(ValueType::kBytes):
      value = BytesView{reader.TakeLengthPrefixed(max_bytes)};
      break;
    default:
      return Malformed();
  }
  if (reader.failed()) return Malformed();
  if (const auto* text = std::get_if<TextView>(&value); text != nullptr && !IsUtf8(text->text)) return Malformed();
  return value;
}

}  // namespace internal

ValueType TypeOf(const ScalarView& value) { return std::visit(TypeVisitor{}, value); }

Status EncodeValue(const ScalarView& value, Bytes& out) { return internal::AppendValue(value, kMaxValueBytes, out); }

Status EncodeRow(std::span<const ScalarView> parts, Bytes& out) {
  if (parts.empty() || parts.size() > kMaxCompositeParts) {
    return Error(ErrorCode::kInvalidArgument, "a row id has 1 to 255 parts").WithLimit(kMaxCompositeParts);
  }
  const std::size_t before = out.size();
  if (parts.size() > 1) Writer(out).U8(kComposite).U8(static_cast<std::uint8_t>(parts.size()));
  return OrRestore(AppendRowParts(parts, out), out, before);
}

Status EncodeContext(std::span<const BoundColumn> columns, Bytes& out) {
  if (columns.empty() || columns.size() > kMaxCompositeParts) {
    return Error(ErrorCode::kInvalidArgument, "a context has 1 to 255 columns").WithLimit(kMaxCompositeParts);
  }
  const std::size_t before = out.size();
  Writer(out).U8(static_cast<std::uint8_t>(columns.size()));
  return OrRestore(AppendColumns(SortedByName(columns), out), out, before);
}

Result<std::vector<ScalarView>> ParseRow(ByteView encoded) {
  Reader reader(encoded);
  std::size_t count = 1;
  if (!encoded.empty() && encoded[0] == std::byte{kComposite}) {
    reader.U8();
    count = reader.U8();
    if (count < 2) return Malformed();
  }
  std::vector<ScalarView> parts;
  for (std::size_t i = 0; i < count; ++i) {
    COFFER_ASSIGN_OR_RETURN(ScalarView part, ReadRowPart(reader));
    parts.push_back(part);
  }
  if (!reader.Finish()) return Malformed();
  return parts;
}

Result<std::vector<BoundColumn>> ParseContext(ByteView encoded) {
  Reader reader(encoded);
  const std::size_t count = reader.U8();
  if (count < 1) return Malformed();
  std::vector<BoundColumn> columns;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view column = AsText(reader.TakeLengthPrefixed(kMaxColumnName));
    if (!IsColumnName(column) || (i > 0 && column <= columns.back().column)) return Malformed();
    COFFER_ASSIGN_OR_RETURN(ScalarView value, internal::ReadValue(reader, kMaxValueBytes));
    columns.push_back({column, value});
  }
  if (!reader.Finish()) return Malformed();
  return columns;
}

}  // namespace coffer
