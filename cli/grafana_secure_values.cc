// coffer grafana serve-secure-values: Grafana's secure values out of the vault, for an unmodified Grafana.
#include <signal.h>
#include <unistd.h>

#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/grafana_vault.h"
#include "cli/printing.h"
#include "cli/secret_options.h"
#include "cli/times.h"
#include "io/http_server.h"
#include "io/process_memory.h"
#include "plugins/grafana/securevalues/server.h"

namespace coffer::cli {
namespace {

constexpr std::chrono::seconds kShutdownPatience{5};

struct ServeOptions {
  grafana::ServerOptions grpc{.listen = "127.0.0.1:7490", .certificate = {}, .key = {}, .client_ca = {}};
  std::string exchange = "127.0.0.1:7491";
  grafana::ExchangeOptions tokens;
  std::string prefix = "grafana/secure-values";
  SecretOptions whose;  // the tenant alone
};

// The signals that end the process, blocked in every thread from here on and waited for in one.
sigset_t BlockStopSignals() {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  return stop;
}

// One line, in one piece whatever thread it is of.
void Say(const std::string& line) {
  const std::string stamped = FormatTime(SystemClock().UnixMicros()) + " " + line + "\n";
  static_cast<void>(WriteAll(STDERR_FILENO, AsBytes(stamped)));  // a log that nobody reads any more stops nobody
}

Outcome<grafana::SecureValuePlace> PlaceOf(const ServeOptions& options) {
  auto prefix = SecretPath::Parse(options.prefix);
  if (!prefix.ok()) return Failure(std::move(prefix).error().At("--prefix"));
  return grafana::SecureValuePlace{.prefix = std::move(prefix).value(), .tenant = options.whose.tenant};
}

Outcome<grafana::AccessTokens> TokensOf(client::Client& client, const grafana::SecureValuePlace& place) {
  const auto path = grafana::PathOfAccessTokenKey(place.prefix);
  if (!path.ok()) return Failure(Error(path.error()).At("--prefix"));
  GrafanaVault vault(client, place.tenant);
  auto key = grafana::FetchAccessTokenKey(vault, *path);
  if (!key.ok()) return vault.FailureOf(key.error());
  return grafana::AccessTokens(std::move(key).value());
}

Outcome<std::unique_ptr<HttpServer>> ServeExchange(const ServeOptions& options,
                                                   const grafana::TokenExchange& exchange) {
  const auto listen = HostAndPort::Parse(options.exchange);
  if (!listen.ok()) return Failure(Error(listen.error()).At("--exchange"));
  if (auto loopback = grafana::CheckLoopback(options.exchange); !loopback.ok()) {
    return Failure(std::move(loopback).error().At("--exchange"));
  }
  HttpServerOptions http;
  http.host = listen->host;
  http.port = listen->port;
  http.max_body = grafana::kMaxExchangeRequest;
  auto server = HttpServer::Start(http, [&exchange](const HttpRequest& request) { return exchange.Answer(request); });
  if (!server.ok()) return Failure(kExitFailed, "--exchange: " + server.error().ToString());
  return std::move(server).value();
}

Outcome<int> Serve(Session& session, const ServeOptions& options) {
  COFFER_ASSIGN_OR_RETURN(grafana::SecureValuePlace place, PlaceOf(options));
  // Where the system gives no lock, values may reach swap, as those of any other client of the service.
  static_cast<void>(LockMemory(true));
  // Before gRPC starts threads, which then hold the signals too.
  const sigset_t stop = BlockStopSignals();
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
  COFFER_ASSIGN_OR_RETURN(const grafana::AccessTokens tokens, TokensOf(*client, place));
  const SystemClock clock;
  const grafana::LogLine log = Say;
  auto exchange = grafana::TokenExchange::Create(options.tokens, tokens, clock, log);
  if (!exchange.ok()) return Failure(kExitFailed, "--clients: " + exchange.error().ToString());
  const grafana::SecureValueCalls calls(*client, std::move(place));
  const auto server = grafana::SecureValueServer::Start(options.grpc, {calls, tokens, clock, log});
  if (!server.ok()) return Failure(Error(server.error()).At("--grpc"));
  COFFER_ASSIGN_OR_RETURN(const auto http, ServeExchange(options, *exchange));
  COFFER_TRY(Print("grpc on port " + std::to_string((*server)->port()) + ", token exchange on port " +
                   std::to_string(http->port()) + "\n"));
  int signal_number = 0;
  sigwait(&stop, &signal_number);
  (*server)->Shutdown(kShutdownPatience);
  return kExitOk;
}

}  // namespace

void AddGrafanaSecureValuesCommand(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App& serve = tree.AddCommand(
      group, "serve-secure-values", "Serve Grafana's secure values: decrypt, inline values and token exchange",
      "  coffer grafana serve-secure-values --clients /etc/coffer/grafana-clients\n"
      "  coffer grafana serve-secure-values --clients clients --grpc 10.0.0.7:7490 --grafana-cert server.crt \\\n"
      "    --grafana-key server.key --grafana-ca grafana-ca.crt",
      [options](Session& session) { return Serve(session, *options); });
  serve
      .add_option(
          "--clients", options->tokens.clients_file,
          "Who may have access tokens: lines of identity, SHA-256 of its token, namespaces; read anew each time")
      ->type_name("FILE")
      ->required();
  serve.add_option("--grpc", options->grpc.listen, "Where Grafana calls (127.0.0.1:7490)")->type_name("ADDRESS:PORT");
  serve
      .add_option("--exchange", options->exchange,
                  "Where Grafana exchanges its token, plain HTTP, this host only (127.0.0.1:7491)")
      ->type_name("ADDRESS:PORT");
  CLI::Option* const certificate =
      serve.add_option("--grafana-cert", options->grpc.certificate, "The gRPC server's certificate (PEM)");
  CLI::Option* const key = serve.add_option("--grafana-key", options->grpc.key, "Its key (PEM)");
  certificate->type_name("FILE")->needs(key);
  key->type_name("FILE")->needs(certificate);
  serve.add_option("--grafana-ca", options->grpc.client_ca, "Whose certificates Grafana has to have one of (PEM)")
      ->type_name("FILE")
      ->needs(certificate);
  serve.add_option("--prefix", options->prefix, "Where the values are in the vault (grafana/secure-values)")
      ->type_name("PATH");
  serve.add_option("--token-life", options->tokens.life_s, "Seconds that an access token is good for (600)")
      ->type_name("SECONDS")
      ->check(NumberBetween(grafana::kMinAccessTokenLife, grafana::kMaxAccessTokenLife));
  AddTenantOption(serve, options->whose);
}

}  // namespace coffer::cli
