// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/operations.h"

#define FUSE_USE_VERSION 312
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>
#include <string_view>
#include <vector>

#include "fs/fuse/alive_file.h"
#include "fs/fuse/extended_attributes.h"
#include "fs/fuse/fuse_replies.h"

namespace downwardfs {
namespace {

using RequestKind = RequestCounters::Kind;

// Names are invalidated when they move, and so are attributes, so the kernel may keep both as long
// as it likes. ENOENT is never cached: its reply carries no timeout.
constexpr double kForever = 365.0 * 24 * 3600;

double Timeout(const SessionContext& context, bool keep) {
  return keep && context.kernel_caches ? kForever : 0;
}

SessionContext& Counted(fuse_req_t request, RequestKind kind) {
  SessionContext& context = ContextOf(fuse_req_userdata(request));
  context.counters->Count(kind);
  return context;
}

void Init(void* userdata, fuse_conn_info* connection) {
  SessionContext& context = ContextOf(userdata);
  context.counters->Count(RequestKind::kInit);
  // Only what we rely on. No splice: requests are small. No automatic invalidation of data: the
  // kernel is told. No readdirplus: it would render the files of every directory that is listed.
  const FileSystem::Traits traits = context.file_system->traits();
  const bool caches_listings = !traits.opens_directories;
  const unsigned caches = FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_NO_OPEN_SUPPORT |
                          (caches_listings ? FUSE_CAP_NO_OPENDIR_SUPPORT : 0u);
  // Without ASYNC_DIO io_uring takes a short read of an open with FOPEN_DIRECT_IO for the first
  // part of its buffer and reads on from the same offset: 129 copies of a short file (seen
  // on 6.18).
  const unsigned wanted = FUSE_CAP_ASYNC_READ | FUSE_CAP_PARALLEL_DIROPS |
                          (traits.opens_files ? FUSE_CAP_ASYNC_DIO : 0u);
  connection->max_write = kMaxWrite;  // nobody writes; the room for a request follows from it
  connection->want = connection->capable & (wanted | (context.kernel_caches ? caches : 0));
  context.no_open = (connection->want & FUSE_CAP_NO_OPEN_SUPPORT) != 0;
  context.no_opendir = (connection->want & FUSE_CAP_NO_OPENDIR_SUPPORT) != 0;
}

void Destroy(void* userdata) {
  ContextOf(userdata).counters->Count(RequestKind::kDestroy);
}

// With -ENOENT the kernel says that it has dropped the reply, for the caller was interrupted. The
// lookup or open that went with the reply must be taken back, unless the kernel has it from the
// daemon before us.
bool NeverArrived(const SessionContext& context, int replied) {
  return replied == -ENOENT && !(context.recovery && context.recovery->answers_again());
}

// With an entry goes one lookup of its inode (file_system.h).
void ReplyEntry(fuse_req_t request, SessionContext& context, const Entry& found) {
  fuse_entry_param entry = {};
  entry.ino = found.id;
  entry.attr = ToStat(found);
  entry.attr_timeout = Timeout(context, found.keep_attr);
  entry.entry_timeout = Timeout(context, found.keep_name);
  if (!NeverArrived(context, fuse_reply_entry(request, &entry))) return;
  context.file_system->ForgetOne(found.id, 1);
}

void ReplyAttr(fuse_req_t request, const SessionContext& context, const Entry& found) {
  const struct stat st = ToStat(found);
  fuse_reply_attr(request, &st, Timeout(context, found.keep_attr));
}

void Lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  SessionContext& context = Counted(request, RequestKind::kLookup);
  if (parent == kRootInode && name == kAliveName) {
    ReplyEntry(request, context, AliveEntry());
    return;
  }
  if (const auto found = context.file_system->Lookup(parent, name)) {
    ReplyEntry(request, context, *found);
  } else {
    const pid_t thread = fuse_req_ctx(request)->pid;
    const bool elsewhere = context.file_system->LeadsElsewhere(parent, name, thread);
    fuse_reply_err(request, elsewhere ? ESTALE : ENOENT);
  }
}

void Forget(fuse_req_t request, fuse_ino_t inode, std::uint64_t count) {
  Counted(request, RequestKind::kForget).file_system->ForgetOne(inode, count);
  fuse_reply_none(request);
}

void ForgetMulti(fuse_req_t request, std::size_t count, fuse_forget_data* forgets) {
  std::vector<Forgotten> inodes;
  inodes.reserve(count);
  for (std::size_t i = 0; i < count; ++i) inodes.push_back({forgets[i].ino, forgets[i].nlookup});
  Counted(request, RequestKind::kForget).file_system->Forget(inodes);
  fuse_reply_none(request);
}

void Getattr(fuse_req_t request, fuse_ino_t inode, fuse_file_info*) {
  const SessionContext& context = Counted(request, RequestKind::kGetattr);
  const std::optional<Entry> found =
      inode == kAliveInode ? AliveEntry() : context.file_system->Attr(inode);
  if (found) {
    ReplyAttr(request, context, *found);
  } else {
    fuse_reply_err(request, ESTALE);
  }
}

void Readlink(fuse_req_t request, fuse_ino_t inode) {
  const auto target = Counted(request, RequestKind::kReadlink).file_system->ReadLink(inode);
  if (target) {
    fuse_reply_readlink(request, target->c_str());
  } else {
    fuse_reply_err(request, EINVAL);
  }
}

// An open that comes with an armed change of the file's attributes is our own, made for the
// IN_CLOSE_WRITE that its end raises. It pins nothing, and no byte that is written to it counts.
void OpenForWriting(fuse_req_t request, const SessionContext& context, InodeId inode,
                    fuse_file_info* file) {
  const FileSystem::Traits traits = context.file_system->traits();
  const bool armed = traits.opens_files && traits.takes_changes &&
                     context.file_system->Apply({ChangeKind::kSetAttributes, inode, "", ""});
  if (!armed) {
    fuse_reply_err(request, EROFS);
    return;
  }
  file->fh = kNoOpen;
  file->direct_io = 1;
  fuse_reply_open(request, file);
}

// ENOSYS tells the kernel never to ask again and to keep what it has read, if it has offered that;
// otherwise it would be an error for the caller. The reads of an open
// that pins a content must leave no page behind for the next open.
void Open(fuse_req_t request, fuse_ino_t inode, fuse_file_info* file) {
  SessionContext& context = Counted(request, RequestKind::kOpen);
  if ((file->flags & O_ACCMODE) != O_RDONLY) return OpenForWriting(request, context, inode, file);
  if (inode == kAliveInode) {
    file->direct_io = 1;
    fuse_reply_open(request, file);
    return;
  }
  const bool pins = context.file_system->traits().opens_files;
  if (!pins && context.no_open) {
    fuse_reply_err(request, ENOSYS);
    return;
  }
  const auto handle = pins ? context.file_system->OpenFile(inode) : 0;
  if (!handle) {
    fuse_reply_err(request, ESTALE);
    return;
  }
  file->fh = *handle;
  file->keep_cache = !pins && context.kernel_caches;
  file->direct_io = file->keep_cache == 0;
  // The kernel will send no RELEASE if it has dropped the reply.
  if (NeverArrived(context, fuse_reply_open(request, file))) {
    context.file_system->CloseFile(*handle);
  }
}

void Release(fuse_req_t request, fuse_ino_t inode, fuse_file_info* file) {
  const SessionContext& context = Counted(request, RequestKind::kRelease);
  if (inode != kAliveInode) context.file_system->CloseFile(file->fh);
  fuse_reply_err(request, 0);
}

void Opendir(fuse_req_t request, fuse_ino_t inode, fuse_file_info* file) {
  SessionContext& context = Counted(request, RequestKind::kOpendir);
  const bool pins = context.file_system->traits().opens_directories;
  if (!pins && context.no_opendir) {
    fuse_reply_err(request, ENOSYS);
    return;
  }
  // A kernel that cannot be told so once for all (before 5.1) keeps the listing all the same.
  file->keep_cache = file->cache_readdir = !pins && context.kernel_caches;
  const auto handle = pins ? context.file_system->OpenDirectory(inode) : 0;
  if (!handle) {
    fuse_reply_err(request, ENOENT);
    return;
  }
  file->fh = *handle;
  if (NeverArrived(context, fuse_reply_open(request, file))) {
    context.file_system->CloseDirectory(*handle);
  }
}

void Releasedir(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
  Counted(request, RequestKind::kRelease).file_system->CloseDirectory(file->fh);
  fuse_reply_err(request, 0);
}

// A read that fills the page cache names no lock owner (FUSE_READ_LOCKOWNER, fs/fuse/file.c). Its
// pages belong to the inode and serve every open, so they have what the inode shows now, not what
// the one open that the kernel happened to use has pinned.
void Read(fuse_req_t request, fuse_ino_t inode, std::size_t size, off_t offset,
          fuse_file_info* file) {
  const bool fills_cache = file->lock_owner == 0;
  FileSystem& shown = *Counted(request, RequestKind::kRead).file_system;
  if (inode == kAliveInode) {
    ReplyContent(request, kAliveContent, size, offset);
    return;
  }
  const auto content =
      shown.Content(inode, fills_cache ? kNoOpen : file->fh, static_cast<std::uint64_t>(offset));
  if (content) {
    ReplyContent(request, *content, size, offset);
  } else {
    fuse_reply_err(request, ESTALE);
  }
}

void Readdir(fuse_req_t request, fuse_ino_t inode, std::size_t size, off_t offset,
             fuse_file_info* file) {
  FileSystem& shown = *Counted(request, RequestKind::kReaddir).file_system;
  if (const auto listing = shown.List(inode, file->fh, offset == 0)) {
    ReplyListing(request, listing, size, offset);
  } else {
    fuse_reply_err(request, shown.traits().opens_directories ? EBADF : ENOTDIR);
  }
}

void Statfs(fuse_req_t request, fuse_ino_t) {
  ReplyTotals(request, Counted(request, RequestKind::kStatfs).file_system->GetTotals());
}

// Requests that nobody may make.
void Refuse(fuse_req_t request) {
  Counted(request, RequestKind::kRefused);
  fuse_reply_err(request, EROFS);
}

bool TakesChanges(fuse_req_t request) {
  return ContextOf(fuse_req_userdata(request)).file_system->traits().takes_changes;
}

// A change that makes an inode.
void Make(fuse_req_t request, RequestKind kind, const TreeChange& change) {
  if (!TakesChanges(request)) return Refuse(request);
  SessionContext& context = Counted(request, kind);
  if (const auto made = context.file_system->Apply(change)) {
    ReplyEntry(request, context, *made);
  } else {
    fuse_reply_err(request, EROFS);
  }
}

void Mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t) {
  Make(request, RequestKind::kMkdir, {ChangeKind::kMakeDirectory, parent, name, ""});
}

void Mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t, dev_t) {
  Make(request, RequestKind::kMknod, {ChangeKind::kMakeFile, parent, name, ""});
}

void Symlink(fuse_req_t request, const char*, fuse_ino_t parent, const char* name) {
  Make(request, RequestKind::kSymlink, {ChangeKind::kMakeLink, parent, name, ""});
}

// A change that is answered with success alone.
void Move(fuse_req_t request, RequestKind kind, const TreeChange& change) {
  if (!TakesChanges(request)) return Refuse(request);
  const auto changed = Counted(request, kind).file_system->Apply(change);
  fuse_reply_err(request, changed ? 0 : EROFS);
}

void Unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
  Move(request, RequestKind::kUnlink, {ChangeKind::kUnlink, parent, name, ""});
}

void Rmdir(fuse_req_t request, fuse_ino_t parent, const char* name) {
  Move(request, RequestKind::kRmdir, {ChangeKind::kRemoveDirectory, parent, name, ""});
}

void Rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
            const char* new_name, unsigned flags) {
  const bool ours = parent == new_parent && flags == 0;
  Move(request, RequestKind::kRename,
       {ours ? ChangeKind::kRename : ChangeKind::kNone, parent, name, new_name});
}

void Setattr(fuse_req_t request, fuse_ino_t inode, struct stat*, int, fuse_file_info*) {
  if (!TakesChanges(request)) return Refuse(request);
  const SessionContext& context = Counted(request, RequestKind::kSetattr);
  if (const auto found = context.file_system->Apply({ChangeKind::kSetAttributes, inode, "", ""})) {
    ReplyAttr(request, context, *found);
  } else {
    fuse_reply_err(request, EROFS);
  }
}

void Write(fuse_req_t request, fuse_ino_t inode, const char*, std::size_t, off_t, fuse_file_info*) {
  const SessionContext& context = ContextOf(fuse_req_userdata(request));
  Refuse(request);
  if (context.refused_write) context.refused_write(inode);
}

void Create(fuse_req_t request, fuse_ino_t, const char*, mode_t, fuse_file_info*) {
  Refuse(request);
}

void Link(fuse_req_t request, fuse_ino_t, fuse_ino_t, const char*) {
  Refuse(request);
}

void Setxattr(fuse_req_t request, fuse_ino_t, const char*, const char*, std::size_t, int) {
  Refuse(request);
}

void Removexattr(fuse_req_t request, fuse_ino_t, const char*) {
  Refuse(request);
}

void Fallocate(fuse_req_t request, fuse_ino_t, int, off_t, off_t, fuse_file_info*) {
  Refuse(request);
}

}  // namespace

const fuse_lowlevel_ops& Operations() {
  static const fuse_lowlevel_ops operations = [] {
    fuse_lowlevel_ops ops = {};
    ops.init = Init;
    ops.destroy = Destroy;
    ops.lookup = Lookup;
    ops.forget = Forget;
    ops.forget_multi = ForgetMulti;
    ops.getattr = Getattr;
    ops.readlink = Readlink;
    ops.open = Open;
    ops.opendir = Opendir;
    ops.releasedir = Releasedir;
    ops.read = Read;
    ops.readdir = Readdir;
    ops.statfs = Statfs;
    ops.getxattr = GetExtendedAttribute;
    ops.listxattr = ListExtendedAttributes;
    ops.release = Release;
    ops.mkdir = Mkdir;
    ops.mknod = Mknod;
    ops.symlink = Symlink;
    ops.unlink = Unlink;
    ops.rmdir = Rmdir;
    ops.rename = Rename;
    ops.setattr = Setattr;
    ops.write = Write;
    ops.create = Create;
    ops.link = Link;
    ops.setxattr = Setxattr;
    ops.removexattr = Removexattr;
    ops.fallocate = Fallocate;
    return ops;
  }();
  return operations;
}

}  // namespace downwardfs
