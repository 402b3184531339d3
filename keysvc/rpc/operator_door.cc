// The part of AdminDoor for operators: init, slots, root key, backups, recovery, merge.
#include "keysvc/rpc/admin_door.h"
#include "keysvc/rpc/seal_messages.h"

namespace coffer::keysvc {
namespace {

std::string_view SourceNameOf(const Barrier::Recovery& recovery, bool from_store) {
  if (recovery.from_journal) return "journal";
  return from_store ? "store" : "backup";
}

JournalFit FitByEpochs(const Barrier::Recovery& recovery) {
  if (recovery.store_epoch.value < recovery.source_epoch.value) return JournalFit::kStoreOlder;
  if (recovery.store_epoch.value > recovery.source_epoch.value) return JournalFit::kStoreNewer;
  const StoreImage::Difference& difference = recovery.difference;
  const bool same = difference.rows_added == 0 && difference.rows_changed == 0 && difference.rows_gone == 0;
  return same ? JournalFit::kInStep : JournalFit::kForked;
}

std::string_view FindingOf(const Barrier::Recovery& recovery) {
  if (!recovery.store_existed) return "there is no store here";
  JournalFit fit = recovery.other_log ? JournalFit::kOtherLog : recovery.fit;
  // Nobody has tried to unseal it since the start.
  if (fit == JournalFit::kInStep && recovery.from_journal) fit = FitByEpochs(recovery);
  if (fit == JournalFit::kInStep && !recovery.from_journal) {
    return "whether the store and its key journal fit is not known: nobody has unsealed it yet";
  }
  // What to do next is for whoever asks.
  const std::string_view sentence = SentenceOf(fit).view();
  return sentence.substr(0, sentence.find(": 'coffer operator recover'"));
}

Result<SharesSeal> SharesOf(const v1::RecoverRequest& message) {
  if (message.shares_size() > kMaxShares) {
    return Error(ErrorCode::kInvalidArgument, "has more shares than a set may have").At("shares").WithLimit(kMaxShares);
  }
  SharesSeal seal;
  for (const std::string& text : message.shares()) {
    Result<Share> share = Share::Parse(SecretBytes::CopyOf(AsBytes(text)));
    if (!share.ok()) return std::move(share).error().At("shares");
    seal.shares.push_back(std::move(share).value());
  }
  return seal;
}

Result<OperatorService::RecoverRequest> RecoverRequestOf(const v1::RecoverRequest& message) {
  OperatorService::RecoverRequest request;
  COFFER_ASSIGN_OR_RETURN(std::optional<SealSource> source, SourceOf(message.seal()));
  if (!source && !message.shares().empty()) {
    COFFER_ASSIGN_OR_RETURN(SharesSeal shares, SharesOf(message));
    source = std::move(shares);
  }
  if (!source) return Error(ErrorCode::kInvalidArgument, "says nothing that opens a seal slot").At("seal");
  const bool by_identity = message.seal().seal_case() == v1::UnsealRequest::kRecoveryIdentity;
  const std::string& file = message.recovery_identity().empty() && by_identity ? message.seal().recovery_identity()
                                                                               : message.recovery_identity();
  if (!file.empty()) {
    COFFER_ASSIGN_OR_RETURN(request.identities, IdentitiesOf(file));
  }
  request.source = std::move(*source);
  request.backup_path = message.backup_path();
  request.new_journal = message.new_journal();
  request.go_back = message.go_back();
  request.apply = message.apply();
  request.reason = message.reason();
  return request;
}

Result<OperatorService::MergeRequest> MergeRequestOf(const v1::MergeStoreRequest& message) {
  OperatorService::MergeRequest request;
  if (message.recovery_identity().empty()) {
    return Error(ErrorCode::kInvalidArgument, "must be the identity that decrypts the backup").At("recovery_identity");
  }
  COFFER_ASSIGN_OR_RETURN(request.identity.identities, IdentitiesOf(message.recovery_identity()));
  request.backup_path = message.backup_path();
  for (const v1::TenantRename& rename : message.rename_tenants()) {
    request.options.renames.emplace_back(rename.name(), rename.name_here());
  }
  request.options.secrets_under = message.secrets_under();
  request.options.take_fields = message.take_fields();
  request.options.dry_run = message.dry_run();
  return request;
}

void FillMerge(const MergeFacts& facts, v1::MergeStoreResponse& message) {
  message.set_store_uuid(facts.store.ToText());
  message.set_store_epoch(facts.epoch.value);
  message.set_tenants(facts.tenants);
  message.set_keyrings(facts.keyrings);
  message.set_versions(facts.versions);
  message.set_data_keys(facts.data_keys);
  message.set_scopes(facts.scopes);
  message.set_fields(facts.fields);
  message.set_index_versions(facts.index_versions);
  message.set_secrets(facts.secrets);
  message.set_secret_versions(facts.secret_versions);
  message.set_ended(facts.ended);
  message.set_left_out(facts.left_out);
  for (const policy::IndexMove& move : facts.moves) {
    v1::IndexMove* added = message.add_index_moves();
    added->set_index(move.index);
    added->set_version(move.there);
    added->set_version_here(move.here);
  }
  message.set_merged(facts.merged);
  message.set_store_epoch_here(facts.epoch_here.value);
}

}  // namespace

grpc::ServerUnaryReactor* AdminDoor::Init(grpc::CallbackServerContext* context, const v1::InitRequest* request,
                                          v1::InitResponse* response) {
  const auto act = [this, request](const Caller& caller) -> Result<Barrier::Initialised> {
    const Result<NewSeal> seal = SealOf(request->seal());
    if (!seal.ok()) return operators_.Reject(caller, policy::Operation::kInitStore, seal.error());
    std::optional<RecoveryProof> recovery;
    if (request->has_recovery()) {
      Result<RecoveryProof> proof = ProofOf(request->recovery());
      if (!proof.ok()) return operators_.Reject(caller, policy::Operation::kInitStore, proof.error());
      recovery = std::move(proof).value();
    }
    return operators_.Init(caller, *seal, recovery, request->accept_total_loss());
  };
  return AnswerWith(
      context, context_, *request, response, act,
      [](const Barrier::Initialised& made, v1::InitResponse& message) {
        message.set_store_uuid(made.store.ToText());
        FillShares(made.shares, message);
      },
      RunOn::kOperator);
}

grpc::ServerUnaryReactor* AdminDoor::StartRecovery(grpc::CallbackServerContext* context,
                                                   const v1::StartRecoveryRequest* request,
                                                   v1::StartRecoveryResponse* response) {
  const auto act = [this, request](const Caller& caller) -> Result<Bytes> {
    const Result<std::vector<AgeRecipient>> recipients = RecipientsOf(request->recipients());
    if (!recipients.ok()) return operators_.Reject(caller, policy::Operation::kStartRecovery, recipients.error());
    return operators_.StartRecovery(caller, *recipients);
  };
  return AnswerWith(
      context, context_, *request, response, act,
      [](const Bytes& challenge, v1::StartRecoveryResponse& message) {
        message.set_challenge(std::string(AsText(ByteView(challenge))));
      },
      RunOn::kOperator);
}

grpc::ServerUnaryReactor* AdminDoor::ListSealSlots(grpc::CallbackServerContext* context,
                                                   const v1::ListSealSlotsRequest* request,
                                                   v1::ListSealSlotsResponse* response) {
  const auto act = [this](const Caller& caller) { return operators_.ListSlots(caller); };
  return AnswerWith(
      context, context_, *request, response, act,
      [](const std::vector<SealSlotRecord>& slots, v1::ListSealSlotsResponse& message) {
        for (const SealSlotRecord& slot : slots) FillSlot(slot, *message.add_slots());
      },
      RunOn::kOperator);
}

grpc::ServerUnaryReactor* AdminDoor::AddSealSlot(grpc::CallbackServerContext* context,
                                                 const v1::AddSealSlotRequest* request,
                                                 v1::AddSealSlotResponse* response) {
  const auto act = [this, request](const Caller& caller) -> Result<MadeSlot> {
    const Result<WantedSeal> seal = WantedSealOf(request->seal());
    if (!seal.ok()) return operators_.Reject(caller, policy::Operation::kAddSealSlot, seal.error());
    return operators_.AddSlot(caller, *seal, request->label());
  };
  return AnswerWith(
      context, context_, *request, response, act,
      [](const MadeSlot& made, v1::AddSealSlotResponse& message) {
        message.set_id(made.record.slot.value);
        FillShares(made.shares, message);
      },
      RunOn::kOperator);
}

grpc::ServerUnaryReactor* AdminDoor::RemoveSealSlot(grpc::CallbackServerContext* context,
                                                    const v1::RemoveSealSlotRequest* request,
                                                    v1::RemoveSealSlotResponse* response) {
  const auto act = [this, request](const Caller& caller) {
    return operators_.RemoveSlot(caller, KeyId{request->id()}, request->accept_total_loss());
  };
  return AnswerWith(
      context, context_, *request, response, act, [](bool, v1::RemoveSealSlotResponse&) {}, RunOn::kOperator);
}

grpc::ServerUnaryReactor* AdminDoor::Rekey(grpc::CallbackServerContext* context, const v1::RekeyRequest* request,
                                           v1::RekeyResponse* response) {
  const auto act = [this, request](const Caller& caller) -> Result<std::vector<Share>> {
    std::vector<NewSeal> seals;
    if (request->seals().empty() || static_cast<std::size_t>(request->seals_size()) > kMaxRekeySeals) {
      return operators_.Reject(caller, policy::Operation::kRekey,
                               Error(ErrorCode::kInvalidArgument, "must be one or more, and no more than allowed")
                                   .At("seals")
                                   .WithLimit(kMaxRekeySeals));
    }
    for (int i = 0; i < request->seals_size(); ++i) {
      Result<NewSeal> seal = SealOf(request->seals(i));
      if (!seal.ok()) {
        return operators_.Reject(caller, policy::Operation::kRekey,
                                 std::move(seal).error().At("seals[" + std::to_string(i) + "]"));
      }
      seals.push_back(std::move(seal).value());
    }
    return operators_.Rekey(caller, seals);
  };
  return AnswerWith(
      context, context_, *request, response, act,
      [](const std::vector<Share>& shares, v1::RekeyResponse& message) { FillShares(shares, message); },
      RunOn::kOperator);
}

grpc::ServerUnaryReactor* AdminDoor::Backup(grpc::CallbackServerContext* context, const v1::BackupRequest* request,
                                            v1::BackupResponse* response) {
  const auto act = [this, request](const Caller& caller) { return operators_.Backup(caller, request->path()); };
  return AnswerWith(
      context, context_, *request, response, act,
      [](const OperatorService::BackupFacts& facts, v1::BackupResponse& message) {
        message.set_bytes(facts.bytes);
        message.set_rows(facts.rows);
        message.set_store_epoch(facts.epoch.value);
        for (const AgeRecipient& recipient : facts.recipients) message.add_recipients(recipient.ToText());
      },
      RunOn::kPool);
}

grpc::ServerUnaryReactor* AdminDoor::Recover(grpc::CallbackServerContext* context, const v1::RecoverRequest* request,
                                             v1::RecoverResponse* response) {
  const bool from_store = request->new_journal();
  const auto act = [this, request](const Caller& caller) -> Result<Barrier::Recovery> {
    const Result<OperatorService::RecoverRequest> read = RecoverRequestOf(*request);
    if (!read.ok()) return operators_.Reject(caller, policy::Operation::kRecoverStore, read.error());
    return operators_.Recover(caller, *read);
  };
  return AnswerWith(
      context, context_, *request, response, act,
      [from_store](const Barrier::Recovery& recovery, v1::RecoverResponse& message) {
        message.set_finding(std::string(FindingOf(recovery)));
        message.set_store_epoch(recovery.store_epoch.value);
        message.set_source_epoch(recovery.source_epoch.value);
        message.set_source(std::string(SourceNameOf(recovery, from_store)));
        message.set_rows_missing(recovery.difference.rows_added);
        message.set_rows_changed(recovery.difference.rows_changed);
        message.set_rows_extra(recovery.difference.rows_gone);
        message.set_recovered(recovery.repaired);
        message.set_loses(recovery.loses);
        message.set_journal_damaged_bytes(recovery.journal_damaged);
        message.set_journal_kept_as(recovery.journal_kept_as);
      },
      RunOn::kOperator);
}

grpc::ServerUnaryReactor* AdminDoor::MergeStore(grpc::CallbackServerContext* context,
                                                const v1::MergeStoreRequest* request,
                                                v1::MergeStoreResponse* response) {
  const auto act = [this, request](const Caller& caller) -> Result<MergeFacts> {
    const Result<OperatorService::MergeRequest> read = MergeRequestOf(*request);
    if (!read.ok()) return operators_.Reject(caller, policy::Operation::kMergeStore, read.error());
    return operators_.Merge(caller, *read);
  };
  return AnswerWith(context, context_, *request, response, act, FillMerge, RunOn::kOperator);
}

grpc::ServerUnaryReactor* AdminDoor::CheckStore(grpc::CallbackServerContext* context,
                                                const v1::CheckStoreRequest* request,
                                                v1::CheckStoreResponse* response) {
  const auto act = [this](const Caller& caller) { return operators_.Check(caller); };
  return AnswerWith(
      context, context_, *request, response, act,
      [](const OperatorService::CheckFacts& facts, v1::CheckStoreResponse& message) {
        message.set_rows(facts.rows);
        message.set_store_epoch(facts.epoch.value);
        message.set_journal_bytes(facts.journal_bytes);
        message.set_journal_complete(facts.journal_complete);
      },
      RunOn::kPool);
}

}  // namespace coffer::keysvc
