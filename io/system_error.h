// System errors as our errors: one mapping from errno to ErrorCode and a literal sentence.
#pragma once

#include "crypto/result.h"

namespace coffer {

// ENOENT, ENOTDIR: kNotFound. EACCES, EPERM, EROFS: kPermissionDenied. EEXIST, ENOTEMPTY: kAlreadyExists. EINVAL,
// ENAMETOOLONG, ELOOP, EISDIR, E2BIG, ENOEXEC: kInvalidArgument. All else (ENOSPC, EDQUOT, EIO, EMFILE, ENOMEM...):
// kUnavailable.
Error SystemError(int error_number);

}  // namespace coffer
