// DoorFixture: servers over a store in memory, with a clock that the test moves, a small pool, and a stop before any
// caller's work. For what a daemon does only under load or after days.
#pragma once

#include <atomic>
#include <map>
#include <set>

#include "io/unix_socket.h"
#include "keysvc/rpc/server.h"
#include "tests/keysvc/rpc/wire.h"
#include "tests/keysvc/service/service_fixture.h"

namespace coffer::keysvc {

// Holds the calls of chosen principals when they are recorded, before they act.
class Stop {
 public:
  // Holds the calls of `principal` from now on.
  void Hold(const std::string& principal);
  // Lets all go, those that come later too.
  void Release();
  // Called by the pipeline. Counts, then waits while the principal is held.
  void Pass(const std::string& principal);

  std::size_t waiting();
  // Records of this principal so far.
  std::size_t passed(const std::string& principal);

 private:
  Mutex mutex_;
  Condition changed_;
  std::set<std::string> held_ COFFER_GUARDED_BY(mutex_);
  std::map<std::string, std::size_t> passed_ COFFER_GUARDED_BY(mutex_);
  std::size_t waiting_ COFFER_GUARDED_BY(mutex_) = 0;
};

class DoorFixture : public ServiceFixture {
 protected:
  static constexpr std::size_t kThreads = 2;
  static constexpr std::size_t kCallerQueue = 8;
  static constexpr std::size_t kRefusedAtOnce = 12;

  ~DoorFixture() override;

  // A server for the role's caller, LocalCaller(role), on a socket of its own.
  void Listen(policy::Role role);
  // A server with mutual TLS: `server.crt`, `ca.crt` and their keys of the fixture's folder.
  void ListenTls();
  // A server for bearer tokens, which are bound to this name: `server.crt` and its key of the fixture's folder.
  std::unique_ptr<RpcServer> ListenForTokens(const std::string& name);
  Wire NewWire(policy::Role role) const { return Wire::ToSocket(SocketOf(role)); }
  std::string SocketOf(policy::Role role) const { return folder / (std::string(policy::RoleName(role)) + ".sock"); }

  Stop stop;
  // Whether the log still has hold of calls whose replies it has let go, as one has that is busy.
  std::atomic<bool> keeps = false;
  Mutex kept_mutex;
  std::vector<OnRecorded> kept COFFER_GUARDED_BY(kept_mutex);
  Pipeline stopping_pipeline{*barrier, [this](const CallRecord& record, const OnRecorded& tell) {
                               stop.Pass(record.principal);
                               if (keeps) {
                                 const Lock held(kept_mutex);
                                 kept.push_back(tell);
                               }
                               tell(std::uint64_t{0});
                             }};
  FieldService door_fields{stopping_pipeline, clock, *barrier};
  KeyService door_keys{stopping_pipeline};
  SecretService door_secrets{stopping_pipeline, clock};
  AdminService door_admin{stopping_pipeline, {}};
  OperatorService door_operators{stopping_pipeline, clock};
  AccessService door_access{stopping_pipeline, door_operators};
  IdentityService door_identity{stopping_pipeline};
  const std::shared_ptr<RefusedIdentities> refused_identities = std::make_shared<RefusedIdentities>();
  std::unique_ptr<audit::Log> audit_log = OpenLog();
  audit::QueryIndex audit_index{*audit_log, clock, folder / "audit/index.sqlite"};
  AuditService door_audit{stopping_pipeline, *audit_log, audit_index};
  WorkPool pool{{.threads = kThreads, .queue = 16, .caller_queue = kCallerQueue},
                {.threads = 2, .queue = 4, .caller_queue = 4},
                {.threads = 1, .queue = 4, .caller_queue = 4}};
  HeldRefusals refusals{{.pause = std::chrono::hours(1), .at_once = kRefusedAtOnce}};
  std::unique_ptr<RpcServer> tls;

 private:
  Services AllServices() {
    return {door_fields,   door_keys,  door_secrets, door_admin,        door_operators, door_access,
            door_identity, door_audit, pool,         pool /*of audit*/, refusals,       stopping_pipeline,
            *barrier,      clock,      false,        refused_identities};
  }
  std::unique_ptr<audit::Log> OpenLog() const {
    audit::LogOptions options;
    options.folder = folder / "audit";
    options.key_file = folder / "audit.key";
    options.file_bytes = 1 << 20;
    return audit::Log::Open(options, clock).value();
  }

  std::map<policy::Role, std::unique_ptr<RpcServer>> servers_;
  std::vector<std::unique_ptr<UnixAcceptor>> acceptors_;
};

}  // namespace coffer::keysvc
