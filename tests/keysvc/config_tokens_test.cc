// The listener for bearer tokens and whose tokens are believed: what is refused and where it says so, what is read.
#include "tests/keysvc/config_fixture.h"

namespace coffer::keysvc {
namespace {

constexpr char kTokens[] = R"(data_dir = "/d"
[tokens]
listen = "0.0.0.0:7444"
certificate = "/tls/cert.pem"
key = "/tls/key.pem"
)";
// On the lines 6 to 13.
constexpr char kPod[] = R"([[jwt]]
issuer = "https://kubernetes.default.svc"
audience = "coffer"
keys = "/etc/coffer/cluster.jwks"
subject = "system:serviceaccount:shop:orders"
namespace = "shop"
service_account = "orders"
principal = "spiffe://example.org/role/app/orders"
)";
constexpr char kPlain[] = R"([[jwt]]
issuer = "https://issuer.example"
audience = "coffer"
keys = "/etc/coffer/issuer.jwks"
subject = "orders"
principal = "spiffe://example.org/role/backup-agent/orders"
)";

// So many tables, each of another subject.
std::string Tables(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += With(kPlain, "\"orders\"", "\"orders-" + std::to_string(i) + "\"");
  return text;
}

TEST(ConfigTokensTest, ATokenOfAPodIsBoundToAllThatNamesIt) {
  const Result<Config> config = ParseConfig(std::string(kTokens) + kPod + kPlain, kOwnUid);
  ASSERT_TRUE(config.ok()) << config.error().ToString();
  ASSERT_TRUE(config->tokens.has_value());
  EXPECT_EQ(config->tokens->listen, "0.0.0.0:7444");
  EXPECT_EQ(config->tokens->certificate, "/tls/cert.pem");
  EXPECT_EQ(config->tokens->key, "/tls/key.pem");
  EXPECT_FALSE(config->tcp.has_value());
  ASSERT_EQ(config->jwt.size(), 2U);
  const JwtConfig& pod = config->jwt[0];
  EXPECT_EQ(pod.keys, "/etc/coffer/cluster.jwks");
  EXPECT_EQ(pod.rules.issuer, "https://kubernetes.default.svc");
  EXPECT_EQ(pod.rules.audience, "coffer");
  EXPECT_EQ(pod.rules.subject, "system:serviceaccount:shop:orders");
  EXPECT_EQ(pod.rules.max_life_s, 600);
  EXPECT_EQ(pod.rules.kubernetes_namespace, "shop");
  EXPECT_EQ(pod.rules.service_account, "orders");
  EXPECT_TRUE(pod.rules.require_bound_pod);
  EXPECT_EQ(pod.principal, (policy::Principal{"spiffe://example.org/role/app/orders", policy::Role::kApp,
                                              policy::Principal::Method::kJwt}));
  const JwtConfig& plain = config->jwt[1];
  EXPECT_EQ(plain.rules.subject, "orders");
  EXPECT_FALSE(plain.rules.kubernetes_namespace.has_value());
  EXPECT_FALSE(plain.rules.service_account.has_value());
  EXPECT_FALSE(plain.rules.require_bound_pod);
  EXPECT_EQ(plain.principal.role, policy::Role::kBackupAgent);
}

TEST(ConfigTokensTest, TheListenerHasANameAndNeedsNoTable) {
  const Result<Config> plain = ParseConfig(kTokens, kOwnUid);
  ASSERT_TRUE(plain.ok()) << plain.error().ToString();
  ASSERT_TRUE(plain->tokens.has_value());
  EXPECT_EQ(plain->tokens->name, "tokens");
  EXPECT_TRUE(plain->jwt.empty());
  const Result<Config> named = ParseConfig(std::string(kTokens) + "name = \"edge-2\"\n" + kPlain, kOwnUid);
  ASSERT_TRUE(named.ok()) << named.error().ToString();
  EXPECT_EQ(named->tokens->name, "edge-2");
  EXPECT_EQ(named->jwt.size(), 1U);
}

TEST(ConfigTokensTest, WithoutTheTablesThereAreNone) {
  const Result<Config> config = ParseConfig("data_dir = \"/d\"", kOwnUid);
  ASSERT_TRUE(config.ok());
  EXPECT_FALSE(config->tokens.has_value());
  EXPECT_TRUE(config->jwt.empty());
}

TEST(ConfigTokensTest, RefusesAWrongListener) {
  const std::string list = "must be a list of 1 to 16 tables";
  for (const BadConfig& bad : std::vector<BadConfig>{
           {std::string(kTokens) + "[jwt]\nissuer = \"i\"", "jwt", 6, list, 16},
           {std::string("jwt = []\n") + kTokens, "jwt", 1, list, 16},
           {std::string("jwt = [\"i\"]\n") + kTokens, "jwt", 1, "must be a table"},
           {std::string(kTokens) + Tables(17), "jwt", 6, list, 16},
           {std::string("data_dir = \"/d\"\n") + kPlain, "tokens", 2, "is missing: [[jwt]] needs a listener"},
           {std::string("data_dir = \"/d\"\ntokens = \"0.0.0.0:7444\"\n") + kPlain, "tokens", 2, "must be a table"},
           {With(kTokens, "listen = \"0.0.0.0:7444\"\n", ""), "tokens.listen", 2, "is missing"},
           {With(kTokens, "0.0.0.0:7444", ""), "tokens.listen", 3, "not empty"},
           {With(kTokens, "certificate = \"/tls/cert.pem\"\n", ""), "tokens.certificate", 2, "is missing"},
           {With(kTokens, "/tls/cert.pem", "cert.pem"), "tokens.certificate", 4, "absolute path"},
           {With(kTokens, "key = \"/tls/key.pem\"\n", ""), "tokens.key", 2, "is missing"},
           {With(kTokens, "/tls/key.pem", "key.pem"), "tokens.key", 5, "absolute path"},
           {With(kTokens, "listen =", "name = \"To kens\"\nlisten ="), "tokens.name", 3, "[a-z0-9][a-z0-9-]{0,62}"},
           {With(kTokens, "listen =", "name = \"\"\nlisten ="), "tokens.name", 3, "not empty"},
           {With(kTokens, "listen =", "name = 7\nlisten ="), "tokens.name", 3, "must be a text"},
           {std::string(kTokens) + "client_ca = \"/tls/ca.pem\"\n", "tokens.client_ca", 6, "not a key"},
       }) {
    ExpectRefused(bad);
  }
}

TEST(ConfigTokensTest, RefusesAWrongTable) {
  const std::string both = "is missing: a service account is named by namespace and service_account";
  const std::string subject = "must be system:serviceaccount:NAMESPACE:SERVICE_ACCOUNT";
  const auto pod = [](const std::string& from, const std::string& to) { return kTokens + With(kPod, from, to); };
  const auto plain = [](const std::string& from, const std::string& to) { return kTokens + With(kPlain, from, to); };
  for (const BadConfig& bad : std::vector<BadConfig>{
           {plain("issuer = \"https://issuer.example\"\n", ""), "jwt.issuer", 6, "is missing"},
           {plain("https://issuer.example", ""), "jwt.issuer", 7, "not empty"},
           {plain("https://issuer.example", std::string(1025, 'i')), "jwt.issuer", 7, "1 to 1024 characters"},
           {plain("audience = \"coffer\"\n", ""), "jwt.audience", 6, "is missing"},
           {plain("\"coffer\"", "[\"coffer\"]"), "jwt.audience", 8, "must be a text"},
           {plain("\"coffer\"", "\"" + std::string(1025, 'a') + "\""), "jwt.audience", 8, "1 to 1024 characters"},
           {plain("keys = \"/etc/coffer/issuer.jwks\"\n", ""), "jwt.keys", 6, "is missing"},
           {plain("/etc/coffer/issuer.jwks", "https://issuer.example/keys"), "jwt.keys", 9, "absolute path"},
           {plain("subject = \"orders\"\n", ""), "jwt.subject", 6, "is missing"},
           {plain("subject = \"orders\"", "subject = \"\""), "jwt.subject", 10, "not empty"},
           {plain("subject = \"orders\"", "subject = \"o rders\""), "jwt.subject", 10, "visible ASCII"},
           {plain("subject = \"orders\"", "subject = \"" + std::string(257, 's') + "\""), "jwt.subject", 10,
            "1 to 256"},
           {plain("principal = \"spiffe://example.org/role/backup-agent/orders\"\n", ""), "jwt.principal", 6,
            "is missing"},
           {plain("principal", "max_life_s = 3600\nprincipal"), "jwt.max_life_s", 11, "not a key"},
           {plain("principal", "algorithms = [\"HS256\"]\nprincipal"), "jwt.algorithms", 11, "not a key"},
           {pod("namespace = \"shop\"\n", ""), "jwt.namespace", 6, both},
           {pod("service_account = \"orders\"\n", ""), "jwt.service_account", 6, both},
           {pod("namespace = \"shop\"\nservice_account = \"orders\"\n", ""), "jwt.namespace", 6, both},
           {pod("namespace = \"shop\"", "namespace = \"\""), "jwt.namespace", 11, "not empty"},
           {pod("namespace = \"shop\"", "namespace = \"default\""), "jwt.subject", 10, subject},
           {pod("service_account = \"orders\"", "service_account = \"default\""), "jwt.subject", 10, subject},
           {pod("system:serviceaccount:shop:orders", "orders"), "jwt.subject", 10, subject},
           {std::string(kTokens) + kPlain + kPlain, "jwt.subject", 16, "another table with the same issuer"},
       }) {
    ExpectRefused(bad);
  }
}

// A bearer token can be copied: whoever may read the audit log, restore or administer needs a certificate or a socket.
TEST(ConfigTokensTest, RefusesAPrincipalThatNoBearerMayBe) {
  const std::string app = "spiffe://example.org/role/app/orders";
  for (const char* const role : {"admin", "restorer", "auditor"}) {
    ExpectRefused({kTokens + With(kPod, "/role/app/", std::string("/role/") + role + "/"), "jwt.principal", 13,
                   "has a role that no bearer token may have"});
  }
  for (const char* const text : {"unix:app:0", "spiffe://example.org/role/root/orders", "spiffe://example.org/orders",
                                 "spiffe://Example.org/role/app/orders", "orders"}) {
    ExpectRefused({kTokens + With(kPod, app, text), "jwt.principal", 13, "must be spiffe://DOMAIN/role/ROLE/NAME"});
  }
  for (const char* const role : {"app", "dba", "backup-agent"}) {
    EXPECT_TRUE(ParseConfig(kTokens + With(kPod, "/role/app/", std::string("/role/") + role + "/"), kOwnUid).ok());
  }
}

TEST(ConfigTokensTest, TheLimitsThemselvesAreAccepted) {
  const Result<Config> config = ParseConfig(kTokens + Tables(16), kOwnUid);
  ASSERT_TRUE(config.ok()) << config.error().ToString();
  EXPECT_EQ(config->jwt.size(), 16U);
  const std::string other_issuer = With(kPlain, "https://issuer.example", "https://other.example");
  EXPECT_TRUE(ParseConfig(kTokens + (kPlain + other_issuer), kOwnUid).ok()) << "the same subject of another issuer";
}

}  // namespace
}  // namespace coffer::keysvc
