// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/operations.h"

#define FUSE_USE_VERSION 312
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "fs/fuse/fuse_replies.h"

namespace downwardfs {
namespace {

using RequestKind = RequestCounters::Kind;

// What an inode stands for never changes and names are invalidated when they move, so the kernel
// may keep both as long as it likes. ENOENT is never cached: its reply carries no timeout.
constexpr double kForever = 365.0 * 24 * 3600;

double TimeoutOf(const VolumeContext& context) {
  return context.kernel_caches ? kForever : 0;
}

VolumeContext& Counted(fuse_req_t request, RequestKind kind) {
  auto& context = *static_cast<VolumeContext*>(fuse_req_userdata(request));
  context.counters->Count(kind);
  return context;
}

void Init(void* userdata, fuse_conn_info* connection) {
  auto& context = *static_cast<VolumeContext*>(userdata);
  context.counters->Count(RequestKind::kInit);
  // Only what the volume relies on. No splice: requests are small. No automatic invalidation of
  // data: content behind an inode never changes.
  const unsigned caches =
      FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_NO_OPEN_SUPPORT | FUSE_CAP_NO_OPENDIR_SUPPORT;
  const unsigned wanted = FUSE_CAP_ASYNC_READ | FUSE_CAP_PARALLEL_DIROPS;
  connection->max_write = kMaxWrite;  // nobody writes; the room for a request follows from it
  connection->want = connection->capable & (wanted | (context.kernel_caches ? caches : 0));
}

void Destroy(void* userdata) {
  static_cast<VolumeContext*>(userdata)->counters->Count(RequestKind::kDestroy);
}

// With an entry goes one lookup of its node.
void ReplyEntry(fuse_req_t request, VolumeContext& context, const NodeAttr& attr) {
  fuse_entry_param entry = {};
  entry.ino = attr.id;
  entry.attr = ToStat(attr);
  entry.attr_timeout = TimeoutOf(context);
  entry.entry_timeout = TimeoutOf(context);
  if (fuse_reply_entry(request, &entry) != -ENOENT) return;
  // The kernel never saw the node if the caller was interrupted: take the lookup back. Not so where
  // it has the answer from the daemon before us.
  if (context.recovery && context.recovery->answers_again()) return;
  context.nodes->Forget(attr.id, 1);
}

void Lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  VolumeContext& context = Counted(request, RequestKind::kLookup);
  const auto attr = context.nodes->Lookup(parent, name);
  if (!attr) {
    fuse_reply_err(request, ENOENT);
    return;
  }
  ReplyEntry(request, context, *attr);
}

void Forget(fuse_req_t request, fuse_ino_t node, std::uint64_t count) {
  Counted(request, RequestKind::kForget).nodes->Forget(node, count);
  fuse_reply_none(request);
}

void ForgetMulti(fuse_req_t request, std::size_t count, fuse_forget_data* forgets) {
  VolumeContext& context = Counted(request, RequestKind::kForget);
  std::vector<Forgotten> nodes;
  nodes.reserve(count);
  for (std::size_t i = 0; i < count; ++i) nodes.push_back({forgets[i].ino, forgets[i].nlookup});
  context.nodes->ForgetAll(nodes);
  fuse_reply_none(request);
}

void Getattr(fuse_req_t request, fuse_ino_t node, fuse_file_info*) {
  VolumeContext& context = Counted(request, RequestKind::kGetattr);
  const auto attr = context.nodes->Attr(node);
  if (!attr) {
    fuse_reply_err(request, ESTALE);
    return;
  }
  const struct stat st = ToStat(*attr);
  fuse_reply_attr(request, &st, TimeoutOf(context));
}

void Readlink(fuse_req_t request, fuse_ino_t node) {
  const auto target = Counted(request, RequestKind::kReadlink).nodes->ReadLink(node);
  if (target) {
    fuse_reply_readlink(request, target->c_str());
  } else {
    fuse_reply_err(request, EINVAL);
  }
}

// Where content never changes behind an inode, ENOSYS tells the kernel never to ask again
// (FUSE_NO_OPEN_SUPPORT) and to keep what it has read. In the live layout an open pins a content,
// and no page of it may be kept for the next open.
void Open(fuse_req_t request, fuse_ino_t node, fuse_file_info* file) {
  VolumeContext& context = Counted(request, RequestKind::kOpen);
  if ((file->flags & O_ACCMODE) != O_RDONLY) {
    fuse_reply_err(request, EROFS);
    return;
  }
  const bool pins = context.nodes->opens_files();
  if (!pins && context.kernel_caches) {
    fuse_reply_err(request, ENOSYS);
    return;
  }
  const auto handle = pins ? context.nodes->OpenFile(node) : 0;
  if (!handle) {
    fuse_reply_err(request, ESTALE);
    return;
  }
  file->fh = *handle;
  file->direct_io = 1;
  // The kernel will send no RELEASE if the caller was interrupted.
  if (fuse_reply_open(request, file) != -ENOENT) return;
  if (context.recovery && context.recovery->answers_again()) return;
  context.nodes->CloseFile(*handle);
}

void Release(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
  Counted(request, RequestKind::kRelease).nodes->CloseFile(file->fh);
  fuse_reply_err(request, 0);
}

void Opendir(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
  if (Counted(request, RequestKind::kOpendir).kernel_caches) {
    fuse_reply_err(request, ENOSYS);
  } else {
    fuse_reply_open(request, file);
  }
}

void Read(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset,
          fuse_file_info* info) {
  const VolumeNodes& nodes = *Counted(request, RequestKind::kRead).nodes;
  const auto file = nodes.opens_files() ? nodes.Opened(info->fh) : nodes.File(node);
  if (!file) {
    fuse_reply_err(request, ESTALE);
    return;
  }
  const std::string& content = file->content();
  const auto from = std::min(static_cast<std::size_t>(std::max<off_t>(offset, 0)), content.size());
  fuse_reply_buf(request, content.data() + from, std::min(size, content.size() - from));
}

void Readdir(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset, fuse_file_info*) {
  const auto entries = Counted(request, RequestKind::kReaddir).nodes->List(node);
  if (!entries) {
    fuse_reply_err(request, ENOTDIR);
    return;
  }
  std::string buffer(size, '\0');
  std::size_t used = 0;
  for (const DirectoryEntry& entry : *entries) {
    // Cookies grow along the listing, so "after this one" holds even when that one is gone.
    if (entry.cookie <= static_cast<std::uint64_t>(offset)) continue;
    struct stat st = {};
    st.st_ino = entry.id;
    st.st_mode = entry.type;
    const std::size_t needed =
        fuse_add_direntry(request, buffer.data() + used, size - used, entry.name.c_str(), &st,
                          static_cast<off_t>(entry.cookie));
    if (needed > size - used) break;
    used += needed;
  }
  fuse_reply_buf(request, buffer.data(), used);
}

void Statfs(fuse_req_t request, fuse_ino_t) {
  const VolumeStats stats = Counted(request, RequestKind::kStatfs).nodes->GetStats();
  struct statvfs st = {};
  st.f_bsize = kBlockSize;
  st.f_frsize = kBlockSize;
  st.f_blocks = (stats.content_bytes + kBlockSize - 1) / kBlockSize;
  st.f_files = stats.files;
  st.f_namemax = 255;
  fuse_reply_statfs(request, &st);
}

void Getxattr(fuse_req_t request, fuse_ino_t node, const char* name, std::size_t size) {
  auto& context = *static_cast<VolumeContext*>(fuse_req_userdata(request));
  const std::string_view wanted = name;
  if (node == kRootNode && wanted == kStatusXattr) {
    // Not counted: looking at the counters must not change them.
    ReplyXattr(request, context.status ? context.status() : "{}", size);
    return;
  }
  context.counters->Count(RequestKind::kGetxattr);
  const auto file = context.nodes->File(node);
  if (file && wanted == kSourceXattr) {
    ReplyXattr(request, file->entry->source, size);
  } else if (file && wanted == kResourceVersionXattr) {
    ReplyXattr(request, file->resource_version, size);
  } else {
    fuse_reply_err(request, ENODATA);
  }
}

void Listxattr(fuse_req_t request, fuse_ino_t node, std::size_t size) {
  const auto file = Counted(request, RequestKind::kListxattr).nodes->File(node);
  std::string names;
  if (file) {
    for (const char* name : {kSourceXattr, kResourceVersionXattr}) {
      names += name;
      names += '\0';
    }
  }
  ReplyXattr(request, names, size);
}

using Change = TreeChange::Kind;

// A change that makes a node.
void Make(fuse_req_t request, RequestKind kind, const TreeChange& change) {
  VolumeContext& context = Counted(request, kind);
  if (const auto made = context.nodes->Apply(change)) {
    ReplyEntry(request, context, *made);
  } else {
    fuse_reply_err(request, EROFS);
  }
}

void Mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t) {
  Make(request, RequestKind::kMkdir, {Change::kMakeDirectory, parent, name, ""});
}

void Mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t, dev_t) {
  Make(request, RequestKind::kMknod, {Change::kMakeFile, parent, name, ""});
}

void Symlink(fuse_req_t request, const char*, fuse_ino_t parent, const char* name) {
  Make(request, RequestKind::kSymlink, {Change::kMakeLink, parent, name, ""});
}

// A change that is answered with success alone.
void Move(fuse_req_t request, RequestKind kind, const TreeChange& change) {
  const auto changed = Counted(request, kind).nodes->Apply(change);
  fuse_reply_err(request, changed ? 0 : EROFS);
}

void Unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
  Move(request, RequestKind::kUnlink, {Change::kUnlink, parent, name, ""});
}

void Rmdir(fuse_req_t request, fuse_ino_t parent, const char* name) {
  Move(request, RequestKind::kRmdir, {Change::kRemoveDirectory, parent, name, ""});
}

void Rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
            const char* new_name, unsigned flags) {
  const bool ours = parent == new_parent && flags == 0;
  Move(request, RequestKind::kRename,
       {ours ? Change::kRename : Change::kNone, parent, name, new_name});
}

void Setattr(fuse_req_t request, fuse_ino_t node, struct stat*, int, fuse_file_info*) {
  VolumeContext& context = Counted(request, RequestKind::kSetattr);
  const auto attr = context.nodes->Apply({Change::kSetAttributes, node, "", ""});
  if (!attr) {
    fuse_reply_err(request, EROFS);
    return;
  }
  const struct stat st = ToStat(*attr);
  fuse_reply_attr(request, &st, TimeoutOf(context));
}

// What nobody may do.
void Refuse(fuse_req_t request) {
  Counted(request, RequestKind::kRefused);
  fuse_reply_err(request, EROFS);
}

void Write(fuse_req_t request, fuse_ino_t node, const char*, std::size_t, off_t, fuse_file_info*) {
  const auto& context = *static_cast<VolumeContext*>(fuse_req_userdata(request));
  Refuse(request);
  if (context.refused_write) context.refused_write(node);
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

const fuse_lowlevel_ops& VolumeOperations() {
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
    ops.read = Read;
    ops.readdir = Readdir;
    ops.statfs = Statfs;
    ops.getxattr = Getxattr;
    ops.listxattr = Listxattr;
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
