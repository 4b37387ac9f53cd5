// SPDX-License-Identifier: Apache-2.0
#include "tests/support/mounted.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "mount-helper/mount_table.h"

namespace downwardfs::testing {

Mounted::Mounted(const std::vector<std::string>& arguments, std::string mount_point)
    : mount_point_(std::move(mount_point)) {
  if (access("/dev/fuse", R_OK | W_OK) != 0) {
    ADD_FAILURE() << "this test needs /dev/fuse: load the fuse module, or give the container the "
                     "device (docker run --device /dev/fuse --cap-add SYS_ADMIN)";
    return;
  }
  std::vector<std::string> words = {"mount"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  words.push_back(mount_point_);
  const Outcome outcome = Downwardfs(words);
  ok_ = outcome.exit_code == 0;
  EXPECT_TRUE(ok_) << "exit " << outcome.exit_code << ": " << outcome.err;
}

Mounted::~Mounted() {
  if (!ok_ || !IsMountPoint(mount_point_)) return;
  const int daemon = DaemonPid();
  EXPECT_EQ(umount2(mount_point_.c_str(), MNT_DETACH), 0) << mount_point_;
  EXPECT_TRUE(daemon <= 0 || Eventually([&] { return kill(daemon, 0) != 0 && errno == ESRCH; }))
      << "the daemon outlives its mount";
}

std::string Mounted::StatusField(const std::string& key) const {
  Outcome outcome;
  // On a machine that is busy enough a daemon is silent for longer than `status` waits.
  Eventually(
      [&] {
        outcome = Downwardfs({"status", mount_point_, "--format", "json"});
        return outcome.err.find("does not answer") == std::string::npos;
      },
      std::chrono::seconds(60));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::string wanted = "\n  \"" + key + "\": ";
  const auto at = outcome.out.find(wanted);
  if (at == std::string::npos) return "";
  const auto from = at + wanted.size();
  std::string value = outcome.out.substr(from, outcome.out.find('\n', from) - from);
  if (!value.empty() && value.back() == ',') value.pop_back();
  return value;
}

int Mounted::DaemonPid() const {
  return std::atoi(StatusField("daemonPid").c_str());
}

bool IsMountPoint(const std::string& path) {
  const auto mount = FindMount(path);
  return mount && mount->has_value();
}

}  // namespace downwardfs::testing
