// SPDX-License-Identifier: Apache-2.0
#include "tests/support/background.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/owned_fd.h"
#include "tests/support/process.h"

namespace downwardfs::testing {

Background::Background(std::vector<std::string> words, std::string errors,
                       const std::string& program)
    : errors_(std::move(errors)) {
  words.insert(words.begin(), program.empty() ? DOWNWARDFS_BINARY : program);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const OwnedFd fd(open(errors_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  pid_ = fork();
  if (pid_ != 0) return;
  dup2(fd.get(), STDERR_FILENO);
  execv(argv[0], argv.data());
  _exit(127);
}

Background::~Background() {
  EXPECT_NE(Wait(SIGKILL), -1);
}

int Background::Wait(int signal) {
  if (pid_ <= 0) return 0;
  if (signal != 0) kill(pid_, signal);
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_) return -1;
  pid_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool Background::Said(const std::string& text) const {
  return Eventually([&] { return Slurp(errors_).find(text) != std::string::npos; });
}

}  // namespace downwardfs::testing
