#include "policy/signed_statements.h"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "crypto/note_key.h"
#include "policy/access_policy.h"

namespace coffer::policy {
namespace {

StoreUuid Store() { return StoreUuid::Parse("01926e3a-0000-7000-8000-000000000001").value(); }

ApprovalStatement Sample() {
  ApprovalStatement statement{.store = Store(),
                              .id = ApprovalUuid::Parse("01926e3a-0000-7000-8000-000000000002").value(),
                              .policy_serial = 7,
                              .rule = "admin-approved",
                              .requester = "unix:admin:0",
                              .not_after_unix_s = 1'800'000'000,
                              .reason = "retired, ticket 4711",
                              .operation = Operation::kScheduleDestroy,
                              .facts = {}};
  statement.facts.Add("keyring", "shop").Add("version", 1).Add("state", "disabled");
  return statement;
}

constexpr std::string_view kSample =
    "coffer approval v1\n"
    "store 01926e3a-0000-7000-8000-000000000001\n"
    "approval 01926e3a-0000-7000-8000-000000000002\n"
    "policy 7\n"
    "rule admin-approved\n"
    "requester unix:admin:0\n"
    "until 2027-01-15T08:00:00Z\n"
    "reason retired, ticket 4711\n"
    "operation ScheduleDestroy\n"
    "keyring shop\n"
    "version 1\n"
    "state disabled\n";

BreakGlassStatement SampleEmergency() {
  return {.store = Store(),
          .id = ApprovalUuid::Parse("01926e3a-0000-7000-8000-000000000003").value(),
          .policy_serial = 7,
          .principal = "spiffe://example.org/role/app/oncall",
          .not_after_unix_s = 1'800'000'000,
          .reason = "orders cannot be paid, incident 4711"};
}

constexpr std::string_view kEmergency =
    "coffer break-glass v1\n"
    "store 01926e3a-0000-7000-8000-000000000001\n"
    "id 01926e3a-0000-7000-8000-000000000003\n"
    "policy 7\n"
    "principal spiffe://example.org/role/app/oncall\n"
    "until 2027-01-15T08:00:00Z\n"
    "reason orders cannot be paid, incident 4711\n";

TEST(SignedStatementsTest, AnApprovalReadsAsItIsSigned) {
  EXPECT_EQ(*Sample().ToText(), kSample);
  const Result<ApprovalStatement> parsed = ApprovalStatement::Parse(kSample);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed, Sample());
}

TEST(SignedStatementsTest, APolicyReadsAsItIsSigned) {
  const PolicyStatement statement = PolicyStatement::Of(Store(), 3, "abc");
  const std::string text =
      "coffer policy v1\n"
      "store 01926e3a-0000-7000-8000-000000000001\n"
      "serial 3\n"
      "sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n";  // FIPS 180-4, of "abc"
  EXPECT_EQ(statement.ToText(), text);
  EXPECT_EQ(*PolicyStatement::Parse(text), statement);
}

TEST(SignedStatementsTest, AnEmergencyReadsAsItIsSigned) {
  EXPECT_EQ(SampleEmergency().ToText(), kEmergency);
  const Result<BreakGlassStatement> parsed = BreakGlassStatement::Parse(kEmergency);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed, SampleEmergency());
}

TEST(SignedStatementsTest, OneIsNeverTheOther) {
  const std::string policy = PolicyStatement::Of(Store(), 3, "abc").ToText();
  EXPECT_FALSE(ApprovalStatement::Parse(policy).ok());
  EXPECT_FALSE(BreakGlassStatement::Parse(policy).ok());
  EXPECT_FALSE(PolicyStatement::Parse(kSample).ok());
  EXPECT_FALSE(BreakGlassStatement::Parse(kSample).ok());
  EXPECT_FALSE(PolicyStatement::Parse(kEmergency).ok());
  EXPECT_FALSE(ApprovalStatement::Parse(kEmergency).ok());
}

TEST(SignedStatementsTest, EveryOtherSpellingOfAnEmergencyIsRefused) {
  const std::string sample(kEmergency);
  const auto with = [&sample](const std::string& from, const std::string& to) {
    std::string text = sample;
    return text.replace(text.find(from), from.size(), to);
  };
  const std::string until = "2027-01-15T08:00:00Z";
  for (const std::string& text : {sample + "\n",
                                  sample + "operation GetSecret\n",
                                  " " + sample,
                                  with("v1", "v2"),
                                  with("break-glass v1", "approval v1"),
                                  with("break-glass v1", "policy v1"),
                                  with("store 0", "store A"),
                                  with("id 0", "approval 0"),
                                  with("id 01926e3a", "id 01926E3A"),
                                  with("policy 7", "policy 07"),
                                  with("policy 7", "policy +7"),
                                  with("policy 7", "policy "),
                                  with("policy 7", "policy 9223372036854775808"),
                                  with("app/oncall", "oncall"),
                                  with("app/oncall", "app/*"),
                                  with("spiffe://example.org/role/app/oncall", "unix:app:01"),
                                  with("spiffe://example.org/role/app/oncall", ""),
                                  with(until, "2027-01-15T08:00:00+00:00"),
                                  with(until, "2027-01-15 08:00:00Z"),
                                  with(until, "2027-02-30T08:00:00Z"),
                                  with(until, "2027-01-15T08:00:00.0Z"),
                                  with("reason orders cannot be paid, incident 4711", "reason "),
                                  with("reason orders cannot", "reason orders\tcannot"),
                                  with("reason orders", "reason " + std::string(200, 'o')),
                                  with("policy 7\nprincipal", "principal"),
                                  with("\nuntil", "\r\nuntil"),
                                  sample + std::string(kMaxStatementBytes, 'x') + "\n"}) {
    EXPECT_FALSE(BreakGlassStatement::Parse(text).ok()) << text.substr(0, 400);
  }
  for (std::size_t cut = 0; cut < sample.size(); ++cut) {
    EXPECT_FALSE(BreakGlassStatement::Parse(sample.substr(0, cut)).ok()) << cut;
  }
}

TEST(SignedStatementsTest, EveryOtherSpellingIsRefused) {
  const std::string sample(kSample);
  const auto with = [&sample](const std::string& from, const std::string& to) {
    std::string text = sample;
    return text.replace(text.find(from), from.size(), to);
  };
  for (const std::string& text : {std::string(),
                                  sample + "\n",
                                  sample.substr(0, sample.size() - 1),
                                  " " + sample,
                                  with("v1", "v2"),
                                  with("policy 7", "policy 07"),
                                  with("policy 7", "policy -7"),
                                  with("rule admin-approved", "rule "),
                                  with("rule admin-approved", "rule Admin"),
                                  with("unix:admin:0", "unix:admin:00"),
                                  with("unix:admin:0", "root"),
                                  with("2027-01-15T08:00:00Z", "2027-01-15T08:00:00+00:00"),
                                  with("2027-01-15T08:00:00Z", "2027-02-30T08:00:00Z"),
                                  with("reason retired, ticket 4711", "reason "),
                                  with("reason retired, ticket 4711", "reason a\tb"),
                                  with("operation ScheduleDestroy", "operation Destroy"),
                                  with("keyring shop", "Keyring shop"),
                                  with("keyring shop", "keyring"),
                                  with("keyring shop", "keyring "),
                                  with("keyring shop", ""),
                                  with("requester unix:admin:0\n", ""),
                                  with("store 0", "store A"),
                                  with("\nstate", "\r\nstate"),
                                  sample + std::string(kMaxStatementBytes, 'x') + " y\n"}) {
    EXPECT_FALSE(ApprovalStatement::Parse(text).ok()) << text.substr(0, 400);
  }
  for (std::size_t cut = 0; cut < sample.size(); ++cut) {
    // What is cut behind a whole fact is another statement, of fewer facts.
    const Result<ApprovalStatement> parsed = ApprovalStatement::Parse(sample.substr(0, cut));
    EXPECT_EQ(parsed.ok(), cut >= sample.find("keyring") && sample[cut - 1] == '\n') << cut;
  }
}

TEST(SignedStatementsTest, AValueCannotForgeALine) {
  ApprovalStatement statement = Sample();
  statement.facts.Add("label", "x\noperation Rekey").Add("path", std::string(kMaxFactValue + 1, 'p')).Add("empty", "");
  const Result<std::string> text = statement.ToText();
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(text->find("Rekey"), std::string::npos);
  EXPECT_NE(text->find("label sha256:"), std::string::npos);
  EXPECT_NE(text->find("path sha256:"), std::string::npos);
  const Result<ApprovalStatement> parsed = ApprovalStatement::Parse(*text);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed, statement);
}

TEST(SignedStatementsTest, ThereIsALimit) {
  ApprovalStatement statement = Sample();
  for (std::size_t i = statement.facts.lines().size(); i < kMaxActFacts; ++i) statement.facts.Add("version", i);
  EXPECT_TRUE(statement.ToText().ok());
  statement.facts.Add("version", 1);
  EXPECT_EQ(statement.ToText().error().code(), ErrorCode::kInvalidArgument);
}

// docs/FORMAT.md section 13, whose signatures were made by another program.
TEST(SignedStatementsTest, TheExampleOfTheFormatIsSignedAsItSays) {
  std::ifstream file("docs/FORMAT.md");
  if (!file) GTEST_SKIP() << "docs/FORMAT.md is not here; tests run in the repository's root";
  std::stringstream read;
  read << file.rdbuf();
  const std::string text = read.str();
  const std::size_t section = text.find("### Worked example", text.find("## 13. What persons sign"));
  std::size_t at = section;
  const auto next_block = [&text, &at] {
    const std::size_t open = text.find('\n', text.find("```", at)) + 1;
    const std::size_t close = text.find("```", open);
    at = close + 3;
    return text.substr(open, close - open);
  };
  const std::string policy = next_block();
  const std::string policy_note = next_block();
  const std::string approval_note = next_block();
  const std::string break_glass_note = next_block();
  const auto signer = [](const std::string& name, std::uint8_t first) {
    Bytes seed;
    for (std::uint8_t i = 0; i < 32; ++i) seed.push_back(static_cast<std::byte>(first + i));
    return NoteSigner::Create(name, Ed25519PrivateKey::FromSeed(SecretBytes::CopyOf(seed)).value()).value();
  };
  const NoteSigner alice = signer("alice", 0x40);
  const NoteSigner bob = signer("bob", 0x60);
  const Result<AccessPolicy> parsed = AccessPolicy::Parse(policy);
  ASSERT_TRUE(parsed.ok()) << parsed.error().ToString();
  const StoreUuid store = StoreUuid::Parse("5acf2349-5267-7809-9a38-25188778f680").value();
  const std::string statement = PolicyStatement::Of(store, parsed->serial(), policy).ToText();
  EXPECT_EQ(policy_note, statement + "\n" + alice.Sign(statement)->ToLine() + bob.Sign(statement)->ToLine());
  const SignedNote approval = SignedNote::Parse(approval_note).value();
  EXPECT_TRUE(ApprovalStatement::Parse(approval.text).ok());
  EXPECT_EQ(approval_note, approval.text + "\n" + bob.Sign(approval.text)->ToLine());
  const NoteSigner safe = signer("safe", 0x80);
  const SignedNote break_glass = SignedNote::Parse(break_glass_note).value();
  EXPECT_TRUE(BreakGlassStatement::Parse(break_glass.text).ok());
  EXPECT_EQ(break_glass_note, break_glass.text + "\n" + safe.Sign(break_glass.text)->ToLine());
  EXPECT_NE(text.find("`" + safe.verifier().ToText() + "`"), std::string::npos);
}

}  // namespace
}  // namespace coffer::policy
