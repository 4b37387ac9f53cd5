// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/cluster_layout.h"

#include <sys/stat.h>

#include <algorithm>
#include <tuple>

#include "base/text.h"
#include "fs/cluster/file_names.h"
#include "fs/cluster/object_view.h"

namespace downwardfs {
namespace {

using PathKind = TreePath::Kind;
using PodRecord = ClusterIndex::PodRecord;

constexpr InodeId kIdBits = 0x7fff'ffff'ffff'ffff;
constexpr char kPodsOfNode[] = "pods";

std::uint32_t Count(std::size_t n) {
  return static_cast<std::uint32_t>(n);
}

TreePlace Directory(std::size_t directories, std::int64_t time = 0) {
  TreePlace place;
  place.directories = Count(directories);
  place.time = time;
  return place;
}

TreePlace Link(std::string target, std::int64_t time) {
  TreePlace place;
  place.is_link = true;
  place.target = std::move(target);
  place.time = time;
  return place;
}

std::string PathOf(const PodRecord& pod) {
  return Concat({"namespaces/", *pod.ns->name, "/pods/", *pod.name});
}

// The pod that a link's name stands for, among those that are in the directory.
const PodRecord* FindLinked(const ClusterIndex& index, std::string_view link) {
  const std::size_t parted = link.find('_');
  if (parted == std::string_view::npos) return nullptr;
  const std::string_view ns = link.substr(0, parted);
  const PodRecord* const pod = index.FindPod(ns, link.substr(parted + 1));
  if (pod != nullptr) return pod;
  // A name that was cut.
  const auto* const owner = index.FindNamespace(ns);
  if (owner == nullptr || link.find("%~") == std::string_view::npos) return nullptr;
  for (const auto& [name, candidate] : owner->pods) {
    if (LinkName(ns, name) == link) return &candidate;
  }
  return nullptr;
}

// An address leads to the newest pod that has it for itself; one that several pods share with their
// node leads to the node; one that only finished pods have had, to the newest of these.
const PodRecord* Newest(const std::vector<PodRecord*>& pods, bool host_network, bool finished) {
  const PodRecord* best = nullptr;
  const auto order = [](const PodRecord& pod) {
    return std::tie(pod.created, *pod.name, *pod.ns->name);
  };
  for (const PodRecord* pod : pods) {
    if (pod->finished != finished || (!finished && pod->host_network != host_network)) continue;
    if (best == nullptr || order(*best) < order(*pod)) best = pod;
  }
  return best;
}

TreePlace AddressLink(const std::vector<PodRecord*>& pods) {
  const auto to_pod = [](const PodRecord& pod) { return Link("../" + PathOf(pod), pod.created); };
  TreePlace place;
  if (const PodRecord* own = Newest(pods, /*host_network=*/false, /*finished=*/false)) {
    place = to_pod(*own);
  } else if (const PodRecord* host = Newest(pods, true, false)) {
    const auto sharing = std::count_if(pods.begin(), pods.end(),
                                       [](const PodRecord* pod) { return !pod->finished; });
    place = sharing > 1 && host->node != nullptr
                ? Link("../nodes/" + *host->node->name, host->node->created)
                : to_pod(*host);
  } else {
    place = to_pod(*Newest(pods, false, true));
  }
  place.identity = HashOf(place.target);
  return place;
}

std::optional<TreePlace> FindPod(const ClusterIndex& index, const TreePath& path) {
  const PodRecord* const pod = index.FindPod(path.ns, path.object);
  if (pod == nullptr || !path.rest.empty()) return std::nullopt;
  TreePlace place = Directory(ObjectView::PodLayout().directories.size(), pod->created);
  place.changes = false;
  place.identity = pod->uid;
  return place;
}

std::optional<TreePlace> FindNode(const ClusterIndex& index, const TreePath& path) {
  const auto* const node = index.FindNode(path.object);
  if (node == nullptr) return std::nullopt;
  const auto& own = ObjectView::NodeLayout().directories;
  switch (path.kind) {
    case PathKind::kNode:
      if (path.rest.empty()) return Directory(1 + (node->exists ? own.size() : 0), node->created);
      if (!node->exists || std::find(own.begin(), own.end(), path.rest) == own.end()) break;
      return Directory(0, node->created);
    case PathKind::kNodePods:
      return Directory(0, node->created);
    case PathKind::kNodeLink:
      return Link(Concat({"../nodes/", *node->name, "/", kPodsOfNode}), node->created);
    default:
      if (const PodRecord* pod = FindLinked(index, path.link);
          pod != nullptr && pod->node == node) {
        return Link("../../../" + PathOf(*pod), pod->created);
      }
      break;
  }
  return std::nullopt;
}

std::optional<TreePlace> FindLabel(const ClusterIndex& index, const TreePath& path) {
  if (path.kind == PathKind::kLabelKey) {
    const auto* const key = index.FindLabelKey(path.key);
    return key == nullptr ? std::nullopt : std::optional(Directory(key->size()));
  }
  const auto* const value = index.FindLabelValue(path.key, path.value);
  if (value == nullptr) return std::nullopt;
  if (path.kind == PathKind::kLabelValue) return Directory(0);
  const PodRecord* const pod = FindLinked(index, path.link);
  if (pod == nullptr || value->count(pod->labels) == 0) return std::nullopt;
  return Link("../../../" + PathOf(*pod), pod->created);
}

// Adds names to a listing; their ids are those that FindPlace() would lead to.
class Lister {
 public:
  explicit Lister(std::string_view directory) : directory_(directory) {}

  void Add(std::string name, std::uint32_t type, std::uint64_t identity = 0) {
    const InodeId id = InodeIdOf(JoinPath(directory_, name), identity);
    names_.push_back({std::move(name), id, type});
  }
  template <class Map>
  void AddKeys(const Map& map, std::uint32_t type) {
    for (const auto& entry : map) Add(entry.first, type);
  }
  void AddLinks(const std::vector<PodRecord*>& pods) {
    for (const PodRecord* pod : pods) Add(LinkName(*pod->ns->name, *pod->name), S_IFLNK);
  }
  /// A file, whose id follows from its content.
  void AddFile(std::string name) { names_.push_back({std::move(name), 0, S_IFREG}); }
  std::vector<DirectoryEntry> Done() { return std::move(names_); }

 private:
  const std::string_view directory_;
  std::vector<DirectoryEntry> names_;
};

}  // namespace

InodeId InodeIdOf(std::string_view path, std::uint64_t identity) {
  const InodeId id = Mix(HashOf(path), identity) & kIdBits;
  return id <= kRootInode ? id + 2 : id;
}

std::optional<TreePlace> FindPlace(const ClusterIndex& index, const TreePath& path) {
  switch (path.kind) {
    case PathKind::kRoot: {
      TreePlace root = Directory(5);
      root.changes = false;
      return root;
    }
    case PathKind::kNamespaces:
      return Directory(index.namespaces().size());
    case PathKind::kNamespace:
    case PathKind::kPods: {
      const auto* const ns = index.FindNamespace(path.ns);
      if (ns == nullptr) return std::nullopt;
      return Directory(path.kind == PathKind::kPods ? ns->pods.size() : 1, ns->created);
    }
    case PathKind::kPod:
      return FindPod(index, path);
    case PathKind::kNodes:
      return Directory(index.nodes().size());
    case PathKind::kNode:
    case PathKind::kNodePods:
    case PathKind::kNodePod:
    case PathKind::kNodeLink:
      return FindNode(index, path);
    case PathKind::kLabels:
      return Directory(index.labels().size());
    case PathKind::kLabelKey:
    case PathKind::kLabelValue:
    case PathKind::kLabelledPod:
      return FindLabel(index, path);
    case PathKind::kAddresses:
    case PathKind::kByNode:
      return Directory(0);
    case PathKind::kAddress: {
      const auto* const pods = index.FindAddress(path.object);
      return pods == nullptr ? std::nullopt : std::optional(AddressLink(*pods));
    }
    case PathKind::kNothing:
    case PathKind::kStatus:
    case PathKind::kPodTable:
      break;
  }
  return std::nullopt;
}

std::vector<DirectoryEntry> ListPlace(const ClusterIndex& index, const TreePath& path,
                                      std::string_view text) {
  Lister list(text);
  switch (path.kind) {
    case PathKind::kRoot:
      list.AddFile("..status");
      for (const char* name : {"by-ip", "by-label", "by-node", "namespaces", "nodes"}) {
        list.Add(name, S_IFDIR);
      }
      break;
    case PathKind::kNamespaces:
      list.AddKeys(index.namespaces(), S_IFDIR);
      break;
    case PathKind::kNamespace:
      list.Add("pods", S_IFDIR);
      list.AddFile("pods.txt");
      break;
    case PathKind::kPods:
      if (const auto* ns = index.FindNamespace(path.ns)) {
        for (const auto& [name, pod] : ns->pods) list.Add(name, S_IFDIR, pod.uid);
      }
      break;
    case PathKind::kNodes:
      list.AddKeys(index.nodes(), S_IFDIR);
      break;
    case PathKind::kNode:
      if (path.rest.empty()) list.Add(kPodsOfNode, S_IFDIR);
      break;
    case PathKind::kNodePods:
      if (const auto* node = index.FindNode(path.object)) list.AddLinks(node->pods);
      break;
    case PathKind::kLabels:
      list.AddKeys(index.labels(), S_IFDIR);
      break;
    case PathKind::kLabelKey:
      if (const auto* key = index.FindLabelKey(path.key)) list.AddKeys(*key, S_IFDIR);
      break;
    case PathKind::kLabelValue:
      if (const auto* value = index.FindLabelValue(path.key, path.value)) {
        for (const ClusterIndex::LabelSet* set : *value) list.AddLinks(set->pods);
      }
      break;
    case PathKind::kAddresses:
      for (const auto& [ip, pods] : index.addresses()) {
        list.Add(ip, S_IFLNK, AddressLink(pods).identity);
      }
      break;
    case PathKind::kByNode:
      list.AddKeys(index.nodes(), S_IFLNK);
      break;
    default:
      break;
  }
  return list.Done();
}

std::vector<std::string> PathsOf(const PodRecord& pod) {
  const std::string& ns = *pod.ns->name;
  const std::string link = LinkName(ns, *pod.name);
  std::vector<std::string> paths = {"namespaces/" + ns, Concat({"namespaces/", ns, "/pods"}),
                                    PathOf(pod)};
  if (pod.node != nullptr) {
    const std::string& node = *pod.node->name;
    const std::string directory = "nodes/" + node;
    paths.insert(paths.end(),
                 {directory, Concat({directory, "/", kPodsOfNode}),
                  Concat({directory, "/", kPodsOfNode, "/", link}), "by-node/" + node});
  }
  if (pod.labels != nullptr) {
    for (const auto& [key, value] : *pod.labels->labels) {
      const std::string by_key = "by-label/" + ToFileName(key);
      const std::string by_value = Concat({by_key, "/", ToFileName(value)});
      paths.insert(paths.end(), {by_key, by_value, Concat({by_value, "/", link})});
    }
  }
  EachAddress(pod, [&](std::string_view ip) { paths.push_back(Concat({"by-ip/", ip})); });
  return paths;
}

std::vector<std::string> PathsOfNode(std::string_view node) {
  const std::string directory = Concat({"nodes/", node});
  std::vector<std::string> paths = {directory, Concat({directory, "/", kPodsOfNode}),
                                    Concat({"by-node/", node})};
  for (const std::string& own : ObjectView::NodeLayout().directories) {
    paths.push_back(Concat({directory, "/", own}));
  }
  return paths;
}

}  // namespace downwardfs
