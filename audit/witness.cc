#include "audit/witness.h"

#include <algorithm>

namespace coffer::audit {
namespace {

LogTrust TrustOf(const WitnessedLog& log) {
  return {.origin = log.origin, .log_keys = log.keys, .witnesses = {}, .quorum = 0};
}

WitnessAnswer Refuse(int status, std::string_view sentence) {
  WitnessAnswer answer;
  answer.status = status;
  answer.body = std::string(sentence) + "\n";
  return answer;
}

WitnessAnswer Conflict(std::uint64_t kept_size) {
  WitnessAnswer answer;
  answer.status = 409;
  answer.content_type = kTlogSizeType;
  answer.body = std::to_string(kept_size) + "\n";
  return answer;
}

Status CheckLog(const WitnessedLog& log, const std::vector<WitnessedLog>& logs) {
  const bool keys_sign = std::all_of(log.keys.begin(), log.keys.end(),
                                     [](const NoteVerifier& key) { return key.type() == NoteKeyType::kSignature; });
  if (log.origin.empty() || log.keys.empty() || !keys_sign) {
    return Error(ErrorCode::kInvalidArgument, "a witnessed log needs an origin and keys that sign");
  }
  const auto same = [&log](const WitnessedLog& other) { return other.origin == log.origin; };
  if (std::count_if(logs.begin(), logs.end(), same) > 1) {
    return Error(ErrorCode::kInvalidArgument, "one origin is named as two logs");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Witness>> Witness::Create(NoteCosigner cosigner, std::vector<WitnessedLog> logs,
                                                 WitnessStore& store, const Clock& clock) {
  if (logs.empty()) return Error(ErrorCode::kInvalidArgument, "a witness needs a log to witness");
  for (const WitnessedLog& log : logs) COFFER_TRY(CheckLog(log, logs));
  auto witness = std::make_unique<Witness>(Key(), std::move(cosigner), std::move(logs), store, clock);
  const Lock held(witness->mutex_);
  for (const WitnessedLog& log : witness->logs_) COFFER_TRY(witness->Kept(log));
  return witness;
}

const WitnessedLog* Witness::Find(const std::string& origin) const {
  const auto found =
      std::find_if(logs_.begin(), logs_.end(), [&origin](const WitnessedLog& log) { return log.origin == origin; });
  return found == logs_.end() ? nullptr : &*found;
}

Result<TreeHead> Witness::Kept(const WitnessedLog& log) const {
  COFFER_ASSIGN_OR_RETURN(const std::optional<std::string> note, store_.Load(log.origin));
  if (!note) return TreeHead{};
  const Result<OpenedCheckpoint> opened = OpenCheckpoint(*note, TrustOf(log));
  if (!opened.ok()) return Error(ErrorCode::kIntegrity, "what this witness has kept of a log is not signed by it");
  return opened->checkpoint.head;
}

WitnessAnswer Witness::AddCheckpoint(std::string_view body) {
  const Result<WitnessRequest> request = WitnessRequest::Parse(body);
  if (!request.ok()) return Refuse(400, request.error().ToString());
  const WitnessedLog* const log = Find(request->checkpoint.origin);
  if (log == nullptr) return Refuse(404, "this log is not witnessed here");
  WitnessAnswer answer;
  if (!OpenCheckpoint(request->note, TrustOf(*log)).ok()) {
    answer = Refuse(403, "the log did not sign this checkpoint");
  } else {
    const Lock held(mutex_);
    answer = Judge(*log, *request);
  }
  answer.origin = log->origin;
  answer.size = request->checkpoint.head.size;
  return answer;
}

WitnessAnswer Witness::Judge(const WitnessedLog& log, const WitnessRequest& request) {
  const TreeHead& head = request.checkpoint.head;
  if (request.old_size > head.size) return Refuse(400, "the old size is larger than the checkpoint's");
  const Result<TreeHead> kept = Kept(log);
  if (!kept.ok()) return Refuse(500, "what was kept of this log cannot be read");
  if (kept->size == head.size && kept->root != head.root) {
    // Two checkpoints of one size, both signed by the log: kept for people whatever the old size said.
    const Status ignored = store_.KeepFork(log.origin, request.note.ToText());
    static_cast<void>(ignored);
    return Conflict(kept->size);
  }
  if (kept->size != request.old_size) return Conflict(kept->size);
  if (!VerifyConsistency(*kept, head, request.proof).ok()) {
    return Refuse(422, "the proof does not show that the log only grew");
  }
  return Cosign(log, request);
}

WitnessAnswer Witness::Cosign(const WitnessedLog& log, const WitnessRequest& request) {
  // Only the log's own signatures: a kept note is as long as the log makes it, not as a caller does.
  SignedNote kept{.text = request.note.text, .signatures = {}};
  for (const NoteSignature& signature : request.note.signatures) {
    const bool ours = std::any_of(log.keys.begin(), log.keys.end(),
                                  [&signature](const NoteVerifier& key) { return key.Claims(signature); });
    if (ours) kept.signatures.push_back(signature);
  }
  const auto now_s = static_cast<std::uint64_t>(std::max<std::int64_t>(clock_.UnixMicros(), 0) / kMicrosPerSecond);
  const Result<NoteSignature> cosignature = cosigner_.Cosign(request.note.text, now_s);
  if (!cosignature.ok()) return Refuse(500, "the checkpoint cannot be cosigned");
  // Kept before anybody has the cosignature: after a crash nothing smaller is cosigned.
  if (!store_.Save(log.origin, kept.ToText()).ok()) return Refuse(500, "the checkpoint could not be kept");
  WitnessAnswer answer;
  answer.status = 200;
  answer.body = cosignature->ToLine();
  return answer;
}

}  // namespace coffer::audit
