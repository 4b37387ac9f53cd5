// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/volume_session.h"

#define FUSE_USE_VERSION 312
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <vector>

#include "base/mutex.h"
#include "base/owned_fd.h"
#include "base/text.h"
#include "base/worker_thread.h"
#include "fs/fuse/operations.h"
#include "fs/fuse/publisher.h"

namespace downwardfs {
namespace {

// libfuse reports why a mount failed through a log function only. While a session is made and
// mounted the lines are collected here; later ones are of no use to anybody and are dropped.
class LibfuseLog {
 public:
  LibfuseLog() {
    MutexLock lock(mutex_);
    text_.clear();
    fuse_set_log_func(&LibfuseLog::Write);
  }
  static std::string Text() {
    MutexLock lock(mutex_);
    std::string line;
    for (const char c : text_) line += c == '\n' ? ' ' : c;
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return OneLine(line);
  }

 private:
  static void Write(fuse_log_level, const char* format, va_list args) {
    char line[512];
    // The format string is libfuse's own.
    const int n = std::vsnprintf(line, sizeof line, format, args);  // NOLINT
    MutexLock lock(mutex_);
    if (n > 0 && text_.size() < 2000) text_ += line;
  }

  inline static Mutex mutex_;
  inline static std::string text_ GUARDED_BY(mutex_);
};

struct SessionDeleter {
  void operator()(fuse_session* session) const { fuse_session_destroy(session); }
};

std::string MountOptions(const VolumeSessionOptions& options) {
  // A comma would end the option; fusermount3 unescapes what libfuse escapes here.
  std::string fs_name;
  for (const char c : options.fs_name) {
    if (c == ',' || c == '\\') fs_name += '\\';
    fs_name += c;
  }
  return "ro,nosuid,nodev,noexec,default_permissions,subtype=downwardfs,fsname=" + fs_name +
         (options.allow_other ? ",allow_other" : "");
}

}  // namespace

struct VolumeSession::Impl final : KernelNotifier {
  explicit Impl(VolumeSessionOptions opts)
      : options(std::move(opts)),
        nodes(options.ownership, std::chrono::system_clock::now()),
        context{&nodes, &counters, options.status} {}

  // fuse_lowlevel_notify_* may be called by any thread that serves no request.
  void InvalidateName(const std::string& name) override {
    fuse_lowlevel_notify_inval_entry(session.get(), kRootNode, name.data(), name.size());
  }
  void InvalidateRoot() override {
    fuse_lowlevel_notify_inval_inode(session.get(), kRootNode, 0, 0);
  }

  void ServeRequests();

  const VolumeSessionOptions options;
  NodeTable nodes;
  RequestCounters counters;
  VolumeContext context;
  std::unique_ptr<fuse_session, SessionDeleter> session;
  bool mounted = false;
  OwnedFd stop{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  OwnedFd ended{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  // Set while Serve() runs. Before that nothing is cached, so nobody needs to be told.
  Mutex publisher_mutex;
  std::optional<Publisher> publisher GUARDED_BY(publisher_mutex);
};

// One serving thread: takes requests until the session ends or `stop` is written to.
void VolumeSession::Impl::ServeRequests() {
  fuse_buf buffer = {};
  pollfd fds[2] = {{fuse_session_fd(session.get()), POLLIN, 0}, {stop.get(), POLLIN, 0}};
  while (fuse_session_exited(session.get()) == 0) {
    if (poll(fds, 2, -1) < 0) {
      if (errno == EINTR) continue;
      break;
    }
    if (fds[1].revents != 0) break;
    // The fd does not block: another thread may have taken the request (-EAGAIN).
    const int n = fuse_session_receive_buf(session.get(), &buffer);
    if (n == 0) break;  // unmounted
    if (n > 0) fuse_session_process_buf(session.get(), &buffer);
    if (n < 0 && n != -EAGAIN && n != -EINTR) break;
  }
  std::free(buffer.mem);  // NOLINT: libfuse allocated it with malloc
  const std::uint64_t one = 1;
  if (write(ended.get(), &one, sizeof one) < 0)
    return;  // cannot fail: the counter is far from full
}

VolumeSession::VolumeSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

VolumeSession::~VolumeSession() {
  if (impl_ && impl_->mounted) fuse_session_unmount(impl_->session.get());
}

Result<std::unique_ptr<VolumeSession>> VolumeSession::Mount(VolumeSessionOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  if (!impl->stop || !impl->ended) return Fail(ErrnoError(errno, "eventfd"));
  const LibfuseLog log;
  const std::string mount_options = MountOptions(impl->options);
  const std::string program = "downwardfs";
  const std::string flag = "-o";
  char* argv[] = {const_cast<char*>(program.c_str()), const_cast<char*>(flag.c_str()),
                  const_cast<char*>(mount_options.c_str())};
  fuse_args args = FUSE_ARGS_INIT(3, argv);
  impl->session.reset(
      fuse_session_new(&args, &VolumeOperations(), sizeof(fuse_lowlevel_ops), &impl->context));
  fuse_opt_free_args(&args);
  if (!impl->session) {
    return Fail(ErrorCode::kInternal, "cannot make a FUSE session: " + LibfuseLog::Text());
  }
  if (fuse_session_mount(impl->session.get(), impl->options.mount_point.c_str()) != 0) {
    const std::string why = LibfuseLog::Text();
    return Fail(ErrorCode::kFailedPrecondition,
                impl->options.mount_point + ": cannot mount: " +
                    (why.empty() ? "fusermount3 refused (its message is above)" : why));
  }
  impl->mounted = true;
  const int fd = fuse_session_fd(impl->session.get());
  if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) {
    const Error error = ErrnoError(errno, "/dev/fuse");
    fuse_session_unmount(impl->session.get());
    return Fail(error);
  }
  return std::unique_ptr<VolumeSession>(new VolumeSession(std::move(impl)));
}

void VolumeSession::Publish(VolumeVersionPtr version, std::string resource_version) {
  NodeTable::Flip flip = impl_->nodes.Install(std::move(version), std::move(resource_version));
  MutexLock lock(impl_->publisher_mutex);
  if (impl_->publisher) {
    impl_->publisher->Enqueue(std::move(flip));
  } else if (flip.retired) {
    impl_->nodes.Expire(*flip.retired);  // nobody can have seen it
  }
}

void VolumeSession::SetResourceVersion(std::string resource_version) {
  impl_->nodes.SetResourceVersion(std::move(resource_version));
}

Result<int> VolumeSession::Serve() {
  sigset_t blocked;
  pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  const OwnedFd signals(signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) return Fail(ErrnoError(errno, "signalfd"));
  {
    MutexLock lock(impl_->publisher_mutex);
    impl_->publisher.emplace(impl_->nodes, *impl_);
  }
  int signal = 0;
  {
    std::vector<WorkerThread> threads;
    threads.reserve(static_cast<std::size_t>(impl_->options.threads));
    for (int i = 0; i < impl_->options.threads; ++i) {
      threads.emplace_back("fuse-" + std::to_string(i), [this] { impl_->ServeRequests(); });
    }
    pollfd fds[2] = {{signals.get(), POLLIN, 0}, {impl_->ended.get(), POLLIN, 0}};
    while (fds[1].revents == 0 && signal == 0) {
      if (poll(fds, 2, -1) < 0 && errno != EINTR) break;
      signalfd_siginfo info = {};
      if (read(signals.get(), &info, sizeof info) == sizeof info) {
        signal = static_cast<int>(info.ssi_signo);
      }
    }
    // The publisher ends before the serving threads do: a notification waits for a directory's
    // lock, whose holder may wait for one of them.
    {
      MutexLock lock(impl_->publisher_mutex);
      impl_->publisher.reset();
    }
    fuse_session_exit(impl_->session.get());
    const std::uint64_t one = 1;
    if (write(impl_->stop.get(), &one, sizeof one) < 0) return Fail(ErrnoError(errno, "eventfd"));
  }
  // Closes the device first, which ends every request still waiting, then unmounts lazily; does
  // nothing where somebody has unmounted already.
  fuse_session_unmount(impl_->session.get());
  impl_->mounted = false;
  return signal;
}

NodeTable::Stats VolumeSession::stats() const {
  return impl_->nodes.GetStats();
}

std::map<std::string, std::uint64_t> VolumeSession::requests() const {
  return impl_->counters.Snapshot();
}

}  // namespace downwardfs
