// Break-glass: off until somebody shows what the offline key has signed; then on for one principal, for a while, once;
// and not again before an auditor has looked at it.
#include <thread>

#include "tests/keysvc/service/beside_fixture.h"

namespace coffer::keysvc {
namespace {

constexpr std::int64_t kMinute = 60'000'000;
const std::string kUser = "unix:app:20";
// Carol's, in another role.
const std::string kCarolToo = "unix:app:9";

class BreakGlassTest : public BesideFixture {
 protected:
  void SetUp() override {
    BesideFixture::SetUp();
    ASSERT_TRUE(Apply(1, Kept() + Dave()).ok());
  }
  std::string Kept(const std::string& operations = "\"DecryptFields\"") const {
    return people.BreakGlassText("minutes = 30\nroles = [\"app\"]\nprincipals = [\"" + kUser + "\", \"" + kCarolToo +
                                 "\"]\noperations = [" + operations +
                                 "]\nfields = [\"shop.connection.password\"]\nclasses = \"all\"\n"
                                 "keyrings = \"all\"\ntenants = \"all\"\n");
  }
  std::string Dave() const { return People::PersonText(dave); }

  // For kUser, half an hour from now.
  policy::BreakGlassStatement Statement() {
    return {.store = Store(),
            .id = policy::ApprovalUuid::Generate(number_++),
            .policy_serial = barrier->policy()->serial(),
            .principal = kUser,
            .not_after_unix_s = (clock.UnixMicros() + 30 * kMinute) / 1'000'000,
            .reason = "ticket 4711"};
  }
  Result<policy::BreakGlassStatement> Use(const policy::BreakGlassStatement& statement) {
    return access.BreakGlass(As(statement.principal), statement.ToText(), people.offline.Line(statement.ToText()));
  }
  // It is on; its id.
  std::string Begin(const policy::BreakGlassStatement& statement) {
    const auto used = Use(statement);
    EXPECT_TRUE(used.ok()) << used.error().ToString();
    return statement.id.ToText();
  }
  std::string Begin() { return Begin(Statement()); }
  std::string End() { return Code(access.RevokeGrant(admin, "break-glass", "it is over")); }
  std::string Review(const People::Person& by, const std::string& id, const std::string& text = "all was fine") {
    return Code(access.ReviewBreakGlass(As(by.principal), id, text));
  }
  std::string Reads() { return BesideFixture::Reads(As(kUser)); }
  // The refusal, when nothing is on after it.
  std::string Refused(const policy::BreakGlassStatement& statement, const std::string& caller,
                      const std::string& signature) {
    const auto used = access.BreakGlass(As(caller), statement.ToText(), signature);
    EXPECT_EQ(Reads(), "permission_denied");
    EXPECT_EQ(Rows(Table::kBreakGlass), 0U);
    return Code(used);
  }
  std::string Refused(const policy::BreakGlassStatement& statement) {
    return Refused(statement, kUser, people.offline.Line(statement.ToText()));
  }

  const People::Person dave{"dave", 5, "unix:auditor:10"};
  std::uint64_t number_ = 1;
};

TEST_F(BreakGlassTest, ItIsOffUntilItIsUsedAndEndsByItself) {
  EXPECT_EQ(Reads(), "permission_denied");
  const std::string id = Begin();
  EXPECT_EQ(recorded.records.back().object, id);
  EXPECT_EQ(recorded.records.back().reason, "ticket 4711");
  EXPECT_EQ(Reads(), "");
  EXPECT_EQ(Rule(), "break-glass");
  EXPECT_EQ(BesideFixture::Reads(As(kCarolToo)), "permission_denied") << "named by the policy, not by the statement";
  EXPECT_EQ(BesideFixture::Reads(app), "permission_denied");
  const Grants::Emergency emergency = access.ListGrants(auditor)->emergencies.at(0);
  EXPECT_TRUE(emergency.active);
  EXPECT_EQ(emergency.record.id.ToText(), id);
  EXPECT_EQ(emergency.record.activated_us, clock.UnixMicros());
  clock.Advance(30 * kMinute - 1);
  EXPECT_EQ(Reads(), "");
  clock.Advance(1);
  EXPECT_EQ(Reads(), "permission_denied");
  EXPECT_EQ(Rule(), "default-deny");
  EXPECT_FALSE(access.ListGrants(auditor)->emergencies.at(0).active);
}

TEST_F(BreakGlassTest, APolicyThatKeepsNothingOpensNothing) {
  ASSERT_TRUE(Apply(2).ok());
  EXPECT_EQ(Refused(Statement()), "failed_precondition");
}

TEST_F(BreakGlassTest, ItAsksForTheOfflineKeysSignature) {
  const policy::BreakGlassStatement statement = Statement();
  const std::string line = people.offline.Line(statement.ToText());
  const auto refused = [&](const std::string& signature) { return Refused(statement, kUser, signature); };
  EXPECT_EQ(refused(""), "permission_denied");
  EXPECT_EQ(refused("no line"), "permission_denied");
  EXPECT_EQ(refused(people.alice.Line(statement.ToText())), "permission_denied");
  EXPECT_EQ(refused(People::Person("safe", 6, "").Line(statement.ToText())), "permission_denied") << "of its name";
  EXPECT_EQ(refused(line + line), "permission_denied");
  EXPECT_EQ(refused(line + people.alice.Line(statement.ToText())), "permission_denied");
  EXPECT_EQ(refused(people.offline.Line(statement.ToText() + "more yes\n")), "permission_denied");
  policy::BreakGlassStatement later = statement;
  later.not_after_unix_s += 1;
  EXPECT_EQ(Refused(later, kUser, line), "permission_denied") << "of another statement";
  EXPECT_EQ(Code(access.BreakGlass(As(kUser), "HUNTER2", line)), "invalid_argument");
  EXPECT_EQ(recorded.records.back().object + recorded.records.back().reason, "");
  EXPECT_EQ(Code(access.BreakGlass(dba, statement.ToText(), line)), "permission_denied");
}

TEST_F(BreakGlassTest, TheStatementIsOfThisStorePolicyCallerAndTime) {
  policy::BreakGlassStatement statement = Statement();
  EXPECT_EQ(Refused(statement, kCarolToo, people.offline.Line(statement.ToText())), "permission_denied")
      << "shown by another principal";
  statement.store = StoreUuid::Generate(7);
  EXPECT_EQ(Refused(statement), "permission_denied") << "another store";
  for (const std::uint64_t serial : {0U, 2U}) {
    statement = Statement();
    statement.policy_serial = serial;
    EXPECT_EQ(Refused(statement), "permission_denied") << "another policy";
  }
  statement = Statement();
  statement.principal = "unix:app:7";
  EXPECT_EQ(Refused(statement, "unix:app:7", people.offline.Line(statement.ToText())), "permission_denied")
      << "a principal that the policy does not name";
  statement = Statement();
  statement.id = {};
  EXPECT_EQ(Refused(statement), "permission_denied");
  statement = Statement();
  statement.not_after_unix_s += 1;
  EXPECT_EQ(Refused(statement), "permission_denied") << "longer than the policy allows";
  statement = Statement();
  clock.Advance(30 * kMinute);
  EXPECT_EQ(Refused(statement), "permission_denied") << "run out";
  statement.not_after_unix_s += 1;
  EXPECT_EQ(Code(Use(statement)), "");
}

TEST_F(BreakGlassTest, AnHourIsTheMost) {
  std::string kept = Kept();
  kept.replace(kept.find("minutes = 30"), 12, "minutes = 60");
  ASSERT_TRUE(Apply(2, kept).ok());
  policy::BreakGlassStatement statement = Statement();
  statement.not_after_unix_s = clock.UnixMicros() / 1'000'000 + policy::BreakGlassStatement::kMaxAhead + 1;
  EXPECT_EQ(Refused(statement), "permission_denied");
  statement.not_after_unix_s -= 1;
  EXPECT_EQ(Code(Use(statement)), "");
}

TEST_F(BreakGlassTest, ItEndsWhenItIsEnded) {
  Begin();
  EXPECT_EQ(Code(access.RevokeGrant(As(kUser), "break-glass", "it is over")), "permission_denied");
  EXPECT_EQ(Code(access.RevokeGrant(admin, "break-glass", "")), "invalid_argument");
  EXPECT_EQ(Reads(), "");
  EXPECT_EQ(End(), "");
  EXPECT_EQ(recorded.records.back().object, "break-glass");
  EXPECT_EQ(recorded.records.back().reason, "it is over");
  EXPECT_EQ(Reads(), "permission_denied");
  EXPECT_EQ(End(), "not_found");
  EXPECT_EQ(access.ListGrants(auditor)->emergencies.at(0).record.ended_us, clock.UnixMicros());
}

TEST_F(BreakGlassTest, AStatementIsGoodForOneUse) {
  const policy::BreakGlassStatement statement = Statement();
  const std::string id = Begin(statement);
  EXPECT_EQ(Code(Use(statement)), "already_exists");
  EXPECT_EQ(Reads(), "") << "it is on all the same";
  ASSERT_EQ(End(), "");
  EXPECT_EQ(Code(Use(statement)), "already_exists");
  ASSERT_EQ(Review(people.carol, id), "");
  EXPECT_EQ(Code(Use(statement)), "already_exists") << "reviewed, and not over";
  EXPECT_EQ(Reads(), "permission_denied");
  policy::BreakGlassStatement next = Statement();
  next.id = policy::ApprovalUuid::Generate(0);  // less than the one before, at the same time
  Begin(next);
  EXPECT_EQ(Reads(), "");
  EXPECT_EQ(End(), "");
}

TEST_F(BreakGlassTest, TheNextOneWaitsForTheReviewOfTheLast) {
  const std::string id = Begin();
  EXPECT_EQ(Code(Use(Statement())), "failed_precondition") << "while it is on";
  clock.Advance(30 * kMinute);
  EXPECT_EQ(Code(Use(Statement())), "failed_precondition") << "it is over, and nobody has looked";
  ASSERT_TRUE(Apply(2, Kept() + Dave()).ok());
  EXPECT_EQ(Code(Use(Statement())), "failed_precondition") << "under another policy";
  Restart();
  EXPECT_EQ(Code(Use(Statement())), "failed_precondition") << "after a restart";
  EXPECT_EQ(Reads(), "permission_denied");
  ASSERT_EQ(Review(people.carol, id), "");
  Begin();
  EXPECT_EQ(Reads(), "");
}

TEST_F(BreakGlassTest, AnAuditorWhoDidNotUseItReviewsItOnceWhenItIsOver) {
  policy::BreakGlassStatement statement = Statement();
  statement.principal = kCarolToo;
  const std::string id = Begin(statement);
  EXPECT_EQ(Review(dave, id), "failed_precondition") << "while it is on";
  ASSERT_EQ(End(), "");
  EXPECT_EQ(Review(people.carol, id), "permission_denied") << "she used it, as an application";
  EXPECT_EQ(Review(people.alice, id), "permission_denied") << "no auditor";
  EXPECT_EQ(Review(People::Person("eve", 7, "unix:auditor:99"), id), "permission_denied") << "no person";
  EXPECT_EQ(Review(People::Person("alice", 7, "unix:auditor:7"), id), "permission_denied")
      << "a person whom the policy does not name as an auditor";
  EXPECT_EQ(Review(dave, "no-id"), "not_found");
  EXPECT_EQ(recorded.records.back().object, "");
  EXPECT_EQ(Review(dave, Uuid::Generate(9).ToText()), "not_found");
  EXPECT_EQ(Review(dave, id, ""), "invalid_argument");
  EXPECT_EQ(Review(dave, id, std::string(201, 'r')), "invalid_argument");
  EXPECT_EQ(Review(dave, id, "two\nlines"), "invalid_argument");
  EXPECT_EQ(access.ListGrants(auditor)->emergencies.at(0).record.reviewed_us, std::nullopt);
  EXPECT_EQ(Review(dave, id, "as it should be"), "");
  EXPECT_EQ(recorded.records.back().object, id);
  EXPECT_EQ(recorded.records.back().reason, "as it should be");
  const BreakGlassRecord record = access.ListGrants(auditor)->emergencies.at(0).record;
  EXPECT_EQ(record.reviewed_by, "dave");
  EXPECT_EQ(record.review, "as it should be");
  EXPECT_EQ(record.reviewed_us, clock.UnixMicros());
  EXPECT_EQ(Review(dave, id), "failed_precondition") << "once";
}

TEST_F(BreakGlassTest, AForbidStillWins) {
  ASSERT_TRUE(Apply(2, Kept() + R"([forbid.passwords]
roles = ["app"]
operations = ["DecryptFields"]
fields = ["shop.connection.password"]
classes = "all"
keyrings = "all"
tenants = "all"
)")
                  .ok());
  Begin();
  EXPECT_EQ(Reads(), "permission_denied");
  EXPECT_EQ(Rule(), "passwords");
}

TEST_F(BreakGlassTest, NoPolicyKeepsTheLogThePolicyOrDestructionForIt) {
  for (const char* const operation : {"QueryRecords", "AggregateRecords", "TailRecords", "GetCheckpoint",
                                      "ProveConsistency", "ProveRecord", "ApplyPolicy", "IssueGrant", "Approve",
                                      "BreakGlass", "DestroySecret", "ScheduleDestroy", "ShredTenant", "Rekey"}) {
    std::string kept = Kept("\"" + std::string(operation) + "\"");
    for (const std::string narrowed : {"fields = [\"shop.connection.password\"]\n", "classes = \"all\"\n",
                                       "keyrings = \"all\"\n", "tenants = \"all\"\n"}) {
      kept.erase(kept.find(narrowed), narrowed.size());
    }
    const Status applied = Apply(2, kept);
    ASSERT_FALSE(applied.ok()) << operation;
    EXPECT_EQ(applied.error().code(), ErrorCode::kInvalidArgument) << applied.error().ToString();
  }
  Begin();
  EXPECT_EQ(Code(secrets.SecretService::Destroy(As(kUser), {.tenant = "", .path = "a"}, {SecretVersion{1}})),
            "permission_denied");
  EXPECT_EQ(Code(access.IssueGrant(As(kUser), "")), "permission_denied");
}

TEST_F(BreakGlassTest, ItSurvivesARestartAndSoDoesItsEnd) {
  Begin();
  Restart();
  EXPECT_EQ(Reads(), "");
  EXPECT_EQ(Rule(), "break-glass");
  ASSERT_EQ(End(), "");
  Restart();
  EXPECT_EQ(Reads(), "permission_denied");
}

TEST_F(BreakGlassTest, AnotherPolicyEndsItAtOnce) {
  const std::string id = Begin();
  ASSERT_TRUE(Apply(2, Kept()).ok());
  EXPECT_EQ(Reads(), "permission_denied");
  EXPECT_FALSE(access.ListGrants(auditor)->emergencies.at(0).active);
  EXPECT_EQ(End(), "not_found");
  EXPECT_EQ(Review(people.carol, id), "") << "it is over";
  Restart();
  EXPECT_EQ(Reads(), "permission_denied");
}

TEST_F(BreakGlassTest, AClockThatWentBackRevivesNothingThatWasReviewed) {
  const std::string id = Begin();
  const std::int64_t begun = clock.UnixMicros();
  clock.Advance(30 * kMinute);
  ASSERT_EQ(Review(people.carol, id), "");
  clock.SetUnixMicros(begun + 1);
  EXPECT_EQ(Reads(), "permission_denied");
  Restart();
  EXPECT_EQ(Reads(), "permission_denied");
  clock.SetUnixMicros(begun - 1);
  EXPECT_EQ(Code(Use(Statement())), "failed_precondition") << "before the last one";
  clock.SetUnixMicros(begun);
  EXPECT_EQ(Code(Use(Statement())), "");
}

TEST_F(BreakGlassTest, OfTwoAtOnceOneIsOn) {
  for (int round = 0; round < 20; ++round) {
    const PolicyPointer policy = barrier->policy();
    std::vector<std::string> codes(4);
    std::vector<std::string> ids(codes.size());
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const policy::BreakGlassStatement statement = Statement();
      ids[i] = statement.id.ToText();
      threads.emplace_back([this, statement, policy, &code = codes[i]] {
        const std::string text = statement.ToText();
        code = Code(grants().Activate(*policy, text, people.offline.Line(text), kUser));
      });
    }
    for (std::thread& thread : threads) thread.join();
    const auto on = std::find(codes.begin(), codes.end(), "");
    ASSERT_NE(on, codes.end());
    EXPECT_EQ(std::count(codes.begin(), codes.end(), "failed_precondition"), 3);
    ASSERT_EQ(End(), "");
    ASSERT_EQ(Review(people.carol, ids[static_cast<std::size_t>(on - codes.begin())]), "");
  }
}

TEST_F(BreakGlassTest, OneInTheStoreThatTheOfflineKeyDidNotSignOpensNothing) {
  const policy::BreakGlassStatement statement = Statement();
  BreakGlassRecord record;
  record.id = Uuid{statement.id.bytes};
  record.statement = statement.ToText();
  record.signature = people.alice.Line(record.statement);
  record.activated_us = clock.UnixMicros();
  EXPECT_EQ(CodeWithRow(Table::kBreakGlass, ToRow(record)), "integrity");
}

TEST_F(BreakGlassTest, OneInTheStoreThatIsLongerThanThePolicyAllowsOpensNothing) {
  const policy::BreakGlassStatement statement = Statement();
  BreakGlassRecord record;
  record.id = Uuid{statement.id.bytes};
  record.statement = statement.ToText();
  record.signature = people.offline.Line(record.statement);
  record.activated_us = clock.UnixMicros() - 1;
  EXPECT_EQ(CodeWithRow(Table::kBreakGlass, ToRow(record)), "integrity");
}

TEST_F(BreakGlassTest, OneInTheStoreOfAnotherIdOrStoreOpensNothing) {
  policy::BreakGlassStatement statement = Statement();
  statement.policy_serial = 9;
  BreakGlassRecord record;
  record.id = Uuid{statement.id.bytes};
  record.statement = statement.ToText();
  record.signature = people.offline.Line(record.statement);
  record.activated_us = clock.UnixMicros();
  EXPECT_EQ(CodeWithRow(Table::kBreakGlass, ToRow(record)), "") << "of another policy, it is just not in force";
  record.id = Uuid::Generate(99);
  EXPECT_EQ(CodeWithRow(Table::kBreakGlass, ToRow(record)), "integrity");
}

}  // namespace
}  // namespace coffer::keysvc
