// SPDX-License-Identifier: Apache-2.0
#include "csi/publish_journal.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "tests/support/matchers.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace downwardfs::testing {
namespace {

PublishSpec Spec(const std::string& id) {
  PublishSpec spec;
  spec.volume_id = id;
  spec.target_path = "/pods/u/volumes/kubernetes.io~csi/v/mount";
  spec.pod = ObjectKey{"Pod", "default", "web", "u"};
  spec.service_account = "reader";
  spec.fs_group = 2000;
  spec.attributes = {{"items", "- {path: name, fieldRef: {fieldPath: metadata.name}}"},
                     {"layout", "live"}};
  EXPECT_TRUE(ApplyAttributes(spec.attributes, spec));
  return spec;
}

TEST(PublishJournalTest, GivesBackWhatWasWritten) {
  const TempDir dir;
  const std::string weird = std::string("a/b..%\n\xc3\xa4", 9);
  const std::string longest(128, '/');
  {
    auto journal = PublishJournal::Open(dir / "state");
    ASSERT_TRUE(journal);
    for (const std::string& id : {std::string("csi-1"), weird, longest}) {
      ASSERT_TRUE(journal->Write(Spec(id)));
      ASSERT_TRUE(journal->Write(Spec(id)));  // again
    }
  }
  auto journal = PublishJournal::Open(dir / "state");
  ASSERT_TRUE(journal);
  const auto records = journal->Read();
  ASSERT_TRUE(records);
  const auto& specs = records->specs;
  ASSERT_EQ(specs.size(), 3u);
  for (const std::string& id : {std::string("csi-1"), weird, longest}) {
    const auto found = std::find_if(specs.begin(), specs.end(),
                                    [&](const PublishSpec& spec) { return spec.volume_id == id; });
    ASSERT_NE(found, specs.end());
    EXPECT_EQ(found->pod.name, "web");
    EXPECT_EQ(found->pod.uid, "u");
    EXPECT_EQ(found->service_account, "reader");
    EXPECT_EQ(found->fs_group, 2000u);
    EXPECT_EQ(found->layout, Layout::kLive);
    EXPECT_EQ(found->view.items.items.size(), 1u);
  }
  EXPECT_TRUE(journal->Remove(weird));
  EXPECT_TRUE(journal->Remove(weird));
  EXPECT_EQ(journal->Read()->specs.size(), 2u);
}

TEST(PublishJournalTest, OnlyWhatIsSurelyOursIsRemoved) {
  const TempDir dir;
  auto journal = PublishJournal::Open(dir / "state");
  ASSERT_TRUE(journal);
  ASSERT_TRUE(journal->Write(Spec("csi-1")));
  const std::string whole = Slurp(dir / "state/csi-1.json");
  dir.Write("state/torn.json", whole.substr(0, whole.size() / 2));
  dir.Write("state/stale.json.downwardfs-part", "half");
  const std::set<std::string> kept = {"foreign.json", "empty.json", "list.json", "newer.json",
                                      "other.json.part"};
  dir.Write("state/foreign.json", "{\"precious\": ");
  dir.Write("state/empty.json", "");
  dir.Write("state/list.json", "[1, 2]");
  dir.Write("state/newer.json", R"({"format":99})");
  dir.Write("state/other.json.part", "somebody's");
  const auto records = journal->Read();
  ASSERT_TRUE(records);
  EXPECT_EQ(records->specs.size(), 1u);
  EXPECT_FALSE(std::filesystem::exists(dir / "state/torn.json"));
  EXPECT_FALSE(std::filesystem::exists(dir / "state/stale.json.downwardfs-part"));
  for (const std::string& name : kept) {
    EXPECT_TRUE(std::filesystem::exists(dir / ("state/" + name))) << name;
  }
}

TEST(PublishJournalTest, ARecordThatCannotBeReadIsNamed) {
  const TempDir dir;
  auto journal = PublishJournal::Open(dir / "state");
  ASSERT_TRUE(journal);
  ASSERT_TRUE(journal->Write(Spec("csi-1")));
  dir.Write("state/csi-2.json", R"({"format":99})");
  dir.Write("state/csi-3.json",
            R"({"format":1,"volumeId":"csi-3","targetPath":"/x","podNamespace":"n","podName":"p",)"
            R"("podUid":"u","serviceAccount":"s","attributes":{"what":"x"}})");
  std::filesystem::copy_file(dir / "state/csi-1.json", dir / "state/copy.json");
  ASSERT_EQ(mkfifo((dir / "state/csi-4.json").c_str(), 0600), 0);
  std::filesystem::create_symlink(dir / "state/csi-1.json", dir / "state/csi-5.json");
  const auto records = journal->Read();
  ASSERT_TRUE(records);
  EXPECT_EQ(records->specs.size(), 1u);
  for (const char* id : {"csi-2", "csi-3", "csi-4", "csi-5", "copy"}) {
    EXPECT_TRUE(records->MayHave(id)) << id;
  }
  EXPECT_FALSE(records->MayHave("csi-1"));
  EXPECT_FALSE(records->MayHave("csi-6"));
}

TEST(PublishJournalTest, TheDirectoryIsItsUsersAlone) {
  const TempDir dir;
  const std::string shared = dir.MakeDir("shared");
  std::filesystem::permissions(shared, std::filesystem::perms(0777));
  const auto journal = PublishJournal::Open(shared);
  ASSERT_FALSE(journal);
  EXPECT_THAT(journal.error().message, HasSubstr("others may write there"));
  const std::string foreign = dir.MakeDir("foreign");
  ASSERT_EQ(chown(foreign.c_str(), 65534, 65534), 0);
  EXPECT_THAT(PublishJournal::Open(foreign).error().message, HasSubstr("belongs to user 65534"));
  std::filesystem::create_directory_symlink(dir.MakeDir("own"), dir / "link");
  EXPECT_FALSE(PublishJournal::Open(dir / "link"));
  EXPECT_FALSE(PublishJournal::Open(dir / "link/"));
  EXPECT_TRUE(PublishJournal::Open(dir / "own/"));
}

TEST(PublishJournalTest, ADirectoryThatCannotBeMadeIsNamed) {
  const TempDir dir;
  const auto journal = PublishJournal::Open(dir / "no/such/place");
  ASSERT_FALSE(journal);
  EXPECT_THAT(journal.error().message, HasSubstr("--state-dir"));
}

}  // namespace
}  // namespace downwardfs::testing
