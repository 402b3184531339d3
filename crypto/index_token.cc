#include "crypto/index_token.h"

#include <algorithm>
#include <unordered_set>

#include "crypto/cursor.h"
#include "crypto/internal/code_points.h"
#include "crypto/internal/keyed_hmac.h"
#include "crypto/internal/slow_value.h"
#include "crypto/range_map.h"

namespace coffer {
namespace {

constexpr std::size_t kDataKeySize = 32;
constexpr std::size_t kMessageHeaderSize = 11;
constexpr std::size_t kBytesToken = 16;      // of a bytea of 128 bits
constexpr std::size_t kTokenWorkBytes = 64;  // of a value: what one token of a search may hash
constexpr unsigned kSlowBit = 0x80;
constexpr unsigned kLastPad = 255;
constexpr std::uint8_t kAnyPlace = 0;
constexpr std::uint8_t kFirstPlace = 1;
constexpr std::uint8_t kLastPlace = 2;

Error Invalid(Literal message) { return {ErrorCode::kInvalidArgument, message}; }
Error OtherKind() { return {ErrorCode::kInternal, "the value is not one of this kind of index"}; }
Error TooManyTokens() { return Invalid("the value has more tokens than the index holds"); }

std::array<std::byte, 8> BigEndian(std::uint64_t number) {
  std::array<std::byte, 8> bytes{};
  StoreU64(bytes, number);
  return bytes;
}

// True for LP(v1), LP(v2) ... of 2 to 16 values. Tells by `is_empty` whether all are empty.
bool IsCompound(ByteView packed, bool& is_empty) {
  Reader reader(packed);
  std::size_t count = 0;
  is_empty = true;
  while (!reader.failed() && reader.remaining() > 0) {
    is_empty = reader.TakeLengthPrefixed(kMaxIndexedBytes).empty() && is_empty;
    ++count;
  }
  return reader.Finish() && count >= 2 && count <= kMaxCompoundParts;
}

ByteView SlowOr(const std::optional<SecretBytes>& slow, ByteView value) {
  return slow ? slow->Expose(SecretAccess::kCipher) : value;
}

// Adds to an ascending list what is not in it yet.
void Insert(std::vector<std::int64_t>& ascending, std::int64_t number) {
  const auto at = std::lower_bound(ascending.begin(), ascending.end(), number);
  if (at == ascending.end() || *at != number) ascending.insert(at, number);
}

// The order of the parts does not show.
void SortUnique(IndexTokens& tokens) {
  const auto sort_unique = [](auto& list) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  };
  sort_unique(tokens.numbers);
  sort_unique(tokens.strings);
}

}  // namespace

struct IndexTokenizer::State {
  TokenForm form;
  internal::KeyedHmac token_key;
  internal::KeyedHmac pad_key;
  SecretBytes slow_salt;
  RandomSource random;
  std::optional<RangeMap> map;

  std::uint8_t DrawPartition() const;
  Status CheckValue(ByteView value) const;
  Status CheckNeedle(ByteView value, Anchors anchors) const;
  Result<Digest> Mac(const internal::KeyedHmac& key, unsigned partition, unsigned part, ByteView value) const;
  std::int64_t Number(const Digest& digest) const;
  // Appends, in no order.
  Status Add(unsigned partition, unsigned part, ByteView value, IndexTokens& tokens) const;
  // Inserts into an array; more than its count is refused.
  Status AddToArray(unsigned partition, unsigned part, ByteView value, std::vector<std::int64_t>& array) const;
  Status Fill(unsigned partition, ByteView whole, std::vector<std::int64_t>& array) const;
  Status AddPrefixes(unsigned partition, std::string_view text, std::vector<std::int64_t>& array) const;
  Status AddNgrams(unsigned partition, std::string_view text, Anchors marks, std::vector<std::int64_t>& array) const;
  // Refuses a search of so many tokens a partition.
  Status CheckWork(std::size_t tokens) const;
  Result<SearchTokens> SearchWhole(unsigned part, ByteView value, TokenMatch match) const;
  Result<SearchTokens> SearchPrefix(std::string_view needle) const;
  Result<SearchTokens> SearchNgrams(std::string_view needle, Anchors anchors) const;
  // Nothing when the form is not slow.
  Result<std::optional<SecretBytes>> Slow(ByteView value) const;
};

std::uint8_t IndexTokenizer::State::DrawPartition() const {
  if (form.partitions == 1) return 0;
  const unsigned fair = 256U - 256U % form.partitions;
  std::array<std::byte, 1> drawn{};
  do random(drawn);
  while (std::to_integer<unsigned>(drawn[0]) >= fair);
  return static_cast<std::uint8_t>(std::to_integer<unsigned>(drawn[0]) % form.partitions);
}

Status IndexTokenizer::State::CheckValue(ByteView value) const {
  bool is_empty = false;
  switch (form.kind) {
    case IndexKind::kRange:
      return OtherKind();
    case IndexKind::kCompound:
      if (!IsCompound(value, is_empty)) return OtherKind();
      return {};
    case IndexKind::kPrefix:
    case IndexKind::kNgram:
      if (!IsUtf8(AsText(value))) return Invalid("the text is not UTF-8");
      break;
    case IndexKind::kEquality:
      break;
  }
  if (value.size() > kMaxIndexedBytes) return Invalid("the value is too long for an index").WithLimit(kMaxIndexedBytes);
  return {};
}

Status IndexTokenizer::State::CheckNeedle(ByteView value, Anchors anchors) const {
  COFFER_TRY(CheckValue(value));
  if ((anchors.at_start || anchors.at_end) && form.kind != IndexKind::kNgram) {
    return Invalid("only an n-gram index knows where a needle stands");
  }
  bool is_empty = value.empty();
  if (form.kind == IndexKind::kCompound) static_cast<void>(IsCompound(value, is_empty));
  if (is_empty) return Invalid("an empty value cannot be searched for");
  return {};
}

Result<Digest> IndexTokenizer::State::Mac(const internal::KeyedHmac& key, unsigned partition, unsigned part,
                                          ByteView value) const {
  std::array<std::byte, kMessageHeaderSize> header{};
  const MutableBytes bytes(header);
  StoreU32(bytes.first(4), form.profile);
  header[4] = static_cast<std::byte>(static_cast<unsigned>(form.kind) | (form.slow ? kSlowBit : 0U));
  header[5] = static_cast<std::byte>(partition);
  header[6] = static_cast<std::byte>(part);
  StoreU32(bytes.last(4), static_cast<std::uint32_t>(value.size()));
  return key.Of({header, value});
}

std::int64_t IndexTokenizer::State::Number(const Digest& digest) const {
  return static_cast<std::int64_t>(LoadU64(ByteView(digest).first(8)) >> (64U - form.bits));
}

Status IndexTokenizer::State::Add(unsigned partition, unsigned part, ByteView value, IndexTokens& tokens) const {
  COFFER_ASSIGN_OR_RETURN(const Digest digest, Mac(token_key, partition, part, value));
  if (form.column == TokenColumn::kBytea) {
    tokens.strings.push_back(CopyOf(ByteView(digest).first(form.bits == 128 ? kBytesToken : digest.size())));
  } else {
    tokens.numbers.push_back(Number(digest));
  }
  return {};
}

Status IndexTokenizer::State::AddToArray(unsigned partition, unsigned part, ByteView value,
                                         std::vector<std::int64_t>& array) const {
  COFFER_ASSIGN_OR_RETURN(const Digest digest, Mac(token_key, partition, part, value));
  Insert(array, Number(digest));
  if (array.size() > form.count) return TooManyTokens().WithLimit(form.count);
  return {};
}

Status IndexTokenizer::State::Fill(unsigned partition, ByteView whole, std::vector<std::int64_t>& array) const {
  for (unsigned i = 0; array.size() < form.count; ++i) {
    if (i > kLastPad) return Invalid("the index has too few bits for its count: the array cannot be filled");
    COFFER_ASSIGN_OR_RETURN(const Digest digest, Mac(pad_key, partition, i, whole));
    Insert(array, Number(digest));
  }
  return {};
}

Status IndexTokenizer::State::AddPrefixes(unsigned partition, std::string_view text,
                                          std::vector<std::int64_t>& array) const {
  for (std::uint8_t length : form.lengths) {
    const std::size_t size = internal::PrefixSize(text, length);
    if (size == text.npos) break;
    COFFER_TRY(AddToArray(partition, length, AsBytes(text.substr(0, size)), array));
  }
  return {};
}

Status IndexTokenizer::State::AddNgrams(unsigned partition, std::string_view text, Anchors marks,
                                        std::vector<std::int64_t>& array) const {
  std::size_t size = internal::PrefixSize(text, form.n);
  if (size == text.npos) return {};
  if (marks.at_start) COFFER_TRY(AddToArray(partition, kFirstPlace, AsBytes(text.substr(0, size)), array));
  std::unordered_set<std::string_view> seen;  // a long text of few n-grams costs few MACs
  while (true) {
    if (const std::string_view gram = text.substr(0, size); seen.insert(gram).second) {
      COFFER_TRY(AddToArray(partition, kAnyPlace, AsBytes(gram), array));
    }
    if (size == text.size()) break;
    const std::size_t step = internal::CodePointSize(text.front());
    size = size - step + internal::CodePointSize(text[size]);
    text.remove_prefix(step);
  }
  if (marks.at_end) COFFER_TRY(AddToArray(partition, kLastPlace, AsBytes(text), array));
  return {};
}

Result<std::optional<SecretBytes>> IndexTokenizer::State::Slow(ByteView value) const {
  if (!form.slow) return std::optional<SecretBytes>();
  COFFER_ASSIGN_OR_RETURN(SecretBytes slow, internal::SlowValue(value, slow_salt, *form.slow));
  return std::optional<SecretBytes>(std::move(slow));
}

Result<SearchTokens> IndexTokenizer::State::SearchWhole(unsigned part, ByteView value, TokenMatch match) const {
  COFFER_TRY(CheckWork(1 + value.size() / kTokenWorkBytes));
  IndexTokens tokens;
  for (unsigned p = 0; p < form.partitions; ++p) COFFER_TRY(Add(p, part, value, tokens));
  SortUnique(tokens);
  SearchTokens search;
  search.match = match;
  search.alternatives.push_back(std::move(tokens));
  return search;
}

Status IndexTokenizer::State::CheckWork(std::size_t tokens) const {
  if (tokens <= kMaxSearchTokens / form.partitions) return {};
  return Invalid("the search needs too many tokens").WithLimit(kMaxSearchTokens);
}

Result<SearchTokens> IndexTokenizer::State::SearchPrefix(std::string_view needle) const {
  for (auto length = form.lengths.rbegin(); length != form.lengths.rend(); ++length) {
    const std::size_t size = internal::PrefixSize(needle, *length);
    if (size == needle.npos) continue;
    COFFER_ASSIGN_OR_RETURN(SearchTokens search,
                            SearchWhole(*length, AsBytes(needle.substr(0, size)), TokenMatch::kHasOneOf));
    search.needs_filter = size != needle.size();
    return search;
  }
  return Invalid("the needle is shorter than every prefix that is stored").WithLimit(form.lengths.front());
}

Result<SearchTokens> IndexTokenizer::State::SearchNgrams(std::string_view needle, Anchors anchors) const {
  const std::size_t size = internal::PrefixSize(needle, form.n);
  if (size == needle.npos) return Invalid("the needle is shorter than the n-grams that are stored").WithLimit(form.n);
  SearchTokens search;
  search.match = TokenMatch::kHasAll;
  search.needs_filter = size != needle.size();
  for (unsigned p = 0; p < form.partitions; ++p) {
    IndexTokens tokens;
    COFFER_TRY(AddNgrams(p, needle, anchors, tokens.numbers));
    COFFER_TRY(CheckWork(tokens.numbers.size()));
    search.alternatives.push_back(std::move(tokens));
  }
  return search;
}

Result<IndexTokenizer> IndexTokenizer::Create(const SecretBytes& index_data_key, TenantUuid tenant,
                                              IndexDomainUuid domain, const TokenForm& form, RandomSource random) {
  if (index_data_key.size() != kDataKeySize) return Invalid("an index data key is 32 bytes");
  COFFER_TRY(form.Validate());
  IndexKeys keys = DeriveIndexKeys(index_data_key, tenant, domain, form.profile);
  COFFER_ASSIGN_OR_RETURN(auto token_key, internal::KeyedHmac::Create(keys.tokens));
  COFFER_ASSIGN_OR_RETURN(auto pad_key, internal::KeyedHmac::Create(keys.pads));
  std::optional<RangeMap> map;
  if (form.domain) {
    COFFER_ASSIGN_OR_RETURN(map, RangeMap::Create(form.domain->min, form.domain->max, form.domain->sparsity));
  }
  return IndexTokenizer(std::make_unique<State>(
      State{form, std::move(token_key), std::move(pad_key), std::move(keys.slow_salt), random, map}));
}

IndexTokenizer::IndexTokenizer(std::unique_ptr<State> state) : state_(std::move(state)) {}
IndexTokenizer::~IndexTokenizer() = default;
IndexTokenizer::IndexTokenizer(IndexTokenizer&&) noexcept = default;
IndexTokenizer& IndexTokenizer::operator=(IndexTokenizer&&) noexcept = default;

const TokenForm& IndexTokenizer::form() const { return state_->form; }

Result<IndexTokens> IndexTokenizer::Stored(ByteView value) const {
  COFFER_TRY(state_->CheckValue(value));
  const std::uint8_t partition = state_->DrawPartition();
  IndexTokens tokens;
  switch (state_->form.kind) {
    case IndexKind::kPrefix:
      COFFER_TRY(state_->AddPrefixes(partition, AsText(value), tokens.numbers));
      break;
    case IndexKind::kNgram:
      COFFER_TRY(state_->AddNgrams(partition, AsText(value), {true, true}, tokens.numbers));
      break;
    case IndexKind::kEquality:
    case IndexKind::kCompound: {
      COFFER_ASSIGN_OR_RETURN(const auto slow, state_->Slow(value));
      COFFER_TRY(state_->Add(partition, 0, SlowOr(slow, value), tokens));
      return tokens;
    }
    case IndexKind::kRange:
      return OtherKind();
  }
  COFFER_TRY(state_->Fill(partition, value, tokens.numbers));
  return tokens;
}

Result<IndexTokens> IndexTokenizer::StoredRange(std::uint64_t order) const {
  if (!state_->map) return OtherKind();
  COFFER_ASSIGN_OR_RETURN(const std::uint64_t u, state_->map->PositionOf(order));
  const std::uint8_t partition = state_->DrawPartition();
  IndexTokens tokens;
  for (std::size_t i = 0; i < state_->map->level_count(); ++i) {
    const DyadicInterval edge = state_->map->Edge(u, i);
    COFFER_TRY(state_->AddToArray(partition, edge.level, BigEndian(edge.prefix), tokens.numbers));
  }
  COFFER_TRY(state_->Fill(partition, BigEndian(u), tokens.numbers));
  return tokens;
}

Result<SearchTokens> IndexTokenizer::Search(ByteView value, Anchors anchors) const {
  COFFER_TRY(state_->CheckNeedle(value, anchors));
  if (state_->form.kind == IndexKind::kPrefix) return state_->SearchPrefix(AsText(value));
  if (state_->form.kind == IndexKind::kNgram) return state_->SearchNgrams(AsText(value), anchors);
  COFFER_ASSIGN_OR_RETURN(const auto slow, state_->Slow(value));
  return state_->SearchWhole(0, SlowOr(slow, value), TokenMatch::kIsOneOf);
}

Result<SearchTokens> IndexTokenizer::SearchRange(std::uint64_t low, std::uint64_t high) const {
  if (!state_->map) return OtherKind();
  COFFER_ASSIGN_OR_RETURN(std::uint64_t from, state_->map->PositionOf(low));
  COFFER_ASSIGN_OR_RETURN(const std::uint64_t to, state_->map->PositionOf(high));
  if (from > to) return Invalid("the range ends before it starts");
  SearchTokens search;
  search.match = TokenMatch::kHasOneOf;
  IndexTokens& tokens = search.alternatives.emplace_back();
  for (bool done = false; !done;) {
    const DyadicInterval interval = state_->map->CoverStart(from, to);
    if (tokens.numbers.size() + state_->form.partitions > kMaxSearchTokens) {
      return Invalid("the search needs too many tokens").WithLimit(kMaxSearchTokens);
    }
    for (unsigned p = 0; p < state_->form.partitions; ++p) {
      COFFER_TRY(state_->Add(p, interval.level, BigEndian(interval.prefix), tokens));
    }
    done = interval.last() == to;
    from = interval.last() + 1;
  }
  SortUnique(tokens);
  return search;
}

Result<std::optional<SecretBytes>> PackCompound(std::span<const std::optional<ByteView>> values) {
  if (values.size() < 2 || values.size() > kMaxCompoundParts) {
    return Invalid("a compound index has 2 to 16 values").WithLimit(kMaxCompoundParts);
  }
  std::size_t size = 0;
  for (const auto& value : values) {
    if (!value) return std::optional<SecretBytes>();
    if (value->size() > kMaxIndexedBytes) {
      return Invalid("the value is too long for an index").WithLimit(kMaxIndexedBytes);
    }
    size += 4 + value->size();
  }
  SecretBytes packed(size);
  MutableBytes rest = packed.ExposeMutable(SecretAccess::kCipher);
  for (const auto& value : values) {
    StoreU32(rest.first(4), static_cast<std::uint32_t>(value->size()));
    std::copy(value->begin(), value->end(), rest.begin() + 4);
    rest = rest.subspan(4 + value->size());
  }
  return std::optional<SecretBytes>(std::move(packed));
}

}  // namespace coffer
