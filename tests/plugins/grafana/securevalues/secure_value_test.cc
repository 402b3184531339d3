// Names, namespaces and owners of secure values.
#include "plugins/grafana/securevalues/secure_value.h"

#include <gtest/gtest.h>

namespace coffer::grafana {
namespace {

SecretPath Prefix(const std::string& text = "grafana/secure-values") { return SecretPath::Parse(text).value(); }

TEST(SecureValueTest, NamespacesHaveOneText) {
  const std::vector<std::pair<std::string, std::string>> good = {{"default", "default"},
                                                                 {"org-2", "org-2"},
                                                                 {"org-9223372036854775807", "org-9223372036854775807"},
                                                                 {"stacks-1", "stacks-1"},
                                                                 {"stack-12", "stacks-12"}};
  for (const auto& [text, canonical] : good) {
    const auto read = CanonicalNamespace(text);
    ASSERT_TRUE(read.ok()) << text;
    EXPECT_EQ(*read, canonical);
    EXPECT_EQ(CanonicalNamespace(*read).value(), canonical);
  }
}

TEST(SecureValueTest, OtherNamespacesAreRefused) {
  for (const std::string_view text : {"",
                                      "*",
                                      "Default",
                                      "default ",
                                      "org-1",
                                      "org-0",
                                      "org-",
                                      "org--2",
                                      "org-02",
                                      "org-+2",
                                      "org-2 ",
                                      "org-2/../x",
                                      "org-9223372036854775808",
                                      "stacks-0",
                                      "stacks-x",
                                      "stack-",
                                      "stack-0",
                                      "stacks-1.5",
                                      "kube-system",
                                      "org-2\n"}) {
    const auto read = CanonicalNamespace(text);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_EQ(read.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(read.error().path(), "namespace");
  }
}

TEST(SecureValueTest, NamesAreKubernetesNames) {
  for (const std::string& name : {std::string("a"), std::string("github-token"), std::string("inline-0123456789abcdef"),
                                  std::string("a.b-c.9"), std::string(253, 'x')}) {
    EXPECT_TRUE(CheckSecureValueName(name).ok()) << name;
  }
  for (const std::string& name :
       {std::string(), std::string("-a"), std::string("a-"), std::string(".a"), std::string("a."), std::string("A"),
        std::string("a/b"), std::string("a_b"), std::string("a%2Fb"), std::string("a b"), std::string("*"),
        std::string("a\0b", 3), std::string("\xC3\xA4"), std::string(254, 'x')}) {
    const Status checked = CheckSecureValueName(name);
    ASSERT_FALSE(checked.ok()) << name;
    EXPECT_EQ(checked.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(checked.error().limit(), kMaxSecureValueName);
  }
}

TEST(SecureValueTest, AValueIsBelowItsPrefixAndNamespace) {
  EXPECT_EQ(PathOfSecureValue(Prefix(), "org-2", "github")->text(), "grafana/secure-values/org-2/github");
}

TEST(SecureValueTest, ANameThatNoSegmentCanHoldHasNoPlace) {
  EXPECT_TRUE(PathOfSecureValue(Prefix(), "default", std::string(64, 'x')));
  EXPECT_FALSE(PathOfSecureValue(Prefix(), "default", std::string(65, 'x')));
}

TEST(SecureValueTest, TheKeyIsWhereNoValueCanBe) {
  EXPECT_EQ(PathOfAccessTokenKey(Prefix())->text(), "grafana/secure-values/access-token-key");
  EXPECT_NE(PathOfSecureValue(Prefix("grafana"), "secure-values", "access-token-key"),
            std::nullopt);  // which no namespace is called
  EXPECT_FALSE(CanonicalNamespace("secure-values").ok());
}

TEST(SecureValueTest, APrefixLeavesRoomForTwoSegments) {
  EXPECT_TRUE(PathOfAccessTokenKey(Prefix("1/2/3/4/5/6")).ok());
  const auto path = PathOfAccessTokenKey(Prefix("1/2/3/4/5/6/7"));
  ASSERT_FALSE(path.ok());
  EXPECT_EQ(path.error().path(), "prefix");
}

TEST(SecureValueTest, OwnersAreGroupKindAndName) {
  const OwnerReference owner{"provisioning.grafana.app", "v0alpha1", "Repository", "my-repo"};
  EXPECT_TRUE(owner.Check().ok());
  EXPECT_EQ(owner.ToText(), "provisioning.grafana.app/Repository/my-repo");
}

TEST(SecureValueTest, AnOwnersPartsAreAllThere) {
  const OwnerReference good{"g.app", "v1", "Kind", "name"};
  const std::vector<std::pair<std::string, std::string OwnerReference::*>> parts = {
      {"owner.api_group", &OwnerReference::api_group},
      {"owner.api_version", &OwnerReference::api_version},
      {"owner.kind", &OwnerReference::kind},
      {"owner.name", &OwnerReference::name}};
  for (const auto& [field, part] : parts) {
    for (const std::string& bad : {std::string(), std::string(254, 'a'), std::string("a/b"), std::string("a,b"),
                                   std::string("a b"), std::string("a\n"), std::string("\xC3\xA4")}) {
      OwnerReference owner = good;
      owner.*part = bad;
      const Status checked = owner.Check();
      ASSERT_FALSE(checked.ok()) << field << " " << bad;
      EXPECT_EQ(checked.error().path(), field);
    }
  }
}

TEST(SecureValueTest, AnOwnerFitsIntoMetadata) {
  const OwnerReference owner{std::string(253, 'g'), "v1", std::string(200, 'k'), std::string(100, 'n')};
  ASSERT_FALSE(owner.Check().ok());
  EXPECT_EQ(owner.Check().error().path(), "owner");
  EXPECT_TRUE((OwnerReference{std::string(253, 'g'), "v1", std::string(200, 'k'), std::string(57, 'n')}).Check().ok());
}

TEST(SecureValueTest, InlineNamesAreNamesAndDiffer) {
  const std::string name = MakeInlineName();
  EXPECT_TRUE(CheckSecureValueName(name).ok());
  EXPECT_TRUE(PathOfSecureValue(Prefix(), "default", name));
  EXPECT_NE(name, MakeInlineName());
}

TEST(SecureValueTest, DecryptersAreWholeWords) {
  EXPECT_TRUE(HasDecrypter("grafana", "grafana"));
  EXPECT_TRUE(HasDecrypter("provisioning.grafana.app, grafana ,x", "grafana"));
  for (const std::string_view list : {"", ",", " ", "grafana-dev", "provisioning.grafana.app", "Grafana", "graf,ana"}) {
    EXPECT_FALSE(HasDecrypter(list, "grafana")) << list;
  }
  EXPECT_FALSE(HasDecrypter("a,,b", ""));
}

}  // namespace
}  // namespace coffer::grafana
