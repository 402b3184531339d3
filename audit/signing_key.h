// The files of a log's signing key and of a witness's key (docs/FORMAT.md section 11): a name and an Ed25519 seed.
#pragma once

#include <functional>

#include "crypto/note_key.h"
#include "io/file.h"

namespace coffer::audit {

// A new key under the name `origin`, durable, mode 0600. `before` is called with it before the file is there, and its
// error passed on. kAlreadyExists: something has the path. Else as io/file.h.
Result<NoteSigner> MakeSigningKey(const std::string& path, std::string_view origin,
                                  const std::function<Status(const NoteSigner&)>& before = {});
// kNotFound: there is no file. kPermissionDenied: others may read it. kIntegrity: it is not a signing key's.
Result<NoteSigner> ReadSigningKey(const std::string& path);

// The same for a witness. A file of the one is none of the other.
Result<NoteCosigner> MakeWitnessKey(const std::string& path, std::string_view name);
Result<NoteCosigner> ReadWitnessKey(const std::string& path);

}  // namespace coffer::audit
