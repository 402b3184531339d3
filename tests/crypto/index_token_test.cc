#include "crypto/index_token.h"

#include <numeric>
#include <random>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "crypto/range_map.h"
#include "tests/crypto/index_fixture.h"

namespace coffer {
namespace {

constexpr std::int64_t kInt4Max = 0x7FFFFFFF;

std::vector<std::int64_t> Numbers(const IndexTokenizer& index, std::string_view value) {
  return index.Stored(AsBytes(value)).value().numbers;
}

bool IsAscendingWithoutRepeats(const std::vector<std::int64_t>& numbers) {
  return std::adjacent_find(numbers.begin(), numbers.end(), std::greater_equal<>()) == numbers.end();
}

bool Overlap(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b) {
  return std::any_of(a.begin(), a.end(), [&](std::int64_t x) { return std::binary_search(b.begin(), b.end(), x); });
}

// Whether a database would find a row by a search.
bool Finds(const SearchTokens& search, const std::vector<std::int64_t>& row) {
  return std::any_of(search.alternatives.begin(), search.alternatives.end(), [&](const IndexTokens& tokens) {
    if (search.match != TokenMatch::kHasAll) return Overlap(tokens.numbers, row);
    return std::includes(row.begin(), row.end(), tokens.numbers.begin(), tokens.numbers.end());
  });
}

TEST(EqualityTokenTest, EveryRequestedBitIsUsedAndNoOther) {
  for (std::uint16_t bits = 1; bits <= 63; ++bits) {
    for (TokenColumn column : {TokenColumn::kInt4, TokenColumn::kInt8}) {
      if (column == TokenColumn::kInt4 && bits > 31) continue;
      const auto index = TestTokenizer(EqualityForm(column, bits));
      std::uint64_t ever = 0;
      std::uint64_t always = ~std::uint64_t{0};
      for (int i = 0; i < 64; ++i) {
        const auto token = Numbers(index, std::to_string(i)).at(0);
        ASSERT_GE(token, 0);
        if (column == TokenColumn::kInt4) {
          ASSERT_LE(token, kInt4Max);
        }
        ever |= static_cast<std::uint64_t>(token);
        always &= static_cast<std::uint64_t>(token);
      }
      EXPECT_EQ(ever, (std::uint64_t{1} << bits) - 1) << "each of the low bits is set at some time";
      EXPECT_EQ(always, 0U) << "and at some time it is not";
    }
  }
}

TEST(EqualityTokenTest, FewerBitsAreTheFrontOfMore) {
  const auto most = static_cast<std::uint64_t>(Numbers(TestTokenizer(EqualityForm()), "anna").at(0));
  for (std::uint16_t bits = 1; bits <= 63; ++bits) {
    const auto index = TestTokenizer(EqualityForm(TokenColumn::kInt8, bits));
    EXPECT_EQ(static_cast<std::uint64_t>(Numbers(index, "anna").at(0)), most >> (63U - bits));
  }
  const auto bytes = TestTokenizer(EqualityForm(TokenColumn::kBytea, 256)).Stored(AsBytes("anna"))->strings.at(0);
  EXPECT_EQ(bytes.size(), 32U);
  EXPECT_EQ(LoadU64(ByteView(bytes).first(8)) >> 1U, most);
  const auto half = TestTokenizer(EqualityForm(TokenColumn::kBytea, 128)).Stored(AsBytes("anna"))->strings.at(0);
  EXPECT_EQ(ToHex(half), ToHex(ByteView(bytes).first(16)));
}

TEST(EqualityTokenTest, SearchFindsItsValueInEveryPartition) {
  for (std::uint16_t partitions : std::initializer_list<std::uint16_t>{1, 2, 3, 7, 255, 256}) {
    TokenForm form = EqualityForm();
    form.partitions = partitions;
    const auto index = TestTokenizer(form);
    const SearchTokens search = index.Search(AsBytes("anna")).value();
    EXPECT_EQ(search.match, TokenMatch::kIsOneOf);
    EXPECT_FALSE(search.needs_filter);
    ASSERT_EQ(search.alternatives.size(), 1U);
    EXPECT_EQ(search.alternatives[0].numbers.size(), partitions);
    EXPECT_TRUE(IsAscendingWithoutRepeats(search.alternatives[0].numbers));
    for (unsigned drawn = 0; drawn < partitions; ++drawn) {
      FixedRandom::next = static_cast<std::byte>(drawn);
      EXPECT_TRUE(Finds(search, Numbers(index, "anna"))) << drawn;
      EXPECT_FALSE(Finds(search, Numbers(index, "bert"))) << drawn;
    }
  }
  FixedRandom::next = std::byte{0};
}

TEST(EqualityTokenTest, PartitionsAreDrawnFairlyAndAtEachWrite) {
  TokenForm form = EqualityForm();
  form.partitions = 3;
  const auto index = IndexTokenizer::Create(SecretBytes(32), {}, {}, form).value();
  std::map<std::int64_t, int> drawn;
  for (int i = 0; i < 3000; ++i) ++drawn[Numbers(index, "anna").at(0)];
  EXPECT_EQ(drawn.size(), 3U);
  for (const auto& [token, count] : drawn) EXPECT_NEAR(count, 1000, 200);
}

// 255 would make the last partition of three rarer: it is drawn again.
TEST(EqualityTokenTest, UnfairDrawIsRepeated) {
  static int draws = 0;
  TokenForm form = EqualityForm();
  form.partitions = 3;
  const auto source = [](MutableBytes out) { out[0] = ++draws < 3 ? std::byte{255} : std::byte{1}; };
  const auto index = IndexTokenizer::Create(SecretOf(Bytes(32, std::byte{0x77})), TestUuid<TenantUuid>(1),
                                            TestUuid<IndexDomainUuid>(2), form, source)
                         .value();
  FixedRandom::next = std::byte{1};
  EXPECT_EQ(Numbers(index, "anna"), Numbers(TestTokenizer(form), "anna"));
  EXPECT_EQ(draws, 3);
  FixedRandom::next = std::byte{0};
}

TEST(EqualityTokenTest, OnePartitionDrawsNothing) {
  const auto source = [](MutableBytes) { ADD_FAILURE() << "drawn"; };
  const auto index = IndexTokenizer::Create(SecretBytes(32), {}, {}, EqualityForm(), source).value();
  EXPECT_EQ(Numbers(index, "anna").size(), 1U);
}

TEST(EqualityTokenTest, EmptyValueIsStoredAndNotSearched) {
  const auto index = TestTokenizer(EqualityForm());
  EXPECT_EQ(Numbers(index, "").size(), 1U);
  EXPECT_EQ(CodeOf(index.Search({})), "invalid_argument");
}

TEST(SlowTokenTest, DiffersFromFastAndFromOtherCosts) {
  std::set<std::int64_t> tokens;
  TokenForm form = EqualityForm();
  tokens.insert(Numbers(TestTokenizer(form), "anna").at(0));
  for (const SlowCost cost : {SlowCost{1, 8192}, SlowCost{2, 8192}, SlowCost{1, 8193}}) {
    form.slow = cost;
    const auto index = TestTokenizer(form);
    const auto stored = Numbers(index, "anna");
    EXPECT_TRUE(Finds(index.Search(AsBytes("anna")).value(), stored));
    tokens.insert(stored.at(0));
  }
  EXPECT_EQ(tokens.size(), 4U);
}

TEST(PrefixTokenTest, SearchUsesTheLongestLengthThatFits) {
  const auto index = TestTokenizer(PrefixForm({2, 4}, 6));
  const auto anna = Numbers(index, "anna@example");
  const auto andy = Numbers(index, "andy@example");
  const auto search = [&](std::string_view needle) { return index.Search(AsBytes(needle)).value(); };
  EXPECT_TRUE(Finds(search("an"), anna));
  EXPECT_TRUE(Finds(search("an"), andy));
  EXPECT_FALSE(search("an").needs_filter);
  EXPECT_TRUE(Finds(search("ann"), andy)) << "to be filtered";
  EXPECT_TRUE(search("ann").needs_filter);
  EXPECT_FALSE(Finds(search("anna"), andy));
  EXPECT_FALSE(search("anna").needs_filter);
  EXPECT_TRUE(Finds(search("anna@"), anna));
  EXPECT_TRUE(search("anna@").needs_filter);
  EXPECT_FALSE(Finds(search("na"), anna)) << "not at the start";
}

TEST(PrefixTokenTest, NeedleShorterThanEveryLengthIsRefused) {
  const auto index = TestTokenizer(PrefixForm({2, 4}, 6));
  for (std::string_view needle : {"", "a", "\u4e2d", "\U0001F511"}) {
    EXPECT_EQ(CodeOf(index.Search(AsBytes(needle))), "invalid_argument") << needle;
  }
  EXPECT_EQ(CodeOf(index.Search(AsBytes("anna"), {true, false})), "invalid_argument") << "no anchors";
}

TEST(PrefixTokenTest, LengthIsPartOfTheToken) {
  const auto two = Numbers(TestTokenizer(PrefixForm({2}, 1)), "an");
  const auto both = Numbers(TestTokenizer(PrefixForm({1, 2}, 2)), "an");
  EXPECT_TRUE(Overlap(two, both));
  EXPECT_FALSE(Overlap(Numbers(TestTokenizer(PrefixForm({1}, 1)), "an"), two));
}

TEST(NgramTokenTest, ContainedNeedlesAreFound) {
  const auto index = TestTokenizer(NgramForm(3, 40));
  const std::string text = "anna@example.org";
  const auto row = Numbers(index, text);
  for (std::size_t at = 0; at + 3 <= text.size(); ++at) {
    for (std::size_t size = 3; at + size <= text.size(); ++size) {
      const SearchTokens search = index.Search(AsBytes(text.substr(at, size))).value();
      EXPECT_TRUE(Finds(search, row)) << at << ", " << size;
      EXPECT_EQ(search.needs_filter, size != 3);
      EXPECT_EQ(Finds(index.Search(AsBytes(text.substr(at, size)), {true, false}).value(), row), at == 0);
      EXPECT_EQ(Finds(index.Search(AsBytes(text.substr(at, size)), {false, true}).value(), row),
                at + size == text.size());
    }
  }
  EXPECT_FALSE(Finds(index.Search(AsBytes("xampla")).value(), row));
}

TEST(NgramTokenTest, TokensAreSharedWithinOnePartitionOnly) {
  TokenForm form = NgramForm(3, 20);
  form.partitions = 4;
  const auto index = TestTokenizer(form);
  const SearchTokens search = index.Search(AsBytes("anna")).value();
  EXPECT_EQ(search.match, TokenMatch::kHasAll);
  EXPECT_EQ(search.alternatives.size(), 4U);
  for (unsigned drawn = 0; drawn < 4; ++drawn) {
    FixedRandom::next = static_cast<std::byte>(drawn);
    const auto row = Numbers(index, "joanna");
    EXPECT_TRUE(Finds(search, row));
    for (unsigned p = 0; p < 4; ++p) EXPECT_EQ(Overlap(search.alternatives[p].numbers, row), p == drawn);
  }
  FixedRandom::next = std::byte{0};
}

// libmongocrypt counts substrings of many lengths (60, 3, 3) = 58; of one length these are our n-grams.
TEST(NgramTokenTest, CountIsThatOfDistinctSubstringsAndTwoMarks) {
  std::string text;
  for (char c = '0'; text.size() < 60; ++c) text += c;
  EXPECT_EQ(CodeOf(TestTokenizer(NgramForm(3, 60)).Stored(AsBytes(text))), "ok");
  EXPECT_EQ(CodeOf(TestTokenizer(NgramForm(3, 59)).Stored(AsBytes(text))), "invalid_argument") << "58 and 2 marks";
  EXPECT_EQ(CodeOf(TestTokenizer(NgramForm(3, 3)).Stored(AsBytes(std::string(100, 'a')))), "ok") << "1 and 2 marks";
}

TEST(NgramTokenTest, NeedleShorterThanNIsRefused) {
  const auto index = TestTokenizer(NgramForm(3, 20));
  for (std::string_view needle : {"", "a", "an", "\u00e4\u00f6", "\U0001F511\U0001F511"}) {
    EXPECT_EQ(CodeOf(index.Search(AsBytes(needle))), "invalid_argument") << needle;
  }
  EXPECT_EQ(CodeOf(index.Search(AsBytes("\u00e4\u00f6\u00fc"))), "ok");
}

TEST(ArrayTest, HasItsCountInAscendingOrder) {
  for (std::uint16_t bits : std::initializer_list<std::uint16_t>{10, 16, 32, 63}) {
    TokenForm form = NgramForm(2, 30);
    form.bits = bits;
    const auto index = TestTokenizer(form);
    for (std::string_view text : {"", "a", "ab", "abc", "anna@example.org", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"}) {
      const auto row = Numbers(index, text);
      EXPECT_EQ(row.size(), 30U) << bits << text;
      EXPECT_TRUE(IsAscendingWithoutRepeats(row)) << bits << text;
      EXPECT_GE(row.front(), 0);
      EXPECT_LT(static_cast<std::uint64_t>(row.back()), std::uint64_t{1} << bits);
    }
  }
}

// The order in which tokens were made does not show: an array is the same whatever order its tokens are added in.
TEST(ArrayTest, ShuffledGenerationGivesTheSameArray) {
  const auto index = TestTokenizer(NgramForm(3, 60));
  const std::string text = "the quick brown fox jumps";
  const auto row = Numbers(index, text);
  std::vector<std::string> grams;
  for (std::size_t i = 0; i + 3 <= text.size(); ++i) grams.push_back(text.substr(i, 3));
  std::mt19937 random(3);
  for (int round = 0; round < 10; ++round) {
    std::shuffle(grams.begin(), grams.end(), random);
    std::set<std::int64_t> made;
    for (const std::string& gram : grams) {
      const auto search = index.Search(AsBytes(gram)).value();
      made.insert(search.alternatives[0].numbers.at(0));
    }
    std::vector<std::int64_t> sorted(made.begin(), made.end());
    EXPECT_TRUE(std::includes(row.begin(), row.end(), sorted.begin(), sorted.end()));
    EXPECT_EQ(sorted.size(), std::set<std::string>(grams.begin(), grams.end()).size());
  }
  // Tokens and pads do not stand apart either: neither is in front.
  const auto whole = index.Search(AsBytes(text), {true, true}).value().alternatives[0].numbers;
  EXPECT_LT(whole.front(), row.back());
  EXPECT_GT(whole.back(), row.front());
}

TEST(ArrayTest, WritingAgainGivesTheSameArrayAndAnotherValueOtherPads) {
  const auto index = TestTokenizer(NgramForm(3, 20));
  EXPECT_EQ(Numbers(index, "an"), Numbers(index, "an"));
  EXPECT_FALSE(Overlap(Numbers(index, "an"), Numbers(index, "bn"))) << "pads alone";
}

TEST(ArrayTest, MoreTokensThanTheCountAreRefusedNeverCut) {
  for (std::uint8_t count = 1; count < 12; ++count) {
    const auto index = TestTokenizer(NgramForm(3, count));
    for (std::size_t size = 3; size < 14; ++size) {
      const std::size_t tokens = size - 2 + 2;
      const auto stored = index.Stored(AsBytes(std::string("abcdefghijklmn").substr(0, size)));
      EXPECT_EQ(CodeOf(stored), tokens <= count ? "ok" : "invalid_argument") << int{count} << ", " << size;
    }
  }
}

TEST(RangeTokenTest, RowsAreFoundExactlyInsideTheRange) {
  for (std::uint8_t sparsity : std::initializer_list<std::uint8_t>{1, 2, 3}) {
    TokenForm form = RangeForm(OrderOfInt64(-20), OrderOfInt64(20), sparsity, 8);
    form.partitions = 2;
    const auto index = TestTokenizer(form);
    std::map<std::int64_t, std::vector<std::int64_t>> rows;
    for (std::int64_t value = -20; value <= 20; ++value) {
      FixedRandom::next = static_cast<std::byte>(value & 1);
      rows[value] = index.StoredRange(OrderOfInt64(value)).value().numbers;
      ASSERT_EQ(rows[value].size(), 8U);
    }
    for (std::int64_t low = -20; low <= 20; ++low) {
      for (std::int64_t high = low; high <= 20; ++high) {
        const SearchTokens search = index.SearchRange(OrderOfInt64(low), OrderOfInt64(high)).value();
        for (const auto& [value, row] : rows) ASSERT_EQ(Finds(search, row), low <= value && value <= high);
      }
    }
  }
  FixedRandom::next = std::byte{0};
}

TEST(RangeTokenTest, OutsideTheDomainIsRefusedNotClamped) {
  const auto index = TestTokenizer(RangeForm(100, 200, 1, 7));
  for (std::uint64_t order : {std::uint64_t{0}, std::uint64_t{99}, std::uint64_t{201}, ~std::uint64_t{0}}) {
    EXPECT_EQ(CodeOf(index.StoredRange(order)), "invalid_argument") << order;
    EXPECT_EQ(CodeOf(index.SearchRange(order, 150)), "invalid_argument") << order;
    EXPECT_EQ(CodeOf(index.SearchRange(150, order)), "invalid_argument") << order;
  }
  EXPECT_EQ(CodeOf(index.SearchRange(150, 149)), "invalid_argument");
  EXPECT_EQ(CodeOf(index.SearchRange(150, 150)), "ok");
}

TEST(RangeTokenTest, SearchOfTooManyTokensIsRefused) {
  TokenForm form = RangeForm(0, ~std::uint64_t{0}, 8, 8);
  form.partitions = 256;
  const auto index = TestTokenizer(form);
  EXPECT_EQ(CodeOf(index.SearchRange(0, 40)), "ok");
  EXPECT_EQ(CodeOf(index.SearchRange(0, 63)), "ok") << "64 leaves in 256 partitions";
  EXPECT_EQ(CodeOf(index.SearchRange(0, 64)), "invalid_argument");
  EXPECT_EQ(CodeOf(index.SearchRange(1, ~std::uint64_t{1})), "invalid_argument");
}

TEST(CompoundTokenTest, PartsAreNeverConfused) {
  const auto pack = [](std::vector<std::optional<ByteView>> values) { return PackCompound(values).value(); };
  const auto a = pack({AsBytes("ab"), AsBytes("c")});
  const auto b = pack({AsBytes("a"), AsBytes("bc")});
  const auto c = pack({AsBytes("c"), AsBytes("ab")});
  TokenForm form = EqualityForm();
  form.kind = IndexKind::kCompound;
  const auto index = TestTokenizer(form);
  std::set<std::int64_t> tokens;
  for (const auto* each : {&a, &b, &c}) {
    const ByteView packed = (*each)->Expose(SecretAccess::kTest);
    const auto stored = index.Stored(packed).value().numbers;
    EXPECT_TRUE(Finds(index.Search(packed).value(), stored));
    tokens.insert(stored.at(0));
  }
  EXPECT_EQ(tokens.size(), 3U);
}

TEST(CompoundTokenTest, OneNullMakesItNull) {
  const std::optional<ByteView> values[] = {AsBytes("ab"), std::nullopt, AsBytes("c")};
  EXPECT_FALSE(PackCompound(values).value().has_value());
}

TEST(CompoundTokenTest, PackRefusesOtherCountsAndLongValues) {
  for (std::size_t count : {0U, 1U, 17U, 100U}) {
    EXPECT_EQ(CodeOf(PackCompound(std::vector<std::optional<ByteView>>(count, AsBytes("a")))), "invalid_argument");
  }
  const Bytes longest(65536);
  const Bytes too_long(65537);
  EXPECT_EQ(CodeOf(PackCompound(std::vector<std::optional<ByteView>>(16, longest))), "ok");
  EXPECT_EQ(CodeOf(PackCompound(std::vector<std::optional<ByteView>>(2, too_long))), "invalid_argument");
}

TEST(CompoundTokenTest, ValueThatIsNotPackedIsOurDefect) {
  TokenForm form = EqualityForm();
  form.kind = IndexKind::kCompound;
  const auto index = TestTokenizer(form);
  for (std::string_view bad : {"", "00", "00000000", "0000000161", "000000016100000001", "ffffffff61"}) {
    EXPECT_EQ(CodeOf(index.Stored(Hex(bad))), "internal") << bad;
    EXPECT_EQ(CodeOf(index.Search(Hex(bad))), "internal") << bad;
  }
  EXPECT_EQ(CodeOf(index.Stored(Hex("0000000000000000"))), "ok");
  EXPECT_EQ(CodeOf(index.Search(Hex("0000000000000000"))), "invalid_argument") << "all values are empty";
  EXPECT_EQ(CodeOf(index.Search(Hex("000000000000000161"))), "ok");
}

TEST(IndexTokenizerTest, KindsAreNotMixed) {
  const auto range = TestTokenizer(RangeForm(0, 9, 1, 4));
  EXPECT_EQ(CodeOf(range.Stored(AsBytes("5"))), "internal");
  EXPECT_EQ(CodeOf(range.Search(AsBytes("5"))), "internal");
  const auto equality = TestTokenizer(EqualityForm());
  EXPECT_EQ(CodeOf(equality.StoredRange(5)), "internal");
  EXPECT_EQ(CodeOf(equality.SearchRange(5, 6)), "internal");
  EXPECT_EQ(CodeOf(equality.Search(AsBytes("a"), {true, true})), "invalid_argument");
}

TEST(IndexTokenizerTest, RefusesBadKeysAndForms) {
  for (std::size_t size : {0U, 16U, 31U, 33U, 64U}) {
    EXPECT_EQ(CodeOf(IndexTokenizer::Create(SecretBytes(size), {}, {}, EqualityForm())), "invalid_argument") << size;
  }
  EXPECT_EQ(CodeOf(IndexTokenizer::Create(SecretBytes(32), {}, {}, TokenForm{})), "invalid_argument");
}

TEST(IndexTokenizerTest, RefusesTextThatIsNotUtf8AndLongValues) {
  for (const TokenForm& form : {PrefixForm({1}, 2), NgramForm(2, 40)}) {
    const auto index = TestTokenizer(form);
    for (std::string_view bad : {"\xff", "a\xc0\x80", "\xe4\xb8", "\xed\xa0\x80", "abc\x80"}) {
      EXPECT_EQ(CodeOf(index.Stored(AsBytes(bad))), "invalid_argument");
      EXPECT_EQ(CodeOf(index.Search(AsBytes(bad))), "invalid_argument");
    }
  }
  for (const TokenForm& form : {EqualityForm(), PrefixForm({1}, 2), NgramForm(2, 4)}) {
    const auto index = TestTokenizer(form);
    EXPECT_EQ(CodeOf(index.Stored(AsBytes(std::string(65536, 'a')))), "ok");
    EXPECT_EQ(CodeOf(index.Stored(AsBytes(std::string(65537, 'a')))), "invalid_argument");
    EXPECT_EQ(CodeOf(index.Search(AsBytes(std::string(65537, 'a')))), "invalid_argument");
  }
}

TEST(IndexTokenizerTest, ThreadsShareOne) {
  const auto index = TestTokenizer(NgramForm(3, 40));
  const auto expected = Numbers(index, "anna@example.org");
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (int& count : wrong) {
    threads.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        if (Numbers(index, "anna@example.org") != expected) ++count;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

}  // namespace
}  // namespace coffer
