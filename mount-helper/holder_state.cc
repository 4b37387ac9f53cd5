// SPDX-License-Identifier: Apache-2.0
// Replacing a holder by whatever program lies at its path now: exec(2) keeps the process, its
// children and the descriptors that are named here; the rest travels as numbers on the command
// line.
#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <vector>

#include "mount-helper/holder.h"

namespace downwardfs {
namespace {

constexpr std::uint64_t kStateFormat = 1;
constexpr std::size_t kStateNumbers = 14;

// The path that we were started from, also where another file has taken its place.
std::string OwnPath() {
  char self[PATH_MAX];
  const ssize_t n = readlink("/proc/self/exe", self, sizeof self);
  std::string path(self, static_cast<std::size_t>(n > 0 ? n : 0));
  const std::string deleted = " (deleted)";
  if (path.size() > deleted.size() &&
      path.compare(path.size() - deleted.size(), deleted.size(), deleted) == 0) {
    path.resize(path.size() - deleted.size());
  }
  return path;
}

// No descriptor is 0, so that 0 stands for none.
std::uint64_t Number(const OwnedFd& fd) {
  return fd ? static_cast<std::uint64_t>(fd.get()) : 0;
}

OwnedFd TakeFd(std::uint64_t number) {
  if (number == 0 || number > INT_MAX) return {};
  OwnedFd fd(static_cast<int>(number));
  if (fcntl(fd.get(), F_SETFD, FD_CLOEXEC) != 0) fd.Release();
  return fd;
}

}  // namespace

std::string Holder::SaveState() const {
  const DaemonFigures& figures = daemon_.figures();
  const std::vector<std::uint64_t> numbers = {
      kStateFormat,
      Number(mount_.memory),
      static_cast<std::uint64_t>(std::max(daemon_.channel(), 0)),
      Number(mount_.device),
      Number(mount_.view),
      static_cast<std::uint64_t>(publisher_.control()),
      static_cast<std::uint64_t>(publisher_.pid() > 0 ? publisher_.pid() : 0),
      static_cast<std::uint64_t>(mount_.mount_id),
      mount_.mounted ? 1u : 0u,
      static_cast<std::uint64_t>(daemon_.running() ? daemon_.pid() : 0),
      figures.generation,
      figures.deaths,
      figures.last_handover_us,
      figures.longest_handover_us,
  };
  std::string state;
  for (const std::uint64_t number : numbers) state += std::to_string(number) + ",";
  return state + mount_.file_system;
}

Status Holder::Resume(const std::string& state) {
  std::vector<std::uint64_t> numbers;
  const char* rest = state.c_str();
  while (numbers.size() < kStateNumbers) {
    char* end = nullptr;
    numbers.push_back(std::strtoull(rest, &end, 10));
    if (*end != ',') break;
    rest = end + 1;
  }
  if (numbers.size() != kStateNumbers || numbers[0] != kStateFormat) {
    return Fail(ErrorCode::kInvalidArgument, "the state of the holder before is of another format");
  }
  mount_.memory = TakeFd(numbers[1]);
  mount_.device = TakeFd(numbers[3]);
  mount_.view = TakeFd(numbers[4]);
  publisher_ = PublisherProcess(static_cast<pid_t>(numbers[6]), TakeFd(numbers[5]));
  mount_.mount_id = static_cast<int>(numbers[7]);
  mount_.file_system = rest;
  mount_.mounted = numbers[8] != 0;
  ready_ = true;
  options_.ready_fd = -1;  // whoever waited has gone on
  daemon_.TakeOver(static_cast<pid_t>(numbers[9]), TakeFd(numbers[2]),
                   {numbers[10], numbers[11], numbers[12], numbers[13]});
  return {};
}

void Holder::ReplaceOurselves() {
  const std::vector<int> kept = {mount_.memory.get(), daemon_.channel(), mount_.device.get(),
                                 mount_.view.get(), publisher_.control()};
  for (const int fd : kept) {
    if (fd > 0) fcntl(fd, F_SETFD, 0);
  }
  const std::string path = OwnPath();
  std::vector<std::string> words = options_.arguments;
  words.insert(words.begin(), {path, "--resume", SaveState()});
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  syslog(LOG_ERR, "downwardfs: the holder cannot be replaced: %s: errno %d", path.c_str(), errno);
  for (const int fd : kept) {
    if (fd > 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  daemon_.Replace();  // the daemon can
}

}  // namespace downwardfs
