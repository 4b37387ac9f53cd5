// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/csi/publish_journal.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>

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
  auto specs = journal->Read();
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
  EXPECT_EQ(journal->Read().size(), 2u);
}

TEST(PublishJournalTest, HalfARecordIsNoneAndAForeignOneStays) {
  const TempDir dir;
  auto journal = PublishJournal::Open(dir / "state");
  ASSERT_TRUE(journal);
  ASSERT_TRUE(journal->Write(Spec("csi-1")));
  dir.Write("state/torn.json", R"({"format":1,"volumeId":"csi-)");
  dir.Write("state/newer.json", R"({"format":99})");
  dir.Write("state/empty.json", "");
  dir.Write("state/csi-2.json.part", "half");
  dir.Write("state/unknown-attribute.json",
            R"({"format":1,"volumeId":"x","targetPath":"/x","podNamespace":"n","podName":"p",)"
            R"("podUid":"u","serviceAccount":"s","attributes":{"what":"x"}})");
  ASSERT_EQ(journal->Read().size(), 1u);
  EXPECT_FALSE(std::filesystem::exists(dir / "state/torn.json"));
  EXPECT_TRUE(std::filesystem::exists(dir / "state/newer.json"));
}

TEST(PublishJournalTest, ADirectoryThatCannotBeMadeIsNamed) {
  const TempDir dir;
  const auto journal = PublishJournal::Open(dir / "no/such/place");
  ASSERT_FALSE(journal);
  EXPECT_THAT(journal.error().message, ::testing::HasSubstr("--state-dir"));
}

}  // namespace
}  // namespace downwardfs::testing
