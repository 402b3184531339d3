// What each RPC refuses, with which code and sentence; nothing of it is shown, logged or done.
#include "tests/plugins/grafana/securevalues/server_fixture.h"

namespace coffer::grafana {
namespace {

using grpc::StatusCode;

constexpr char kMarker[] = "HUNTER2hunter2";

struct BadCall {
  std::string method;   // without the version
  std::string request;  // bytes
  StatusCode code;
  std::string text;  // part of the sentence
};

class BadInputTest : public ServerFixture {
 protected:
  void SetUp() override {
    ServerFixture::SetUp();
    grafana.emplace(served.Ini(), clock);
    token = grafana->AccessTokenFor("default");
    ASSERT_FALSE(token.empty());
  }

  ReplayedGrafana::Answer Call(const std::string& method, const std::string& request,
                               std::vector<std::pair<std::string, std::string>> metadata) {
    return grafana->CallOnce("/" + method, request, metadata);
  }

  // In both versions.
  void ExpectRefused(const BadCall& call) {
    for (const std::string version : {"v1", "v1beta1"}) {
      SCOPED_TRACE(call.method + " " + version + " " + ToHex(AsBytes(call.request)).substr(0, 200));
      const std::size_t dot = call.method.find('.');
      const std::string method = call.method.substr(0, dot) + version + call.method.substr(dot);
      const auto answer = Call(method, call.request, {{"x-access-token", token}});
      EXPECT_EQ(answer.code, call.code) << answer.ToText();
      EXPECT_NE(answer.message.find(call.text), std::string::npos) << answer.ToText();
      EXPECT_EQ(answer.message.find(kMarker), std::string::npos);
      EXPECT_EQ(answer.body, "");
      EXPECT_EQ(served.LogText().find(kMarker), std::string::npos);
      EXPECT_TRUE(vault.Calls().empty()) << "the vault was asked";
    }
  }

  std::optional<ReplayedGrafana> grafana;
  std::string token;
};

const std::string kDecrypt = "decrypt.SecureValueDecrypter/DecryptSecureValues";
const std::string kCanReference = "inline.InlineSecureValueService/CanReference";
const std::string kCreate = "inline.InlineSecureValueService/CreateInline";
const std::string kDelete = "inline.InlineSecureValueService/DeleteWhenOwnedByResource";

std::string Owner(std::vector<std::string> parts = {"g.app", "v1", "Kind", "default", "name"}) {
  std::string bytes;
  for (std::size_t i = 0; i < parts.size(); ++i) bytes += WireText(static_cast<int>(i) + 1, parts[i]);
  return WireText(1, bytes);
}
std::string Name(const std::string& name) { return WireText(2, name); }
std::string Names(std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += Name("n" + std::to_string(i));
  return bytes;
}

std::vector<std::string> BadNames() {
  return {"", kMarker, "-a", "a/b", "a%2fb", "..", "*", "a_b", std::string(254, 'x')};
}

TEST_F(BadInputTest, Decrypt) {
  const auto invalid = [](const std::string& request, const std::string& text) {
    return BadCall{kDecrypt, request, StatusCode::INVALID_ARGUMENT, text};
  };
  for (const std::string& name : BadNames()) {
    ExpectRefused(invalid(WireText(1, "default") + Name("good") + Name(name), "names: is not 1 to 253"));
  }
  ExpectRefused(invalid(WireText(1, "default") + Names(kMaxSecureValueNames + 1),
                        "names: has more names than allowed (limit 100)"));
  for (const std::string namespace_name : {"", "org-1", "org-02", "*", kMarker, "default/../x"}) {
    ExpectRefused(invalid(WireText(1, namespace_name) + Name("a"), "namespace: is none of"));
  }
  ExpectRefused(invalid("", "namespace"));
  for (const std::string namespace_name : {"org-2", "stacks-1"}) {
    ExpectRefused({kDecrypt, WireText(1, namespace_name) + Name("a"), StatusCode::PERMISSION_DENIED,
                   "namespace: is not the access token's"});
  }
}

TEST_F(BadInputTest, AsManyNamesAsAllowed) {
  const auto answer = Call("decryptv1.SecureValueDecrypter/DecryptSecureValues",
                           WireText(1, "default") + Names(kMaxSecureValueNames), {{"x-access-token", token}});
  EXPECT_TRUE(answer.ok()) << answer.ToText();
}

TEST_F(BadInputTest, OwnersOfAllThree) {
  for (const auto& [method, rest] : std::vector<std::pair<std::string, std::string>>{
           {kCanReference, Name("a")}, {kCreate, WireText(2, kMarker)}, {kDelete, Name("a")}}) {
    const auto refused = [&](std::vector<std::string> parts, StatusCode code, const std::string& text) {
      ExpectRefused({method, Owner(std::move(parts)) + rest, code, text});
    };
    const auto bad = StatusCode::INVALID_ARGUMENT;
    ExpectRefused({method, rest, bad, "namespace: is none of"});
    refused({"", "v1", "Kind", "default", "n"}, bad, "owner.api_group: is not 1 to 253");
    refused({"g", "", "Kind", "default", "n"}, bad, "owner.api_version");
    refused({"g", "v1", "", "default", "n"}, bad, "owner.kind");
    refused({"g", "v1", "Kind", "default", ""}, bad, "owner.name");
    refused({"g", "v1", "Kind", "", "n"}, bad, "namespace");
    refused({"g", "v1", "Kind", kMarker, "n"}, bad, "namespace");
    refused({"g", "v1", "Kind", "default", "HUNTER2/hunter2"}, bad, "owner.name");
    refused({"g", "v1", "Kind", "default", std::string(254, 'n')}, bad, "limit 253");
    refused({std::string(253, 'g'), "v1", std::string(253, 'k'), "default", "long-name"}, bad,
            "owner: is longer than allowed");
    refused({"g", "v1", "Kind", "org-2", "n"}, StatusCode::PERMISSION_DENIED, "namespace: is not the access token's");
  }
}

TEST_F(BadInputTest, NamesOfCanReferenceAndDelete) {
  for (const std::string& method : {kCanReference, kDelete}) {
    for (const std::string& name : BadNames()) {
      ExpectRefused({method, Owner() + Name("good") + Name(name), StatusCode::INVALID_ARGUMENT, "names: is not"});
    }
    ExpectRefused({method, Owner() + Names(kMaxSecureValueNames + 1), StatusCode::INVALID_ARGUMENT, "limit 100"});
  }
  ExpectRefused({kCanReference, Owner(), StatusCode::INVALID_ARGUMENT, "names: must have a name"});
}

TEST_F(BadInputTest, ValuesOfCreate) {
  ExpectRefused({kCreate, Owner(), StatusCode::INVALID_ARGUMENT, "value: must be 1 to 24576 bytes"});
  ExpectRefused({kCreate, Owner() + WireText(2, kMarker + std::string(kMaxSecureValue, 'x')),
                 StatusCode::INVALID_ARGUMENT, "limit 24576"});
  ExpectRefused({kCreate, Owner() + WireText(2, kMarker) + WireText(3, kMarker + std::string(512, 'x')),
                 StatusCode::INVALID_ARGUMENT, "description: is longer than allowed, in bytes (limit 512)"});
  const auto largest = Call("inlinev1.InlineSecureValueService/CreateInline",
                            Owner() + WireText(2, std::string(kMaxSecureValue, 'x')), {{"x-access-token", token}});
  EXPECT_TRUE(largest.ok()) << largest.ToText();
}

TEST_F(BadInputTest, BytesThatAreNoMessage) {
  for (const std::string& method : {kDecrypt, kCanReference, kCreate, kDelete}) {
    for (const std::string& bytes : {std::string("\xff"), std::string("\x0a\x7f"), WireText(1, "\xff\xfe"),
                                     WireText(2, "\xff") + WireText(1, "\xff")}) {
      SCOPED_TRACE(method + " " + ToHex(AsBytes(bytes)));
      const std::size_t dot = method.find('.');
      const auto answer = Call(method.substr(0, dot) + "v1" + method.substr(dot), bytes, {{"x-access-token", token}});
      EXPECT_FALSE(answer.ok());
      EXPECT_NE(answer.code, StatusCode::UNAVAILABLE);
      EXPECT_NE(answer.code, StatusCode::RESOURCE_EXHAUSTED);
    }
  }
  EXPECT_TRUE(vault.Calls().empty());
}

TEST_F(BadInputTest, AMessageLongerThanAnyIsRefused) {
  const auto answer = Call("inlinev1.InlineSecureValueService/CreateInline",
                           Owner() + WireText(2, std::string(1 << 20, 'x')), {{"x-access-token", token}});
  EXPECT_EQ(answer.code, StatusCode::RESOURCE_EXHAUSTED) << answer.ToText();  // gRPC's own
  EXPECT_TRUE(vault.Calls().empty());
}

TEST_F(BadInputTest, NoCallWithoutAnAccessToken) {
  const std::vector<std::vector<std::pair<std::string, std::string>>> bad = {
      {},
      {{"x-access-token", ""}},
      {{"x-access-token", token}, {"x-access-token", token}},
      {{"x-access-token", kMarker}},
      {{"x-access-token", "Bearer " + token}},
      {{"x-access-token", token + "x"}},
      {{"x-access-token", ServedVault::kBearer}},
      {{"authorization", "Bearer " + token}},
      {{"x-id-token", token}},
      {{"x-access-token",
        AccessTokens(Es256PrivateKey::Generate()).Issue({"grafana", "default", clock.UnixMicros()}, 0)}},
  };
  for (const std::string& method : {std::string("decryptv1.SecureValueDecrypter/DecryptSecureValues"),
                                    std::string("decryptv1beta1.SecureValueDecrypter/DecryptSecureValues"),
                                    std::string("inlinev1.InlineSecureValueService/CanReference"),
                                    std::string("inlinev1beta1.InlineSecureValueService/CreateInline"),
                                    std::string("inlinev1.InlineSecureValueService/DeleteWhenOwnedByResource")}) {
    for (const auto& metadata : bad) {
      const auto answer = Call(method, "", metadata);
      EXPECT_EQ(answer.code, StatusCode::UNAUTHENTICATED) << method << " " << answer.ToText();
      EXPECT_EQ(answer.message.find(kMarker), std::string::npos);
    }
  }
  EXPECT_TRUE(vault.Calls().empty());
  EXPECT_EQ(served.LogText().find(kMarker), std::string::npos);
  EXPECT_EQ(served.LogText().find(token), std::string::npos);
}

TEST_F(BadInputTest, OtherMethodsAreNotServed) {
  for (const std::string method :
       {"decryptv2.SecureValueDecrypter/DecryptSecureValues", "consolidatev1beta1.SecretsConsolidator/Consolidate",
        "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"}) {
    EXPECT_EQ(Call(method, "", {{"x-access-token", token}}).code, StatusCode::UNIMPLEMENTED) << method;
  }
  EXPECT_TRUE(Call("grpc.health.v1.Health/Check", "", {}).ok());
}

}  // namespace
}  // namespace coffer::grafana
