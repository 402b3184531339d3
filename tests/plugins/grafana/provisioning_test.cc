#include "plugins/grafana/provisioning.h"

#include <gtest/gtest.h>

#include "tests/plugins/grafana/test_files.h"

namespace coffer::grafana {
namespace {

struct BadFile {
  const char* why;
  const char* text;
  std::uint64_t line;
};

class RefusedFile : public ::testing::TestWithParam<BadFile> {};

TEST_P(RefusedFile, IsRefusedWithItsLineAndNothingReachesTheVault) {
  MemoryVault vault;
  const auto imported = Import(GetParam().text, vault);
  ASSERT_FALSE(imported.ok()) << imported->rewritten;
  EXPECT_EQ(imported.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(imported.error().line(), GetParam().line) << imported.error().ToString();
  EXPECT_EQ(imported.error().ToString().find("hunter"), std::string::npos);
  EXPECT_EQ(vault.gets + vault.puts, 0);
}

#define DS "datasources:\n- name: a\n"
const BadFile kBadFiles[] = {
    {"NotYaml", DS "  secureJsonData: {p: hunter\n", 4},
    {"NotAMap", "- hunter\n", 1},
    {"DatasourcesNotAList", "datasources: {a: b}\n", 1},
    {"DatasourceNotAMap", "datasources:\n- hunter\n", 2},
    {"TwoDocuments", "a: 1\n---\nb: 2\n", 2},
    {"DuplicateKey", DS "  secureJsonData:\n    p: hunter\n    p: hunter\n", 5},
    {"DuplicateKeyElsewhere", "a: 1\nb: 2\na: 3\n", 3},
    {"NoName", "datasources:\n- type: x\n  secureJsonData: {p: hunter}\n", 2},
    {"EmptyName", "datasources:\n- name: ''\n  secureJsonData: {p: hunter}\n", 2},
    {"NameIsAMap", "datasources:\n- name: {}\n  secureJsonData: {p: hunter}\n", 2},
    {"OrgNotANumber", DS "  orgId: $ORG\n  secureJsonData: {p: hunter}\n", 3},
    {"OrgWithZeros", DS "  orgId: 01\n  secureJsonData: {p: hunter}\n", 3},
    {"OrgNegative", DS "  orgId: -1\n  secureJsonData: {p: hunter}\n", 3},
    {"OrgTooLarge", DS "  orgId: 99999999999999999999\n  secureJsonData: {p: hunter}\n", 3},
    {"SecureNotAMap", DS "  secureJsonData: hunter\n", 3},
    {"SecureIsAList", DS "  secureJsonData: [hunter]\n", 3},
    {"ValueIsAMap", DS "  secureJsonData: {p: {q: hunter}}\n", 3},
    {"ValueIsAList", DS "  secureJsonData:\n    p:\n    - hunter\n", 5},
    {"ValueIsBinary", DS "  secureJsonData:\n    p: !!binary aHVudGVy\n", 4},
    {"ValueHoldsNul", DS "  secureJsonData:\n    p: \"hunter\\0\"\n", 4},
    {"KeyIsEmpty", DS "  secureJsonData:\n    '': hunter\n", 4},
    {"KeyIsDots", DS "  secureJsonData:\n    ..: hunter\n", 4},
    {"KeyIsAMap", DS "  secureJsonData:\n    ? {a: b}\n    : hunter\n", 4},
    {"OldFormat", DS "  secure_json_data: {p: hunter}\n", 3},
    {"TwoOwnersOfOnePath", DS "  secureJsonData: {p: hunter}\n- uid: a\n  secureJsonData: {p: hunter2}\n", 5},
    {"MalformedReference", DS "  secureJsonData: {p: 'coffer:///hunter'}\n", 3},
    {"ReferenceInsideText", DS "  secureJsonData: {p: 'Bearer coffer://grafana/1/a/p'}\n", 3},
    {"ReferenceInUrl", DS "  url: coffer://grafana/1/a/p\n", 3},
    {"ReferenceAsKey", DS "  jsonData: {'coffer://grafana/1/a/p': 1}\n", 3},
    {"ReferenceElsewhere", "x: coffer://grafana/1/a/p\n" DS, 1},
    {"SecretAlsoInUrl", DS "  secureJsonData: {p: &s hunter}\n  url: *s\n", 4},
    {"SecretDefinedInUrl", DS "  url: &s hunter\n  secureJsonData: {p: *s}\n", 3},
    {"SecretMapAlsoInJsonData", DS "  secureJsonData: &s {p: hunter}\n  jsonData: *s\n", 4},
    {"SecretMapMergedIntoJsonData", DS "  secureJsonData: &s {p: hunter}\n  jsonData: {<<: *s}\n", 4},
    {"SecretMapMergedIntoDatasource", DS "  secureJsonData: &s {p: hunter}\n- <<: *s\n  name: b\n", 3},
    {"SecretInMergedUrl", "x: &x {url: &s hunter}\ndatasources:\n- <<: *x\n  name: a\n  secureJsonData: {p: *s}\n", 1},
    {"SecretInDeleted", DS "  secureJsonData: {p: &s hunter}\ndeleteDatasources:\n- name: *s\n", 5},
    {"UnusedSecure", "x:\n  secureJsonData: {p: hunter}\n" DS, 2},
    {"UnusedSecureOfAnotherKind", "apps:\n- type: x\n  secureJsonData: {p: hunter}\n", 3},
    {"OverriddenSecret", "x: &x {p: hunter}\n" DS "  secureJsonData:\n    <<: *x\n    p: hunter2\n", 1},
    {"MergeBehindKey", "x: &x {p: hunter}\n" DS "  secureJsonData:\n    p: hunter2\n    <<: *x\n", 1},
    {"MergeOfText", DS "  secureJsonData:\n    <<: hunter\n", 4},
    {"MergeInQuotes", "x: &x {p: hunter}\n" DS "  secureJsonData: {'<<': *x}\n", 4},
    {"MergeOfItself", DS "  secureJsonData: &s\n    <<: *s\n    p: hunter\n", 3},
    {"ListInsideItself", "datasources: &d\n- *d\n", 2},
    {"UnknownAlias", DS "  secureJsonData: {p: *hunter}\n", 3},
    {"BlockOfBlanks", DS "  secureJsonData:\n    p: >-\n          \n\n  url: x\n", 4},
    {"BlockHeaderInTheColumnOfItsKey", DS "  secureJsonData:\n    p: &h\n    >+\n\n", 4},
    {"LoneCarriageReturn", DS "  secureJsonData:\n    p: hunter\r    q: x\n", 4},
    {"ControlCharacter", DS "  secureJsonData:\n    p: hunter\x04\n", 4},
    {"NextLine", DS "  secureJsonData:\n    p: hunter\xC2\x85\n", 4},
    {"LineSeparator", "# a\n# b\xE2\x80\xA8p: hunter\n", 2},
    {"NotUtf8", DS "  secureJsonData:\n    p: hunter\xFF\n", 0},
};
#undef DS

INSTANTIATE_TEST_SUITE_P(Table, RefusedFile, ::testing::ValuesIn(kBadFiles),
                         [](const auto& param) { return std::string(param.param.why); });

TEST(YamlTree, NestingIsBoundedInEveryStyle) {
  constexpr std::size_t kDeep = 20'000;
  for (const std::string piece : {"[", "{a: ", "- ", "? ", "[{", "!!map {", "&a [", "a: {"}) {
    std::string text;
    for (std::size_t i = 0; i < kDeep; ++i) text += piece;
    const auto tree = YamlTree::Parse(text);
    EXPECT_FALSE(tree.ok()) << piece;
  }
}

TEST(YamlTree, NestingOfSixtyFourIsAccepted) {
  const std::string text = std::string(kMaxYamlDepth, '[') + std::string(kMaxYamlDepth, ']');
  EXPECT_TRUE(YamlTree::Parse(text).ok());
  EXPECT_FALSE(YamlTree::Parse("[" + text + "]").ok());
}

TEST(YamlTree, SizeIsBounded) {
  EXPECT_TRUE(YamlTree::Parse("# " + std::string(kMaxYamlBytes - 2, 'x')).ok());
  const auto refused = YamlTree::Parse("# " + std::string(kMaxYamlBytes - 1, 'x'));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().limit(), kMaxYamlBytes);
}

TEST(YamlTree, NodesAreBounded) {
  std::string text = "[";
  for (std::size_t i = 0; i <= kMaxYamlNodes; ++i) text += "1,";
  EXPECT_FALSE(YamlTree::Parse(text + "]").ok());
}

TEST(YamlTree, PlacesCountBytesAndLines) {
  const std::string text = "\xEF\xBB\xBF# ü\r\nü:   &a !!str x\r\n";
  const auto tree = YamlTree::Parse(text);
  ASSERT_TRUE(tree.ok());
  const YamlNode& value = tree->node(NodeId{2});
  EXPECT_EQ(value.offset, text.find('&'));
  EXPECT_EQ(value.line, 2U);
  EXPECT_EQ(value.tag, "tag:yaml.org,2002:str");
}

TEST(Provisioning, MergesOfMergesEnd) {
  std::string text = "m0: &m0 {a: 1}\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = "*m" + std::to_string(i - 1);
    text += "m" + std::to_string(i) + ": &m" + std::to_string(i) + " {<<: [" + before + ", " + before + ", " + before +
            "]}\n";
  }
  MemoryVault vault;
  EXPECT_FALSE(Import(text + "datasources:\n- {<<: *m15, name: a, secureJsonData: {p: x}}\n", vault).ok());
  EXPECT_FALSE(Import(text + "datasources:\n- {<<: *m29, name: a, secureJsonData: {p: x}}\n", vault).ok());
  EXPECT_TRUE(Import(text + "datasources:\n- {<<: *m5, name: a, secureJsonData: {p: x}}\n", vault).ok());
}

TEST(Provisioning, SecretsAreBoundedInNumber) {
  std::string text = "datasources:\n- name: a\n  secureJsonData:\n";
  for (std::size_t i = 0; i < kMaxSecrets; ++i) text += "    k" + std::to_string(i) + ": v\n";
  const auto full = YamlTree::Parse(text);
  ASSERT_TRUE(full.ok());
  EXPECT_TRUE(FindSecrets(*full).ok());
  const auto over = YamlTree::Parse(text + "    one-more: v\n");
  ASSERT_TRUE(over.ok());
  const auto refused = FindSecrets(*over);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().limit(), kMaxSecrets);
}

TEST(Provisioning, ValueOfOneMebibyteIsAcceptedAndOneByteMoreIsNot) {
  MemoryVault vault;
  const std::string head = "datasources:\n- name: a\n  secureJsonData: {p: ";
  EXPECT_TRUE(Import(head + std::string(kMaxSecretBytes, 'x') + "}\n", vault).ok());
  const auto refused = Import(head + std::string(kMaxSecretBytes + 1, 'x') + "}\n", vault);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().limit(), kMaxSecretBytes);
}

}  // namespace
}  // namespace coffer::grafana
