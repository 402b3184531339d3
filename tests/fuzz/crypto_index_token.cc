// Index tokens: an array has its count in ascending order, whatever the value; a value is found by a search for it, its
// start by a prefix search and each of its parts by an n-gram search; a range finds exactly what lies in it; decimals
// keep their order. The first bytes choose kind, bits and count.
#include <algorithm>
#include <array>

#include "crypto/cursor.h"
#include "crypto/index_token.h"
#include "crypto/range_map.h"

namespace coffer {
namespace {

using Numbers = std::vector<std::int64_t>;

TokenForm FormOf(Reader& reader) {
  TokenForm form;
  form.profile = 1;
  form.kind = static_cast<IndexKind>(reader.U8() % 3 + 1);
  form.bits = static_cast<std::uint16_t>(reader.U8() % 54 + 10);
  if (form.IsArray()) form.count = static_cast<std::uint8_t>(reader.U8() % 192 + 1);
  form.partitions = static_cast<std::uint16_t>(reader.U8() % 3 + 1);
  if (form.kind == IndexKind::kNgram) form.n = 3;
  if (form.kind == IndexKind::kPrefix) {
    form.lengths = {1, 3};
    form.count = std::max<std::uint8_t>(form.count, 2);
  }
  return form;
}

IndexTokenizer Tokenizer(const TokenForm& form) {
  auto index = IndexTokenizer::Create(SecretBytes::CopyOf(Bytes(32, std::byte{7})), {}, {}, form);
  COFFER_CHECK(index.ok());
  return std::move(index).value();
}

bool Finds(const SearchTokens& search, const Numbers& row) {
  return std::any_of(search.alternatives.begin(), search.alternatives.end(), [&](const IndexTokens& tokens) {
    const Numbers& asked = tokens.numbers;
    if (search.match == TokenMatch::kHasAll) return std::includes(row.begin(), row.end(), asked.begin(), asked.end());
    return std::any_of(asked.begin(), asked.end(),
                       [&](std::int64_t each) { return std::binary_search(row.begin(), row.end(), each); });
  });
}

void CheckRow(const TokenForm& form, const Numbers& row) {
  COFFER_CHECK(row.size() == (form.IsArray() ? form.count : 1U));
  COFFER_CHECK(std::adjacent_find(row.begin(), row.end(), std::greater_equal<>()) == row.end());
  COFFER_CHECK(row.front() >= 0 && (static_cast<std::uint64_t>(row.back()) >> form.bits) == 0);
}

// Of a row that is stored, what it must be found by: every tail of the text that starts at a code point with n-grams,
// the whole with the other kinds.
void CheckSearches(const IndexTokenizer& index, ByteView value, const Numbers& row) {
  const bool has_parts = index.form().kind == IndexKind::kNgram;
  for (std::size_t at = 0; at == 0 || (has_parts && at < value.size()); ++at) {
    if (has_parts && (std::to_integer<unsigned>(value[at]) & 0xC0U) == 0x80U) continue;
    const auto search = index.Search(value.subspan(at), {has_parts && at == 0, has_parts});
    if (search.ok()) {
      COFFER_CHECK(Finds(*search, row));
    } else {
      COFFER_CHECK(search.error().code() == ErrorCode::kInvalidArgument);
    }
    if (value.empty()) return;
  }
}

void CheckText(const TokenForm& form, ByteView value) {
  const IndexTokenizer index = Tokenizer(form);
  const auto stored = index.Stored(value);
  if (!stored.ok()) {
    COFFER_CHECK(stored.error().code() == ErrorCode::kInvalidArgument);
    return;
  }
  CheckRow(form, stored->numbers);
  CheckSearches(index, value, stored->numbers);
}

void CheckRange(Reader reader) {
  std::array<std::uint64_t, 5> numbers{};
  const auto sparsity = static_cast<std::uint8_t>(reader.U8() % 8 + 1);
  for (std::uint64_t& number : numbers) number = reader.U64();
  std::sort(numbers.begin() + 1, numbers.end());  // domain and range around a value that may lie anywhere
  const auto [value, min, low, high, max] = numbers;
  if (reader.failed() || min == max) return;
  TokenForm form;
  form.profile = 1;
  form.kind = IndexKind::kRange;
  form.count = 64;
  form.domain = RangeDomain{min, max, sparsity};
  const IndexTokenizer index = Tokenizer(form);
  const auto stored = index.StoredRange(value);
  COFFER_CHECK(stored.ok() == (min <= value && value <= max));
  const auto search = index.SearchRange(low, high);
  COFFER_CHECK(search.ok());
  if (!stored.ok()) return;
  CheckRow(form, stored->numbers);
  COFFER_CHECK(Finds(*search, stored->numbers) == (low <= value && value <= high));
}

// A decimal that is read at one scale is read at a smaller one only where that is exact, and as the same number.
void CheckDecimal(std::string_view text) {
  const auto one = OrderOfDecimal(text, 1);
  const auto none = OrderOfDecimal(text, 0);
  if (one.ok() && none.ok()) COFFER_CHECK(*one - OrderOfInt64(0) == (*none - OrderOfInt64(0)) * 10);
}

}  // namespace
}  // namespace coffer

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  coffer::Reader reader(std::as_bytes(std::span(data, size)));
  coffer::CheckRange(reader);
  const coffer::TokenForm form = coffer::FormOf(reader);
  if (reader.failed() || reader.remaining() > 300) return 0;
  const coffer::ByteView value = reader.Take(reader.remaining());
  coffer::CheckText(form, value);
  coffer::CheckDecimal(coffer::AsText(value));
  return 0;
}
