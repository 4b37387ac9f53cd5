// SPDX-License-Identifier: Apache-2.0
#include "cli/log_flags.h"

#include <map>
#include <string>

namespace downwardfs {
namespace {

constexpr char kLogGroup[] = "Logging";

}  // namespace

// Of two transforms the later one is asked first. IsMember refuses a word in words; a
// CheckedTransformer names its numbers, and takes them too.
void AddLog(CLI::App* command, LogOptions& log) {
  command
      ->add_option(
          "--log-file", log.file,
          "Append log lines to FILE, which may be rotated: each line goes to the file that is at "
          "this path then; no signal is needed")
      ->type_name("FILE")
      ->group(kLogGroup);
  const std::map<std::string, LogOptions::Format> formats = {{"text", LogOptions::Format::kText},
                                                             {"json", LogOptions::Format::kJson}};
  command->add_option("--log-format", log.format, "text or json (default: text)")
      ->transform(CLI::CheckedTransformer(formats).description(""))
      ->transform(CLI::IsMember(formats).description(""))
      ->type_name("FORMAT")
      ->group(kLogGroup);
  const std::map<std::string, LogLevel> levels = {{"debug", LogLevel::kDebug},
                                                  {"info", LogLevel::kInfo},
                                                  {"warning", LogLevel::kWarning},
                                                  {"error", LogLevel::kError}};
  command->add_option("--log-level", log.level, "debug, info, warning or error (default: info)")
      ->transform(CLI::CheckedTransformer(levels).description(""))
      ->transform(CLI::IsMember(levels).description(""))
      ->type_name("LEVEL")
      ->group(kLogGroup);
}

}  // namespace downwardfs
