// SPDX-License-Identifier: Apache-2.0
// What the kernel asks; what it is told is in cluster_tree_changes.cc.
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

NodeAttr ClusterTree::AttrOf(NodeId id, std::uint32_t type, std::int64_t time) const {
  NodeAttr attr;
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

std::optional<ClusterTree::Reply> ClusterTree::Lookup(NodeId parent, std::string_view name) {
  KnownNode directory;
  std::string text;
  TreePath path;
  std::optional<Reply> link;
  {
    const MutexLock lock(mutex_);
    if (parent != kRootNode) {
      const KnownNode* const known = table_.Find(parent);
      if (known == nullptr || known->type != S_IFDIR || IsGone(*known)) return std::nullopt;
      directory = *known;
    }
    text = JoinPath(directory.path, name);
    path = TreePath::Parse(text);
    if (!IsBelowObject(path)) {
      if (const auto place = FindPlace(index_, path)) {
        KnownNode node;
        node.path = text;
        node.parent = parent;
        node.type = place->is_link ? S_IFLNK : S_IFDIR;
        node.identity = place->identity;
        node.time = place->time;
        node.target = place->target;
        if (!place->is_link) return Register(std::move(node));
        link = Register(std::move(node));
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

std::optional<KnownNode> ClusterTree::Render(const ObjectPlace& place, const std::string& text,
                                             const TreePath& path) const {
  const ObjectPtr object = Load(place);
  if (!object) return std::nullopt;
  const auto view = views_.Get(object);
  KnownNode node;
  node.path = text;
  if (const auto directories = view->Subdirectories(path.rest)) {
    node.type = S_IFDIR;
    node.directories = *directories;
    // A node's directory is the same one when the node is made again: its pods are in it too.
    node.identity = path.kind == PathKind::kPod ? place.uid : 0;
    node.time = place.created;
    return node;
  }
  const ProjectedFile* const file = view->Find(path.rest);
  if (file == nullptr) return std::nullopt;
  node.type = S_IFREG;
  node.identity = Mix(place.uid, HashOf(file->content));
  node.owner = place.owner;
  node.size = file->content.size();
  node.time = place.changed;
  node.object = view->object();  // one for all files that are rendered of this state
  return node;
}

std::optional<ClusterTree::Reply> ClusterTree::LookupBelowObject(NodeId parent,
                                                                 const KnownNode& directory,
                                                                 const std::string& text,
                                                                 const TreePath& path) {
  for (int i = 0;; ++i) {
    std::optional<ObjectPlace> place;
    {
      const MutexLock lock(mutex_);
      place = FindObject(path);
    }
    // A pod that was made again does not show in the directory of its predecessor.
    if (!place || (path.kind == PathKind::kPod && place->uid != directory.identity)) return {};
    auto node = Render(*place, text, path);
    if (!node) return std::nullopt;
    node->parent = parent;
    const MutexLock lock(mutex_);
    // Whoever changes the object from now on finds the node; whoever did meanwhile has not.
    const auto now = FindObject(path);
    const bool unchanged = now && now->generation == place->generation;
    if (!unchanged && i + 1 < kTries) continue;
    auto reply = Register(std::move(*node));
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
    for (const NodeId id : table_.Oldest(options_.known_leaves)) {
      const KnownNode* const node = table_.Find(id);
      names.push_back({node->parent, std::string(node->name())});
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

std::optional<ClusterTree::Reply> ClusterTree::LookupBytes(
    NodeId parent, const std::string& text, std::shared_ptr<const std::string> bytes) {
  KnownNode node;
  node.path = text;
  node.parent = parent;
  node.type = S_IFREG;
  node.identity = HashOf(*bytes);
  node.size = bytes->size();
  node.time = SecondsOf(options_.clock->Wall());
  node.bytes = std::move(bytes);
  const MutexLock lock(mutex_);
  return Register(std::move(node));
}

std::optional<ClusterTree::Reply> ClusterTree::Register(KnownNode node) {
  const NodeId id = table_.Add(std::move(node));
  if (id == 0) return std::nullopt;
  return ReplyOf(id, *table_.Find(id));
}

ClusterTree::Reply ClusterTree::ReplyOf(NodeId id, const KnownNode& node) const {
  Reply reply;
  reply.attr = AttrOf(id, node.type, node.time);
  if (node.type == S_IFREG) {
    reply.attr.size = node.size;
    reply.keep_name = node.bytes == nullptr;
  } else if (node.type == S_IFLNK) {
    reply.attr.size = node.target.size();
  } else {
    reply.attr.size = kDirectorySize;
    reply.attr.links = 2 + node.directories;
    const TreePath path = TreePath::Parse(node.path);
    if (const auto place = FindPlace(index_, path)) {
      // Known anew each time: the object may have come after its directory, or be made again.
      reply.attr = AttrOf(id, S_IFDIR, place->time);
      reply.attr.size = kDirectorySize;
      reply.attr.links = 2 + place->directories;
      reply.keep_attr = !place->changes;
    } else if (IsGone(node)) {
      reply.attr.links = 0;
    }
  }
  return reply;
}

// A directory that somebody still holds after its object has gone.
bool ClusterTree::IsGone(const KnownNode& directory) const {
  TreePath path = TreePath::Parse(directory.path);
  path.rest = {};
  const auto place = FindPlace(index_, path);
  return !place || place->is_link || place->identity != directory.identity;
}

void ClusterTree::Forget(const std::vector<Forgotten>& nodes) {
  const MutexLock lock(mutex_);
  for (const Forgotten& node : nodes) table_.Forget(node.id, node.count);
}

std::optional<ClusterTree::Reply> ClusterTree::Attr(NodeId id) const {
  const MutexLock lock(mutex_);
  if (id == kRootNode) {
    KnownNode root;
    root.type = S_IFDIR;
    return ReplyOf(id, root);
  }
  const KnownNode* const node = table_.Find(id);
  return node == nullptr ? std::nullopt : std::optional(ReplyOf(id, *node));
}

std::optional<std::string> ClusterTree::ReadLink(NodeId id) const {
  const MutexLock lock(mutex_);
  const KnownNode* const node = table_.Find(id);
  if (node == nullptr || node->type != S_IFLNK) return std::nullopt;
  return node->target;
}

std::shared_ptr<const std::string> ClusterTree::File(NodeId id) const {
  ObjectPtr object;
  std::string text;
  {
    const MutexLock lock(mutex_);
    const KnownNode* const node = table_.Find(id);
    if (node == nullptr || node->type != S_IFREG) return nullptr;
    if (node->bytes) return node->bytes;
    object = node->object;
    text = node->path;
  }
  const auto view = views_.Get(object);
  const ProjectedFile* const file = view->Find(TreePath::Parse(text).rest);
  if (file == nullptr) return nullptr;
  return {view, &file->content};
}

std::optional<ClusterTree::Origin> ClusterTree::OriginOf(NodeId id) const {
  ObjectPtr object;
  std::string text;
  {
    const MutexLock lock(mutex_);
    const KnownNode* const node = table_.Find(id);
    if (node == nullptr || !node->object) return std::nullopt;
    object = node->object;
    text = node->path;
  }
  const auto view = views_.Get(object);
  const ProjectedFile* const file = view->Find(TreePath::Parse(text).rest);
  return Origin{file == nullptr ? "" : file->source, object->meta().resource_version};
}

std::optional<std::vector<TreeName>> ClusterTree::List(NodeId id) const {
  KnownNode directory;
  directory.type = S_IFDIR;
  std::vector<TreeName> names;
  std::optional<ObjectPlace> object;
  TreePath path;
  {
    const MutexLock lock(mutex_);
    if (id != kRootNode) {
      const KnownNode* const known = table_.Find(id);
      if (known == nullptr || known->type != S_IFDIR) return std::nullopt;
      directory = *known;
    }
    if (id != kRootNode && IsGone(directory)) return std::nullopt;
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
    const NodeId child_id =
        child.is_directory ? NodeIdOf(JoinPath(directory.path, child.name), identity) : 0;
    names.push_back(
        {std::move(child.name), child.is_directory ? std::uint32_t{S_IFDIR} : S_IFREG, child_id});
  }
  return names;
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
