#include "keysvc/service/operator_service.h"

#include "crypto/age_file.h"
#include "crypto/random.h"
#include "io/file.h"

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

Result<NewRecovery> OperatorService::Proven(const RecoveryProof& proof) const {
  const Lock lock(mutex_);
  const std::optional<Challenge> challenge = std::exchange(challenge_, std::nullopt);
  const bool proven =
      challenge && clock_.MonotonicMicros() - challenge->since_us <= kChallengeUs &&
      challenge->recipients == proof.recipients &&
      EqualConstantTime(challenge->answer.Expose(SecretAccess::kCipher), proof.answer.Expose(SecretAccess::kCipher));
  if (!proven) return Unproven();
  return NewRecovery{.recipients = proof.recipients};
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

Result<MadeSlot> OperatorService::AddSlot(const Caller& caller, const WantedSeal& seal, const std::string& label,
                                          const std::string& alone_reason) const {
  const auto act = [&](Barrier& barrier, CallRecord& record) -> Result<MadeSlot> {
    COFFER_TRY(CheckLocal(caller));
    COFFER_TRY(barrier.Enter());
    COFFER_TRY(Pipeline::CheckAlone(caller, alone_reason, record));
    COFFER_ASSIGN_OR_RETURN(const NewSeal wanted, SealOf(seal));
    return barrier.AddSlot(wanted, label);
  };
  return pipeline_.Control(caller, policy::Operation::kAddSealSlot, act, Subject::Alone(alone_reason));
}

Result<bool> OperatorService::RemoveSlot(const Caller& caller, KeyId slot, bool accept_total_loss,
                                         const std::string& alone_reason) const {
  const auto act = [&](Barrier& barrier, CallRecord& record) -> Result<bool> {
    COFFER_TRY(CheckLocal(caller));
    COFFER_TRY(barrier.Enter());
    COFFER_TRY(Pipeline::CheckAlone(caller, alone_reason, record));
    COFFER_TRY(barrier.RemoveSlot(slot, accept_total_loss));
    return true;
  };
  return pipeline_.Control(caller, policy::Operation::kRemoveSealSlot, act, Subject::Alone(alone_reason));
}

Result<std::vector<Share>> OperatorService::Rekey(const Caller& caller, const std::vector<NewSeal>& seals,
                                                  const std::string& alone_reason) const {
  const auto act = [&](Barrier& barrier, CallRecord& record) -> Result<std::vector<Share>> {
    COFFER_TRY(CheckLocal(caller));
    COFFER_TRY(barrier.Enter());
    COFFER_TRY(Pipeline::CheckAlone(caller, alone_reason, record));
    return barrier.Rekey(seals);
  };
  return pipeline_.Control(caller, policy::Operation::kRekey, act, Subject::Alone(alone_reason));
}

Result<OperatorService::BackupFacts> OperatorService::Backup(const Caller& caller, const std::string& path) const {
  const auto act = [&](Unsealed& unsealed, CallRecord&) -> Result<BackupFacts> {
    COFFER_TRY(CheckLocal(caller));
    if (path.empty() || path.front() != '/') {
      return Error(ErrorCode::kInvalidArgument, "must be an absolute path").At("path");
    }
    COFFER_ASSIGN_OR_RETURN(const StoreImage image, unsealed.store->Snapshot());
    std::vector<SealSlotRecord> slots;
    for (const StoredRow& row : image.RowsOf(Table::kSealSlot)) {
      COFFER_ASSIGN_OR_RETURN(SealSlotRecord slot, SealSlotFromRow(row.columns));
      slots.push_back(std::move(slot));
    }
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
    if (request.apply) COFFER_TRY(Pipeline::CheckAlone(caller, request.alone_reason, record));
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
  return pipeline_.Control(caller, policy::Operation::kRecoverStore, act, Subject::Alone(request.alone_reason));
}

Result<MergeFacts> OperatorService::Merge(const Caller& caller, const MergeRequest& request) const {
  const auto act = [&](Barrier& barrier, CallRecord& record) -> Result<MergeFacts> {
    COFFER_TRY(CheckLocal(caller));
    COFFER_TRY(barrier.Enter());
    if (!request.options.dry_run) COFFER_TRY(Pipeline::CheckAlone(caller, request.alone_reason, record));
    COFFER_TRY(CheckMergeOptions(request.options));
    Result<Bytes> backup = ReadBackup(request.backup_path, request.identity.identities);
    if (!backup.ok()) return std::move(backup).error().At("backup");
    COFFER_ASSIGN_OR_RETURN(MergeFacts facts,
                            barrier.Merge(request.identity, *backup, request.options, record.principal));
    record.object = facts.store.ToText();
    record.items = facts.data_keys + facts.secret_versions;
    return facts;
  };
  return pipeline_.Control(caller, policy::Operation::kMergeStore, act, Subject::Alone(request.alone_reason));
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
