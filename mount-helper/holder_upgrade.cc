// SPDX-License-Identifier: Apache-2.0
// Replacing a holder by the program that lies at its path now, and being that program
// (holder_state.h).
#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <vector>

#include "base/process.h"
#include "base/system_log.h"
#include "mount-helper/holder.h"
#include "mount-helper/holder_state.h"
#include "mount-helper/process_state.h"

namespace downwardfs {
namespace {

// The path that we were started from, also where another file has taken its place.
std::string OwnPath() {
  return StartedFrom(OwnProgramPath().value_or(""));
}

int Number(const OwnedFd& fd) {
  return fd ? fd.get() : 0;
}

OwnedFd TakeFd(int number) {
  if (number <= 0) return {};
  OwnedFd fd(number);
  if (fcntl(fd.get(), F_SETFD, FD_CLOEXEC) != 0) fd.Release();
  return fd;
}

}  // namespace

HolderState Holder::State() const {
  HolderState state;
  state.memory = Number(mount_.memory);
  state.channel = std::max(daemon_.channel(), 0);
  state.device = Number(mount_.device);
  state.view = Number(mount_.view);
  state.publisher_control = publisher_.control();
  state.publisher = std::max(publisher_.pid(), 0);
  state.daemon = daemon_.running() ? daemon_.pid() : 0;
  state.mount_id = mount_.mount_id;
  state.mounted = mount_.mounted;
  state.figures = daemon_.figures();
  state.file_system = mount_.file_system;
  return state;
}

Status Holder::Resume(const std::string& text) {
  auto state = ParseHolderState(text);
  if (!state) return Fail(std::move(state.error()));
  mount_.memory = TakeFd(state->memory);
  mount_.device = TakeFd(state->device);
  mount_.view = TakeFd(state->view);
  mount_.mount_id = state->mount_id;
  mount_.mounted = state->mounted;
  mount_.file_system = std::move(state->file_system);
  publisher_ = PublisherProcess(state->publisher, TakeFd(state->publisher_control));
  if (StateOf(state->publisher) == ProcessState::kStopped) {
    stopped_.TakeStopped(state->publisher, Clock::Real().Steady());
  }
  ready_ = true;
  options_.ready_fd = -1;      // the process that waited has gone on
  options_.input_fds.clear();  // these numbers are other files' by now
  daemon_.TakeOver(state->daemon, TakeFd(state->channel), state->figures);
  return {};
}

void Holder::ReplaceOurselves() {
  const HolderState state = State();
  const std::vector<int> kept = {state.memory,
                                 state.channel,
                                 state.device,
                                 state.view,
                                 state.publisher_control,
                                 Number(options_.directory),
                                 Number(options_.daemon_namespace)};
  for (const int fd : kept) {
    if (fd > 0) fcntl(fd, F_SETFD, 0);
  }
  const std::string path = OwnPath();
  std::vector<std::string> words = {path, "--resume", EncodeHolderState(state)};
  const auto hand_down = [&words](const char* option, const OwnedFd& fd) {
    if (fd) words.insert(words.end(), {option, std::to_string(fd.get())});
  };
  hand_down("--mount-directory", options_.directory);
  hand_down("--daemon-namespace", options_.daemon_namespace);
  words.insert(words.end(), options_.arguments.begin(), options_.arguments.end());
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  SystemLog(LOG_ERR, "downwardfs: the holder cannot be replaced: %s: errno %d", path.c_str(),
            errno);
  for (const int fd : kept) {
    if (fd > 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  daemon_.Replace();  // the daemon can
}

}  // namespace downwardfs
