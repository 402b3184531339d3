// LogMemory: what this client has seen of the service's audit log. A host that was put back to yesterday, or that
// shows another history, is noticed by whoever has talked to it before, without a witness.
//
// Trust on first use: the first checkpoint of a log, and the key that signed it, are taken as they come.
#pragma once

#include <string>

#include "audit/checkpoint.h"
#include "client/client.h"

namespace coffer::client {

// What is kept of one log, as it is in its file: the key's text and a newline, then the signed note.
struct KeptLog {
  NoteVerifier key;
  audit::TreeHead head;

  static std::string ToText(const NoteVerifier& key, const SignedNote& note);
  // kIntegrity: not what ToText writes of a checkpoint that the key signed.
  static Result<KeptLog> Parse(std::string_view text);
};

// Not thread-safe; several processes may use one folder.
//
// Files: "<SHA-256 of the origin>.log", a KeptLog; "<SHA-256 of the place>.server", the place and the key of the log
// that was seen there, a line each: a log that was thrown away whole is noticed by its place.
class LogMemory {
 public:
  // A checkpoint is kept again when the kept one is older: a call in a loop does not wait for the disk each time.
  static constexpr std::int64_t kKeepEveryUs = 60'000'000;

  // `folder` is made, mode 0700, when it is needed. `place` is where the service is, one line: its address.
  LogMemory(std::string folder, std::string place) : folder_(std::move(folder)), place_(std::move(place)) {}

  // COFFER_STATE_DIR; else "coffer" in XDG_STATE_HOME; else ".local/state/coffer" in HOME. Empty: nothing is kept,
  // because COFFER_STATE_DIR is set and empty, or because there is no home.
  static std::string FolderFromEnvironment();

  // Asks for the log's checkpoint, compares it with what was kept, and keeps it, durably, when what is kept is of
  // another log or older than kKeepEveryUs.
  //
  // kIntegrity: the log is shorter than it was, or does not continue what it was, is signed by another key, or is
  // another one than was seen at this place; or the service does not show it, and is up. The sentence names sizes, and
  // the file to remove when that was meant. Or what was kept is not what was written. kUnavailable: the service's
  // outage, or the folder's disk: nothing was compared. Without a memory of this place the last two are fine, and so is
  // a service that shows no log.
  RpcResult<void> Check(Client& client) const;

 private:
  struct Shown {
    NoteVerifier key;
    SignedNote note;
    audit::TreeHead head;
  };
  static RpcResult<Shown> Ask(Client& client);
  RpcResult<void> Compare(Client& client, const KeptLog& kept, const Shown& shown) const;
  RpcResult<void> CompareLog(Client& client, Shown shown) const;
  std::string PathOf(const std::string& origin) const;
  std::string PlacePath() const;
  // The key of the log that was seen at this place.
  Result<std::optional<NoteVerifier>> ReadPlace() const;
  Status Keep(const Shown& shown) const;
  Status KeepPlace(const Shown& shown) const;

  const std::string folder_;
  const std::string place_;
};

}  // namespace coffer::client
