// Callers with a bearer token over TLS: known by a token that is verified, and by nothing else.
#include <ctime>

#include <openssl/pem.h>

#include "crypto/hash.h"
#include "io/file.h"
#include "keysvc/rpc/tls_credentials.h"
#include "tests/client/test_certificates.h"
#include "tests/keysvc/rpc/rpc_fixture.h"
#include "tests/policy/jwt_fixture.h"
#include "tests/support/wait_until.h"

namespace coffer::keysvc {
namespace {

using policy::tokens::Json;
using policy::tokens::Members;
using policy::tokens::With;
using policy::tokens::Without;

constexpr char kOrders[] = "spiffe://example.org/role/app/orders";
constexpr char kPod[] =
    R"({"namespace":"shop","pod":{"name":"orders-7f","uid":"u1"},"serviceaccount":{"name":"orders","uid":"u2"}})";

std::string KeySetOf(const JwsSigner& signer, const std::string& key_id) {
  return "{\"keys\":[{" + signer.JwkMembers() + ",\"kid\":\"" + key_id + "\"}]}";
}

class JwtIdentityTest : public RpcFixture {
 protected:
  // Before this process's first use of TLS, as in main().
  static void SetUpTestSuite() { AllowTls13Only(); }

  void SetUp() override {
    client::MakeAuthority(folder.path(), "ca");
    client::MakeCertificate(folder.path(), "server", "ca", "DNS:localhost");
    client::MakeCertificate(folder.path(), "admin", "ca", "URI:spiffe://example.org/role/admin/root");
    WriteKeys(KeySetOf(issuer, "rsa"));
    StartShop(WithTokens());
    ASSERT_GT(daemon->token_port(), 0);
  }

  void WriteKeys(const std::string& text) const {
    ASSERT_TRUE(ReplaceFile(folder / "issuer.jwks", AsBytes(text), 0644).ok());
  }
  Config WithTokens() const {
    Config config = DefaultSockets();
    config.tokens =
        TokensConfig{.listen = "127.0.0.1:0", .certificate = folder / "server.crt", .key = folder / "server.key"};
    JwtConfig jwt;
    jwt.rules.issuer = "https://issuer.example";
    jwt.rules.audience = "coffer";
    jwt.rules.subject = "system:serviceaccount:shop:orders";
    jwt.rules.kubernetes_namespace = "shop";
    jwt.rules.service_account = "orders";
    jwt.rules.require_bound_pod = true;
    jwt.keys = folder / "issuer.jwks";
    jwt.principal = policy::ParseBearerPrincipal(kOrders).value();
    config.jwt.push_back(std::move(jwt));
    config.tcp = TcpConfig{.listen = "127.0.0.1:0",
                           .certificate = folder / "server.crt",
                           .key = folder / "server.key",
                           .client_ca = folder / "ca.crt",
                           .trust_domain = "example.org"};
    return config;
  }

  static Members Header() { return {{"alg", "\"RS256\""}, {"kid", "\"rsa\""}, {"typ", "\"JWT\""}}; }
  // As of now, but for `age_s`.
  static Members Claims(std::int64_t age_s = 0) {
    const std::int64_t issued = std::time(nullptr) - age_s;
    return {{"iss", "\"https://issuer.example\""},
            {"aud", "\"coffer\""},
            {"sub", "\"system:serviceaccount:shop:orders\""},
            {"iat", std::to_string(issued)},
            {"nbf", std::to_string(issued)},
            {"exp", std::to_string(issued + 600)},
            {"kubernetes.io", kPod}};
  }
  std::string TokenOf(const Members& claims) const { return issuer.Token(Json(Header()), Json(claims)); }
  // What confuses libraries: the public key, as everybody has it, as the secret of an HMAC.
  std::string HmacToken() const {
    const internal::Owned<BIO, BIO_free_all> pem(BIO_new(BIO_s_mem()));
    EXPECT_EQ(PEM_write_bio_PUBKEY(pem.get(), issuer.evp_key()), 1);
    Bytes secret(4096);
    secret.resize(static_cast<std::size_t>(BIO_read(pem.get(), secret.data(), 4096)));
    const std::string text =
        ToBase64Url(AsBytes(Json(With(Header(), "alg", "\"HS256\"")))) + "." + ToBase64Url(AsBytes(Json(Claims())));
    return text + "." + ToBase64Url(HmacSha256(secret, {AsBytes(text)}));
  }
  static Metadata Bearer(const std::string& token) { return {{"authorization", "Bearer " + token}}; }

  Wire NewWire(const std::string& certificate = "") const {
    return Wire::ToTls(daemon->token_port(), folder.path(), certificate);
  }
  Answer GetStatus(const std::string& token) const {
    return NewWire().Call("AdminService.GetStatus", "", Bearer(token));
  }
  static void ExpectRefused(const Answer& answer, const std::string& sentence, const std::string& what) {
    EXPECT_EQ(answer.code, grpc::StatusCode::UNAUTHENTICATED) << what << " " << answer.ToText();
    EXPECT_EQ(answer.error, "unauthenticated") << what;
    EXPECT_EQ(answer.message, sentence) << what;
    EXPECT_EQ(answer.body, "") << what;
  }

  const JwsSigner issuer = JwsSigner::Rsa();
};

TEST_F(JwtIdentityTest, ATokensCallerIsThePrincipalAndHasItsRole) {
  const Wire wire = NewWire();
  const Metadata bearer = Bearer(TokenOf(Claims()));
  for (int call = 0; call < 2; ++call) {
    EXPECT_EQ(wire.Call("AdminService.GetStatus", "", bearer).As<v1::GetStatusResponse>().principal(), kOrders);
  }
  EXPECT_TRUE(wire.Call("SecretService.GetSecret", "path: 'app/db'", bearer).ok());
  EXPECT_EQ(wire.Call("KeyService.RotateKeyring", "name: 'shop'", bearer).code, grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(wire.Call("AdminService.Seal", "", bearer).code, grpc::StatusCode::PERMISSION_DENIED);
  std::vector<v1::AuditRecord> found;
  EXPECT_TRUE(WaitUntil([&] {
    found = AuditRecords("filter { principal: '" + std::string(kOrders) + "' }");
    return found.size() == 5;
  })) << found.size();
  for (const v1::AuditRecord& record : found) {
    EXPECT_EQ(record.authentication(), "jwt");
    EXPECT_EQ(record.role(), "app");
    EXPECT_EQ(record.peer().find("ipv4:127.0.0.1:"), 0U);
  }
}

TEST_F(JwtIdentityTest, OtherTokensAreNobodys) {
  const std::string issuers = "the token's iss and sub are not an issuer and its subject of ours";
  const std::string unsigned_text =
      ToBase64Url(AsBytes(Json(With(Header(), "alg", "\"none\"")))) + "." + ToBase64Url(AsBytes(Json(Claims()))) + ".";
  const auto pod = [](const std::string& from, const std::string& to) {
    std::string text = kPod;
    return With(Claims(), "kubernetes.io", text.replace(text.find(from), from.size(), to));
  };
  const std::vector<std::tuple<std::string, std::string, std::string>> cases = {
      {"none, with a signature", unsigned_text + "AAAA", "the token's alg is none of ES256, RS256 and EdDSA"},
      {"none", unsigned_text, "the token is not three parts with dots between them"},
      {"HS256 under the public key", HmacToken(), "the token's alg is none of ES256, RS256 and EdDSA"},
      {"expired", TokenOf(Claims(900)), "the token has expired by its exp"},
      {"not yet valid", TokenOf(With(Claims(), "nbf", std::to_string(std::time(nullptr) + 300))),
       "the token is not valid yet by its nbf"},
      {"of the future", TokenOf(Claims(-300)), "the token's iat is in the future"},
      {"too long a life", TokenOf(With(Claims(), "exp", std::to_string(std::time(nullptr) + 3600))),
       "the token's life, from iat to exp, is longer than allowed, in seconds (limit 600)"},
      {"wrong audience", TokenOf(With(Claims(), "aud", "\"kubernetes\"")),
       "the token's aud is not the audience that is asked for, and does not hold it"},
      {"wrong issuer", TokenOf(With(Claims(), "iss", "\"https://evil.example\"")), issuers},
      {"wrong subject", TokenOf(With(Claims(), "sub", "\"system:serviceaccount:shop:other\"")), issuers},
      {"wrong namespace", TokenOf(pod("\"shop\"", "\"other\"")),
       "the token's kubernetes.io is not of the namespace that is asked for"},
      {"wrong service account", TokenOf(pod("\"orders\"", "\"default\"")),
       "the token's kubernetes.io is not of the serviceaccount that is asked for"},
      {"no bound pod", TokenOf(pod(R"("pod":{"name":"orders-7f","uid":"u1"},)", "")),
       "the token's kubernetes.io names no pod that the token is bound to"},
      {"no claims of Kubernetes", TokenOf(Without(Claims(), "kubernetes.io")),
       "the token's kubernetes.io is not of the namespace that is asked for"},
      {"another's key", JwsSigner::Rsa().Token(Json(Header()), Json(Claims())),
       "the token's signature is not of its key"},
      {"an unknown key", issuer.Token(Json(With(Header(), "kid", "\"other\"")), Json(Claims())),
       "the token's kid names no key of the key set"},
      {"longer than the limit", TokenOf(With(Claims(), "pad", "\"" + std::string(7000, 'a') + "\"")),
       "the token is longer than allowed, in bytes (limit 8192)"},
  };
  const std::string before = Counts();
  const Wire wire = NewWire();
  for (const auto& [what, token, sentence] : cases) {
    ExpectRefused(wire.Call("SecretService.GetSecret", "path: 'app/db'", Bearer(token)), sentence, what);
  }
  EXPECT_EQ(Counts(), before);
  EXPECT_TRUE(wire.Call("SecretService.GetSecret", "path: 'app/db'", Bearer(TokenOf(Claims()))).ok());
}

TEST_F(JwtIdentityTest, ThereIsExactlyOneAuthorization) {
  const std::string token = TokenOf(Claims());
  const Wire wire = NewWire();
  const auto call = [&wire](const Metadata& metadata) { return wire.Call("AdminService.GetStatus", "", metadata); };
  EXPECT_TRUE(call({{"authorization", "bearer " + token}}).ok());
  const std::string two = "the call has more than one authorization";
  ExpectRefused(call({{"authorization", "Bearer " + token}, {"authorization", "Bearer " + token}}), two, "twice");
  ExpectRefused(call({{"authorization", "Basic dXNlcg"}, {"authorization", "Bearer " + token}}), two, "two schemes");
  const std::string form = "the call's authorization is not of the form Bearer TOKEN";
  ExpectRefused(call({{"authorization", "Basic " + token}}), form, "another scheme");
  ExpectRefused(call({{"authorization", token}}), form, "no scheme");
  ExpectRefused(call({{"x-authorization", "Bearer " + token}, {"cookie", "Bearer " + token}}),
                "a bearer token is required, as metadata: authorization: Bearer TOKEN", "another name");
}

TEST_F(JwtIdentityTest, NoRpcIsAnsweredWithoutAToken) {
  const std::string before = Counts();
  const Wire nobody = NewWire();
  const Wire admin = NewWire("admin");
  for (const Rpc& rpc : AllRpcs()) {
    for (const Wire* const wire : {&nobody, &admin}) {
      ExpectRefused(wire->Call(rpc.name, rpc.sample),
                    "a bearer token is required, as metadata: authorization: Bearer TOKEN", rpc.name);
    }
  }
  EXPECT_EQ(Counts(), before);
}

TEST_F(JwtIdentityTest, ATokenIsNoCertificate) {
  const Wire wire = Wire::ToTls(daemon->tcp_port(), folder.path(), "");
  const Answer answer = wire.Call("AdminService.GetStatus", "", Bearer(TokenOf(Claims())));
  EXPECT_EQ(answer.code, grpc::StatusCode::UNAVAILABLE) << answer.ToText();
  EXPECT_EQ(answer.error, "") << "no call of ours answered";
  EXPECT_FALSE(wire.Serving().has_value()) << "not even the health service did";
  const Wire admin = Wire::ToTls(daemon->tcp_port(), folder.path(), "admin");
  const auto status = admin.Call("AdminService.GetStatus", "", Bearer(TokenOf(Claims())));
  EXPECT_EQ(status.As<v1::GetStatusResponse>().principal(), "spiffe://example.org/role/admin/root");
}

TEST_F(JwtIdentityTest, Tls12IsRefusedForTokensToo) {
  EXPECT_NE(OpenSslClient(daemon->token_port(), folder.path(), "-tls1_2", ""), 0);
  EXPECT_EQ(OpenSslClient(daemon->token_port(), folder.path(), "-tls1_3", ""), 0)
      << "the same client with TLS 1.3 gets a connection, and needs no certificate";
}

TEST_F(JwtIdentityTest, RotatedKeysCountWithoutARestartAndBrokenOnesDoNot) {
  const JwsSigner next = JwsSigner::P256();
  const std::string old_token = TokenOf(Claims());
  const std::string new_token = next.Token(R"({"alg":"ES256","kid":"next"})", Json(Claims()));
  ASSERT_TRUE(GetStatus(old_token).ok());
  ExpectRefused(GetStatus(new_token), "the token's kid names no key of the key set", "before its key is there");

  WriteKeys(KeySetOf(next, "next"));
  EXPECT_TRUE(WaitUntil([&] { return GetStatus(new_token).ok(); }));
  ExpectRefused(GetStatus(old_token), "the token's kid names no key of the key set", "known, and its key is gone");

  for (const std::string& broken : {std::string("{\"keys\":["), std::string()}) {
    WriteKeys(broken);
    const std::size_t told = Log().size();
    EXPECT_TRUE(WaitUntil([&] {
      return Log().find("tokens are verified with the keys that were there before: ", told) != std::string::npos;
    }));
    EXPECT_TRUE(GetStatus(next.Token(R"({"alg":"ES256","kid":"next"})", Json(Claims(1)))).ok()) << "not a known one";
  }
  WriteKeys(KeySetOf(issuer, "rsa"));
  EXPECT_TRUE(WaitUntil([&] { return GetStatus(old_token).ok(); }));
}

TEST_F(JwtIdentityTest, WithoutKeysNoDaemonStarts) {
  daemon.reset();
  WriteKeys("{}");
  const auto started = Daemon::Start(WithTokens(), true);
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_NE(started.error().ToString().find("issuer.jwks"), std::string::npos) << started.error().ToString();
}

TEST_F(JwtIdentityTest, RefusedTokensAreCountedInTheAuditLog) {
  const std::string expired = "the token has expired by its exp";
  const std::string none = "a bearer token is required, as metadata: authorization: Bearer TOKEN";
  for (int i = 0; i < 3; ++i) ExpectRefused(NewWire().Call("AdminService.GetStatus", ""), none, "none");
  ExpectRefused(GetStatus(TokenOf(Claims(900))), expired, "expired");
  StartDaemon(WithTokens());  // the one before writes what it has counted
  std::map<std::string, std::uint64_t> counted;
  for (const v1::AuditRecord& record : RefusedIdentitiesOf(4)) {
    EXPECT_EQ(record.operation(), "Authenticate");
    EXPECT_EQ(record.authentication(), "jwt");
    EXPECT_EQ(record.principal(), "") << "what a token says of itself is nobody";
    EXPECT_EQ(record.peer().find("ipv4:127.0.0.1:"), 0U) << record.peer();
    counted[record.failure()] += record.items();
  }
  EXPECT_EQ(counted, (std::map<std::string, std::uint64_t>{{none, 3}, {expired, 1}}));
}

TEST_F(JwtIdentityTest, NothingOfATokenIsLeftAnywhere) {
  const Wire wire = NewWire();
  const Members claims = With(Claims(), "jti", "\"canary7f3a91\"");
  const std::string good = TokenOf(claims);
  const std::string expired = TokenOf(With(claims, "exp", std::to_string(std::time(nullptr) - 60)));
  const std::string forged = JwsSigner::Rsa().Token(Json(Header()), Json(claims));
  const std::string longer = TokenOf(With(claims, "pad", "\"" + std::string(7000, 'p') + "\""));
  std::string said;
  for (const std::string& token : {good, expired, forged, longer}) {
    for (const Metadata& metadata :
         {Bearer(token), Metadata{{"authorization", "Basic " + token}},
          Metadata{{"authorization", "Bearer " + token}, {"authorization", "Bearer " + token}}}) {
      for (const char* const rpc : {"AdminService.GetStatus", "KeyService.RotateKek", "SecretService.DeleteSecret"}) {
        said += wire.Call(rpc,
                          rpc[0] == 'A'   ? ""
                          : rpc[0] == 'K' ? "name: 'shop'"
                                          : "path: 'no/such'",
                          metadata)
                    .ToText();
      }
    }
  }
  daemon.reset();  // whatever it still had to write
  said += Log();
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data_dir())) {
    if (!entry.is_regular_file()) continue;
    said += client::ReadTestFile(entry.path());
    ++files;
  }
  EXPECT_GT(files, 5U);
  EXPECT_NE(said.find("Authenticate"), std::string::npos) << "the refusals are there";
  std::vector<std::string> needles = {"canary7f3a91"};
  for (const std::string& token : {good, expired, forged, longer}) {
    const std::size_t first = token.find('.');
    const std::size_t last = token.rfind('.');
    needles.push_back(token.substr(0, first));
    for (std::size_t at = first + 1; at + 24 < token.size(); at += 97) needles.push_back(token.substr(at, 24));
    needles.push_back(token.substr(last + 1));
  }
  for (const std::string& needle : needles) EXPECT_EQ(said.find(needle), std::string::npos) << needle;
}

}  // namespace
}  // namespace coffer::keysvc
