// SPDX-License-Identifier: Apache-2.0
//
// Decodes a gzip body (RFC 1952) as it comes in: bytes in any chunking in, bytes out, no I/O. A
// body is any number of members, one after the other and empty ones too: an API server since 1.37
// makes each flush of a streaming list a member of its own, for as long as the watch lives.
// libcurl's own decoder takes the next member for an error where it comes in the same buffer. A
// body of no bytes is an empty one, as for Go.
//
// All that has been decoded is handed on at once: 32 KiB of window, one block of output and zlib's
// state (some 60 KiB) are held, whatever comes. A member's checksum is known at its end, after its
// bytes were handed on; Go's reader does the same.
//
// Nothing may expand without bounds: see Limits. One thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "base/result.h"

namespace downwardfs::client {

/// See the head of this file.
class GzipDecoder {
 public:
  /// How far a body may expand: each byte that comes in allows `ratio` bytes more to go out, and no
  /// more than `burst` bytes are allowed at any time. Lists of real pods expand 20 to 60 times,
  /// with deflate's window and match length; deflate itself ends at 1,032. The bound is checked for
  /// each block of output.
  struct Limits {
    std::uint64_t ratio = 100;
    std::uint64_t burst = std::uint64_t{32} << 20;
    std::size_t block = std::size_t{16} << 10;  ///< the most that is handed on in one piece
  };

  /// Takes decoded bytes. An error ends the decoding.
  using Sink = std::function<Status(std::string_view)>;

  GzipDecoder();
  explicit GzipDecoder(Limits limits);
  ~GzipDecoder();
  GzipDecoder(const GzipDecoder&) = delete;
  GzipDecoder& operator=(const GzipDecoder&) = delete;

  /// kUnavailable: the bytes are damaged, or no gzip. kResourceExhausted: they expand too far. Else
  /// what `sink` returned. An error is final: every later call returns it again.
  Status Feed(std::string_view bytes, const Sink& sink);

  /// Call at the end of the body. kUnavailable if it ends within a member.
  Status Finish();

 private:
  struct Stream;

  Status Step(const Sink& sink, bool* done);
  Status Account(std::uint64_t in, std::uint64_t out);
  tl::unexpected<Error> Final(ErrorCode code, std::string message);
  tl::unexpected<Error> Damaged();
  std::string Member() const;

  const Limits limits_;
  std::unique_ptr<Stream> stream_;
  std::uint64_t members_ = 0;  ///< begun so far
  bool within_ = false;        ///< a member
  std::uint64_t allowance_;
  Status failed_;
};

}  // namespace downwardfs::client
