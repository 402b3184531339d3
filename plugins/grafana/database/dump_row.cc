#include "plugins/grafana/database/dump_row.h"

#include "plugins/grafana/database/copy_text.h"

namespace coffer::grafana {
namespace {

constexpr std::string_view kCopyNull = "\\N";
constexpr std::string_view kCopiedHex = "\\\\x";  // how COPY writes the "\x" of a bytea

// COPY writes it shorter than INSERT and a cast to text do.
std::string_view BooleanOf(std::string_view field) {
  if (field == "t") return "true";
  return field == "f" ? "false" : field;
}

Error NoValue() { return Error(ErrorCode::kInvalidArgument, "the dump has a value that is not of its column's type"); }

}  // namespace

void DumpRow::Begin(const RowLayout& layout) {
  row_.table = layout.table;
  cells_.assign(tables_.wanted(layout.table).columns.size(), Cell());
  bytes_.clear();
}

// What was appended to bytes_ since `begin`.
void DumpRow::Keep(const RowLayout::Place& place, std::size_t begin) {
  cells_[place.column] = {false, {}, begin, bytes_.size() - begin};
}

Status DumpRow::AddField(const RowLayout::Place& place, std::string_view field) {
  if (place.column == RowLayout::kNotWanted || field == kCopyNull) return {};
  if (place.type == DumpType::kBoolean) field = BooleanOf(field);
  if (place.type != DumpType::kBytea && field.find('\\') == field.npos) {
    cells_[place.column] = {false, field, 0, 0};
    return {};
  }
  const std::size_t begin = bytes_.size();
  bool fits = false;
  if (place.type != DumpType::kBytea) {
    fits = AppendCopyField(field, bytes_);
  } else if (field.starts_with(kCopiedHex)) {
    fits = AppendBytea(field.substr(1), bytes_);
  } else {
    unescaped_.clear();
    fits = AppendCopyField(field, unescaped_) && AppendBytea(unescaped_, bytes_);
  }
  if (!fits) return NoValue();
  Keep(place, begin);
  return {};
}

Status DumpRow::AddValue(const RowLayout::Place& place, const DumpValue& value) {
  if (place.column == RowLayout::kNotWanted || value.is_null) return {};
  if (bytes_.size() + value.text.size() > kMaxDumpRow) {
    return Error(ErrorCode::kInvalidArgument, "a row of the dump is longer than allowed").WithLimit(kMaxDumpRow);
  }
  const std::size_t begin = bytes_.size();
  if (place.type != DumpType::kBytea) {
    bytes_ += value.text;
  } else if (!AppendBytea(value.text, bytes_)) {
    return NoValue();
  }
  Keep(place, begin);
  return {};
}

Status DumpRow::Finish() {
  row_.cells.clear();
  for (const Cell& cell : cells_) {
    const std::string_view kept = std::string_view(bytes_).substr(cell.begin, cell.size);
    row_.cells.push_back(cell.is_null ? std::nullopt
                                      : std::optional(AsBytes(cell.field.data() != nullptr ? cell.field : kept)));
  }
  tables_.CountRow(row_.table);
  return on_row_(row_);
}

}  // namespace coffer::grafana
