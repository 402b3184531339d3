// ES256 signatures: the RFC's key, and what its public half says of them.
#include "crypto/es256_key.h"

#include <thread>

#include <gtest/gtest.h>

namespace coffer {
namespace {

// RFC 7515 A.3.
constexpr char kD[] = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";
constexpr char kX[] = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
constexpr char kY[] = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
constexpr char kSignature[] = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
constexpr std::string_view kMessage =
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ";
// SEC 2: the order of P-256.
constexpr char kOrder[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

SecretBytes Secret(const Bytes& bytes) { return SecretBytes::CopyOf(bytes); }
Es256PrivateKey RfcKey() { return Es256PrivateKey::FromScalar(Secret(FromBase64Url(kD).value())).value(); }

TEST(Es256KeyTest, TheRfcsPrivateKeyHasItsPublicKey) {
  const Es256PrivateKey key = RfcKey();
  const ByteView point(key.point());
  EXPECT_EQ(ToBase64Url(point.first(32)), kX);
  EXPECT_EQ(ToBase64Url(point.last(32)), kY);
  EXPECT_EQ(key.public_key().algorithm(), JwsAlgorithm::kEs256);
  EXPECT_TRUE(key.public_key().Verify(AsBytes(kMessage), FromBase64Url(kSignature).value()));
}

TEST(Es256KeyTest, WhatItSignsTheRfcsPublicKeyVerifies) {
  const JwsPublicKey rfc = JwsPublicKey::FromP256(FromBase64Url(kX).value(), FromBase64Url(kY).value()).value();
  const Es256PrivateKey key = RfcKey();
  // Often enough that an r or s with leading zero bytes is among them.
  for (int i = 0; i < 600; ++i) {
    const std::string message = "message " + std::to_string(i);
    const Es256PrivateKey::Signature signature = key.Sign(AsBytes(message));
    ASSERT_TRUE(rfc.Verify(AsBytes(message), signature)) << i;
    ASSERT_FALSE(rfc.Verify(AsBytes(message + "!"), signature)) << i;
  }
}

TEST(Es256KeyTest, AnotherKeysSignatureIsNotThisOnes) {
  const Es256PrivateKey one = Es256PrivateKey::Generate();
  const Es256PrivateKey other = Es256PrivateKey::Generate();
  EXPECT_NE(one.point(), other.point());
  EXPECT_FALSE(one.public_key().Verify(AsBytes(kMessage), other.Sign(AsBytes(kMessage))));
}

TEST(Es256KeyTest, TwoSignaturesOfOneMessageDiffer) {
  const Es256PrivateKey key = RfcKey();
  EXPECT_NE(key.Sign(AsBytes(kMessage)), key.Sign(AsBytes(kMessage)));
}

TEST(Es256KeyTest, AKeyComesBackFromItsScalar) {
  const Es256PrivateKey made = Es256PrivateKey::Generate();
  const Result<Es256PrivateKey> again = Es256PrivateKey::FromScalar(made.Scalar());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->point(), made.point());
  EXPECT_TRUE(made.public_key().Verify(AsBytes(kMessage), again->Sign(AsBytes(kMessage))));
  EXPECT_EQ(ToBase64Url(RfcKey().Scalar().Expose(SecretAccess::kTest)), kD);
}

TEST(Es256KeyTest, ScalarsOutsideTheGroupAreRefused) {
  const Bytes order = FromHex(kOrder).value();
  Bytes below = order;
  below.back() = static_cast<std::byte>(std::to_integer<int>(below.back()) - 1);
  Bytes above = order;
  above.back() = static_cast<std::byte>(std::to_integer<int>(above.back()) + 1);
  Bytes one(32);
  one.back() = std::byte{1};
  EXPECT_TRUE(Es256PrivateKey::FromScalar(Secret(one)).ok());
  EXPECT_TRUE(Es256PrivateKey::FromScalar(Secret(below)).ok());
  for (const Bytes& bad : {Bytes(32), order, above, Bytes(32, std::byte{0xff})}) {
    const Result<Es256PrivateKey> key = Es256PrivateKey::FromScalar(Secret(bad));
    ASSERT_FALSE(key.ok());
    EXPECT_EQ(key.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(Es256KeyTest, OtherSizesAreRefused) {
  for (const std::size_t size : {0U, 1U, 31U, 33U, 64U}) {
    EXPECT_FALSE(Es256PrivateKey::FromScalar(Secret(Bytes(size, std::byte{1}))).ok()) << size;
  }
}

TEST(Es256KeyTest, ThreadsSignWithOneKey) {
  const Es256PrivateKey key = RfcKey();
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 50; ++n) good += key.public_key().Verify(AsBytes(kMessage), key.Sign(AsBytes(kMessage)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 200);
}

}  // namespace
}  // namespace coffer
