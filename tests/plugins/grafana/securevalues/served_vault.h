// ServedVault: the whole of what serves Grafana, over a vault that is somewhere, for a test.
#pragma once

#include <mutex>

#include <gtest/gtest.h>

#include "client/client.h"
#include "crypto/hash.h"
#include "io/file.h"
#include "plugins/grafana/securevalues/server.h"
#include "tests/plugins/grafana/securevalues/replayed_grafana.h"
#include "tests/support/temp_dir.h"

namespace coffer::grafana {

inline constexpr char kPrefix[] = "grafana/secure-values";
inline constexpr char kService[] = "provisioning.grafana.app";

struct ServedVault {
  static constexpr std::chrono::milliseconds kVaultPatience{2'000};
  static inline const std::string kBearer = std::string(43, 'b');       // of "grafana", for default and org-2
  static inline const std::string kOtherBearer = std::string(43, 'o');  // of "other", for all

  // Starts without TLS. The test fails when it does not work.
  void Serve(const std::string& address, const std::string& tenant) {
    const std::string list = "grafana " + HashOf(kBearer) + " default,org-2\nother " + HashOf(kOtherBearer) + " *\n";
    ASSERT_TRUE(WriteFileDurably(files / "clients", AsBytes(list), 0600).ok());
    client::ClientOptions to_vault;
    to_vault.server = address;
    auto connected = client::Client::Connect(to_vault);
    ASSERT_TRUE(connected.ok()) << connected.error().message;
    client = std::move(connected).value();
    tokens.emplace(Es256PrivateKey::Generate());
    calls.emplace(*client, SecureValuePlace{SecretPath::Parse(kPrefix).value(), tenant}, kVaultPatience);
    auto made = TokenExchange::Create({.clients_file = files / "clients"}, *tokens, clock, log);
    ASSERT_TRUE(made.ok()) << made.error().ToString();
    exchange.emplace(std::move(made).value());
    auto http_server = HttpServer::Start({.max_body = kMaxExchangeRequest},
                                         [this](const HttpRequest& request) { return exchange->Answer(request); });
    ASSERT_TRUE(http_server.ok()) << http_server.error().ToString();
    http = std::move(http_server).value();
    StartServer({.listen = "127.0.0.1:0", .certificate = {}, .key = {}, .client_ca = {}});
  }

  void StartServer(const ServerOptions& options) {
    auto started = SecureValueServer::Start(options, {*calls, *tokens, clock, log});
    ASSERT_TRUE(started.ok()) << started.error().ToString();
    server = std::move(started).value();
  }

  // What its grafana.ini says.
  GrafanaIni Ini(const std::string& bearer = kBearer) const {
    GrafanaIni ini;
    ini.grpc_server_address = "127.0.0.1:" + std::to_string(server->port());
    ini.token = bearer;
    ini.token_exchange_port = http->port();
    return ini;
  }

  static std::string PathOf(const std::string& name, const std::string& namespace_name = "default") {
    return std::string(kPrefix) + "/" + namespace_name + "/" + name;
  }
  static std::string HashOf(const std::string& token) { return ToHex(Sha256({AsBytes(token)})); }
  std::string LogText() const {
    const std::lock_guard lock(log_mutex);
    return log_lines;
  }

  TempDir files;
  FakeClock clock;
  mutable std::mutex log_mutex;
  std::string log_lines;
  const LogLine log = [this](const std::string& line) {
    const std::lock_guard lock(log_mutex);
    log_lines += line + "\n";
  };
  std::unique_ptr<client::Client> client;
  std::optional<AccessTokens> tokens;
  std::optional<SecureValueCalls> calls;
  std::optional<TokenExchange> exchange;
  std::unique_ptr<HttpServer> http;
  std::unique_ptr<SecureValueServer> server;
};

}  // namespace coffer::grafana
