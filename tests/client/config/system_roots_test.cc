// SPDX-License-Identifier: Apache-2.0
#include "client/config/system_roots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/client/temp_dir.h"
#include "tests/fakes/test_certificates.h"

namespace downwardfs::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class SystemRootsTest : public testing::Test {
 protected:
  SystemRootsTest() : one_(TestAuthority("one").pem()), two_(TestAuthority("two").pem()) {}

  const std::string one_;
  const std::string two_;
  const TempDir dir_;
};

TEST_F(SystemRootsTest, TheFirstFileThatIsThereCounts) {
  const std::string first = dir_.Write("first", one_);
  const std::string second = dir_.Write("second", two_);
  EXPECT_THAT(ReadSystemRoots({{dir_.Path("none"), first, second}, {}}).pems, ElementsAre(one_));
  EXPECT_THAT(ReadSystemRoots({{dir_.Path("none")}, {}}).pems, IsEmpty());
}

TEST_F(SystemRootsTest, EveryFileOfEveryFolderCountsButALinkToItsNeighbour) {
  dir_.Write("a/1.pem", one_);
  dir_.Write("a/readme", "no certificate");
  std::filesystem::create_symlink("1.pem", dir_.Path("a/hash.0"));
  dir_.Write("b/2.pem", two_);
  std::filesystem::create_symlink("../b/2.pem", dir_.Path("a/2.pem"));
  EXPECT_THAT(ReadSystemRoots({{}, {dir_.Path("a")}}).pems, UnorderedElementsAre(one_, two_));
  EXPECT_THAT(ReadSystemRoots({{}, {dir_.Path("none"), dir_.Path("b")}}).pems, ElementsAre(two_));
}

TEST_F(SystemRootsTest, AFileThatCannotBeReadIsAProblemButNoEnd) {
  const std::string second = dir_.Write("second", two_);
  const SystemRoots roots = ReadSystemRoots({{dir_.Path("."), second}, {}});
  EXPECT_THAT(roots.pems, ElementsAre(two_));
  EXPECT_THAT(roots.problem, HasSubstr("Is a directory"));
}

TEST_F(SystemRootsTest, TheEnvironmentReplacesTheListsAsInGo) {
  unsetenv("SSL_CERT_FILE");
  unsetenv("SSL_CERT_DIR");
  EXPECT_THAT(FindSystemRootPlaces().folders, ElementsAre("/etc/ssl/certs", "/etc/pki/tls/certs"));
  EXPECT_EQ(FindSystemRootPlaces().files.front(), "/etc/ssl/certs/ca-certificates.crt");
  setenv("SSL_CERT_FILE", "/f", 1);
  setenv("SSL_CERT_DIR", "/a:/b", 1);
  const SystemRootPlaces places = FindSystemRootPlaces();
  unsetenv("SSL_CERT_FILE");
  unsetenv("SSL_CERT_DIR");
  EXPECT_THAT(places.files, ElementsAre("/f"));
  EXPECT_THAT(places.folders, ElementsAre("/a", "/b"));
}

}  // namespace
}  // namespace downwardfs::client
