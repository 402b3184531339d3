// A TLS connection serves its caller until the certificate ends, however long it stays open.
#include <future>

#include "coffer/v1/admin.pb.h"
#include "crypto/certificate.h"
#include "tests/client/test_certificates.h"
#include "tests/keysvc/rpc/door_fixture.h"
#include "tests/keysvc/rpc/refused_records.h"
#include "tests/support/wait_until.h"

namespace coffer::keysvc {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

class CertificateEndTest : public DoorFixture {
 protected:
  // Before this process's first use of TLS, as in main().
  static void SetUpTestSuite() { AllowTls13Only(); }

  void SetUp() override {
    client::MakeAuthority(folder.path(), "ca");
    client::MakeCertificate(folder.path(), "server", "ca", "DNS:localhost");
    client::MakeCertificate(folder.path(), "shop", "ca", "URI:spiffe://example.org/role/app/shop");
    StartShop();
    ListenTls();
  }
  std::int64_t EndOf(const std::string& name) const {
    return CertificateNotAfter(client::ReadTestFile(folder / (name + ".crt"))).value();
  }
};

TEST_F(CertificateEndTest, AConnectionThatStaysOpenEndsWithItsCertificate) {
  const Wire shop = Wire::ToTls(tls->port(), folder.path(), "shop");
  const auto status = shop.Call("AdminService.GetStatus", "").As<v1::GetStatusResponse>();
  ASSERT_EQ(status.principal(), "spiffe://example.org/role/app/shop");
  clock.SetUnixMicros(EndOf("shop") * kSecond);
  EXPECT_TRUE(shop.Call("AdminService.GetStatus", "").ok()) << "its last second";
  clock.SetUnixMicros((EndOf("shop") + 1) * kSecond);
  for (const Rpc& rpc : AllRpcs()) {
    const Answer answer = shop.Call(rpc.name, rpc.sample);
    EXPECT_EQ(answer.code, grpc::StatusCode::UNAUTHENTICATED) << rpc.name << " " << answer.ToText();
    EXPECT_EQ(answer.error, "unauthenticated") << rpc.name;
    EXPECT_EQ(answer.message, "the certificate has expired: connect again with a new one") << rpc.name;
  }
  EXPECT_EQ(stop.passed("spiffe://example.org/role/app/shop"), 2U) << "the two calls before; nothing acted after";
  refused_identities->Flush(*audit_log, 0);
  const std::vector<audit::Record> records = RefusedRecords(*audit_log);
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].items, AllRpcs().size()) << "each was counted";
  EXPECT_EQ(records[0].authentication, audit::Authentication::kCertificate);
  EXPECT_EQ(records[0].failure, "the certificate has expired: connect again with a new one");
  EXPECT_EQ(records[0].personal.peer.find("ipv4:127.0.0.1:"), 0U) << records[0].personal.peer;
  EXPECT_EQ(records[0].personal.principal, "");
}

TEST_F(CertificateEndTest, ATailThatRunsEndsWithItsCertificate) {
  const std::string auditor_id = "spiffe://example.org/role/auditor/eve";
  client::MakeCertificate(folder.path(), "eve", "ca", "URI:" + auditor_id);
  const Wire eve = Wire::ToTls(tls->port(), folder.path(), "eve");
  std::future<Answer> tail = std::async(
      std::launch::async, [&eve] { return eve.Call("AuditService.TailRecords", "filter { from_index: 0 }"); });
  ASSERT_TRUE(WaitUntil([&] { return stop.passed(auditor_id) == 1; })) << "its begin";
  clock.SetUnixMicros((EndOf("eve") + 1) * kSecond);
  // Only now there is something to read.
  ASSERT_TRUE(audit_index.Follow().ok());
  door_audit.Advance();
  const Answer answer = tail.get();
  EXPECT_EQ(answer.code, grpc::StatusCode::UNAUTHENTICATED) << answer.ToText();
  EXPECT_EQ(answer.message, "the certificate has expired: connect again with a new one");
  EXPECT_TRUE(answer.body.empty());
  EXPECT_EQ(stop.passed(auditor_id), 2U) << "its end";
}

}  // namespace
}  // namespace coffer::keysvc
