// The part of Barrier that changes ways in: shares, slots, and the root key itself.
#include <algorithm>

#include "crypto/random.h"
#include "keysvc/service/barrier.h"

namespace coffer::keysvc {
namespace {

Error NoShares() {
  return {ErrorCode::kFailedPrecondition, "no seal slot is made of shares: unseal with a key file or a passphrase"};
}

// The store's KEK under another root key.
Result<Kek> Rewrapped(const Kek& kek, StoreUuid store, const RootKey& from, const RootKey& to) {
  const WrapContext context = WrapContext::Kek(store, kek.keyring, kek.id);
  const Result<SecretBytes> key = UnwrapKey(from.bytes, from.id, context, kek.wrapped);
  if (!key.ok() || !EqualConstantTime(DeriveKeyCheckValue(*key), kek.check)) {
    return Error(ErrorCode::kIntegrity, "a wrapped key of the store does not open");
  }
  Kek rewrapped = kek;
  COFFER_ASSIGN_OR_RETURN(rewrapped.wrapped, WrapKey(to.bytes, to.id, context, *key));
  return rewrapped;
}

// Whether a new root key may have these slots, and recovery slots like those that are present.
Status CheckWaysIn(const std::vector<NewSeal>& seals, const std::vector<SealSlotRecord>& present) {
  const bool only_shares = std::all_of(seals.begin(), seals.end(),
                                       [](const NewSeal& seal) { return std::holds_alternative<NewShares>(seal); });
  if (!only_shares || !RecoveryRecipients(present).empty()) return {};
  // An answer that does not arrive would be the end of the store.
  return Error(ErrorCode::kFailedPrecondition,
               "shares alone would be the only way in, and there is no recovery slot: add one, or another seal")
      .At("seals");
}

// Whether the store is what this head says: of a commit whose outcome is not known.
bool IsIn(KeyStore& store, const StoredHead& head) {
  const Result<std::unique_ptr<StoreTransaction>> transaction = store.Begin();
  if (!transaction.ok()) return false;
  const Result<std::optional<StoredHead>> present = (*transaction)->GetHead();
  return present.ok() && *present && (*present)->epoch == head.epoch && (*present)->mac == head.mac;
}

}  // namespace

Result<Barrier::CollectedShares*> Barrier::CollectionOf(const Share& share, const Header& header) {
  const std::int64_t now = clock_.MonotonicMicros();
  std::erase_if(shares_, [&](const auto& entry) { return now - entry.second.since_us > kShareMemoryUs; });
  if (const auto found = shares_.find(share.set()); found != shares_.end()) return &found->second;
  bool any = false;
  for (const SealSlotRecord& slot : header.slots) {
    const auto* params = std::get_if<SharesSlot>(&slot.params);
    any = any || params != nullptr;
    if (params == nullptr || params->set.uuid != share.set()) continue;
    COFFER_ASSIGN_OR_RETURN(ShareCombiner combiner, ShareCombiner::Create(params->set));
    return &shares_.emplace(share.set(), CollectedShares{std::move(combiner), slot.slot, now}).first->second;
  }
  if (!any) return NoShares();
  return Error(ErrorCode::kInvalidArgument,
               "is of another set of shares: of another store, or from before the shares were replaced")
      .At("share " + std::to_string(share.index()));
}

Result<Barrier::Shared> Barrier::UnsealByShare(Share share) {
  const Lock changing(change_mutex_);
  COFFER_ASSIGN_OR_RETURN(const Header header, PresentHeader());
  COFFER_ASSIGN_OR_RETURN(CollectedShares * collected, CollectionOf(share, header));
  const unsigned index = share.index();
  COFFER_ASSIGN_OR_RETURN(const ShareCombiner::Answer answer, collected->combiner.Add(std::move(share)));
  const Shared shared{.have = collected->combiner.Indexes().size(), .missing = collected->combiner.Missing()};
  if (answer == ShareCombiner::Answer::kDuplicate) {
    return Error(ErrorCode::kAlreadyExists, "was there already: shares of other custodians are missing")
        .At("share " + std::to_string(index));
  }
  if (shared.missing > 0) return shared;
  COFFER_ASSIGN_OR_RETURN(SecretBytes key, collected->combiner.Combine());
  const SealSource source = SharedSeal{.slot = collected->slot, .key = std::move(key)};
  shares_.clear();
  COFFER_ASSIGN_OR_RETURN(RootKey root,
                          OpenSlots(source, options_.tools, header.record.uuid, header.record.root_key, header.slots));
  if (state() != BarrierState::kUnsealed) COFFER_TRY(OpenWith(header, std::move(root)));
  return shared;
}

Status Barrier::CheckAddSlot(const NewSeal& seal, const std::string& label) {
  COFFER_ASSIGN_OR_RETURN(const Header header, PresentHeader());
  if (header.slots.size() >= kMaxSealSlots) {
    return Error(ErrorCode::kResourceExhausted, "there are as many seal slots as a store may have")
        .WithLimit(kMaxSealSlots);
  }
  if (label.size() > kMaxSlotLabel || !IsUtf8(label)) {
    return Error(ErrorCode::kInvalidArgument, "must be UTF-8, and no longer than allowed")
        .At("label")
        .WithLimit(kMaxSlotLabel);
  }
  return CheckNewSeal(seal, options_.tools);
}

Result<MadeSlot> Barrier::AddSlot(const NewSeal& seal, const std::string& label) {
  const Lock changing(change_mutex_);
  COFFER_ASSIGN_OR_RETURN(const std::shared_ptr<Unsealed> unsealed, Enter());
  COFFER_TRY(CheckAddSlot(seal, label));
  COFFER_ASSIGN_OR_RETURN(MadeSlot made,
                          MakeSlot(seal, options_.tools, unsealed->uuid, unsealed->root, clock_.UnixMicros()));
  if (!label.empty()) made.record.label = label;
  COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, unsealed->store->Begin());
  COFFER_TRY(mutation.Insert(Table::kSealSlot, ToRow(made.record)));
  COFFER_TRY(mutation.Commit());
  return made;
}

Status Barrier::RemoveSlot(KeyId slot, bool accept_total_loss) {
  const Lock changing(change_mutex_);
  COFFER_ASSIGN_OR_RETURN(const std::shared_ptr<Unsealed> unsealed, Enter());
  COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, unsealed->store->Begin());
  // The rows whose MACs hold, not what stands in the file.
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows, mutation.Scan({.table = Table::kSealSlot}));
  COFFER_ASSIGN_OR_RETURN(const std::vector<SealSlotRecord> slots, SealSlotsFrom(rows));
  COFFER_TRY(RemovableSlot(slots, slot, accept_total_loss));
  COFFER_TRY(mutation.Erase(Table::kSealSlot, {KeyIdDatum(slot)}));
  COFFER_TRY(mutation.Commit());
  return unsealed->store->PurgeErased();
}

Status Barrier::CheckRekey(Unsealed& unsealed, const std::vector<NewSeal>& seals) const {
  if (seals.empty()) return Error(ErrorCode::kInvalidArgument, "names no seal slot for the new root key").At("seals");
  for (const NewSeal& seal : seals) COFFER_TRY(CheckNewSeal(seal, options_.tools));
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows, unsealed.store->Scan({.table = Table::kSealSlot}));
  COFFER_ASSIGN_OR_RETURN(const std::vector<SealSlotRecord> slots, SealSlotsFrom(rows));
  return CheckWaysIn(seals, slots);
}

Result<std::vector<Share>> Barrier::Rekey(const std::vector<NewSeal>& seals) {
  const Lock changing(change_mutex_);
  std::shared_ptr<Unsealed> unsealed;
  COFFER_ASSIGN_OR_RETURN(unsealed, Enter());
  COFFER_TRY(CheckRekey(*unsealed, seals));
  COFFER_ASSIGN_OR_RETURN(const Header before, PresentHeader());
  const RootKey old{.id = unsealed->root.id, .bytes = unsealed->root.bytes.Clone()};
  shares_.clear();
  // Nobody may commit between the picture that is taken and the one that is put in its place.
  const std::weak_ptr<Unsealed> still_held = unsealed;
  unsealed.reset();
  Become(BarrierState::kSealed, nullptr);
  const Status alone = WaitUntilReleased();
  if (!alone.ok()) {
    unsealed = still_held.lock();
    if (unsealed != nullptr) Become(BarrierState::kUnsealed, std::move(unsealed));
    return alone.error();
  }
  bool replaced = false;
  Result<std::vector<Share>> shares = ReplaceRoot(before, old, seals, replaced);
  if (shares.ok() || replaced) return shares;
  // As it was.
  COFFER_TRY(OpenWith(before, RootKey{.id = old.id, .bytes = old.bytes.Clone()}));
  return shares;
}

Result<std::vector<Share>> Barrier::ReplaceRoot(const Header& before, const RootKey& old,
                                                const std::vector<NewSeal>& seals, bool& replaced) {
  const StoreUuid uuid = before.record.uuid;
  const std::int64_t now = clock_.UnixMicros();
  AuthenticatedStore store(store_, uuid, DeriveIntegrityKeys(old.bytes, uuid), FloorOf(uuid));
  COFFER_TRY(store.VerifyAll());
  COFFER_ASSIGN_OR_RETURN(const StoreImage image, store.Snapshot());
  // Of verified rows: whoever can write the file could name himself as a recipient.
  COFFER_ASSIGN_OR_RETURN(const Header verified, HeaderOf(image));
  COFFER_TRY(CheckWaysIn(seals, verified.slots));
  RootKey root{.id = KeyId::Generate(), .bytes = RandomSecret(kKeySize)};

  Header after{.record = verified.record, .slots = {}};
  after.record.root_key = root.id;
  std::vector<const NewSeal*> wanted;
  for (const NewSeal& seal : seals) wanted.push_back(&seal);
  const NewSeal recovery = NewRecovery{.recipients = RecoveryRecipients(verified.slots)};
  if (!std::get<NewRecovery>(recovery).recipients.empty()) wanted.push_back(&recovery);
  std::vector<Share> shares;
  for (const NewSeal* const seal : wanted) {
    COFFER_ASSIGN_OR_RETURN(MadeSlot made, MakeSlot(*seal, options_.tools, uuid, root, now));
    after.slots.push_back(std::move(made.record));
    for (Share& share : made.shares) shares.push_back(std::move(share));
  }

  std::vector<std::pair<Table, Row>> rows;
  rows.emplace_back(Table::kStore, ToRow(after.record));
  for (const SealSlotRecord& slot : after.slots) rows.emplace_back(Table::kSealSlot, ToRow(slot));
  for (const StoredRow& row : image.RowsOf(Table::kKek)) {
    COFFER_ASSIGN_OR_RETURN(const Kek kek, KekFromRow(row.columns));
    COFFER_ASSIGN_OR_RETURN(const Kek rewrapped, Rewrapped(kek, uuid, old, root));
    rows.emplace_back(Table::kKek, ToRow(rewrapped));
  }
  for (const TableSpec& spec : Schema()) {
    if (spec.table == Table::kStore || spec.table == Table::kSealSlot || spec.table == Table::kKek) continue;
    for (StoredRow& row : image.RowsOf(spec.table)) rows.emplace_back(spec.table, std::move(row.columns));
  }
  const StoreEpoch epoch{image.head().epoch.value + 1};
  COFFER_ASSIGN_OR_RETURN(const StoreImage rekeyed,
                          StoreImage::Make(std::move(rows), epoch, uuid, DeriveIntegrityKeys(root.bytes, uuid)));
  // The journal's successor waits beside it: it is believed only if the store took the change.
  if (journal_ != nullptr) COFFER_TRY(journal_->Prepare(rekeyed.AsGroup()));
  const Status written = rekeyed.WriteTo(store_);
  if (!written.ok() && !IsIn(store_, rekeyed.head())) return written.error();
  replaced = true;
  // From here on the old root key opens nothing, so new shares are handed out whatever else fails: the journal and the
  // store's old bytes are seen to again when the store is opened and written the next time.
  if (journal_ != nullptr) static_cast<void>(journal_->Adopt());
  static_cast<void>(store_.PurgeErased());
  const Status opened = OpenWith(after, std::move(root));
  if (!opened.ok() && shares.empty()) return opened.error();
  return shares;
}

}  // namespace coffer::keysvc
