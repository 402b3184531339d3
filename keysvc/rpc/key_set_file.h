// KeySetFile: the pinned keys of an issuer of tokens, from a JSON Web Key Set in a file that may be replaced.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "crypto/hash.h"
#include "io/mutex.h"
#include "policy/jwks.h"

namespace coffer::keysvc {

// Thread-safe, but for Refresh: one thread at a time.
class KeySetFile {
 public:
  explicit KeySetFile(std::string path) : path_(std::move(path)) {}

  // Reads the file. Its keys are the keys from now on; when it has none, those before stay. An error, with the file as
  // the path, is given once: not again while the file is as it was.
  Status Refresh() COFFER_EXCLUDES(mutex_);
  // Of the last good file; null before there was one. Another pointer whenever the file had changed.
  std::shared_ptr<const policy::Jwks> keys() const COFFER_EXCLUDES(mutex_);
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
  bool read_ = false;             // Refresh was called
  std::optional<Digest> digest_;  // of the file as it was; nothing: it could not be read
  mutable SharedMutex mutex_;
  std::shared_ptr<const policy::Jwks> keys_ COFFER_GUARDED_BY(mutex_);
};

}  // namespace coffer::keysvc
