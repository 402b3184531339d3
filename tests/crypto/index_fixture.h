// Index tokenizers for the tests: from a vector's fields, or one with a key of their own.
#pragma once

#include "crypto/index_token.h"
#include "tests/crypto/vectors.h"

namespace coffer {

// A random source that always draws `next`, which is then the partition.
struct FixedRandom {
  static inline std::byte next{0};
  static void Fill(MutableBytes out) { std::fill(out.begin(), out.end(), next); }
};

inline TokenForm FormOf(const Json& written) {
  static const std::map<std::string, IndexKind> kKinds = {{"equality", IndexKind::kEquality},
                                                          {"prefix", IndexKind::kPrefix},
                                                          {"ngram", IndexKind::kNgram},
                                                          {"range", IndexKind::kRange},
                                                          {"compound", IndexKind::kCompound}};
  static const std::map<std::string, TokenColumn> kColumns = {
      {"int4", TokenColumn::kInt4}, {"int8", TokenColumn::kInt8}, {"bytea", TokenColumn::kBytea}};
  TokenForm form;
  form.profile = written.at("profile").get<std::uint32_t>();
  form.kind = kKinds.at(written.at("kind").get<std::string>());
  form.column = kColumns.at(written.at("column").get<std::string>());
  form.bits = written.at("bits").get<std::uint16_t>();
  form.partitions = written.at("partitions").get<std::uint16_t>();
  form.count = written.value<std::uint8_t>("count", 0);
  form.lengths = written.value<std::vector<std::uint8_t>>("lengths", {});
  form.n = written.value<std::uint8_t>("n", 0);
  if (written.contains("sparsity")) {
    form.domain = RangeDomain{U64Of(written.at("min")), U64Of(written.at("max")), written.at("sparsity")};
  }
  if (written.contains("slow")) form.slow = SlowCost{written.at("slow")[0], written.at("slow")[1]};
  return form;
}

inline Result<IndexTokenizer> TokenizerOf(const Json& c) {
  return IndexTokenizer::Create(SecretOf(HexOf(c.at("key"))), UuidOfHex<TenantUuid>(c.at("tenant")),
                                UuidOfHex<IndexDomainUuid>(c.at("domain")), FormOf(c.at("form")), FixedRandom::Fill);
}

inline IndexTokenizer TestTokenizer(const TokenForm& form) {
  return IndexTokenizer::Create(SecretOf(Bytes(32, std::byte{0x77})), TestUuid<TenantUuid>(1),
                                TestUuid<IndexDomainUuid>(2), form, FixedRandom::Fill)
      .value();
}

// Forms to start from.
inline TokenForm EqualityForm(TokenColumn column = TokenColumn::kInt8, std::uint16_t bits = 63) {
  TokenForm form;
  form.profile = 1;
  form.column = column;
  form.bits = bits;
  return form;
}
inline TokenForm PrefixForm(std::vector<std::uint8_t> lengths, std::uint8_t count) {
  TokenForm form = EqualityForm();
  form.kind = IndexKind::kPrefix;
  form.lengths = std::move(lengths);
  form.count = count;
  return form;
}
inline TokenForm NgramForm(std::uint8_t n, std::uint8_t count) {
  TokenForm form = EqualityForm();
  form.kind = IndexKind::kNgram;
  form.n = n;
  form.count = count;
  return form;
}
inline TokenForm RangeForm(std::uint64_t min, std::uint64_t max, std::uint8_t sparsity, std::uint8_t count) {
  TokenForm form = EqualityForm();
  form.kind = IndexKind::kRange;
  form.domain = RangeDomain{min, max, sparsity};
  form.count = count;
  return form;
}

inline std::string CodeOf(const Status& status) {
  return status.ok() ? "ok" : std::string(ErrorCodeName(status.error().code()));
}
template <typename T>
std::string CodeOf(const Result<T>& result) {
  return result.ok() ? "ok" : std::string(ErrorCodeName(result.error().code()));
}

}  // namespace coffer
