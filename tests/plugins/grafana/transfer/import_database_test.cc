#include "plugins/grafana/transfer/import_database.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "plugins/grafana/provisioning.h"
#include "tests/plugins/grafana/rotation/grafana_file.h"
#include "tests/plugins/grafana/transfer/origin_vault.h"

namespace coffer::grafana {
namespace {

constexpr char kPath[] = "grafana/1/ds1/password";
constexpr char kValue[] = "a-password-under-a-data-key";

class ImportDatabaseTest : public testing::Test {
 protected:
  ImportDatabaseTest() { grafana_.AddDataKey("k1"); }

  std::string Sealed(const std::string& text) const { return grafana_.Envelope("k1", text); }
  void AddUnified(const std::string& id, const std::string& json) {
    grafana_.rows.Add("secrets", {{"id", id},
                                  {"org_id", "1"},
                                  {"type", "datasource"},
                                  {"namespace", "Source " + id},
                                  {"value", GrafanaRows::Raw(Sealed(json))},
                                  {"updated", "2024-01-02 03:04:05"}});
  }
  void AddBoth() {
    grafana_.AddDataSource("1", GrafanaRows::Map("password", Sealed(kValue)));
    AddUnified("1", std::string(R"({"password":")") + kValue + "\"}");
  }
  TransferReport Import(const DatabaseImportOptions& options = {}, std::string_view key = kOldKey) {
    auto report = ImportDatabase(grafana_.rows, known_answers::Secret(key), vault_, options);
    EXPECT_TRUE(report.ok()) << report.error().ToString();
    return report.ok() ? std::move(report).value() : TransferReport();
  }
  // "path outcome reason", by path.
  static std::vector<std::string> Lines(const TransferReport& report) {
    std::vector<std::string> lines;
    for (const TransferredCredential& each : report.credentials) {
      lines.push_back(each.path + " " + std::string(TransferOutcomeName(each.outcome)) +
                      (each.reason == SkipReason::kNone ? "" : " " + std::string(SkipReasonName(each.reason))));
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }
  static std::uint64_t LeftOutOf(const TransferReport& report, std::string_view table) {
    std::uint64_t count = 0;
    for (const LeftOut& each : report.left_out) count += each.table == table ? each.count : 0;
    return count;
  }

  GrafanaRows grafana_{std::string(kOldKey)};
  OriginVault vault_;
};

using Strings = std::vector<std::string>;

TEST_F(ImportDatabaseTest, BothCopiesOfADatasourceAreOneSecretWithItsOrigin) {
  AddBoth();
  const TransferReport report = Import();
  EXPECT_EQ(report.refusal, TransferRefusal::kNone);
  EXPECT_EQ(Lines(report), Strings{"grafana/1/ds1/password created"});
  EXPECT_EQ(report.credentials[0].places,
            (Strings{"data_source.secure_json_data: password of id=1 org_id=1 type=postgres uid=ds1 name=Source 1",
                     "secrets.value: password of id=1 org_id=1 type=datasource namespace=Source 1"}));
  EXPECT_EQ(vault_.values.At(kPath), kValue);
  EXPECT_EQ(vault_.metadata[kPath],
            (SecretMetadata{
                {"grafana-database", "dump"},
                {"grafana-table", "data_source"},
                {"grafana-column", "secure_json_data"},
                {"grafana-row", "id=1 org_id=1 type=postgres uid=ds1 name=Source 1"},
                {"grafana-json-path", "password"},
                {"grafana-copy", "secrets.value: password of id=1 org_id=1 type=datasource namespace=Source 1"}}));
}

TEST_F(ImportDatabaseTest, ASecondTimeNothingIsPut) {
  AddBoth();
  Import();
  const int puts = vault_.values.puts;
  EXPECT_EQ(Lines(Import()), Strings{"grafana/1/ds1/password unchanged"});
  EXPECT_EQ(vault_.values.puts, puts);
}

TEST_F(ImportDatabaseTest, DryRunSaysTheSameAndPutsNothing) {
  AddBoth();
  DatabaseImportOptions options;
  options.dry_run = true;
  EXPECT_EQ(Lines(Import(options)), Strings{"grafana/1/ds1/password created"});
  EXPECT_EQ(vault_.values.puts, 0);
}

TEST_F(ImportDatabaseTest, AnotherValueInTheVaultRefusesAllUnlessOverwritten) {
  AddBoth();
  grafana_.AddDataSource("2", GrafanaRows::Map("password", Sealed("another-password-of-its-own")));
  vault_.values.Set(kPath, "what the vault has");
  vault_.metadata[kPath] = {{"owner", "web"}};
  const TransferReport refused = Import();
  EXPECT_EQ(refused.refusal, TransferRefusal::kOtherValue);
  EXPECT_EQ(Lines(refused), (Strings{"grafana/1/ds1/password skipped other-value", "grafana/1/ds2/password held"}));
  EXPECT_EQ(vault_.values.puts, 0);
  DatabaseImportOptions options;
  options.overwrite = true;
  EXPECT_EQ(Lines(Import(options)), (Strings{"grafana/1/ds1/password updated", "grafana/1/ds2/password created"}));
  EXPECT_EQ(vault_.values.At(kPath), kValue);
  EXPECT_EQ(vault_.metadata[kPath].at("owner"), "web");
}

TEST_F(ImportDatabaseTest, CopiesThatDifferRefuseAllUnlessLeftOut) {
  grafana_.AddDataSource("1", R"({"password":")" + GrafanaRows::Base64(Sealed(kValue)) + R"(","token":")" +
                                  GrafanaRows::Base64(Sealed("a-token-of-this-datasource")) + R"(","same":")" +
                                  GrafanaRows::Base64(Sealed("the-same-in-both-of-them")) + "\"}");
  AddUnified("1", R"({"password":"an-older-one","added":"only-in-the-copy","same":"the-same-in-both-of-them"})");
  const TransferReport refused = Import();
  EXPECT_EQ(refused.refusal, TransferRefusal::kUnreadable);
  EXPECT_EQ(Lines(refused),
            (Strings{"grafana/1/ds1/added skipped copies-differ", "grafana/1/ds1/password skipped copies-differ",
                     "grafana/1/ds1/same held", "grafana/1/ds1/token skipped copies-differ"}));
  EXPECT_EQ(vault_.values.gets, 0);
  DatabaseImportOptions options;
  options.accept_unreadable = true;
  EXPECT_EQ(Import(options).Count(TransferOutcome::kCreated), 1U);
  EXPECT_EQ(vault_.values.At("grafana/1/ds1/same"), "the-same-in-both-of-them");
  EXPECT_EQ(vault_.values.size(), 1U);
}

TEST_F(ImportDatabaseTest, ACopyAloneIsTaken) {
  grafana_.AddDataSource("1", "{}");
  AddUnified("1", R"({"password":"only-in-table-secrets","empty":""})");
  EXPECT_EQ(Lines(Import()), Strings{"grafana/1/ds1/password created"});
  EXPECT_EQ(vault_.metadata[kPath].at("grafana-table"), "secrets");
}

TEST_F(ImportDatabaseTest, ACopyOfADatasourceThatIsGoneIsLeftOut) {
  AddBoth();
  AddUnified("9", R"({"password":"of-nobody-any-more"})");
  const TransferReport report = Import();
  EXPECT_EQ(Lines(report), Strings{"grafana/1/ds1/password created"});
  EXPECT_EQ(LeftOutOf(report, "secrets"), 1U);
}

TEST_F(ImportDatabaseTest, AWrongKeyOpensNothing) {
  AddBoth();
  DatabaseImportOptions options;
  options.accept_unreadable = options.accept_unproven = true;
  const TransferReport report = Import(options, "another-key-than-its-own");
  EXPECT_EQ(report.refusal, TransferRefusal::kOpensNothing);
  EXPECT_TRUE(report.credentials.empty());
  EXPECT_EQ(vault_.values.gets, 0);
}

TEST_F(ImportDatabaseTest, WhatIsDeletedInTheVaultHasAReasonOfItsOwn) {
  AddBoth();
  grafana_.AddDataSource("2", GrafanaRows::Map("password", Sealed("another-password-of-its-own")));
  vault_.gone = {kPath};
  const TransferReport refused = Import();
  EXPECT_EQ(refused.refusal, TransferRefusal::kUnreadable);
  EXPECT_EQ(Lines(refused), (Strings{"grafana/1/ds1/password skipped gone-from-vault", "grafana/1/ds2/password held"}));
  EXPECT_EQ(vault_.values.puts, 0);
  DatabaseImportOptions options;
  options.accept_unreadable = true;
  EXPECT_EQ(Lines(Import(options)),
            (Strings{"grafana/1/ds1/password skipped gone-from-vault", "grafana/1/ds2/password created"}));
}

TEST_F(ImportDatabaseTest, AKeyThatTooLittleSpeaksForIsRefusedUnlessAccepted) {
  grafana_.AddDataSource("1", GrafanaRows::Map("password", Sealed("pw1")));
  EXPECT_EQ(Import().refusal, TransferRefusal::kUnproven);
  EXPECT_EQ(vault_.values.gets, 0);
  DatabaseImportOptions options;
  options.accept_unproven = true;
  EXPECT_EQ(Lines(Import(options)), Strings{"grafana/1/ds1/password created"});
  EXPECT_EQ(vault_.values.At(kPath), "pw1");
}

TEST_F(ImportDatabaseTest, LegacyValuesAreOpenedToo) {
  grafana_.AddDataSource("1", GrafanaRows::Map("password", grafana_.Legacy("a-password-from-before-data-keys")));
  Import();
  EXPECT_EQ(vault_.values.At(kPath), "a-password-from-before-data-keys");
}

std::string Alerting(const std::string& uid, const std::string& key, const std::string& blob) {
  const std::string integration = R"({"secureSettings":{")" + key + "\":\"" + GrafanaRows::Base64(blob) +
                                  R"("},"uid":")" + uid + R"(","settings":{"uid":"no"}})";
  return R"({"alertmanager_config":{"receivers":[{"grafana_managed_receiver_configs":[)" + integration + "]}]}}";
}

TEST_F(ImportDatabaseTest, EveryKindHasPathsOfItsOwnAndTheRestIsCounted) {
  const auto b64 = [this](const std::string& text) { return GrafanaRows::Base64(Sealed(text)); };
  grafana_.rows.Add("plugin_setting", {{"id", "1"},
                                       {"org_id", "1"},
                                       {"plugin_id", "app"},
                                       {"secure_json_data", GrafanaRows::Map("token", Sealed("an-app's-token"))}});
  for (const std::string uid : {"", "mail"}) {
    grafana_.rows.Add("alert_configuration",
                      {{"id", "1"},
                       {"org_id", uid.empty() ? "1" : "2"},
                       {"alertmanager_configuration", Alerting(uid, "password", Sealed("of-a-contact-point"))}});
  }
  grafana_.rows.Add("alert_notification", {{"id", "3"},
                                           {"org_id", "2"},
                                           {"uid", "chan"},
                                           {"secure_settings", GrafanaRows::Map("apiKey", Sealed("of-a-channel"))}});
  grafana_.rows.Add(
      "sso_setting",
      {{"id", "1"},
       {"provider", "ldap"},
       {"settings", R"({"config":{"servers":[{"bind_password":")" + GrafanaRows::Raw(Sealed("of-a-directory")) +
                        R"("}]},"name":"LDAP","private_key_path":"/etc/grafana/key.pem"})"}});
  grafana_.rows.Add("setting", {{"section", "auth.saml"}, {"key", "private_key"}, {"encrypted_value", b64("a-key")}});
  grafana_.rows.Add("resource", {{"namespace", "default"},
                                 {"name", "r"},
                                 {"value", R"({"spec":{"github":{"encryptedToken":")" + b64("github_pat") +
                                               R"("}},"status":{"webhook":{"encryptedSecret":")" +
                                               b64("made-by-grafana") + "\"}}}"}});
  grafana_.rows.Add("user_auth", {{"id", "1"},
                                  {"o_auth_access_token", b64("ya29.access")},
                                  {"o_auth_refresh_token", b64("1//refresh")},
                                  {"o_auth_token_type", b64("Bearer")}});
  grafana_.rows.Add("signing_key", {{"id", "1"}, {"private_key", b64("-----BEGIN-----")}});
  grafana_.rows.Add("secret_encrypted_value", {{"namespace", "default"}});
  grafana_.rows.Add("alert_configuration_history",
                    {{"id", "1"}, {"alertmanager_configuration", Alerting("mail", "password", Sealed("an-old-one"))}});
  DatabaseImportOptions options;
  options.accept_unreadable = true;
  const TransferReport report = Import(options);
  EXPECT_EQ(report.refusal, TransferRefusal::kNone);
  EXPECT_EQ(Lines(report),
            (Strings{" skipped no-path",  // a contact point without a uid
                     "grafana/1/plugins/app/token created", "grafana/2/contact-points/mail/password created",
                     "grafana/2/notification-channels/chan/apiKey created",
                     "grafana/repositories/default/r/spec.github.encryptedToken created",
                     "grafana/settings/auth.saml/private_key created",
                     "grafana/sso/ldap/config.servers%5B0%5D.bind_password created"}));
  EXPECT_EQ(LeftOutOf(report, "user_auth"), 2U);
  EXPECT_EQ(LeftOutOf(report, "signing_key"), 1U);
  EXPECT_EQ(LeftOutOf(report, "resource"), 1U);
  EXPECT_EQ(LeftOutOf(report, "alert_configuration_history"), 1U);
  EXPECT_EQ(LeftOutOf(report, "secret_encrypted_value"), 1U);
}

TEST_F(ImportDatabaseTest, AContactPointIsNamedByItsUidAndOldConfigurationsAreLeft) {
  const auto add = [this](const std::string& id, const std::string& configuration) {
    grafana_.rows.Add("alert_configuration",
                      {{"id", id}, {"org_id", "1"}, {"alertmanager_configuration", configuration}});
  };
  add("10", Alerting("slack1", "http_config.oauth2.client_secret", Sealed("the-newest-one-of-them")));
  add("9", Alerting("slack1", "http_config.oauth2.client_secret", Sealed("an-older-one-of-the-same")));
  const TransferReport report = Import();
  EXPECT_EQ(Lines(report), Strings{"grafana/1/contact-points/slack1/http_config.oauth2.client_secret created"});
  EXPECT_EQ(vault_.values.At(report.credentials[0].path), "the-newest-one-of-them");
  EXPECT_EQ(LeftOutOf(report, "alert_configuration"), 1U);
}

TEST_F(ImportDatabaseTest, ADatasourceNamedAsAnotherKindHasAnotherPath) {
  grafana_.rows.Add("data_source", {{"id", "1"},
                                    {"org_id", "1"},
                                    {"uid", "plugins"},
                                    {"secure_json_data", GrafanaRows::Map("app", Sealed("of-the-datasource-itself"))}});
  grafana_.rows.Add("plugin_setting", {{"id", "1"},
                                       {"org_id", "1"},
                                       {"plugin_id", "app"},
                                       {"secure_json_data", GrafanaRows::Map("app", Sealed("of-the-plugin-itself"))}});
  EXPECT_EQ(Lines(Import()), (Strings{"grafana/1/plugins/app created", "grafana/1/plugins/app/app created"}));
}

TEST_F(ImportDatabaseTest, OneKindAlone) {
  AddBoth();
  grafana_.rows.Add("plugin_setting", {{"id", "1"}, {"org_id", "1"}, {"secure_json_data", R"({"a":"in clear"})"}});
  DatabaseImportOptions options;
  options.only = CredentialKind::kDatasource;
  EXPECT_EQ(Lines(Import(options)), Strings{"grafana/1/ds1/password created"});
}

TEST_F(ImportDatabaseTest, OldColumnsAreTakenUnlessGrafanaUsesAnotherValue) {
  AddBoth();
  const auto add = [this](const std::string& id, const std::string& secure, const std::string& password) {
    grafana_.rows.Add("data_source", {{"id", id},
                                      {"org_id", "1"},
                                      {"name", "Old " + id},
                                      {"password", password},
                                      {"basic_auth_password", "basic-" + id},
                                      {"secure_json_data", secure}});
  };
  add("5", "{}", "in clear since 2017");
  add("6", GrafanaRows::Map("password", Sealed("encrypted-since-last-year")), "in clear since 2017");
  add("7", GrafanaRows::Map("password", Sealed("the-same-in-both-columns")), "the-same-in-both-columns");
  const TransferReport report = Import();
  EXPECT_EQ(report.refusal, TransferRefusal::kNone);
  EXPECT_EQ(Lines(report),
            (Strings{"grafana/1/Old%205/basicAuthPassword created", "grafana/1/Old%205/password created",
                     "grafana/1/Old%206/basicAuthPassword created", "grafana/1/Old%206/password created",
                     "grafana/1/Old%206/password skipped superseded", "grafana/1/Old%207/basicAuthPassword created",
                     "grafana/1/Old%207/password created", "grafana/1/ds1/password created"}));
  EXPECT_EQ(vault_.values.At("grafana/1/Old%206/password"), "encrypted-since-last-year");
  EXPECT_EQ(vault_.values.At("grafana/1/Old%205/basicAuthPassword"), "basic-5");
}

TEST_F(ImportDatabaseTest, AFailedPutIsSaidAndTheNextImportGoesOn) {
  AddBoth();
  grafana_.AddDataSource("2", GrafanaRows::Map("password", Sealed("another-password-of-its-own")));
  vault_.values.failing_put = 2;
  const auto failed = ImportDatabase(grafana_.rows, known_answers::Secret(kOldKey), vault_, {});
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(failed.error().path(), "grafana/1/ds2/password");
  EXPECT_EQ(Lines(Import()), (Strings{"grafana/1/ds1/password unchanged", "grafana/1/ds2/password created"}));
}

TEST_F(ImportDatabaseTest, AVaultThatDoesNotAnswerChangesNothing) {
  AddBoth();
  vault_.values.failure = ErrorCode::kSealed;
  const auto failed = ImportDatabase(grafana_.rows, known_answers::Secret(kOldKey), vault_, {});
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code(), ErrorCode::kSealed);
  EXPECT_EQ(vault_.values.puts, 0);
}

TEST_F(ImportDatabaseTest, WhatIsNoGrafanaIsRefused) {
  MemoryRows rows;
  rows.Add("shop", {{"id", "1"}});
  const auto report = ImportDatabase(rows, known_answers::Secret(kOldKey), vault_, {});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code(), ErrorCode::kInvalidArgument);
}

struct BadCell {
  std::string name;
  std::string secure;  // KEY stands for a good value's base64
  std::string line;
};

class BadCellTest : public ImportDatabaseTest, public testing::WithParamInterface<BadCell> {};

TEST_P(BadCellTest, IsNamedAndRefusesTheRest) {
  AddBoth();
  std::string secure = GetParam().secure;
  const auto put = [&secure](const std::string& name, const std::string& value) {
    for (std::size_t at = secure.find(name); at != std::string::npos; at = secure.find(name, at + value.size()))
      secure.replace(at, name.size(), value);
  };
  grafana_.MakeDataKey("gone");
  put("GONE", GrafanaRows::Base64(grafana_.Envelope("gone", "under-a-key-without-a-row")));
  put("GOOD", GrafanaRows::Base64(Sealed("a-good-value-beside-it")));
  put("BYTES", GrafanaRows::Base64(Sealed("\x01\x02 not text \xff\xfe at all")));
  put("REFERENCE", GrafanaRows::Base64(Sealed("coffer://grafana/1/other/password")));
  put("LARGE", GrafanaRows::Base64(Sealed(std::string(kMaxSecretBytes + 1, 'x'))));
  grafana_.AddDataSource("7", secure);
  const TransferReport report = Import();
  const Strings lines = Lines(report);
  EXPECT_NE(std::find(lines.begin(), lines.end(), GetParam().line), lines.end()) << lines.front() << lines.back();
  const bool refuses = GetParam().name != "Reference";
  EXPECT_EQ(report.refusal, refuses ? TransferRefusal::kUnreadable : TransferRefusal::kNone);
  EXPECT_EQ(vault_.values.size(), refuses ? 0U : 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Cells, BadCellTest,
    testing::Values(BadCell{"NoJson", "{\"password\":", " skipped damaged"},
                    BadCell{"Number", R"({"password":5})", " skipped damaged"},
                    BadCell{"InClear", R"({"password":"hunter2"})", "grafana/1/ds7/password skipped in-clear"},
                    BadCell{"NoDataKey", R"({"password":"GONE"})", "grafana/1/ds7/password skipped not-under-key"},
                    BadCell{"NoText", R"({"password":"BYTES"})", "grafana/1/ds7/password skipped not-under-key"},
                    BadCell{"Twins", R"({"password":"GOOD","password":"GOOD"})", " skipped duplicate-keys"},
                    BadCell{"LongKey", "{\"" + std::string(65, 'k') + "\":\"GOOD\"}", " skipped no-path"},
                    BadCell{"CutKey", "{\"" + std::string(300, 'k') + "\":\"GOOD\"}", " skipped no-path"},
                    BadCell{"Reference", R"({"password":"REFERENCE"})", "grafana/1/ds7/password skipped reference"},
                    BadCell{"Large", R"({"password":"LARGE"})", "grafana/1/ds7/password skipped too-large"}),
    [](const auto& cell) { return cell.param.name; });

TEST_F(ImportDatabaseTest, TwoWithOnePathAreBothRefused) {
  AddBoth();
  for (const std::string id : {"5", "6"}) {
    grafana_.rows.Add("data_source", {{"id", id},
                                      {"org_id", "1"},
                                      {"name", "twin"},
                                      {"secure_json_data", GrafanaRows::Map("token", Sealed("of-one-of-the-twins"))}});
  }
  EXPECT_EQ(Lines(Import()), (Strings{"grafana/1/ds1/password held", "grafana/1/twin/token skipped path-twice",
                                      "grafana/1/twin/token skipped path-twice"}));
  EXPECT_EQ(vault_.values.puts, 0);
}

}  // namespace
}  // namespace coffer::grafana
