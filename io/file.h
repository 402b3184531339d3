// Files: read whole within a limit, and written so that a crash leaves the old content or the new, never a mix.
//
// Failures of all: kNotFound, kPermissionDenied, kAlreadyExists, kInvalidArgument (too large, not a regular file, a
// name that is none), kUnavailable (disk full, I/O error, out of descriptors). The path rides in Error::path(), cut and
// filtered. Every function is thread-safe; two writers of one path each stay whole and the later one wins.
#pragma once

#include <string>
#include <sys/types.h>

#include "crypto/secret_bytes.h"

namespace coffer {

// The content of a regular file (symbolic links are followed; devices and pipes are kInvalidArgument) of at most
// `max_bytes`; a longer one is kInvalidArgument.
Result<Bytes> ReadFile(const std::string& path, std::uint64_t max_bytes);

// Who else may read a file that holds a secret.
enum class SecretFileReaders : std::uint8_t {
  kOwnerOnly,  // Any right of group or others is kPermissionDenied.
  kGroupToo,   // The group may read (a mounted secret of an orchestrator); others may not.
};

// Like ReadFile, straight into memory that is wiped: no copy is left elsewhere in the process. The last part of `path`
// must not be a symbolic link, and the file must belong to root or to us (kPermissionDenied). A file that grows while
// it is read is kUnavailable.
Result<SecretBytes> ReadSecretFile(const std::string& path, std::uint64_t max_bytes,
                                   SecretFileReaders readers = SecretFileReaders::kOwnerOnly);

// Replaces `path` (a symbolic link itself, not its target) with a file of exactly `mode`, whatever the umask: a
// temporary file in the same folder, synced, renamed, folder synced. On success the content survives a power cut. On
// failure the old file is untouched and the temporary one is gone - with one exception, a failed sync of the folder:
// the new content is in place but may not survive a power cut. A power cut may leave "<name>.<hex>.tmp", which nothing
// reads.
Status WriteFileDurably(const std::string& path, ByteView content, mode_t mode);
Status WriteFileDurably(const std::string& path, const SecretBytes& content, mode_t mode);

// The same without the syncs, for what can be made again: readers see the old content or the new, a power cut may leave
// either, or a file without content.
Status ReplaceFile(const std::string& path, ByteView content, mode_t mode);

// The same for a name that must be free: kAlreadyExists when anything has it, and that is untouched.
Status CreateFileDurably(const std::string& path, ByteView content, mode_t mode);
Status CreateFileDurably(const std::string& path, const SecretBytes& content, mode_t mode);

// Makes what a file holds survive a power cut, whoever wrote it. Its name is its folder's matter.
Status SyncFile(const std::string& path);

// Removes one file and syncs its folder. kNotFound when there is none.
Status RemoveFileDurably(const std::string& path);

}  // namespace coffer
