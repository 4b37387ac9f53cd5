// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/cluster_operations.h"

#define FUSE_USE_VERSION 312
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "fs/fuse/fuse_replies.h"

namespace downwardfs {
namespace {

using RequestKind = RequestCounters::Kind;

constexpr double kForever = 365.0 * 24 * 3600;
// What libfuse takes where an inode is not known: 0 would hide the name from readdir(3).
constexpr NodeId kUnknownInode = 0xffff'ffff;

ClusterContext& ContextOf(void* userdata) {
  return static_cast<ClusterContext&>(*static_cast<VolumeContext*>(userdata));
}

ClusterContext& Counted(fuse_req_t request, RequestKind kind) {
  ClusterContext& context = ContextOf(fuse_req_userdata(request));
  context.counters->Count(kind);
  return context;
}

void Init(void* userdata, fuse_conn_info* connection) {
  ContextOf(userdata).counters->Count(RequestKind::kInit);
  // No readdirplus: it would render the files of every directory that is listed. Listings are not
  // cached, since they are what changes.
  connection->max_write = kMaxWrite;
  connection->want = connection->capable & (FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_NO_OPEN_SUPPORT |
                                            FUSE_CAP_ASYNC_READ | FUSE_CAP_PARALLEL_DIROPS);
}

void Destroy(void* userdata) {
  ContextOf(userdata).counters->Count(RequestKind::kDestroy);
}

void Lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  ClusterContext& context = Counted(request, RequestKind::kLookup);
  const auto found = context.tree.Lookup(parent, name);
  if (!found) {
    fuse_reply_err(request, ENOENT);
    return;
  }
  fuse_entry_param entry = {};
  entry.ino = found->attr.id;
  entry.attr = ToStat(found->attr);
  entry.attr_timeout = found->keep_attr ? kForever : 0;
  entry.entry_timeout = found->keep_name ? kForever : 0;
  // The kernel never saw the node if the caller was interrupted.
  if (fuse_reply_entry(request, &entry) == -ENOENT) context.tree.Forget({{found->attr.id, 1}});
}

void Forget(fuse_req_t request, fuse_ino_t node, std::uint64_t count) {
  Counted(request, RequestKind::kForget).tree.Forget({{node, count}});
  fuse_reply_none(request);
}

void ForgetMulti(fuse_req_t request, std::size_t count, fuse_forget_data* forgets) {
  ClusterContext& context = Counted(request, RequestKind::kForget);
  std::vector<Forgotten> nodes;
  nodes.reserve(count);
  for (std::size_t i = 0; i < count; ++i) nodes.push_back({forgets[i].ino, forgets[i].nlookup});
  context.tree.Forget(nodes);
  fuse_reply_none(request);
}

void Getattr(fuse_req_t request, fuse_ino_t node, fuse_file_info*) {
  const auto found = Counted(request, RequestKind::kGetattr).tree.Attr(node);
  if (!found) {
    fuse_reply_err(request, ESTALE);
    return;
  }
  const struct stat st = ToStat(found->attr);
  fuse_reply_attr(request, &st, found->keep_attr ? kForever : 0);
}

void Readlink(fuse_req_t request, fuse_ino_t node) {
  const auto target = Counted(request, RequestKind::kReadlink).tree.ReadLink(node);
  if (target) {
    fuse_reply_readlink(request, target->c_str());
  } else {
    fuse_reply_err(request, EINVAL);
  }
}

// Content never changes behind an inode: after ENOSYS the kernel does not ask again and keeps what
// it has read (FUSE_NO_OPEN_SUPPORT).
void Open(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
  Counted(request, RequestKind::kOpen);
  fuse_reply_err(request, (file->flags & O_ACCMODE) == O_RDONLY ? ENOSYS : EROFS);
}

void Read(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset, fuse_file_info*) {
  const auto content = Counted(request, RequestKind::kRead).tree.File(node);
  if (!content) {
    fuse_reply_err(request, ESTALE);
    return;
  }
  const auto from = std::min(static_cast<std::size_t>(std::max<off_t>(offset, 0)), content->size());
  fuse_reply_buf(request, content->data() + from, std::min(size, content->size() - from));
}

void Opendir(fuse_req_t request, fuse_ino_t node, fuse_file_info* file) {
  ClusterContext& context = Counted(request, RequestKind::kOpendir);
  file->fh = context.directories.Open(node);
  if (file->fh == 0) {
    fuse_reply_err(request, ENOENT);
    return;
  }
  if (fuse_reply_open(request, file) == -ENOENT) context.directories.Close(file->fh);
}

void Releasedir(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
  Counted(request, RequestKind::kRelease).directories.Close(file->fh);
  fuse_reply_err(request, 0);
}

void Readdir(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* file) {
  const auto at = static_cast<std::size_t>(std::max<off_t>(offset, 0));
  const auto listing = Counted(request, RequestKind::kReaddir).directories.Read(file->fh, at);
  if (!listing) {
    fuse_reply_err(request, EBADF);
    return;
  }
  std::string buffer(size, '\0');
  std::size_t used = 0;
  for (std::size_t i = at; i < listing->size(); ++i) {
    const TreeName& name = (*listing)[i];
    struct stat st = {};
    st.st_ino = name.id != 0 ? name.id : kUnknownInode;
    st.st_mode = name.type;
    const std::size_t needed = fuse_add_direntry(request, buffer.data() + used, size - used,
                                                 name.name.c_str(), &st, static_cast<off_t>(i + 1));
    if (needed > size - used) break;
    used += needed;
  }
  fuse_reply_buf(request, buffer.data(), used);
}

void Statfs(fuse_req_t request, fuse_ino_t) {
  const ClusterTree::Stats stats = Counted(request, RequestKind::kStatfs).tree.GetStats();
  struct statvfs st = {};
  st.f_bsize = kBlockSize;
  st.f_frsize = kBlockSize;
  st.f_files = stats.pods + stats.nodes + stats.namespaces;
  st.f_namemax = 255;
  fuse_reply_statfs(request, &st);
}

void Getxattr(fuse_req_t request, fuse_ino_t node, const char* name, std::size_t size) {
  ClusterContext& context = ContextOf(fuse_req_userdata(request));
  const std::string_view wanted = name;
  if (node == kRootNode && wanted == kStatusXattr) {
    // Not counted: looking at the counters must not change them.
    ReplyXattr(request, context.status ? context.status() : "{}", size);
    return;
  }
  context.counters->Count(RequestKind::kGetxattr);
  const bool source = wanted == kSourceXattr;
  // Every `ls -l` asks for the attributes of security modules.
  const auto origin =
      source || wanted == kResourceVersionXattr ? context.tree.OriginOf(node) : std::nullopt;
  if (origin) {
    ReplyXattr(request, source ? origin->source : origin->resource_version, size);
  } else {
    fuse_reply_err(request, ENODATA);
  }
}

void Listxattr(fuse_req_t request, fuse_ino_t node, std::size_t size) {
  std::string names;
  if (Counted(request, RequestKind::kListxattr).tree.OriginOf(node)) {
    for (const char* name : {kSourceXattr, kResourceVersionXattr}) {
      names += name;
      names += '\0';
    }
  }
  ReplyXattr(request, names, size);
}

// What nobody may do. The kernel refuses it by itself, since the mount is read-only.
void Refuse(fuse_req_t request) {
  Counted(request, RequestKind::kRefused);
  fuse_reply_err(request, EROFS);
}

}  // namespace

ClusterContext::ClusterContext(ClusterTree& shown, RequestCounters& counted)
    : tree(shown), directories(shown) {
  operations = &ClusterOperations();
  counters = &counted;
}

const fuse_lowlevel_ops& ClusterOperations() {
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
    ops.read = Read;
    ops.opendir = Opendir;
    ops.readdir = Readdir;
    ops.releasedir = Releasedir;
    ops.statfs = Statfs;
    ops.getxattr = Getxattr;
    ops.listxattr = Listxattr;
    ops.mkdir = [](fuse_req_t r, fuse_ino_t, const char*, mode_t) { Refuse(r); };
    ops.mknod = [](fuse_req_t r, fuse_ino_t, const char*, mode_t, dev_t) { Refuse(r); };
    ops.symlink = [](fuse_req_t r, const char*, fuse_ino_t, const char*) { Refuse(r); };
    ops.unlink = [](fuse_req_t r, fuse_ino_t, const char*) { Refuse(r); };
    ops.rmdir = [](fuse_req_t r, fuse_ino_t, const char*) { Refuse(r); };
    ops.setattr = [](fuse_req_t r, fuse_ino_t, struct stat*, int, fuse_file_info*) { Refuse(r); };
    return ops;
  }();
  return operations;
}

}  // namespace downwardfs
