// Grafana's calls through to a whole cofferd: what its audit log says of them, and what a seal does to them.
#include "tests/keysvc/rpc/rpc_fixture.h"
#include "tests/plugins/grafana/securevalues/served_vault.h"
#include "tests/support/wait_until.h"

namespace coffer::grafana {
namespace {

using grpc::StatusCode;
using policy::Role;

const Resource kRepository{"provisioning.grafana.app", "v0alpha1", "Repository", "default", "my-repo"};
constexpr char kCanary[] = "HUNTER2-secure-value";

class DaemonTest : public keysvc::RpcFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(StartShop());
    ASSERT_NO_FATAL_FAILURE(served.Serve("unix:" + data_dir() + "/app.sock", "fresh"));
    grafana.emplace(served.Ini(), served.clock);
    const keysvc::Answer put =
        Call("SecretService.PutSecret",
             "tenant: 'fresh' path: 'grafana/secure-values/default/github' value: '" + std::string(kCanary) +
                 "' set_metadata: true metadata { key: 'grafana-decrypters' value: 'grafana' }");
    ASSERT_TRUE(put.ok()) << put.ToText();
  }

  // The audit log's records of one operation, the oldest first; waits until there are so many.
  std::vector<v1::AuditRecord> RecordsOf(const std::string& operation, std::size_t count) {
    std::vector<v1::AuditRecord> records;
    const auto complete = [&] {
      const auto found = As(Role::kAuditor)
                             .Call("AuditService.QueryRecords",
                                   "filter { operation: '" + operation + "' tenant: 'fresh' } oldest_first: true")
                             .As<v1::QueryRecordsResponse>();
      records.assign(found.records().begin(), found.records().end());
      return records.size() >= count;
    };
    EXPECT_TRUE(WaitUntil(complete)) << records.size() << " records of " << operation;
    EXPECT_EQ(records.size(), count);
    return records;
  }

  static std::string ObjectOf(const v1::AuditRecord& record) {
    return record.objects_size() == 1 ? record.objects(0) : "";
  }

  ServedVault served;
  std::optional<ReplayedGrafana> grafana;
};

TEST_F(DaemonTest, EachValueHasARecordOfItsOwn) {
  const auto answer = grafana->Decrypt(kService, "default", {"github", "unknown"});
  ASSERT_TRUE(answer.ok()) << answer.ToText();
  EXPECT_EQ(answer.values.at("github").value, kCanary);
  EXPECT_EQ(answer.values.at("unknown").error, "not found, or not for this service");
  const auto records = RecordsOf("GetSecret", 2);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(ObjectOf(records[0]), ServedVault::PathOf("github"));
  EXPECT_EQ(records[0].outcome(), "ok");
  EXPECT_EQ(ObjectOf(records[1]), ServedVault::PathOf("unknown"));
  EXPECT_EQ(records[1].outcome(), "not_found");
  for (const v1::AuditRecord& record : records) {
    EXPECT_EQ(record.role(), "app");
    EXPECT_EQ(record.purpose(), "grafana-secure-value");
    EXPECT_EQ(record.on_behalf_of(), "grafana/provisioning.grafana.app");
    EXPECT_EQ(record.request_id(), records[0].request_id());
    EXPECT_NE(record.request_id(), "");
  }
}

TEST_F(DaemonTest, AnInlineValuesLifeIsRecorded) {
  const auto created = grafana->CreateInline(kRepository, kCanary);
  ASSERT_TRUE(created.ok()) << created.ToText();
  const std::string path = ServedVault::PathOf(created.name);
  EXPECT_TRUE(grafana->CanReference(kRepository, {created.name}).ok());
  EXPECT_EQ(grafana->Decrypt(kService, "default", {created.name}).values.at(created.name).value, kCanary);
  EXPECT_TRUE(grafana->DeleteWhenOwnedByResource(kRepository, {created.name, "github"}).ok());
  const auto gone = grafana->Decrypt(kService, "default", {created.name, "github"});
  EXPECT_EQ(gone.values.at(created.name).error, "not found, or not for this service");
  EXPECT_EQ(gone.values.at("github").value, kCanary);  // it has no owner

  const auto puts = RecordsOf("PutSecret", 4);  // begin and result; the first two are the test's own
  const auto deletes = RecordsOf("DeleteSecret", 2);
  for (const v1::AuditRecord& record : {puts.back(), deletes.back()}) {
    EXPECT_EQ(ObjectOf(record), path);
    EXPECT_EQ(record.outcome(), "ok");
    EXPECT_EQ(record.on_behalf_of(), "grafana");
    EXPECT_EQ(record.purpose(), "grafana-secure-value");
  }
  EXPECT_EQ(Log().find(kCanary), std::string::npos);
  EXPECT_EQ(served.LogText().find(kCanary), std::string::npos);
}

TEST_F(DaemonTest, ASealedServiceServesNothingUntilItIsUnsealed) {
  ASSERT_TRUE(Call("AdminService.Seal", "").ok());
  const auto sealed = grafana->Decrypt(kService, "default", {"github"});
  EXPECT_EQ(sealed.code, StatusCode::UNAVAILABLE) << sealed.ToText();
  EXPECT_EQ(sealed.message, "the key service is sealed");
  EXPECT_EQ(grafana->attempts, 3);
  EXPECT_EQ(grafana->CreateInline(kRepository, "v").code, StatusCode::UNAVAILABLE);
  EXPECT_EQ(grafana->CanReference(kRepository, {"github"}).code, StatusCode::UNAVAILABLE);

  const std::string key_file_slot = "key_file_path: " + keysvc::Quoted(key_file());
  ASSERT_TRUE(Call("AdminService.Unseal", key_file_slot).ok());
  const auto answer = grafana->Decrypt(kService, "default", {"github"});
  ASSERT_TRUE(answer.ok()) << answer.ToText();
  EXPECT_EQ(answer.values.at("github").value, kCanary);
}

TEST_F(DaemonTest, AVaultThatIsGoneIsAnOutage) {
  ASSERT_TRUE(grafana->Decrypt(kService, "default", {"github"}).ok());
  daemon.reset();
  const auto answer = grafana->CreateInline(kRepository, "v");
  EXPECT_EQ(answer.code, StatusCode::UNAVAILABLE) << answer.ToText();
}

}  // namespace
}  // namespace coffer::grafana
