#include "plugins/grafana/database/misplaced.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace coffer::grafana {
namespace {

std::set<std::string> KindsIn(std::string_view text) {
  std::set<std::string> kinds;
  FindMisplaced(text, [&kinds](MisplacedKind kind) { kinds.insert(std::string(MisplacedKindName(kind))); });
  return kinds;
}

struct Case {
  const char* kind;
  std::vector<std::string> hits;
  std::vector<std::string> misses;
};

std::string Of(std::size_t count, char c) { return std::string(count, c); }
const std::string kAlnum36 = "abcdefghijklmnopqrstuvwxyz0123456789";

// A hit and its near misses, kind by kind. A miss is a miss for every kind.
Case UrlCase() {
  return {"url-password",
          {"http://admin:hunter2@db.example/",
           "postgres://app:p%40ss@db:5432/shop?sslmode=require",
           "postgresql://app:pw@h1:5432,h2:5432/shop",
           "redis://:hunter2@cache:6379/0",
           "mongodb+srv://u:p@cluster0/x",
           "see https://a.example and https://u:p@ss@b.example/ too",
           "postgresql://db/shop?user=app&password=hunter2",
           "postgresql:///shop?host=db&sslpassword=x1",
           "(https://u:pw@host)",
           "[x](https://u:pw@host/)",
           "https://u:%40secret@host",
           "https://h/?password=%24secret",
           "https://u:$2a$10$xyz@host/",
           "https://u:a)secret@host",
           "https://u:a'secret@host",
           "https://u:{pw@host",
           "https://u:%PW@host",
           "https://u:${a@host",
           "https://u:[b@host",
           "mysql://u:pw@tcp(db:3306)/x"},
          {"http://admin@db.example/",
           "http://db.example:3000/@here",
           "http://db.example/a:b@c",
           "http://[::1]:3000/?x=@",
           "https://${user}:${password}@host/",
           "https://$user:$pass@host",
           "https://u:***@host/",
           "https://u:xxxxx@host/",
           "https://user:<password>@host/",
           "https://u:{{password}}@host",
           "mail a:b@c.example",
           "http://u:@host/",
           "https://u:%PASSWORD%@host",
           "https://u:%s@host",
           "https://u:[password]@host",
           "https://u:$1@host",
           "https://u:$__file{x}@host/",
           "https://{user}:{password}@host",
           "https://u:*@host",
           "<a href=\"http://db.example:3000\">ada@example.org</a>",
           "<a href='http://db:3000'>ada@example.org</a>",
           "postgresql://db/shop?password=",
           "postgresql://db/?password=$PW",
           "postgresql://db/shop?xpassword=a",
           "see https://a.example:8080 or admin@b.example",
           "http://a:80\" href='x@y'",
           "://u:p@h"}};
}

Case ConnectionCase() {
  return {"connection-password",
          {"host=db user=app password=hunter2", "password='hunter2' host=/run/postgresql",
           "Server=db,1433;Database=x;Pwd=abc;", "Data Source=db;User ID=sa;PASSWORD=abc",
           "AccountName=x;AccountKey=abc123==;EndpointSuffix=y", "host=db password = secret",
           "host = db password\t=\tsecret", "Server = db; Password = secret", "host=db password='two words'",
           "(host=db password=(abc", "password=${PW} host=db password=x1", "app:hunter2@tcp(db:3306)/shop",
           "dsn=u:p%40@unix(/run/my.sock)/x", "Data Source: u:$2a$@tcp6([::1]:3306)/"},
          {"host=db user=app", "password=hunter2", "host=db password=", "host=db password=${PW}", "host=db;Pwd=***;",
           "host=db&xpassword=1", "SELECT * FROM t WHERE password = 'x' AND host = 'y'", "{host=\"a\"} |= `password=`",
           "host=db password=\"$PW\"", "host=db; UPDATE t SET password = ?", "host=db password or passwd",
           "app@tcp(db:3306)/x", "${USER}:${PW}@tcp(db:3306)/x", "u:***@tcp(db:3306)/", "a:b @tcp(db)"}};
}

std::vector<Case> TokenCases() {
  return {
      {"private-key",
       {"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ",
        "-----BEGIN RSA PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0B",
        "x\\n-----BEGIN EC PRIVATE KEY-----\r\nMHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5"},
       {"-----BEGIN PUBLIC KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ",
        "-----BEGIN CERTIFICATE-----\nMIIEvQIBADANBgkqhkiG9w0BAQ",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ",
        "Begins with -----BEGIN RSA PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----"}},
      {"grafana-token",
       {"glsa_" + Of(32, 'A') + "_0123abcd", "Bearer glsa_" + Of(32, 'x') + "_0123abcd.", "glc_eyJvIjoi" + Of(40, 'a'),
        "eyJrIjoi" + Of(60, 'b')},
       {"glsa_" + Of(31, 'A') + "_0123abcd", "glsa_" + Of(32, 'A') + "_0123abcg", "glsa_" + Of(32, 'A'),
        "xglsa_" + Of(32, 'A') + "_0123abcd", "glc_eyJvIjoi", "eyJrIjoi" + Of(10, 'b')}},
      {"github-token",
       {"ghp_" + kAlnum36, "token=ghs_" + kAlnum36 + " ", "github_pat_" + Of(22, 'A') + "_" + Of(59, 'b')},
       {"ghp_" + kAlnum36.substr(1), "ghp_" + kAlnum36 + "0", "ghx_" + kAlnum36,
        "github_pat_" + Of(22, 'A') + "_" + Of(58, 'b')}},
      {"aws-access-key",
       {"AKIAIOSFODNN7EXAMPLE", "key: ASIAQWERTYUIOPASDFGH,"},
       {"AKIAIOSFODNN7EXAMPL", "AKIAIOSFODNN7EXAMPLES", "xAKIAIOSFODNN7EXAMPLE", "AKIAiosfodnn7example",
        "AKIA0189FODNN7EXAMPLE"}},
      {"slack-token",
       {"xoxb-1234567890-abcdefghijkl", "xoxp-123456789012-123456789012-abc",
        "https://hooks.slack.com/services/T01234567/B01234567/" + Of(12, 'a') + Of(12, 'b')},
       {"xoxb-short1", "xoxq-1234567890-abcdefghijkl", "xoxb-abcdefghijklmnopqrstuvwxyz",
        "foxxoxb-1234567890-abcdefghijkl",
        "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        "https://hooks.slack.com/services/T01234567/B01234567/", "https://hooks.slack.com/services/"}},
      {"json-web-token",
       {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + Of(43, 'x'),
        "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + Of(43, 'x')},
       {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.short",
        "eyJhbGciOiJIUzI1NiJ9.abcdefghijkl." + Of(43, 'x'), "eyJhbGciOiJIUzI1NiJ9",
        "keyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + Of(43, 'x')}},
  };
}

std::vector<Case> ChatCases() {
  return {
      {"discord-webhook",
       {"https://discord.com/api/webhooks/123456789012345678/" + kAlnum36 + kAlnum36,
        "https://ptb.discordapp.com/api/v10/webhooks/123456789012345678/" + kAlnum36 + "-_"},
       {"https://discord.com/api/webhooks/123456789012345678/", "https://discord.com/api/webhooks/1234/" + kAlnum36,
        "https://discord.com/api/v", "https://discord.com/api/webhooks", "https://discord.com/api/users/@me",
        "https://xdiscord.com/api/webhooks/123456789012345678/" + kAlnum36,
        "https://discord.com/api/webhooks/123456789012345678/" + Of(68, 'X')}},
      {"telegram-token",
       {"https://api.telegram.org/bot123456789:AA" + Of(33, 'x') + "/sendMessage", "12345678:AA" + Of(31, '-') + "_z",
        "token=1234567890:AA" + Of(33, 'y') + ","},
       {"123456789:AA" + Of(32, 'x'), "123456789:AA" + Of(34, 'x'), "1234567:AA" + Of(33, 'x'),
        "1234567890123:AA" + Of(33, 'x'), "a123456789:AA" + Of(33, 'x'), ":AA" + Of(33, 'x'), "123456789:AA"}},
  };
}

std::vector<Case> Cases() {
  std::vector<Case> all = {UrlCase(), ConnectionCase()};
  for (const auto& cases : {TokenCases(), ChatCases()}) all.insert(all.end(), cases.begin(), cases.end());
  return all;
}

TEST(MisplacedTest, EachKindHasHits) {
  for (const Case& each : Cases()) {
    for (const std::string& hit : each.hits) EXPECT_EQ(KindsIn(hit), std::set<std::string>{each.kind}) << hit;
  }
}

TEST(MisplacedTest, NearMissesAreNone) {
  for (const Case& each : Cases()) {
    for (const std::string& miss : each.misses) EXPECT_EQ(KindsIn(miss), std::set<std::string>{}) << miss;
  }
}

TEST(MisplacedTest, SeveralKindsOfOneTextAreAllFound) {
  EXPECT_EQ(KindsIn("http://u:pw@h/ AKIAIOSFODNN7EXAMPLE"), (std::set<std::string>{"url-password", "aws-access-key"}));
}

TEST(MisplacedTest, KeysThatNameASecretAreTold) {
  for (const char* name : {"password",
                           "Password",
                           "basicAuthPassword",
                           "sslPassphrase",
                           "client_secret",
                           "clientSecret",
                           "secretKey",
                           "token",
                           "api_token",
                           "bottoken",
                           "apiKey",
                           "api-key",
                           "X-Api-Key",
                           "accessKey",
                           "privateKey",
                           "tlsClientKey",
                           "sharedKey",
                           "connectionString",
                           "integrationKey",
                           "httpHeaderValue1",
                           "authorization",
                           "authorization_credentials",
                           "authorizationHeader",
                           "proxy-authorization-header",
                           "passwordValue",
                           "secret_id",
                           "vaultSecretId",
                           "appRoleSecretID",
                           "userPwd"}) {
    EXPECT_TRUE(IsSecretName(name)) << name;
  }
  for (const char* name : {"",
                           "user",
                           "tokenUrl",
                           "token_url",
                           "tokenUri",
                           "accessKeyId",
                           "secretName",
                           "secretArn",
                           "passwordFile",
                           "privateKeyPath",
                           "httpHeaderName1",
                           "authType",
                           "tokenType",
                           "maxTokens",
                           "keyCookies",
                           "timeField",
                           "authorization_scheme",
                           "signatureVersion",
                           "secretsManager.name",
                           "clientSecretId",
                           "managedSecretId",
                           "authHeader",
                           "authorizationHeaderName",
                           "secretMigrationStatus",
                           "passwordMaxAge",
                           "secretTtl",
                           "password_hint",
                           "passwordField",
                           "publicKey",
                           "database"}) {
    EXPECT_FALSE(IsSecretName(name)) << name;
  }
}

using Places = std::vector<std::string>;

Places PlacesIn(CellEncoding encoding, std::string_view cell, bool* ok = nullptr) {
  Places places;
  const Status searched =
      FindMisplacedIn(encoding, AsBytes(cell), [&places](std::string_view path, MisplacedKind kind) {
        places.push_back(std::string(path) + ":" + std::string(MisplacedKindName(kind)));
      });
  if (ok != nullptr) *ok = searched.ok();
  return places;
}

TEST(MisplacedTest, SettingsAreSearchedByKeyAndByPattern) {
  const char* const cell = R"({"tokenUrl": "https://x", "password": "hunter2", "nested": [{"api_key": "a"}],
      "url": "http://u:pw@h/", "token": "", "secret": 7, "authorization": "${TOKEN}", "apiToken": true,
      "accessKey": "AKIAIOSFODNN7EXAMPLE"})";
  EXPECT_EQ(PlacesIn(CellEncoding::kSettings, cell), (Places{"password:named-key", "nested[0].api_key:named-key",
                                                             "url:url-password", "accessKey:aws-access-key"}));
}

TEST(MisplacedTest, NumbersOfFourDigitsAndMoreMayBeSecrets) {
  EXPECT_EQ(PlacesIn(CellEncoding::kSettings, R"({"password": 123456789, "a": {"pwd": -1234}, "token": 12.5,
      "secret": 999, "passphrase": null, "sslPassword": false, "port": 123456789})"),
            (Places{"password:named-key", "a.pwd:named-key", "token:named-key"}));
}

TEST(MisplacedTest, SettingsMayBeText) {
  bool ok = false;
  const auto encoding = CellEncoding::kMaybeSettings;
  EXPECT_EQ(PlacesIn(encoding, R"({"apiToken": "x", "url": "http://u:pw@h/"})", &ok),
            (Places{"apiToken:named-key", "url:url-password"}));
  for (const char* text : {"see http://u:pw@h/ for it", "{curly} http://u:pw@h/"}) {
    EXPECT_EQ(PlacesIn(encoding, text, &ok), (Places{":url-password"})) << text;
    EXPECT_TRUE(ok) << text;
  }
  EXPECT_EQ(PlacesIn(encoding, "password"), Places{});
}

TEST(MisplacedTest, ResourcesAreSearchedByKeyWhereNoBlobBelongs) {
  EXPECT_EQ(
      PlacesIn(CellEncoding::kResourceJson,
               R"({"spec": {"github": {"token": "x", "encryptedToken": "y"}}, "secure": {"token": {"name": "n"}}})"),
      (Places{"spec.github.token:named-key"}));
}

TEST(MisplacedTest, TextIsSearchedByPatternAlone) {
  EXPECT_EQ(PlacesIn(CellEncoding::kText, R"({"password": "hunter2", "panels": [{"url": "http://u:pw@h/"}]})"),
            (Places{"panels[0].url:url-password"}));
  EXPECT_EQ(PlacesIn(CellEncoding::kText, "see http://u:pw@h/ for it"), (Places{":url-password"}));
  EXPECT_EQ(PlacesIn(CellEncoding::kText, "{curly} http://u:pw@h/"), (Places{":url-password"}));
  EXPECT_EQ(PlacesIn(CellEncoding::kText, R"({"a": "http://u:pw@h/", "b": "AKIAIOSFODNN7EXAMPLE)"),
            (Places{"a:url-password", ":aws-access-key"}));
}

TEST(MisplacedTest, EscapedSlashesAreSeenThrough) {
  EXPECT_EQ(PlacesIn(CellEncoding::kText, R"({"a": "http:\/\/u:pw@h\/"})"), (Places{"a:url-password"}));
  EXPECT_EQ(PlacesIn(CellEncoding::kText, R"({"a": "http://u:p\u0026w@h/"})"), (Places{"a:url-password"}));
}

// As Go, Java and PHP write JSON.
std::string Quoted(const std::string& text, bool escapes_slashes, bool escapes_html) {
  std::string quoted = "\"";
  for (const char c : text) {
    const bool is_html = c == '<' || c == '>' || c == '&' || c == '=' || c == '\'';
    if (is_html && escapes_html) {
      quoted += "\\u00" + ToHex(AsBytes(std::string_view(&c, 1)));
    } else if (c == '\n' || c == '\r' || c == '\t') {
      quoted += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    } else {
      if (c == '"' || c == '\\' || (c == '/' && escapes_slashes)) quoted += '\\';
      quoted += c;
    }
  }
  return quoted + "\"";
}

TEST(MisplacedTest, EachHitIsFoundInACellAsWell) {
  for (const Case& each : Cases()) {
    for (const std::string& hit : each.hits) {
      EXPECT_EQ(PlacesIn(CellEncoding::kText, hit), Places{std::string(":") + each.kind}) << hit;
      for (const auto& [slashes, html] : {std::pair(false, false), std::pair(true, false), std::pair(false, true)}) {
        const std::string cell = "{\"a\": " + Quoted(hit, slashes, html) + "}";
        EXPECT_EQ(PlacesIn(CellEncoding::kText, cell), Places{std::string("a:") + each.kind}) << cell;
      }
    }
  }
}

TEST(MisplacedTest, SettingsThatAreNoJsonAreSearchedAndReported) {
  bool ok = true;
  EXPECT_EQ(PlacesIn(CellEncoding::kSettings, "http://u:pw@h/", &ok), (Places{":url-password"}));
  EXPECT_FALSE(ok);
  PlacesIn(CellEncoding::kSettings, "{}", &ok);
  EXPECT_TRUE(ok);
}

TEST(MisplacedTest, WhatIsASecretsPlaceIsLeftToItsReader) {
  const char* const alerting = R"({"receivers": [{"settings": {"url": "http://u:pw@h/", "password": "x"},
      "secureSettings": {"url": "http://u:pw@h/", "password": "x"}}]})";
  EXPECT_EQ(PlacesIn(CellEncoding::kAlertingJson, alerting),
            (Places{"receivers[0].settings.url:url-password", "receivers[0].settings.password:named-key"}));
  EXPECT_EQ(PlacesIn(CellEncoding::kSsoJson, R"({"client_secret": "http://u:pw@h/", "api_url": "http://u:pw@h/"})"),
            (Places{"api_url:url-password"}));
  EXPECT_EQ(PlacesIn(CellEncoding::kJsonMap, R"({"a": "http://u:pw@h/"})"), Places{});
}

TEST(MisplacedTest, ManyStartsAreReadInLinearTime) {
  // Each would take minutes if every start read all that follows.
  const std::size_t kMany = 2'000'000;
  for (const std::string part : {"eyJ",
                                 "eyJ-",
                                 "eyJ.",
                                 "eyJ/",
                                 "xoxb-",
                                 "xoxb-a",
                                 "glc_eyJ/",
                                 "http://",
                                 "http://a?",
                                 "-----BEGIN ",
                                 "password=",
                                 " password=",
                                 "://a:b",
                                 "http://a?password=&",
                                 "ghp_",
                                 "AKIA",
                                 "AKIA ",
                                 "@",
                                 "host=;",
                                 "(password=$",
                                 "(password=${",
                                 "(password=%",
                                 "password=x (host=",
                                 "password =",
                                 " password ",
                                 "password='",
                                 "@tcp(",
                                 "a:$b@tcp(",
                                 ":AA",
                                 "1:AA",
                                 "123456789:AA",
                                 "discord.com/api/",
                                 "discord.com/api/v1"}) {
    std::string text;
    while (text.size() < kMany) text += part;
    KindsIn(text + "}");  // of a placeholder that may have begun at any of them
  }
}

}  // namespace
}  // namespace coffer::grafana
