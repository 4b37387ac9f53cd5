// SPDX-License-Identifier: Apache-2.0
// A cluster tree over objects that a test puts, without a kernel: walks as the kernel would.
#pragma once

#include <sys/stat.h>

#include <string>
#include <utility>
#include <vector>

#include "fs/cluster/cluster_tree.h"
#include "tests/fakes/fake_source.h"
#include "tests/support/matchers.h"

namespace downwardfs::testing {

class ClusterTest : public ::testing::Test {
 protected:
  ClusterTest() : tree_(source_, Options()) {
    tree_.SetNotice([this](InodeId directory, const std::string& name) {
      taken_back_.push_back(PathOf(directory) + "/" + name);
    });
  }

  void Put(const std::string& json, const ObjectKey& key) {
    const ObjectPtr before = source_.Get(key);
    source_.Put(json);
    tree_.Follow(before, source_.Get(key));
  }
  void Delete(const ObjectKey& key) {
    const ObjectPtr before = source_.Get(key);
    source_.Delete(key);
    tree_.Follow(before, nullptr);
  }

  struct Pod {
    std::string uid = "u1";
    std::string version = "1";
    std::string labels = R"("app":"web")";
    std::string spec = R"("nodeName":"n1")";
    std::string status = R"("phase":"Running","podIP":"10.0.0.1")";
    std::string ns = "default";
    std::string created = "2026-01-02T03:04:05Z";
  };
  void PutPod(const std::string& name, const Pod& pod) {
    Put(R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":")" + name + R"(","namespace":")" +
            pod.ns + R"(","uid":")" + pod.uid + R"(","resourceVersion":")" + pod.version +
            R"(","creationTimestamp":")" + pod.created + R"(","labels":{)" + pod.labels +
            R"(}},"spec":{)" + pod.spec + R"(},"status":{)" + pod.status + "}}",
        {"Pod", pod.ns, name, ""});
  }
  void PutPod(const std::string& name) { PutPod(name, Pod()); }
  void DeletePod(const std::string& name) { Delete({"Pod", "default", name, ""}); }
  void PutNode(const std::string& name, const std::string& version = "1",
               const std::string& memory = "1Gi") {
    Put(R"({"kind":"Node","apiVersion":"v1","metadata":{"name":")" + name + R"(","uid":"node-)" +
            name + R"(","resourceVersion":")" + version +
            R"(","labels":{"zone":"a"}},"status":{"allocatable":{"memory":")" + memory +
            R"("},"conditions":[{"type":"Ready","status":"True"}]}})",
        {"Node", "", name, ""});
  }

  /// The node at a path, looked up step by step; id 0 if it is missing. The lookups are kept.
  InodeId Walk(const std::string& path) {
    InodeId at = kRootInode;
    std::string walked;
    for (std::size_t begin = 0; begin < path.size();) {
      const std::size_t end = std::min(path.find('/', begin), path.size());
      const auto reply = tree_.Lookup(at, path.substr(begin, end - begin));
      if (!reply) return 0;
      at = reply->id;
      walked = path.substr(0, end);
      paths_[at] = walked;
      begin = end + 1;
    }
    return at;
  }
  bool Exists(const std::string& path) { return Walk(path) != 0; }
  InodeAttr Attr(const std::string& path) {
    const auto reply = tree_.Attr(Walk(path));
    return reply ? static_cast<const InodeAttr&>(*reply) : InodeAttr();
  }
  std::string Read(const std::string& path) {
    const auto content = tree_.Content(Walk(path), 0, 0);
    return content ? *content : "(no file " + path + ")";
  }
  std::string Link(const std::string& path) {
    return tree_.ReadLink(Walk(path)).value_or("(no link " + path + ")");
  }
  std::vector<std::string> Names(const std::string& path) {
    std::vector<std::string> names;
    const auto listed = tree_.Names(Walk(path));
    if (!listed) return {"(no directory " + path + ")"};
    for (const DirectoryEntry& name : *listed) names.push_back(name.name);
    return names;
  }
  std::string PathOf(InodeId id) { return id == kRootInode ? "" : paths_[id]; }

  ClusterTree::Options Options() {
    ClusterTree::Options options;
    options.status = [this] { return status_; };
    return options;
  }

  FakeSource source_;
  std::string status_ = "{}\n";
  std::map<InodeId, std::string> paths_;
  std::vector<std::string> taken_back_;
  ClusterTree tree_;
};

}  // namespace downwardfs::testing
