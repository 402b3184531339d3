// tokens: what a row stores for one index, made in this process, beside a bare HMAC-SHA256 in the same run. JSON on
// stdout.
#include <iostream>

#include <openssl/evp.h>
#include <sodium.h>

#include "bench/rounds.h"
#include "crypto/index_token.h"

namespace coffer::bench {
namespace {

constexpr char kEmail[] = "jane.doe.from.accounting@mail.example.org";  // 41 characters

// What one does without this library: OpenSSL's HMAC with a cached key, over as many bytes as a token's input has.
class BareHmac {
 public:
  BareHmac() { EVP_MAC_init(context_, kKey, sizeof(kKey), Parameters()); }
  ~BareHmac() {
    EVP_MAC_CTX_free(context_);
    EVP_MAC_free(mac_);
  }
  BareHmac(const BareHmac&) = delete;
  BareHmac& operator=(const BareHmac&) = delete;

  void Make(ByteView input) {
    std::size_t size = 0;
    EVP_MAC_init(context_, nullptr, 0, nullptr);
    EVP_MAC_update(context_, AsUnsigned(input), input.size());
    EVP_MAC_final(context_, out_, &size, sizeof(out_));
  }

 private:
  static constexpr unsigned char kKey[32] = {1};
  static const OSSL_PARAM* Parameters() {
    static char digest[] = "SHA256";
    static const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                            OSSL_PARAM_construct_end()};
    return parameters;
  }

  EVP_MAC* mac_ = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  EVP_MAC_CTX* context_ = EVP_MAC_CTX_new(mac_);
  unsigned char out_[32] = {};
};

struct Shape {
  const char* name;
  TokenForm form;
};

std::vector<Shape> Shapes() {
  const auto range = [](std::uint64_t max, std::uint8_t count) {
    return TokenForm{.profile = 1,
                     .kind = IndexKind::kRange,
                     .bits = 40,
                     .count = count,
                     .lengths = {},
                     .domain = RangeDomain{.min = 0, .max = max, .sparsity = 1},
                     .slow = {}};
  };
  const auto plain = [](IndexKind kind, std::uint16_t bits, std::uint8_t count) {
    return TokenForm{.profile = 1, .kind = kind, .bits = bits, .count = count, .lengths = {}, .domain = {}, .slow = {}};
  };
  TokenForm unique = plain(IndexKind::kEquality, 128, 0);
  unique.column = TokenColumn::kBytea;
  TokenForm prefix = plain(IndexKind::kPrefix, 40, 3);
  prefix.lengths = {3, 5, 8};
  TokenForm ngram = plain(IndexKind::kNgram, 40, 48);
  ngram.n = 3;
  TokenForm slow = plain(IndexKind::kEquality, 63, 0);
  slow.slow = SlowCost{};
  return {{"equality", plain(IndexKind::kEquality, 20, 0)},
          {"equality_unique_128", unique},
          {"compound_of_2", plain(IndexKind::kCompound, 40, 0)},
          {"prefix_3", prefix},
          {"ngram_48", ngram},
          {"range_16_bits", range(0xFFFF, 17)},
          {"range_64_bits", range(~std::uint64_t{0}, 65)},
          {"equality_slow_8_mib", slow}};
}

Contestant Store(const Shape& shape) {
  const auto tokenizer = std::make_shared<IndexTokenizer>(
      IndexTokenizer::Create(RandomSecret(32), TenantUuid{}, IndexDomainUuid{}, shape.form).value());
  if (shape.form.kind == IndexKind::kRange) {
    return {shape.name, [tokenizer] {
              if (!tokenizer->StoredRange(12345).ok()) std::abort();
            }};
  }
  if (shape.form.kind == IndexKind::kCompound) {
    return {shape.name, [tokenizer] {
              const std::optional<ByteView> parts[] = {AsBytes(kEmail), AsBytes("Graz")};
              const auto packed = PackCompound(parts);
              if (!packed.ok() || !tokenizer->Stored((*packed)->Expose(SecretAccess::kTest)).ok()) std::abort();
            }};
  }
  return {shape.name, [tokenizer] {
            if (!tokenizer->Stored(AsBytes(kEmail)).ok()) std::abort();
          }};
}

std::size_t TokensAValue(const TokenForm& form) { return form.IsArray() ? form.count : 1; }

nlohmann::json Measure() {
  const auto bare = std::make_shared<BareHmac>();
  std::vector<Contestant> contestants;
  contestants.push_back(
      {"openssl_hmac_cached_key", [bare, input = Bytes(11 + sizeof(kEmail) - 1)] { bare->Make(input); }});
  for (const Shape& shape : Shapes()) contestants.push_back(Store(shape));
  nlohmann::json report = RunRounds(contestants);
  for (const Shape& shape : Shapes()) {
    report[shape.name]["tokens_a_value"] = TokensAValue(shape.form);
    report[shape.name]["bytes_a_value"] = shape.form.RowBytes();
  }
  return report;
}

}  // namespace
}  // namespace coffer::bench

int main() {
  if (sodium_init() < 0) return 1;
  std::cout << coffer::bench::Measure().dump(2) << "\n";
  return 0;
}
