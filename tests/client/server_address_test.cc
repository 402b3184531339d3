#include "client/server_address.h"

#include <stdlib.h>

#include <gtest/gtest.h>

namespace coffer::client {
namespace {

using Kind = ServerAddress::Kind;

struct Accepted {
  std::string text;
  Kind kind;
  std::string canonical;
};

TEST(ServerAddress, TheThreeFormsParseAndReadBack) {
  const std::vector<Accepted> cases = {
      {"unix:/run/coffer/app.sock", Kind::kSocket, "unix:/run/coffer/app.sock"},
      {"unix:/run/coffer", Kind::kFolder, "unix:/run/coffer"},
      {"unix:/run/coffer/", Kind::kFolder, "unix:/run/coffer"},
      {"unix:/run/coffer///", Kind::kFolder, "unix:/run/coffer"},
      {"unix:/", Kind::kFolder, "unix:/"},
      {"unix:/with space/a.sock", Kind::kSocket, "unix:/with space/a.sock"},
      {"localhost:7443", Kind::kTls, "localhost:7443"},
      {"127.0.0.1:1", Kind::kTls, "127.0.0.1:1"},
      {"kms.example.org:65535", Kind::kTls, "kms.example.org:65535"},
      {"[::1]:7443", Kind::kTls, "[::1]:7443"},
  };
  for (const Accepted& accepted : cases) {
    const auto address = ServerAddress::Parse(accepted.text);
    ASSERT_TRUE(address.ok()) << accepted.text;
    EXPECT_EQ(address->kind(), accepted.kind) << accepted.text;
    EXPECT_EQ(address->ToText(), accepted.canonical);
    const auto again = ServerAddress::Parse(address->ToText());
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(again->ToText(), accepted.canonical);
  }
}

TEST(ServerAddress, AnythingElseIsRefused) {
  const std::vector<std::string> cases = {"",
                                          "localhost",
                                          "localhost:",
                                          ":7443",
                                          "localhost:0",
                                          "localhost:07443",
                                          "localhost:65536",
                                          "localhost:-1",
                                          "localhost: 7443",
                                          "localhost:7443 ",
                                          "http://localhost:7443",
                                          "-host:7443",
                                          "host-:7443",
                                          "a..b:7443",
                                          "::1:7443",
                                          "[::1]",
                                          "[]:7443",
                                          "[localhost]:7443",
                                          "[fe80::1%eth0]:7443",
                                          "user@host:7443",
                                          "unix:",
                                          "unix:relative/app.sock",
                                          "unix:app.sock",
                                          "/run/coffer/app.sock",
                                          std::string("unix:/run/a\nb.sock"),
                                          std::string("unix:/run/a\0b.sock", 17),
                                          std::string(64, 'a') + ":7443"};
  for (const std::string& text : cases) {
    const auto address = ServerAddress::Parse(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_EQ(address.error().code(), ErrorCode::kInvalidArgument) << text;
    EXPECT_EQ(address.error().path(), "server");
  }
}

TEST(ServerAddress, AFolderBecomesTheRolesSocket) {
  const auto folder = ServerAddress::Parse("unix:/run/coffer/");
  ASSERT_TRUE(folder.ok());
  const auto socket = folder->ForRole("backup-agent");
  ASSERT_TRUE(socket.ok());
  EXPECT_EQ(socket->kind(), Kind::kSocket);
  EXPECT_EQ(socket->path(), "/run/coffer/backup-agent.sock");
}

TEST(ServerAddress, ASocketKeepsItsNameWhateverTheRole) {
  const auto socket = ServerAddress::Parse("unix:/run/coffer/app.sock");
  ASSERT_TRUE(socket.ok());
  EXPECT_EQ(socket->ForRole("admin")->path(), "/run/coffer/app.sock");
}

TEST(ServerAddress, ARoleThatIsNoNameIsRefused) {
  const auto folder = ServerAddress::Parse("unix:/run/coffer");
  ASSERT_TRUE(folder.ok());
  for (const char* role : {"", "../app", "app/x", "App", "app.sock", "app1"}) {
    EXPECT_FALSE(folder->ForRole(role).ok()) << role;
  }
}

TEST(ServerAddress, APathLongerThanASocketAllowsIsRefused) {
  const std::string just_fits = "unix:/" + std::string(106, 'd');
  EXPECT_TRUE(ServerAddress::Parse(just_fits).ok());
  EXPECT_FALSE(ServerAddress::Parse(just_fits + "d").ok());
  EXPECT_FALSE(ServerAddress::Parse(just_fits)->ForRole("app").ok());
}

TEST(ServerAddress, WhatIsAskedWinsOverTheEnvironmentAndThatOverTheDefault) {
  unsetenv("COFFER_SERVER");
  EXPECT_EQ(ServerFromEnvironment(""), kDefaultServer);
  setenv("COFFER_SERVER", "unix:/elsewhere", 1);
  EXPECT_EQ(ServerFromEnvironment(""), "unix:/elsewhere");
  EXPECT_EQ(ServerFromEnvironment("unix:/here"), "unix:/here");
  setenv("COFFER_SERVER", "", 1);
  EXPECT_EQ(ServerFromEnvironment(""), kDefaultServer);
  unsetenv("COFFER_SERVER");
}

}  // namespace
}  // namespace coffer::client
