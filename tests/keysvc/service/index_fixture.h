// IndexFixture: a service with a catalog that has an index of every kind.
#pragma once

#include <algorithm>

#include "tests/keysvc/service/service_fixture.h"

namespace coffer::keysvc {

inline constexpr char kIndexedCatalog[] = R"(
scope = "shop"
[field."user.email"]
class = "pii"
keyring = "shop"
row = "int64"
expect = { rows = 1000000, distinct = 900000, top_share = 0.0001 }
[field."user.email".index.exact]
kind = "equality"
keyring = "shop-index"
transform = ["trim", "nfkc_casefold"]
bits = 16
[field."user.email".index.once]
kind = "equality"
keyring = "shop-index"
transform = ["trim", "nfkc_casefold"]
bits = 256
unique = true
[field."user.email".index.starts]
kind = "prefix"
keyring = "shop-index"
transform = ["nfkc_casefold"]
bits = 40
lengths = [3, 5]
[field."user.email".index.holds]
kind = "ngram"
keyring = "shop-index"
transform = ["nfkc_casefold"]
bits = 40
n = 3
count = 40
[field."user.email".index.both]
kind = "compound"
keyring = "shop-index"
bits = 40
parts = ["user.email", "user.city"]
[field."user.city"]
class = "pii"
keyring = "shop"
row = "int64"
expect = { rows = 1000000, distinct = 9000, top_share = 0.01 }
[field."user.born"]
class = "pii"
keyring = "shop"
row = "int64"
expect = { rows = 1000000, distinct = 30000, top_share = 0.001 }
[field."user.born".index.between]
kind = "range"
keyring = "shop-index"
type = "int64"
min = "0"
max = "65535"
bits = 40
)";

using Failures = std::vector<std::pair<std::uint32_t, ItemFailure>>;

class IndexFixture : public ServiceFixture {
 protected:
  void StartIndexed() {
    ASSERT_TRUE(operator_service.Init(admin, KeyFile(), {}, true).ok());
    ASSERT_TRUE(key_service.CreateKeyring(admin, "shop").ok());
    ASSERT_TRUE(key_service.CreateKeyring(admin, "shop-index", KeyringPurpose::kIndex).ok());
    Apply(kIndexedCatalog);
  }

  void Apply(const std::string& catalog) {
    const Result<policy::CatalogChange> applied = admin_service.Apply(admin, catalog, lock);
    ASSERT_TRUE(applied.ok()) << applied.error().ToString();
    lock = policy::WriteCatalogLock(applied->lock);
  }

  FieldColumn Column(std::string_view field, const std::vector<std::string>& values, std::int64_t first_row = 1) const {
    FieldColumn column = EmailColumn(values, first_row);
    column.field = field;
    return column;
  }

  SearchTerm Term(std::string_view index, SearchTerm::What what, const std::string& value,
                  const std::string& high = "") const {
    return {.index = index, .what = what, .value = Kept(value), .high = Kept(high), .anchors = {}, .parts = {}};
  }

  Result<IndexAnswers> Search(const SearchTerm& term, std::string_view field = "shop.user.email") const {
    return fields.Search(app, {{.field = field, .tenant = "", .term = term}});
  }

  // The tokens of one index of a written column; the test fails when there are none.
  static const IndexColumnOutput& TokensOf(const FieldOutput& output, std::string_view index, std::size_t column = 0,
                                           std::size_t nth = 0) {
    static const IndexColumnOutput kNone;
    for (const IndexColumnOutput& tokens : output.columns[column].indexes) {
      if (tokens.index == index && nth-- == 0) return tokens;
    }
    ADD_FAILURE() << "no tokens of " << index;
    return kNone;
  }

  // Whether the row `item` of what was written is found by the answer's one query.
  static bool Finds(const IndexAnswers& answers, const IndexColumnOutput& row, std::size_t item) {
    for (const VersionTokens& version : answers.front()) {
      if (version.version != row.version) continue;
      for (const IndexTokens& set : version.tokens.alternatives) {
        if (Meets(version.tokens.match, set, row, item)) return true;
      }
    }
    return false;
  }

 private:
  static bool Meets(TokenMatch match, const IndexTokens& set, const IndexColumnOutput& row, std::size_t item) {
    if (!row.strings.empty()) {
      return std::any_of(set.strings.begin(), set.strings.end(),
                         [&](const Bytes& token) { return AsText(ByteView(token)) == row.strings[item]; });
    }
    const auto stored = std::span(row.numbers).subspan(item * row.width, row.width);
    const auto has = [&](std::int64_t token) { return std::find(stored.begin(), stored.end(), token) != stored.end(); };
    if (match == TokenMatch::kHasAll) return std::all_of(set.numbers.begin(), set.numbers.end(), has);
    return std::any_of(set.numbers.begin(), set.numbers.end(), has);
  }
};

}  // namespace coffer::keysvc
