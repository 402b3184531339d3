// What an unmodified Grafana calls, and what it gets.
#include <thread>

#include "tests/plugins/grafana/securevalues/server_fixture.h"
#include "tests/support/wait_until.h"

namespace coffer::grafana {
namespace {

using grpc::StatusCode;
using Value = ReplayedGrafana::Value;

const Value kNotThere{"", "not found, or not for this service"};
const Resource kRepository{"provisioning.grafana.app", "v0alpha1", "Repository", "default", "my-repo"};
constexpr char kRepositoryText[] = "provisioning.grafana.app/Repository/my-repo";

class ContractTest : public ServerFixture, public ::testing::WithParamInterface<const char*> {
 protected:
  ReplayedGrafana Grafana(const std::string& bearer = ServedVault::kBearer) const {
    ReplayedGrafana grafana(served.Ini(bearer), clock);
    grafana.version = GetParam();
    return grafana;
  }
};
INSTANTIATE_TEST_SUITE_P(Versions, ContractTest, ::testing::Values("v1", "v1beta1"));

TEST_P(ContractTest, EachNameGetsItsValue) {
  vault.Set(PathOf("one"), "first", kForGrafana);
  vault.Set(PathOf("two"), "second \xC3\xA4", kForGrafana);
  vault.Set(PathOf("two", "org-2"), "another namespace's", kForGrafana);
  ReplayedGrafana grafana = Grafana();
  const auto answer = grafana.Decrypt(kService, "default", {"one", "two", "one", ""});
  ASSERT_TRUE(answer.ok()) << answer.ToText();
  EXPECT_EQ(answer.values, (std::map<std::string, Value>{{"one", {"first", ""}}, {"two", {"second \xC3\xA4", ""}}}));
  EXPECT_EQ(grafana.attempts, 1);
  const auto other = grafana.Decrypt(kService, "org-2", {"two"});
  EXPECT_EQ(other.values.at("two").value, "another namespace's");
  EXPECT_EQ(grafana.exchanges, 2);  // one a namespace
}

TEST_P(ContractTest, NoNamesAreNoCall) {
  ReplayedGrafana grafana = Grafana();
  EXPECT_TRUE(grafana.Decrypt(kService, "default", {"", ""}).ok());
  EXPECT_EQ(grafana.attempts, 0);
}

TEST_P(ContractTest, UnknownNamesLookLikeThoseOfOthers) {
  vault.Set(PathOf("mine"), "v", kForGrafana);
  vault.Set(PathOf("theirs"), "secret", {{"grafana-decrypters", "k6-cloud"}});
  vault.Set(PathOf("nobodys"), "secret");
  vault.Set(PathOf("expired"), "secret", kForGrafana);
  vault.Expire(PathOf("expired"));
  const std::string too_long(100, 'x');
  ReplayedGrafana grafana = Grafana();
  const auto answer =
      grafana.Decrypt(kService, "default", {"mine", "theirs", "nobodys", "expired", "unknown", too_long});
  ASSERT_TRUE(answer.ok()) << answer.ToText();
  EXPECT_EQ(answer.values, (std::map<std::string, Value>{{"mine", {"v", ""}},
                                                         {"theirs", kNotThere},
                                                         {"nobodys", kNotThere},
                                                         {"expired", kNotThere},
                                                         {"unknown", kNotThere},
                                                         {too_long, kNotThere}}));
  EXPECT_EQ(answer.body.find("secret"), std::string::npos);
  EXPECT_EQ(grafana.attempts, 1);
}

TEST_P(ContractTest, WhatIsNoTextOfTheLimitsIsRefusedByName) {
  vault.Set(PathOf("empty"), "", kForGrafana);
  vault.Set(PathOf("largest"), std::string(kMaxSecureValue, 'x'), kForGrafana);
  vault.Set(PathOf("larger"), std::string(kMaxSecureValue + 1, 'x'), kForGrafana);
  vault.Set(PathOf("binary"), "\xff\xfe", kForGrafana);
  ReplayedGrafana grafana = Grafana();
  const auto answer = grafana.Decrypt(kService, "default", {"empty", "largest", "larger", "binary"});
  ASSERT_TRUE(answer.ok()) << answer.ToText();
  const Value no_text{"", "the value is not a text of 1 to 24576 bytes"};
  EXPECT_EQ(answer.values.at("largest").value.size(), kMaxSecureValue);
  EXPECT_EQ(answer.values.at("empty"), no_text);
  EXPECT_EQ(answer.values.at("larger"), no_text);
  EXPECT_EQ(answer.values.at("binary"), no_text);
}

TEST_P(ContractTest, EachValueIsReadOnSomebodysBehalf) {
  vault.Set(PathOf("one"), "v", kForGrafana);
  ReplayedGrafana grafana = Grafana();
  ASSERT_TRUE(grafana.Decrypt(kService, "default", {"one", "two"}).ok());
  const auto read = vault.Calls();
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].path, PathOf("one"));
  EXPECT_EQ(read[1].path, PathOf("two"));
  for (const VaultCall& call : read) {
    EXPECT_EQ(call.operation, "GetSecret");
    EXPECT_EQ(call.tenant, "acme");
    EXPECT_EQ(call.purpose, "grafana-secure-value");
    EXPECT_EQ(call.on_behalf_of, "grafana/provisioning.grafana.app");
    EXPECT_EQ(call.request_id, read[0].request_id);
    EXPECT_FALSE(call.request_id.empty());
  }
  vault.ForgetCalls();
  ASSERT_TRUE(grafana.Decrypt("", "default", {"one"}).ok());  // older Grafanas lose the service's name
  EXPECT_EQ(vault.Calls().front().on_behalf_of, "grafana");
  EXPECT_NE(vault.Calls().front().request_id, read[0].request_id);
}

TEST_P(ContractTest, AServicesNameCannotBreakACall) {
  vault.Set(PathOf("one"), "v", kForGrafana);
  ReplayedGrafana grafana = Grafana();
  ASSERT_TRUE(grafana.Decrypt("a b~" + std::string(300, 'x'), "default", {"one"}).ok());
  EXPECT_EQ(vault.Calls().front().on_behalf_of, "grafana/a?b~" + std::string(116, 'x'));
}

TEST_P(ContractTest, ATokenIsKeptUntilShortlyBeforeItsEnd) {
  vault.Set(PathOf("one"), "v", kForGrafana);
  ReplayedGrafana grafana = Grafana();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(grafana.Decrypt(kService, "default", {"one"}).ok());
  EXPECT_EQ(grafana.exchanges, 1);
  clock.Advance(584 * kMicrosPerSecond);
  ASSERT_TRUE(grafana.Decrypt(kService, "default", {"one"}).ok());
  EXPECT_EQ(grafana.exchanges, 1);
  clock.Advance(kMicrosPerSecond);
  ASSERT_TRUE(grafana.Decrypt(kService, "default", {"one"}).ok());
  EXPECT_EQ(grafana.exchanges, 2);
}

TEST_P(ContractTest, AnExpiredTokenIsRefusedAtOnce) {
  ReplayedGrafana grafana = Grafana();
  const std::string token = grafana.AccessTokenFor("default");
  clock.Advance(600 * kMicrosPerSecond);
  const auto answer = grafana.CallOnce("/decrypt" + grafana.version + ".SecureValueDecrypter/DecryptSecureValues",
                                       DecryptRequestOf("default", {"one"}), {{"x-access-token", token}});
  EXPECT_EQ(answer.code, StatusCode::UNAUTHENTICATED) << answer.ToText();
  EXPECT_EQ(answer.message, "the access token has expired");
  EXPECT_TRUE(vault.Calls().empty());
}

TEST_P(ContractTest, AnotherAudienceIsRefusedAtTheExchange) {
  ReplayedGrafana grafana = Grafana();
  const auto refused = grafana.Exchange("default", "resourceStore");
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.body.find("\"error\":\"audiences: tokens are made for secret.grafana.app only\""),
            std::string::npos)
      << refused.body;
}

TEST_P(ContractTest, ASealedServiceIsAskedAgain) {
  vault.Set(PathOf("one"), "v", kForGrafana);
  vault.FailNext(1'000, StatusCode::UNAVAILABLE, ErrorCode::kSealed);
  ReplayedGrafana grafana = Grafana();
  auto answer = grafana.Decrypt(kService, "default", {"one", "two"});
  EXPECT_EQ(answer.code, StatusCode::UNAVAILABLE);
  EXPECT_EQ(answer.message, "the key service is sealed");
  EXPECT_EQ(grafana.attempts, 3);
  EXPECT_EQ(vault.Calls().size(), 3U);  // the first name's failure ends a call

  grafana.before_retry = [this] { vault.FailNext(0, StatusCode::OK, ErrorCode::kInternal); };  // unsealed meanwhile
  answer = grafana.Decrypt(kService, "default", {"one"});
  ASSERT_TRUE(answer.ok()) << answer.ToText();
  EXPECT_EQ(answer.values.at("one").value, "v");
  EXPECT_EQ(grafana.attempts, 5);
}

TEST_P(ContractTest, ALimitOfThePolicyIsAskedAgain) {
  vault.FailNext(1'000, StatusCode::RESOURCE_EXHAUSTED, ErrorCode::kResourceExhausted);
  ReplayedGrafana grafana = Grafana();
  EXPECT_EQ(grafana.Decrypt(kService, "default", {"one"}).code, StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(grafana.attempts, 3);
}

TEST_P(ContractTest, OtherFailuresEndACallAtOnce) {
  const std::vector<std::tuple<StatusCode, ErrorCode, StatusCode>> failures = {
      {StatusCode::UNAUTHENTICATED, ErrorCode::kUnauthenticated, StatusCode::UNAUTHENTICATED},
      {StatusCode::INVALID_ARGUMENT, ErrorCode::kInvalidArgument, StatusCode::INVALID_ARGUMENT},
      {StatusCode::DATA_LOSS, ErrorCode::kIntegrity, StatusCode::DATA_LOSS},
      {StatusCode::INTERNAL, ErrorCode::kInternal, StatusCode::INTERNAL},
  };
  for (const auto& [status, code, expected] : failures) {
    vault.FailNext(1, status, code);
    ReplayedGrafana grafana = Grafana();
    const auto answer = grafana.Decrypt(kService, "default", {"one"});
    EXPECT_EQ(answer.code, expected) << answer.ToText();
    EXPECT_EQ(grafana.attempts, 1);
  }
}

TEST_P(ContractTest, FailuresOfOneValueAreItsOwn) {
  vault.Set(PathOf("one"), "v", kForGrafana);
  vault.Set(PathOf("two"), "v", kForGrafana);
  const std::vector<std::pair<ErrorCode, std::string>> failures = {
      {ErrorCode::kPermissionDenied, "not found, or not for this service"},
      {ErrorCode::kFailedPrecondition, "not found, or not for this service"},
      {ErrorCode::kNotFound, "not found, or not for this service"},
      {ErrorCode::kDecryptFailed, "the value does not decrypt"},
  };
  for (const auto& [code, sentence] : failures) {
    vault.FailNext(1, StatusCode::UNKNOWN, code);
    ReplayedGrafana grafana = Grafana();
    const auto answer = grafana.Decrypt(kService, "default", {"one", "two"});
    ASSERT_TRUE(answer.ok()) << answer.ToText();
    EXPECT_EQ(answer.values.at("one").error, sentence);
    EXPECT_EQ(answer.values.at("two").value, "v");
  }
}

TEST_P(ContractTest, AnInlineValueLivesAndGoesWithItsOwner) {
  ReplayedGrafana grafana = Grafana();
  const auto created = grafana.CreateInline(kRepository, "s3cret");
  ASSERT_TRUE(created.ok()) << created.ToText();
  ASSERT_TRUE(CheckSecureValueName(created.name).ok()) << created.name;
  EXPECT_EQ(vault.At(PathOf(created.name)), "s3cret");
  EXPECT_EQ(vault.MetadataAt(PathOf(created.name)),
            (std::map<std::string, std::string>{{"grafana-owner", kRepositoryText},
                                                {"grafana-decrypters", "provisioning.grafana.app,grafana"}}));
  EXPECT_TRUE(grafana.CanReference(kRepository, {created.name}).ok());
  EXPECT_EQ(grafana.Decrypt(kService, "default", {created.name}).values.at(created.name).value, "s3cret");

  ASSERT_TRUE(grafana.DeleteWhenOwnedByResource(kRepository, {created.name}).ok());
  EXPECT_EQ(vault.At(PathOf(created.name)), std::nullopt);
  EXPECT_EQ(grafana.Decrypt(kService, "default", {created.name}).values.at(created.name), kNotThere);
  EXPECT_TRUE(grafana.DeleteWhenOwnedByResource(kRepository, {created.name}).ok());  // once more does no harm
}

TEST_P(ContractTest, AResourcesVersionIsNoMatterOfWhoseAValueIs) {
  ReplayedGrafana grafana = Grafana();
  const auto created = grafana.CreateInline(kRepository, "v");
  Resource newer = kRepository;
  newer.api_version = "v1";
  EXPECT_TRUE(grafana.CanReference(newer, {created.name}).ok());
}

TEST_P(ContractTest, ADescriptionIsKept) {
  ReplayedGrafana grafana = Grafana();
  const std::string description = "the token of a webhook";
  const auto created = grafana.CreateInline(kRepository, "v", &description);
  ASSERT_TRUE(created.ok());
  EXPECT_EQ(vault.MetadataAt(PathOf(created.name)).at("grafana-description"), description);
}

TEST_P(ContractTest, EachInlineValueHasAPlaceOfItsOwn) {
  ReplayedGrafana grafana = Grafana();
  std::set<std::string> names;
  for (int i = 0; i < 5; ++i) names.insert(grafana.CreateInline(kRepository, "same").name);
  EXPECT_EQ(names.size(), 5U);
  EXPECT_EQ(vault.Paths().size(), 5U);
}

const std::map<std::string, std::string> kOwned = {{"grafana-owner", kRepositoryText},
                                                   {"grafana-decrypters", "grafana"}};

TEST_P(ContractTest, OnlyItsOwnerMayReferenceAValue) {
  vault.Set(PathOf("owned"), "v", kOwned);
  vault.Set(PathOf("shared"), "v", kForGrafana);
  vault.Set(PathOf("theirs"), "v",
            {{"grafana-owner", "provisioning.grafana.app/Repository/other"}, {"grafana-decrypters", "grafana"}});
  ReplayedGrafana grafana = Grafana();
  EXPECT_TRUE(grafana.CanReference(kRepository, {"owned"}).ok());
  std::set<std::string> sentences;
  for (const std::string name : {"shared", "theirs", "unknown"}) {
    const auto answer = grafana.CanReference(kRepository, {"owned", name});
    EXPECT_EQ(answer.code, StatusCode::PERMISSION_DENIED) << name;
    sentences.insert(answer.message);
  }
  EXPECT_EQ(sentences.size(), 1U) << "the sentence tells what there is";
  Resource other = kRepository;
  other.kind = "Folder";
  EXPECT_EQ(grafana.CanReference(other, {"owned"}).code, StatusCode::PERMISSION_DENIED);
  for (const VaultCall& call : vault.Calls()) EXPECT_EQ(call.operation, "GetSecretHistory");  // no value was read
}

TEST_P(ContractTest, OnlyWhatIsTheOwnersIsDeleted) {
  vault.Set(PathOf("owned"), "1", kOwned);
  vault.Set(PathOf("theirs"), "2",
            {{"grafana-owner", "provisioning.grafana.app/Repository/my-repo-2"}, {"grafana-decrypters", "grafana"}});
  vault.Set(PathOf("shared"), "3", kForGrafana);
  ReplayedGrafana grafana = Grafana();
  ASSERT_TRUE(grafana.DeleteWhenOwnedByResource(kRepository, {"theirs", "shared", "unknown", "owned"}).ok());
  EXPECT_EQ(vault.At(PathOf("owned")), std::nullopt);
  EXPECT_EQ(vault.At(PathOf("theirs")), "2");
  EXPECT_EQ(vault.At(PathOf("shared")), "3");
}

TEST_P(ContractTest, AllVersionsAreDeleted) {
  for (const std::string value : {"1", "2", "3", "4", "5"}) {
    vault.Set(PathOf("owned"), value, kOwned);
  }
  ReplayedGrafana grafana = Grafana();
  ASSERT_TRUE(grafana.DeleteWhenOwnedByResource(kRepository, {"owned"}).ok());
  std::size_t deletes = 0;
  for (const VaultCall& call : vault.Calls()) deletes += call.operation == "DeleteSecret" ? 1 : 0;
  EXPECT_EQ(deletes, 3U);  // a page of versions each
  vault.ForgetCalls();
  ASSERT_TRUE(grafana.DeleteWhenOwnedByResource(kRepository, {"owned"}).ok());
  for (const VaultCall& call : vault.Calls()) EXPECT_EQ(call.operation, "GetSecretHistory");
}

TEST_P(ContractTest, AFailedCheckDeletesNothing) {
  vault.Set(PathOf("owned"), "1", kOwned);
  vault.FailNext(1, StatusCode::UNAVAILABLE, ErrorCode::kSealed);
  ReplayedGrafana grafana = Grafana();
  EXPECT_EQ(grafana.DeleteWhenOwnedByResource(kRepository, {"owned"}).code, StatusCode::UNAVAILABLE);
  EXPECT_EQ(vault.At(PathOf("owned")), "1");
}

// Organisation 1 of every Grafana is `default`, and a copy of its database knows all names and owners.
TEST_P(ContractTest, AnotherGrafanaOfTheNamespaceNeitherReferencesNorDeletes) {
  vault.Set(PathOf("owned"), "v", kOwned);
  ReplayedGrafana other = Grafana(ServedVault::kOtherBearer);
  EXPECT_EQ(other.CanReference(kRepository, {"owned"}).code, StatusCode::PERMISSION_DENIED);
  EXPECT_TRUE(other.DeleteWhenOwnedByResource(kRepository, {"owned"}).ok());
  EXPECT_EQ(vault.At(PathOf("owned")), "v");
}

TEST_P(ContractTest, OnlyWhoMayHaveAValueHearsThatItDoesNotDecrypt) {
  vault.Set(PathOf("one"), "v", kForGrafana);
  const auto hears = [this](const std::string& bearer) {
    vault.FailNext(1, StatusCode::FAILED_PRECONDITION, ErrorCode::kDecryptFailed);
    return Grafana(bearer).Decrypt("grafana", "default", {"one"}).values.at("one");
  };
  EXPECT_EQ(hears(ServedVault::kBearer), (Value{"", "the value does not decrypt"}));
  EXPECT_EQ(hears(ServedVault::kOtherBearer), kNotThere);
}

TEST_P(ContractTest, AnotherIdentityHasNotWhatItIsNotNamedFor) {
  vault.Set(PathOf("one"), "v", kForGrafana);
  vault.Set(PathOf("both"), "w", {{"grafana-decrypters", "grafana, other"}});
  ReplayedGrafana other = Grafana(ServedVault::kOtherBearer);
  const auto answer = other.Decrypt("grafana", "default", {"one", "both"});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer.values.at("one"), kNotThere);
  EXPECT_EQ(answer.values.at("both").value, "w");
}

TEST_P(ContractTest, OverloadIsACodeThatGrafanaTriesAgain) {
  vault.Set(PathOf("one"), "v", kForGrafana);
  vault.Hold();
  ReplayedGrafana first = Grafana();
  const std::string token = first.AccessTokenFor("default");
  std::atomic<int> good = 0;
  std::atomic<int> exhausted = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2 * SecureValueServer::kMaxThreads; ++i) {
    threads.emplace_back([&] {
      ReplayedGrafana grafana = Grafana();
      const auto answer = grafana.CallOnce("/decrypt" + grafana.version + ".SecureValueDecrypter/DecryptSecureValues",
                                           DecryptRequestOf("default", {"one"}), {{"x-access-token", token}});
      good += answer.ok();
      exhausted += answer.code == StatusCode::RESOURCE_EXHAUSTED;
    });
  }
  EXPECT_TRUE(WaitUntil([&] { return exhausted > 0; }));
  vault.LetGo();
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(good, 0);
  EXPECT_EQ(good + exhausted, 2 * SecureValueServer::kMaxThreads);
}

TEST_P(ContractTest, TheLogNamesCallersAndNoValue) {
  vault.Set(PathOf("one"), "HUNTER2", kForGrafana);
  ReplayedGrafana grafana = Grafana();
  ASSERT_TRUE(grafana.Decrypt(kService, "default", {"one", "two"}).ok());
  const auto created = grafana.CreateInline(kRepository, "HUNTER2");
  ASSERT_FALSE(grafana.CanReference(kRepository, {"two"}).ok());
  ASSERT_TRUE(grafana.DeleteWhenOwnedByResource(kRepository, {created.name, "two"}).ok());
  EXPECT_EQ(served.LogText(),
            "exchange grafana: ok\n"
            "decrypt grafana/provisioning.grafana.app default: 1 value(s), 1 refused\n"
            "create grafana default: " +
                created.name +
                "\n"
                "can-reference grafana default: names: a value is not there, or does not belong to this owner\n"
                "delete grafana default: 1 of 2 name(s) deleted\n");
}

}  // namespace
}  // namespace coffer::grafana
