// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/kernel_session.h"

#define FUSE_USE_VERSION 312
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstdlib>

#include "fs/fuse/init_reply.h"
#include "fs/fuse/libfuse_log.h"
#include "fs/fuse/request_in_work.h"
#include "fs/fuse/request_recovery.h"

namespace downwardfs {
namespace {

struct SessionDeleter {
  void operator()(fuse_session* session) const { fuse_session_destroy(session); }
};
using SessionPtr = std::unique_ptr<fuse_session, SessionDeleter>;

// The device's plain read and writev: no splice, since requests are small. The answer to INIT is
// completed on its way.
ssize_t ReadRequest(int fd, void* buffer, std::size_t size, void* userdata) {
  SessionContext& context = ContextOf(userdata);
  const ssize_t n =
      context.recovery ? context.recovery->Read(fd, buffer, size) : read(fd, buffer, size);
  // Cut off by umount -f: an end like any other, of which libfuse would print a line of its own.
  if (n < 0 && errno == ECONNABORTED) errno = ENODEV;
  if (n > 0) context.init_reply.SawRequest(buffer, static_cast<std::size_t>(n));
  return n;
}

ssize_t WriteReply(int fd, iovec* parts, int count, void* userdata) {
  SessionContext& context = ContextOf(userdata);
  context.init_reply.Complete(parts, count);
  if (context.recovery && context.recovery->swallows_replies()) {
    ssize_t size = 0;
    for (int i = 0; i < count; ++i) size += static_cast<ssize_t>(parts[i].iov_len);
    return size;
  }
  if (context.recovery) context.recovery->Prove();
  return writev(fd, parts, count);
}

// By name: later versions of libfuse have more members.
constexpr fuse_custom_io kDeviceIo = [] {
  fuse_custom_io io{};
  io.writev = WriteReply;
  io.read = ReadRequest;
  return io;
}();

std::string UserOptions(const KernelSession::UserMountOptions& options) {
  // A comma would end the option; fusermount3 unescapes what libfuse escapes here.
  std::string fs_name;
  for (const char c : options.fs_name) {
    if (c == ',' || c == '\\') fs_name += '\\';
    fs_name += c;
  }
  // Not `ro`: there is no second, writable view of the tree, and our own changes come through the
  // mount point. Everybody else's are answered EROFS.
  return "nosuid,nodev,noexec,default_permissions,subtype=downwardfs,fsname=" + fs_name +
         (options.allow_other ? ",allow_other" : "") + (options.read_only ? ",ro" : "");
}

SessionPtr NewSession(const std::string& options, SessionContext& context) {
  const std::string program = "downwardfs";
  const std::string flag = "-o";
  char* argv[] = {const_cast<char*>(program.c_str()), const_cast<char*>(flag.c_str()),
                  const_cast<char*>(options.c_str())};
  fuse_args args = FUSE_ARGS_INIT(options.empty() ? 1 : 3, argv);
  const fuse_lowlevel_ops& operations = Operations();
  SessionPtr session(fuse_session_new(&args, &operations, sizeof operations, &context));
  fuse_opt_free_args(&args);
  return session;
}

}  // namespace

struct RequestBuffer::Buffer {
  fuse_buf buf = {};
};

RequestBuffer::RequestBuffer(std::uint32_t slot)
    : buffer_(std::make_unique<Buffer>()), slot_(slot) {}
RequestBuffer::~RequestBuffer() {
  std::free(buffer_->buf.mem);  // NOLINT: libfuse allocated it with malloc
}

struct KernelSession::Impl {
  SessionPtr session;
  std::string mounted_at;  // by fusermount3; empty: by somebody else
  RequestRecovery* recovery = nullptr;
};

KernelSession::KernelSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KernelSession::~KernelSession() = default;

Result<std::unique_ptr<KernelSession>> KernelSession::Attach(OwnedFd device,
                                                             SessionContext& context) {
  const LibfuseLog log;
  auto impl = std::make_unique<Impl>();
  impl->session = NewSession("", context);
  if (!impl->session) {
    return Fail(ErrorCode::kInternal, "cannot make a FUSE session: " + LibfuseLog::Text());
  }
  if (const int error = fuse_session_custom_io(impl->session.get(), &kDeviceIo, device.get());
      error != 0) {
    return Fail(ErrnoError(-error, "cannot make a FUSE session"));
  }
  device.Release();  // the session's now
  impl->recovery = context.recovery;
  return std::unique_ptr<KernelSession>(new KernelSession(std::move(impl)));
}

Result<std::unique_ptr<KernelSession>> KernelSession::Resume(OwnedFd device,
                                                             SessionContext& context, bool resend,
                                                             std::vector<std::uint64_t> poison) {
  RequestRecovery& recovery = *context.recovery;
  recovery.Refuse(std::move(poison));
  auto session = Attach(std::move(device), context);
  if (!session) return session;
  auto init = recovery.SavedInit();
  if (!init) return Fail(std::move(init.error()));
  resend = resend && RequestRecovery::KernelResends(*init);
  auto again = recovery.Unanswered(/*forgets_only=*/resend);
  if (!again) return Fail(std::move(again.error()));
  // The kernel sends INIT once per mount. libfuse is taken through it again, and nobody sees the
  // answer, unless the one before us has died before it answered.
  fuse_session* const libfuse = (*session)->impl_->session.get();
  if (!init->empty()) {
    fuse_buf buf = {};
    buf.mem = init->data();
    buf.size = init->size();
    const bool unanswered = recovery.BeginInit();
    recovery.SwallowReplies(!unanswered);
    if (unanswered) context.init_reply.SawRequest(init->data(), init->size());
    fuse_session_process_buf(libfuse, &buf);
    recovery.SwallowReplies(false);
    if (unanswered) recovery.Finished();
  }
  recovery.EndReading();
  for (std::string& request : *again) {
    fuse_buf buf = {};
    buf.mem = request.data();
    buf.size = request.size();
    if (!recovery.Begin(request, (*session)->fd())) continue;
    fuse_session_process_buf(libfuse, &buf);
    recovery.Finished();
  }
  if (resend) recovery.AskForResend((*session)->fd());
  return session;
}

Result<std::unique_ptr<KernelSession>> KernelSession::MountAsUser(const UserMountOptions& options,
                                                                  SessionContext& context) {
  const LibfuseLog log;
  auto impl = std::make_unique<Impl>();
  impl->session = NewSession(UserOptions(options), context);
  if (!impl->session) {
    return Fail(ErrorCode::kInternal, "cannot make a FUSE session: " + LibfuseLog::Text());
  }
  fuse_session* const session = impl->session.get();
  if (fuse_session_mount(session, options.mount_point.c_str()) != 0) {
    const std::string why = LibfuseLog::Text();
    return Fail(ErrorCode::kFailedPrecondition,
                options.mount_point + ": cannot mount: " +
                    (why.empty() ? "fusermount3 refused (its message is above)" : why));
  }
  impl->mounted_at = options.mount_point;
  const int fd = fuse_session_fd(session);
  int error = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0 ? errno : 0;
  if (error == 0) error = -fuse_session_custom_io(session, &kDeviceIo, fd);
  std::unique_ptr<KernelSession> mounted(new KernelSession(std::move(impl)));
  if (error != 0) {
    mounted->UnmountAsUser();
    return Fail(ErrnoError(error, "/dev/fuse"));
  }
  return mounted;
}

void KernelSession::Close() {
  // Another file takes the descriptor's place, since a task that is stuck may still notify.
  const OwnedFd nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (nothing) dup3(nothing.get(), fd(), O_CLOEXEC);
}

void KernelSession::UnmountAsUser() {
  // Closes the device first, which ends every request still waiting, then unmounts lazily.
  if (!impl_->mounted_at.empty()) fuse_session_unmount(impl_->session.get());
  impl_->mounted_at.clear();
}

int KernelSession::fd() const {
  return fuse_session_fd(impl_->session.get());
}

KernelSession::Outcome KernelSession::ServeOne(RequestBuffer& buffer) {
  fuse_session* const session = impl_->session.get();
  fuse_buf& buf = buffer.buffer_->buf;
  request_in_work.slot = buffer.slot_;
  // The fd does not block: another thread may have taken the request (-EAGAIN).
  const int n = fuse_session_receive_buf(session, &buf);
  if (n > 0) {
    fuse_session_process_buf(session, &buf);
    if (impl_->recovery != nullptr) impl_->recovery->Finished();
    return Outcome::kServed;
  }
  if (n == -EINTR) return Outcome::kServed;  // try again
  return n == -EAGAIN ? Outcome::kNothing : Outcome::kEnded;
}

void KernelSession::InvalidateName(InodeId directory, const std::string& name) {
  fuse_lowlevel_notify_inval_entry(impl_->session.get(), directory, name.data(), name.size());
}

void KernelSession::InvalidateInode(InodeId inode) {
  fuse_lowlevel_notify_inval_inode(impl_->session.get(), inode, 0, 0);
}

}  // namespace downwardfs
