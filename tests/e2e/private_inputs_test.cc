// SPDX-License-Identifier: Apache-2.0
// Root's mounts of inputs that lie in users' private homes (libfuse#357): the daemon, which has no
// capability, is that user, or each of several users opens what is theirs.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/e2e/api_fixture.h"
#include "tests/e2e/mount_fixture.h"
#include "tests/support/children.h"

namespace downwardfs::testing {
namespace {

constexpr uid_t kBob = 12345;
constexpr uid_t kEve = 23456;

std::string UserOf(const Mounted& mount) {
  const std::string status = Slurp("/proc/" + std::to_string(mount.DaemonPid()) + "/status");
  const auto line = status.find("\nUid:\t");
  return line == std::string::npos
             ? ""
             : status.substr(line + 6, status.find('\t', line + 6) - line - 6);
}

std::vector<int> OpenersOf(const Mounted& mount) {
  std::vector<int> openers;
  for (const int child : ChildrenOf(std::atoi(mount.StatusField("holderPid").c_str()))) {
    if (NameOf(child) == "dwfs-opener") openers.push_back(child);
  }
  return openers;
}

// Gives `path` to the user, for nobody else.
void MakePrivate(const std::string& path, uid_t user) {
  std::filesystem::permissions(path, std::filesystem::is_directory(path)
                                         ? std::filesystem::perms(0700)
                                         : std::filesystem::perms(0600));
  ASSERT_EQ(chown(path.c_str(), user, user), 0);
}

class PrivateInputsTest : public HeldMountTest {
 protected:
  // A home with a pod file, which is replaced as an editor of the user's does it.
  std::string HomeOf(uid_t user, const std::string& name) {
    const std::string home = dir_.MakeDir(name);
    Put(user, name, "one");
    MakePrivate(home, user);
    return home;
  }
  // Items in a home of her own.
  std::string ItemsOfEve() {
    HomeOf(kEve, "eve");
    const std::string items = dir_.Write(
        "eve/items.yaml", "items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]");
    MakePrivate(items, kEve);
    return items;
  }
  void Put(uid_t user, const std::string& home, const std::string& label) {
    const std::string draft = dir_.Write("draft", PodYaml(label));
    MakePrivate(draft, user);
    std::filesystem::rename(draft, dir_ / (home + "/pod.yaml"));
  }
  // A link to a file that only root may read takes the place of the mount's pod file.
  void ExpectNoSecretByALinkAt(const std::string& pod_file, const Mounted& mount) {
    const std::string secret = dir_.Write("secret.yaml", PodYaml("secret"));
    MakePrivate(secret, 0);
    std::filesystem::remove(pod_file);
    std::filesystem::create_symlink(secret, pod_file);
    EXPECT_TRUE(Eventually([&] {
      return mount.StatusField("lastError").find("Permission denied") != std::string::npos;
    }));
    EXPECT_EQ(Slurp(mount / "labels"), "app=\"one\"");
  }
};

TEST_F(PrivateInputsTest, APodFileInAPrivateHomeIsReadAndFollowedByEachDaemon) {
  const std::string home = HomeOf(kBob, "home");
  const Mounted mount({"--pod-file", home + "/pod.yaml", "--volume", "info"}, at_);
  ASSERT_TRUE(mount.ok());
  const auto shows = [&](const std::string& label) {
    return Eventually([&] { return Slurp(mount / "labels") == "app=\"" + label + "\""; });
  };
  EXPECT_TRUE(shows("one"));
  EXPECT_EQ(UserOf(mount), std::to_string(kBob));
  Put(kBob, "home", "two");
  EXPECT_TRUE(shows("two"));
  ASSERT_EQ(kill(mount.DaemonPid(), SIGKILL), 0);
  Put(kBob, "home", "three");
  EXPECT_TRUE(shows("three"));
  EXPECT_EQ(UserOf(mount), std::to_string(kBob));
  EXPECT_EQ(mount.StatusField("deaths"), "1");
  EXPECT_THAT(Slurp("/proc/" + std::to_string(mount.DaemonPid()) + "/status"),
              HasSubstr("CapEff:\t0000000000000000"));
}

TEST_F(PrivateInputsTest, AHomeOfRootsGroupGivesNoRightOfThatGroup) {
  const std::string home = HomeOf(kBob, "home");
  for (const std::string& path : {home, home + "/pod.yaml"}) {
    ASSERT_EQ(chown(path.c_str(), kBob, 0), 0);
  }
  const Mounted mount({"--pod-file", home + "/pod.yaml", "--volume", "info"}, at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(UserOf(mount), std::to_string(kBob));
  EXPECT_THAT(Slurp("/proc/" + std::to_string(mount.DaemonPid()) + "/status"),
              HasSubstr("Gid:\t65534\t65534\t65534\t65534"));
}

TEST_F(PrivateInputsTest, InputsThatRootMayReadLeaveTheDaemonRoot) {
  ASSERT_EQ(chown(pod_.c_str(), kBob, kBob), 0);
  const Mounted mount(Arguments(), at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(UserOf(mount), "0");
}

TEST_F(PrivateInputsTest, InputsOfSeveralUsersAreOpenedByEachAndFollowed) {
  const std::string bob = HomeOf(kBob, "bob");
  const std::string items = ItemsOfEve();
  const Mounted mount({"--pod-file", bob + "/pod.yaml", "--items", items}, at_);
  ASSERT_TRUE(mount.ok());
  const auto shows = [&](const std::string& label) {
    return Eventually([&] { return Slurp(mount / "labels") == "app=\"" + label + "\""; });
  };
  EXPECT_TRUE(shows("one"));
  Put(kBob, "bob", "two");
  EXPECT_TRUE(shows("two"));
  ASSERT_EQ(kill(mount.DaemonPid(), SIGKILL), 0);
  Put(kBob, "bob", "three");
  EXPECT_TRUE(shows("three"));
  EXPECT_EQ(UserOf(mount), "0");
  const std::string daemon = "/proc/" + std::to_string(mount.DaemonPid());
  EXPECT_THAT(Slurp(daemon + "/status"), HasSubstr("CapEff:\t0000000000000000"));
  // Two for this daemon; those of the one before have ended with it.
  EXPECT_TRUE(Eventually([&] { return OpenersOf(mount).size() == 2; }));
  for (const int opener : OpenersOf(mount)) {
    const std::string status = Slurp("/proc/" + std::to_string(opener) + "/status");
    EXPECT_THAT(status, AnyOf(HasSubstr("Uid:\t" + std::to_string(kBob)),
                              HasSubstr("Uid:\t" + std::to_string(kEve))));
    EXPECT_THAT(status, AllOf(HasSubstr("CapEff:\t0000000000000000"), HasSubstr("Groups:\t \n"),
                              HasSubstr("NoNewPrivs:\t1")));
  }
}

// The same where root may read the file: the directory is the user's.
TEST_F(PrivateInputsTest, ALinkInAnotherUsersDirectoryIsNotFollowedWithRootsRights) {
  const std::string bob = HomeOf(kBob, "bob");
  std::filesystem::permissions(bob, std::filesystem::perms(0755));
  std::filesystem::permissions(bob + "/pod.yaml", std::filesystem::perms(0644));
  const Mounted mount({"--pod-file", bob + "/pod.yaml", "--volume", "info"}, at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(UserOf(mount), "0");
  ExpectNoSecretByALinkAt(bob + "/pod.yaml", mount);
}

// A link that the user puts in the place of the file is followed with that user's rights.
TEST_F(PrivateInputsTest, ALinkInAHomeLeadsNoFurtherThanItsOwnerMayGo) {
  const std::string bob = HomeOf(kBob, "bob");
  const std::string items = ItemsOfEve();
  const Mounted mount({"--pod-file", bob + "/pod.yaml", "--items", items}, at_);
  ASSERT_TRUE(mount.ok());
  ExpectNoSecretByALinkAt(bob + "/pod.yaml", mount);
}

TEST_F(PrivateInputsTest, AnInputThatNobodyMayReadIsRefusedBeforeTheMount) {
  const std::string bob = HomeOf(kBob, "bob");
  HomeOf(kEve, "eve");
  const std::string items = dir_.Write("eve/items.yaml", "items: []");
  MakePrivate(items, kEve);
  std::filesystem::permissions(items, std::filesystem::perms(0));
  const Outcome refused =
      Downwardfs({"mount", "--pod-file", bob + "/pod.yaml", "--items", items, at_});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, AllOf(HasSubstr(": Permission denied"), HasSubstr("--no-holder")));
  EXPECT_EQ(std::count(refused.err.begin(), refused.err.end(), '\n'), 1);
  EXPECT_FALSE(IsMountPoint(at_));
}

class PrivateKubeconfigTest : public ApiTest {
 protected:
  // Bob's home, with a kubeconfig of this user and what it names.
  std::string HomeWith(const std::string& user) {
    EXPECT_EQ(geteuid(), 0u) << "only root's mounts have a holder";
    std::filesystem::permissions(dir_.path(), std::filesystem::perms(0755));
    const std::string home = dir_.MakeDir("home");
    std::filesystem::rename(ca_, home + "/ca.pem");
    std::filesystem::rename(token_, home + "/token");
    dir_.Write("home/config",
               "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
               "contexts: [{name: c, context: {cluster: c, user: u, namespace: default}}]\n"
               "clusters: [{name: c, cluster: {server: '" +
                   server_->url() +
                   "', certificate-authority: ca.pem}}]\n"
                   "users: [{name: u, user: " +
                   user + "}]\n");
    return home;
  }
  // The same where everybody may read all of it.
  std::string OpenHomeWith(const std::string& user) {
    const std::string home = HomeWith(user);
    std::filesystem::permissions(home, std::filesystem::perms(0755));
    for (const char* const name : {"", "/ca.pem", "/token", "/config"}) {
      EXPECT_EQ(chown((home + name).c_str(), kBob, kBob), 0);
    }
    return home;
  }
};

TEST_F(PrivateKubeconfigTest, AKubeconfigAndWhatItNamesAreReadFromAPrivateHome) {
  const std::string home = HomeWith("{tokenFile: token}");
  for (const char* const name : {"/ca.pem", "/token", "/config", ""})
    MakePrivate(home + name, kBob);
  const Mounted mount({"--kubeconfig", home + "/config", "--pod", "web", "--volume", "info"}, at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_TRUE(Shows("tick", "one"));
  EXPECT_EQ(UserOf(mount), std::to_string(kBob));
  Label("two");
  EXPECT_TRUE(Shows("tick", "two"));
}

// The owner of a kubeconfig decides which server gets the token.
TEST_F(PrivateKubeconfigTest, ALinkInThePlaceOfATokenSendsNoFileOfRootsToAUsersServer) {
  const std::string home = OpenHomeWith("{tokenFile: token}");
  const std::string secret = dir_.Write("secret", "roots-secret\n");
  MakePrivate(secret, 0);
  const Mounted mount({"--kubeconfig", home + "/config", "--pod", "web", "--volume", "info"}, at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_TRUE(Shows("tick", "one"));
  EXPECT_EQ(UserOf(mount), std::to_string(kBob));
  server_->SetToken("roots-secret");
  std::filesystem::remove(home + "/token");
  std::filesystem::create_symlink(secret, home + "/token");
  ASSERT_EQ(kill(mount.DaemonPid(), SIGKILL), 0);
  Label("two");
  EXPECT_TRUE(Eventually([&] {
    return mount.StatusField("lastError").find("Permission denied") != std::string::npos;
  })) << mount.StatusField("lastError");
  EXPECT_EQ(Slurp(at_ + "/tick"), "one");
}

// The next daemon reads the file before it serves.
TEST_F(PrivateKubeconfigTest, AFifoInThePlaceOfAFileHangsNoReader) {
  const std::string home = OpenHomeWith("{tokenFile: token}");
  for (const char* const name : {"/token", "/config"}) {
    const Mounted mount({"--kubeconfig", home + "/config", "--pod", "web", "--volume", "info"},
                        at_);
    ASSERT_TRUE(mount.ok()) << name;
    EXPECT_TRUE(Shows("tick", "one"));
    const std::string file = home + name;
    std::filesystem::rename(file, file + ".before");
    ASSERT_EQ(mkfifo(file.c_str(), 0644), 0);
    ASSERT_EQ(kill(mount.DaemonPid(), SIGKILL), 0);
    EXPECT_TRUE(Eventually([&] {
      return mount.StatusField("lastError").find("nothing comes from it") != std::string::npos;
    })) << mount.StatusField("lastError");
    EXPECT_EQ(Slurp(at_ + "/tick"), "one");
    std::filesystem::rename(file + ".before", file);
  }
}

TEST_F(PrivateKubeconfigTest, ACredentialPluginOfAUsersIsRunAsThatUser) {
  const std::string home = OpenHomeWith(
      "{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, interactiveMode: "
      "Never}}");
  const std::string ran_as = dir_.Write("ran-as", "");
  std::filesystem::permissions(ran_as, std::filesystem::perms(0666));
  const std::string plugin =
      dir_.Write("home/plugin", "#!/bin/sh\nid -u >> " + ran_as +
                                    "\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1\","
                                    "\"kind\":\"ExecCredential\",\"status\":{\"token\":\"" +
                                    kToken + "\"}}'\n");
  std::filesystem::permissions(plugin, std::filesystem::perms(0755));
  const Mounted mount({"--kubeconfig", home + "/config", "--pod", "web", "--volume", "info"}, at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_TRUE(Shows("tick", "one"));
  EXPECT_EQ(Slurp(ran_as), std::to_string(kBob) + "\n");
}

// The daemon keeps root's files from its user, and reads what root has to give by an opener.
TEST_F(PrivateKubeconfigTest, AnInputOfRootsBesideAUsersKubeconfigIsOpenedByRoot) {
  const std::string home = OpenHomeWith("{tokenFile: token}");
  const std::string items =
      dir_.Write("items.yaml", "items: [{path: tick, fieldRef: {fieldPath: metadata.name}}]");
  MakePrivate(items, 0);
  const Mounted mount({"--kubeconfig", home + "/config", "--pod", "web", "--items", items}, at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(UserOf(mount), std::to_string(kBob));
  EXPECT_TRUE(Shows("tick", "web"));
}

}  // namespace
}  // namespace downwardfs::testing
