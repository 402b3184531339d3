#include "client/log_memory.h"

#include <algorithm>
#include <cstdlib>

#include "audit/proof.h"
#include "io/directory.h"
#include "io/file.h"

namespace coffer::client {
namespace {

constexpr std::size_t kMaxKept = audit::kMaxNoteSize + 2'048;

RpcError Refusal(const std::string& sentence) { return {ErrorCode::kIntegrity, sentence}; }

std::string Records(std::uint64_t size) { return std::to_string(size) + (size == 1 ? " record" : " records"); }

RpcResult<audit::Proof> AskForProof(Client& client, audit::Growth growth) {
  audit::Proof proof;
  if (growth.from == 0 || growth.from == growth.to) return proof;
  v1::ProveConsistencyRequest request;
  request.set_from_size(growth.from);
  request.set_to_size(growth.to);
  COFFER_ASSIGN_OR_RETURN(const auto answer, client.ProveConsistency(request));
  for (const std::string& hash : answer.hashes()) {
    audit::Proof::value_type& digest = proof.emplace_back();
    if (hash.size() != digest.size() || proof.size() > audit::kMaxProofHashes) {
      return Refusal("the audit log's proof is malformed");
    }
    std::copy_n(AsBytes(hash).begin(), digest.size(), digest.begin());
  }
  return proof;
}

// With the folders that it lies in; those that are there are left alone.
Status MakeFolders(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash != std::string::npos && slash != 0) {
    COFFER_ASSIGN_OR_RETURN(const bool there, Exists(path.substr(0, slash)));
    if (!there) COFFER_TRY(MakeFolders(path.substr(0, slash)));
  }
  return MakeDirectory(path, 0700);
}

}  // namespace

std::string KeptLog::ToText(const audit::NoteVerifier& key, const audit::SignedNote& note) {
  return key.ToText() + "\n" + note.ToText();
}

Result<KeptLog> KeptLog::Parse(std::string_view text) {
  const Error bad(ErrorCode::kIntegrity, "is not what was kept of an audit log; remove it to begin anew");
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return bad;
  const Result<audit::NoteVerifier> key = audit::NoteVerifier::Parse(text.substr(0, end));
  if (!key.ok() || key->type() != audit::NoteKeyType::kSignature) return bad;
  const auto opened = audit::OpenCheckpoint(text.substr(end + 1), audit::LogTrust::Of(*key));
  if (!opened.ok()) return bad;
  return KeptLog{*key, opened->checkpoint.head};
}

std::string LogMemory::FolderFromEnvironment() {
  const char* const ours = std::getenv("COFFER_STATE_DIR");
  if (ours != nullptr) return ours;
  const char* const state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && *state == '/') return std::string(state) + "/coffer";
  const char* const home = std::getenv("HOME");
  if (home != nullptr && *home == '/') return std::string(home) + "/.local/state/coffer";
  return {};
}

std::string LogMemory::PathOf(const std::string& origin) const {
  return folder_ + "/" + ToHex(Sha256({AsBytes(origin)})) + ".log";
}

RpcResult<LogMemory::Shown> LogMemory::Ask(Client& client) {
  COFFER_ASSIGN_OR_RETURN(const auto answer, client.GetCheckpoint(v1::GetCheckpointRequest()));
  const Result<audit::NoteVerifier> key = audit::NoteVerifier::Parse(answer.vkey());
  if (!key.ok() || key->type() != audit::NoteKeyType::kSignature) {
    return Refusal("the service names no key of its audit log");
  }
  Result<audit::SignedNote> note = audit::SignedNote::Parse(answer.note());
  const auto opened = note.ok() ? audit::OpenCheckpoint(*note, audit::LogTrust::Of(*key)) : note.error();
  if (!opened.ok()) return Refusal("the audit log's checkpoint is not signed by its key");
  return Shown{*key, std::move(note).value(), opened->checkpoint.head};
}

RpcResult<void> LogMemory::Compare(Client& client, const KeptLog& kept, const Shown& shown) {
  const std::string seen =
      "this client has seen " + Records(kept.head.size) + " of the service's audit log, which has ";
  const std::string here = Records(shown.head.size);
  if (kept.key != shown.key) {
    return Refusal(seen + here + " now, signed by another key: it is another log under the same name");
  }
  if (shown.head.size < kept.head.size) return Refusal(seen + here + " now: it was rolled back");
  COFFER_ASSIGN_OR_RETURN(const audit::Proof proof,
                          AskForProof(client, {.from = kept.head.size, .to = shown.head.size}));
  if (audit::VerifyConsistency(kept.head, shown.head, proof).ok()) return {};
  return Refusal(seen + here + " now that do not continue them: it was rewritten");
}

Status LogMemory::Keep(const Shown& shown) const {
  COFFER_TRY(MakeFolders(folder_));
  return WriteFileDurably(PathOf(shown.key.name()), AsBytes(KeptLog::ToText(shown.key, shown.note)), 0600);
}

RpcResult<void> LogMemory::Check(Client& client) const {
  RpcResult<Shown> shown = Ask(client);
  if (!shown.ok() && shown.error().code == ErrorCode::kPermissionDenied) return {};
  if (!shown.ok()) return std::move(shown).error();
  const std::string path = PathOf(shown->key.name());
  const Result<Bytes> file = ReadFile(path, kMaxKept);
  if (!file.ok() && file.error().code() == ErrorCode::kNotFound) return Keep(*shown);
  if (!file.ok()) return RpcError(file.error());
  const Result<KeptLog> kept = KeptLog::Parse(AsText(*file));
  if (!kept.ok()) return RpcError(Error(kept.error()).At(path));
  // What another process has kept since may be newer than this answer; the next one is not older than what is kept.
  if (shown->head.size < kept->head.size) {
    shown = Ask(client);
    if (!shown.ok()) return std::move(shown).error();
  }
  COFFER_TRY(Compare(client, *kept, *shown));
  if (shown->head.size > kept->head.size) return Keep(*shown);
  return {};
}

}  // namespace coffer::client
