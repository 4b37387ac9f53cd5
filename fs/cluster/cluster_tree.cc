// SPDX-License-Identifier: Apache-2.0
// The answers to the kernel; the news for it are in cluster_tree_changes.cc.
#include "fs/cluster/cluster_tree.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "fs/cluster/file_names.h"
#include "fs/cluster/pod_table.h"

namespace downwardfs {
namespace {

using PathKind = TreePath::Kind;

constexpr std::uint32_t kDirectoryMode = 0555;
constexpr std::uint32_t kFileMode = 0444;
constexpr std::uint64_t kDirectorySize = 4096;
// An object that changes while it is rendered is rendered again, so often at most.
constexpr int kTries = 4;

std::int64_t SecondsOf(Clock::WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

bool IsBelowObject(const TreePath& path) {
  return (path.kind == PathKind::kPod || path.kind == PathKind::kNode) && !path.rest.empty();
}

}  // namespace

ClusterTree::ClusterTree(const ObjectSource& objects, Options options)
    : objects_(objects), options_(std::move(options)), mounted_(SecondsOf(options_.clock->Wall())) {
  const MutexLock lock(mutex_);
  for (const std::string& ns : options_.namespaces) index_.PinNamespace(ToFileName(ns));
}

InodeAttr ClusterTree::AttrOf(InodeId id, std::uint32_t type, std::int64_t time) const {
  InodeAttr attr;
  attr.id = id;
  attr.mode = type | (type == S_IFDIR ? kDirectoryMode : type == S_IFREG ? kFileMode : 0777);
  attr.uid = options_.uid;
  attr.gid = options_.gid;
  attr.time = Clock::WallTime(std::chrono::seconds(time != 0 ? time : mounted_));
  return attr;
}

std::optional<ClusterTree::ObjectPlace> ClusterTree::FindObject(const TreePath& path) const {
  ObjectPlace place;
  if (path.kind == PathKind::kPod) {
    const auto* const pod = index_.FindPod(path.ns, path.object);
    if (pod == nullptr) return std::nullopt;
    place = {
        {"Pod", FromFileName(path.ns).value_or(""), FromFileName(path.object).value_or(""), ""},
        pod->uid,
        pod->uid,
        pod->generation,
        pod->created,
        pod->changed};
  } else {
    const auto* const node = index_.FindNode(path.object);
    if (node == nullptr || !node->exists) return std::nullopt;
    place = {{"Node", "", FromFileName(path.object).value_or(""), ""},
             node->uid,
             node->uid,
             node->generation,
             node->created,
             node->changed};
  }
  return place;
}

ObjectPtr ClusterTree::Load(const ObjectPlace& place) const {
  ObjectPtr object = objects_.Get(place.key);
  // The index may be behind for a moment: what has been made again under the name is another.
  if (object && HashOf(object->meta().uid) != place.uid) return nullptr;
  return object;
}

std::optional<Entry> ClusterTree::Lookup(InodeId parent, std::string_view name) {
  KnownInode directory;
  std::string text;
  TreePath path;
  std::optional<Entry> link;
  {
    const MutexLock lock(mutex_);
    if (parent != kRootInode) {
      const KnownInode* const known = table_.Find(parent);
      if (known == nullptr || known->type != S_IFDIR || IsGone(*known)) return std::nullopt;
      directory = *known;
    }
    text = JoinPath(directory.path, name);
    path = TreePath::Parse(text);
    if (!IsBelowObject(path)) {
      if (const auto place = FindPlace(index_, path)) {
        KnownInode inode;
        inode.path = text;
        inode.parent = parent;
        inode.type = place->is_link ? S_IFLNK : S_IFDIR;
        inode.identity = place->identity;
        inode.time = place->time;
        inode.target = place->target;
        if (!place->is_link) return Register(std::move(inode));
        link = Register(std::move(inode));
      }
    }
    if (path.kind == PathKind::kPodTable && index_.FindNamespace(path.ns) == nullptr) {
      return std::nullopt;
    }
  }
  if (link) {
    TakeBackOldest();
    return link;
  }
  if (path.kind == PathKind::kStatus) return LookupBytes(parent, text, StatusText(text));
  if (path.kind == PathKind::kPodTable) return LookupBytes(parent, text, PodTable(text, path.ns));
  if (!IsBelowObject(path)) return std::nullopt;
  auto reply = LookupBelowObject(parent, directory, text, path);
  TakeBackOldest();
  return reply;
}

std::optional<KnownInode> ClusterTree::Render(const ObjectPlace& place, const std::string& text,
                                              const TreePath& path) const {
  const ObjectPtr object = Load(place);
  if (!object) return std::nullopt;
  const auto view = views_.Get(object);
  KnownInode inode;
  inode.path = text;
  if (const auto directories = view->Subdirectories(path.rest)) {
    inode.type = S_IFDIR;
    inode.directories = *directories;
    // A node's directory is the same one when the node is made again: its pods are in it too.
    inode.identity = path.kind == PathKind::kPod ? place.uid : 0;
    inode.time = place.created;
    return inode;
  }
  const ProjectedFile* const file = view->Find(path.rest);
  if (file == nullptr) return std::nullopt;
  inode.type = S_IFREG;
  inode.identity = Mix(place.uid, HashOf(file->content));
  inode.owner = place.owner;
  inode.size = file->content.size();
  inode.time = place.changed;
  inode.object = view->object();  // one for all files that are rendered of this state
  return inode;
}

std::optional<Entry> ClusterTree::LookupBelowObject(InodeId parent, const KnownInode& directory,
                                                    const std::string& text, const TreePath& path) {
  for (int i = 0;; ++i) {
    std::optional<ObjectPlace> place;
    {
      const MutexLock lock(mutex_);
      place = FindObject(path);
    }
    // A pod that was made again does not show in the directory of its predecessor.
    if (!place || (path.kind == PathKind::kPod && place->uid != directory.identity)) return {};
    auto inode = Render(*place, text, path);
    if (!inode) return std::nullopt;
    inode->parent = parent;
    const MutexLock lock(mutex_);
    // A change of the object from now on finds the inode; a change meanwhile has not.
    const auto now = FindObject(path);
    const bool unchanged = now && now->generation == place->generation;
    if (!unchanged && i + 1 < kTries) continue;
    auto reply = Register(std::move(*inode));
    if (reply && !unchanged) reply->keep_name = false;
    return reply;
  }
}

// A walk through a large cluster would otherwise leave millions of inodes with the kernel and here.
void ClusterTree::TakeBackOldest() {
  std::vector<TakenBack> names;
  std::shared_ptr<const Notice> notice;
  {
    const MutexLock lock(mutex_);
    for (const InodeId id : table_.Oldest(options_.known_leaves)) {
      const KnownInode* const inode = table_.Find(id);
      names.push_back({inode->parent, std::string(inode->name())});
      table_.Disown(id);
    }
    taken_back_ += names.size();
    notice = notice_;
  }
  if (!notice) return;
  for (const TakenBack& taken : names) (*notice)(taken.directory, taken.name);
}

std::shared_ptr<const std::string> ClusterTree::StatusText(const std::string& path) const {
  const auto now = options_.clock->Steady();
  if (auto text = tables_.Get(path, 0, now)) return text;
  return tables_.Put(path, 0, now, std::make_shared<const std::string>(options_.status()));
}

std::shared_ptr<const std::string> ClusterTree::PodTable(const std::string& path,
                                                         std::string_view ns) const {
  const auto now = options_.clock->Steady();
  std::vector<ObjectKey> pods;
  std::uint64_t generation = 0;
  {
    const MutexLock lock(mutex_);
    const auto* const record = index_.FindNamespace(ns);
    if (record != nullptr) {
      generation = record->generation;
      if (auto text = tables_.Get(path, generation, now)) return text;
      const std::string name = FromFileName(ns).value_or("");
      pods.reserve(record->pods.size());
      for (const auto& [pod, unused] : record->pods) {
        pods.push_back({"Pod", name, FromFileName(pod).value_or(""), ""});
      }
    }
  }
  const auto wall = options_.clock->Wall();
  std::vector<PodRow> rows;
  rows.reserve(pods.size());
  for (const ObjectKey& pod : pods) {
    if (const ObjectPtr object = objects_.Get(pod))
      rows.push_back(MakePodRow(object->Json(), wall));
  }
  return tables_.Put(path, generation, now,
                     std::make_shared<const std::string>(FormatPodTable(rows)));
}

std::optional<Entry> ClusterTree::LookupBytes(InodeId parent, const std::string& text,
                                              std::shared_ptr<const std::string> bytes) {
  KnownInode inode;
  inode.path = text;
  inode.parent = parent;
  inode.type = S_IFREG;
  inode.identity = HashOf(*bytes);
  inode.size = bytes->size();
  inode.time = SecondsOf(options_.clock->Wall());
  inode.bytes = std::move(bytes);
  const MutexLock lock(mutex_);
  return Register(std::move(inode));
}

std::optional<Entry> ClusterTree::Register(KnownInode inode) {
  const InodeId id = table_.Add(std::move(inode));
  if (id == 0) return std::nullopt;
  return EntryOf(id, *table_.Find(id));
}

Entry ClusterTree::EntryOf(InodeId id, const KnownInode& inode) const {
  Entry entry{AttrOf(id, inode.type, inode.time)};
  if (inode.type == S_IFREG) {
    entry.size = inode.size;
    entry.keep_name = inode.bytes == nullptr;
  } else if (inode.type == S_IFLNK) {
    entry.size = inode.target.size();
  } else {
    const auto place = FindPlace(index_, TreePath::Parse(inode.path));
    // Known anew each time: the object may have come after its directory, or be made again.
    if (place) entry = Entry{AttrOf(id, S_IFDIR, place->time)};
    entry.size = kDirectorySize;
    entry.links = 2 + (place ? place->directories : inode.directories);
    entry.keep_attr = !place || !place->changes;
    if (!place && IsGone(inode)) entry.links = 0;
  }
  return entry;
}

// A directory that somebody still holds after its object has gone.
bool ClusterTree::IsGone(const KnownInode& directory) const {
  TreePath path = TreePath::Parse(directory.path);
  path.rest = {};
  const auto place = FindPlace(index_, path);
  return !place || place->is_link || place->identity != directory.identity;
}

void ClusterTree::Forget(std::span<const Forgotten> inodes) {
  const MutexLock lock(mutex_);
  for (const Forgotten& inode : inodes) table_.Forget(inode.id, inode.count);
}

std::optional<Entry> ClusterTree::Attr(InodeId id) const {
  const MutexLock lock(mutex_);
  if (id == kRootInode) {
    KnownInode root;
    root.type = S_IFDIR;
    return EntryOf(id, root);
  }
  const KnownInode* const inode = table_.Find(id);
  return inode == nullptr ? std::nullopt : std::optional(EntryOf(id, *inode));
}

std::optional<std::string> ClusterTree::ReadLink(InodeId id) const {
  const MutexLock lock(mutex_);
  const KnownInode* const inode = table_.Find(id);
  if (inode == nullptr || inode->type != S_IFLNK) return std::nullopt;
  return inode->target;
}

FileBytes ClusterTree::Content(InodeId id, std::uint64_t, std::uint64_t) {
  ObjectPtr object;
  std::string text;
  {
    const MutexLock lock(mutex_);
    const KnownInode* const inode = table_.Find(id);
    if (inode == nullptr || inode->type != S_IFREG) return nullptr;
    if (inode->bytes) return inode->bytes;
    object = inode->object;
    text = inode->path;
  }
  const auto view = views_.Get(object);
  const ProjectedFile* const file = view->Find(TreePath::Parse(text).rest);
  if (file == nullptr) return nullptr;
  return {view, &file->content};
}

std::optional<FileSystem::Origin> ClusterTree::OriginOf(InodeId id) const {
  ObjectPtr object;
  std::string text;
  {
    const MutexLock lock(mutex_);
    const KnownInode* const inode = table_.Find(id);
    if (inode == nullptr || !inode->object) return std::nullopt;
    object = inode->object;
    text = inode->path;
  }
  const auto view = views_.Get(object);
  const ProjectedFile* const file = view->Find(TreePath::Parse(text).rest);
  return Origin{file == nullptr ? "" : file->source, object->meta().resource_version};
}

std::optional<std::vector<DirectoryEntry>> ClusterTree::Names(InodeId id) const {
  KnownInode directory;
  directory.type = S_IFDIR;
  std::vector<DirectoryEntry> names;
  std::optional<ObjectPlace> object;
  TreePath path;
  {
    const MutexLock lock(mutex_);
    if (id != kRootInode) {
      const KnownInode* const known = table_.Find(id);
      if (known == nullptr || known->type != S_IFDIR) return std::nullopt;
      directory = *known;
    }
    if (id != kRootInode && IsGone(directory)) return std::nullopt;
    path = TreePath::Parse(directory.path);
    names = ListPlace(index_, path, directory.path);
    if (path.kind == PathKind::kPod || path.kind == PathKind::kNode) object = FindObject(path);
  }
  if (!object) return names;
  std::vector<ObjectView::Child> children;
  if (path.rest.empty()) {
    // Known without the content.
    const auto& layout =
        path.kind == PathKind::kPod ? ObjectView::PodLayout() : ObjectView::NodeLayout();
    children = ObjectView::ListTop(layout);
  } else if (const ObjectPtr content = Load(*object)) {
    children = views_.Get(content)->List(path.rest);
  }
  const std::uint64_t identity = path.kind == PathKind::kPod ? object->uid : 0;
  for (ObjectView::Child& child : children) {
    const InodeId child_id =
        child.is_directory ? InodeIdOf(JoinPath(directory.path, child.name), identity) : 0;
    names.push_back(
        {std::move(child.name), child_id, child.is_directory ? kDirectoryType : kFileType});
  }
  return names;
}

Listing ClusterTree::List(InodeId, std::uint64_t handle, bool from_start) {
  return directories_.Read(handle, from_start);
}

FileSystem::Totals ClusterTree::GetTotals() const {
  const Stats stats = GetStats();
  return {stats.pods + stats.nodes + stats.namespaces, 0};
}

ClusterTree::Stats ClusterTree::GetStats() const {
  Stats stats;
  stats.rendered_objects = views_.size();
  const MutexLock lock(mutex_);
  stats.pods = index_.pods();
  stats.nodes = index_.nodes().size();
  stats.namespaces = index_.namespaces().size();
  stats.known_inodes = table_.size();
  stats.names_taken_back = taken_back_;
  return stats;
}

}  // namespace downwardfs
