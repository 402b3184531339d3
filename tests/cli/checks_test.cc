#include "cli/checks.h"

#include <gtest/gtest.h>

namespace coffer::cli {
namespace {

TEST(NumberBetween, TakesTheLimitsAndNothingElse) {
  const CLI::Validator check = NumberBetween(1, 100);
  for (const std::string text : {"1", "42", "100"}) EXPECT_EQ(check(text), "") << text;
  for (const std::string text :
       {"", "0", "101", "-1", "+1", "01", "1 ", " 1", "1.0", "1e1", "0x1", "99999999999999999999999"}) {
    EXPECT_EQ(check(text), "must be a whole number from 1 to 100") << text;
  }
}

TEST(OneOf, ListsTheWordsAndNotWhatWasTyped) {
  const CLI::Validator check = OneOf({"text", "json", "csv"});
  EXPECT_EQ(check(std::string("json")), "");
  EXPECT_EQ(check(std::string("yaml")), "must be text, json or csv");
}

}  // namespace
}  // namespace coffer::cli
