#include "io/system_error.h"

#include <cerrno>

namespace coffer {

Error SystemError(int error_number) {
  switch (error_number) {
    case ENOENT:
      return Error(ErrorCode::kNotFound, "does not exist");
    case ENOTDIR:
      return Error(ErrorCode::kNotFound, "does not exist: a part of the path is not a folder");
    case EACCES:
    case EPERM:
      return Error(ErrorCode::kPermissionDenied, "may not be accessed by this user");
    case EROFS:
      return Error(ErrorCode::kPermissionDenied, "lies on a read-only file system");
    case EEXIST:
      return Error(ErrorCode::kAlreadyExists, "already exists");
    case ENOTEMPTY:
      return Error(ErrorCode::kAlreadyExists, "is a folder that is not empty");
    case EINVAL:
      return Error(ErrorCode::kInvalidArgument, "is not something that the system accepts here");
    case ENAMETOOLONG:
      return Error(ErrorCode::kInvalidArgument, "is a longer path than the system allows");
    case ELOOP:
      return Error(ErrorCode::kInvalidArgument, "is a symbolic link, or leads through too many");
    case E2BIG:
      return Error(ErrorCode::kInvalidArgument, "is given more arguments than the system allows");
    case ENOEXEC:
      return Error(ErrorCode::kInvalidArgument, "is not a program that this system can run");
    case EISDIR:
      return Error(ErrorCode::kInvalidArgument, "is a folder");
    case ENOSPC:
      return Error(ErrorCode::kUnavailable, "could not be written: no space is left on the device");
    case EDQUOT:
      return Error(ErrorCode::kUnavailable, "could not be written: the disk quota is used up");
    case EFBIG:
      return Error(ErrorCode::kUnavailable, "could not be written: the file size limit is reached");
    case EIO:
      return Error(ErrorCode::kUnavailable, "could not be read or written: the device reports an error");
    case EMFILE:
    case ENFILE:
      return Error(ErrorCode::kUnavailable, "could not be opened: too many open files");
    case ENOMEM:
    case ENOBUFS:
      return Error(ErrorCode::kUnavailable, "needs more memory than the system has left");
    case EBUSY:
    case ETXTBSY:
      return Error(ErrorCode::kUnavailable, "is in use");
    case EAGAIN:
      return Error(ErrorCode::kUnavailable, "needs more of a system resource than is left");
    case ECONNREFUSED:
      return Error(ErrorCode::kUnavailable, "is a socket that nobody listens on");
    default:
      return Error(ErrorCode::kUnavailable, "could not be used: the system reports an error");
  }
}

}  // namespace coffer
