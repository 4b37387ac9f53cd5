// SPDX-License-Identifier: Apache-2.0
// The publisher's process dies during an update: nothing may count as shown, since nobody could
// tell the kernel, and the next daemon goes on from there.
#include <gmock/gmock.h>
#include <sys/socket.h>

#include <thread>

#include "fs/volume/kubelet_update.h"
#include "fs/volume/live_update.h"
#include "mount-helper/handover_memory.h"

namespace downwardfs {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Makes `calls` calls, each of which arrives in the nodes as the kernel's request would, and is
// lost with the next.
class DyingCaller final : public TreeCaller {
 public:
  DyingCaller(VolumeLayout& nodes, int calls) : nodes_(nodes), left_(calls) {}
  int Perform(const TreeCall&) override {
    if (left_-- <= 0) {
      lost_ = true;
      return ENOTCONN;
    }
    const TreeChange armed = nodes_.Armed();
    if (armed.kind == TreeChange::Kind::kNone) return 0;
    return nodes_.Apply(armed) ? 0 : EROFS;
  }
  bool lost() const override { return lost_; }

 private:
  VolumeLayout& nodes_;
  int left_;
  bool lost_ = false;
};

class Notes final : public KernelNotifier {
 public:
  void InvalidateName(InodeId directory, const std::string& name) override {
    names.push_back(std::to_string(directory) + "/" + name);
  }
  void InvalidateInode(InodeId node) override { nodes.push_back(node); }

  std::vector<std::string> names;
  std::vector<InodeId> nodes;
};

// An update of the nodes whose publisher makes so many calls; as a rule all that are wanted.
template <class Update>
struct Publishing {
  template <class Nodes>
  Publishing(Nodes& nodes, KernelNotifier& notes, int calls = 1000)
      : tree(nodes, "", "", std::make_shared<DyingCaller>(nodes, calls)),
        update(nodes, tree, notes) {}

  WritableView tree;
  Update update;
};

class LostPublisherTest : public ::testing::Test {
 protected:
  static VolumeVersionPtr Version(int number) {
    const std::string n = std::to_string(number);
    return VolumeVersion::Make({{"a", "a" + n, 0644, "", ""}, {"f" + n, "", 0644, "", ""}},
                               "..v" + n, std::chrono::system_clock::now());
  }
  template <class Nodes>
  void Record(Nodes& nodes) const {
    EXPECT_TRUE(nodes.UseLog(std::make_unique<HandoverLog>(memory_)));
  }

  const OwnedFd fd_ = *HandoverMemory::Create();
  const HandoverMemory memory_ = *HandoverMemory::Map(fd_.get());
  Notes notes_;
};

TEST_F(LostPublisherTest, AVersionIsShownByItsRenameOrNotAtAll) {
  constexpr int kCallsOfAFlip = 6;  // mkdir, chmod, symlink, rename; a link made, one removed
  for (int calls = 0; calls < kCallsOfAFlip; ++calls) {
    const OwnedFd fd = *HandoverMemory::Create();
    const HandoverMemory memory = *HandoverMemory::Map(fd.get());
    KubeletLayout nodes{Ownership{}, std::chrono::system_clock::now()};
    ASSERT_TRUE(nodes.UseLog(std::make_unique<HandoverLog>(memory)));
    nodes.Show(nodes.Stage(Version(1), ""));
    Notes notes;
    Publishing<KubeletUpdate> dying(nodes, notes, calls);
    KubeletUpdate& update = dying.update;
    const bool renamed = calls >= 4;
    update.Show(Version(2), "");
    EXPECT_EQ(nodes.GetStats().data_dir, renamed ? "..v2" : "..v1") << calls;
    // Nor does a later one get further.
    update.Show(Version(3), "");
    EXPECT_EQ(nodes.GetStats().data_dir, renamed ? "..v2" : "..v1") << calls;
    EXPECT_THAT(notes.names, IsEmpty());
    EXPECT_EQ(update.without_events(), 0u);

    // The next daemon first has the kernel ask again, then finishes or undoes.
    KubeletLayout next{Ownership{}, {}};
    ASSERT_TRUE(next.UseLog(std::make_unique<HandoverLog>(memory)));
    const TreeChange cut = next.Armed();
    EXPECT_NE(cut.kind, TreeChange::Kind::kNone) << "a request of the dead publisher is refused";
    Publishing<KubeletUpdate>(next, notes).update.Resume();
    ASSERT_FALSE(notes.names.empty());
    if (!cut.name.empty()) {
      EXPECT_EQ(notes.names.front(), std::to_string(cut.inode) + "/" + cut.name);
    }
    EXPECT_THAT(notes.names, Contains("1/..data"));
    EXPECT_THAT(notes.nodes, Contains(kRootInode));
    EXPECT_EQ(next.Lookup(kRootInode, "f2").has_value(), renamed) << calls;
    EXPECT_EQ(next.Lookup(kRootInode, "f1").has_value(), !renamed) << calls;
  }
}

TEST_F(LostPublisherTest, ARetiredVersionStaysForTheNextDaemon) {
  KubeletLayout nodes{Ownership{}, std::chrono::system_clock::now()};
  Record(nodes);
  nodes.Show(nodes.Stage(Version(1), ""));
  Publishing<KubeletUpdate> dying(nodes, notes_, 6);
  auto retire = dying.update.Show(Version(2), "");
  ASSERT_TRUE(retire.task);
  while (retire.task) retire = retire.task();  // its rmdir is the seventh call
  EXPECT_TRUE(nodes.Lookup(kRootInode, "..v1"));
  EXPECT_EQ(nodes.RetiredVersions().size(), 1u);
}

TEST_F(LostPublisherTest, InTheLiveLayoutNamesThatTheKernelDoesNotHearOfStay) {
  LiveLayout nodes{Ownership{}, std::chrono::system_clock::now()};
  Record(nodes);
  nodes.ShowNames(nodes.Stage(Version(1), ""));
  Publishing<LiveUpdate>(nodes, notes_, 0).update.Show(Version(2), "");
  EXPECT_TRUE(nodes.Lookup(kRootInode, "f1"));
  EXPECT_FALSE(nodes.Lookup(kRootInode, "f2"));
  EXPECT_THAT(notes_.names, IsEmpty());

  LiveLayout next{Ownership{}, {}};
  Record(next);
  Publishing<LiveUpdate>(next, notes_).update.Resume();
  EXPECT_THAT(notes_.names, ElementsAre("1/f1"));  // the change that was cut
  EXPECT_THAT(notes_.nodes, Contains(kRootInode));
  EXPECT_FALSE(next.Lookup(kRootInode, "f1"));
  EXPECT_TRUE(next.Lookup(kRootInode, "f2"));
}

TEST(RemoteTreeCallerTest, IsLostWithItsConnection) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  OwnedFd publisher(ends[1]);
  RemoteTreeCaller caller{OwnedFd(ends[0])};
  std::thread answers([&] {
    char call[kMaxTreeCall];
    const int result = EROFS;
    EXPECT_GT(recv(publisher.get(), call, sizeof call, 0), 0);
    EXPECT_EQ(send(publisher.get(), &result, sizeof result, 0),
              static_cast<ssize_t>(sizeof result));
    EXPECT_GT(recv(publisher.get(), call, sizeof call, 0), 0);
    publisher.Reset();
  });
  EXPECT_EQ(caller.Perform({}), EROFS);
  EXPECT_FALSE(caller.lost());
  EXPECT_EQ(caller.Perform({}), ENOTCONN);
  EXPECT_TRUE(caller.lost());
  answers.join();
}

}  // namespace
}  // namespace downwardfs
