// The planner's prediction against a million rows of real shape: how many rows a search finds that it did not mean.
#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "crypto/index_token.h"
#include "crypto/random.h"
#include "io/sqlite.h"
#include "policy/index_planner.h"
#include "policy/index_value.h"
#include "tests/support/sanitized.h"
#include "tests/support/temp_dir.h"

namespace coffer::policy {
namespace {

constexpr std::int64_t kRows = kSanitized ? 100'000 : 1'000'000;
constexpr int kSearches = 400;

// E-mail addresses as a table of users has them: a few names take many rows, most take one.
std::vector<std::string> RealShapedAddresses() {
  std::mt19937_64 random(20260401);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<std::string> addresses;
  addresses.reserve(kRows);
  for (std::int64_t row = 0; row < kRows; ++row) {
    const double u = uniform(random);
    // One row in twenty has one of 5,000 shared addresses, the first of them most often.
    const bool shared = u < 0.05;
    const auto number = shared ? static_cast<std::int64_t>(5'000 * std::pow(u / 0.05, 2)) : 5'000 + row;
    addresses.push_back("person." + std::to_string(number) + "@mail" + std::to_string(number % 97) + ".example");
  }
  return addresses;
}

class Table {
 public:
  explicit Table(const IndexDefinition& definition)
      : definition_(definition),
        tokenizer_(IndexTokenizer::Create(RandomSecret(32), TenantUuid::Generate(1), IndexDomainUuid::Generate(1),
                                          Numbered(definition.form))
                       .value()),
        database_(SqliteDatabase::Open({.path = folder_ / "rows.db", .vfs = "", .busy_timeout_ms = 0}).value()) {}

  std::int64_t Token(const std::string& value) const {
    const SecretBytes bytes = IndexedBytes(definition_.values.front(), AsBytes(value)).value();
    return tokenizer_.Stored(bytes.Expose(SecretAccess::kTest)).value().numbers.front();
  }

  void Fill(const std::vector<std::string>& values) {
    ASSERT_TRUE(database_->Execute("CREATE TABLE person (email TEXT, token INTEGER)").ok());
    ASSERT_TRUE(database_->Execute("BEGIN").ok());
    for (const std::string& value : values) {
      auto insert = database_->Prepare("INSERT INTO person VALUES (?, ?)");
      ASSERT_TRUE(insert.ok() && insert->Bind(1, value).ok() && insert->Bind(2, Token(value)).ok());
      ASSERT_TRUE(insert->Step().ok());
    }
    ASSERT_TRUE(database_->Execute("COMMIT").ok());
    ASSERT_TRUE(database_->Execute("CREATE INDEX person_token ON person (token)").ok());
  }

  // Rows that a search for `value` finds and does not mean.
  std::int64_t FalseRows(const std::string& value) {
    auto count = database_->Prepare("SELECT count(*) FROM person WHERE token = ? AND email <> ?");
    if (!count.ok() || !count->Bind(1, Token(value)).ok() || !count->Bind(2, value).ok() || !*count->Step()) {
      ADD_FAILURE() << "the search failed";
      return 0;
    }
    return std::get<std::int64_t>(count->Column(0, ValueType::kInt64, false).value());
  }

 private:
  static TokenForm Numbered(TokenForm form) {
    form.profile = 1;
    return form;
  }

  TempDir folder_;
  const IndexDefinition definition_;
  const IndexTokenizer tokenizer_;
  const std::unique_ptr<SqliteDatabase> database_;
};

class FalsePositives : public ::testing::TestWithParam<int> {};

TEST_P(FalsePositives, AreWithin20PercentOfThePrediction) {
  const std::vector<std::string> addresses = RealShapedAddresses();
  const std::string text =
      "scope = \"s\"\n[field.\"person.email\"]\nclass = \"pii\"\nkeyring = \"k\"\nrow = \"int64\"\nexpect = { rows = " +
      std::to_string(kRows) + ", distinct = " + std::to_string(kRows * 95 / 100) +
      ", top_share = 0.001 }\n[field.\"person.email\".index.exact]\nkind = \"equality\"\nkeyring = \"i\"\n"
      "transform = [\"trim\", \"nfkc_casefold\"]\nbits = " +
      std::to_string(GetParam()) + "\n";
  const Result<Catalog> catalog = ParseCatalog(text);
  ASSERT_TRUE(catalog.ok()) << catalog.error().ToString();
  const CatalogAssessment assessed = AssessIndexes(*catalog);
  const IndexAssessment* index = assessed.Find({"person", "email"}, "exact");
  ASSERT_NE(index, nullptr);
  Table table(catalog->fields.front().indexes.front().definition);
  ASSERT_NO_FATAL_FAILURE(table.Fill(addresses));
  std::mt19937_64 random(7);
  std::uniform_int_distribution<std::size_t> any(0, addresses.size() - 1);
  double found = 0;
  for (int search = 0; search < kSearches; ++search) {
    found += static_cast<double>(table.FalseRows(addresses[any(random)]));
  }
  const double observed = found / kSearches;
  std::cout << GetParam() << " bits: predicted " << index->false_rows << ", observed " << observed << "\n";
  EXPECT_NEAR(observed, index->false_rows, 0.2 * index->false_rows);
}

INSTANTIATE_TEST_SUITE_P(Bits, FalsePositives, ::testing::Values(10, 14, 16),
                         [](const auto& bits) { return std::to_string(bits.param); });

}  // namespace
}  // namespace coffer::policy
