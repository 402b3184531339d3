// When a certificate ends and what its fingerprint is, against certificates that the openssl program made.
#include "crypto/certificate.h"

#include <gtest/gtest.h>

namespace coffer {
namespace {

// Bodies of PEM blocks, by "openssl ca -enddate".
constexpr char kUntil2030[] =
    "MIIBFDCBuwIUZKEAKrIQRwBEWB9WttsD6uqSuQEwCgYIKoZIzj0EAwIwDTELMAkG\n"
    "A1UEAwwCY2EwHhcNNjAwMTAxMDAwMDAwWhcNMzAwMTAyMDMwNDA1WjANMQswCQYD\n"
    "VQQDDAJ0MTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJ9yQALF817lSACNr0Or\n"
    "XmwVIhKwXE+p+G7BBVcuwRNU99l+Ug4Y3qGbQ0PFgHwIX/i6yxvLNAnB18LXrXBW\n"
    "l40wCgYIKoZIzj0EAwIDSAAwRQIgcYPqaHrtwlvhZdijT4vqpecf3DUKi7i04ERA\n"
    "K12uukICIQDe5oqBndoKoLJp4qmWueTyZ+Dwn43q5CLG8ios6FQIXg==\n";
constexpr char kUntil2050[] =
    "MIIBFTCBvQIUXl734WfgfygJMPm/p78DmcAc2MowCgYIKoZIzj0EAwIwDTELMAkG\n"
    "A1UEAwwCY2EwIBcNNjAwMTAxMDAwMDAwWhgPMjA1MDAxMDEwMDAwMDBaMA0xCzAJ\n"
    "BgNVBAMMAnQzMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYvBiMWoQmHZ296ge\n"
    "j5IJuPwgSw3K8iPBk9zbCnx2zXJvdk9WIuLxv7HUKjz/5rp58/SENI3qEl/VLOoj\n"
    "cROu2TAKBggqhkjOPQQDAgNHADBEAiBSczTope52tlNElt7JlfJSjB/KL9x+7+64\n"
    "RL1qQfILWwIgcvyyu3RySRIlkdvyFGr9uRLK7CcvNA1U5jRVdFS5aL0=\n";
constexpr char kUntil9999[] =
    "MIIBFTCBvQIUJf5t9SYPrlRGyqc94YUgEGzv+uMwCgYIKoZIzj0EAwIwDTELMAkG\n"
    "A1UEAwwCY2EwIBcNNjAwMTAxMDAwMDAwWhgPOTk5OTEyMzEyMzU5NTlaMA0xCzAJ\n"
    "BgNVBAMMAnQ0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE9xADa4R54Vpwds9m\n"
    "SxST6TboBfvVzUdAi4sFM+aEw2cdoOK84zWokv3dayOi0O2pWgwbQf54wzk7Av+Q\n"
    "9mIWhDAKBggqhkjOPQQDAgNHADBEAiBt7G/tqOBAUK3n4ASU0ppjYep2nXRdb+z+\n"
    "8qhqMXz2LQIgHqFoU2VeISemE3tJtHiQGcPS8AzM88UwnLny4IhMn2w=\n";
constexpr char kUntil1969[] =
    "MIIBFTCBuwIUVkcPkdjY6F5jx5J0uGC3HXC97fwwCgYIKoZIzj0EAwIwDTELMAkG\n"
    "A1UEAwwCY2EwHhcNNjAwMTAxMDAwMDAwWhcNNjkwMTAxMDAwMDAwWjANMQswCQYD\n"
    "VQQDDAJ0NjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJ+E7cKtBGiKkbPeQyoG\n"
    "F5s9FhMt6PkuVkCpiVLE6ZUJJJZa+PSv2g5ZBlwy4xo0rlQfLWor58CAoB+AiBzz\n"
    "Y7gwCgYIKoZIzj0EAwIDSQAwRgIhAKC6XxjSJy0L74Ew2NFySK98v0AUuB1ZO5/o\n"
    "B4c0kIb7AiEAwH+7J75UW4l/Ql2gssT4F26s+Om8LTngEzk06yyuznQ=\n";
// The first one with (r, n - s) for its signature's (r, s), made by hand; `openssl verify` takes such a one.
constexpr char kUntil2030Flipped[] =
    "MIIBEzCBuwIUZKEAKrIQRwBEWB9WttsD6uqSuQEwCgYIKoZIzj0EAwIwDTELMAkG\n"
    "A1UEAwwCY2EwHhcNNjAwMTAxMDAwMDAwWhcNMzAwMTAyMDMwNDA1WjANMQswCQYD\n"
    "VQQDDAJ0MTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJ9yQALF817lSACNr0Or\n"
    "XmwVIhKwXE+p+G7BBVcuwRNU99l+Ug4Y3qGbQ0PFgHwIX/i6yxvLNAnB18LXrXBW\n"
    "l40wCgYIKoZIzj0EAwIDRwAwRAIgcYPqaHrtwlvhZdijT4vqpecf3DUKi7i04ERA\n"
    "K12uukICICEZdX1iJfVgTZYdVmlGGw1VBgoOGSy6YizHoJYUDxzz\n";
// Signed with Ed25519, whose signatures have one form.
constexpr char kEd25519[] =
    "MIIBLDCB36ADAgECAhQRvNPIzl7mzBoMI2Gwf+rJTkLaqDAFBgMrZXAwDDEKMAgG\n"
    "A1UEAwwBZTAeFw0yNjExMjIwNDM3MDBaFw0zNjExMTkwNDM3MDBaMAwxCjAIBgNV\n"
    "BAMMAWUwKjAFBgMrZXADIQA0qvkpIByGDLjTakdzRPZtQBZgJGuDO4O/XuNBi/HC\n"
    "lKNTMFEwHQYDVR0OBBYEFMGYkZ9JDGrNPqWIW5V/oOUJ68NXMB8GA1UdIwQYMBaA\n"
    "FMGYkZ9JDGrNPqWIW5V/oOUJ68NXMA8GA1UdEwEB/wQFMAMBAf8wBQYDK2VwA0EA\n"
    "/l6nUzRgIaa8pkjF8POLVBG5Op89UiK+KwLxwsbUZK+a6MbmSNEUr7ZKwDCKzmG1\n"
    "Zju5cSIMCr361rNIy4iuAg==\n";
// The first one with month 13 in its end.
constexpr char kUntilMonth13[] =
    "MIIBFDCBuwIUZKEAKrIQRwBEWB9WttsD6uqSuQEwCgYIKoZIzj0EAwIwDTELMAkG\n"
    "A1UEAwwCY2EwHhcNNjAwMTAxMDAwMDAwWhcNMzAxMzAyMDMwNDA1WjANMQswCQYD\n"
    "VQQDDAJ0MTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJ9yQALF817lSACNr0Or\n"
    "XmwVIhKwXE+p+G7BBVcuwRNU99l+Ug4Y3qGbQ0PFgHwIX/i6yxvLNAnB18LXrXBW\n"
    "l40wCgYIKoZIzj0EAwIDSAAwRQIgcYPqaHrtwlvhZdijT4vqpecf3DUKi7i04ERA\n"
    "K12uukICIQDe5oqBndoKoLJp4qmWueTyZ+Dwn43q5CLG8ios6FQIXg==\n";

std::string Pem(const std::string& body, const std::string& label = "CERTIFICATE") {
  return "-----BEGIN " + label + "-----\n" + body + "-----END " + label + "-----\n";
}

TEST(CertificateTest, NotAfterIsWhatOpenSslWrote) {
  EXPECT_EQ(CertificateNotAfter(Pem(kUntil2030)).value(), 1'893'553'445) << "2030-01-02 03:04:05";
  EXPECT_EQ(CertificateNotAfter(Pem(kUntil2050)).value(), 2'524'608'000) << "the first GeneralizedTime";
  EXPECT_EQ(CertificateNotAfter(Pem(kUntil9999)).value(), 253'402'300'799) << "RFC 5280's \"no end\"";
  EXPECT_EQ(CertificateNotAfter(Pem(kUntil1969)).value(), -31'536'000) << "before the epoch";
}

TEST(CertificateTest, TheFirstCertificateCountsAndTextAroundItDoesNot) {
  EXPECT_EQ(CertificateNotAfter("a chain\n" + Pem(kUntil2030) + Pem(kUntil1969)).value(), 1'893'553'445);
  EXPECT_EQ(CertificateNotAfter(Pem(kUntil1969) + Pem(kUntil2030)).value(), -31'536'000);
}

TEST(CertificateTest, WhatIsNoCertificateIsRefused) {
  const std::string whole = Pem(kUntil2030);
  const std::string encrypted = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF\n\n";
  const std::vector<std::string> inputs = {
      "",
      "certificate",
      "-----BEGIN CERTIFICATE-----\n",
      Pem(""),
      Pem("AAAA\n"),
      Pem("!!!!\n"),
      Pem(kUntil2030, "PRIVATE KEY"),
      Pem(encrypted + kUntil2030),
      whole.substr(0, whole.size() / 2),
      whole.substr(30),
      std::string(100, '\0'),
  };
  for (const std::string& input : inputs) {
    const auto end = CertificateNotAfter(input);
    ASSERT_FALSE(end.ok()) << input;
    EXPECT_EQ(end.error().code(), ErrorCode::kInvalidArgument) << input;
    EXPECT_EQ(end.error().message(), "is no certificate in PEM") << input;
    EXPECT_FALSE(CertificateSha256(input).ok()) << input;
  }
  EXPECT_FALSE(CertificateNotAfter(std::string_view()).ok());
}

TEST(CertificateTest, AnEndThatIsNoTimeIsRefused) {
  const auto end = CertificateNotAfter(Pem(kUntilMonth13));
  ASSERT_FALSE(end.ok());
  EXPECT_EQ(end.error().message(), "the certificate's end of validity cannot be read");
}

// As `openssl x509 -fingerprint -sha256` prints them.
TEST(CertificateTest, ItsDigestsAreOfEachFormThatIsAsGood) {
  const std::string digest = "8f4f87d0415bf697316b50a7f9e62c46a31a2673dfdfd3315a6dfd2345249ddb";
  const std::string flipped = "da9a27081ca038eb51daeb70948b448d430046d8d4be17591a82807c69031f34";
  const std::vector<Digest> of_first = CertificateDigests(Pem(kUntil2030)).value();
  ASSERT_GE(of_first.size(), 2U);
  EXPECT_EQ(ToHex(of_first[0]), digest);
  EXPECT_EQ(ToHex(of_first[1]), flipped);
  const std::vector<Digest> of_flipped = CertificateDigests(Pem(kUntil2030Flipped)).value();
  ASSERT_GE(of_flipped.size(), 2U);
  EXPECT_EQ(ToHex(of_flipped[0]), flipped);
  EXPECT_EQ(ToHex(of_flipped[1]), digest);
  EXPECT_EQ(CertificateSha256(Pem(kUntil2030)).value(), of_first[0]);
  const std::vector<Digest> of_ed25519 = CertificateDigests(Pem(kEd25519)).value();
  ASSERT_EQ(of_ed25519.size(), 1U);
  EXPECT_EQ(of_ed25519[0], CertificateSha256(Pem(kEd25519)).value());
}

TEST(CertificateTest, WhatIsNoCertificateHasNoDigests) {
  for (const std::string& input : {std::string(), std::string("certificate"), Pem("AAAA\n")}) {
    EXPECT_EQ(CertificateDigests(input).error().code(), ErrorCode::kInvalidArgument) << input;
  }
}

TEST(CertificateTest, TooLongIsRefusedUnread) {
  const std::string padding(kMaxCertificatePem - Pem(kUntil2030).size(), '\n');
  EXPECT_TRUE(CertificateNotAfter(padding + Pem(kUntil2030)).ok()) << "the limit itself";
  const auto end = CertificateNotAfter(padding + "\n" + Pem(kUntil2030));
  ASSERT_FALSE(end.ok());
  EXPECT_EQ(end.error().limit(), kMaxCertificatePem);
  EXPECT_FALSE(CertificateSha256(padding + "\n" + Pem(kUntil2030)).ok());
}

TEST(CertificateTest, TheFingerprintIsWhatOpenSslPrints) {
  constexpr std::string_view kOf2030 = "8f4f87d0415bf697316b50a7f9e62c46a31a2673dfdfd3315a6dfd2345249ddb";
  constexpr std::string_view kOf1969 = "449000559ad9db348f35e03abf5a5876b5ddc742b27bf08164cd075d4a0aa853";
  EXPECT_EQ(ToHex(CertificateSha256(Pem(kUntil2030)).value()), kOf2030);
  EXPECT_EQ(ToHex(CertificateSha256("a chain\n" + Pem(kUntil1969) + Pem(kUntil2030)).value()), kOf1969);
  EXPECT_TRUE(CertificateSha256(Pem(kUntilMonth13)).ok()) << "nothing else of it is looked at";
}

}  // namespace
}  // namespace coffer
