// RpcFixture: a whole daemon in a temporary folder, spoken to over its sockets.
#pragma once

#include <map>
#include <sstream>
#include <sys/types.h>

#include "coffer/v1/admin.pb.h"
#include "coffer/v1/audit.pb.h"
#include "keysvc/daemon.h"
#include "tests/keysvc/rpc/wire.h"
#include "tests/support/temp_dir.h"

namespace coffer::keysvc {

inline constexpr char kShopCatalog[] = R"(scope = "shop"
[field."connection.password"]
class   = "secret"
keyring = "shop"
row     = "uuid"
bind    = { url = "text", login = "text" }
[field."user.email"]
class   = "pii"
keyring = "shop"
row     = "int64"
[field."grant.token"]
class   = "pii"
keyring = "shop"
row     = ["int64", "text"]
[field."note.body"]
class   = "internal"
keyring = "shop"
bind_row = false
unbound = "rows get their id after the insert"
)";

class RpcFixture : public ::testing::Test {
 protected:
  // Nothing is written to the terminal: the log is kept.
  RpcFixture();
  ~RpcFixture() override;

  // Every role's socket for our own user.
  Config DefaultSockets() const;
  void StartDaemon(const Config& config);
  // Initialised through the admin's socket with key_file(), with keyring "shop", the catalog above, a tenant "fresh"
  // that has no data key yet, and a secret "app/db" of two versions, the first one deleted.
  void StartShop(const Config& config);
  void StartShop() { StartShop(DefaultSockets()); }

  const Wire& As(policy::Role role);
  // By whoever may call it.
  Answer Call(const std::string& rpc, const std::string& request) { return As(CallerOf(rpc)).Call(rpc, request); }
  // Applies a policy whose administrators are we ourselves, on the unix socket, and somebody else.
  void ApplyPolicy();
  // As Call; what others have to approve is asked for.
  Answer CallAsking(const std::string& rpc, const std::string& request);
  v1::GetStatusResponse Status(policy::Role role = policy::Role::kAdmin);
  // All that a call may change: epoch and counts.
  std::string Counts();
  // What the daemon logged so far, at every level.
  std::string Log() const { return log_.str(); }
  // The first line of it that holds this; empty: none.
  std::string LogLineWith(const std::string& text) const;
  // What the audit log's index answers this QueryRecords; nothing while it is not open, which is behind the start.
  std::vector<v1::AuditRecord> AuditRecords(const std::string& query);
  // What the audit log's index has of identities that were refused, the oldest first; the test waits until these are
  // `items` in all.
  std::vector<v1::AuditRecord> RefusedIdentitiesOf(std::uint64_t items);
  std::string key_file() const { return folder / "seal.key"; }
  std::string data_dir() const { return folder / "data"; }

  TempDir folder;
  std::unique_ptr<Daemon> daemon;
  std::string lock;  // of the scope "shop"

 private:
  std::ostringstream log_;
  std::map<policy::Role, Wire> wires_;
};

}  // namespace coffer::keysvc
