// SPDX-License-Identifier: Apache-2.0
// Refused calls, with which code and which words, and that nothing is left behind or taken away.
#include <sys/mount.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/csi/csi_fixture.h"

namespace downwardfs::testing {
namespace {

class CsiRulesTest : public CsiTest {
 protected:
  CsiRulesTest() { StartPlugin(); }

  void Refuses(const PublishCall& call, int code, const std::string& words) {
    const CsiAnswer answer = client().Publish(call);
    EXPECT_EQ(answer.code, code) << answer.message;
    EXPECT_THAT(answer.message, HasSubstr(words));
    EXPECT_EQ(MountsAt(call.target_path), 0);
  }
};

TEST_F(CsiRulesTest, WhatTheSpecificationRequires) {
  const std::vector<std::pair<const char*, void (*)(PublishCall&)>> calls = {
      {"volume_id", [](PublishCall& call) { call.volume_id.clear(); }},
      {"target_path", [](PublishCall& call) { call.target_path.clear(); }},
      {"volume_capability", [](PublishCall& call) { call.capability = false; }},
      {"block", [](PublishCall& call) { call.block = true; }},
  };
  for (const auto& [words, spoil] : calls) {
    PublishCall call = CallFor();
    spoil(call);
    Refuses(call, csi_code::kInvalidArgument, words);
  }
  EXPECT_EQ(client().Unpublish("", "/x").code, csi_code::kInvalidArgument);
  EXPECT_EQ(client().Unpublish("csi-1", "").code, csi_code::kInvalidArgument);
}

TEST_F(CsiRulesTest, WhatAUserReadsInTheEventsOfAPod) {
  struct Attribute {
    const char* key;
    const char* value;
    const char* words;
  };
  for (const auto& [key, value, words] : {
           Attribute{"itmes", "[]", "volumeAttributes.itmes: unknown"},
           Attribute{"items", "- {path: x, fieldRef: {fieldPath: metadata.name.x}}",
                     "metadata.name.x"},
           Attribute{"items", "- {path: x, usr: 1, fieldRef: {fieldPath: metadata.name}}",
                     "items[0] \"x\": unknown key \"usr\""},
           Attribute{"items", "- {path: x, user: -1, fieldRef: {fieldPath: metadata.name}}",
                     "user -1: must be between 0 and"},
           Attribute{"items", "- {path: ../x, fieldRef: {fieldPath: metadata.name}}", "'..'"},
           Attribute{"items",
                     "- {path: cpu, resourceFieldRef: {containerName: nobody, resource: "
                     "limits.cpu}}",
                     "nobody"},
           Attribute{"defaultMode", "rw", "0 to 0777"},
       }) {
    PublishCall call = CallFor();
    call.context[key] = value;
    Refuses(call, csi_code::kInvalidArgument, words);
    EXPECT_FALSE(std::filesystem::exists(call.target_path)) << words;
  }
}

TEST_F(CsiRulesTest, ItemsMayNameTheirUsers) {
  PublishCall call = CallFor();
  call.context["items"] =
      "{defaultUser: 1000, items: [{path: a, fieldRef: {fieldPath: metadata.name}}, "
      "{path: b, user: 2000, fieldRef: {fieldPath: metadata.name}}]}";
  const CsiAnswer answer = client().Publish(call);
  ASSERT_TRUE(answer.ok()) << answer.message;
  for (const auto& [name, user] : {std::pair("/a", 1000U), std::pair("/..data/b", 2000U)}) {
    struct stat st = {};
    ASSERT_EQ(lstat((call.target_path + name).c_str(), &st), 0);
    EXPECT_EQ(st.st_uid, user) << name;
  }
}

// runc cannot take the read-only flag off a mount in a user namespace, and its event names no cure.
TEST_F(CsiRulesTest, APodInAUserNamespaceMountsTheVolumeReadOnly) {
  const auto spec = [](const std::string& csi, const std::string& mount) {
    return R"("hostUsers":false,"serviceAccountName":"reader","containers":[{"name":"main",)"
           R"("volumeMounts":[{"name":"ours","mountPath":"/d")" +
           mount + R"(}]}],"volumes":[{"name":"ours","csi":{)" + csi + R"("driver":")" +
           std::string(kDriver) + R"("}}])";
  };
  server_->PutObject("pods", "default", "apart", {.spec = spec("", "")});
  Refuses(CallFor("apart"), csi_code::kInvalidArgument,
          "container \"main\" does not mount the volume read-only, which it is: set csi.readOnly: "
          "true");
  server_->PutObject("pods", "default", "whole", {.spec = spec(R"("readOnly":true,)", "")});
  EXPECT_TRUE(client().Publish(CallFor("whole")).ok());
  server_->PutObject("pods", "default", "mount", {.spec = spec("", R"(,"readOnly":true)")});
  EXPECT_TRUE(client().Publish(CallFor("mount")).ok());
}

TEST_F(CsiRulesTest, ThePodMustBeTheOneThatTheKubeletMeans) {
  PublishCall call = CallFor();
  call.context["csi.storage.k8s.io/pod.uid"] = "another-uid";
  Refuses(call, csi_code::kInvalidArgument, "is not of the pod with uid another-uid");
  // A pod of that name that was made again.
  call = CallFor();
  server_->Delete("default", "web");
  Label("again");
  ASSERT_TRUE(client().Publish(CallFor("web", "second")).ok());  // the plugin has seen it
  Refuses(call, csi_code::kFailedPrecondition, "that pod is gone");
  call = CallFor();
  call.context["csi.storage.k8s.io/pod.name"] = "nobody";
  Refuses(call, csi_code::kNotFound, "nobody");
  server_->PutObject("pods", "default", "far", {.spec = R"("containers":[])", .node = "node2"});
  Refuses(CallFor("far"), csi_code::kFailedPrecondition, "is on node \"node2\"");
}

TEST_F(CsiRulesTest, TheServiceAccountIsThePodsOwn) {
  PublishCall call = CallFor();
  call.context["csi.storage.k8s.io/serviceAccount.name"] = "admin";
  Refuses(call, csi_code::kInvalidArgument, "\"admin\": pod default/web runs as ServiceAccount");
  call.context.erase("csi.storage.k8s.io/serviceAccount.name");
  call.context["items"] = kNodeItems;
  Refuses(call, csi_code::kPermissionDenied, "ServiceAccount default/reader may not get nodes");
}

// A republish refuses the same as a publish, in the same words, every time, and nothing changes.
TEST_F(CsiRulesTest, ARepublishHasTheRulesOfAPublish) {
  const PublishCall call = Published();
  PublishCall changed = call;
  for (int i = 0; i < 2; ++i) {
    changed.context["items"] = kNodeItems;
    const CsiAnswer denied = client().Publish(changed);
    EXPECT_EQ(denied.code, csi_code::kPermissionDenied) << denied.message;
    EXPECT_THAT(denied.message, HasSubstr("may not get nodes"));
    changed.context["items"] =
        "- {path: cpu, resourceFieldRef: {containerName: nobody, resource: limits.cpu}}";
    const CsiAnswer invalid = client().Publish(changed);
    EXPECT_EQ(invalid.code, csi_code::kInvalidArgument) << invalid.message;
    EXPECT_THAT(invalid.message, HasSubstr("nobody"));
  }
  Label("two");
  EXPECT_TRUE(Shows(call.target_path, "tick", "two"));
  EXPECT_EQ(StatusField(call.target_path, "lastError"), "\"\"");
  VolumeFigures figures;
  EXPECT_TRUE(client().Stats(call.volume_id, call.target_path, figures).ok());
  EXPECT_FALSE(figures.abnormal) << figures.condition;
  // Flags are of the mount that is there.
  changed = call;
  changed.mount_flags = {"discard"};
  EXPECT_TRUE(client().Publish(changed).ok());
  changed.volume_id = "csi-2";
  EXPECT_EQ(client().Publish(changed).code, csi_code::kInvalidArgument);
}

// Its files are too large together: it fails when the view was taken already, and does so again.
TEST_F(CsiRulesTest, AChangeThatFailsLateIsNotTakenForDone) {
  const PublishCall call = Published();
  const std::string big(60000, 'x');
  Label(big);
  EXPECT_TRUE(Shows(call.target_path, "tick", big));
  PublishCall changed = call;
  std::string items;
  for (int i = 0; i < 100; ++i) {
    items += "- {path: p" + std::to_string(i) +
             ", fieldRef: {fieldPath: \"metadata.labels['tick']\"}}\n";
  }
  changed.context["items"] = items;
  for (int i = 0; i < 2; ++i) {
    const CsiAnswer answer = client().Publish(changed);
    EXPECT_EQ(answer.code, csi_code::kResourceExhausted) << answer.message;
  }
  Label("small");
  EXPECT_TRUE(Shows(call.target_path, "tick", "small"));
}

TEST_F(CsiRulesTest, TheVolumeMustBeOneOfThisDriver) {
  Refuses(CallFor("web", "other"), csi_code::kFailedPrecondition, "has no volume \"other\"");
  Refuses(CallFor("web", "missing"), csi_code::kFailedPrecondition, "has no volume \"missing\"");
}

TEST_F(CsiRulesTest, NothingIsMountedBesideTheKubeletsPlaces) {
  PublishCall call = CallFor();
  call.target_path = dir_.MakeDir("elsewhere") + "/mount";
  Refuses(call, csi_code::kInvalidArgument, "kubernetes.io~csi/VOLUME/mount");
  call = CallFor();
  std::filesystem::create_directory_symlink(dir_ / "elsewhere", call.target_path);
  Refuses(call, csi_code::kInvalidArgument, "symlink");
  EXPECT_EQ(client().Unpublish("csi-1", "/etc").code, csi_code::kInvalidArgument);
}

TEST_F(CsiRulesTest, SomebodysDataIsNeverRemoved) {
  const PublishCall call = CallFor();
  std::filesystem::create_directory(call.target_path);
  std::ofstream(call.target_path + "/precious") << "data";
  EXPECT_EQ(client().Unpublish(call.volume_id, call.target_path).code,
            csi_code::kFailedPrecondition);
  EXPECT_TRUE(std::filesystem::exists(call.target_path + "/precious"));
  std::filesystem::remove(call.target_path + "/precious");

  ASSERT_EQ(mount("somebody's", call.target_path.c_str(), "tmpfs", 0, nullptr), 0);
  const CsiAnswer unpublished = client().Unpublish(call.volume_id, call.target_path);
  EXPECT_EQ(unpublished.code, csi_code::kFailedPrecondition);
  EXPECT_THAT(unpublished.message, HasSubstr("tmpfs is mounted there"));
  EXPECT_EQ(client().Publish(call).code, csi_code::kFailedPrecondition);
  EXPECT_EQ(MountsAt(call.target_path), 1);
  ASSERT_EQ(umount2(call.target_path.c_str(), 0), 0);
  EXPECT_TRUE(client().Unpublish(call.volume_id, call.target_path).ok());
}

TEST_F(CsiRulesTest, AVolumeHasOnePlaceAndAPlaceOneVolume) {
  const PublishCall call = Published();
  PublishCall second = call;
  second.volume_id = "csi-2";
  EXPECT_EQ(client().Publish(second).code, csi_code::kAlreadyExists);
  EXPECT_EQ(client().Unpublish("csi-2", call.target_path).code, csi_code::kFailedPrecondition);
  PublishCall elsewhere = call;
  elsewhere.target_path = Target("web", "second");
  const CsiAnswer answer = client().Publish(elsewhere);
  EXPECT_EQ(answer.code, csi_code::kFailedPrecondition);
  EXPECT_THAT(answer.message, HasSubstr(call.target_path));
  EXPECT_EQ(Slurp(call.target_path + "/tick"), "one");
}

TEST_F(CsiRulesTest, ACancelledCallLeavesNothing) {
  server_->Stop();
  PublishCall call = CallFor();
  call.patience = std::chrono::milliseconds(300);
  const int code = client().Publish(call).code;
  EXPECT_TRUE(code == csi_code::kDeadlineExceeded || code == csi_code::kCancelled ||
              code == csi_code::kUnavailable)
      << code;
  server_->Start();
  // The next call has its turn, whatever became of it at the other end, and there is one mount.
  call.patience = std::chrono::milliseconds(60000);
  const CsiAnswer answer = client().Publish(call);
  EXPECT_TRUE(answer.ok()) << answer.message;
  ExpectItEnds(call);
}

TEST_F(CsiRulesTest, NoTokenOfAPodIsLoggedOrKept) {
  PublishCall call = CallFor();
  call.context["csi.storage.k8s.io/serviceAccount.tokens"] = "{\"\":{\"token\":\"s3cr3t\"}}";
  ASSERT_TRUE(client().Publish(call).ok());
  call.context["layout"] = "flat";
  EXPECT_THAT(client().Publish(call).message, Not(HasSubstr("s3cr3t")));
  EXPECT_EQ(Slurp(dir_ / "plugin.log").find("s3cr3t"), std::string::npos);
  for (const auto& file : std::filesystem::directory_iterator(plugin_dir_ + "/state")) {
    EXPECT_EQ(Slurp(file.path()).find("s3cr3t"), std::string::npos);
  }
}

TEST(CsiCommandTest, WrongUsageIsOneLine) {
  const Outcome missing = Downwardfs({"csi"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr("--endpoint unix://PATH or --kubelet-dir DIR is required"));
  EXPECT_EQ(Downwardfs({"csi", "--kubelet-dir", "/x"}).exit_code, 2);
  const Outcome tcp = Downwardfs({"csi", "--node-id", "n", "--endpoint", "tcp://0.0.0.0:1"});
  EXPECT_EQ(tcp.exit_code, 1);
  EXPECT_THAT(tcp.err, HasSubstr("must be unix://"));
  const Outcome name =
      Downwardfs({"csi", "--node-id", "n", "--kubelet-dir", "/x", "--driver-name", "-a"});
  EXPECT_EQ(name.exit_code, 2);
  EXPECT_THAT(name.err, HasSubstr("--driver-name -a"));
}

}  // namespace
}  // namespace downwardfs::testing
