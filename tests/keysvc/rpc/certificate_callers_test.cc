// The caller that a certificate makes, and when it stops to be one.
#include "keysvc/rpc/certificate_callers.h"

#include <gtest/gtest.h>

#include "crypto/certificate.h"
#include "tests/client/test_certificates.h"
#include "tests/support/temp_dir.h"

namespace coffer::keysvc {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::string_view kShop = "spiffe://example.org/role/app/shop";

class CertificateCallersTest : public ::testing::Test {
 protected:
  // PEM of a new certificate; the names that a caller shows are the test's own.
  std::string Issue(const std::string& name) const {
    client::MakeCertificate(folder.path(), name, "ca", "DNS:localhost");
    return client::ReadTestFile(folder / (name + ".crt"));
  }
  void SetUp() override { client::MakeAuthority(folder.path(), "ca"); }

  // From now on these and no others.
  void Deny(const std::vector<Digest>& digests) {
    DeniedDigests now;
    for (const Digest& sha256 : digests) now.emplace(sha256, DeniedCertificateRecord());
    denied = std::make_shared<const DeniedDigests>(std::move(now));
  }

  static void ExpectRefused(const Result<Caller>& caller, std::string_view message) {
    ASSERT_FALSE(caller.ok());
    EXPECT_EQ(caller.error().code(), ErrorCode::kUnauthenticated);
    EXPECT_EQ(caller.error().message(), message);
  }

  TempDir folder;
  FakeClock clock;
  std::shared_ptr<const DeniedDigests> denied = std::make_shared<const DeniedDigests>();
  CertificateCallers callers{"example.org", clock, [this] { return denied; }};
};

TEST_F(CertificateCallersTest, TheOneNameIsTheCaller) {
  const std::string pem = Issue("shop");
  for (int call = 0; call < 2; ++call) {
    const Result<Caller> caller = callers.Of(pem, {kShop});
    ASSERT_TRUE(caller.ok()) << caller.error().ToString();
    EXPECT_EQ(caller->principal.id, kShop);
    EXPECT_EQ(caller->principal.role, policy::Role::kApp);
    EXPECT_FALSE(caller->local);
  }
}

TEST_F(CertificateCallersTest, EachCertificateIsItsOwnCaller) {
  const std::string first = Issue("first");
  const std::string second = Issue("second");
  for (int call = 0; call < 2; ++call) {
    EXPECT_EQ(callers.Of(first, {kShop})->principal.id, kShop);
    EXPECT_EQ(callers.Of(second, {"spiffe://example.org/role/dba/anna"})->principal.role, policy::Role::kDba);
  }
}

TEST_F(CertificateCallersTest, WhileNobodyKnowsWhoIsDeniedNoAuditorReadsTheLog) {
  const std::string pem = Issue("carol");
  const std::string other = Issue("shop");
  denied = nullptr;
  const Result<Caller> carol = callers.Of(pem, {"spiffe://example.org/role/auditor/carol"});
  ASSERT_FALSE(carol.ok());
  EXPECT_EQ(carol.error().code(), ErrorCode::kSealed);
  EXPECT_TRUE(callers.Of(other, {kShop}).ok()) << "who is told no more than that it is sealed";
  Deny({});
  EXPECT_TRUE(callers.Of(pem, {"spiffe://example.org/role/auditor/carol"}).ok());
}

TEST_F(CertificateCallersTest, ACallerEndsWithItsCertificateThoughItWasKnown) {
  const std::string pem = Issue("shop");
  const std::int64_t end_us = CertificateNotAfter(pem).value() * kSecond;
  ASSERT_TRUE(callers.Of(pem, {kShop}).ok());
  clock.SetUnixMicros(end_us + kSecond - 1);
  EXPECT_TRUE(callers.Of(pem, {kShop}).ok()) << "the last second is within (RFC 5280)";
  clock.SetUnixMicros(end_us + kSecond);
  ExpectRefused(callers.Of(pem, {kShop}), "the certificate has expired: connect again with a new one");
  ExpectRefused(callers.Of(pem, {kShop}), "the certificate has expired: connect again with a new one");
}

TEST_F(CertificateCallersTest, ACertificateThatHadExpiredBeforeItsFirstCallIsNobody) {
  const std::string pem = Issue("shop");
  clock.SetUnixMicros((CertificateNotAfter(pem).value() + 1) * kSecond);
  ExpectRefused(callers.Of(pem, {kShop}), "the certificate has expired: connect again with a new one");
}

TEST_F(CertificateCallersTest, ADeniedCertificateIsNobodyWhetherItWasKnownOrNot) {
  const std::string first = Issue("first");
  const std::string second = Issue("second");
  ASSERT_TRUE(callers.Of(first, {kShop}).ok());
  for (const std::string& pem : {first, second}) {
    Deny({CertificateSha256(pem).value()});
    ExpectRefused(callers.Of(pem, {kShop}), "the certificate is denied");
    ExpectRefused(callers.Of(pem, {kShop}), "the certificate is denied");
    EXPECT_TRUE(callers.Of(pem == first ? second : first, {kShop}).ok()) << "its principal is not denied";
    Deny({});
    EXPECT_TRUE(callers.Of(pem, {kShop}).ok()) << "allowed again";
  }
}

// Whoever holds a certificate that an ECDSA key has signed can make another one of it, of other bytes and as valid.
TEST_F(CertificateCallersTest, AnotherFormOfADeniedCertificateIsDeniedToo) {
  const std::string pem = Issue("shop");
  const std::vector<Digest> forms = CertificateDigests(pem).value();
  ASSERT_GT(forms.size(), 1U);
  for (const Digest& form : forms) {
    Deny({form});
    ExpectRefused(callers.Of(pem, {kShop}), "the certificate is denied");
  }
}

TEST_F(CertificateCallersTest, WhatCannotBeReadIsNobody) {
  const std::string pem = Issue("shop");
  for (const std::string& broken : {std::string(), std::string("certificate"), pem.substr(0, pem.size() / 2)})
    ExpectRefused(callers.Of(broken, {kShop}), "the certificate cannot be read");
}

TEST_F(CertificateCallersTest, OtherNamesAreNobody) {
  const std::string pem = Issue("shop");
  ExpectRefused(callers.Of(pem, {}), "the certificate must have exactly one URI name");
  ExpectRefused(callers.Of(pem, {kShop, kShop}), "the certificate must have exactly one URI name");
  for (const std::string_view uri : {"spiffe://example.com/role/app/shop", "spiffe://example.org/role/root/shop", ""}) {
    const Result<Caller> caller = callers.Of(pem, {uri});
    ASSERT_FALSE(caller.ok()) << uri;
    EXPECT_EQ(caller.error().code(), ErrorCode::kUnauthenticated);
  }
  EXPECT_TRUE(callers.Of(pem, {kShop}).ok()) << "nothing of a refusal is remembered";
}

}  // namespace
}  // namespace coffer::keysvc
