// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/projection_source.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"
#include "fs/volume/projection_turn.h"

namespace downwardfs {
namespace {

std::string NodeNameOf(const Json& pod) {
  const auto spec = pod.find("spec");
  if (spec == pod.end() || !spec->is_object()) return "";
  const auto name = spec->find("nodeName");
  return name != spec->end() && name->is_string() ? name->get<std::string>() : "";
}

ObjectPtr FindNode(const ObjectSource& source, const std::string& name) {
  if (!name.empty()) {
    if (auto node = source.Get(ObjectKey{"Node", "", name, ""})) return node;
  }
  auto nodes = source.List("Node");
  return nodes.size() == 1 ? nodes.front() : nullptr;
}

// For messages: `node node1`, `pod default/web`.
std::string NameForMessages(const ObjectMeta& meta) {
  return AsciiLower(meta.kind) + " " + (meta.ns.empty() ? "" : meta.ns + "/") + meta.name;
}

Status ParseObject(const ObjectPtr& object, DocumentPtr& document) {
  auto parsed = Document::Parse(object->Json());
  if (!parsed) return Fail(std::move(parsed.error()), NameForMessages(object->meta()));
  document = std::move(*parsed);
  return {};
}

Status TakeNode(const ObjectSource& source, LoadedInput& loaded) {
  loaded.node = FindNode(source, NodeNameOf(loaded.input.pod->root()));
  if (!loaded.node) return {};
  return ParseObject(loaded.node, loaded.input.node);
}

ObjectKey NamespaceOf(const LoadedInput& loaded) {
  return {"Namespace", "", loaded.pod->meta().ns, ""};
}

Status TakeNamespace(const ObjectSource& source, LoadedInput& loaded) {
  loaded.ns = source.Get(NamespaceOf(loaded));
  if (!loaded.ns) return {};
  return ParseObject(loaded.ns, loaded.input.ns);
}

bool Lack(const std::vector<ProjectedFile>& files, ProjectedFile::Lacks what) {
  return std::ranges::find(files, what, &ProjectedFile::lacks) != files.end();
}

// The Node and the Namespace that the files depend on.
std::vector<ObjectKey> OthersOf(const LoadedInput& loaded,
                                const std::vector<ProjectedFile>& files) {
  std::vector<ObjectKey> others;
  if (loaded.node || Lack(files, ProjectedFile::Lacks::kNode)) {
    std::string name =
        loaded.node ? loaded.node->meta().name : NodeNameOf(loaded.input.pod->root());
    if (!name.empty()) others.push_back({"Node", "", std::move(name), ""});
  }
  if (loaded.ns || Lack(files, ProjectedFile::Lacks::kNamespace)) {
    others.push_back(NamespaceOf(loaded));
  }
  return others;
}

// Asks the source for those that are not there, and may wait for it. False if it has none of them.
bool AddMissing(ObjectSource& source, Projection& projection) {
  LoadedInput& loaded = projection.loaded;
  bool added = false;
  for (const ObjectKey& key : projection.others) {
    const bool node = key.kind == "Node";
    ObjectPtr& object = node ? loaded.node : loaded.ns;
    if (object) continue;
    source.Require(key);
    object = node ? FindNode(source, key.name) : source.Get(key);
    added = added || object;
  }
  return added;
}

Status ParseAll(const LoadedInput& objects, ProjectionInput& input) {
  for (const auto& [object, document] :
       {std::pair(&objects.pod, &input.pod), std::pair(&objects.node, &input.node),
        std::pair(&objects.ns, &input.ns)}) {
    if (!*object) continue;  // not known
    if (auto done = ParseObject(*object, *document); !done) return done;
  }
  return {};
}

}  // namespace

Result<LoadedInput> LoadInput(const ObjectSource& source, const ObjectKey& key) {
  LoadedInput loaded;
  loaded.pod = source.Get(key);
  if (!loaded.pod) {
    return Fail(ErrorCode::kNotFound,
                "pod " + key.ns + "/" + key.name + ": not found in " + source.State().description);
  }
  if (auto done = ParseObject(loaded.pod, loaded.input.pod); !done)
    return Fail(std::move(done.error()));
  if (source.IsServer()) loaded.input.unknown_fields = UnknownFields::kEmpty;
  if (auto done = TakeNode(source, loaded); !done) return Fail(std::move(done.error()));
  if (auto done = TakeNamespace(source, loaded); !done) return Fail(std::move(done.error()));
  return loaded;
}

Result<ObjectKey> RequireNode(ObjectSource& source, LoadedInput& loaded) {
  if (loaded.node) return ObjectKey{"Node", "", loaded.node->meta().name, ""};
  ObjectKey key{"Node", "", NodeNameOf(loaded.input.pod->root()), ""};
  if (key.name.empty()) return key;
  source.Require(key);
  if (auto done = TakeNode(source, loaded); !done) return Fail(std::move(done.error()));
  return key;
}

Result<ObjectKey> RequireNamespace(ObjectSource& source, LoadedInput& loaded) {
  const ObjectKey key = NamespaceOf(loaded);
  if (loaded.ns) return key;
  source.Require(key);
  if (auto done = TakeNamespace(source, loaded); !done) return Fail(std::move(done.error()));
  return key;
}

Result<Projection> ProjectFrom(ObjectSource& source, const ObjectKey& key, const VolumeView& view) {
  Projection projection;
  LoadedInput& loaded = projection.loaded;
  {
    const ProjectionTurn turn;
    auto first = LoadInput(source, key);
    if (!first) return Fail(std::move(first.error()));
    loaded = std::move(*first);
    auto files = ProjectView(view, loaded.input);
    if (!files) return Fail(std::move(files.error()));
    projection.files = std::move(*files);
    projection.others = OthersOf(loaded, projection.files);
    // Within the turn: parsed, it takes ten times as much, and the source may have to wait below.
    loaded.input = {};
  }
  if (!AddMissing(source, projection)) return projection;
  const ProjectionTurn turn;
  ProjectionInput input;
  if (source.IsServer()) input.unknown_fields = UnknownFields::kEmpty;
  if (auto done = ParseAll(loaded, input); !done) return Fail(std::move(done.error()));
  auto files = ProjectView(view, input);
  if (!files) return Fail(std::move(files.error()));
  projection.files = std::move(*files);
  return projection;
}

Result<std::vector<ProjectedFile>> ProjectAgain(const LoadedInput& objects,
                                                const VolumeView& view) {
  const ProjectionTurn turn;
  ProjectionInput input;
  input.unknown_fields = UnknownFields::kEmpty;  // they were judged the first time
  if (auto done = ParseAll(objects, input); !done) return Fail(std::move(done.error()));
  return ProjectView(view, input);
}

Result<ObjectKey> ParsePodName(const std::string& wanted, const std::string& default_namespace) {
  const auto slash = wanted.find('/');
  ObjectKey key{"Pod", default_namespace, wanted, ""};
  if (slash != std::string::npos) {
    key.ns = wanted.substr(0, slash);
    key.name = wanted.substr(slash + 1);
  }
  if (key.ns.empty() || key.name.empty() || key.name.find('/') != std::string::npos) {
    return Fail(ErrorCode::kInvalidArgument,
                "--pod " + QuoteForMessage(wanted) + ": must be NAMESPACE/NAME");
  }
  return key;
}

Result<ObjectKey> FindPod(const ObjectSource& source, const std::string& wanted) {
  ObjectKey key;
  if (!wanted.empty()) {
    auto parsed = ParsePodName(wanted, "default");
    if (!parsed) return Fail(std::move(parsed.error()));
    key = std::move(*parsed);
  }
  const auto pods = source.List("Pod");
  std::string known;
  for (const ObjectPtr& pod : pods) {
    if (!wanted.empty() && key.Matches(pod->meta())) return key;
    if (known.size() < 200) {
      known += (known.empty() ? "" : ", ") + pod->meta().ns + "/" + pod->meta().name;
    }
  }
  if (wanted.empty() && pods.size() == 1) {
    return ObjectKey{"Pod", pods.front()->meta().ns, pods.front()->meta().name, ""};
  }
  if (wanted.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "--pod is needed: " + source.State().description +
                                                 " has " + std::to_string(pods.size()) + " pods (" +
                                                 known + ")");
  }
  return Fail(ErrorCode::kNotFound, "pod " + key.ns + "/" + key.name + ": not found in " +
                                        source.State().description + ", which has " +
                                        (known.empty() ? "none" : known));
}

}  // namespace downwardfs
