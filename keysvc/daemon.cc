#include "keysvc/daemon.h"

#include <thread>
#include <unistd.h>

#include <spdlog/spdlog.h>

#include "crypto/random.h"
#include "io/dir_lock.h"
#include "io/directory.h"
#include "io/unix_socket.h"
#include "keysvc/call_log.h"
#include "keysvc/rpc/server.h"
#include "keysvc/seal/command_keeper.h"
#include "keysvc/seal/pkcs11_keeper.h"
#include "keysvc/store/sqlite_store.h"

namespace coffer::keysvc {
namespace {

constexpr char kStoreFile[] = "/store.db";
constexpr char kThrowawayKeyFile[] = "/seal.key";
constexpr std::chrono::seconds kDrainPatience{10};
constexpr std::chrono::milliseconds kIdleTick{100};
constexpr std::chrono::seconds kUpkeepTick{5};
constexpr WorkPool::LaneLimits kOrdinaryLane{.threads = 4, .queue = 4096, .caller_queue = 512};
// Two: a seal may wait for running calls while the other thread answers the status.
constexpr WorkPool::LaneLimits kOperatorLane{.threads = 2, .queue = 64, .caller_queue = 64};
// Argon2id of slow indexes: 16 values of up to 256 MiB, one after the other.
constexpr WorkPool::LaneLimits kSlowLane{.threads = 1, .queue = 64, .caller_queue = 16};

Caller UnixCaller(policy::Role role, std::uint32_t uid) {
  Result<policy::Principal> principal = policy::UnixPrincipal(role, uid);
  COFFER_CHECK(principal.ok());
  return Caller{.principal = std::move(principal).value(), .local = true};
}

}  // namespace

struct Daemon::State {
  State(const Config& config_in, bool memory_locked_in) : config(config_in), memory_locked(memory_locked_in) {}

  Status OpenStore();
  void MakeServices();
  Status Unseal();
  Status ListenTcp();
  Status ListenUnix(policy::Role role, const SocketConfig& socket);
  void Accept(policy::Role role, UniqueFd connection, const PeerCredentials& peer);
  void Watch();
  void DoUpkeep();
  void Keep();
  void Stop();

  const Config config;
  const bool memory_locked;
  SystemClock clock;
  std::optional<DirLock> lock;
  std::unique_ptr<SqliteStore> store;
  std::unique_ptr<AppendFolder> journal_folder;
  std::unique_ptr<Pkcs11Keeper> pkcs11;
  std::unique_ptr<CommandKeeper> command;
  std::unique_ptr<Barrier> barrier;
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<FieldService> fields;
  std::unique_ptr<KeyService> keys;
  std::unique_ptr<SecretService> secrets;
  std::unique_ptr<AdminService> admin;
  std::unique_ptr<OperatorService> operators;
  std::unique_ptr<WorkPool> pool;
  std::unique_ptr<RpcServer> tls;
  std::map<std::pair<policy::Role, std::uint32_t>, std::unique_ptr<RpcServer>> locals;
  std::vector<std::unique_ptr<UnixAcceptor>> acceptors;
  Mutex watch_mutex;
  Condition watch_changed;
  bool stopping COFFER_GUARDED_BY(watch_mutex) = false;
  std::thread watcher;
  std::thread keeper;
  std::string held_before;  // the keeper's
};

std::optional<FolderRefusal> CheckFolders(const Config& config) {
  const Status data = MakeDirectory(config.data_dir, 0700);
  if (!data.ok() && data.error().code() == ErrorCode::kNotFound) {
    return FolderRefusal{
        "data_dir",
        Error(ErrorCode::kNotFound, "cannot be made: the folder above it does not exist").At(config.data_dir)};
  }
  if (!data.ok()) return FolderRefusal{"data_dir", data.error()};
  const Status journal = MakeDirectory(config.key_journal, 0700);
  if (!journal.ok()) return FolderRefusal{"key_journal", journal.error()};
  if (config.sockets.empty()) return std::nullopt;
  const Status sockets = CheckNobodyElseReplaces(config.socket_dir);
  if (!sockets.ok()) return FolderRefusal{"socket_dir", sockets.error()};
  return std::nullopt;
}

Status Daemon::State::OpenStore() {
  COFFER_ASSIGN_OR_RETURN(lock, DirLock::Acquire(config.data_dir));
  COFFER_ASSIGN_OR_RETURN(store, SqliteStore::Open({.path = config.data_dir + kStoreFile, .vfs = {}}));
  journal_folder = DiskFolder(config.key_journal, kMaxJournalBytes);
  if (config.pkcs11) {
    pkcs11 = std::make_unique<Pkcs11Keeper>(Pkcs11Options{
        .module = config.pkcs11->module, .token = config.pkcs11->token, .pin_file = config.pkcs11->pin_file});
  }
  if (config.seal_command) {
    command = std::make_unique<CommandKeeper>(
        CommandOptions{.argv = config.seal_command->argv, .timeout_seconds = config.seal_command->timeout_seconds});
  }
  const KeyEngine::Options engine{
      .cipher_cache = config.cipher_cache,
      .destroy_delay_us = config.destroy_delay_hours * (kMicrosPerDay / 24),
      .backup_retention_us = config.backup_retention_days * kMicrosPerDay,
  };
  Barrier::Options options{.tools = {.store_dir = config.data_dir, .pkcs11 = pkcs11.get(), .command = command.get()},
                           .keys = engine,
                           .journal_folder = journal_folder.get()};
  COFFER_ASSIGN_OR_RETURN(barrier, Barrier::Open(*store, clock, std::move(options)));
  return {};
}

void Daemon::State::MakeServices() {
  pipeline = std::make_unique<Pipeline>(*barrier, LogCall);
  const Quotas::Limits quotas{.searches_a_minute = config.searches_a_minute,
                              .values_a_minute = config.indexed_values_a_minute};
  fields = std::make_unique<FieldService>(*pipeline, clock, *barrier, quotas);
  keys = std::make_unique<KeyService>(*pipeline);
  secrets = std::make_unique<SecretService>(*pipeline, clock);
  admin = std::make_unique<AdminService>(
      *pipeline, AdminService::Options{
                     .started_us = clock.UnixMicros(), .memory_locked = memory_locked, .key_file = config.key_file});
  operators = std::make_unique<OperatorService>(*pipeline, clock);
  pool = std::make_unique<WorkPool>(kOrdinaryLane, kOperatorLane, kSlowLane);
}

// A service that cannot unseal itself still starts: status must be answered, and an operator can unseal it.
Status Daemon::State::Unseal() {
  if (config.key_file.empty() || barrier->state() != BarrierState::kSealed) return {};
  const Status unsealed = barrier->Unseal(KeyFileSeal{.path = config.key_file, .allow_same_device = true});
  if (!unsealed.ok()) spdlog::error("not unsealed with the configured key file: {}", unsealed.error().ToString());
  return {};
}

Status Daemon::State::ListenTcp() {
  if (!config.tcp) return {};
  const TlsFiles files{.listen = config.tcp->listen,
                       .certificate = config.tcp->certificate,
                       .key = config.tcp->key,
                       .client_ca = config.tcp->client_ca,
                       .trust_domain = config.tcp->trust_domain};
  const Services services{*fields, *keys, *secrets, *admin, *operators, *pool, clock, config.reflection};
  COFFER_ASSIGN_OR_RETURN(tls, RpcServer::ForTls(services, files));
  spdlog::info("listening with mutual TLS 1.3 on port {}", tls->port());
  return {};
}

Status Daemon::State::ListenUnix(policy::Role role, const SocketConfig& socket) {
  const Services services{*fields, *keys, *secrets, *admin, *operators, *pool, clock, config.reflection};
  for (const std::uint32_t uid : socket.uids) {
    COFFER_ASSIGN_OR_RETURN(locals[std::make_pair(role, uid)], RpcServer::ForCaller(services, UnixCaller(role, uid)));
  }
  const std::string path = config.socket_dir + "/" + std::string(policy::RoleName(role)) + ".sock";
  COFFER_ASSIGN_OR_RETURN(UniqueFd listener, coffer::ListenUnix(path, 0660));
  if (socket.gid && chown(path.c_str(), static_cast<uid_t>(-1), *socket.gid) != 0) {
    return Error(ErrorCode::kInvalidArgument, "the socket cannot be given to the configured group").At("sockets.gid");
  }
  COFFER_ASSIGN_OR_RETURN(
      std::unique_ptr<UnixAcceptor> acceptor,
      UnixAcceptor::Start(std::move(listener), [this, role](UniqueFd connection, const PeerCredentials& peer) {
        Accept(role, std::move(connection), peer);
      }));
  acceptors.push_back(std::move(acceptor));
  return {};
}

void Daemon::State::Accept(policy::Role role, UniqueFd connection, const PeerCredentials& peer) {
  const auto server = locals.find({role, peer.uid});
  if (server == locals.end()) {
    spdlog::warn("refused a connection to the socket of role {} from uid {}", policy::RoleName(role), peer.uid);
    return;
  }
  server->second->Adopt(std::move(connection));
}

// Every 100 ms: health follows the barrier, and an idle service forgets the nonces drawn ahead (a snapshot of the
// machine would copy them).
void Daemon::State::Watch() {
  std::uint64_t calls_seen = 0;
  bool discarded = false;
  std::optional<bool> serving;
  const Lock held(watch_mutex);
  while (!stopping) {
    const bool unsealed = barrier->state() == BarrierState::kUnsealed;
    if (serving != unsealed) {
      serving = unsealed;
      for (const auto& [key, server] : locals) server->SetServing(unsealed);
      if (tls != nullptr) tls->SetServing(unsealed);
    }
    const std::uint64_t calls = pipeline->calls();
    if (calls == calls_seen && !discarded) DiscardNonces();
    discarded = calls == calls_seen;
    calls_seen = calls;
    watch_changed.wait_for(watch_mutex, kIdleTick);
  }
}

void LogDue(const DueReport& report, std::string_view done) {
  for (const DueReport::Item& item : report.done) spdlog::warn("{}: {}", done, item.what);
  if (report.failure) spdlog::error("upkeep: {}", report.failure->ToString());
}

// What is due by the clock: rotations, destructions, a journal to be made anew.
void Daemon::State::DoUpkeep() {
  const Result<std::shared_ptr<Unsealed>> unsealed = barrier->Enter();
  if (!unsealed.ok()) return;
  const std::int64_t now = clock.UnixMicros();
  const Status refreshed = (*unsealed)->keys->Refresh();
  if (!refreshed.ok()) spdlog::error("the store: {}", refreshed.error().ToString());
  LogDue((*unsealed)->keys->RotateDue(now), "rotated by age");
  const DueReport destroyed = (*unsealed)->keys->DestroyDue(now);
  LogDue(destroyed, "destroyed");
  // What is held back is tried again each time, and said when that changes.
  std::string held;
  for (const DueReport::Item& item : destroyed.held) held += item.what + ": " + item.why + "; ";
  if (!held.empty() && held != held_before) spdlog::error("not destroyed yet: {}", held);
  held_before = held;
  const Status maintained = (*unsealed)->store->Maintain();
  if (!maintained.ok()) spdlog::error("key journal: {}", maintained.error().ToString());
}

void Daemon::State::Keep() {
  while (true) {
    DoUpkeep();
    const Lock held(watch_mutex);
    if (!stopping) watch_changed.wait_for(watch_mutex, kUpkeepTick);
    if (stopping) return;
  }
}

void Daemon::State::Stop() {
  acceptors.clear();
  {
    const Lock held(watch_mutex);
    stopping = true;
  }
  watch_changed.notify_all();
  for (std::thread* thread : {&watcher, &keeper}) {
    if (thread->joinable()) thread->join();
  }
  // What waits is answered now; what runs has the servers' patience.
  if (pool != nullptr) pool->Close();
  std::vector<std::thread> drains;
  for (const auto& [key, server] : locals)
    drains.emplace_back([&server = server] { server->Shutdown(kDrainPatience); });
  if (tls != nullptr) tls->Shutdown(kDrainPatience);
  for (std::thread& drain : drains) drain.join();
  pool.reset();
  if (barrier != nullptr) {
    const Status sealed = barrier->Seal();
    if (!sealed.ok()) spdlog::warn("{}", sealed.error().ToString());
  }
}

Daemon::Daemon(std::unique_ptr<State> state) : state_(std::move(state)) {}

Daemon::~Daemon() { Stop(); }

void Daemon::Stop() { state_->Stop(); }

int Daemon::tcp_port() const { return state_->tls == nullptr ? 0 : state_->tls->port(); }

Result<std::unique_ptr<Daemon>> Daemon::Start(const Config& config, bool memory_locked) {
  std::unique_ptr<Daemon> daemon(new Daemon(std::make_unique<State>(config, memory_locked)));
  State& state = *daemon->state_;
  if (std::optional<FolderRefusal> refused = CheckFolders(config)) return std::move(refused->error);
  COFFER_TRY(state.OpenStore());
  state.MakeServices();
  COFFER_TRY(state.Unseal());
  COFFER_TRY(state.ListenTcp());
  for (const auto& [role, socket] : config.sockets) COFFER_TRY(state.ListenUnix(role, socket));
  state.watcher = std::thread([&state] { state.Watch(); });
  state.keeper = std::thread([&state] { state.Keep(); });
  return daemon;
}

Status Daemon::InitThrowaway() {
  const KeyFileSeal seal{.path = state_->config.data_dir + kThrowawayKeyFile, .allow_same_device = true};
  const Result<Barrier::Initialised> made = state_->barrier->Init(seal, std::nullopt);
  return made.ok() ? Status() : Status(made.error());
}

}  // namespace coffer::keysvc
