// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <system_error>

#include "base/result.h"

namespace downwardfs {

Error Error::WithContext(std::string_view context) && {
  std::string text(context);
  text += ": ";
  text += message;
  return Error{code, std::move(text)};
}

Error ErrnoError(int errnum, std::string_view context) {
  ErrorCode code = ErrorCode::kInternal;
  switch (errnum) {
    case ENOENT:
    case ENOTDIR:
    case ENXIO:
    case ENODEV:
      code = ErrorCode::kNotFound;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      code = ErrorCode::kPermissionDenied;
      break;
    case EEXIST:
    case EBUSY:
      code = ErrorCode::kAlreadyExists;
      break;
    case EINVAL:
    case ENAMETOOLONG:
    case ELOOP:
    case EISDIR:
      code = ErrorCode::kInvalidArgument;
      break;
    case ENOMEM:
    case ENOSPC:
    case EMFILE:
    case ENFILE:
      code = ErrorCode::kResourceExhausted;
      break;
    case ETIMEDOUT:
      code = ErrorCode::kDeadlineExceeded;
      break;
    case EAGAIN:
    case EINTR:
    case ECONNREFUSED:
    case ECONNRESET:
    case ENOTCONN:
    case EPIPE:
      code = ErrorCode::kUnavailable;
      break;
    default:
      break;
  }
  // std::generic_category().message is the thread-safe strerror.
  return Error{code, std::generic_category().message(errnum)}.WithContext(context);
}

}  // namespace downwardfs
