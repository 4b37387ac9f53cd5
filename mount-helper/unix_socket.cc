// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "base/text.h"

namespace downwardfs {
namespace {

constexpr int kBacklog = 64;
constexpr std::chrono::milliseconds kLookAgain{20};

int TypeOf(SocketKind kind) {
  return (kind == SocketKind::kStream ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_CLOEXEC;
}

Result<sockaddr_un> AddressOf(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return Fail(ErrorCode::kInvalidArgument,
                "socket " + QuoteForMessage(path) + ": must be a path of at most " +
                    std::to_string(sizeof address.sun_path - 1) + " bytes");
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

// True if somebody listens there, also if the socket is of another kind or its queue is full.
bool IsServed(const sockaddr_un& address, SocketKind kind) {
  const OwnedFd fd(socket(AF_UNIX, TypeOf(kind) | SOCK_NONBLOCK, 0));
  return connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
         (errno != ECONNREFUSED && errno != ENOENT);
}

Status MakeRoom(const sockaddr_un& address, SocketKind kind, std::chrono::milliseconds patience) {
  const std::string path = address.sun_path;
  struct stat st = {};
  if (lstat(path.c_str(), &st) != 0) return {};
  if (!S_ISSOCK(st.st_mode)) {
    return Fail(ErrorCode::kAlreadyExists, path + ": is there, and is no socket");
  }
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (IsServed(address, kind)) {
    if (std::chrono::steady_clock::now() >= deadline) {
      return Fail(ErrorCode::kAlreadyExists,
                  path + ": another process serves it (is a plugin of this name running?)");
    }
    std::this_thread::sleep_for(kLookAgain);
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return Fail(ErrnoError(errno, path));
  return {};
}

}  // namespace

Result<OwnedFd> ListenAt(const std::string& path, SocketKind kind,
                         const std::optional<SocketOwner>& owner,
                         std::chrono::milliseconds patience) {
  auto address = AddressOf(path);
  if (!address) return Fail(std::move(address.error()));
  if (auto done = MakeRoom(*address, kind, patience); !done) return Fail(std::move(done.error()));
  OwnedFd fd(socket(AF_UNIX, TypeOf(kind), 0));
  if (!fd) return Fail(ErrnoError(errno, "socket"));
  // Nobody else may connect in between.
  const mode_t before = umask(0177);
  const int bound =
      bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0 ? errno
                                                                                         : 0;
  umask(before);
  if (bound != 0) return Fail(ErrnoError(bound, path));
  if (owner && lchown(path.c_str(), owner->uid, owner->gid) != 0) {
    return Fail(ErrnoError(errno, path));
  }
  if (listen(fd.get(), kBacklog) != 0) return Fail(ErrnoError(errno, path));
  return fd;
}

Result<OwnedFd> ConnectTo(const std::string& path, SocketKind kind) {
  auto address = AddressOf(path);
  if (!address) return Fail(std::move(address.error()));
  OwnedFd fd(socket(AF_UNIX, TypeOf(kind), 0));
  if (!fd) return Fail(ErrnoError(errno, "socket"));
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) {
    Error error = ErrnoError(errno, path);
    error.code = ErrorCode::kUnavailable;
    return Fail(std::move(error));
  }
  return fd;
}

std::optional<uid_t> PeerUser(int connection) {
  ucred peer = {};
  socklen_t size = sizeof peer;
  if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  return peer.uid;
}

Result<std::string> SocketPath(const std::string& endpoint) {
  std::string path = endpoint;
  if (path.compare(0, 7, "unix://") == 0) {
    path.erase(0, 7);
  } else if (path.compare(0, 5, "unix:") == 0) {
    path.erase(0, 5);
  }
  if (path.empty() || path.front() != '/') {
    return Fail(ErrorCode::kInvalidArgument,
                "endpoint " + QuoteForMessage(endpoint) + ": must be unix:// and an absolute path");
  }
  if (auto address = AddressOf(path); !address) return Fail(std::move(address.error()));
  return path;
}

}  // namespace downwardfs
