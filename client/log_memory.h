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
  audit::NoteVerifier key;
  audit::TreeHead head;

  static std::string ToText(const audit::NoteVerifier& key, const audit::SignedNote& note);
  // kIntegrity: not what ToText writes of a checkpoint that the key signed.
  static Result<KeptLog> Parse(std::string_view text);
};

// Not thread-safe; several processes may use one folder.
class LogMemory {
 public:
  // `folder` is made, mode 0700, when it is needed.
  explicit LogMemory(std::string folder) : folder_(std::move(folder)) {}

  // COFFER_STATE_DIR; else "coffer" in XDG_STATE_HOME; else ".local/state/coffer" in HOME. Empty: nothing is kept,
  // because COFFER_STATE_DIR is set and empty, or because there is no home.
  static std::string FolderFromEnvironment();

  // Asks for the log's checkpoint, compares it with the one that was kept, and keeps it, durably.
  //
  // kIntegrity, without `from_service`: the log is shorter than it was, or does not continue what it was, or is signed
  // by another key; the sentence names both sizes. Or what was kept is not what was written. kUnavailable: the folder's
  // disk. Else what the service says. Roles that may not see checkpoints have no memory: nothing is checked.
  RpcResult<void> Check(Client& client) const;

 private:
  struct Shown {
    audit::NoteVerifier key;
    audit::SignedNote note;
    audit::TreeHead head;
  };
  static RpcResult<Shown> Ask(Client& client);
  static RpcResult<void> Compare(Client& client, const KeptLog& kept, const Shown& shown);
  std::string PathOf(const std::string& origin) const;
  Status Keep(const Shown& shown) const;

  const std::string folder_;
};

}  // namespace coffer::client
