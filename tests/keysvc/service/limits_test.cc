// The limits that a policy gives a principal, as its calls meet them.
#include "tests/keysvc/service/service_fixture.h"

namespace coffer::keysvc {
namespace {

constexpr std::int64_t kMinute = 60'000'000;

class LimitsTest : public ServiceFixture {
 protected:
  void SetUp() override {
    StartShop();
    const std::vector<std::string> values(10, "ann@example.org");
    emails = Encrypted(EmailColumn(values));
    std::string text = people.PolicyText();
    const std::string grant = "[grant.app-all]\n";
    text.insert(text.find(grant) + grant.size(),
                "limits = { values_per_minute = 10, distinct_per_day = 5, in_flight = 2 }\n");
    const auto applied =
        access.ApplyPolicy(admin, {.policy = text,
                                   .signatures = people.Signatures(barrier->Enter().value()->uuid, text, 1),
                                   .recovery = std::nullopt});
    ASSERT_TRUE(applied.ok()) << applied.error().ToString();
  }
  // Decrypts the values of rows `first` to `last`, from 1; "" or what was refused.
  std::string Decrypt(std::int64_t first, std::int64_t last, const Caller& by) {
    const std::vector<std::string> some(emails.begin() + first - 1, emails.begin() + last);
    const Result<FieldOutput> output = fields.Decrypt(by, {EmailColumn(some, first)});
    if (output.ok()) return "";
    EXPECT_EQ(output.error().code(), ErrorCode::kResourceExhausted);
    EXPECT_FALSE(recorded.records.back().ok);
    return output.error().path();
  }
  static Caller Other() {
    Caller other = LocalCaller(policy::Role::kApp);
    other.principal.id = "unix:app:8";
    return other;
  }

  const People people;
  std::vector<std::string> emails;
};

TEST_F(LimitsTest, ValuesAMinuteAreOfOnePrincipal) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Decrypt(1, 1, app), "");
  EXPECT_EQ(Decrypt(1, 1, app), "values_per_minute");
  EXPECT_EQ(secrets.Get(app, {.tenant = "", .path = "a"}, {}).error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(Decrypt(1, 1, Other()), "") << "another principal has its own";
  clock.Advance(kMinute);
  EXPECT_EQ(Decrypt(1, 1, app), "");
}

TEST_F(LimitsTest, TooManyAtOnceTakeNothing) {
  EXPECT_EQ(fields.Encrypt(app, {EmailColumn(std::vector<std::string>(11, "x"))}).error().path(), "values_per_minute");
  EXPECT_TRUE(fields.Encrypt(app, {EmailColumn(std::vector<std::string>(10, "x"))}).ok());
}

TEST_F(LimitsTest, DistinctRowsADay) {
  EXPECT_EQ(Decrypt(1, 4, app), "");
  EXPECT_EQ(Decrypt(1, 4, app), "") << "the same rows cost nothing";
  clock.Advance(kMinute);
  EXPECT_EQ(Decrypt(4, 6, app), "distinct_per_day") << "two more would be six";
  EXPECT_EQ(Decrypt(5, 5, app), "");
  EXPECT_EQ(Decrypt(6, 6, app), "distinct_per_day");
  EXPECT_EQ(Decrypt(6, 6, Other()), "");
  clock.Advance(24 * 60 * kMinute);
  EXPECT_EQ(Decrypt(6, 9, app), "") << "another day";
}

TEST_F(LimitsTest, ValuesThatNoRowBindsCountByThemselves) {
  const Caller other = Other();  // `app` has used its minute up by encrypting
  FieldColumn column{
      .field = "shop.note.body", .tenant = "", .values = {}, .row_parts = {}, .row_width = 0, .contexts = {}};
  for (const char* const text : {"a", "b", "c", "d", "e", "f"}) column.values.push_back(Kept(text));
  const Result<FieldOutput> written = fields.Encrypt(other, {column});
  ASSERT_TRUE(written.ok()) << written.error().ToString();
  clock.Advance(kMinute);
  const auto decrypt = [&](std::size_t first, std::size_t count) {
    column.values.clear();
    for (std::size_t i = first; i < first + count; ++i) column.values.push_back(Kept(written->columns[0].values[i]));
    const Result<FieldOutput> output = fields.Decrypt(other, {column});
    return output.ok() ? std::string() : output.error().path();
  };
  EXPECT_EQ(decrypt(0, 5), "");
  EXPECT_EQ(decrypt(0, 5), "") << "the same ones";
  clock.Advance(kMinute);
  EXPECT_EQ(decrypt(5, 1), "distinct_per_day");
}

TEST_F(LimitsTest, CallsInFlight) {
  // A call is in flight until its record and its reply are gone.
  std::vector<Withheld> withheld(3);
  std::vector<Caller> callers(3, app);
  for (std::size_t i = 0; i < callers.size(); ++i) callers[i].withheld = &withheld[i];
  EXPECT_TRUE(fields.Decrypt(callers[0], {EmailColumn({emails[0]})}).ok());
  EXPECT_TRUE(fields.Decrypt(callers[1], {EmailColumn({emails[0]})}).ok());
  const Result<FieldOutput> refused = fields.Decrypt(callers[2], {EmailColumn({emails[0]})});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(refused.error().path(), "in_flight");
  EXPECT_TRUE(fields.Decrypt(Other(), {EmailColumn({emails[0]})}).ok()) << "another principal";
  EXPECT_FALSE(admin_service.ShowCatalog(app, "shop").ok()) << "of an act that rules do not narrow as well";
  withheld[0] = {};
  withheld[2] = {};
  EXPECT_TRUE(fields.Decrypt(callers[2], {EmailColumn({emails[0]})}).ok());
}

}  // namespace
}  // namespace coffer::keysvc
