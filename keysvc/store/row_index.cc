#include "keysvc/store/row_index.h"

#include <algorithm>

#include "crypto/cursor.h"

namespace coffer::keysvc {
namespace {

constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;

// Bytes whose order is that of the keys. A text ends the key where a table has one, so it needs no terminator.
void AppendOrdered(const Datum& datum, std::string& out) {
  if (const auto* number = std::get_if<std::int64_t>(&datum)) {
    Bytes bytes;
    Writer(bytes).U64(static_cast<std::uint64_t>(*number) ^ kSignBit);
    out += AsText(bytes);
  } else if (const auto* uuid = std::get_if<Uuid>(&datum)) {
    out += AsText(uuid->view());
  } else if (const auto* text = std::get_if<std::string>(&datum)) {
    out += *text;
  } else if (const auto* blob = std::get_if<Bytes>(&datum)) {
    out += AsText(*blob);
  }
}

std::string EncodedKey(Table table, const Row& columns, std::size_t count) {
  std::string key(1, static_cast<char>(table));
  for (std::size_t i = 0; i < count; ++i) AppendOrdered(columns[i], key);
  return key;
}

RowIndex::Mark MarkOf(const Digest& mac) {
  RowIndex::Mark mark{};
  std::copy_n(mac.begin(), mark.size(), mark.begin());
  return mark;
}

}  // namespace

RowIndex::Change RowIndex::Set(const TableSpec& spec, const Row& primary_key, const std::optional<Digest>& mac) {
  Change change{EncodedKey(spec.table, primary_key, spec.primary_key_columns), std::nullopt};
  const auto known = marks_.find(change.key);
  if (known != marks_.end()) change.before = known->second;
  Restore({change.key, mac ? std::optional(MarkOf(*mac)) : std::nullopt});
  return change;
}

void RowIndex::Restore(Change change) {
  if (change.before)
    marks_.insert_or_assign(std::move(change.key), *change.before);
  else
    marks_.erase(change.key);
}

bool RowIndex::Expects(const TableSpec& spec, const Row& primary_key, const std::optional<StoredRow>& found) const {
  const auto known = marks_.find(EncodedKey(spec.table, primary_key, spec.primary_key_columns));
  if (!found || known == marks_.end()) return !found && known == marks_.end();
  return known->second == MarkOf(found->mac);
}

bool RowIndex::Expects(const ScanRequest& request, const std::vector<StoredRow>& found) const {
  const TableSpec& spec = SpecOf(request.table);
  std::string range = EncodedKey(request.table, request.equals, request.equals.size());
  std::string after = range;
  range += request.text_prefix;
  auto next = marks_.lower_bound(range);
  if (request.after) {
    AppendOrdered(*request.after, after);
    next = std::max(range, after) == range ? next : marks_.lower_bound(after);
    // Past every key whose column has that value: the one key where the column is the last, else all that begin so.
    const bool last_column = request.equals.size() + 1 == spec.primary_key_columns;
    while (next != marks_.end() && (last_column ? next->first == after : next->first.starts_with(after))) ++next;
  }
  const bool whole_key = request.equals.size() == spec.primary_key_columns;
  std::size_t count = 0;
  for (; next != marks_.end(); ++next, ++count) {
    if (whole_key ? next->first != range : !next->first.starts_with(range)) break;
    if (request.limit != 0 && count == request.limit) break;
    if (count == found.size()) return false;
    const StoredRow& row = found[count];
    if (next->first != EncodedKey(request.table, row.columns, spec.primary_key_columns)) return false;
    if (next->second != MarkOf(row.mac)) return false;
  }
  return count == found.size();
}

}  // namespace coffer::keysvc
