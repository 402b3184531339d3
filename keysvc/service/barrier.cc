#include "keysvc/service/barrier.h"

#include "crypto/random.h"

namespace coffer::keysvc {
namespace {

constexpr std::chrono::seconds kSealPatience{10};

Error NotInitialised() {
  return Error(ErrorCode::kFailedPrecondition, "the store is not initialised: an operator has to run init");
}

Error Altered() {
  return Error(ErrorCode::kIntegrity, "the store was altered from outside: nothing is served from it");
}

// An Unsealed that says, through `released`, when the last holder has let go.
std::shared_ptr<Unsealed> Tracked(std::unique_ptr<Unsealed> unsealed, std::future<void>& released) {
  auto done = std::make_shared<std::promise<void>>();
  released = done->get_future();
  return {unsealed.release(), [done](Unsealed* last) {
            std::unique_ptr<Unsealed>(last).reset();
            done->set_value();
          }};
}

}  // namespace

Barrier::~Barrier() = default;

Result<std::unique_ptr<Barrier>> Barrier::Open(KeyStore& store, const Clock& clock, Options options) {
  std::unique_ptr<Barrier> barrier(new Barrier(store, clock, std::move(options)));
  COFFER_ASSIGN_OR_RETURN(const std::optional<Header> header, barrier->ReadHeader());
  barrier->Become(header ? BarrierState::kSealed : BarrierState::kUninitialised, nullptr);
  return barrier;
}

Result<std::optional<Barrier::Header>> Barrier::ReadHeader() {
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<StoreTransaction> transaction, store_.Begin());
  COFFER_ASSIGN_OR_RETURN(const std::vector<StoredRow> stores, transaction->Scan({.table = Table::kStore}));
  if (stores.empty()) return std::optional<Header>();
  COFFER_ASSIGN_OR_RETURN(const std::vector<StoredRow> slots, transaction->Scan({.table = Table::kSealSlot}));
  COFFER_ASSIGN_OR_RETURN(Header header, HeaderFrom(stores.front(), slots));
  return std::optional<Header>(std::move(header));
}

Result<Barrier::Header> Barrier::PresentHeader() {
  COFFER_ASSIGN_OR_RETURN(std::optional<Header> header, ReadHeader());
  if (!header) return NotInitialised();
  return std::move(*header);
}

Result<Barrier::Header> Barrier::HeaderFrom(const StoredRow& store, const std::vector<StoredRow>& slots) {
  Header header;
  COFFER_ASSIGN_OR_RETURN(header.record, StoreFromRow(store.columns));
  if (header.record.schema_version < 1 || header.record.schema_version > kSchemaVersion) {
    return Error(ErrorCode::kFailedPrecondition,
                 "the store has another schema version: use the program version that wrote it");
  }
  COFFER_ASSIGN_OR_RETURN(header.slots, SealSlotsFrom(slots));
  // Each may cost a passphrase's work, and their rows are not verified yet.
  if (header.slots.size() > kMaxSealSlots) {
    return Error(ErrorCode::kIntegrity, "has more seal slots than a store may have").WithLimit(kMaxSealSlots);
  }
  return header;
}

Result<Barrier::Initialised> Barrier::Init(const NewSeal& seal, const std::optional<NewRecovery>& recovery) {
  const Lock changing(change_mutex_);
  COFFER_ASSIGN_OR_RETURN(const std::optional<Header> existing, ReadHeader());
  if (existing) return Error(ErrorCode::kAlreadyExists, "the store is initialised already");
  COFFER_TRY(CheckNoJournal());
  const std::int64_t now = clock_.UnixMicros();
  Header header;
  header.record.uuid = StoreUuid::Generate(static_cast<std::uint64_t>(now / 1000));
  header.record.schema_version = kSchemaVersion;
  header.record.created_us = now;
  RootKey root{.id = KeyId::Generate(), .bytes = RandomSecret(kKeySize)};
  header.record.root_key = root.id;
  Initialised initialised{.store = header.record.uuid, .shares = {}};
  // The recovery slot first: a key file is not made in vain when it fails.
  std::vector<const NewSeal*> seals;
  std::optional<NewSeal> recovery_seal;
  if (recovery) seals.push_back(&recovery_seal.emplace(*recovery));
  seals.push_back(&seal);
  for (const NewSeal* const wanted : seals) {
    COFFER_ASSIGN_OR_RETURN(MadeSlot made, MakeSlot(*wanted, options_.tools, header.record.uuid, root, now));
    header.slots.push_back(std::move(made.record));
    for (Share& share : made.shares) initialised.shares.push_back(std::move(share));
  }
  COFFER_TRY(WriteFirst(header, root));
  COFFER_TRY(OpenWith(header, std::move(root)));
  return initialised;
}

// The journal begins before the first row is committed, so that every store has a whole one.
Status Barrier::WriteFirst(const Header& header, const RootKey& root) {
  const StoreUuid uuid = header.record.uuid;
  AuthenticatedStore empty(store_, uuid, DeriveIntegrityKeys(root.bytes, uuid), FloorOf(uuid));
  COFFER_TRY(empty.Format());
  if (options_.journal_folder != nullptr) {
    COFFER_ASSIGN_OR_RETURN(const StoreImage nothing, empty.Snapshot());
    COFFER_ASSIGN_OR_RETURN(journal_, KeyJournal::Create(*options_.journal_folder, uuid, nothing.AsGroup()));
  }
  AuthenticatedStore store(store_, uuid, DeriveIntegrityKeys(root.bytes, uuid), FloorOf(uuid), journal_);
  COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, store.Begin());
  COFFER_TRY(mutation.Insert(Table::kStore, ToRow(header.record)));
  for (const SealSlotRecord& slot : header.slots) COFFER_TRY(mutation.Insert(Table::kSealSlot, ToRow(slot)));
  return mutation.Commit();
}

// A journal beside an empty store is what is left of a store that was lost; but one of a single commit is left of an
// init that power ended, and nobody was told of it.
Status Barrier::CheckNoJournal() {
  if (options_.journal_folder == nullptr) return {};
  const Result<std::unique_ptr<KeyJournal>> journal = KeyJournal::Open(*options_.journal_folder, std::nullopt);
  if (!journal.ok() && journal.error().code() == ErrorCode::kUnavailable) return journal.error();
  if (journal.ok() && (*journal == nullptr || (*journal)->last().head.epoch.value <= 1)) return {};
  return Error(ErrorCode::kFailedPrecondition,
               "there is a key journal of a store that is gone: 'coffer operator recover' brings the store back; to "
               "begin a new one, move the journal away")
      .At("key_journal");
}

Status Barrier::Unseal(const SealSource& source) {
  const Lock changing(change_mutex_);
  COFFER_ASSIGN_OR_RETURN(const std::optional<Header> header, ReadHeader());
  if (!header) return NotInitialised();
  COFFER_ASSIGN_OR_RETURN(
      RootKey root, OpenSlots(source, options_.tools, header->record.uuid, header->record.root_key, header->slots));
  if (state() == BarrierState::kUnsealed) return {};
  return OpenWith(*header, std::move(root));
}

Status Barrier::OpenWith(const Header& header, RootKey root, bool other_log) {
  COFFER_TRY(CheckReleased());
  const IntegrityKeys keys = DeriveIntegrityKeys(root.bytes, header.record.uuid);
  COFFER_TRY(TakeJournal(header, keys));
  auto unsealed = std::make_unique<Unsealed>();
  unsealed->uuid = header.record.uuid;
  unsealed->root = RootKey{.id = root.id, .bytes = root.bytes.Clone()};
  unsealed->store = std::make_unique<AuthenticatedStore>(
      store_, unsealed->uuid, DeriveIntegrityKeys(root.bytes, unsealed->uuid), FloorOf(unsealed->uuid), journal_);
  bool refused_log = false;
  const auto load = [&]() -> Status {
    COFFER_TRY(unsealed->store->VerifyAll());
    COFFER_ASSIGN_OR_RETURN(const std::vector<Row> logs, unsealed->store->Scan({.table = Table::kAuditLog}));
    COFFER_ASSIGN_OR_RETURN(const bool is_other, NamesOtherLog(logs));
    refused_log = is_other && !other_log;
    if (refused_log) return Error(ErrorCode::kIntegrity, SentenceOf(JournalFit::kOtherLog));
    COFFER_ASSIGN_OR_RETURN(unsealed->keys,
                            KeyEngine::Load(*unsealed->store, unsealed->uuid, std::move(root), clock_, options_.keys));
    COFFER_TRY(EnsureBuiltins(*unsealed));
    COFFER_TRY(NoteSchema(*unsealed));
    COFFER_TRY(NoteAuditLog(*unsealed, is_other));
    COFFER_ASSIGN_OR_RETURN(unsealed->catalogs, Catalogs::Load(*unsealed->store, *unsealed->keys, clock_));
    COFFER_ASSIGN_OR_RETURN(unsealed->policies, Policies::Load(*unsealed->store, unsealed->uuid, clock_));
    unsealed->approvals = std::make_unique<Approvals>(*unsealed->store, unsealed->uuid, clock_,
                                                      DeriveRequestKey(unsealed->root.bytes, unsealed->uuid));
    unsealed->grants = std::make_unique<Grants>(*unsealed->store, unsealed->uuid, *unsealed->policies, clock_);
    COFFER_TRY(unsealed->grants->Load());
    COFFER_ASSIGN_OR_RETURN(unsealed->tokens, AccessTokens::Load(*unsealed->store, clock_));
    COFFER_ASSIGN_OR_RETURN(unsealed->denied, DeniedCertificates::Load(*unsealed->store, clock_));
    return {};
  };
  const Status loaded = load();
  if (refused_log) {
    fit_.store(JournalFit::kOtherLog);
    Become(BarrierState::kRolledBack, nullptr);
    return loaded;
  }
  if (!loaded.ok()) {
    if (loaded.error().code() == ErrorCode::kIntegrity) Become(BarrierState::kCompromised, nullptr);
    return loaded;
  }
  Become(BarrierState::kUnsealed, Tracked(std::move(unsealed), released_));
  return {};
}

Status Barrier::TakeJournal(const Header& header, const IntegrityKeys& keys) {
  if (options_.journal_folder == nullptr) return {};
  COFFER_ASSIGN_OR_RETURN(JournalCheck check, CheckJournal(store_, *options_.journal_folder, header.record.uuid, keys));
  // A store of the first schema version never had one.
  if (check.fit == JournalFit::kMissing && header.record.schema_version == 1) return BeginJournal(header, keys);
  if (check.fit == JournalFit::kInStep && check.journal_epoch.value < AuditedEpoch(header.record.uuid).value) {
    check.fit = JournalFit::kBehindAudit;
  }
  fit_.store(check.fit);
  if (check.fit != JournalFit::kInStep) {
    Become(BarrierState::kRolledBack, nullptr);
    return Error(ErrorCode::kIntegrity, SentenceOf(check.fit));
  }
  journal_ = std::move(check.journal);
  return {};
}

Status Barrier::BeginJournal(const Header& header, const IntegrityKeys& keys) {
  AuthenticatedStore plain(store_, header.record.uuid, IntegrityKeys{keys.rows.Clone(), keys.head.Clone()},
                           FloorOf(header.record.uuid));
  COFFER_TRY(plain.VerifyAll());
  COFFER_ASSIGN_OR_RETURN(const StoreImage image, plain.Snapshot());
  COFFER_ASSIGN_OR_RETURN(journal_, KeyJournal::Create(*options_.journal_folder, header.record.uuid, image.AsGroup()));
  fit_.store(JournalFit::kInStep);
  return {};
}

// After an upgrade of the tables.
Status Barrier::NoteSchema(Unsealed& unsealed) {
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows, unsealed.store->Scan({.table = Table::kStore}));
  if (rows.size() != 1) return Error(ErrorCode::kIntegrity, "holds no store, or several").At("store");
  COFFER_ASSIGN_OR_RETURN(StoreRecord record, StoreFromRow(rows.front()));
  if (record.schema_version == kSchemaVersion) return {};
  record.schema_version = kSchemaVersion;
  COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, unsealed.store->Begin());
  COFFER_TRY(mutation.Update(Table::kStore, ToRow(record)));
  return mutation.Commit();
}

Status Barrier::CheckReleased() const {
  if (!released_.valid() || released_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) return {};
  return Error(ErrorCode::kUnavailable, "a call of before the seal still runs and holds keys: try again when it ends");
}

StoreEpoch Barrier::AuditedEpoch(StoreUuid store) const {
  return options_.audited_epoch ? options_.audited_epoch(store) : StoreEpoch{};
}

std::shared_ptr<EpochFloor> Barrier::FloorOf(StoreUuid uuid) {
  std::shared_ptr<EpochFloor>& floor = floors_[uuid];
  if (floor == nullptr) floor = std::make_shared<EpochFloor>();
  return floor;
}

// Also mends an init that stopped half way.
Status Barrier::EnsureBuiltins(Unsealed& unsealed) {
  if (!unsealed.keys->ResolveTenant(kDefaultTenant).ok()) COFFER_TRY(unsealed.keys->CreateTenant(kDefaultTenant));
  if (!unsealed.keys->PurposeOf(kSecretsKeyring)) COFFER_TRY(unsealed.keys->CreateKeyring(kSecretsKeyring));
  return {};
}

void Barrier::Become(BarrierState state, std::shared_ptr<Unsealed> unsealed) {
  const Lock lock(state_mutex_);
  state_ = state;
  unsealed_.swap(unsealed);
  if (unsealed != nullptr) {
    last_policy_ = unsealed->policies->view();
    last_denied_ = unsealed->denied->view();
  }
  seal_generation_.fetch_add(std::uint64_t{1} << 32, std::memory_order_acq_rel);
}

Status Barrier::Seal() {
  const Lock changing(change_mutex_);
  shares_.clear();
  if (state() != BarrierState::kUnsealed) return {};
  Become(BarrierState::kSealed, nullptr);
  DiscardNonces();
  return WaitUntilReleased();
}

Status Barrier::WaitUntilReleased() {
  if (released_.wait_for(kSealPatience) != std::future_status::ready) {
    return Error(ErrorCode::kUnavailable, "sealed for new calls, but a call still runs and holds keys");
  }
  return {};
}

Result<std::shared_ptr<Unsealed>> Barrier::Enter() const {
  const ReadLock lock(state_mutex_);
  switch (state_) {
    case BarrierState::kUnsealed:
      return unsealed_;
    case BarrierState::kSealed:
      return Error(ErrorCode::kSealed, "the service is sealed: an operator has to unseal it");
    case BarrierState::kCompromised:
      return Altered();
    case BarrierState::kRolledBack:
      return Error(ErrorCode::kIntegrity, SentenceOf(fit_.load()));
    case BarrierState::kUninitialised:
      break;
  }
  return NotInitialised();
}

BarrierState Barrier::state() const {
  const ReadLock lock(state_mutex_);
  return state_;
}

std::uint64_t Barrier::generation() const {
  const std::uint64_t seal = seal_generation_.load(std::memory_order_acquire);
  const ReadLock lock(state_mutex_);
  if (unsealed_ == nullptr) return seal;
  return seal + unsealed_->keys->generation() + unsealed_->catalogs->generation() + unsealed_->policies->generation() +
         unsealed_->tokens->generation() + unsealed_->denied->generation();
}

PolicyPointer Barrier::policy() const {
  const ReadLock lock(state_mutex_);
  return unsealed_ == nullptr ? last_policy_ : unsealed_->policies->view();
}

std::shared_ptr<const DeniedDigests> Barrier::denied() const {
  const ReadLock lock(state_mutex_);
  return unsealed_ == nullptr ? last_denied_ : unsealed_->denied->view();
}

Result<Barrier::Facts> Barrier::facts() {
  Facts facts;
  facts.state = state();
  COFFER_ASSIGN_OR_RETURN(const std::optional<Header> header, ReadHeader());
  if (!header) return facts;
  facts.store_uuid = header->record.uuid.ToText();
  facts.seal_slots = header->slots;
  if (facts.state == BarrierState::kRolledBack) facts.rollback = SentenceOf(fit_.load()).view();
  return facts;
}

}  // namespace coffer::keysvc
