// SPDX-License-Identifier: Apache-2.0
// The long form of chaos_test, which tests/chaos builds and runs. Exit 1 where anything failed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/survival/chaos.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);  // the support code reports through it
  downwardfs::testing::ChaosOptions options;
  options.kills = 200;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--no-resend") == 0) {
      options.resend = false;
    } else if (std::strcmp(argv[i], "--no-stops") == 0) {
      options.stops = false;
    } else if (std::strcmp(argv[i], "--live") == 0) {
      options.live = true;
    } else if (std::strcmp(argv[i], "--no-upgrades") == 0) {
      options.upgrades = false;
    } else if (std::strcmp(argv[i], "--no-publishers") == 0) {
      options.publishers = false;
    } else if (std::strcmp(argv[i], "--no-sweeps") == 0) {
      options.sweeps = false;
    } else if (std::strcmp(argv[i], "--no-memory") == 0) {
      options.memory = false;
    } else if (i + 1 < argc && std::strcmp(argv[i], "--sweep-in") == 0) {
      options.sweep_in = static_cast<unsigned>(std::max(std::atoi(argv[++i]), 1));
    } else if (i + 1 < argc && std::strcmp(argv[i], "--kills") == 0) {
      options.kills = std::atoi(argv[++i]);
    } else if (i + 1 < argc && std::strcmp(argv[i], "--seed") == 0) {
      options.seed = static_cast<unsigned>(std::atoi(argv[++i]));
    } else {
      std::fputs(
          "usage: chaos [--kills N] [--seed N] [--live] [--no-resend] [--no-stops] [--no-upgrades] "
          "[--no-memory] [--no-publishers] [--no-sweeps] [--sweep-in N]\n",
          stderr);
      return 2;
    }
  }
  const auto result = downwardfs::testing::RunChaos(options);
  std::printf("%s\n%s", downwardfs::testing::Summary(result).c_str(), result.texts.c_str());
  return result.failures == 0 && result.final_state_seen ? 0 : 1;
}
