// SPDX-License-Identifier: Apache-2.0
#include "client/http/gzip_decoder.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

namespace downwardfs::client {
namespace {

// zlib: the largest window, and gzip's frame alone.
constexpr int kGzipWindow = 15 + 16;

}  // namespace

struct GzipDecoder::Stream {
  explicit Stream(std::size_t block) : out(block) { ready = inflateInit2(&z, kGzipWindow) == Z_OK; }
  ~Stream() {
    if (ready) inflateEnd(&z);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  z_stream z = {};
  bool ready = false;
  std::vector<char> out;
};

GzipDecoder::GzipDecoder() : GzipDecoder(Limits()) {}

GzipDecoder::GzipDecoder(Limits limits)
    : limits_(limits), stream_(std::make_unique<Stream>(limits.block)), allowance_(limits.burst) {}

GzipDecoder::~GzipDecoder() = default;

std::string GzipDecoder::Member() const {
  return "gzip member " + std::to_string(members_);
}

tl::unexpected<Error> GzipDecoder::Final(ErrorCode code, std::string message) {
  failed_ = Fail(code, std::move(message));
  return Fail(failed_.error());
}

tl::unexpected<Error> GzipDecoder::Damaged() {
  const std::string reason = stream_->z.msg != nullptr ? stream_->z.msg : "no valid data";
  std::string text = Member() + " is damaged: " + reason;
  if (reason == "incorrect header check") {
    text = members_ == 1 ? "it is not gzip, though its Content-Encoding says so"
                         : "garbage after gzip member " + std::to_string(members_ - 1);
  } else if (reason == "incorrect data check") {
    text = Member() + " is damaged: its checksum does not match its content";
  } else if (reason == "incorrect length check") {
    text = Member() + " is damaged: its length does not match its content";
  }
  return Final(ErrorCode::kUnavailable, std::move(text));
}

Status GzipDecoder::Account(std::uint64_t in, std::uint64_t out) {
  allowance_ = std::min(allowance_ + in * limits_.ratio, limits_.burst);
  if (out > allowance_) {
    return Final(ErrorCode::kResourceExhausted, "it expands to more than " +
                                                    std::to_string(limits_.ratio) +
                                                    " times its compressed size, by more than " +
                                                    std::to_string(limits_.burst >> 20) + " MiB");
  }
  allowance_ -= out;
  return {};
}

// One block of output. `done`: the input is used up, and all of its output is out.
Status GzipDecoder::Step(const Sink& sink, bool* done) {
  z_stream& z = stream_->z;
  if (!within_) {
    if (members_ > 0 && inflateReset(&z) != Z_OK) return Damaged();
    within_ = true;
    ++members_;
  }
  z.next_out = reinterpret_cast<Bytef*>(stream_->out.data());
  z.avail_out = static_cast<uInt>(stream_->out.size());
  const uInt before = z.avail_in;
  const int outcome = inflate(&z, Z_SYNC_FLUSH);
  const std::size_t size = stream_->out.size() - z.avail_out;
  if (auto ok = Account(before - z.avail_in, size); !ok) return ok;
  if (size > 0) {
    if (auto taken = sink(std::string_view(stream_->out.data(), size)); !taken) {
      failed_ = taken;
      return taken;
    }
  }
  switch (outcome) {
    case Z_STREAM_END:
      within_ = false;
      *done = z.avail_in == 0;
      return {};
    case Z_OK:
    case Z_BUF_ERROR:  // nothing to do: the input ended where a block was full
      *done = z.avail_in == 0 && z.avail_out > 0;
      return {};
    case Z_MEM_ERROR:
      return Final(ErrorCode::kUnavailable, "no memory to decompress it");
    default:
      return Damaged();
  }
}

Status GzipDecoder::Feed(std::string_view bytes, const Sink& sink) {
  if (!failed_) return failed_;
  if (!stream_->ready) return Final(ErrorCode::kUnavailable, "no memory to decompress it");
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, std::numeric_limits<uInt>::max());
    bytes.remove_prefix(part.size());
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): zlib's input has no const
    stream_->z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
    stream_->z.avail_in = static_cast<uInt>(part.size());
    for (bool done = false; !done;) {
      if (auto ok = Step(sink, &done); !ok) return ok;
    }
  }
  return {};
}

Status GzipDecoder::Finish() {
  if (!failed_ || !within_) return failed_;
  return Final(ErrorCode::kUnavailable, Member() + " ends early");
}

}  // namespace downwardfs::client
