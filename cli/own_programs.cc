// SPDX-License-Identifier: Apache-2.0
#include "cli/own_programs.h"

#include <unistd.h>

#include <cerrno>
#include <climits>

namespace downwardfs {

Result<std::string> OwnPath() {
  char self[PATH_MAX];
  const ssize_t n = readlink("/proc/self/exe", self, sizeof self);
  if (n <= 0) return Fail(ErrnoError(errno, "/proc/self/exe"));
  return std::string(self, static_cast<std::size_t>(n));
}

Result<std::string> FindOwnProgram(const std::string& name) {
  auto self = OwnPath();
  if (!self) return self;
  const std::string folder = self->substr(0, self->rfind('/'));
  for (const char* beside : {"/../libexec/downwardfs/", "/../mount-helper/"}) {
    std::string path = folder;
    path += beside;
    path += name;
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return Fail(ErrorCode::kFailedPrecondition, name + ": not found beside " + *self);
}

Status ExecProgram(std::vector<std::string> words) {
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  return Fail(ErrnoError(errno, words[0]));
}

}  // namespace downwardfs
