// SPDX-License-Identifier: Apache-2.0
#include "tests/support/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "base/file.h"
#include "base/owned_fd.h"

namespace downwardfs::testing {
namespace {

// An unlinked temporary file takes the output: unlike a pipe it needs no reader, and a daemon that
// keeps it open does not keep us waiting.
OwnedFd Scratch() {
  return OwnedFd(open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
}

std::string ReadBack(int fd) {
  std::string text;
  char chunk[65536];
  off_t offset = 0;
  for (ssize_t n = 0; (n = pread(fd, chunk, sizeof chunk, offset)) > 0; offset += n) {
    text.append(chunk, static_cast<std::size_t>(n));
  }
  return text;
}

[[noreturn]] void Exec(const std::vector<std::string>& argv, const RunOptions& options, int in,
                       int out, int err) {
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  for (const auto& [name, value] : options.env) setenv(name.c_str(), value.c_str(), 1);  // NOLINT
  if (options.uid != 0 && (setgid(options.uid) != 0 || setuid(options.uid) != 0)) _exit(125);
  std::vector<char*> words;
  words.reserve(argv.size() + 1);
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  execvp(words[0], words.data());
  _exit(127);
}

}  // namespace

Outcome RunProgram(const std::vector<std::string>& argv, const RunOptions& options) {
  const OwnedFd in = Scratch();
  const OwnedFd out = Scratch();
  const OwnedFd err = Scratch();
  Outcome outcome;
  if (!WriteAll(in.get(), options.input, "scratch")) return outcome;
  lseek(in.get(), 0, SEEK_SET);
  const pid_t child = fork();
  if (child == 0) Exec(argv, options, in.get(), out.get(), err.get());
  int status = 0;
  const bool ended =
      Eventually([&] { return waitpid(child, &status, WNOHANG) == child; }, options.limit);
  if (!ended) {
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    ADD_FAILURE() << argv[0] << " did not end in time";
  }
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.out = ReadBack(out.get());
  outcome.err = ReadBack(err.get());
  return outcome;
}

Outcome Downwardfs(const std::vector<std::string>& arguments, const RunOptions& options) {
  std::vector<std::string> argv = {DOWNWARDFS_BINARY};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return RunProgram(argv, options);
}

bool Eventually(const std::function<bool()>& condition, std::chrono::seconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

std::string Slurp(const std::string& path) {
  auto bytes = ReadFile(path);
  EXPECT_TRUE(bytes) << (bytes ? "" : bytes.error().message);
  return bytes.value_or("");
}

}  // namespace downwardfs::testing
