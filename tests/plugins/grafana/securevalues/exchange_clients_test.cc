// The list of those who may have access tokens.
#include "plugins/grafana/securevalues/exchange_clients.h"

#include <gtest/gtest.h>

namespace coffer::grafana {
namespace {

const std::string kToken(40, 't');
const std::string kOther(40, 'o');

std::string HashOf(const std::string& token) { return ToHex(Sha256({AsBytes(token)})); }

TEST(ExchangeClientsTest, ATokenFindsItsLine) {
  const auto clients = ExchangeClients::Parse("# who            hash  namespaces\n\n  grafana\t" + HashOf(kToken) +
                                              "   default,org-2,stack-7\r\n" + "grafana-dev " + HashOf(kOther) + " *");
  ASSERT_TRUE(clients.ok()) << clients.error().ToString();
  ASSERT_EQ(clients->size(), 2U);
  const ExchangeClient* const one = clients->Find(kToken);
  ASSERT_NE(one, nullptr);
  EXPECT_EQ(one->identity, "grafana");
  EXPECT_EQ(one->namespaces, (std::vector<std::string>{"default", "org-2", "stacks-7"}));
  EXPECT_TRUE(one->MayHave("org-2"));
  EXPECT_TRUE(one->MayHave("stacks-7"));
  EXPECT_FALSE(one->MayHave("org-3"));
  EXPECT_FALSE(one->MayHave("*"));
  const ExchangeClient* const other = clients->Find(kOther);
  ASSERT_NE(other, nullptr);
  EXPECT_EQ(other->identity, "grafana-dev");
  EXPECT_TRUE(other->MayHave("org-3"));
  EXPECT_TRUE(other->MayHave("*"));
}

TEST(ExchangeClientsTest, AnOldAndANewTokenAreOneIdentitys) {
  const auto clients =
      ExchangeClients::Parse("grafana " + HashOf(kToken) + " default\ngrafana " + HashOf(kOther) + " default\n");
  ASSERT_TRUE(clients.ok());
  EXPECT_EQ(clients->Find(kToken)->identity, clients->Find(kOther)->identity);
}

TEST(ExchangeClientsTest, OtherTokensAreNobodys) {
  const auto clients = ExchangeClients::Parse("grafana " + HashOf(kToken) + " *\n");
  ASSERT_TRUE(clients.ok());
  for (const std::string& token : {std::string(), kOther, kToken + "t", kToken.substr(1), HashOf(kToken)}) {
    EXPECT_EQ(clients->Find(token), nullptr);
  }
}

TEST(ExchangeClientsTest, TokensThatCouldBeGuessedAreNobodys) {
  for (const std::size_t size : {std::size_t{1}, kMinExchangeToken - 1, kMaxExchangeToken + 1}) {
    const std::string token(size, 'x');
    const auto clients = ExchangeClients::Parse("grafana " + HashOf(token) + " *\n");
    ASSERT_TRUE(clients.ok());
    EXPECT_EQ(clients->Find(token), nullptr) << size;
  }
  for (const std::size_t size : {kMinExchangeToken, kMaxExchangeToken}) {
    const std::string token(size, 'x');
    EXPECT_NE(ExchangeClients::Parse("grafana " + HashOf(token) + " *\n")->Find(token), nullptr) << size;
  }
}

TEST(ExchangeClientsTest, AnEmptyListLetsNobodyIn) {
  for (const std::string_view text : {"", "\n\n", "# nobody", "   \t\n"}) {
    const auto clients = ExchangeClients::Parse(text);
    ASSERT_TRUE(clients.ok());
    EXPECT_EQ(clients->size(), 0U);
    EXPECT_EQ(clients->Find(kToken), nullptr);
  }
}

TEST(ExchangeClientsTest, BadLinesAreNamed) {
  const std::string hash = HashOf(kToken);
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"grafana", "hash"},
      {"grafana " + hash, "no namespaces"},
      {"grafana " + hash.substr(2) + " *", "64 hex digits"},
      {"grafana " + hash + "00 *", "64 hex digits"},
      {"grafana " + std::string(64, 'g') + " *", "64 hex digits"},
      {"Grafana " + hash + " *", "identity"},
      {std::string(64, 'a') + " " + hash + " *", "identity"},
      {"gra/fana " + hash + " *", "identity"},
      {"grafana " + hash + " org-1", "none of default"},
      {"grafana " + hash + " default,", "none of default"},
      {"grafana " + hash + " default,*", "none of default"},
      {"grafana " + hash + " default org-2", "more than"},
      {"grafana " + hash + " * #x", "more than"},
  };
  for (const auto& [line, sentence] : bad) {
    const auto clients = ExchangeClients::Parse("# first\n" + line + "\n");
    ASSERT_FALSE(clients.ok()) << line;
    EXPECT_EQ(clients.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(clients.error().line(), 2U);
    EXPECT_NE(clients.error().ToString().find(sentence), std::string::npos) << clients.error().ToString();
    EXPECT_EQ(clients.error().ToString().find(hash), std::string::npos);
  }
}

TEST(ExchangeClientsTest, ATokenIsOnOneLineOnly) {
  const std::string line = " " + HashOf(kToken) + " *\n";
  const auto clients = ExchangeClients::Parse("one" + line + "two" + line);
  ASSERT_FALSE(clients.ok());
  EXPECT_EQ(clients.error().line(), 2U);
}

TEST(ExchangeClientsTest, TheListIsBounded) {
  std::string text;
  for (std::size_t i = 0; i < kMaxExchangeClients; ++i) text += "g " + HashOf(std::to_string(i)) + " *\n";
  EXPECT_TRUE(ExchangeClients::Parse(text).ok());
  const auto more = ExchangeClients::Parse(text + "g " + HashOf("more") + " *\n");
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().limit(), kMaxExchangeClients);
  const auto longer = ExchangeClients::Parse(std::string(kMaxExchangeClientsText + 1, '\n'));
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.error().limit(), kMaxExchangeClientsText);
}

}  // namespace
}  // namespace coffer::grafana
