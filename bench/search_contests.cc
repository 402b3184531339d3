#include <algorithm>

#include "bench/contest.h"
#include "bench/search_rows.h"

namespace coffer::bench {
namespace {

// Some row, another one for each question.
std::int64_t SomeRow(std::int64_t rows, std::size_t question) {
  return 1 + static_cast<std::int64_t>(Mixed(0x5EA2C4 + question) % static_cast<std::uint64_t>(rows));
}

Contest Equality(std::int64_t rows, std::size_t questions) {
  Contest contest{.name = "equality",
                  .field = "search.bench.email",
                  .plaintext_sql = "SELECT id, email FROM plain_email WHERE email = $1",
                  .contenders = {},
                  .questions = {},
                  .repeats = 8};
  const std::string select = "SELECT id, email FROM coffer_email WHERE ";
  contest.contenders = {
      {"int8", select + "email_exact = $1 AND email_exact_iv = 1", "exact", TokenParameter::kOne},
      {"bytea_unique", select + "email_unique = $1", "unique", TokenParameter::kOne},
      {"int4_16_bits", select + "email_bucket = $1 AND email_bucket_iv = 1", "bucket", TokenParameter::kOne},
      // Planned anew at each execution: PostgreSQL takes an array that it does not know to have ten elements.
      {"int8_any", select + "email_exact = ANY ($1::int8[]) AND email_exact_iv = 1", "exact"},
  };
  for (std::size_t i = 0; i < questions; ++i) {
    const std::string email = i == 0 ? "nobody@example.org" : RowOf(SomeRow(rows, i)).email;
    contest.questions.push_back({.plaintext = {email}, .search = {}});
    contest.questions.back().search.set_equals(email);
  }
  return contest;
}

Contest Contains(std::int64_t rows, std::size_t questions, std::size_t letters) {
  Contest contest{
      .name = "contains_" + std::to_string(letters),
      .field = "search.bench.name",
      .plaintext_sql = "SELECT id, name FROM plain_name WHERE name LIKE $1",
      .contenders = {{"ngram_gin",
                      "SELECT id, name FROM coffer_name WHERE name_part @> $1::int8[] AND name_part_iv = 1", "part"}},
      .questions = {}};
  for (std::size_t i = 0; i < questions; ++i) {
    const std::string name = RowOf(SomeRow(rows, i)).name;
    const std::size_t at = Mixed(i) % (name.size() - letters + 1);
    const std::string needle = i == 0 ? std::string(letters, 'q') : name.substr(at, letters);
    contest.questions.push_back({.plaintext = {"%" + needle + "%"}, .search = {}});
    contest.questions.back().search.mutable_contains()->set_text(needle);
  }
  return contest;
}

Contest Between(std::int64_t rows, std::size_t questions, std::int64_t rows_found) {
  Contest contest{
      .name = "between_" + std::to_string(rows_found),
      .field = "search.bench.income",
      .plaintext_sql = "SELECT id, income FROM plain_income WHERE income BETWEEN $1::int8 AND $2::int8",
      .contenders = {{"range_gin",
                      "SELECT id, income FROM coffer_income WHERE income_range && $1::int8[] AND income_range_iv = 1",
                      "range"}},
      .questions = {}};
  const std::int64_t width = std::min(kMaxIncome, kMaxIncome / rows * rows_found);
  for (std::size_t i = 0; i < questions; ++i) {
    const std::int64_t income = RowOf(SomeRow(rows, i)).income;  // so that there is one at least
    const std::int64_t low = i == 0 ? kMaxIncome : std::min(income, kMaxIncome - width);
    const std::int64_t high = std::min(low + width, kMaxIncome);
    contest.questions.push_back({.plaintext = {std::to_string(low), std::to_string(high)}, .search = {}});
    contest.questions.back().search.mutable_between()->set_low(contest.questions.back().plaintext[0]);
    contest.questions.back().search.mutable_between()->set_high(contest.questions.back().plaintext[1]);
  }
  return contest;
}

}  // namespace

std::vector<Contest> SearchContests(std::int64_t rows, std::size_t questions) {
  return {Equality(rows, questions),    Contains(rows, questions, 8),  Contains(rows, questions, 5),
          Between(rows, questions, 10), Between(rows, questions, 100), Between(rows, questions, 1000)};
}

}  // namespace coffer::bench
