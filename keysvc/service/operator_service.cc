#include "keysvc/service/operator_service.h"

#include "crypto/age_file.h"
#include "crypto/random.h"
#include "crypto/secret_equality.h"
#include "io/file.h"
#include "keysvc/service/authorisation.h"
#include "policy/declaration.h"

namespace coffer::keysvc {
namespace {

constexpr std::size_t kAnswerSize = 32;
constexpr std::uint64_t kMaxBackupBytes = std::uint64_t{8} << 30;
constexpr mode_t kBackupMode = 0600;

Status CheckLocal(const Caller& caller) {
  if (caller.local) return {};
  return Error(ErrorCode::kPermissionDenied, "is served on the admin's unix socket only");
}

Error Unproven() {
  return Error(ErrorCode::kPermissionDenied,
               "the recovery recipients were not proven: open the challenge made for them with their identity")
      .At("recovery.proof");
}

// Reads and decrypts a backup whole.
Result<Bytes> ReadBackup(const std::string& path, const std::vector<AgeIdentity>& identities) {
  if (path.empty() || path.front() != '/') return Error(ErrorCode::kInvalidArgument, "must be an absolute path");
  if (identities.empty()) return Error(ErrorCode::kInvalidArgument, "needs the recovery identity that decrypts it");
  COFFER_ASSIGN_OR_RETURN(const Bytes file, ReadFile(path, kMaxBackupBytes));
  COFFER_ASSIGN_OR_RETURN(AgeDecryptor decryptor, AgeDecryptor::Create(identities));
  Bytes content;
  const AgeSink keep = [&content](ByteView piece) -> Status {
    content.insert(content.end(), piece.begin(), piece.end());
    return {};
  };
  COFFER_TRY(decryptor.Write(file, keep));
  COFFER_TRY(decryptor.Finish(keep));
  return content;
}

void AddRecipients(const std::vector<AgeRecipient>& recipients, policy::ActFacts& facts) {
  for (const AgeRecipient& recipient : recipients) facts.Add("recipient", recipient.ToText());
}

// What a slot will be opened by; no secret of it.
void AddSeal(const NewSeal& seal, policy::ActFacts& facts) {
  if (const auto* file = std::get_if<KeyFileSeal>(&seal)) {
    facts.Add("seal", "key-file").Add("path", file->path);
    facts.Add("same-device", file->allow_same_device ? "allowed" : "refused");
  } else if (std::holds_alternative<PassphraseSeal>(seal)) {
    facts.Add("seal", "passphrase");
  } else if (const auto* shares = std::get_if<NewShares>(&seal)) {
    facts.Add("seal", "shares").Add("threshold", shares->plan.threshold).Add("shares", shares->plan.count);
  } else if (const auto* recovery = std::get_if<NewRecovery>(&seal)) {
    facts.Add("seal", "recovery");
    AddRecipients(recovery->recipients, facts);
  } else {
    facts.Add("seal", std::holds_alternative<Pkcs11Seal>(seal) ? "pkcs11" : "command");
  }
}

policy::ActFacts FactsOfSlot(const WantedSeal& seal, const std::string& label) {
  policy::ActFacts facts;
  if (const auto* proof = std::get_if<RecoveryProof>(&seal)) {
    facts.Add("seal", "recovery");
    AddRecipients(proof->recipients, facts);
  } else {
    AddSeal(std::get<NewSeal>(seal), facts);
  }
  if (!label.empty()) facts.Add("label", label);
  return facts;
}

// What cannot be done is not asked of others: so with all that follow.
Result<policy::ActFacts> FactsOfPresentSlot(Unsealed& unsealed, KeyId slot, bool accept_total_loss) {
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows, unsealed.store->Scan({.table = Table::kSealSlot}));
  COFFER_ASSIGN_OR_RETURN(const std::vector<SealSlotRecord> slots, SealSlotsFrom(rows));
  COFFER_ASSIGN_OR_RETURN(const SealSlotRecord present, RemovableSlot(slots, slot, accept_total_loss));
  policy::ActFacts facts;
  facts.Add("slot", slot.value).Add("seal", SlotKindName(KindOf(present.params)));
  if (!present.label.empty()) facts.Add("label", present.label);
  facts.Add("total-loss", accept_total_loss ? "accepted" : "refused");
  return facts;
}

policy::ActFacts FactsOfRekey(const std::vector<NewSeal>& seals) {
  policy::ActFacts facts;
  for (const NewSeal& seal : seals) AddSeal(seal, facts);
  return facts;
}

policy::ActFacts FactsOfMerge(const OperatorService::MergeRequest& request, const Bytes& backup) {
  policy::ActFacts facts;
  facts.Add("backup", request.backup_path).Add("content", "sha256:" + ToHex(Sha256({backup})));
  for (const auto& [there, here] : request.options.renames) facts.Add("rename-tenant", there + " to " + here);
  if (!request.options.secrets_under.empty()) facts.Add("secrets-under", request.options.secrets_under);
  facts.Add("fields", request.options.take_fields ? "taken over" : "left out");
  return facts;
}

// Authorises on an open barrier, and lets go of the keys: who replaces the root key waits for all that hold them. What
// cannot be done is not asked of others: whoever makes the facts looks whether it could.
Status AuthoriseOn(const Barrier& barrier, CallRecord& record,
                   const std::function<Result<policy::ActFacts>(Unsealed&)>& facts_of) {
  COFFER_ASSIGN_OR_RETURN(const std::shared_ptr<Unsealed> unsealed, barrier.Enter());
  COFFER_TRY(AuthoriseApproved(*unsealed, record, record.operation, {}, [&] { return facts_of(*unsealed); }));
  return {};
}

// Who opens a slot of what is recovered has the authority; the log is told why.
Status CheckReason(const std::string& reason, CallRecord& record) {
  if (!policy::IsReason(reason)) {
    return Error(ErrorCode::kInvalidArgument,
                 "must say in 1 to 200 characters that all show why the store is recovered")
        .At("reason")
        .WithLimit(policy::kMaxReason);
  }
  record.reason = reason;
  return {};
}

}  // namespace

Result<Bytes> OperatorService::StartRecovery(const Caller& caller, const std::vector<AgeRecipient>& recipients) const {
  const auto act = [&](Barrier&, CallRecord&) -> Result<Bytes> {
    COFFER_TRY(CheckLocal(caller));
    Challenge challenge{
        .recipients = recipients, .answer = RandomSecret(kAnswerSize), .since_us = clock_.MonotonicMicros()};
    Result<Bytes> file = AgeEncrypt(recipients, challenge.answer);
    if (!file.ok()) return std::move(file).error().At("recipients");
    const Lock lock(mutex_);
    challenge_ = std::move(challenge);
    return file;
  };
  return pipeline_.Look(caller, policy::Operation::kStartRecovery, act);
}

bool OperatorService::IsProven(const RecoveryProof& proof) const {
  return challenge_ && clock_.MonotonicMicros() - challenge_->since_us <= kChallengeUs &&
         challenge_->recipients == proof.recipients && EqualConstantTime(challenge_->answer, proof.answer);
}

Status OperatorService::CheckProof(const RecoveryProof& proof) const {
  const Lock lock(mutex_);
  return IsProven(proof) ? Status() : Status(Unproven());
}

Result<NewRecovery> OperatorService::Proven(const RecoveryProof& proof) const {
  const Lock lock(mutex_);
  const bool proven = IsProven(proof);
  challenge_.reset();
  if (!proven) return Unproven();
  return NewRecovery{.recipients = proof.recipients};
}

// Whether AddSlot would do it now.
Status OperatorService::CheckSlot(Barrier& barrier, const WantedSeal& seal, const std::string& label) const {
  const auto* const proof = std::get_if<RecoveryProof>(&seal);
  if (proof == nullptr) return barrier.CheckAddSlot(std::get<NewSeal>(seal), label);
  COFFER_TRY(CheckProof(*proof));
  return barrier.CheckAddSlot(NewRecovery{.recipients = proof->recipients}, label);
}

Result<NewSeal> OperatorService::SealOf(const WantedSeal& seal) const {
  if (const auto* proof = std::get_if<RecoveryProof>(&seal)) {
    COFFER_ASSIGN_OR_RETURN(NewRecovery recovery, Proven(*proof));
    return NewSeal(std::move(recovery));
  }
  return CloneOf(std::get<NewSeal>(seal));
}

Result<Barrier::Initialised> OperatorService::Init(const Caller& caller, const NewSeal& seal,
                                                   const std::optional<RecoveryProof>& recovery,
                                                   bool accept_total_loss) const {
  const auto act = [&](Barrier& barrier, CallRecord&) -> Result<Barrier::Initialised> {
    COFFER_TRY(CheckLocal(caller));
    std::optional<NewRecovery> proven;
    if (recovery) {
      COFFER_ASSIGN_OR_RETURN(proven, Proven(*recovery));
    } else if (!accept_total_loss) {
      return Error(ErrorCode::kFailedPrecondition,
                   "without a recovery slot, whoever loses the key file or the passphrase loses every secret: name one "
                   "with --recovery-identity FILE, or say --accept-total-loss to go on")
          .At("accept_total_loss");
    }
    return barrier.Init(seal, proven);
  };
  return pipeline_.Control(caller, policy::Operation::kInitStore, act);
}

Result<std::vector<SealSlotRecord>> OperatorService::ListSlots(const Caller& caller) const {
  const auto act = [&](Barrier& barrier, CallRecord&) -> Result<std::vector<SealSlotRecord>> {
    COFFER_ASSIGN_OR_RETURN(Barrier::Facts facts, barrier.facts());
    return std::move(facts.seal_slots);
  };
  return pipeline_.Look(caller, policy::Operation::kListSealSlots, act);
}

Result<MadeSlot> OperatorService::AddSlot(const Caller& caller, const WantedSeal& seal,
                                          const std::string& label) const {
  const auto act = [&](Barrier& barrier, CallRecord& record) -> Result<MadeSlot> {
    COFFER_TRY(CheckLocal(caller));
    COFFER_TRY(AuthoriseOn(barrier, record, [&](Unsealed&) -> Result<policy::ActFacts> {
      COFFER_TRY(CheckSlot(barrier, seal, label));
      return FactsOfSlot(seal, label);
    }));
    COFFER_ASSIGN_OR_RETURN(const NewSeal wanted, SealOf(seal));
    return barrier.AddSlot(wanted, label);
  };
  return pipeline_.Control(caller, policy::Operation::kAddSealSlot, act);
}

Result<bool> OperatorService::RemoveSlot(const Caller& caller, KeyId slot, bool accept_total_loss) const {
  const auto act = [&](Barrier& barrier, CallRecord& record) -> Result<bool> {
    COFFER_TRY(CheckLocal(caller));
    COFFER_TRY(AuthoriseOn(barrier, record,
                           [&](Unsealed& unsealed) { return FactsOfPresentSlot(unsealed, slot, accept_total_loss); }));
    COFFER_TRY(barrier.RemoveSlot(slot, accept_total_loss));
    return true;
  };
  return pipeline_.Control(caller, policy::Operation::kRemoveSealSlot, act);
}

Result<std::vector<Share>> OperatorService::Rekey(const Caller& caller, const std::vector<NewSeal>& seals) const {
  const auto act = [&](Barrier& barrier, CallRecord& record) -> Result<std::vector<Share>> {
    COFFER_TRY(CheckLocal(caller));
    COFFER_TRY(AuthoriseOn(barrier, record, [&](Unsealed& unsealed) -> Result<policy::ActFacts> {
      COFFER_TRY(barrier.CheckRekey(unsealed, seals));
      return FactsOfRekey(seals);
    }));
    return barrier.Rekey(seals);
  };
  return pipeline_.Control(caller, policy::Operation::kRekey, act);
}

Result<OperatorService::BackupFacts> OperatorService::Backup(const Caller& caller, const std::string& path) const {
  const auto act = [&](Unsealed& unsealed, CallRecord&) -> Result<BackupFacts> {
    COFFER_TRY(CheckLocal(caller));
    if (path.empty() || path.front() != '/') {
      return Error(ErrorCode::kInvalidArgument, "must be an absolute path").At("path");
    }
    COFFER_ASSIGN_OR_RETURN(const StoreImage image, unsealed.store->Snapshot());
    COFFER_ASSIGN_OR_RETURN(const std::vector<SealSlotRecord> slots, SealSlotsFrom(image.RowsOf(Table::kSealSlot)));
    BackupFacts facts{
        .bytes = 0, .rows = image.row_count(), .epoch = image.head().epoch, .recipients = RecoveryRecipients(slots)};
    if (facts.recipients.empty()) {
      return Error(ErrorCode::kFailedPrecondition,
                   "there is no recovery slot, and a backup is encrypted to nobody else: add one first");
    }
    Bytes plain = EncodeJournalHeader({.store = unsealed.uuid, .base = image.head().epoch});
    COFFER_ASSIGN_OR_RETURN(const Bytes rows, EncodeGroup(image.AsGroup()));
    plain.insert(plain.end(), rows.begin(), rows.end());
    COFFER_ASSIGN_OR_RETURN(AgeEncryptor encryptor, AgeEncryptor::Create(facts.recipients));
    Bytes file;
    COFFER_TRY(encryptor.Write(plain, file));
    COFFER_TRY(encryptor.Finish(file));
    Status written = CreateFileDurably(path, file, kBackupMode);
    if (!written.ok()) return std::move(written).error().At("path");
    facts.bytes = file.size();
    return facts;
  };
  return pipeline_.Mutate(caller, policy::Operation::kBackupStore, act);
}

Result<Barrier::Recovery> OperatorService::Recover(const Caller& caller, const RecoverRequest& request) const {
  const auto act = [&](Barrier& barrier, CallRecord& record) -> Result<Barrier::Recovery> {
    COFFER_TRY(CheckLocal(caller));
    if (request.apply) COFFER_TRY(CheckReason(request.reason, record));
    Bytes backup;
    if (!request.backup_path.empty()) {
      Result<Bytes> read = ReadBackup(request.backup_path, request.identities);
      if (!read.ok()) return std::move(read).error().At("backup");
      backup = std::move(read).value();
    }
    COFFER_ASSIGN_OR_RETURN(Barrier::Recovery recovery,
                            barrier.Recover(request.source, {.backup = backup,
                                                             .new_journal = request.new_journal,
                                                             .go_back = request.go_back,
                                                             .apply = request.apply}));
    if (recovery.repaired && recovery.other_log) {
      record.failure = "the store was used with another audit log before; it goes on with this one";
    }
    return recovery;
  };
  return pipeline_.Control(caller, policy::Operation::kRecoverStore, act, Subject::Because(request.reason));
}

Result<MergeFacts> OperatorService::Merge(const Caller& caller, const MergeRequest& request) const {
  const auto act = [&](Barrier& barrier, CallRecord& record) -> Result<MergeFacts> {
    COFFER_TRY(CheckLocal(caller));
    COFFER_TRY(barrier.Enter());
    COFFER_TRY(CheckMergeOptions(request.options));
    COFFER_TRY(request.options.dry_run ? AuthoriseDryRun(record) : CheckAsked(record, record.operation, {}));
    Result<Bytes> backup = ReadBackup(request.backup_path, request.identity.identities);
    if (!backup.ok()) return std::move(backup).error().At("backup");
    if (!request.options.dry_run) {
      MergeOptions trial = request.options;
      trial.dry_run = true;
      COFFER_TRY(barrier.Merge(request.identity, *backup, trial, record.principal));
      COFFER_TRY(AuthoriseOn(barrier, record,
                             [&](Unsealed&) -> Result<policy::ActFacts> { return FactsOfMerge(request, *backup); }));
    }
    COFFER_ASSIGN_OR_RETURN(MergeFacts facts,
                            barrier.Merge(request.identity, *backup, request.options, record.principal));
    record.object = facts.store.ToText();
    record.items = facts.data_keys + facts.secret_versions;
    return facts;
  };
  return pipeline_.Control(caller, policy::Operation::kMergeStore, act);
}

Result<OperatorService::CheckFacts> OperatorService::Check(const Caller& caller) const {
  const auto act = [&](Unsealed& unsealed, CallRecord&) -> Result<CheckFacts> {
    COFFER_TRY(CheckLocal(caller));
    COFFER_ASSIGN_OR_RETURN(const StoreImage image, unsealed.store->Snapshot());
    CheckFacts facts{
        .rows = image.row_count(), .epoch = image.head().epoch, .journal_bytes = 0, .journal_complete = false};
    COFFER_ASSIGN_OR_RETURN(facts.journal_bytes, unsealed.store->CheckJournal());
    facts.journal_complete = facts.journal_bytes > 0;
    return facts;
  };
  return pipeline_.Read(caller, policy::Operation::kCheckStore, act);
}

}  // namespace coffer::keysvc
