#include "policy/principal.h"

#include <gtest/gtest.h>

namespace coffer::policy {
namespace {

constexpr std::string_view kDomain = "example.org";

TEST(Principal, SpiffeIdGivesTheRole) {
  for (const Role role : AllRoles()) {
    const std::string uri = "spiffe://example.org/role/" + std::string(RoleName(role)) + "/grafana-1.eu_west";
    const Result<Principal> principal = ParseSpiffeId(uri, kDomain);
    ASSERT_TRUE(principal.ok()) << principal.error().ToString();
    EXPECT_EQ(*principal, (Principal{uri, role, Principal::Method::kCertificate}));
  }
}

TEST(Principal, LongestNameIsTaken) {
  EXPECT_TRUE(ParseSpiffeId("spiffe://example.org/role/app/" + std::string(63, 'a'), kDomain).ok());
}

TEST(Principal, WhatIsNoSpiffeIdOfOursIsUnauthenticated) {
  const std::vector<std::string> uris = {
      "",
      "spiffe://",
      "spiffe://example.org",
      "spiffe://example.org/",
      "spiffe://example.org/role/app",
      "spiffe://example.org/role/app/",
      "spiffe://example.org/role//name",
      "spiffe://example.org/role/root/name",
      "spiffe://example.org/role/App/name",
      "spiffe://example.org/roles/app/name",
      "spiffe://example.org/app/name",
      "spiffe://example.org/role/app/name/more",
      "spiffe://example.org/role/app/name/",
      "spiffe://example.org/role/app/Name",
      "spiffe://example.org/role/app/na me",
      "spiffe://example.org/role/app/na%6de",
      "spiffe://example.org/role/app/name?x=1",
      "spiffe://example.org/role/app/name#x",
      "spiffe://example.org/role/app/..",
      "spiffe://example.org/role/app/.",
      "spiffe://example.org/role/app/" + std::string(64, 'a'),
      "spiffe://example.org/role/app/n\xc3\xa4me",
      std::string("spiffe://example.org/role/app/name\0", 35),
      "SPIFFE://example.org/role/app/name",
      "spiffe:/example.org/role/app/name",
      "https://example.org/role/app/name",
      " spiffe://example.org/role/app/name",
      "spiffe://Example.org/role/app/name",
      "spiffe://example.com/role/app/name",
      "spiffe://example.org.evil/role/app/name",
      "spiffe://evil.example.org/role/app/name",
      "spiffe://example.org:443/role/app/name",
      "spiffe://user@example.org/role/app/name",
      "spiffe://example.org//role/app/name",
  };
  for (const std::string& uri : uris) {
    const Result<Principal> principal = ParseSpiffeId(uri, kDomain);
    ASSERT_FALSE(principal.ok()) << uri;
    EXPECT_EQ(principal.error().code(), ErrorCode::kUnauthenticated) << uri;
  }
}

TEST(Principal, TrustDomainMustBeOne) {
  for (const char* domain : {"", "Example.org", "a/b", "a b", "a:1"}) {
    EXPECT_FALSE(IsTrustDomain(domain));
    const Result<Principal> principal = ParseSpiffeId("spiffe://" + std::string(domain) + "/role/app/x", domain);
    ASSERT_FALSE(principal.ok()) << domain;
    EXPECT_EQ(principal.error().code(), ErrorCode::kInvalidArgument) << domain;
  }
  EXPECT_FALSE(IsTrustDomain(std::string(256, 'a')));
  EXPECT_TRUE(IsTrustDomain(std::string(255, 'a')));
}

TEST(Principal, UnixPeersAreWrittenAndReadBack) {
  for (const Role role : AllRoles()) {
    for (const std::uint32_t uid : {0u, 1u, 1000u, 4294967294u}) {
      const Result<Principal> principal = UnixPrincipal(role, uid);
      ASSERT_TRUE(principal.ok());
      EXPECT_EQ(principal->id, "unix:" + std::string(RoleName(role)) + ":" + std::to_string(uid));
      const Result<Principal> read = ParseUnixPrincipal(principal->id);
      ASSERT_TRUE(read.ok());
      EXPECT_EQ(*read, *principal);
    }
  }
}

TEST(Principal, NobodysUserIdIsRefused) { EXPECT_FALSE(UnixPrincipal(Role::kApp, 4294967295u).ok()); }

TEST(Principal, WhatIsNoUnixPrincipalIsUnauthenticated) {
  for (const char* text :
       {"", "unix:", "unix:app", "unix:app:", "unix:root:0", "unix:app:-1", "unix:app:+1", "unix:app:01", "unix:app:1 ",
        "unix:app: 1", "unix:app:1:2", "unix:app:0x1", "unix:app:4294967295", "unix:app:4294967296", "Unix:app:1",
        "unix:App:1", "unix::1", "unix:app:one"}) {
    const Result<Principal> principal = ParseUnixPrincipal(text);
    ASSERT_FALSE(principal.ok()) << text;
    EXPECT_EQ(principal.error().code(), ErrorCode::kUnauthenticated) << text;
  }
}

TEST(Principal, ABearerIsNobodyWhoWatchesOrMayEndTheService) {
  for (const Role role : AllRoles()) {
    const std::string id = "spiffe://example.org/role/" + std::string(RoleName(role)) + "/orders";
    const Result<Principal> bearer = ParseBearerPrincipal(id);
    if (role == Role::kAdmin || role == Role::kRestorer || role == Role::kAuditor) {
      ASSERT_FALSE(bearer.ok()) << id;
      EXPECT_EQ(bearer.error().code(), ErrorCode::kPermissionDenied) << id;
    } else {
      ASSERT_TRUE(bearer.ok()) << id;
      EXPECT_EQ(*bearer, (Principal{id, role, Principal::Method::kJwt}));
    }
  }
  for (const std::string text : {"", "unix:app:0", "spiffe://example.org/role/root/x", "spiffe:///role/app/x",
                                 "https://example.org/role/app/x", "spiffe://Example.org/role/app/x"}) {
    const Result<Principal> bearer = ParseBearerPrincipal(text);
    ASSERT_FALSE(bearer.ok()) << text;
    EXPECT_EQ(bearer.error().code(), ErrorCode::kUnauthenticated) << text;
  }
}

TEST(Principal, MethodsHaveNames) {
  EXPECT_EQ(MethodName(Principal::Method::kUnixSocket), "unix_socket");
  EXPECT_EQ(MethodName(Principal::Method::kCertificate), "certificate");
  EXPECT_EQ(MethodName(Principal::Method::kDev), "dev");
  EXPECT_EQ(MethodName(Principal::Method::kJwt), "jwt");
  EXPECT_EQ(MethodName(Principal::Method::kToken), "access_token");
}

}  // namespace
}  // namespace coffer::policy
