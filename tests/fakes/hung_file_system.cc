// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/hung_file_system.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "mount-helper/fd_packet.h"

namespace downwardfs::testing {
namespace {

constexpr std::uint64_t kFile = 2;
constexpr std::uint64_t kForEver = 1000000;
constexpr char kLast = 127;  // in the place of a descriptor's: SendLast()

fuse_attr AttrOf(std::uint64_t node) {
  fuse_attr attr = {};
  attr.ino = node;
  attr.mode = node >= kFile ? S_IFREG | 0644 : S_IFDIR | 0755;
  attr.nlink = 1;
  attr.size = 4096;
  return attr;
}

template <class Body>
void Answer(int device, std::uint64_t unique, const Body& body) {
  fuse_out_header header = {};
  header.unique = unique;
  header.len = sizeof header + sizeof body;
  const iovec parts[2] = {{&header, sizeof header}, {const_cast<Body*>(&body), sizeof body}};
  EXPECT_EQ(writev(device, parts, 2), static_cast<ssize_t>(header.len));
}

void Refuse(int device, std::uint64_t unique, int error) {
  const fuse_out_header header = {sizeof header, error, unique};
  EXPECT_EQ(write(device, &header, sizeof header), static_cast<ssize_t>(sizeof header));
}

}  // namespace

HungFileSystem::HungFileSystem(const std::string& directory) : directory_(directory) {
  StartSender();  // which has no copy of the device, and so cannot keep the file system alive
  device_.Reset(open("/dev/fuse", O_RDWR | O_CLOEXEC));
  const std::string options =
      "fd=" + std::to_string(device_.get()) + ",rootmode=40000,user_id=0,group_id=0,allow_other";
  EXPECT_EQ(mount("hung", directory_.c_str(), "fuse.hung", 0, options.c_str()), 0);
  server_ = *StoppableThread::Start("hung-fs", [this](int stop) { Serve(stop); });
}

HungFileSystem::~HungFileSystem() {
  umount2(directory_.c_str(), MNT_FORCE | MNT_DETACH);
  server_.Stop();
  device_.Reset();
  sender_.Reset();
  waitpid(sender_pid_, nullptr, 0);
  for (const int file : files_) close(file);
}

// In the sender. The file is closed here while nothing is to be written.
bool SendLastOf(const std::string& path, int channel, const std::string& bytes) {
  const int last = open(path.c_str(), O_RDWR | O_CLOEXEC);
  const int other = open(path.c_str(), O_RDWR | O_CLOEXEC);
  const std::string page(4096, 'x');
  const bool sent = SendPacket(channel, bytes, {last});
  close(last);
  return sent && write(other, page.data(), page.size()) == static_cast<ssize_t>(page.size());
}

// A packet is what is to be sent, after a byte that says where the file comes; its first descriptor
// is the channel.
void HungFileSystem::StartSender() {
  int ends[2] = {-1, -1};
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  sender_.Reset(ends[0]);
  const OwnedFd commands(ends[1]);
  sender_pid_ = fork();
  if (sender_pid_ != 0) return;
  sender_.Reset();
  int file = -1;
  int last = 0;
  for (;;) {
    auto command = ReceivePacket(commands.get(), std::size_t{1} << 16);
    if (!command || command->fds.empty()) _exit(0);
    if (file < 0) file = open((directory_ + "/file").c_str(), O_RDWR | O_CLOEXEC);
    const auto at = static_cast<std::size_t>(command->bytes[0]);
    std::vector<int> fds;
    for (std::size_t i = 1; i < command->fds.size(); ++i) fds.push_back(command->fds[i].get());
    fds.insert(fds.begin() + static_cast<std::ptrdiff_t>(std::min(at, fds.size())), file);
    const int channel = command->fds[0].get();
    const std::string bytes = command->bytes.substr(1);
    const bool sent =
        command->bytes[0] == kLast
            ? SendLastOf(directory_ + "/last" + std::to_string(++last), channel, bytes)
            : SendPacket(channel, bytes, fds);
    const char done = sent ? '+' : '-';
    if (send(commands.get(), &done, 1, MSG_NOSIGNAL) != 1) _exit(0);
  }
}

bool HungFileSystem::Order(int channel, char at, const std::string& bytes,
                           std::vector<int> fds) const {
  fds.insert(fds.begin(), channel);
  char done = '-';
  return SendPacket(sender_.get(), at + bytes, fds) && recv(sender_.get(), &done, 1, 0) == 1 &&
         done == '+';
}

bool HungFileSystem::Send(int channel, const std::string& bytes, std::vector<int> fds,
                          std::size_t at) const {
  return Order(channel, static_cast<char>(at), bytes, std::move(fds));
}

bool HungFileSystem::SendLast(int channel, const std::string& bytes) {
  flushes_ = true;
  const bool sent = Order(channel, kLast, bytes, {});
  flushes_ = false;
  return sent;
}

int HungFileSystem::Open() {
  files_.push_back(open((directory_ + "/file").c_str(), O_RDWR | O_CLOEXEC));
  EXPECT_GE(files_.back(), 0);
  return files_.back();
}

void HungFileSystem::Serve(int stop) {
  std::vector<char> buffer(std::size_t{1} << 18);
  std::uint64_t nodes = kFile;
  for (;;) {
    pollfd fds[2] = {{device_.get(), POLLIN, 0}, {stop, POLLIN, 0}};
    if (poll(fds, 2, -1) < 0 || fds[1].revents != 0 || (fds[0].revents & POLLERR) != 0) return;
    if (read(device_.get(), buffer.data(), buffer.size()) < 0) continue;
    fuse_in_header request = {};
    std::memcpy(&request, buffer.data(), sizeof request);
    if (request.opcode == FUSE_INIT) {
      fuse_init_out init = {};
      init.major = FUSE_KERNEL_VERSION;
      init.minor = 31;
      init.max_write = 4096;
      init.flags = FUSE_WRITEBACK_CACHE;
      Answer(device_.get(), request.unique, init);
    } else if (request.opcode == FUSE_LOOKUP) {
      const std::string name(buffer.data() + sizeof request);
      fuse_entry_out entry = {};
      entry.nodeid = name == "file" ? kFile : ++nodes;
      entry.entry_valid = kForEver;
      entry.attr = AttrOf(entry.nodeid);  // not valid for any time: fstat(2) asks
      Answer(device_.get(), request.unique, entry);
    } else if (request.opcode == FUSE_GETATTR && request.nodeid != kFile) {
      fuse_attr_out attr = {};
      attr.attr_valid = kForEver;
      attr.attr = AttrOf(request.nodeid);
      Answer(device_.get(), request.unique, attr);
    } else if (request.opcode == FUSE_OPEN) {
      Answer(device_.get(), request.unique, fuse_open_out{});
    } else if (request.opcode == FUSE_GETXATTR ||
               (request.opcode == FUSE_FLUSH && flushes_.load())) {
      Refuse(device_.get(), request.unique, request.opcode == FUSE_FLUSH ? 0 : -ENOSYS);
    } else if (request.opcode != FUSE_FORGET && request.opcode != FUSE_BATCH_FORGET &&
               request.opcode != FUSE_RELEASE && request.opcode != FUSE_INTERRUPT) {
      ++waiting_;
    }
  }
}

}  // namespace downwardfs::testing
