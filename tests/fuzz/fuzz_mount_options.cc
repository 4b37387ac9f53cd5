// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes what mount(8), /etc/fstab and systemd hand to mount.downwardfs. Beside not crashing: what
// passes is one command with long options alone before `--`, the mount point is never taken for an
// option, no option comes from nowhere, and an error is one line.
// Built as a libFuzzer target with DOWNWARDFS_FUZZ=ON, and into a test that replays the corpus: the
// words of a command line, one on each line.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "mount-helper/mount_options.h"

namespace downwardfs {
namespace {

void Check(bool condition) {
  if (!condition) std::abort();
}

void CheckError(const Error& error) {
  Check(!error.message.empty() && OneLine(error.message) == error.message);
}

std::vector<std::string> WordsOf(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

void CheckCommand(const MountRequest& request, const std::vector<std::string>& command) {
  Check(command.size() >= 3 && command.front() == "mount");
  Check(command.back() == request.mount_point && command[command.size() - 2] == "--");
  int sources = 0;
  for (std::size_t i = 1; i + 2 < command.size(); ++i) {
    const std::string_view word = command[i];
    Check(word.size() > 2 && word.substr(0, 2) == "--" && word[2] != '-' && word[2] != '=');
    if (word.rfind("--source-name=", 0) == 0) ++sources;
  }
  Check(sources >= (request.source.empty() ? 0 : 1));
  // Each option that was asked for is one word at most; a pod, a source and a mount namespace may
  // be added.
  Check(command.size() <= SplitMountOptions(request.options).size() + 6);
}

}  // namespace
}  // namespace downwardfs

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace downwardfs;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // argv has no NUL byte.
  if (text.find('\0') != std::string_view::npos) return 0;
  auto request = ParseMountArguments(WordsOf(text));
  if (!request) {
    CheckError(request.error());
    return 0;
  }
  for (const bool sloppy : {false, true}) {
    request->sloppy = sloppy;
    const auto command = MountCommand(*request);
    if (command) {
      CheckCommand(*request, *command);
    } else {
      CheckError(command.error());
    }
  }
  return 0;
}
