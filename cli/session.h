// One run of the command line: its global options, and the connection that they describe.
#pragma once

#include <memory>
#include <string>

#include "cli/outcome.h"
#include "client/client.h"

namespace coffer::cli {

struct GlobalOptions {
  std::string server;  // empty: COFFER_SERVER or the default
  std::string role;    // empty: the command's own
  client::TlsFiles tls;
  std::string server_name;
  std::string output = "text";
  std::uint32_t timeout_s = 30;
  client::CallClaims claims;
  client::ApprovalWish approval;
  bool no_color = false;
};

// The roles that commands use unless told.
inline constexpr std::string_view kAppRole = "app";
inline constexpr std::string_view kAdminRole = "admin";
inline constexpr std::string_view kAuditorRole = "auditor";

class Session {
 public:
  explicit Session(const GlobalOptions& options) : options_(options) {}

  bool json() const { return options_.output == "json"; }
  // The act is only asked for: others have to approve it first.
  bool asks_only() const { return !options_.approval.reason.empty(); }
  bool Colors(int fd) const;
  // What its client's calls say of themselves.
  const client::CallClaims& claims() const { return options_.claims; }

  // A client in the role that the user named, else in `natural_role`. Owned by the session; asked once.
  Outcome<client::Client*> Connect(std::string_view natural_role);

 private:
  const GlobalOptions& options_;
  std::unique_ptr<client::Client> client_;
};

}  // namespace coffer::cli
