// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/full_view.h"

#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"
#include "fs/projection/field_ref.h"
#include "fs/projection/json_access.h"
#include "fs/projection/resource_ref.h"
#include "fs/projection/yaml_dump.h"

namespace downwardfs {
namespace {

constexpr std::size_t kMaxNameBytes = 255;

// The plain fields by file name (docs/semantics.md, "The full view").
struct PlainField {
  const char* file;
  const char* field_path;
};
constexpr PlainField kPlainFields[] = {
    {"podName", "metadata.name"},
    {"namespace", "metadata.namespace"},
    {"uid", "metadata.uid"},
    {"nodeName", "spec.nodeName"},
    {"serviceAccountName", "spec.serviceAccountName"},
    {"podIP", "status.podIP"},
    {"podIPs", "status.podIPs"},
    {"hostIP", "status.hostIP"},
    {"hostIPs", "status.hostIPs"},
    {"phase", "status.phase"},
    {"qosClass", "status.qosClass"},
    {"startTime", "status.startTime"},
    {"creationTimestamp", "metadata.creationTimestamp"},
    {"labels", "metadata.labels"},
    {"annotations", "metadata.annotations"},
};

// The list member `name`; an empty one where it is absent or no list.
const Json& ListMember(const Json* object, std::string_view name) {
  static const Json kNone = Json::array();
  const Json* const list = FindMember(object, name);
  return list != nullptr && list->is_array() ? *list : kNone;
}

// The element of a list whose `name` is `name`; null if it is missing.
const Json* FindNamed(const Json& list, std::string_view name) {
  for (const Json& element : list) {
    if (ScalarMember(&element, "name") == name) return &element;
  }
  return nullptr;
}

class FullView {
 public:
  explicit FullView(const Json& pod)
      : pod_(pod),
        metadata_(FindMember(&pod, "metadata")),
        spec_(FindMember(&pod, "spec")),
        status_(FindMember(&pod, "status")) {}

  std::vector<ProjectedFile> Run() {
    for (const PlainField& field : kPlainFields) {
      Put(field.file, FieldValue(field.field_path, {pod_}), field.field_path);
    }
    MapFiles("labels");
    MapFiles("annotations");
    Put("controller", Controller(), "metadata.ownerReferences[controller=true]");
    Conditions();
    Containers("containers", "containerStatuses");
    Containers("initContainers", "initContainerStatuses");
    return std::move(files_);
  }

 private:
  // Adds a file unless there is one of that path: of two containers of one name the first is shown.
  void Put(std::string path, Result<std::string> content, std::string source) {
    ProjectedFile file;
    if (content) {
      file.content = std::move(*content);
    } else {
      file.problem = std::move(content.error().message);
    }
    if (!paths_.insert(path).second) return;
    file.path = std::move(path);
    file.source = std::move(source);
    files_.push_back(std::move(file));
  }

  // Whether a name from the pod can be one path element (after EscapeFileName).
  static bool IsFileName(const std::string& name) {
    return !name.empty() && name.size() <= kMaxNameBytes && name.find('\0') == std::string::npos;
  }

  void MapFiles(const std::string& map_name) {
    const Json* const map = FindMember(metadata_, map_name);
    if (map == nullptr || !map->is_object()) return;
    for (const auto& [key, value] : map->items()) {
      const std::string name = EscapeFileName(key);
      const std::string source = Concat({"metadata.", map_name, "['", key, "']"});
      if (IsFileName(name)) {
        Put(Concat({map_name, ".d/", name}), ScalarText(value).value_or(""), source);
      }
    }
  }

  std::string Controller() const {
    for (const Json& owner : ListMember(metadata_, "ownerReferences")) {
      if (ScalarMember(&owner, "controller") == "true") {
        return ScalarMember(&owner, "kind") + "/" + ScalarMember(&owner, "name");
      }
    }
    return "";
  }

  void Conditions() {
    for (const Json& condition : ListMember(status_, "conditions")) {
      const std::string type = ScalarMember(&condition, "type");
      const std::string name = EscapeFileName(type);
      const std::string source = Concat({"status.conditions[type=", type, "].status"});
      if (IsFileName(name)) Put("conditions/" + name, ScalarMember(&condition, "status"), source);
    }
  }

  void Containers(const std::string& list_name, const std::string& statuses_name) {
    const Json& statuses = ListMember(status_, statuses_name);
    std::set<std::string> seen;
    for (const Json& container : ListMember(spec_, list_name)) {
      const std::string container_name = ScalarMember(&container, "name");
      const std::string name = EscapeFileName(container_name);
      if (!IsFileName(name) || !seen.insert(name).second) continue;
      const std::string selector = Concat({"[name=", container_name, "]."});
      const std::string spec_path = Concat({"spec.", list_name, selector});
      const std::string status_path = Concat({"status.", statuses_name, selector});
      const std::string directory = Concat({list_name, "/", name, "/"});
      const Json* const status = FindNamed(statuses, container_name);
      Put(directory + "image", ScalarMember(&container, "image"), spec_path + "image");
      for (const char* member : {"imageID", "ready", "restartCount"}) {
        Put(directory + member, ScalarMember(status, member), status_path + member);
      }
      Put(directory + "state", State(FindMember(status, "state")), status_path + "state");
      const Json* const resources = FindMember(&container, "resources");
      for (const char* kind : {"requests", "limits"}) {
        Resources(directory, kind, FindMember(resources, kind), spec_path + "resources.");
      }
    }
  }

  // "running", "waiting: ImagePullBackOff", "terminated: Completed"; empty before the first status.
  static std::string State(const Json* state) {
    if (FindMember(state, "running") != nullptr) return "running";
    for (const char* name : {"waiting", "terminated"}) {
      const Json* const detail = FindMember(state, name);
      if (detail == nullptr) continue;
      const std::string reason = ScalarMember(detail, "reason");
      return reason.empty() ? name : std::string(name) + ": " + reason;
    }
    return "";
  }

  // cpu and memory always, other resources where the container names them.
  void Resources(const std::string& directory, const std::string& kind, const Json* amounts,
                 const std::string& path) {
    std::set<std::string> names = {"cpu", "memory"};
    if (amounts != nullptr && amounts->is_object()) {
      for (const auto& [name, amount] : amounts->items()) names.insert(name);
    }
    for (const std::string& name : names) {
      const std::string file = EscapeFileName(Concat({kind, ".", name}));
      if (!IsFileName(file)) continue;
      const std::string source = Concat({path, kind, "['", name, "']"});
      const Json* const amount = FindMember(amounts, name);
      if (amount == nullptr) {
        Put(directory + file, std::string(), source);
        continue;
      }
      auto quantity = DecodeQuantity(*amount);
      Put(directory + file,
          quantity ? Result<std::string>(quantity->Canonical())
                   : Result<std::string>(tl::unexpect, std::move(quantity.error())),
          source);
    }
  }

  const Json& pod_;
  const Json* const metadata_;
  const Json* const spec_;
  const Json* const status_;
  std::vector<ProjectedFile> files_;
  std::set<std::string> paths_;
};

}  // namespace

std::vector<ProjectedFile> ProjectPodFields(const Json& pod) {
  return FullView(pod).Run();
}

std::vector<ProjectedFile> ProjectWholeObject(const Json& object, const std::string& stem) {
  Json shown = object;
  if (const auto metadata = shown.find("metadata"); metadata != shown.end()) {
    if (metadata->is_object()) metadata->erase("managedFields");
  }
  std::vector<ProjectedFile> files(2);
  files[0].path = stem + ".json";
  files[0].content = DumpJson(shown, 2);
  files[0].source = "the " + stem + " as JSON";
  files[1].path = stem + ".yaml";
  files[1].content = DumpYaml(shown);
  files[1].source = "the " + stem + " as YAML";
  return files;
}

std::vector<ProjectedFile> ProjectFullView(const Json& pod) {
  std::vector<ProjectedFile> files = ProjectPodFields(pod);
  for (ProjectedFile& file : ProjectWholeObject(pod, "pod")) files.push_back(std::move(file));
  return files;
}

std::vector<std::string> PodFieldNames() {
  std::vector<std::string> names;
  for (const PlainField& field : kPlainFields) names.emplace_back(field.file);
  names.emplace_back("controller");
  return names;
}

std::vector<std::string> PodDirectoryNames() {
  return {"annotations.d", "conditions", "containers", "initContainers", "labels.d"};
}

std::string EscapeFileName(std::string_view name) {
  if (name == ".") return "%2E";
  if (name == "..") return "%2E.";
  std::string out;
  for (const char c : name) {
    if (c == '/') {
      out += "%2F";
    } else if (c == '%') {
      out += "%25";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace downwardfs
