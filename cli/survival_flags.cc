// SPDX-License-Identifier: Apache-2.0
#include "cli/survival_flags.h"

#include "mount-helper/privileges.h"

namespace downwardfs {
namespace {

std::string NotAUser(const std::string& text) {
  return ParseRunAs(text) ? "" : "must be UID:GID, two numbers from 0 to 4294967294";
}

}  // namespace

void AddSurvival(CLI::App* command, int& watchdog_ms, std::string& run_as, bool& resend,
                 const std::string& user) {
  command
      ->add_option("--watchdog", watchdog_ms,
                   "Kill a daemon that gives no sign of life for so many milliseconds, and start "
                   "another; 0: never (default: 10000)")
      ->type_name("MS")
      ->check(CLI::Range(0, 3600000).description(""))
      ->group(kSurvivalGroup);
  command->add_option("--run-as", run_as, user)
      ->type_name("UID:GID")
      ->check(NotAUser)
      ->group(kSurvivalGroup);
  command
      ->add_flag_callback(
          "--no-resend", [&resend] { resend = false; },
          "Go on with unanswered requests from memory even where the kernel could send them again "
          "(Linux 6.9)")
      ->group(kSurvivalGroup);
}

}  // namespace downwardfs
