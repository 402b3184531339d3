#include "keysvc/daemon.h"

#include <future>
#include <signal.h>
#include <unistd.h>

#include <spdlog/spdlog.h>

#include "crypto/random.h"
#include "io/dir_lock.h"
#include "io/directory.h"
#include "io/ticker.h"
#include "io/unix_socket.h"
#include "keysvc/audit_indexer.h"
#include "keysvc/audit_retention.h"
#include "keysvc/call_log.h"
#include "keysvc/rpc/server.h"
#include "keysvc/seal/command_keeper.h"
#include "keysvc/seal/pkcs11_keeper.h"
#include "keysvc/service/audit_recorder.h"
#include "keysvc/service_upkeep.h"
#include "keysvc/store/sqlite_store.h"
#include "keysvc/witness_feed.h"

namespace coffer::keysvc {
namespace {

constexpr char kStoreFile[] = "/store.db";
constexpr char kIndexFile[] = "/index.sqlite";
constexpr char kThrowawayKeyFile[] = "/seal.key";
constexpr std::chrono::seconds kDrainPatience{10};
constexpr std::chrono::milliseconds kWatchTick{100};
constexpr WorkPool::LaneLimits kOrdinaryLane{.threads = 4, .queue = 4096, .caller_queue = 512};
// Two: a seal may wait for running calls while the other thread answers the status.
constexpr WorkPool::LaneLimits kOperatorLane{.threads = 2, .queue = 64, .caller_queue = 64};
// Argon2id of slow indexes: 16 values of up to 256 MiB, one after the other.
constexpr WorkPool::LaneLimits kSlowLane{.threads = 1, .queue = 64, .caller_queue = 16};
// Of a pool that only reads the audit log.
constexpr WorkPool::LaneLimits kAuditLane{.threads = 2, .queue = 128, .caller_queue = 32};
constexpr WorkPool::LaneLimits kNoLane{.threads = 0, .queue = 0, .caller_queue = 0};

Caller UnixCaller(policy::Role role, std::uint32_t uid) {
  Result<policy::Principal> principal = policy::UnixPrincipal(role, uid);
  COFFER_CHECK(principal.ok());
  return Caller{.principal = std::move(principal).value(), .local = true};
}

}  // namespace

struct Daemon::State {
  State(const Config& config_in, bool memory_locked_in) : config(config_in), memory_locked(memory_locked_in) {}

  Status OpenLog();
  Status StartWitnesses();
  AuditView ShowAudit() const;
  Status LockJournal();
  Status OpenStore();
  Status MakeServices();
  Status Unseal();
  Services AllServices() const;
  Status ListenTcp();
  Status ListenForTokens();
  Status ListenUnix(policy::Role role, const SocketConfig& socket);
  void Accept(policy::Role role, UniqueFd connection, const PeerCredentials& peer);
  void Watch();
  void WatchLog();
  void Drain();
  void Stop();

  const Config config;
  const bool memory_locked;
  SystemClock clock;
  CallLog call_log{clock};
  std::optional<DirLock> lock;
  std::optional<DirLock> journal_lock;
  const std::shared_ptr<RefusedIdentities> refused = std::make_shared<RefusedIdentities>();
  std::unique_ptr<audit::Log> log;
  std::unique_ptr<AuditRecorder> recorder;
  std::unique_ptr<WitnessFeed> witnesses;
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
  std::unique_ptr<AccessService> access;
  std::unique_ptr<IdentityService> identity;
  std::unique_ptr<audit::QueryIndex> audit_index;
  std::unique_ptr<AuditService> audit;
  std::unique_ptr<AuditRetention> retention;
  std::unique_ptr<AuditIndexer> indexer;
  std::unique_ptr<WorkPool> pool;
  std::unique_ptr<WorkPool> audit_pool;
  std::unique_ptr<HeldRefusals> refusals;
  std::unique_ptr<RpcServer> tls;
  std::unique_ptr<RpcServer> tokens;
  std::map<std::pair<policy::Role, std::uint32_t>, std::unique_ptr<RpcServer>> locals;
  std::vector<std::unique_ptr<UnixAcceptor>> acceptors;
  // The watcher's.
  std::uint64_t calls_seen = 0;
  bool nonces_discarded = false;
  std::optional<bool> serving;
  bool log_low = false;
  bool log_unsigned = false;
  mutable Mutex failure_mutex;
  std::optional<Error> log_failure COFFER_GUARDED_BY(failure_mutex);
  std::unique_ptr<Ticker> watcher;
  std::unique_ptr<ServiceUpkeep> upkeep;
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

Status Daemon::State::OpenLog() {
  COFFER_ASSIGN_OR_RETURN(lock, DirLock::Acquire(config.data_dir));
  COFFER_ASSIGN_OR_RETURN(log, audit::Log::Open({.folder = config.audit_log,
                                                 .key_file = config.audit_key,
                                                 .file_bytes = std::uint64_t{config.audit_file_kib} << 10U},
                                                clock));
  recorder = std::make_unique<AuditRecorder>(*log, clock);
  if (log->recovered()) spdlog::warn("the audit log was not closed in good order: see its recovery record");
  spdlog::info("audit log {} goes on at record {}", log->origin(), log->durable().size);
  return {};
}

// A copy of the store elsewhere would write the same journal. The data folder itself is locked already.
Status Daemon::State::LockJournal() {
  COFFER_ASSIGN_OR_RETURN(const FileFacts data, FactsOf(config.data_dir));
  COFFER_ASSIGN_OR_RETURN(const FileFacts journal, FactsOf(config.key_journal));
  if (data.device == journal.device && data.inode == journal.inode) return {};
  Result<DirLock> taken = DirLock::Acquire(config.key_journal);
  if (!taken.ok() && taken.error().code() == ErrorCode::kUnavailable) {
    return Error(ErrorCode::kUnavailable, "another process keeps its key journal in this folder")
        .At(config.key_journal);
  }
  COFFER_ASSIGN_OR_RETURN(journal_lock, std::move(taken));
  return {};
}

Status Daemon::State::OpenStore() {
  COFFER_TRY(LockJournal());
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
                           .journal_folder = journal_folder.get(),
                           .audited_epoch =
                               [this](StoreUuid uuid) {
                                 const std::optional<audit::Log::Seen> seen = log->seen_store();
                                 return seen && seen->store == uuid ? StoreEpoch{seen->epoch} : StoreEpoch{};
                               },
                           .audit_log = RunningLogOf(*log)};
  const Result<std::uint64_t> journal_device = DeviceOf(config.key_journal);
  const Result<std::uint64_t> store_device = DeviceOf(config.data_dir);
  if (journal_device.ok() && store_device.ok() && *journal_device == *store_device) {
    spdlog::warn("the key journal is on the store's own disk: a lost disk loses both (key_journal names its folder)");
  }
  COFFER_ASSIGN_OR_RETURN(barrier, Barrier::Open(*store, clock, std::move(options)));
  return {};
}

Status Daemon::State::StartWitnesses() {
  if (!config.audit_witness) {
    spdlog::info("no witness watches the audit log: it is tamper-evident against others, not against this host");
    return {};
  }
  WitnessFeed::Options options;
  for (const AuditWitnessConfig::Witness& witness : config.audit_witness->witnesses) {
    options.witnesses.push_back({.url = witness.url, .key = witness.key});
  }
  options.interval = std::chrono::seconds(config.audit_witness->interval_seconds);
  options.max_age = std::chrono::seconds(config.audit_witness->max_age_seconds);
  COFFER_ASSIGN_OR_RETURN(witnesses, WitnessFeed::Start(*log, clock, std::move(options)));
  return {};
}

AuditView Daemon::State::ShowAudit() const {
  AuditView view;
  if (witnesses == nullptr) return view;
  WitnessReport report = witnesses->report();
  view.witnessed = report.witnessed;
  for (WitnessFacts& facts : report.witnesses) {
    view.witnesses.push_back({.name = std::move(facts.name),
                              .size = facts.size,
                              .cosigned_us = facts.cosigned_us,
                              .trouble = std::move(facts.trouble)});
  }
  return view;
}

Status Daemon::State::MakeServices() {
  pipeline = std::make_unique<Pipeline>(*barrier, [this](const CallRecord& record, OnRecorded recorded) {
    call_log.Note(record);
    recorder->Take(record, std::move(recorded));
  });
  const Quotas::Limits quotas{.searches_a_minute = config.searches_a_minute,
                              .values_a_minute = config.indexed_values_a_minute};
  fields = std::make_unique<FieldService>(*pipeline, clock, *barrier, quotas);
  keys = std::make_unique<KeyService>(*pipeline);
  secrets = std::make_unique<SecretService>(*pipeline, clock);
  admin = std::make_unique<AdminService>(*pipeline, AdminService::Options{.started_us = clock.UnixMicros(),
                                                                          .memory_locked = memory_locked,
                                                                          .key_file = config.key_file,
                                                                          .audit = [this] { return ShowAudit(); }});
  operators = std::make_unique<OperatorService>(*pipeline, clock);
  access = std::make_unique<AccessService>(*pipeline, *operators);
  identity = std::make_unique<IdentityService>(*pipeline);
  audit_index = std::make_unique<audit::QueryIndex>(*log, clock, config.audit_log + kIndexFile);
  audit = std::make_unique<AuditService>(*pipeline, *log, *audit_index);
  AuditIndexer::Calls indexing{.advanced = [this] { audit->Advance(); }};
  if (config.audit_retention.records_days > 0 || config.audit_retention.people_days > 0) {
    AuditRetention::Options options{.records_days = config.audit_retention.records_days,
                                    .people_days = config.audit_retention.people_days};
    if (witnesses != nullptr) options.below = [this] { return witnesses->witnessed_size(); };
    retention = std::make_unique<AuditRetention>(*log, *audit_index, std::move(options));
    indexing.retain = [this] { return retention->Pass(); };
  }
  COFFER_ASSIGN_OR_RETURN(indexer, AuditIndexer::Start(*audit_index, clock, std::move(indexing)));
  pool = std::make_unique<WorkPool>(kOrdinaryLane, kOperatorLane, kSlowLane);
  audit_pool = std::make_unique<WorkPool>(kAuditLane, kNoLane, kNoLane);
  refusals = std::make_unique<HeldRefusals>(HeldRefusals::Limits());
  return {};
}

// A service that cannot unseal itself still starts: status must be answered, and an operator can unseal it.
Status Daemon::State::Unseal() {
  if (config.key_file.empty() || barrier->state() != BarrierState::kSealed) return {};
  AuditRecorder::OwnAct act{.operation = policy::OperationName(policy::Operation::kUnseal)};
  COFFER_ASSIGN_OR_RETURN(const std::uint64_t begin, recorder->BeginOwn(act, audit::RecordClass::kReserve));
  const Status unsealed = barrier->Unseal(KeyFileSeal{.path = config.key_file, .allow_same_device = true});
  if (const Result<std::shared_ptr<Unsealed>> open = barrier->Enter(); open.ok()) {
    act.store = (*open)->uuid;
    act.store_epoch = (*open)->store->seen();
  }
  COFFER_TRY(recorder->EndOwn(act, begin, unsealed));
  if (!unsealed.ok()) spdlog::error("not unsealed with the configured key file: {}", unsealed.error().ToString());
  return {};
}

Services Daemon::State::AllServices() const {
  return {*fields, *keys,       *secrets,  *admin,    *operators, *access, *identity,         *audit,
          *pool,   *audit_pool, *refusals, *pipeline, *barrier,   clock,   config.reflection, refused};
}

Status Daemon::State::ListenTcp() {
  if (!config.tcp) return {};
  const TlsFiles files{.listen = config.tcp->listen,
                       .certificate = config.tcp->certificate,
                       .key = config.tcp->key,
                       .client_ca = config.tcp->client_ca,
                       .trust_domain = config.tcp->trust_domain};
  COFFER_ASSIGN_OR_RETURN(tls, RpcServer::ForTls(AllServices(), files));
  spdlog::info("listening with mutual TLS 1.3 on port {}", tls->port());
  return {};
}

Status Daemon::State::ListenForTokens() {
  if (!config.tokens) return {};
  TokenListener listener{.name = config.tokens->name,
                         .listen = config.tokens->listen,
                         .certificate = config.tokens->certificate,
                         .key = config.tokens->key,
                         .trusts = {}};
  for (const JwtConfig& jwt : config.jwt) {
    listener.trusts.push_back({.rules = jwt.rules, .keys = jwt.keys, .principal = jwt.principal});
  }
  COFFER_ASSIGN_OR_RETURN(tokens, RpcServer::ForTokens(AllServices(), std::move(listener)));
  spdlog::info("listening for bearer tokens with TLS 1.3 on port {}", tokens->port());
  return {};
}

Status Daemon::State::ListenUnix(policy::Role role, const SocketConfig& socket) {
  for (const std::uint32_t uid : socket.uids) {
    COFFER_ASSIGN_OR_RETURN(locals[std::make_pair(role, uid)],
                            RpcServer::ForCaller(AllServices(), UnixCaller(role, uid)));
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
    refused->Note({.authentication = audit::Authentication::kUnixSocket,
                   .role = std::string(policy::RoleName(role)),
                   .failure = "the user id is not one of the socket's",
                   .peer = "uid:" + std::to_string(peer.uid)});
    return;
  }
  server->second->Adopt(std::move(connection));
}

// Every 100 ms: health follows the barrier, and an idle service forgets the nonces drawn ahead (a snapshot of the
// machine would copy them).
void Daemon::State::Watch() {
  const bool unsealed = barrier->state() == BarrierState::kUnsealed;
  if (serving != unsealed) {
    serving = unsealed;
    for (const auto& [key, server] : locals) server->SetServing(unsealed);
    for (const auto* server : {&tls, &tokens}) {
      if (*server != nullptr) (*server)->SetServing(unsealed);
    }
  }
  WatchLog();
  const std::uint64_t calls = pipeline->calls();
  if (calls == calls_seen && !nonces_discarded) DiscardNonces();
  nonces_discarded = calls == calls_seen;
  calls_seen = calls;
}

// Fail closed: without its audit log the service ends, so that its supervisor and its operators notice.
void Daemon::State::WatchLog() {
  recorder->Flush();
  refused->Flush(*log, clock.MonotonicMicros());
  const bool low = log->low();
  if (low && !log_low) spdlog::error("the audit log's disk gives no more space: only its reserve is left");
  if (!low && log_low) spdlog::warn("the audit log's disk gives space again");
  log_low = low;
  const Status published = log->publishing();
  if (!published.ok() && !log_unsigned) {
    spdlog::error("no checkpoint of the audit log can be published: {}", published.error().ToString());
  }
  if (published.ok() && log_unsigned) spdlog::warn("checkpoints of the audit log are published again");
  log_unsigned = !published.ok();
  const Status state_now = log->state();
  const Lock held(failure_mutex);
  if (state_now.ok() || log_failure) return;
  log_failure = state_now.error();
  spdlog::critical("stopping: {}", state_now.error().ToString());
  kill(getpid(), SIGTERM);
}

void Daemon::State::Stop() {
  acceptors.clear();
  watcher.reset();
  upkeep.reset();
  // What waits is answered now; what runs has the servers' patience.
  if (audit != nullptr) audit->EndTails();
  for (const std::unique_ptr<WorkPool>* jobs : {&pool, &audit_pool}) {
    if (*jobs != nullptr) (*jobs)->Close();
  }
  if (refusals != nullptr) refusals->Close();
  Drain();
  pool.reset();
  audit_pool.reset();
  refusals.reset();
  indexer.reset();
  retention.reset();
  audit_index.reset();
  if (barrier != nullptr) {
    const Status sealed = barrier->Seal();
    if (!sealed.ok()) spdlog::warn("{}", sealed.error().ToString());
  }
  witnesses.reset();
  recorder.reset();
  if (log != nullptr) refused->FlushAll(*log);
  log.reset();
}

// Ends the servers, and meanwhile lets go the replies that wait for the record of several.
void Daemon::State::Drain() {
  const Result<std::unique_ptr<Ticker>> flushing = Ticker::Start({.interval = kWatchTick}, [this] {
    if (recorder != nullptr) recorder->Flush();
    return false;
  });
  if (!flushing.ok()) spdlog::warn("replies that wait for the record of several are not sent: no thread is left");
  std::vector<std::future<void>> drains;
  const auto drain = [](RpcServer& server) { server.Shutdown(kDrainPatience); };
  for (const auto& [key, server] : locals) drains.push_back(std::async(drain, std::ref(*server)));
  for (const auto* server : {&tls, &tokens}) {
    if (*server != nullptr) drains.push_back(std::async(drain, std::ref(**server)));
  }
  for (const std::future<void>& drained : drains) drained.wait();
}

Daemon::Daemon(std::unique_ptr<State> state) : state_(std::move(state)) {}

Daemon::~Daemon() { Stop(); }

void Daemon::Stop() { state_->Stop(); }

std::optional<Error> Daemon::failure() const {
  const Lock held(state_->failure_mutex);
  return state_->log_failure;
}

int Daemon::tcp_port() const { return state_->tls == nullptr ? 0 : state_->tls->port(); }

int Daemon::token_port() const { return state_->tokens == nullptr ? 0 : state_->tokens->port(); }

Result<std::unique_ptr<Daemon>> Daemon::Start(const Config& config, bool memory_locked) {
  std::unique_ptr<Daemon> daemon(new Daemon(std::make_unique<State>(config, memory_locked)));
  State& state = *daemon->state_;
  if (std::optional<FolderRefusal> refused = CheckFolders(config)) return std::move(refused->error);
  COFFER_TRY(state.OpenLog());
  COFFER_TRY(state.StartWitnesses());
  COFFER_TRY(state.OpenStore());
  COFFER_TRY(state.MakeServices());
  COFFER_TRY(state.Unseal());
  COFFER_TRY(state.ListenTcp());
  COFFER_TRY(state.ListenForTokens());
  for (const auto& [role, socket] : config.sockets) COFFER_TRY(state.ListenUnix(role, socket));
  COFFER_ASSIGN_OR_RETURN(state.watcher, Ticker::Start({.interval = kWatchTick}, [&state] {
                            state.Watch();
                            return false;
                          }));
  COFFER_ASSIGN_OR_RETURN(state.upkeep, ServiceUpkeep::Start(*state.barrier, *state.log, *state.recorder, state.clock));
  return daemon;
}

Status Daemon::InitThrowaway() {
  const KeyFileSeal seal{.path = state_->config.data_dir + kThrowawayKeyFile, .allow_same_device = true};
  const Result<Barrier::Initialised> made = state_->barrier->Init(seal, std::nullopt);
  return made.ok() ? Status() : Status(made.error());
}

}  // namespace coffer::keysvc
