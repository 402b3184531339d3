// One ciphertext that authenticates under two keys: GCM is not committing (Dodis et al. 2018, "invisible salamanders"),
// so suite 1 decrypts it under both, and suite 2's commitment refuses the second.
//
// GHASH is linear in each block. With all blocks of a ciphertext fixed but one, the two tags are equal for exactly one
// value of that block: C = (R1 ^ R2 ^ S1 ^ S2) / (H1^k ^ H2^k), where R are the GHASHes of the rest, S the masks, k the
// block's distance from the end.
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "crypto/internal/openssl.h"
#include "crypto/internal/xaes.h"
#include "tests/crypto/field_fixture.h"

namespace coffer {
namespace {

using Block = std::array<std::byte, 16>;

Block operator^(const Block& a, const Block& b) {
  Block out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = a[i] ^ b[i];
  return out;
}

// Multiplication in GF(2^128) as GCM orders its bits (NIST SP 800-38D section 6.3).
Block Times(const Block& x, Block v) {
  Block z{};
  for (std::size_t bit = 0; bit < 128; ++bit) {
    if ((x[bit / 8] >> (7 - bit % 8) & std::byte{1}) != std::byte{0}) z = z ^ v;
    const bool carry = (v[15] & std::byte{1}) != std::byte{0};
    for (std::size_t i = 15; i > 0; --i) v[i] = v[i] >> 1 | v[i - 1] << 7;
    v[0] >>= 1;
    if (carry) v[0] ^= std::byte{0xE1};
  }
  return z;
}

// x^(2^128 - 2), which is 1 / x.
Block Inverse(Block x) {
  Block result{};
  result[0] = std::byte{0x80};  // one
  for (int i = 0; i < 127; ++i) {
    x = Times(x, x);
    result = Times(result, x);
  }
  return result;
}

Block AesBlock(ByteView key, const Block& in) {
  const internal::Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free> context(EVP_CIPHER_CTX_new());
  Block out{};
  int size = 0;
  EXPECT_EQ(EVP_EncryptInit_ex(context.get(), EVP_aes_256_ecb(), nullptr, AsUnsigned(key), nullptr), 1);
  EXPECT_EQ(EVP_EncryptUpdate(context.get(), AsUnsigned(MutableBytes(out)), &size, AsUnsigned(ByteView(in)), 16), 1);
  return out;
}

// XAES's message key, from the specification and not from the code under test.
Bytes MessageKey(ByteView key, ByteView nonce) {
  Block k1 = AesBlock(key, {});
  const bool carry = (k1[0] & std::byte{0x80}) != std::byte{0};
  for (std::size_t i = 0; i < 15; ++i) k1[i] = k1[i] << 1 | k1[i + 1] >> 7;
  k1[15] <<= 1;
  if (carry) k1[15] ^= std::byte{0x87};
  Bytes out;
  for (unsigned i = 1; i <= 2; ++i) {
    Block m{std::byte{0}, static_cast<std::byte>(i), std::byte{0x58}};
    std::copy_n(nonce.begin(), 12, m.begin() + 4);
    Append(out, AesBlock(key, m ^ k1));
  }
  return out;
}

// The state of GHASH for one of the two keys.
struct Side {
  Block h{};
  Block mask{};

  Side(ByteView encryption_key, ByteView nonce) {
    const Bytes key = MessageKey(encryption_key, nonce);
    h = AesBlock(key, {});
    Block counter{};
    std::copy_n(nonce.begin() + 12, 12, counter.begin());
    counter[15] = std::byte{1};
    mask = AesBlock(key, counter);
  }
  Block Hash(ByteView ad, ByteView ciphertext) const {
    Block y{};
    for (ByteView part : {ad, ciphertext}) {
      for (std::size_t at = 0; at < part.size(); at += 16) {
        Block block{};
        const ByteView piece = part.subspan(at, std::min<std::size_t>(16, part.size() - at));
        std::copy(piece.begin(), piece.end(), block.begin());
        y = Times(y ^ block, h);
      }
    }
    Block lengths{};
    StoreU64(MutableBytes(lengths).first(8), ad.size() * 8);
    StoreU64(MutableBytes(lengths).last(8), ciphertext.size() * 8);
    return Times(y ^ lengths, h);
  }
};

struct Polyglot {
  FieldSetup first;
  FieldSetup second;
  Bytes ciphertext;  // with the first key's commitment where the suite has one
};

Bytes AssociatedDataOf(const FieldSetup& setup, ByteView header) {
  Bytes ad;
  Writer(ad).Raw("coffer/v1/aad").U8(0).Raw(header).Raw(setup.place.scope.view()).Raw(setup.place.tenant.view());
  Writer(ad).Raw(setup.place.field.view()).LengthPrefixed(setup.Row()).LengthPrefixed(ByteView());
  return ad;
}

Polyglot MakePolyglot(Suite suite) {
  Polyglot made;
  made.first.form = {suite, 0, true, false};
  made.second = made.first;
  made.second.data_key = Bytes(32, std::byte{0x22});
  const auto keys_of = [](const FieldSetup& s) {
    return DeriveFieldKeys(SecretOf(s.data_key), s.form.suite, s.place.tenant, s.place.field);
  };
  const FieldKeys first_keys = keys_of(made.first);
  const FieldKeys second_keys = keys_of(made.second);
  const Bytes nonce(24, std::byte{0x5A});
  Bytes header(10);
  FieldHeader{made.first.form.SecondByte(), made.first.id}.Write(header);
  const Bytes ad = AssociatedDataOf(made.first, header);

  const Side one(first_keys.encryption.Expose(SecretAccess::kTest), nonce);
  const Side two(second_keys.encryption.Expose(SecretAccess::kTest), nonce);
  Bytes content(32, std::byte{0x77});
  std::fill_n(content.begin() + 16, 16, std::byte{0});  // The last block is the free one: k = 2.
  const Block difference = one.Hash(ad, content) ^ two.Hash(ad, content) ^ one.mask ^ two.mask;
  const Block free = Times(difference, Inverse(Times(one.h, one.h) ^ Times(two.h, two.h)));
  std::copy(free.begin(), free.end(), content.begin() + 16);
  const Block tag = one.Hash(ad, content) ^ one.mask;
  EXPECT_EQ(tag, two.Hash(ad, content) ^ two.mask);

  Writer(made.ciphertext).Raw(header).Raw(nonce).Raw(content).Raw(tag);
  if (suite == Suite::kXaes256GcmCommitting) {
    Append(made.ciphertext, internal::Commitment(first_keys.commitment, nonce, ad, tag));
  }
  return made;
}

TEST(PolyglotTest, Suite1DecryptsUnderTwoKeys) {
  const Polyglot polyglot = MakePolyglot(Suite::kXaes256Gcm);
  const auto first = polyglot.first.Decrypt(polyglot.ciphertext);
  const auto second = polyglot.second.Decrypt(polyglot.ciphertext);
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(second.ok()) << "this is why suite 1 is not for secrets";
  EXPECT_NE(Revealed(*first), Revealed(*second));
}

TEST(PolyglotTest, Suite2DecryptsUnderOneKey) {
  const Polyglot polyglot = MakePolyglot(Suite::kXaes256GcmCommitting);
  EXPECT_TRUE(polyglot.first.Decrypt(polyglot.ciphertext).ok());
  EXPECT_EQ(AnswerOf(polyglot.second.Decrypt(polyglot.ciphertext)), OneError());
}

TEST(PolyglotTest, OnlyTheCommitmentRefusesIt) {
  const Polyglot polyglot = MakePolyglot(Suite::kXaes256GcmCommitting);
  const ByteView body = ByteView(polyglot.ciphertext).subspan(10);
  const FieldSetup& s = polyglot.second;
  const FieldKeys keys = DeriveFieldKeys(SecretOf(s.data_key), s.form.suite, s.place.tenant, s.place.field);
  const auto xaes = internal::XaesKey::Create(keys.encryption.Expose(SecretAccess::kTest)).value();
  const Bytes ad = AssociatedDataOf(s, ByteView(polyglot.ciphertext).first(10));
  Bytes out(32);
  EXPECT_TRUE(xaes.Decrypt(body.first(24), body.subspan(24, 32), body.subspan(56, 16), ad, out).value());
}

}  // namespace
}  // namespace coffer
