#include "client/log_memory.h"

#include <algorithm>
#include <cstdlib>

#include "audit/proof.h"
#include "io/clock.h"
#include "io/directory.h"
#include "io/file.h"

namespace coffer::client {
namespace {

constexpr std::size_t kMaxKept = kMaxNoteSize + 2'048;
constexpr std::size_t kMaxPlaceFile = 4'096;

RpcError Refusal(const std::string& sentence) { return {ErrorCode::kIntegrity, sentence}; }

bool IsRefusal(const RpcError& error) { return error.code == ErrorCode::kIntegrity && !error.from_service; }

// Of a service whose log was seen before: it may be away, but it may not say anything else.
RpcError NotShown(const RpcError& error) {
  if (error.code == ErrorCode::kUnavailable || IsRefusal(error)) return error;
  return Refusal("the service does not show its audit log any more, of which this client has seen some: " +
                 error.message);
}

std::string WhenMeant(const std::string& path) { return "; when that was meant, remove " + path; }

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

std::string KeptLog::ToText(const NoteVerifier& key, const SignedNote& note) {
  return key.ToText() + "\n" + note.ToText();
}

Result<KeptLog> KeptLog::Parse(std::string_view text) {
  const Error bad(ErrorCode::kIntegrity, "is not what was kept of an audit log; remove it to begin anew");
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return bad;
  const Result<NoteVerifier> key = NoteVerifier::Parse(text.substr(0, end));
  if (!key.ok() || key->type() != NoteKeyType::kSignature) return bad;
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
  const Result<NoteVerifier> key = NoteVerifier::Parse(answer.vkey());
  if (!key.ok() || key->type() != NoteKeyType::kSignature) {
    return Refusal("the service names no key of its audit log");
  }
  Result<SignedNote> note = SignedNote::Parse(answer.note());
  const auto opened = note.ok() ? audit::OpenCheckpoint(*note, audit::LogTrust::Of(*key)) : note.error();
  if (!opened.ok()) return Refusal("the audit log's checkpoint is not signed by its key");
  return Shown{*key, std::move(note).value(), opened->checkpoint.head};
}

RpcResult<void> LogMemory::Compare(Client& client, const KeptLog& kept, const Shown& shown) const {
  const std::string seen =
      "this client has seen " + Records(kept.head.size) + " of the service's audit log, which has ";
  const std::string here = Records(shown.head.size);
  const std::string step = WhenMeant(PathOf(shown.key.name()));
  if (shown.head.size < kept.head.size) return Refusal(seen + here + " now: it was rolled back" + step);
  RpcResult<audit::Proof> proof = AskForProof(client, {.from = kept.head.size, .to = shown.head.size});
  if (!proof.ok()) return NotShown(proof.error());
  if (audit::VerifyConsistency(kept.head, shown.head, *proof).ok()) return {};
  return Refusal(seen + here + " now that do not continue them: it was rewritten" + step);
}

std::string LogMemory::PlacePath() const { return folder_ + "/" + ToHex(Sha256({AsBytes(place_)})) + ".server"; }

Result<std::optional<NoteVerifier>> LogMemory::ReadPlace() const {
  const std::string path = PlacePath();
  const Result<Bytes> file = ReadFile(path, kMaxPlaceFile);
  if (!file.ok() && file.error().code() == ErrorCode::kNotFound) return std::optional<NoteVerifier>();
  if (!file.ok()) return file.error();
  const Error bad = Error(ErrorCode::kIntegrity, "is not what was kept of a service; remove it to begin anew").At(path);
  std::string_view text = AsText(*file);
  const std::string first = place_ + "\n";
  if (!text.starts_with(first) || !text.ends_with('\n') || text.size() <= first.size()) return bad;
  text = text.substr(first.size(), text.size() - first.size() - 1);
  const Result<NoteVerifier> key = NoteVerifier::Parse(text);
  if (!key.ok() || key->type() != NoteKeyType::kSignature) return bad;
  return std::optional(*key);
}

Status LogMemory::Keep(const Shown& shown) const {
  COFFER_TRY(MakeFolders(folder_));
  return WriteFileDurably(PathOf(shown.key.name()), AsBytes(KeptLog::ToText(shown.key, shown.note)), 0600);
}

Status LogMemory::KeepPlace(const Shown& shown) const {
  return WriteFileDurably(PlacePath(), AsBytes(place_ + "\n" + shown.key.ToText() + "\n"), 0600);
}

RpcResult<void> LogMemory::CompareLog(Client& client, Shown shown) const {
  const std::string path = PathOf(shown.key.name());
  const Result<Bytes> file = ReadFile(path, kMaxKept);
  if (!file.ok() && file.error().code() == ErrorCode::kNotFound) return Keep(shown);
  if (!file.ok()) return RpcError(file.error());
  const Result<KeptLog> kept = KeptLog::Parse(AsText(*file));
  if (!kept.ok()) return RpcError(Error(kept.error()).At(path));
  if (kept->key != shown.key) {
    return Refusal("this client has seen " + Records(kept->head.size) + " of the service's audit log, which has " +
                   Records(shown.head.size) + " now, signed by another key: it is another log under the same name" +
                   WhenMeant(path));
  }
  // What another process has kept since may be newer than this answer; the next one is not older than what is kept.
  if (shown.head.size < kept->head.size) {
    RpcResult<Shown> again = Ask(client);
    if (!again.ok()) return NotShown(again.error());
    shown = std::move(again).value();
  }
  COFFER_TRY(Compare(client, *kept, shown));
  if (shown.head.size == kept->head.size) return {};
  const Result<FileFacts> facts = FactsOf(path);
  const std::int64_t age_us = facts.ok() ? SystemClock().UnixMicros() - facts->modified_unix_micros : -1;
  if (age_us >= 0 && age_us < kKeepEveryUs) return {};
  return Keep(shown);
}

RpcResult<void> LogMemory::Check(Client& client) const {
  const Result<std::optional<NoteVerifier>> known = ReadPlace();
  if (!known.ok()) return RpcError(known.error());
  const RpcResult<Shown> shown = Ask(client);
  if (!shown.ok()) {
    if (*known) return NotShown(shown.error());
    return IsRefusal(shown.error()) ? RpcResult<void>(shown.error()) : RpcResult<void>();
  }
  if (*known && (*known)->name() != shown->key.name()) {
    return Refusal("the service at " + place_ +
                   " shows another audit log than this client has seen there: the old one was thrown away, or another "
                   "service answers" +
                   WhenMeant(PlacePath()));
  }
  if (*known && **known != shown->key) {
    return Refusal("the audit log of the service at " + place_ +
                   " is signed by another key than this client has seen there: it is another log under the same name" +
                   WhenMeant(PlacePath()));
  }
  const RpcResult<void> compared = CompareLog(client, *shown);
  if (compared.ok() && *known) return {};
  if (compared.ok()) static_cast<void>(KeepPlace(*shown));  // The log itself is kept; the next call tries again.
  if (compared.ok() || *known || IsRefusal(compared.error())) return compared;
  return {};
}

}  // namespace coffer::client
