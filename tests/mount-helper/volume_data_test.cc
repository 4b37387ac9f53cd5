// SPDX-License-Identifier: Apache-2.0
// The kubelet's record of a volume, and what is not one.
#include "mount-helper/volume_data.h"

#include <sys/stat.h>

#include <filesystem>

#include "mount-helper/volume_place.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace downwardfs::testing {
namespace {

// As a kubelet of Kubernetes 1.37 has written it.
constexpr char kRecord[] =
    R"({"attachmentID":"csi-73d1","driverName":"csi.downwardfs.dev","nodeName":"node1",)"
    R"("specVolID":"info","volumeHandle":"csi-89ab","volumeLifecycleMode":"Ephemeral"})"
    "\n";

TEST(VolumeDataTest, TheKubeletsRecordNamesDriverAndVolume) {
  const auto data = ParseVolumeData(kRecord);
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ(data->driver, "csi.downwardfs.dev");
  EXPECT_EQ(data->volume, "info");
}

TEST(VolumeDataTest, EscapesAreThoseOfGo) {
  const auto data = ParseVolumeData(
      R"({ "driverName" : "a\u003cb\u00e9\u2028\"\\\/\n" , "specVolID":"\u0069nfo" })");
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ(data->driver, "a<b\xc3\xa9\xe2\x80\xa8\"\\/\n");
  EXPECT_EQ(data->volume, "info");
}

TEST(VolumeDataTest, AnythingElseIsRefused) {
  const std::string both = R"("driverName":"d","specVolID":"v")";
  ASSERT_TRUE(ParseVolumeData("{" + both + "}"));
  for (const std::string& text : {std::string(),
                                  std::string("{}"),
                                  std::string("null"),
                                  std::string("[]"),
                                  std::string(R"({"driverName":"d"})"),
                                  std::string(R"({"specVolID":"v"})"),
                                  std::string(R"({"driverName":"","specVolID":"v"})"),
                                  "{" + both,
                                  "{" + both + ",}",
                                  "{" + both + "}x",
                                  "{" + both + "}{}",
                                  "{," + both + "}",
                                  "{" + both + ",\"n\":1}",
                                  "{" + both + ",\"n\":null}",
                                  "{" + both + ",\"n\":{}}",
                                  "{" + both + ",\"driverName\":\"e\"}",
                                  "{" + both + ",\"x\":\"\\u12\"}",
                                  "{" + both + ",\"x\":\"\\u0000\"}",
                                  "{" + both + ",\"x\":\"\\ud800\"}",
                                  "{" + both + ",\"x\":\"\\q\"}",
                                  "{" + both + ",\"x\":\"a\nb\"}",
                                  "{" + both + ",\"x\":\"" + std::string(70000, 'x') + "\"}",
                                  std::string(70000, '{')}) {
    const auto data = ParseVolumeData(text);
    ASSERT_FALSE(data) << text.substr(0, 100);
    EXPECT_EQ(data.error().code, ErrorCode::kInvalidArgument);
  }
  // Cut anywhere.
  const std::string record = "{" + both + "}";
  for (std::size_t size = 0; size < record.size(); ++size) {
    EXPECT_FALSE(ParseVolumeData(record.substr(0, size))) << size;
  }
}

class OwnerTest : public ::testing::Test {
 protected:
  OwnerTest() { std::filesystem::create_directories(root_ + above_); }
  Status Check(const std::string& driver = "csi.downwardfs.dev") const {
    return VolumePlace::Open(root_, root_ + above_ + "/mount")->CheckOwner(driver);
  }
  void Record(const std::string& text) const {
    dir_.Write("kubelet" + above_ + "/vol_data.json", text);
  }
  const TempDir dir_;
  const std::string root_ = dir_.MakeDir("kubelet");
  const std::string above_ = "/pods/u/volumes/kubernetes.io~csi/info";
  const std::string record_ = root_ + above_ + "/vol_data.json";
};

TEST_F(OwnerTest, APlaceIsTheDriversThatTheKubeletHasItFor) {
  EXPECT_EQ(Check().error().code, ErrorCode::kFailedPrecondition);
  Record(kRecord);
  EXPECT_TRUE(Check());
  const auto other = Check("csi.example.com");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kPermissionDenied);
  EXPECT_THAT(other.error().message,
              HasSubstr("is a volume of driver \"csi.downwardfs.dev\", not of csi.example.com"));
  Record(R"({"driverName":"csi.downwardfs.dev","specVolID":"else"})");
  EXPECT_EQ(Check().error().code, ErrorCode::kPermissionDenied);
  Record("{}");
  EXPECT_EQ(Check().error().code, ErrorCode::kFailedPrecondition);
  EXPECT_TRUE(VolumePlace::Open("", root_ + above_ + "/mount")->CheckOwner("any"));
}

TEST_F(OwnerTest, NothingButAFileIsARecord) {
  const std::string elsewhere = dir_.Write("elsewhere.json", kRecord);
  std::filesystem::create_symlink(elsewhere, record_);
  EXPECT_EQ(Check().error().code, ErrorCode::kFailedPrecondition);
  std::filesystem::remove(record_);
  ASSERT_EQ(mkfifo(record_.c_str(), 0644), 0);
  EXPECT_EQ(Check().error().code, ErrorCode::kFailedPrecondition);
  std::filesystem::remove(record_);
  std::filesystem::create_directory(record_);
  EXPECT_EQ(Check().error().code, ErrorCode::kFailedPrecondition);
  std::filesystem::remove(record_);
  Record(kRecord + std::string(std::size_t{1} << 20, ' '));
  EXPECT_EQ(Check().error().code, ErrorCode::kFailedPrecondition);
}

}  // namespace
}  // namespace downwardfs::testing
