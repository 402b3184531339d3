// PrivateDir: a folder that only we can enter, in memory, for secrets that another program must read from a file.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>

#include "crypto/secret_bytes.h"

namespace coffer {

// Mode 0700, a random name ("coffer-" and 32 hex digits), on tmpfs or ramfs. The destructor overwrites every file in it
// with zeros and removes all, what other programs put there included. A process that is killed leaves the folder until
// the machine restarts. Move-only; thread-compatible.
class PrivateDir {
 public:
  // In the first of `runtime_dir` (the caller's XDG_RUNTIME_DIR; may be empty), /run and /dev/shm that is memory-backed
  // and lets us write. kFailedPrecondition when none is: never on a disk.
  static Result<PrivateDir> Make(const std::string& runtime_dir);
  // The same with one's own list.
  static Result<PrivateDir> MakeIn(std::span<const std::string> candidates);

  ~PrivateDir();
  PrivateDir(PrivateDir&& other) noexcept;
  PrivateDir& operator=(PrivateDir&& other) noexcept;
  PrivateDir(const PrivateDir&) = delete;
  PrivateDir& operator=(const PrivateDir&) = delete;

  // Absolute when the candidate was. Empty after Wipe.
  const std::string& path() const { return path_; }

  // Writes a new file and gives its path. `name` is relative: parts of [A-Za-z0-9._-]+ with '/' between, none "." or
  // "..", at most 255 bytes (else kInvalidArgument); its folder must exist. kAlreadyExists: the name is taken.
  Result<std::string> WriteSecret(std::string_view name, const SecretBytes& content, mode_t mode = 0400);
  // Makes a subfolder of mode 0700 and gives its path. Names as above; ok when it is there.
  Result<std::string> MakeSubfolder(std::string_view name);
  // Puts the subfolder `fresh` in the place of `current` in one step, and overwrites and removes what was there.
  // Readers see all of the one or all of the other; who has a file open keeps it, emptied. kNotFound: one of them is
  // not there. An error of the removal comes after the exchange.
  Status ReplaceSubfolder(std::string_view current, std::string_view fresh);
  // Overwrites and removes a subfolder, or a file. Ok when there is none.
  Status WipeSubfolder(std::string_view name);

  // Overwrites and removes everything, the folder too, going on after failures; the first failure is returned. Again:
  // ok.
  Status Wipe();

 private:
  explicit PrivateDir(std::string path) : path_(std::move(path)) {}
  Result<std::string> PathOf(std::string_view name) const;
  std::string path_;
};

}  // namespace coffer
