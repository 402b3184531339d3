// When a certificate ends, against certificates that the openssl program made.
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
  }
  EXPECT_FALSE(CertificateNotAfter(std::string_view()).ok());
}

TEST(CertificateTest, AnEndThatIsNoTimeIsRefused) {
  const auto end = CertificateNotAfter(Pem(kUntilMonth13));
  ASSERT_FALSE(end.ok());
  EXPECT_EQ(end.error().message(), "the certificate's end of validity cannot be read");
}

TEST(CertificateTest, TooLongIsRefusedUnread) {
  const std::string padding(kMaxCertificatePem - Pem(kUntil2030).size(), '\n');
  EXPECT_TRUE(CertificateNotAfter(padding + Pem(kUntil2030)).ok()) << "the limit itself";
  const auto end = CertificateNotAfter(padding + "\n" + Pem(kUntil2030));
  ASSERT_FALSE(end.ok());
  EXPECT_EQ(end.error().limit(), kMaxCertificatePem);
}

}  // namespace
}  // namespace coffer
