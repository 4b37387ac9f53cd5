// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/descriptor_gate.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <utility>

#include "base/process.h"

namespace downwardfs {
namespace {

// The child's looks are over in microseconds, unless a file system has found a way to be asked.
constexpr std::chrono::milliseconds kLookPatience{5000};
// The first byte of the child's answer; the packet follows.
constexpr char kTaken = '+';
constexpr char kRefused = '-';
constexpr char kTooMany = '!';  // and this child should be the last to keep any

struct ChildPair {
  OwnedFd ours;
  OwnedFd childs;
};

Result<ChildPair> MakeChildPair() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Fail(ErrnoError(errno, "socketpair"));
  }
  return ChildPair{OwnedFd(ends[0]), OwnedFd(ends[1])};
}

// A child that hangs keeps what it has open: nothing but these, no standard stream either.
void KeepOnly(std::vector<int> fds) {
  CloseAllBut(std::move(fds), /*first=*/0);
}

// A connection to receive one packet from: its answer.
void ReceiveOne(int owner, int channel, std::size_t limit, DescriptorGate::Check check) {
  auto packet = ReceivePacket(channel, limit);
  std::string answer(1, packet ? kRefused : kTooMany);
  std::vector<int> fds;
  if (packet && check(*packet)) {
    answer[0] = kTaken;
    answer += packet->bytes;
    for (const OwnedFd& fd : packet->fds) fds.push_back(fd.get());
  } else if (packet) {
    Abandon(packet->fds);
  }
  SendPacket(owner, answer, fds, kLookPatience);
}

[[noreturn]] void ReceiveForOwner(int owner, std::size_t limit, DescriptorGate::Check check) {
  prctl(PR_SET_NAME, "dwfs-receiver");
  KeepOnly({owner});
  for (;;) {
    auto order = ReceivePacket(owner, 1, 1);
    if (!order || order->fds.size() != 1) _exit(0);
    ReceiveOne(owner, order->fds[0].get(), limit, check);
  }
}

[[noreturn]] void HoldUntilClosed(const std::vector<OwnedFd>& held, int owner) {
  prctl(PR_SET_NAME, "dwfs-closer");
  std::vector<int> fds = {owner};
  for (const OwnedFd& fd : held) fds.push_back(fd.get());
  KeepOnly(std::move(fds));
  char byte = 0;
  while (recv(owner, &byte, 1, 0) < 0 && errno == EINTR) {
  }
  _exit(0);
}

tl::unexpected<Error> NotTaken(const char* why) {
  return Invalid(std::string("a message with descriptors is not taken: ") + why);
}

bool IsReadable(int fd, std::chrono::milliseconds patience) {
  pollfd ready = {fd, POLLIN, 0};
  int events = 0;
  do {
    events = poll(&ready, 1, static_cast<int>(patience.count()));
  } while (events < 0 && errno == EINTR);
  return events == 1;
}

}  // namespace

Result<FdPacket> DescriptorGate::Receive(int channel, std::size_t limit, Check check) {
  if (!NextHasFds(channel)) return ReceivePacket(channel, limit, 0);
  if (!receiver_ && !StartReceiver(limit, check)) {
    return NotTaken("no process can be started that looks at them");
  }
  if (!SendPacket(receiver_.get(), "r", {channel}, kLookPatience) ||
      !IsReadable(receiver_.get(), kLookPatience)) {
    RetireReceiver();
    return NotTaken("they could not be looked at");
  }
  auto answer = ReceivePacket(receiver_.get(), limit + 1);
  if (!answer) {
    RetireReceiver();
    return NotTaken("the process that looks at them has ended");
  }
  if (answer->bytes[0] != kTaken) {
    if (++kept_ >= kMostKept || answer->bytes[0] == kTooMany) RetireReceiver();
    return NotTaken("one of them is not what it should be");
  }
  answer->bytes.erase(0, 1);
  return answer;
}

bool DescriptorGate::StartReceiver(std::size_t limit, Check check) {
  DropEnded();
  if (children_.size() >= kMostHanging) return false;
  auto pair = MakeChildPair();
  const pid_t child = pair ? fork() : -1;
  if (child == 0) ReceiveForOwner(pair->childs.get(), limit, check);
  if (child < 0) return false;
  receiver_ = std::move(pair->ours);
  receiver_pid_ = child;
  kept_ = 0;
  return true;
}

// It ends with its connection, unless it hangs by now, or will.
void DescriptorGate::RetireReceiver() {
  receiver_.Reset();
  Watch(std::exchange(receiver_pid_, -1));
}

void DescriptorGate::Close(std::vector<OwnedFd> fds) {
  if (fds.empty()) return;
  DropEnded();
  if (children_.size() >= kMostHanging || !CloseInChild(fds)) parked_.push_back(std::move(fds));
}

void DescriptorGate::EndConnection(OwnedFd connection) {
  if (!connection) return;
  shutdown(connection.get(), SHUT_RDWR);
  std::vector<OwnedFd> fds;
  fds.push_back(std::move(connection));
  Close(std::move(fds));
}

// The child's copy of each is the last one, and goes when the child does.
bool DescriptorGate::CloseInChild(std::vector<OwnedFd>& fds) {
  auto pair = MakeChildPair();
  const pid_t child = pair ? fork() : -1;
  if (child == 0) HoldUntilClosed(fds, pair->childs.get());
  if (child < 0) return false;
  fds.clear();
  Watch(child);
  return true;
}

bool DescriptorGate::full() {
  DropEnded();
  while (!parked_.empty() && children_.size() < kMostHanging && CloseInChild(parked_.back())) {
    parked_.pop_back();
  }
  return parked_.size() >= kMostParked;
}

void DescriptorGate::DropEnded() {
  children_.erase(std::remove_if(children_.begin(), children_.end(),
                                 [](const OwnedFd& child) {
                                   return IsReadable(child.get(), std::chrono::milliseconds(0));
                                 }),
                  children_.end());
}

// It is not reaped yet, so that the number is still its own.
void DescriptorGate::Watch(pid_t child) {
  OwnedFd watch(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  if (watch) children_.push_back(std::move(watch));
}

}  // namespace downwardfs
