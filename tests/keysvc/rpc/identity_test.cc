// The caller is what the transport proved: the socket's role and the peer's uid. Nothing that a caller says changes it.
#include <set>
#include <unistd.h>

#include "coffer/v1/field.pb.h"
#include "tests/keysvc/rpc/rpc_fixture.h"
#include "tests/support/wait_until.h"

namespace coffer::keysvc {
namespace {

using policy::Role;

class IdentityTest : public RpcFixture {
 protected:
  static std::string PrincipalOf(Role role) {
    return "unix:" + std::string(policy::RoleName(role)) + ":" + std::to_string(geteuid());
  }
  // The request by which `rpc` is well formed in this store.
  std::string RequestOf(const Rpc& rpc) const {
    return rpc.name == "AdminService.Unseal" ? "key_file_path: " + Quoted(key_file()) : rpc.sample;
  }
  void Unseal() {
    const Answer answer = As(Role::kAdmin).Call("AdminService.Unseal", "key_file_path: " + Quoted(key_file()));
    ASSERT_TRUE(answer.ok()) << answer.ToText();
  }
  void Seal() { ASSERT_TRUE(As(Role::kAdmin).Call("AdminService.Seal", "").ok()); }
};

TEST_F(IdentityTest, TheTableOfRpcsIsComplete) {
  std::set<std::string> known;
  std::set<policy::Operation> operations;
  for (const Rpc& rpc : AllRpcs()) {
    known.insert(rpc.name);
    operations.insert(rpc.operation);
  }
  const std::vector<std::string> declared = DeclaredRpcs();
  EXPECT_EQ(known, std::set<std::string>(declared.begin(), declared.end()));
  operations.insert(policy::Operation::kWeakenCatalog);  // asked of an ApplyCatalog
  EXPECT_EQ(operations.size(), policy::kOperationCount) << "an operation that no RPC has";
}

TEST_F(IdentityTest, EachSocketIsOneRoleOfTheConnectingUser) {
  StartDaemon(DefaultSockets());
  for (const Role role : policy::AllRoles()) EXPECT_EQ(Status(role).principal(), PrincipalOf(role));
}

TEST_F(IdentityTest, ThePolicyDecidesEveryRpcForEveryRole) {
  StartShop();
  for (const Rpc& rpc : AllRpcs()) {
    for (const Role role : policy::AllRoles()) {
      SCOPED_TRACE(rpc.name + " by " + std::string(policy::RoleName(role)));
      const std::string before = Counts();
      const Answer answer = As(role).Call(rpc.name, RequestOf(rpc));
      if (policy::MayEver(role, rpc.operation).allowed) {
        EXPECT_FALSE(answer.message.starts_with("rule ") && answer.error == "permission_denied") << answer.ToText();
        if (rpc.operation == policy::Operation::kSeal) Unseal();
        continue;
      }
      EXPECT_EQ(answer.code, grpc::StatusCode::PERMISSION_DENIED) << answer.ToText();
      EXPECT_EQ(answer.error, "permission_denied");
      const std::string rule(policy::MayEver(role, rpc.operation).rule);
      EXPECT_EQ(answer.message, "rule " + rule + ": the policy does not allow this operation to you");
      EXPECT_EQ(answer.body, "");
      EXPECT_EQ(Counts(), before) << "a denied call changed something";
    }
  }
}

TEST_F(IdentityTest, ARequestThatCannotBeReadIsRefusedByRoleFirstAndLogged) {
  StartShop();
  const std::vector<std::pair<std::string, std::string>> unreadable = {
      {"FieldService.EncryptFields", "columns { field: 'shop.user.email' values: 'v' rows {} rows {} }"},
      {"FieldService.DecryptFields", "columns { field: 'shop.user.email' values: 'v' rows {} rows {} }"},
      {"KeyService.CreateKeyring", "name: 'new' purpose: 7"},
      {"SecretService.PutSecret", "path: 'a/b' value: 'v' metadata { key: 'k' }"},
      {"SecretService.DestroySecret", "path: 'a/b'"},
      {"AdminService.Init", "accept_total_loss: true"},
  };
  for (const auto& [rpc, request] : unreadable) {
    const Answer answer = As(Role::kAuditor).Call(rpc, request);
    EXPECT_EQ(answer.code, grpc::StatusCode::PERMISSION_DENIED) << rpc << answer.ToText();
    EXPECT_NE(Log().find("default-deny"), std::string::npos) << Log();
  }
}

TEST_F(IdentityTest, MetadataChangesNothing) {
  StartShop();
  const Metadata claims = {{"x-role", "admin"},
                           {"role", "admin"},
                           {"coffer-role", "admin"},
                           {"authorization", "Bearer unix:admin:0"},
                           {"x-forwarded-client-cert", "URI=spiffe://example.org/role/admin/root"},
                           {"peer_uri", "spiffe://example.org/role/admin/root"},
                           {"principal-bin", "unix:admin:0"}};
  for (const Role role : policy::AllRoles()) {
    const Answer status = As(role).Call("AdminService.GetStatus", "", claims);
    EXPECT_EQ(status.As<v1::GetStatusResponse>().principal(), PrincipalOf(role));
    if (role == Role::kAdmin) continue;
    const std::string before = Counts();
    for (const char* rpc : {"KeyService.CreateKeyring", "KeyService.CreateTenant"}) {
      const Answer answer = As(role).Call(rpc, "name: 'claimed'", claims);
      EXPECT_EQ(answer.code, grpc::StatusCode::PERMISSION_DENIED) << answer.ToText();
    }
    EXPECT_EQ(Counts(), before);
  }
}

TEST_F(IdentityTest, MetadataBeyondItsLimitIsRefusedAndTheServiceGoesOn) {
  StartShop();
  const Answer answer = As(Role::kApp).Call("AdminService.GetStatus", "", {{"padding", std::string(64 * 1024, 'm')}});
  EXPECT_FALSE(answer.ok());
  EXPECT_EQ(answer.body, "");
  // The transport may have cut the connection that sent it; others are served.
  EXPECT_EQ(Status(Role::kDba).state(), v1::SERVICE_STATE_UNSEALED);
}

TEST_F(IdentityTest, AnotherUidThanConfiguredIsCutOffBeforeItsFirstCall) {
  const auto own = static_cast<std::uint32_t>(geteuid());
  Config config = DefaultSockets();
  config.sockets[Role::kApp].uids = {own + 1, own + 2};
  config.sockets[Role::kDba].uids = {own + 1, own};
  StartDaemon(config);
  const Answer refused = As(Role::kApp).Call("AdminService.GetStatus", "");
  EXPECT_EQ(refused.code, grpc::StatusCode::UNAVAILABLE) << refused.ToText();
  EXPECT_EQ(Status(Role::kDba).principal(), PrincipalOf(Role::kDba));
  EXPECT_NE(Log().find("refused a connection to the socket of role app"), std::string::npos) << Log();
}

TEST_F(IdentityTest, ARoleThatIsNotConfiguredHasNoSocket) {
  Config config = DefaultSockets();
  config.sockets.erase(Role::kApp);
  StartDaemon(config);
  EXPECT_FALSE(std::filesystem::exists(data_dir() + "/app.sock"));
  EXPECT_EQ(As(Role::kApp).Call("AdminService.GetStatus", "").code, grpc::StatusCode::UNAVAILABLE);
}

TEST_F(IdentityTest, SealedAnswersUnavailableAfterThePolicyAndSaysSealed) {
  StartShop();
  Seal();
  EXPECT_EQ(Status().state(), v1::SERVICE_STATE_SEALED);
  EXPECT_EQ(Status().store_epoch(), 0U) << "nothing of the store is told while sealed";
  const std::set<policy::Operation> served = {
      policy::Operation::kShowStatus,   policy::Operation::kInitStore,     policy::Operation::kUnseal,
      policy::Operation::kSeal,         policy::Operation::kStartRecovery, policy::Operation::kListSealSlots,
      policy::Operation::kRecoverStore, policy::Operation::kQueryRecords,  policy::Operation::kAggregateRecords,
      policy::Operation::kTailRecords,  policy::Operation::kGetCheckpoint, policy::Operation::kProveConsistency,
      policy::Operation::kProveRecord};
  for (const Rpc& rpc : AllRpcs()) {
    SCOPED_TRACE(rpc.name);
    if (served.contains(rpc.operation)) continue;
    const Answer answer = Call(rpc.name, rpc.sample);
    EXPECT_EQ(answer.code, grpc::StatusCode::UNAVAILABLE) << answer.ToText();
    EXPECT_EQ(answer.error, "sealed");
    EXPECT_EQ(answer.message, "the service is sealed: an operator has to unseal it");
    EXPECT_EQ(As(Role::kBackupAgent).Call(rpc.name, rpc.sample).code, grpc::StatusCode::PERMISSION_DENIED);
  }
  EXPECT_EQ(Call("AdminService.Init", "seal { key_file { path: '/k' } } accept_total_loss: true").code,
            grpc::StatusCode::ALREADY_EXISTS);
  Unseal();
  EXPECT_EQ(Status().state(), v1::SERVICE_STATE_UNSEALED);
  EXPECT_TRUE(Call("SecretService.GetSecret", "path: 'app/db'").ok());
}

TEST_F(IdentityTest, HealthFollowsTheSeal) {
  StartDaemon(DefaultSockets());
  const auto is = [this](Role role, bool serving) { return WaitUntil([&] { return As(role).Serving() == serving; }); };
  ASSERT_TRUE(is(Role::kApp, false)) << "before init";
  StartShop();
  for (const Role role : policy::AllRoles()) EXPECT_TRUE(is(role, true)) << policy::RoleName(role);
  Seal();
  for (const Role role : policy::AllRoles()) EXPECT_TRUE(is(role, false)) << policy::RoleName(role);
  Unseal();
  EXPECT_TRUE(is(Role::kApp, true));
}

// Before the watcher's first look, too: nobody may be told to come who would be turned away.
TEST_F(IdentityTest, HealthNeverSaysServingWhileUninitialised) {
  for (int i = 0; i < 5; ++i) {
    daemon.reset();
    StartDaemon(DefaultSockets());
    EXPECT_EQ(As(Role::kApp).Serving(), false);
  }
}

// One request of the kind list_services: with the reflection service it is answered.
const std::string kListServices("\x3a\x00", 2);

TEST_F(IdentityTest, ReflectionIsOff) {
  StartShop();
  for (const char* service : {"grpc.reflection.v1alpha.ServerReflection", "grpc.reflection.v1.ServerReflection"}) {
    const Answer answer = As(Role::kAdmin).CallRaw("/" + std::string(service) + "/ServerReflectionInfo", kListServices);
    EXPECT_EQ(answer.code, grpc::StatusCode::UNIMPLEMENTED) << service << " " << answer.ToText();
  }
}

TEST_F(IdentityTest, ReflectionIsOnWhereTheDaemonWasToldSo) {
  Config config = DefaultSockets();
  config.reflection = true;
  StartDaemon(config);
  const std::string method = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  const Answer answer = As(Role::kAdmin).CallRaw(method, kListServices);
  ASSERT_TRUE(answer.ok()) << answer.ToText();
  EXPECT_NE(answer.body.find("coffer.v1.SecretService"), std::string::npos);
}

}  // namespace
}  // namespace coffer::keysvc
