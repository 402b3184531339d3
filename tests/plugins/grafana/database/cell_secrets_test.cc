#include "plugins/grafana/database/cell_secrets.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "crypto/base64.h"
#include "plugins/grafana/database/secret_blob.h"
#include "tests/plugins/grafana/database/known_answers.h"

namespace coffer::grafana {
namespace {

using known_answers::Hex;
using known_answers::kEnvelopeBase64;
using known_answers::kEnvelopeHex;
using known_answers::Secret;

struct Read {
  std::string path;
  SecretForm form;
  std::string bytes;

  friend bool operator==(const Read&, const Read&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Read& read) {
    return out << "{" << read.path << ", " << static_cast<int>(read.form) << ", " << read.bytes.size() << " bytes}";
  }
};
using Reads = std::vector<Read>;

constexpr auto kBlob = SecretForm::kBlob;
constexpr auto kPlaintext = SecretForm::kPlaintext;
constexpr auto kUnreadable = SecretForm::kUnreadable;

Reads ReadsOf(CellEncoding encoding, std::string_view cell) {
  Reads reads;
  ReadCell(encoding, AsBytes(cell), [&reads](const CellSecret& secret) {
    reads.push_back({std::string(secret.path), secret.form, std::string(AsText(secret.bytes))});
  });
  return reads;
}

std::string Envelope() { return std::string(AsText(Hex(kEnvelopeHex))); }
std::string WithoutPadding(std::string text) {
  while (text.ends_with('=')) text.pop_back();
  return text;
}
// Of the oldest kind: no cipher named.
std::string Nameless() {
  SecretBlob blob = SecretBlob::Encrypt(Secret("old-password"), Secret("key"), BlobCipher::kAesCfb, std::nullopt);
  blob.names_cipher = false;
  blob.salt = CopyOf(AsBytes("aB3dEf9h"));
  return std::string(AsText(blob.ToBytes()));
}

TEST(CellSecretsTest, Base64OfEitherVariantIsABlob) {
  const std::string padded(kEnvelopeBase64);
  for (const CellEncoding encoding : {CellEncoding::kBase64, CellEncoding::kBase64Raw}) {
    EXPECT_EQ(ReadsOf(encoding, padded), (Reads{{"", kBlob, Envelope()}}));
    EXPECT_EQ(ReadsOf(encoding, WithoutPadding(padded)), (Reads{{"", kBlob, Envelope()}}));
    EXPECT_EQ(ReadsOf(encoding, padded + "\n"), (Reads{{"", kBlob, Envelope()}}));
  }
}

TEST(CellSecretsTest, ABlobWithoutBase64IsABlobAllTheSame) {
  EXPECT_EQ(ReadsOf(CellEncoding::kBase64, Envelope()), (Reads{{"", kBlob, Envelope()}}));
  EXPECT_EQ(ReadsOf(CellEncoding::kBlob, Envelope()), (Reads{{"", kBlob, Envelope()}}));
  EXPECT_EQ(ReadsOf(CellEncoding::kBlob, kEnvelopeBase64), (Reads{{"", kBlob, Envelope()}}));
}

TEST(CellSecretsTest, TheOldestBlobsAreKnownByTheirSalt) {
  const std::string nameless = Nameless();
  EXPECT_EQ(ReadsOf(CellEncoding::kBase64, ToBase64(AsBytes(nameless))), (Reads{{"", kBlob, nameless}}));
  EXPECT_EQ(ReadsOf(CellEncoding::kBlob, nameless), (Reads{{"", kBlob, nameless}}));
}

TEST(CellSecretsTest, PlaintextWhereABlobShouldBeIsPlaintext) {
  for (const std::string text :
       {"hunter2", "with space", "abcd", "YWJj", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "KgAqAAAA", "IwAjAQIDBAUGBwgJCgsMDQ4P",
        "-----BEGIN PRIVATE KEY-----\nabc", "#1#pass", "*star*", "p\xC3\xA4ss"}) {
    EXPECT_EQ(ReadsOf(CellEncoding::kBase64, text), (Reads{{"", kPlaintext, text}})) << text;
  }
}

TEST(CellSecretsTest, PlaintextInBase64IsPlaintext) {
  const std::string text = "a password that somebody put into base64";
  EXPECT_EQ(ReadsOf(CellEncoding::kBase64, ToBase64(AsBytes(text))), (Reads{{"", kPlaintext, text}}));
}

TEST(CellSecretsTest, ACutBlobIsReportedAsUnreadable) {
  const std::string cut = Envelope().substr(0, 40);
  const Reads reads = ReadsOf(CellEncoding::kBase64, ToBase64(AsBytes(cut)));
  ASSERT_EQ(reads.size(), 1U);
  EXPECT_EQ(reads[0].form, kUnreadable);
  const Reads raw = ReadsOf(CellEncoding::kBlob, "\x01\x02\x03");
  ASSERT_EQ(raw.size(), 1U);
  EXPECT_EQ(raw[0].form, kUnreadable);
}

TEST(CellSecretsTest, NothingIsInEmptyValuesPlaceholdersAndReferences) {
  for (const std::string_view text : {"", "  ", "****", "[REDACTED]", "<secret>", "$__file{/run/key}", "$__env{KEY}",
                                      "${KEY}", "$__vault{kv:a:b}", "coffer://grafana/1/a/password"}) {
    EXPECT_EQ(ReadsOf(CellEncoding::kBase64, text), Reads{}) << text;
    EXPECT_EQ(ReadsOf(CellEncoding::kJsonMap, "{\"password\": \"" + std::string(text) + "\"}"), Reads{}) << text;
  }
}

TEST(CellSecretsTest, APlaintextColumnIsTheSecretItself) {
  EXPECT_EQ(ReadsOf(CellEncoding::kPlaintext, "hunter2"), (Reads{{"", kPlaintext, "hunter2"}}));
  EXPECT_EQ(ReadsOf(CellEncoding::kPendingInvite, "hunter2"), (Reads{{"", kPlaintext, "hunter2"}}));
  EXPECT_EQ(ReadsOf(CellEncoding::kPlaintext, ""), Reads{});
  EXPECT_EQ(ReadsOf(CellEncoding::kPlaintext, "$__file{/run/key}"), Reads{});
}

TEST(CellSecretsTest, EachStringOfAJsonMapIsASecret) {
  const std::string cell = R"({"password": ")" + std::string(kEnvelopeBase64) +
                           R"(", "plain": "hunter2", "nothing": null, "number": 7, "in": {"a": ["x!"]}})";
  EXPECT_EQ(ReadsOf(CellEncoding::kJsonMap, cell), (Reads{{"password", kBlob, Envelope()},
                                                          {"plain", kPlaintext, "hunter2"},
                                                          {"number", kUnreadable, ""},
                                                          {"in.a[0]", kPlaintext, "x!"}}));
  EXPECT_EQ(ReadsOf(CellEncoding::kJsonMap, "{}"), Reads{});
  EXPECT_EQ(ReadsOf(CellEncoding::kJsonMap, "null"), Reads{});
}

TEST(CellSecretsTest, WhatIsNoJsonIsReported) {
  for (const CellEncoding encoding :
       {CellEncoding::kJsonMap, CellEncoding::kAlertingJson, CellEncoding::kSsoJson, CellEncoding::kResourceJson}) {
    EXPECT_EQ(ReadsOf(encoding, "hunter2"), (Reads{{"", kUnreadable, ""}}));
    EXPECT_EQ(ReadsOf(encoding, "{\"a\": "), (Reads{{"", kUnreadable, ""}}));
  }
  const Reads half = ReadsOf(CellEncoding::kJsonMap, R"({"password": "hunter2", "other)");
  EXPECT_EQ(half, (Reads{{"password", kPlaintext, "hunter2"}, {"", kUnreadable, ""}}));
}

TEST(CellSecretsTest, AlertingSecretsAreUnderSecureSettings) {
  const std::string blob(kEnvelopeBase64);
  const std::string cell = R"({"alertmanager_config": {"receivers": [{"name": "ops",
      "grafana_managed_receiver_configs": [{"type": "slack", "settings": {"recipient": "x", "url": "https://a"},
      "secureSettings": {"url": ")" +
                           blob + R"(", "token": "plain"}}]}]}})";
  const std::string at = "alertmanager_config.receivers[0].grafana_managed_receiver_configs[0].secureSettings.";
  EXPECT_EQ(ReadsOf(CellEncoding::kAlertingJson, cell),
            (Reads{{at + "url", kBlob, Envelope()}, {at + "token", kPlaintext, "plain"}}));
}

TEST(CellSecretsTest, ExtraAlertingConfigurationsAreEncryptedWhole) {
  const std::string encrypted = R"({"extra_config": [{"identifier": "mimir", "alertmanager_config": "crypto_)" +
                                std::string(kEnvelopeBase64) + R"("}]})";
  EXPECT_EQ(ReadsOf(CellEncoding::kAlertingJson, encrypted),
            (Reads{{"extra_config[0].alertmanager_config", kBlob, Envelope()}}));
  const std::string clear = R"({"extra_config": [{"alertmanager_config": "global: {}"}, {"alertmanager_config": ""}]})";
  EXPECT_EQ(ReadsOf(CellEncoding::kAlertingJson, clear),
            (Reads{{"extra_config[0].alertmanager_config", kPlaintext, "global: {}"}}));
}

TEST(CellSecretsTest, SingleSignOnSecretsAreKnownByTheirKeys) {
  const std::string blob = WithoutPadding(std::string(kEnvelopeBase64));
  const std::string cell = R"({"client_id": "grafana", "client_secret": ")" + blob + R"(", "private_key": "plain!",
      "certificate_path": "/etc/saml.crt", "use_secret": true, "token_url": "https://idp/token",
      "config": {"servers": [{"host": "ldap", "bind_password": ")" +
                           blob + R"("}]}})";
  EXPECT_EQ(ReadsOf(CellEncoding::kSsoJson, cell), (Reads{{"client_secret", kBlob, Envelope()},
                                                          {"private_key", kPlaintext, "plain!"},
                                                          {"config.servers[0].bind_password", kBlob, Envelope()}}));
}

TEST(CellSecretsTest, RepositoriesHoldTokensUnderTheirKeys) {
  const std::string cell = R"({"spec": {"title": "x", "github": {"encryptedToken": ")" + std::string(kEnvelopeBase64) +
                           R"("}}, "status": {"webhook": {"encryptedSecret": "plain!", "url": "https://x"}}})";
  EXPECT_EQ(ReadsOf(CellEncoding::kResourceJson, cell),
            (Reads{{"spec.github.encryptedToken", kBlob, Envelope()},
                   {"status.webhook.encryptedSecret", kPlaintext, "plain!"}}));
}

TEST(CellSecretsTest, OtherEncodingsHoldNone) {
  for (const CellEncoding encoding : {CellEncoding::kText, CellEncoding::kSettings, CellEncoding::kHash,
                                      CellEncoding::kPersonal, CellEncoding::kMetadata, CellEncoding::kDataKey}) {
    EXPECT_EQ(ReadsOf(encoding, "{\"password\": \"hunter2\"}"), Reads{});
  }
}

TEST(CellSecretsTest, PrintableTextHasNoControls) {
  EXPECT_TRUE(IsPrintableText("p\xC3\xA4ss\tword\r\n"));
  EXPECT_TRUE(IsPrintableText(""));
  EXPECT_FALSE(IsPrintableText(std::string_view("a\0b", 3)));
  EXPECT_FALSE(IsPrintableText("a\x7F"));
  EXPECT_FALSE(IsPrintableText("\x1B[2J"));
  EXPECT_FALSE(IsPrintableText("\xFF"));
}

}  // namespace
}  // namespace coffer::grafana
