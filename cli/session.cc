#include "cli/session.h"

#include <iostream>

#include "cli/printing.h"
#include "client/log_memory.h"

namespace coffer::cli {
namespace {

// A log that was rolled back, rewritten or thrown away ends the command before it has asked for anything. An outage
// does not: what the command asks for next will tell.
Outcome<void> CheckLog(const client::LogMemory& memory, client::Client& client) {
  const client::RpcResult<void> checked = memory.Check(client);
  if (checked.ok()) return {};
  if (checked.error().code != ErrorCode::kIntegrity) {
    std::cerr << "coffer: the service's audit log was not compared with what this client has seen of it: "
              << checked.error().message << "\n";
    return {};
  }
  return Failure(kExitFailed, checked.error().message,
                 "ask the auditors: `coffer audit verify` with a checkpoint that they kept shows what was changed");
}

// Whose memory it is: several services may be reached through one port of this host, told apart by their names.
std::string PlaceOf(const client::ServerAddress& address, const client::ClientOptions& options) {
  std::string place = address.ToText();
  if (!options.server_name.empty()) place += " as " + options.server_name;
  std::erase_if(place, [](char c) { return c == '\n'; });
  return place;
}

}  // namespace

bool Session::Colors(int fd) const { return !options_.no_color && WantsColor(fd); }

Outcome<client::Client*> Session::Connect(std::string_view natural_role) {
  client::ClientOptions options;
  options.server = client::ServerFromEnvironment(options_.server);
  COFFER_ASSIGN_OR_RETURN(const auto address, client::ServerAddress::Parse(options.server));
  if (!options_.role.empty() && address.kind() != client::ServerAddress::Kind::kFolder) {
    return UsageFailure("--role chooses a socket in a folder, and the server's address names no folder");
  }
  options.role = options_.role.empty() ? natural_role : std::string_view(options_.role);
  options.tls = options_.tls;
  options.server_name = options_.server_name;
  options.deadline = std::chrono::seconds(options_.timeout_s);
  options.claims = options_.claims;
  options.approval = options_.approval;
  COFFER_ASSIGN_OR_RETURN(client_, client::Client::Connect(options));
  const std::string memory = client::LogMemory::FolderFromEnvironment();
  if (!memory.empty()) COFFER_TRY(CheckLog(client::LogMemory(memory, PlaceOf(address, options)), *client_));
  return client_.get();
}

}  // namespace coffer::cli
