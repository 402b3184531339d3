// coffer token: bearer tokens of the service's own, for callers without a certificate.
#include <unistd.h>

#include "cli/byte_sink.h"
#include "cli/commands.h"
#include "cli/printing.h"
#include "cli/times.h"
#include "client/wipe_message.h"
#include "io/clock.h"
#include "io/terminal.h"
#include "policy/principal.h"

namespace coffer::cli {
namespace {

constexpr std::int64_t kMinLife = 60;  // seconds; as the service has them
constexpr std::int64_t kMaxLife = std::int64_t{366} * 24 * 3600;

struct CreateArguments {
  std::string principal;
  std::string listener = "tokens";
  std::string lifetime;
  std::string out;
};

struct RevokeArguments {
  std::string id;
  std::string reason;
};

Outcome<v1::CreateTokenRequest> RequestOf(const CreateArguments& arguments) {
  if (!policy::ParseBearerPrincipal(arguments.principal).ok()) {
    return UsageFailure("principal: must be spiffe://TRUST-DOMAIN/role/ROLE/NAME, the role app, dba or backup-agent");
  }
  const Result<std::int64_t> lifetime = ParseDuration(arguments.lifetime);
  if (!lifetime.ok() || *lifetime / kMicrosPerSecond < kMinLife || *lifetime / kMicrosPerSecond > kMaxLife) {
    return UsageFailure("--lifetime: must be a whole number and one of s, m, h, d, w: from 60s to 366d");
  }
  v1::CreateTokenRequest request;
  request.set_principal(arguments.principal);
  request.set_listener(arguments.listener);
  request.set_lifetime_s(static_cast<std::uint32_t>(*lifetime / kMicrosPerSecond));
  return request;
}

// Where the token goes: known to work before there is one.
Outcome<std::optional<ByteSink>> OpenOut(const Session& session, const std::string& path) {
  if (session.asks_only()) return std::optional<ByteSink>();
  if (IsStandardStream(path)) {
    if (!IsTerminal(STDOUT_FILENO)) return std::optional<ByteSink>();
    return UsageFailure("--out is needed: a token is not written to a terminal");
  }
  COFFER_ASSIGN_OR_RETURN(ByteSink sink, ByteSink::Open(path));
  return std::optional<ByteSink>(std::move(sink));
}

Outcome<void> Write(ByteSink& sink, const std::string& token) {
  COFFER_TRY(sink.Write(token));
  COFFER_TRY(sink.Write("\n"));
  return sink.Finish();
}

// To the file, else to standard output; as JSON together with the rest.
Outcome<void> WriteToken(const Session& session, const CreateArguments& arguments, std::optional<ByteSink>& sink,
                         const v1::CreateTokenResponse& made) {
  const std::string until = FormatTime(made.not_after_us());
  if (sink) COFFER_TRY(Write(*sink, made.token()));
  if (!session.json() && !sink) {
    COFFER_TRY(Print(made.token()));
    return Print("\n");
  }
  if (!session.json()) {
    return Print("made: token " + made.id() + " for " + arguments.principal + ", until " + until + "\n");
  }
  Json json = {{"id", made.id()}, {"principal", arguments.principal}, {"until", until}};
  if (!sink) json["token"] = made.token();
  return PrintJson(json);
}

Outcome<int> Create(Session& session, const CreateArguments& arguments) {
  COFFER_ASSIGN_OR_RETURN(const v1::CreateTokenRequest request, RequestOf(arguments));
  COFFER_ASSIGN_OR_RETURN(std::optional<ByteSink> sink, OpenOut(session, arguments.out));
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  COFFER_ASSIGN_OR_RETURN(auto made, client->CreateToken(request));
  const Outcome<void> written = WriteToken(session, arguments, sink, made);
  client::WipeMessageField(*made.mutable_token());
  if (written.ok()) return kExitOk;
  return Failure(kExitFailed, written.error().sentence,
                 "the token was made and nobody has it: coffer token revoke " + made.id() + " lost");
}

Outcome<int> List(Session& session) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  COFFER_ASSIGN_OR_RETURN(const auto answer, client->ListTokens({}));
  Table table({"ID", "PRINCIPAL", "LISTENER", "CREATED", "UNTIL", "BY", "REASON"});
  Json json = Json::array();
  for (const v1::AccessToken& token : answer.tokens()) {
    table.Add({token.id(), token.principal(), token.listener(), FormatTime(token.created_us()),
               FormatTime(token.not_after_us()), token.created_by(), token.reason()});
    json.push_back({{"id", token.id()},
                    {"principal", token.principal()},
                    {"listener", token.listener()},
                    {"created_at", FormatTime(token.created_us(), true)},
                    {"until", FormatTime(token.not_after_us(), true)},
                    {"created_by", token.created_by()},
                    {"reason", token.reason()}});
  }
  COFFER_TRY(session.json() ? PrintJson({{"tokens", json}}) : Print(table.ToText()));
  return kExitOk;
}

Outcome<int> Revoke(Session& session, const RevokeArguments& arguments) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  v1::RevokeTokenRequest request;
  request.set_id(arguments.id);
  request.set_reason(arguments.reason);
  COFFER_TRY(client->RevokeToken(request));
  COFFER_TRY(session.json() ? PrintJson({{"revoked", arguments.id}}) : Print("revoked: it lets nobody in any more\n"));
  return kExitOk;
}

void AddCreate(CommandTree& tree, CLI::App& group) {
  auto arguments = std::make_shared<CreateArguments>();
  CLI::App& create = tree.AddCommand(
      group, "create", "Make a bearer token, which is shown once; others have to approve it",
      "  coffer token create spiffe://example.org/role/app/orders --lifetime 90d --ask 'ticket 4711'\n"
      "  coffer token create spiffe://example.org/role/app/orders --lifetime 90d --out orders.token --approval ID",
      [arguments](Session& session) { return Create(session, *arguments); });
  create.add_option("principal", arguments->principal, "Whom it stands for: spiffe://TRUST-DOMAIN/role/ROLE/NAME")
      ->type_name("PRINCIPAL")
      ->required();
  create.add_option("--lifetime", arguments->lifetime, "How long it is good for: 90d; 366d at most")
      ->type_name("DURATION")
      ->required();
  create.add_option("--listener", arguments->listener, "The listener that takes it; \"tokens\" unless told")
      ->type_name("NAME");
  create.add_option("--out", arguments->out, "A new file for the token (mode 0600); standard output unless told")
      ->type_name("FILE");
  tree.AddApprovalOptions(create);
}

}  // namespace

void AddTokenCommands(CommandTree& tree) {
  CLI::App& group = tree.AddGroup("token", "Bearer tokens, for callers without a certificate");
  AddCreate(tree, group);
  tree.AddCommand(group, "list", "The tokens that are in force; never the tokens themselves", "  coffer token list",
                  List);

  auto revoked = std::make_shared<RevokeArguments>();
  CLI::App& revoke = tree.AddCommand(group, "revoke", "End a token at once",
                                     "  coffer token revoke 01926e3a-0000-7000-8000-000000000000 'leaked, ticket 4711'",
                                     [revoked](Session& session) { return Revoke(session, *revoked); });
  revoke.add_option("id", revoked->id, "Which, as `token list` shows it")->type_name("ID")->required();
  revoke.add_option("reason", revoked->reason, "Why, for the audit log")->type_name("REASON")->required();
}

}  // namespace coffer::cli
