// SPDX-License-Identifier: Apache-2.0
// The fields of a frame one after the other, so that a message is written and read in the same
// order and nothing is used that is not there. The codec's alone; each object has one user.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"
#include "mount-helper/holder_frame.h"

namespace downwardfs {

// Fills a frame in the order of its fields, and remembers if something cannot be said.
class FrameWriter {
 public:
  explicit FrameWriter(Frame::Kind kind) { frame_.kind = kind; }

  FrameWriter& Number(std::uint64_t number) {
    frame_.numbers.push_back(number);
    return *this;
  }
  FrameWriter& Numbers(const std::vector<std::uint64_t>& list) {
    frame_.numbers.insert(frame_.numbers.end(), list.begin(), list.end());
    return *this;
  }
  FrameWriter& Fd(const OwnedFd& fd) {
    good_ = good_ && fd;
    return OptionalFd(fd);
  }
  // Those after one that is absent are absent too.
  FrameWriter& OptionalFd(const OwnedFd& fd) {
    if (fd) frame_.fds.push_back(fd.get());
    return *this;
  }
  // The whole text of the frame.
  FrameWriter& Text(std::string_view text) {
    frame_.text = text;
    return *this;
  }
  FrameWriter& Explanation(std::string_view text) { return Text(text.substr(0, Frame::kMaxText)); }
  // One of several texts, each of which ends in NUL.
  FrameWriter& Field(std::string_view text) {
    good_ = good_ && text.find('\0') == std::string_view::npos;
    frame_.text.append(text).push_back('\0');
    return *this;
  }
  Result<SentFrame> Take() {
    if (!good_ || frame_.text.size() > Frame::kMaxText ||
        frame_.numbers.size() > Frame::kMaxNumbers) {
      return Fail(ErrorCode::kInvalidArgument,
                  "holder channel: a message with a text that is too long or has a NUL, or without "
                  "a descriptor");
    }
    return std::move(frame_);
  }

 private:
  SentFrame frame_;
  bool good_ = true;
};

// Takes a frame's fields in their order, and remembers if one is missing.
class FrameReader {
 public:
  explicit FrameReader(ReceivedFrame frame) : frame_(std::move(frame)) {}

  std::uint64_t Number() {
    good_ = good_ && number_ < frame_.numbers.size();
    return OptionalNumber();
  }
  std::uint64_t OptionalNumber() {
    return number_ < frame_.numbers.size() ? frame_.numbers[number_++] : 0;
  }
  // A signed number that travels as it is extended to 8 bytes.
  int Int() {
    const std::uint64_t number = Number();
    const int value = static_cast<int>(number);
    good_ = good_ && static_cast<std::uint64_t>(value) == number;
    return value;
  }
  std::vector<std::uint64_t> OtherNumbers() {
    return {frame_.numbers.begin() +
                static_cast<std::ptrdiff_t>(std::exchange(number_, frame_.numbers.size())),
            frame_.numbers.end()};
  }
  OwnedFd Fd() {
    good_ = good_ && fd_ < frame_.fds.size();
    return OptionalFd();
  }
  OwnedFd OptionalFd() {
    return fd_ < frame_.fds.size() ? std::move(frame_.fds[fd_++]) : OwnedFd();
  }
  std::vector<OwnedFd> OtherFds() {
    std::vector<OwnedFd> fds;
    while (fd_ < frame_.fds.size()) fds.push_back(OptionalFd());
    return fds;
  }
  std::string Text() { return std::move(frame_.text); }
  std::string Field() {
    good_ = good_ && text_ < frame_.text.size();
    return OptionalField();
  }
  std::string Id() {
    std::string id = Field();
    good_ = good_ && !id.empty();
    return id;
  }
  std::string OptionalField() {
    if (text_ >= frame_.text.size()) return "";
    const std::size_t end = std::min(frame_.text.find('\0', text_), frame_.text.size());
    std::string field = frame_.text.substr(text_, end - text_);
    text_ = end + 1;
    return field;
  }
  /// Nothing was missing so far.
  bool good() const { return good_; }

 private:
  ReceivedFrame frame_;
  std::size_t number_ = 0;
  std::size_t fd_ = 0;
  std::size_t text_ = 0;
  bool good_ = true;
};

}  // namespace downwardfs
