// JWS verification, against the RFCs' examples and signatures that OpenSSL makes.
#include "crypto/jws_key.h"

#include <thread>

#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "tests/crypto/vectors.h"
#include "tests/support/jws_signer.h"

namespace coffer {
namespace {

Bytes Decoded(std::string_view base64url) { return FromBase64Url(base64url).value(); }

// RFC 7515 A.2.
constexpr char kRsaN[] =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-"
    "pCgNMs"
    "D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"
    "UTo7WTBEMa2R2CapHg665xsmtdV"
    "MTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
constexpr char kRsaSignature[] =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
    "O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZ"
    "cAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--"
    "xi12jzDwusC-e"
    "OkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
constexpr char kRsaMessage[] =
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ";
// RFC 7515 A.3.
constexpr char kP256X[] = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
constexpr char kP256Y[] = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
constexpr char kP256Signature[] =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
constexpr char kP256Message[] =
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ";
// RFC 8037 A.4 and A.5.
constexpr char kEdX[] = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
constexpr char kEdSignature[] =
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
constexpr char kEdMessage[] = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";

// SEC 2: the order of P-256, and the prime of its field.
constexpr char kOrder[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
constexpr char kPrime[] = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";

JwsPublicKey RfcRsaKey() { return JwsPublicKey::FromRsa(Decoded(kRsaN), Hex("010001")).value(); }
JwsPublicKey RfcP256Key() { return JwsPublicKey::FromP256(Decoded(kP256X), Decoded(kP256Y)).value(); }
JwsPublicKey RfcEdKey() { return JwsPublicKey::FromEd25519(Decoded(kEdX)).value(); }

struct Example {
  const char* name;
  JwsPublicKey key;
  JwsAlgorithm algorithm;
  Bytes message;
  Bytes signature;
};

std::vector<Example> RfcExamples() {
  const auto bytes = [](std::string_view text) { return CopyOf(AsBytes(text)); };
  return {{"RS256", RfcRsaKey(), JwsAlgorithm::kRs256, bytes(kRsaMessage), Decoded(kRsaSignature)},
          {"ES256", RfcP256Key(), JwsAlgorithm::kEs256, bytes(kP256Message), Decoded(kP256Signature)},
          {"EdDSA", RfcEdKey(), JwsAlgorithm::kEdDsa, bytes(kEdMessage), Decoded(kEdSignature)}};
}

std::vector<JwsSigner> Signers() { return {JwsSigner::Rsa(), JwsSigner::P256(), JwsSigner::Ed25519()}; }

Bytes Joined(ByteView a, ByteView b) {
  Bytes both = CopyOf(a);
  Append(both, b);
  return both;
}

// `a` - `b` of 32 bytes each, both big-endian.
Bytes Difference(ByteView a, ByteView b) {
  Bytes out(32);
  int borrow = 0;
  for (std::size_t i = 32; i-- > 0;) {
    const int digit = std::to_integer<int>(a[i]) - std::to_integer<int>(b[i]) - borrow;
    borrow = digit < 0 ? 1 : 0;
    out[i] = static_cast<std::byte>(digit & 0xff);
  }
  return out;
}

TEST(JwsKeyTest, ExamplesOfTheRfcsVerify) {
  for (const Example& c : RfcExamples()) {
    EXPECT_TRUE(c.key.Verify(c.message, c.signature)) << c.name;
    EXPECT_EQ(c.key.algorithm(), c.algorithm) << c.name;
    EXPECT_EQ(JwsAlgorithmName(c.algorithm), c.name);
    EXPECT_EQ(ParseJwsAlgorithm(c.name), c.algorithm);
  }
}

TEST(JwsKeyTest, NoOtherAlgorithmHasAName) {
  for (const char* const name : {"", "none", "None", "HS256", "RS384", "RS512", "PS256", "ES384", "ES256K", "es256",
                                 "Ed25519", "ES256 ", "RSA1_5"}) {
    EXPECT_FALSE(ParseJwsAlgorithm(name)) << name;
  }
}

TEST(JwsKeyTest, FlippedBitsAreRefused) {
  for (const Example& c : RfcExamples()) {
    for (std::size_t i = 0; i < c.signature.size(); i += 3) {
      Bytes forged = c.signature;
      forged[i] ^= std::byte{0x10};
      EXPECT_FALSE(c.key.Verify(c.message, forged)) << c.name << " byte " << i;
    }
    for (std::size_t i = 0; i < c.message.size(); i += 11) {
      Bytes other = c.message;
      other[i] ^= std::byte{1};
      EXPECT_FALSE(c.key.Verify(other, c.signature)) << c.name << " byte " << i;
    }
  }
}

TEST(JwsKeyTest, SignaturesOfAnotherSizeAreRefused) {
  for (const Example& c : RfcExamples()) {
    const ByteView whole(c.signature);
    const Bytes zero(1);
    EXPECT_FALSE(c.key.Verify(c.message, ByteView())) << c.name;
    EXPECT_FALSE(c.key.Verify(c.message, whole.first(1))) << c.name;
    EXPECT_FALSE(c.key.Verify(c.message, whole.first(whole.size() / 2))) << c.name;
    EXPECT_FALSE(c.key.Verify(c.message, whole.first(whole.size() - 1))) << c.name;
    EXPECT_FALSE(c.key.Verify(c.message, Joined(whole, zero))) << c.name;
    EXPECT_FALSE(c.key.Verify(c.message, Joined(zero, whole))) << c.name;
    EXPECT_FALSE(c.key.Verify(c.message, Joined(whole, whole))) << c.name;
    EXPECT_FALSE(c.key.Verify(c.message, Bytes(whole.size()))) << c.name << " all zero";
    EXPECT_FALSE(c.key.Verify(c.message, Bytes(whole.size(), std::byte{0xff}))) << c.name << " all ones";
  }
}

TEST(JwsKeyTest, EachKeyTakesItsOwnSignaturesOnly) {
  const std::vector<JwsSigner> signers = Signers();
  for (const JwsSigner& signer : signers) {
    for (const std::string_view message : {"", "m", "a.b"}) {
      const Bytes signature = signer.Sign(message);
      for (const JwsSigner& verifier : signers) {
        EXPECT_EQ(verifier.PublicKey().Verify(AsBytes(message), signature), &signer == &verifier)
            << signer.algorithm() << " by " << verifier.algorithm();
      }
    }
  }
  EXPECT_FALSE(JwsSigner::P256().PublicKey().Verify(AsBytes("m"), signers[1].Sign("m"))) << "another key of the type";
  EXPECT_FALSE(JwsSigner::Rsa().PublicKey().Verify(AsBytes("m"), signers[0].Sign("m"))) << "another key of the type";
  EXPECT_TRUE(signers[0].PublicKey().Verify(ByteView(), signers[0].Sign(""))) << "a null pointer for nothing";
}

TEST(JwsKeyTest, EcdsaInDerIsRefused) {
  const JwsSigner signer = JwsSigner::P256();
  const JwsPublicKey key = signer.PublicKey();
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(key.Verify(AsBytes("m"), signer.SignPlainly("m")));
}

TEST(JwsKeyTest, EcdsaNumbersOutsideTheirRangeAreRefused) {
  const JwsPublicKey key = RfcP256Key();
  const ByteView message = AsBytes(kP256Message);
  const Bytes signature = Decoded(kP256Signature);
  const ByteView r = ByteView(signature).first(32);
  const ByteView s = ByteView(signature).last(32);
  const Bytes zero(32);
  const Bytes order = Hex(kOrder);
  const Bytes largest(32, std::byte{0xff});
  Bytes one(32);
  one.back() = std::byte{1};
  const std::pair<ByteView, ByteView> pairs[] = {{zero, zero},  {r, zero},      {zero, s},    {order, s},
                                                 {r, order},    {order, order}, {largest, s}, {r, largest},
                                                 {zero, order}, {s, r},         {one, one},   {one, s}};
  for (const auto& [first, second] : pairs) {
    EXPECT_FALSE(key.Verify(message, Joined(first, second))) << ToHex(first) << " " << ToHex(second);
  }
}

// The one key under which `message` has a signature with the s that is wanted: d = (s k - hash) / r for some k.
struct ChosenSignature {
  JwsPublicKey key;
  Bytes r;
};
ChosenSignature SignatureWith(unsigned s, std::string_view message) {
  using Number = internal::Owned<BIGNUM, BN_free>;
  using Point = internal::Owned<EC_POINT, EC_POINT_free>;
  const internal::Owned<EC_GROUP, EC_GROUP_free> group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  const internal::Owned<BN_CTX, BN_CTX_free> context(BN_CTX_new());
  const BIGNUM* const order = EC_GROUP_get0_order(group.get());
  const Digest hash = Sha256({AsBytes(message)});
  const Number h(BN_bin2bn(AsUnsigned(ByteView(hash)), 32, nullptr));
  const Number k(BN_bin2bn(AsUnsigned(ByteView(hash)), 31, nullptr));
  const Number r(BN_new());
  const Number x(BN_new());
  const Number y(BN_new());
  const Number d(BN_dup(k.get()));
  const Point point(EC_POINT_new(group.get()));
  const auto multiply = [&](const BIGNUM* scalar) {
    COFFER_CHECK(EC_POINT_mul(group.get(), point.get(), scalar, nullptr, nullptr, context.get()) == 1);
    COFFER_CHECK(EC_POINT_get_affine_coordinates(group.get(), point.get(), x.get(), y.get(), context.get()) == 1);
  };
  multiply(k.get());
  COFFER_CHECK(BN_nnmod(r.get(), x.get(), order, context.get()) == 1);
  const Number inverse(BN_mod_inverse(nullptr, r.get(), order, context.get()));
  COFFER_CHECK(BN_mul_word(d.get(), s) == 1);
  COFFER_CHECK(BN_mod_sub(d.get(), d.get(), h.get(), order, context.get()) == 1);
  COFFER_CHECK(BN_mod_mul(d.get(), d.get(), inverse.get(), order, context.get()) == 1);
  multiply(d.get());
  const auto bytes = [](const BIGNUM* number) {
    Bytes out(32);
    COFFER_CHECK(BN_bn2binpad(number, AsUnsigned(MutableBytes(out)), 32) == 32);
    return out;
  };
  return {JwsPublicKey::FromP256(bytes(x.get()), bytes(y.get())).value(), bytes(r.get())};
}

// A number below 2^256 - n has a second spelling in 32 bytes: itself plus n.
TEST(JwsKeyTest, EcdsaNumbersThatWereNotReducedAreRefused) {
  const ChosenSignature chosen = SignatureWith(5, "m");
  Bytes five(32);
  five.back() = std::byte{5};
  Bytes order_and_five = Hex(kOrder);
  order_and_five.back() = std::byte{0x56};
  EXPECT_EQ(Difference(order_and_five, Hex(kOrder)), five);
  EXPECT_TRUE(chosen.key.Verify(AsBytes("m"), Joined(chosen.r, five)));
  EXPECT_FALSE(chosen.key.Verify(AsBytes("m"), Joined(chosen.r, order_and_five)));
}

TEST(JwsKeyTest, TheSecondSignatureOfEcdsaVerifiesAsTheHeaderSays) {
  const Bytes signature = Decoded(kP256Signature);
  const Bytes other = Difference(Hex(kOrder), ByteView(signature).last(32));
  EXPECT_TRUE(RfcP256Key().Verify(AsBytes(kP256Message), Joined(ByteView(signature).first(32), other)));
}

TEST(JwsKeyTest, RsaTakesNoOtherHashOrPadding) {
  const internal::Owned<EVP_PKEY, EVP_PKEY_free> pair(EVP_RSA_gen(2048));
  const auto number = [&pair](const char* name) {
    BIGNUM* read = nullptr;
    COFFER_CHECK(EVP_PKEY_get_bn_param(pair.get(), name, &read) == 1);
    const internal::Owned<BIGNUM, BN_free> owner(read);
    Bytes bytes(static_cast<std::size_t>(BN_num_bytes(read)));
    BN_bn2bin(read, AsUnsigned(MutableBytes(bytes)));
    return bytes;
  };
  const JwsPublicKey key = JwsPublicKey::FromRsa(number("n"), number("e")).value();
  const auto sign = [&pair](const EVP_MD* hash, int padding) {
    const internal::Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* settings = nullptr;
    COFFER_CHECK(EVP_DigestSignInit(context.get(), &settings, hash, nullptr, pair.get()) == 1);
    COFFER_CHECK(EVP_PKEY_CTX_set_rsa_padding(settings, padding) == 1);
    Bytes signature(256);
    std::size_t size = signature.size();
    const ByteView message = AsBytes("m");
    COFFER_CHECK(EVP_DigestSign(context.get(), AsUnsigned(MutableBytes(signature)), &size, AsUnsigned(message), 1) ==
                 1);
    return signature;
  };
  EXPECT_TRUE(key.Verify(AsBytes("m"), sign(EVP_sha256(), RSA_PKCS1_PADDING)));
  EXPECT_FALSE(key.Verify(AsBytes("m"), sign(EVP_sha1(), RSA_PKCS1_PADDING)));
  EXPECT_FALSE(key.Verify(AsBytes("m"), sign(EVP_sha512(), RSA_PKCS1_PADDING)));
  EXPECT_FALSE(key.Verify(AsBytes("m"), sign(EVP_sha256(), RSA_PKCS1_PSS_PADDING)));
}

// 1, n and n - 1 come out of the exponentiation as 1, 0 and n - 1, whatever the key.
TEST(JwsKeyTest, RsaSignaturesThatNeedNoKeyAreRefused) {
  const Bytes n = Decoded(kRsaN);
  Bytes one(n.size());
  one.back() = std::byte{1};
  Bytes less_one = n;
  less_one.back() ^= std::byte{1};
  for (const Bytes& signature : {one, n, less_one}) EXPECT_FALSE(RfcRsaKey().Verify(AsBytes("m"), signature));
}

template <typename Key>
void ExpectRefused(const Result<Key>& key, std::string_view sentence, const std::string& what) {
  ASSERT_FALSE(key.ok()) << what;
  EXPECT_EQ(key.error().code(), ErrorCode::kInvalidArgument) << what;
  EXPECT_EQ(key.error().message(), sentence) << what;
}

TEST(JwsKeyTest, RsaModulusHas2048To8192Bits) {
  const Bytes e = Hex("010001");
  constexpr std::string_view kBits = "an RSA modulus has 2048 to 8192 bits";
  ExpectRefused(JwsPublicKey::FromRsa(JwsSigner::Rsa(1024).n(), e), kBits, "1024");
  ExpectRefused(JwsPublicKey::FromRsa(JwsSigner::Rsa(2040).n(), e), kBits, "2040");
  Bytes short_by_one = Decoded(kRsaN);  // 2047 bits
  short_by_one.front() = std::byte{0x7f};
  ExpectRefused(JwsPublicKey::FromRsa(short_by_one, e), kBits, "2047");
  ExpectRefused(JwsPublicKey::FromRsa(Bytes(1025, std::byte{0xff}), e), kBits, "8200");
  ExpectRefused(JwsPublicKey::FromRsa(Bytes(60'000, std::byte{0xff}), e), kBits, "far too long");
  const JwsSigner larger = JwsSigner::Rsa(3072);
  EXPECT_TRUE(larger.PublicKey().Verify(AsBytes("m"), larger.Sign("m")));
  // 8192 bits, without the time that a key of ours would take.
  const internal::Owned<BIGNUM, BN_free> p(BN_get_rfc3526_prime_6144(nullptr));
  const internal::Owned<BIGNUM, BN_free> q(BN_get_rfc3526_prime_2048(nullptr));
  const internal::Owned<BN_CTX, BN_CTX_free> context(BN_CTX_new());
  ASSERT_EQ(BN_mul(p.get(), p.get(), q.get(), context.get()), 1);
  Bytes largest(1024);
  ASSERT_EQ(BN_bn2bin(p.get(), AsUnsigned(MutableBytes(largest))), 1024);
  EXPECT_TRUE(JwsPublicKey::FromRsa(largest, e).ok());
}

TEST(JwsKeyTest, RsaNumbersAreCheckedFirst) {
  constexpr std::string_view kZeros = "an RSA key's n and e are numbers without leading zero bytes";
  constexpr std::string_view kOdd = "an RSA exponent is odd and at least 3";
  constexpr std::string_view kProduct = "an RSA modulus is the product of two large primes, and this one is not";
  const Bytes n = Decoded(kRsaN);
  Bytes even = n;
  even.back() &= std::byte{0xfe};
  Bytes by_three = n;  // 3 divides 2^2048 - 1
  std::fill(by_three.begin(), by_three.end(), std::byte{0xff});
  const struct {
    const char* name;
    Bytes n;
    Bytes e;
    std::string_view sentence;
  } cases[] = {
      {"no n", {}, Hex("010001"), kZeros},
      {"no e", n, {}, kZeros},
      {"n with a zero in front", Joined(Bytes(1), n), Hex("010001"), kZeros},
      {"e with a zero in front", n, Hex("00010001"), kZeros},
      {"e is 0", n, Hex("00"), kZeros},
      {"e is 1", n, Hex("01"), kOdd},
      {"e is 2", n, Hex("02"), kOdd},
      {"e is even", n, Hex("010002"), kOdd},
      {"e has 65 bits", n, Hex("010000000000000001"), "an RSA exponent has at most 64 bits"},
      {"n is even", even, Hex("010001"), kProduct},
      {"n has a small factor", by_three, Hex("010001"), kProduct},
  };
  for (const auto& c : cases) ExpectRefused(JwsPublicKey::FromRsa(c.n, c.e), c.sentence, c.name);
  EXPECT_TRUE(JwsPublicKey::FromRsa(n, Hex("03")).ok());
  EXPECT_TRUE(JwsPublicKey::FromRsa(n, Hex("8000000000000001")).ok());
}

TEST(JwsKeyTest, APrimeIsNoRsaModulus) {
  // RFC 3526's 2048-bit MODP group.
  const internal::Owned<BIGNUM, BN_free> prime(BN_get_rfc3526_prime_2048(nullptr));
  Bytes n(256);
  ASSERT_EQ(BN_bn2bin(prime.get(), AsUnsigned(MutableBytes(n))), 256);
  ExpectRefused(JwsPublicKey::FromRsa(n, Hex("010001")),
                "an RSA modulus is the product of two large primes, and this one is not", "prime");
}

TEST(JwsKeyTest, P256PointsMustLieOnTheCurve) {
  constexpr std::string_view kSize = "a P-256 key's x and y have 32 bytes each";
  constexpr std::string_view kNoPoint = "a P-256 key's x and y are no point on the curve";
  const Bytes x = Decoded(kP256X);
  const Bytes y = Decoded(kP256Y);
  Bytes other_y = y;
  other_y.back() ^= std::byte{1};
  const Bytes zero(32);
  const Bytes prime = Hex(kPrime);
  // x = 0 is on the curve with y = sqrt(b); x = p is the same point, spelled past the field's end.
  const Bytes root_of_b = Hex("66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4");
  EXPECT_TRUE(JwsPublicKey::FromP256(zero, root_of_b).ok());
  EXPECT_TRUE(JwsPublicKey::FromP256(x, Difference(prime, y)).ok()) << "the point's negative";
  const struct {
    const char* name;
    Bytes x;
    Bytes y;
    std::string_view sentence;
  } cases[] = {
      {"nothing", {}, {}, kSize},
      {"short x", Bytes(x.begin() + 1, x.end()), y, kSize},
      {"long x", Joined(Bytes(1), x), y, kSize},
      {"short y", x, Bytes(y.begin(), y.end() - 1), kSize},
      {"long y", x, Joined(Bytes(1), y), kSize},
      {"swapped", y, x, kNoPoint},
      {"off by a bit", x, other_y, kNoPoint},
      {"zero", zero, zero, kNoPoint},
      {"x not reduced", prime, root_of_b, kNoPoint},
      {"largest", Bytes(32, std::byte{0xff}), Bytes(32, std::byte{0xff}), kNoPoint},
  };
  for (const auto& c : cases) ExpectRefused(JwsPublicKey::FromP256(c.x, c.y), c.sentence, c.name);
}

TEST(JwsKeyTest, Ed25519KeysAreCheckedAsElsewhere) {
  ExpectRefused(JwsPublicKey::FromEd25519(Bytes(31)), "an Ed25519 public key is 32 bytes", "short");
  Bytes neutral(32);
  neutral.front() = std::byte{1};
  ExpectRefused(JwsPublicKey::FromEd25519(neutral), "these 32 bytes are no Ed25519 public key", "low order");
}

TEST(JwsKeyTest, ThreadsShareAKey) {
  const std::vector<Example> examples = RfcExamples();
  std::vector<int> verified(4);
  std::vector<std::thread> threads;
  for (int& count : verified) {
    threads.emplace_back([&examples, &count] {
      for (int i = 0; i < 20; ++i) {
        for (const Example& c : examples) count += JwsPublicKey(c.key).Verify(c.message, c.signature) ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : verified) EXPECT_EQ(count, 60);
}

}  // namespace
}  // namespace coffer
