// SPDX-License-Identifier: Apache-2.0
// The one table of operations over a file system that is made up, with a socket in the device's
// place: a packet each way is a request or an answer.
#include "fs/fuse/operations.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/fuse.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "fs/fuse/kernel_session.h"
#include "tests/support/socket_pair.h"

namespace downwardfs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr InodeId kFile = 7;

class FakeFileSystem final : public FileSystem {
 public:
  Traits traits() const override { return the_traits; }
  std::optional<Entry> Lookup(InodeId, std::string_view name) override {
    if (name != "file") return std::nullopt;
    return EntryOf(kFile);
  }
  void Forget(std::span<const Forgotten> inodes) override {
    for (const Forgotten& inode : inodes) forgotten.emplace_back(inode.id, inode.count);
  }
  std::optional<Entry> Attr(InodeId id) const override {
    return id == kFile ? std::optional(EntryOf(id)) : std::nullopt;
  }
  std::optional<std::string> ReadLink(InodeId) const override { return std::nullopt; }
  FileBytes Content(InodeId id, std::uint64_t handle, std::uint64_t offset) override {
    if (id != kFile) return nullptr;
    offsets.push_back(offset);
    return std::make_shared<const std::string>("content " + std::to_string(handle));
  }
  std::optional<std::uint64_t> OpenFile(InodeId) override { return 3; }
  void CloseFile(std::uint64_t handle) override { closed.push_back(handle); }
  Listing List(InodeId, std::uint64_t handle, bool from_start) override {
    if (handle != 0 && handle != 5) return nullptr;
    begun.push_back(from_start);
    return std::make_shared<const std::vector<DirectoryEntry>>(
        std::vector<DirectoryEntry>{{"one", 11, kFileType, 4}, {"two", 0, kFileType, 9}});
  }
  std::optional<std::uint64_t> OpenDirectory(InodeId) override { return 5; }
  void CloseDirectory(std::uint64_t handle) override { closed.push_back(handle); }
  std::optional<Entry> Apply(const TreeChange& change) override {
    applied.push_back(change);
    if (armed.kind != TreeChange::Kind::kNone && change == armed) return EntryOf(kFile);
    return std::nullopt;
  }
  std::optional<Origin> OriginOf(InodeId) const override { return std::nullopt; }
  Totals GetTotals() const override { return {}; }

  Entry EntryOf(InodeId id) const {
    Entry entry;
    entry.id = id;
    entry.mode = kFileType | 0444;
    entry.keep_name = keep_name;
    return entry;
  }

  Traits the_traits;
  bool keep_name = true;
  std::vector<std::pair<InodeId, std::uint64_t>> forgotten;
  std::vector<std::uint64_t> closed;
  std::vector<bool> begun;
  std::vector<std::uint64_t> offsets;
  std::vector<TreeChange> applied;
  TreeChange armed;
};

fuse_read_in ReadOf(std::uint64_t handle, std::uint32_t size) {
  fuse_read_in read = {};
  read.fh = handle;
  read.size = size;
  return read;
}

struct Answer {
  int error = 0;
  std::string body;

  template <class T>
  T As() const {
    T value = {};
    std::memcpy(&value, body.data(), std::min(sizeof value, body.size()));
    return value;
  }
};

class OperationsTest : public ::testing::Test {
 protected:
  // Mounts, as the kernel sees it; the traits are set before.
  void Start(std::uint32_t not_offered = FUSE_INIT_EXT) {
    auto [kernel, device] = testing::SocketPair();
    kernel_ = std::move(kernel);
    context_.file_system = &shown_;
    context_.counters = &counters_;
    auto session = KernelSession::Attach(std::move(device), context_);
    ASSERT_TRUE(session);
    session_ = std::move(*session);
    fuse_init_in init = {};
    init.major = FUSE_KERNEL_VERSION;
    init.minor = FUSE_KERNEL_MINOR_VERSION;
    init.flags = ~(not_offered | std::uint32_t{FUSE_INIT_EXT});
    ASSERT_EQ(Ask(FUSE_INIT, FUSE_ROOT_ID, init).error, 0);
  }

  template <class T>
  Answer Ask(std::uint32_t opcode, InodeId inode, const T& in, const std::string& rest = "") {
    fuse_in_header header = {};
    header.len = static_cast<std::uint32_t>(sizeof header + sizeof in + rest.size());
    header.opcode = opcode;
    header.unique = ++unique_;
    header.nodeid = inode;
    return Exchange(std::string(reinterpret_cast<const char*>(&header), sizeof header) +
                    std::string(reinterpret_cast<const char*>(&in), sizeof in) + rest);
  }
  Answer AskName(std::uint32_t opcode, const std::string& name) {
    fuse_in_header header = {};
    header.len = static_cast<std::uint32_t>(sizeof header + name.size() + 1);
    header.opcode = opcode;
    header.unique = ++unique_;
    header.nodeid = FUSE_ROOT_ID;
    return Exchange(std::string(reinterpret_cast<const char*>(&header), sizeof header) + name +
                    '\0');
  }

  FakeFileSystem shown_;
  RequestCounters counters_;
  SessionContext context_;
  OwnedFd kernel_;
  std::unique_ptr<KernelSession> session_;

 private:
  Answer Exchange(const std::string& request) {
    EXPECT_EQ(send(kernel_.get(), request.data(), request.size(), 0),
              static_cast<ssize_t>(request.size()));
    RequestBuffer buffer(0);
    session_->ServeOne(buffer);
    char bytes[65536];
    const ssize_t n = recv(kernel_.get(), bytes, sizeof bytes, 0);
    if (n < static_cast<ssize_t>(sizeof(fuse_out_header))) return {-1, ""};
    fuse_out_header header = {};
    std::memcpy(&header, bytes, sizeof header);
    EXPECT_EQ(header.unique, unique_);
    return {-header.error,
            std::string(bytes + sizeof header, static_cast<std::size_t>(n) - sizeof header)};
  }

  std::uint64_t unique_ = 0;
};

TEST_F(OperationsTest, ContentThatNeverChangesIsOpenedAndListedOnce) {
  Start();
  EXPECT_EQ(Ask(FUSE_OPEN, kFile, fuse_open_in{}).error, ENOSYS);
  EXPECT_EQ(Ask(FUSE_OPENDIR, FUSE_ROOT_ID, fuse_open_in{}).error, ENOSYS);
  fuse_open_in writing = {};
  writing.flags = O_RDWR;
  EXPECT_EQ(Ask(FUSE_OPEN, kFile, writing).error, EROFS);
  fuse_read_in read = {};
  read.offset = 3;
  read.size = 4;
  EXPECT_EQ(Ask(FUSE_READ, kFile, read).body, "tent");
}

// As before Linux 5.1, which knew only the first of the two.
TEST_F(OperationsTest, AKernelThatOffersNothingGetsNoENOSYS) {
  Start(FUSE_NO_OPENDIR_SUPPORT);
  EXPECT_EQ(Ask(FUSE_OPEN, kFile, fuse_open_in{}).error, ENOSYS);
  const Answer directory = Ask(FUSE_OPENDIR, FUSE_ROOT_ID, fuse_open_in{});
  EXPECT_EQ(directory.error, 0);
  EXPECT_EQ(directory.As<fuse_open_out>().open_flags, FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR);
  Start(FUSE_NO_OPEN_SUPPORT);
  const Answer file = Ask(FUSE_OPEN, kFile, fuse_open_in{});
  EXPECT_EQ(file.error, 0);
  EXPECT_EQ(file.As<fuse_open_out>().open_flags, std::uint32_t{FOPEN_KEEP_CACHE});
}

TEST_F(OperationsTest, WhatOpensPinsIsAskedForEachTime) {
  shown_.the_traits = {.opens_files = true, .opens_directories = true};
  Start();
  const auto opened = Ask(FUSE_OPEN, kFile, fuse_open_in{}).As<fuse_open_out>();
  EXPECT_EQ(opened.fh, 3u);
  EXPECT_EQ(opened.open_flags & FOPEN_DIRECT_IO, std::uint32_t{FOPEN_DIRECT_IO});
  fuse_read_in read = ReadOf(3, 100);
  read.read_flags = FUSE_READ_LOCKOWNER;
  read.lock_owner = 9;
  EXPECT_EQ(Ask(FUSE_READ, kFile, read).body, "content 3");
  read.offset = 8;
  EXPECT_EQ(Ask(FUSE_READ, kFile, read).body, "3");
  EXPECT_THAT(shown_.offsets, ElementsAre(0, 8)) << "an open may pin anew at the start";
  const auto directory = Ask(FUSE_OPENDIR, FUSE_ROOT_ID, fuse_open_in{}).As<fuse_open_out>();
  EXPECT_EQ(directory.fh, 5u);
  fuse_release_in release = {};
  release.fh = 3;
  EXPECT_EQ(Ask(FUSE_RELEASE, kFile, release).error, 0);
  release.fh = 5;
  EXPECT_EQ(Ask(FUSE_RELEASEDIR, FUSE_ROOT_ID, release).error, 0);
  EXPECT_THAT(shown_.closed, ElementsAre(3, 5));
}

// A page of the cache is every open's, so none has it filled with what it alone has pinned.
TEST_F(OperationsTest, AReadThatFillsThePageCacheGetsWhatTheInodeShowsNow) {
  shown_.the_traits = {.opens_files = true};
  Start();
  fuse_read_in read = ReadOf(3, 100);
  EXPECT_EQ(Ask(FUSE_READ, kFile, read).body, "content 0");
}

TEST_F(OperationsTest, AnOpenForWritingIsTakenOnlyWithAnArmedChange) {
  shown_.the_traits = {.opens_files = true, .takes_changes = true};
  Start();
  fuse_open_in writing = {};
  writing.flags = O_WRONLY;
  EXPECT_EQ(Ask(FUSE_OPEN, kFile, writing).error, EROFS);
  shown_.armed = {TreeChange::Kind::kSetAttributes, kFile, "", ""};
  const Answer taken = Ask(FUSE_OPEN, kFile, writing);
  EXPECT_EQ(taken.error, 0);
  EXPECT_EQ(taken.As<fuse_open_out>().fh, kNoOpen);
  fuse_write_in write = {};
  EXPECT_EQ(Ask(FUSE_WRITE, kFile, write).error, EROFS);
}

TEST_F(OperationsTest, AListingGoesOnAfterItsCookie) {
  shown_.the_traits = {.opens_directories = true};
  Start();
  fuse_read_in read = ReadOf(5, 4096);
  const auto all = Ask(FUSE_READDIR, FUSE_ROOT_ID, read).body;
  EXPECT_NE(all.find("one"), std::string::npos);
  EXPECT_NE(all.find("two"), std::string::npos);
  read.offset = 4;
  const auto rest = Ask(FUSE_READDIR, FUSE_ROOT_ID, read).body;
  EXPECT_EQ(rest.find("one"), std::string::npos);
  EXPECT_NE(rest.find("two"), std::string::npos);
  read.offset = 9;
  EXPECT_EQ(Ask(FUSE_READDIR, FUSE_ROOT_ID, read).body, "");
  EXPECT_THAT(shown_.begun, ElementsAre(true, false, false));
  read.fh = 6;
  EXPECT_EQ(Ask(FUSE_READDIR, FUSE_ROOT_ID, read).error, EBADF);
}

TEST_F(OperationsTest, ANameThatMayChangeAtEachUseIsNotKept) {
  Start();
  EXPECT_GT(AskName(FUSE_LOOKUP, "file").As<fuse_entry_out>().entry_valid, 1000000u);
  shown_.keep_name = false;
  const auto entry = AskName(FUSE_LOOKUP, "file").As<fuse_entry_out>();
  EXPECT_EQ(entry.entry_valid, 0u);
  EXPECT_GT(entry.attr_valid, 1000000u);
  EXPECT_EQ(AskName(FUSE_LOOKUP, "other").error, ENOENT);
}

TEST_F(OperationsTest, ChangesAreRefusedWithoutALookUnlessTheFileSystemTakesThem) {
  Start();
  EXPECT_EQ(AskName(FUSE_UNLINK, "file").error, EROFS);
  EXPECT_EQ(AskName(FUSE_RMDIR, "file").error, EROFS);
  EXPECT_THAT(shown_.applied, IsEmpty());
  EXPECT_EQ(counters_.Snapshot()["REFUSED"], 2u);
  shown_.the_traits.takes_changes = true;
  EXPECT_EQ(AskName(FUSE_UNLINK, "file").error, EROFS);  // it is not armed
  EXPECT_THAT(shown_.applied, ElementsAre(TreeChange{ChangeKind::kUnlink, kRootInode, "file", ""}));
  EXPECT_EQ(counters_.Snapshot()["UNLINK"], 1u);
}

TEST_F(OperationsTest, ABatchOfForgetsIsOneCall) {
  Start();
  fuse_batch_forget_in batch = {};
  batch.count = 2;
  const fuse_forget_one forgets[2] = {{kFile, 2}, {9, 1}};
  Ask(FUSE_BATCH_FORGET, 0, batch,
      std::string(reinterpret_cast<const char*>(forgets), sizeof forgets));
  EXPECT_THAT(shown_.forgotten, ElementsAre(std::pair<InodeId, std::uint64_t>(kFile, 2),
                                            std::pair<InodeId, std::uint64_t>(9, 1)));
}

}  // namespace
}  // namespace downwardfs
