// SPDX-License-Identifier: Apache-2.0
// The long form of chaos_test, which tests/chaos builds and runs. Exit 1 where anything failed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string_view>

#include "tests/survival/chaos.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);  // the support code reports through it
  using downwardfs::testing::ChaosOptions;
  ChaosOptions options;
  options.kills = 200;
  const std::map<std::string_view, bool ChaosOptions::*> flags = {
      {"--live", &ChaosOptions::live},
      {"--no-memory", &ChaosOptions::memory},
      {"--no-publishers", &ChaosOptions::publishers},
      {"--no-resend", &ChaosOptions::resend},
      {"--no-stops", &ChaosOptions::stops},
      {"--no-sweeps", &ChaosOptions::sweeps},
      {"--no-upgrades", &ChaosOptions::upgrades},
  };
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (const auto sets = flags.find(flag); sets != flags.end()) {
      options.*sets->second = flag == "--live";
    } else if (i + 1 < argc && flag == "--sweep-in") {
      options.sweep_in = static_cast<unsigned>(std::max(std::atoi(argv[++i]), 1));
    } else if (i + 1 < argc && flag == "--kills") {
      options.kills = std::atoi(argv[++i]);
    } else if (i + 1 < argc && flag == "--seed") {
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
