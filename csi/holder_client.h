// SPDX-License-Identifier: Apache-2.0
//
// The daemon's end of the channel to its supervisor (mount-helper/supervisor.h): gets what the
// daemon before has left, asks for what needs a right, hears of mounts that have gone.
//
// One owner; calls may be made by any thread, several at once, and wait for the answer. Events come
// on the client's own thread `csi-holder` and must not block; it does not call back after Stop().
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/owned_fd.h"
#include "base/result.h"
#include "base/stoppable_thread.h"
#include "fs/volume/mount_status.h"
#include "mount-helper/fuse_mount.h"
#include "mount-helper/message_channel.h"

namespace downwardfs {

class HolderClient {
 public:
  struct Events {
    std::function<void(const std::string& id)> detached;  ///< the public mount is gone
    std::function<void(FuseMount)> handed;  ///< one that another mounter has had all the time
    std::function<void()> gone;             ///< the supervisor has died; nothing else comes
  };

  /// Says hello and takes what there is. kFailedPrecondition where this process has no supervisor.
  static Result<std::unique_ptr<HolderClient>> Open();
  ~HolderClient();

  // All that was handed over at the start, once.
  std::vector<FuseMount> TakeVolumes() { return std::move(volumes_); }
  OwnedFd TakeCsiSocket() { return std::move(sockets_.csi); }
  OwnedFd TakeRegistrationSocket() { return std::move(sockets_.registration); }
  int life() const { return life_.get(); }
  bool resend() const { return resend_; }
  std::chrono::milliseconds watchdog() const { return watchdog_; }
  MountStatus::Holder figures() const { return figures_; }
  /// Nothing can be mounted or unmounted at present.
  bool mounter_away() const { return mounter_away_; }

  /// From now on events are delivered.
  Status Start(Events events);
  void Stop() { thread_.Stop(); }

  /// Requests are answered from now on.
  Status SayServing();
  /// Now and then, for the watchdog.
  Status SayAlive();

  /// Answers with file_system, device and view. `replace`: a dead mount of ours may be in the way.
  Result<FuseMount> Mount(const std::string& id, const std::string& path, const std::string& source,
                          const OwnedFd& memory, bool replace);
  /// Done too where nothing is mounted. `ours`: what is there is this volume's; otherwise it is
  /// left alone where the place could be anybody's.
  Status Unmount(const std::string& id, const std::string& path, bool ours);
  /// A connection to a publisher's process of its own.
  Result<OwnedFd> NewPublisher();
  Result<bool> PodDirectoryExists(const std::string& path);

 private:
  struct Waiting {
    bool answered = false;
    Result<message::Done> answer = Fail(ErrorCode::kUnavailable, "the holder is away; try again");
  };

  explicit HolderClient(OwnedFd channel) : channel_(std::move(channel)) {}
  Status Receive();
  template <class Request>
  Result<message::Done> Call(Request request) EXCLUDES(mutex_);
  void Listen(int stop) EXCLUDES(mutex_);
  void Take(HolderMessage& message) EXCLUDES(mutex_);
  void TakeAnswer(message::Done answer) EXCLUDES(mutex_);
  template <class Message>
  Status Send(const Message& message) EXCLUDES(send_mutex_);

  const OwnedFd channel_;
  OwnedFd life_;
  message::Sockets sockets_;
  bool resend_ = true;
  std::chrono::milliseconds watchdog_{0};
  MountStatus::Holder figures_;
  std::vector<FuseMount> volumes_;
  Events events_;
  std::atomic<bool> mounter_away_{false};

  // Both are leaves, and nobody holds both: a request is registered, then sent.
  Mutex send_mutex_;  // one message at a time
  Mutex mutex_;
  CondVar answered_;
  std::uint64_t next_serial_ GUARDED_BY(mutex_) = 1;
  std::map<std::uint64_t, std::shared_ptr<Waiting>> waiting_ GUARDED_BY(mutex_);
  bool gone_ GUARDED_BY(mutex_) = false;
  StoppableThread thread_;
};

}  // namespace downwardfs
