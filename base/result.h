// SPDX-License-Identifier: Apache-2.0
//
// Errors are values. A function that can fail returns Result<T>; what went wrong is an Error with a
// code, which a boundary maps (to errno, an exit status or a gRPC code), and one line for a person.
// The message names what, where and which rule, outermost context first:
//     items.yaml: items[2].path "../x": must not contain '..'
// Exceptions of libraries are caught in the adapter that wraps the library. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace downwardfs {

/// Why an operation failed, coarse enough that every boundary can map all of them.
enum class ErrorCode {
  kInvalidArgument,     ///< The input breaks a rule; trying again does not help.
  kNotFound,            ///< The named thing does not exist.
  kAlreadyExists,       ///< The name is taken, a mount point is busy.
  kPermissionDenied,    ///< The caller may not (EACCES, EPERM, HTTP 403).
  kUnauthenticated,     ///< The credentials were refused (HTTP 401).
  kUnavailable,         ///< Not now: the peer is away; try again.
  kDeadlineExceeded,    ///< A time limit passed.
  kResourceExhausted,   ///< A size or count limit passed (HTTP 429).
  kFailedPrecondition,  ///< The system is not in the needed state (no /dev/fuse).
  kExpired,             ///< The resourceVersion is too old (HTTP 410): list again.
  kCancelled,           ///< The owner asked to stop.
  kInternal,            ///< Anything else; a bug or an unforeseen answer of the system.
};

/// One failure: a code for the program and one line for the person.
struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;

  /// The same error with `context: ` put in front of its message.
  Error WithContext(std::string_view context) &&;
};

/// A T or an Error.
template <class T>
using Result = tl::expected<T, Error>;

/// Done, or an Error.
using Status = Result<void>;

/// The value that a function of type Result<T> returns to fail.
inline tl::unexpected<Error> Fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

/// The value that a function returns whose input breaks a rule: `why` says which.
inline tl::unexpected<Error> Invalid(std::string why) {
  return Fail(ErrorCode::kInvalidArgument, std::move(why));
}

/// Hands on an error of another Result, with `context: ` in front of its message.
inline tl::unexpected<Error> Fail(Error error, std::string_view context) {
  return tl::unexpected<Error>(std::move(error).WithContext(context));
}

/// Hands on an error of another Result as it is.
inline tl::unexpected<Error> Fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

/// An Error made of errno: `context: strerror`, with the code that fits the number.
Error ErrnoError(int errnum, std::string_view context);

}  // namespace downwardfs
