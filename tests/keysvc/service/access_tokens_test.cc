// Tokens of the service's own: whom one stands for, where and until when, and what is kept of it.
#include "keysvc/service/access_tokens.h"

#include <set>

#include <gtest/gtest.h>

#include "tests/keysvc/service/lost_answer_store.h"

namespace coffer::keysvc {
namespace {

using Fate = LostAnswerStore::Fate;

constexpr char kOrders[] = "spiffe://example.org/role/app/orders";
constexpr char kAdmin[] = "unix:admin:7";

class AccessTokensTest : public ::testing::Test {
 protected:
  static AccessTokens::Wanted Wanted(std::int64_t lifetime_s = 3'600) {
    return {.principal = kOrders, .listener = "tokens", .lifetime_s = lifetime_s};
  }
  AccessTokens::Made Make(const AccessTokens::Wanted& wanted = Wanted()) {
    auto made = tokens->Create(wanted, kAdmin, "a test");
    COFFER_CHECK(made.ok());
    return std::move(made).value();
  }
  static std::string TextOf(const AccessTokens::Made& made) {
    return std::string(AsText(made.token.Expose(SecretAccess::kTest)));
  }
  static Digest DigestOf(const AccessTokens::Made& made) { return Sha256({AsBytes(TextOf(made))}); }
  bool IsTaken(const Digest& digest, std::string_view listener = "tokens") const {
    const Result<policy::Principal> found = tokens->Find(digest, listener);
    if (found.ok()) return true;
    EXPECT_EQ(found.error().code(), ErrorCode::kUnauthenticated);
    EXPECT_EQ(found.error().ToString(), "the token is not one that is taken here, or has run out");
    return false;
  }
  std::size_t Rows() { return fixture.store.Scan({.table = Table::kAccessToken})->size(); }
  void Reload() { tokens = AccessTokens::Load(fixture.store, clock).value(); }

  FakeClock clock;
  LostAnswerFixture fixture;
  std::unique_ptr<AccessTokens> tokens = AccessTokens::Load(fixture.store, clock).value();
};

TEST_F(AccessTokensTest, ATokenStandsForItsPrincipalAtItsListenerOnly) {
  const AccessTokens::Made made = Make();
  const policy::Principal principal = tokens->Find(DigestOf(made), "tokens").value();
  EXPECT_EQ(principal, (policy::Principal{kOrders, policy::Role::kApp, policy::Principal::Method::kToken}));
  for (const char* const other : {"", "token", "tokens2", "tcp"}) EXPECT_FALSE(IsTaken(DigestOf(made), other)) << other;
  const std::string text = TextOf(made);
  for (const std::string& wrong :
       {std::string(), text + "A", text.substr(0, text.size() - 1), text.substr(kAccessTokenPrefix.size())}) {
    EXPECT_FALSE(IsTaken(Sha256({AsBytes(wrong)}))) << wrong.size();
  }
}

TEST_F(AccessTokensTest, ItsTextIs256RandomBitsBehindThePrefix) {
  std::set<std::string> texts;
  for (int i = 0; i < 100; ++i) {
    const std::string text = TextOf(Make());
    ASSERT_EQ(text.size(), 48U);
    EXPECT_TRUE(text.starts_with(kAccessTokenPrefix));
    const Result<Bytes> random = FromBase64Url(std::string_view(text).substr(kAccessTokenPrefix.size()));
    ASSERT_TRUE(random.ok());
    EXPECT_EQ(random->size(), kAccessTokenBytes);
    EXPECT_TRUE(texts.insert(text).second);
  }
}

TEST_F(AccessTokensTest, ItEndsWithItsLifetime) {
  const AccessTokens::Made made = Make(Wanted(kMinAccessTokenLife));
  EXPECT_EQ(made.record.created_us, clock.UnixMicros());
  EXPECT_EQ(made.record.not_after_us, clock.UnixMicros() + 60'000'000);
  clock.Advance(59'999'999);
  EXPECT_TRUE(IsTaken(DigestOf(made)));
  EXPECT_EQ(tokens->List().size(), 1U);
  clock.Advance(1);
  EXPECT_FALSE(IsTaken(DigestOf(made)));
  EXPECT_TRUE(tokens->List().empty());
  EXPECT_EQ(Rows(), 1U) << "it is removed with the next change";
  Make();
  EXPECT_EQ(Rows(), 1U);
}

TEST_F(AccessTokensTest, WhatNoTokenMayBeIsRefused) {
  const auto refused = [this](const AccessTokens::Wanted& wanted, const std::string& path) {
    const Status checked = wanted.Check();
    EXPECT_FALSE(checked.ok()) << path;
    EXPECT_EQ(checked.error().code(), ErrorCode::kInvalidArgument) << path;
    EXPECT_EQ(checked.error().path(), path);
    EXPECT_FALSE(tokens->Create(wanted, kAdmin, "a test").ok()) << path;
  };
  const auto standing_for = [](const std::string& principal) {
    return AccessTokens::Wanted{.principal = principal, .listener = "tokens", .lifetime_s = 60};
  };
  for (const char* const role : {"admin", "restorer", "auditor", "root"}) {
    refused(standing_for(std::string("spiffe://example.org/role/") + role + "/x"), "principal");
  }
  for (const char* const text : {"", "unix:app:0", "orders", "spiffe://example.org/role/app/"}) {
    refused(standing_for(text), "principal");
  }
  for (const std::string& listener : {std::string(), std::string("To kens"), std::string(64, 'a')}) {
    refused({.principal = kOrders, .listener = listener, .lifetime_s = 60}, "listener");
  }
  for (const std::int64_t life :
       {std::int64_t{0}, std::int64_t{-1}, kMinAccessTokenLife - 1, kMaxAccessTokenLife + 1}) {
    refused(Wanted(life), "lifetime_s");
  }
  EXPECT_EQ(Rows(), 0U);
  for (const char* const role : {"app", "dba", "backup-agent"}) {
    EXPECT_TRUE(standing_for(std::string("spiffe://example.org/role/") + role + "/x").Check().ok()) << role;
  }
  EXPECT_TRUE(Wanted(kMaxAccessTokenLife).Check().ok());
}

TEST_F(AccessTokensTest, ARevokedOneIsOverAtOnce) {
  const AccessTokens::Made first = Make();
  clock.Advance(1'000'000);
  const AccessTokens::Made second = Make();
  const std::uint64_t before = tokens->generation();
  ASSERT_TRUE(tokens->Revoke(first.record.id.ToText()).ok());
  EXPECT_GT(tokens->generation(), before) << "whoever is let in by it has to be asked again";
  EXPECT_FALSE(IsTaken(DigestOf(first)));
  EXPECT_TRUE(IsTaken(DigestOf(second)));
  EXPECT_EQ(tokens->List().size(), 1U);
  EXPECT_EQ(Rows(), 1U);
  EXPECT_EQ(tokens->Revoke(first.record.id.ToText()).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(tokens->Revoke(Uuid::Generate(5).ToText()).error().code(), ErrorCode::kNotFound);
  for (const char* const id : {"", "x", "01926e3a-0000-7000-8000-00000000000"}) {
    EXPECT_EQ(tokens->Revoke(id).error().code(), ErrorCode::kInvalidArgument) << id;
  }
}

TEST_F(AccessTokensTest, TheyAreListedByAge) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    ids.push_back(Make().record.id.ToText());
    clock.Advance(1'000'000);
  }
  std::vector<std::string> listed;
  for (const AccessTokenRecord& record : tokens->List()) listed.push_back(record.id.ToText());
  EXPECT_EQ(listed, ids);
  EXPECT_EQ(tokens->List().front().created_by, kAdmin);
  EXPECT_EQ(tokens->List().front().reason, "a test");
}

TEST_F(AccessTokensTest, ARestartKeepsThem) {
  const AccessTokens::Made made = Make();
  const AccessTokens::Made revoked = Make();
  ASSERT_TRUE(tokens->Revoke(revoked.record.id.ToText()).ok());
  Reload();
  EXPECT_TRUE(IsTaken(DigestOf(made)));
  EXPECT_FALSE(IsTaken(DigestOf(revoked)));
  clock.Advance(3'600'000'000);
  Reload();
  EXPECT_FALSE(IsTaken(DigestOf(made)));
}

TEST_F(AccessTokensTest, AsManyAsMayBeAreInForce) {
  AccessTokenRecord record{.id = {},
                           .digest = {},
                           .principal = kOrders,
                           .listener = "tokens",
                           .created_us = clock.UnixMicros(),
                           .not_after_us = clock.UnixMicros() + 60'000'000,
                           .created_by = kAdmin,
                           .reason = "a test"};
  StoreMutation mutation = fixture.store.Begin().value();
  for (std::size_t i = 0; i + 1 < kMaxAccessTokens; ++i) {
    record.id = Uuid::Generate(i + 1);
    record.digest = Sha256({AsBytes(std::to_string(i))});
    ASSERT_TRUE(mutation.Insert(Table::kAccessToken, ToRow(record)).ok());
  }
  ASSERT_TRUE(mutation.Commit().ok());
  Reload();
  EXPECT_TRUE(tokens->CheckRoom().ok());
  Make();
  EXPECT_EQ(tokens->CheckRoom().error().code(), ErrorCode::kResourceExhausted);
  const auto refused = tokens->Create(Wanted(), kAdmin, "a test");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(refused.error().limit(), kMaxAccessTokens);
  EXPECT_EQ(Rows(), kMaxAccessTokens);
  clock.Advance(60'000'000);
  EXPECT_TRUE(tokens->CheckRoom().ok());
  Make();
  EXPECT_EQ(Rows(), 2U) << "those that ran out are gone in the same commit";
}

TEST_F(AccessTokensTest, ACommitOfWhichNobodyKnowsMayHaveHappened) {
  const AccessTokens::Made made = Make();
  fixture.beneath.fate = Fate::kAnswerLost;
  EXPECT_EQ(tokens->Create(Wanted(), kAdmin, "a test").error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(tokens->List().size(), 2U) << "it is there, and can be revoked";
  EXPECT_EQ(tokens->Revoke(made.record.id.ToText()).error().code(), ErrorCode::kUnavailable);
  EXPECT_FALSE(IsTaken(DigestOf(made))) << "it happened";
  fixture.beneath.fate = Fate::kGood;
  EXPECT_EQ(tokens->Revoke(made.record.id.ToText()).error().code(), ErrorCode::kNotFound);
}

TEST_F(AccessTokensTest, ACommitThatDidNotHappenChangesNothing) {
  const AccessTokens::Made made = Make();
  fixture.beneath.fate = Fate::kNotDone;
  EXPECT_EQ(tokens->Create(Wanted(), kAdmin, "a test").error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(tokens->Revoke(made.record.id.ToText()).error().code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(IsTaken(DigestOf(made)));
  EXPECT_EQ(tokens->List().size(), 1U);
}

TEST_F(AccessTokensTest, WhatHappenedInAStoreThatWentAwayIsLearntWhenItIsBack) {
  const AccessTokens::Made made = Make();
  fixture.beneath.fate = Fate::kGone;
  EXPECT_EQ(tokens->Revoke(made.record.id.ToText()).error().code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(IsTaken(DigestOf(made))) << "nobody knows yet";
  fixture.beneath.gone = false;
  fixture.beneath.fate = Fate::kGood;
  EXPECT_EQ(tokens->Revoke(made.record.id.ToText()).error().code(), ErrorCode::kNotFound);
  EXPECT_FALSE(IsTaken(DigestOf(made)));
}

TEST_F(AccessTokensTest, ARowThatStandsForNobodyIsNoneOfOurs) {
  const AccessTokenRecord record{.id = Uuid::Generate(1),
                                 .digest = {},
                                 .principal = "spiffe://example.org/role/admin/root",
                                 .listener = "tokens",
                                 .created_us = 1,
                                 .not_after_us = clock.UnixMicros() + 1,
                                 .created_by = kAdmin,
                                 .reason = "a test"};
  StoreMutation mutation = fixture.store.Begin().value();
  ASSERT_TRUE(mutation.Insert(Table::kAccessToken, ToRow(record)).ok());
  ASSERT_TRUE(mutation.Commit().ok());
  const auto loaded = AccessTokens::Load(fixture.store, clock);
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(loaded.error().path(), "access_token");
}

TEST_F(AccessTokensTest, TheTextIsInNoRow) {
  const std::string text = TextOf(Make());
  const std::vector<Row> rows = fixture.store.Scan({.table = Table::kAccessToken}).value();
  ASSERT_EQ(rows.size(), 1U);
  for (const Row& row : rows) {
    for (const Datum& datum : row) {
      if (const auto* const words = std::get_if<std::string>(&datum)) {
        EXPECT_EQ(words->find(text.substr(5, 12)), words->npos);
      }
      if (const auto* const bytes = std::get_if<Bytes>(&datum)) {
        EXPECT_EQ(*bytes, CopyOf(Sha256({AsBytes(text)}))) << "only its digest";
      }
    }
  }
}

}  // namespace
}  // namespace coffer::keysvc
