// SPDX-License-Identifier: Apache-2.0
// The node plugin against the API server double: pod default/web (uid-1) with a volume `ours` of
// our driver, and a kubelet's directory. Needs root and /dev/fuse.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/csi/csi_client.h"
#include "tests/csi/inline_volume.h"
#include "tests/fakes/fake_api_server.h"
#include "tests/support/background.h"
#include "tests/support/matchers.h"
#include "tests/support/mounted.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace downwardfs::testing {

class CsiTest : public ::testing::Test {
 protected:
  static constexpr char kDriver[] = "csi.downwardfs.dev";

  CsiTest();
  ~CsiTest() override;

  /// The label `tick` of the pod.
  void Label(const std::string& value, const std::string& pod = "web");
  std::string UidOf(const std::string& pod) const;

  /// `downwardfs csi` with this kubelet's directory, and `more` flags.
  void StartPlugin(const std::vector<std::string>& more = {});
  /// Without a kubelet's directory, so that any target_path is taken.
  void StartWithoutKubelet(const std::string& socket);
  /// The two halves on their own.
  void StartHolder();
  void StartAttached();
  void StopPlugin(int signal = 15);

  /// The path at which the kubelet wants the volume of the pod; the directory above is made, with
  /// the kubelet's record.
  std::string Target(const std::string& pod = "web", const std::string& volume = "ours") const;
  InlineVolume VolumeOf(const std::string& pod, const std::string& volume) const;
  PublishCall CallFor(const std::string& pod = "web", const std::string& volume = "ours") const;
  /// The same, and the plugin has published it.
  PublishCall Published(const std::string& pod = "web", const std::string& volume = "ours");
  CsiClient& client();

  /// How many downwardfs mounts there are at the path.
  static int MountsAt(const std::string& path);
  /// The volume has one mount, and unpublishing it takes that away.
  void ExpectItEnds(const PublishCall& call);
  bool Shows(const std::string& target, const std::string& file, const std::string& content) const;
  /// The process of that name which is a descendant of ours; 0: none.
  static pid_t Find(const std::string& name);
  /// Kills it, without a chance to tidy up.
  static pid_t Kill(const std::string& name);
  /// Once the holder answers.
  bool IsUp();
  static std::string StatusField(const std::string& target, const std::string& key);

  static constexpr char kItems[] =
      "- {path: tick, fieldRef: {fieldPath: \"metadata.labels['tick']\"}}\n"
      "- {path: name, fieldRef: {fieldPath: metadata.name}}\n";
  static constexpr char kNamespaceItems[] =
      "- {path: tier, fieldRef: {fieldPath: \"namespace.metadata.labels['tick']\"}}\n";
  static constexpr char kNodeItems[] =
      "- {path: zone, fieldRef: {fieldPath: \"node.metadata.labels['tick']\"}}\n";

  const TempDir dir_;
  const std::unique_ptr<FakeApiServer> server_;
  const std::string kubelet_ = dir_.MakeDir("kubelet");
  const std::string plugin_dir_;
  const std::string socket_;
  const std::string registration_;
  std::optional<Background> plugin_;
  std::optional<Background> holder_;
  std::optional<CsiClient> client_;
};

}  // namespace downwardfs::testing
