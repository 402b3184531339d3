// A certificate that is denied: refused from its next call on, on a connection that is open, and taken again when it is
// allowed again.
#include <future>

#include "coffer/v1/admin.pb.h"
#include "coffer/v1/identity.pb.h"
#include "crypto/certificate.h"
#include "tests/client/test_certificates.h"
#include "tests/keysvc/rpc/door_fixture.h"
#include "tests/keysvc/rpc/refused_records.h"
#include "tests/support/wait_until.h"

namespace coffer::keysvc {
namespace {

constexpr char kShop[] = "spiffe://example.org/role/app/shop";
constexpr char kSentence[] = "the certificate is denied";

class DeniedCertificateTest : public DoorFixture {
 protected:
  // Before this process's first use of TLS, as in main().
  static void SetUpTestSuite() { AllowTls13Only(); }

  void SetUp() override {
    client::MakeAuthority(folder.path(), "ca");
    client::MakeCertificate(folder.path(), "server", "ca", "DNS:localhost");
    client::MakeCertificate(folder.path(), "shop", "ca", std::string("URI:") + kShop);
    client::MakeCertificate(folder.path(), "shop2", "ca", std::string("URI:") + kShop);
    StartShop();
    people.Apply(access, barrier->Enter().value()->uuid);
    ListenTls();
    Listen(policy::Role::kAdmin);
  }

  std::string PemOf(const std::string& name) const { return client::ReadTestFile(folder / (name + ".crt")); }
  // Over the wire, as the administrator of the unix socket.
  Answer Deny(const Digest& sha256) const {
    return NewWire(policy::Role::kAdmin)
        .Call("IdentityService.DenyCertificate",
              "sha256: " + Quoted(std::string(AsText(sha256))) + " reason: 'its host was stolen'");
  }
  Answer Allow(const Digest& sha256) {
    const Wire wire = NewWire(policy::Role::kAdmin);
    const std::string request = "sha256: " + Quoted(std::string(AsText(sha256)));
    const Answer asked =
        wire.Call("IdentityService.AllowCertificate", request, {{"coffer-approval-reason-bin", "it was found"}});
    EXPECT_FALSE(asked.asked.empty()) << asked.ToText();
    EXPECT_TRUE(people.Approve(access, people.bob, asked.asked).ok());
    return wire.Call("IdentityService.AllowCertificate", request, {{"coffer-approval", asked.asked}});
  }
  Wire Connect(const std::string& name) const { return Wire::ToTls(tls->port(), folder.path(), name); }
  static Answer GetStatus(const Wire& wire) { return wire.Call("AdminService.GetStatus", ""); }
  static void ExpectRefused(const Answer& answer, const std::string& what) {
    EXPECT_EQ(answer.code, grpc::StatusCode::UNAUTHENTICATED) << what << " " << answer.ToText();
    EXPECT_EQ(answer.error, "unauthenticated") << what;
    EXPECT_EQ(answer.message, kSentence) << what;
    EXPECT_EQ(answer.body, "") << what;
  }

  const People people;
};

TEST_F(DeniedCertificateTest, AnOpenConnectionIsRefusedFromItsNextCallOnUntilItIsAllowed) {
  const Wire shop = Connect("shop");
  const Wire other = Connect("shop2");
  ASSERT_EQ(GetStatus(shop).As<v1::GetStatusResponse>().principal(), kShop);
  const Digest sha256 = CertificateSha256(PemOf("shop")).value();
  ASSERT_TRUE(Deny(sha256).ok());
  for (const Rpc& rpc : AllRpcs()) ExpectRefused(shop.Call(rpc.name, rpc.sample), rpc.name);
  ExpectRefused(GetStatus(Connect("shop")), "another connection");
  EXPECT_EQ(GetStatus(other).As<v1::GetStatusResponse>().principal(), kShop) << "the certificate, not who has it";
  EXPECT_TRUE(GetStatus(NewWire(policy::Role::kAdmin)).ok());
  EXPECT_EQ(stop.passed(kShop), 2U) << "nothing acted for the denied one";

  const auto list = NewWire(policy::Role::kAdmin)
                        .Call("IdentityService.ListDeniedCertificates", "")
                        .As<v1::ListDeniedCertificatesResponse>();
  ASSERT_EQ(list.certificates_size(), 1);
  EXPECT_EQ(list.certificates(0).sha256(), AsText(sha256));
  EXPECT_EQ(list.certificates(0).denied_by(), "unix:admin:7");
  EXPECT_EQ(list.certificates(0).denied_us(), clock.UnixMicros());
  EXPECT_EQ(list.certificates(0).reason(), "its host was stolen");

  const Answer allowed = Allow(sha256);
  ASSERT_TRUE(allowed.ok()) << allowed.ToText();
  EXPECT_TRUE(GetStatus(shop).ok()) << "on the same connection";
  refused_identities->Flush(*audit_log, 0);
  const std::vector<audit::Record> records = RefusedRecords(*audit_log);
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].items, AllRpcs().size() + 1) << "each was counted";
  EXPECT_EQ(records[0].authentication, audit::Authentication::kCertificate);
  EXPECT_EQ(records[0].failure, kSentence);
}

TEST_F(DeniedCertificateTest, ItsOtherFormIsDeniedWithIt) {
  const Wire shop = Connect("shop");
  const std::vector<Digest> forms = CertificateDigests(PemOf("shop")).value();
  ASSERT_GT(forms.size(), 1U);
  ASSERT_TRUE(Deny(forms[1]).ok()) << "as if the thief's own had been denied";
  ExpectRefused(GetStatus(shop), "the first form");
}

TEST_F(DeniedCertificateTest, ASealLeavesItDenied) {
  const Wire shop = Connect("shop");
  ASSERT_TRUE(Deny(CertificateSha256(PemOf("shop")).value()).ok());
  ASSERT_TRUE(barrier->Seal().ok());
  ExpectRefused(GetStatus(shop), "sealed");
  ASSERT_TRUE(barrier->Unseal(KeyFile()).ok());
  ExpectRefused(GetStatus(shop), "unsealed");
}

TEST_F(DeniedCertificateTest, ACallThatRunsMeanwhileGetsNothing) {
  const Wire shop = Connect("shop");
  stop.Hold(kShop);
  auto answer = std::async(std::launch::async, [&] { return shop.Call("SecretService.GetSecret", "path: 'none'"); });
  ASSERT_TRUE(WaitUntil([&] { return stop.waiting() == 1; }));
  ASSERT_TRUE(
      barrier->Enter().value()->denied->Deny(CertificateSha256(PemOf("shop")).value(), "unix:admin:7", "x").ok());
  stop.Release();
  ExpectRefused(answer.get(), "in flight");
}

TEST_F(DeniedCertificateTest, ACallThatWaitsForAThreadIsNotDone) {
  Listen(policy::Role::kApp);
  const std::string put = "SecretService.PutSecret";
  const auto ask = [&put](const Wire& wire, std::size_t calls) {
    std::vector<std::future<Answer>> answers;
    for (std::size_t i = 0; i < calls; ++i) {
      answers.push_back(
          std::async(std::launch::async, [wire, &put] { return wire.Call(put, "path: 'a' value: 'v'"); }));
    }
    return answers;
  };
  stop.Hold(app.principal.id);
  const std::vector<std::future<Answer>> holding = ask(NewWire(policy::Role::kApp), kThreads);
  ASSERT_TRUE(WaitUntil([&] { return stop.waiting() == kThreads; }));
  // One more than may wait: once it is refused, all others wait.
  std::vector<std::future<Answer>> waiting = ask(Connect("shop"), kCallerQueue + 1);
  const auto has_come = [](const std::future<Answer>& one) {
    return one.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  };
  ASSERT_TRUE(WaitUntil([&] { return std::any_of(waiting.begin(), waiting.end(), has_come); }));
  ASSERT_TRUE(
      barrier->Enter().value()->denied->Deny(CertificateSha256(PemOf("shop")).value(), "unix:admin:7", "x").ok());
  stop.Release();
  std::size_t denied = 0;
  for (std::future<Answer>& one : waiting) denied += one.get().message == kSentence ? 1 : 0;
  EXPECT_EQ(denied, kCallerQueue);
  EXPECT_EQ(stop.passed(kShop), 0U) << "nothing was put for the denied one";
}

}  // namespace
}  // namespace coffer::keysvc
