// What IdentityService refuses, on the wire.
#include "coffer/v1/identity.pb.h"
#include "tests/keysvc/rpc/bad_input.h"

namespace coffer::keysvc {
namespace {

const std::string kPrincipal = "principal: 'spiffe://example.org/role/app/orders' ";
const std::string kListener = "listener: 'tokens' ";
const std::string kLifetime = "lifetime_s: 3600 ";
const std::string kReason = " reason: 'a test'";

class BadIdentityInputs : public BadInput {
 protected:
  void SetUp() override {
    StartShop();
    ApplyPolicy();
  }
};

TEST_F(BadIdentityInputs, TokensThatNobodyMayHave) {
  const std::string rpc = "IdentityService.CreateToken";
  const std::string principal = "principal: must be a SPIFFE id of role app, dba or backup-agent";
  for (const std::string& text :
       {std::string(), std::string("orders"), std::string("unix:app:0"), std::string("spiffe://example.org/role/app/"),
        std::string("spiffe://example.org/role/admin/root"), std::string("spiffe://example.org/role/restorer/r"),
        std::string("spiffe://example.org/role/auditor/a"), std::string("spiffe://HUNTER2hunter2/role/app/a"),
        "spiffe://example.org/role/app/" + std::string(64, 'a')}) {
    ExpectRefused(Invalid(rpc, "principal: " + Quoted(text) + " " + kListener + kLifetime, principal));
  }
  for (const std::string& text :
       {std::string(), std::string(kMarker), std::string("to kens"), std::string(64, 'a'), std::string("a\0b", 3)}) {
    ExpectRefused(
        Invalid(rpc, kPrincipal + kLifetime + "listener: " + Quoted(text), "listener: is no listener's name"));
  }
  const std::string life = "lifetime_s: must be 1 minute to 366 days, in seconds (limit 31622400)";
  for (const char* const seconds : {"0", "59", "31622401", "4294967295"}) {
    ExpectRefused(Invalid(rpc, kPrincipal + kListener + "lifetime_s: " + seconds, life));
  }
  EXPECT_EQ(Call("AccessService.ListApprovals", "").body, "") << "nothing of it was asked of others";
}

TEST_F(BadIdentityInputs, TokensThatAreNotThere) {
  const std::string rpc = "IdentityService.RevokeToken";
  const std::string none = "id: '01926e3a-0000-7000-8000-000000000000'";
  for (const char* const id : {"", "x", "HUNTER2hunter2", "01926e3a-0000-7000-8000-00000000000", "../../etc"}) {
    ExpectRefused(Invalid(rpc, "id: " + Quoted(id) + kReason, "id: is no token's id"));
  }
  ExpectRefused({
      NotFound(rpc, none + kReason, "id: there is no token of this id"),
      Invalid(rpc, none, "reason: must be 1 to 200 characters that all show (limit 200)"),
      Invalid(rpc, none + " reason: " + Quoted(std::string(201, 'r')), "reason: must be 1 to 200"),
      Invalid(rpc, none + " reason: " + Quoted("HUNTER2hunter2\n"), "reason: must be 1 to 200"),
  });
}

TEST_F(BadIdentityInputs, CertificatesThatAreNone) {
  const std::string deny = "IdentityService.DenyCertificate";
  const std::string allow = "IdentityService.AllowCertificate";
  for (const std::size_t size : {0U, 20U, 31U, 33U, 64U}) {
    const std::string request = "sha256: " + Quoted(std::string(size, 'a'));
    ExpectRefused({
        Invalid(deny, request + kReason, "sha256: must be the 32 bytes of a SHA-256"),
        Invalid(allow, request, "sha256: must be the 32 bytes of a SHA-256"),
    });
  }
  const std::string sha256 = "sha256: " + Quoted(std::string(32, 'a'));
  ExpectRefused({
      Invalid(deny, sha256, "reason: must be 1 to 200 characters that all show (limit 200)"),
      Invalid(deny, sha256 + " reason: " + Quoted(std::string(201, 'r')), "reason: must be 1 to 200"),
      Invalid(deny, sha256 + " reason: " + Quoted("HUNTER2hunter2\x1b[1m"), "reason: must be 1 to 200"),
      NotFound(allow, sha256, "sha256: this certificate is not denied"),
  });
  EXPECT_EQ(Call("IdentityService.ListDeniedCertificates", "").body, "");
  EXPECT_EQ(Call("AccessService.ListApprovals", "").body, "") << "nothing of it was asked of others";
}

}  // namespace
}  // namespace coffer::keysvc
