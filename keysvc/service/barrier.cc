#include "keysvc/service/barrier.h"

#include "crypto/random.h"

namespace coffer::keysvc {
namespace {

constexpr std::chrono::seconds kSealPatience{10};

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
  Header header;
  COFFER_ASSIGN_OR_RETURN(header.record, StoreFromRow(stores.front().columns));
  if (header.record.schema_version != kSchemaVersion) {
    return Error(ErrorCode::kFailedPrecondition,
                 "the store has another schema version: use the program version that wrote it");
  }
  COFFER_ASSIGN_OR_RETURN(const std::vector<StoredRow> slots, transaction->Scan({.table = Table::kSealSlot}));
  for (const StoredRow& row : slots) {
    COFFER_ASSIGN_OR_RETURN(SealSlotRecord slot, SealSlotFromRow(row.columns));
    header.slots.push_back(std::move(slot));
  }
  return std::optional<Header>(std::move(header));
}

Result<StoreUuid> Barrier::Init(const SealSource& source) {
  const Lock changing(change_mutex_);
  COFFER_ASSIGN_OR_RETURN(const std::optional<Header> existing, ReadHeader());
  if (existing) return Error(ErrorCode::kAlreadyExists, "the store is initialised already");
  const std::int64_t now = clock_.UnixMicros();
  Header header;
  header.record.uuid = StoreUuid::Generate(static_cast<std::uint64_t>(now / 1000));
  header.record.schema_version = kSchemaVersion;
  header.record.created_us = now;
  RootKey root{.id = KeyId::Generate(), .bytes = RandomSecret(kKeySize)};
  header.record.root_key = root.id;
  COFFER_ASSIGN_OR_RETURN(SealSlotRecord slot, MakeSlot(source, options_.store_dir, header.record.uuid, root, now));

  AuthenticatedStore store(store_, header.record.uuid, DeriveIntegrityKeys(root.bytes, header.record.uuid),
                           FloorOf(header.record.uuid));
  COFFER_TRY(store.Format());
  COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, store.Begin());
  COFFER_TRY(mutation.Insert(Table::kStore, ToRow(header.record)));
  COFFER_TRY(mutation.Insert(Table::kSealSlot, ToRow(slot)));
  COFFER_TRY(mutation.Commit());
  header.slots.push_back(std::move(slot));
  COFFER_TRY(OpenWith(header, std::move(root)));
  return header.record.uuid;
}

Status Barrier::Unseal(const SealSource& source) {
  const Lock changing(change_mutex_);
  COFFER_ASSIGN_OR_RETURN(const std::optional<Header> header, ReadHeader());
  if (!header) return Error(ErrorCode::kFailedPrecondition, "the store is not initialised: init comes first");
  COFFER_ASSIGN_OR_RETURN(RootKey root, OpenSlots(source, header->record.uuid, header->record.root_key, header->slots));
  if (state() == BarrierState::kUnsealed) return {};
  return OpenWith(*header, std::move(root));
}

Status Barrier::OpenWith(const Header& header, RootKey root) {
  auto unsealed = std::make_unique<Unsealed>();
  unsealed->uuid = header.record.uuid;
  unsealed->store = std::make_unique<AuthenticatedStore>(
      store_, unsealed->uuid, DeriveIntegrityKeys(root.bytes, unsealed->uuid), FloorOf(unsealed->uuid));
  const auto load = [&]() -> Status {
    COFFER_TRY(unsealed->store->VerifyAll());
    COFFER_ASSIGN_OR_RETURN(unsealed->keys,
                            KeyEngine::Load(*unsealed->store, unsealed->uuid, std::move(root), clock_, options_.keys));
    COFFER_TRY(EnsureBuiltins(*unsealed));
    COFFER_ASSIGN_OR_RETURN(unsealed->catalogs, Catalogs::Load(*unsealed->store, *unsealed->keys, clock_));
    return {};
  };
  const Status loaded = load();
  if (!loaded.ok()) {
    if (loaded.error().code() == ErrorCode::kIntegrity) Become(BarrierState::kCompromised, nullptr);
    return loaded;
  }
  Become(BarrierState::kUnsealed, Tracked(std::move(unsealed), released_));
  return {};
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
  seal_generation_.fetch_add(std::uint64_t{1} << 32, std::memory_order_acq_rel);
}

Status Barrier::Seal() {
  const Lock changing(change_mutex_);
  if (state() != BarrierState::kUnsealed) return {};
  Become(BarrierState::kSealed, nullptr);
  DiscardNonces();
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
    case BarrierState::kUninitialised:
      break;
  }
  return Error(ErrorCode::kFailedPrecondition, "the store is not initialised: an operator has to run init");
}

BarrierState Barrier::state() const {
  const ReadLock lock(state_mutex_);
  return state_;
}

std::uint64_t Barrier::generation() const {
  const std::uint64_t seal = seal_generation_.load(std::memory_order_acquire);
  const ReadLock lock(state_mutex_);
  return unsealed_ == nullptr ? seal : seal + unsealed_->keys->generation() + unsealed_->catalogs->generation();
}

Result<Barrier::Facts> Barrier::facts() {
  Facts facts;
  facts.state = state();
  COFFER_ASSIGN_OR_RETURN(const std::optional<Header> header, ReadHeader());
  if (!header) return facts;
  facts.store_uuid = header->record.uuid.ToText();
  for (const SealSlotRecord& slot : header->slots) facts.seal_slots.emplace_back(SlotKindName(slot));
  return facts;
}

}  // namespace coffer::keysvc
