// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/daemon_keeper.h"

#include <sys/wait.h>
#include <syslog.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "base/system_log.h"
#include "mount-helper/handover_memory.h"
#include "mount-helper/message_channel.h"

namespace downwardfs {
namespace {

using std::chrono::milliseconds;

// A daemon that starts on a busy machine has more to do than to give signs of life.
constexpr milliseconds kStartTime{10000};

std::uint64_t Microseconds(std::chrono::steady_clock::duration duration) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

}  // namespace

Status DaemonKeeper::Start() {
  FenceOff(/*blameless=*/false);
  auto started = processes_.Start();
  if (!started) return Fail(std::move(started.error()));
  pid_ = started->pid;
  channel_ = std::move(started->channel);
  ++figures_.generation;
  served_ = at_fault_ = asked_to_end_ = false;
  last_sign_ = clock_.Steady();
  backoff_.Started(last_sign_);
  restart_at_ = Time::max();
  return {};
}

void DaemonKeeper::TakeOver(pid_t pid, OwnedFd channel, const DaemonFigures& figures) {
  pid_ = pid > 0 ? pid : -1;
  channel_ = std::move(channel);
  figures_ = figures;
  served_ = has_served_ = true;
  last_sign_ = clock_.Steady();
  if (!running()) restart_at_ = unserved_since_.emplace(last_sign_);
  Replace();
}

void DaemonKeeper::TakeMessage() {
  auto message = ReceiveMessage(channel(), gate_, LesserPeer::kDaemon);
  if (!message) {
    if (message.error().code == ErrorCode::kUnavailable) return;
    // The daemon is about to die, or cannot be trusted.
    CloseChannel();
    if (message.error().code != ErrorCode::kCancelled) Kill();
    return;
  }
  last_sign_ = clock_.Steady();
  if (const auto* const hello = std::get_if<message::Hello>(&*message)) {
    if (hello->protocol == kHolderProtocol) return owner_.Attach();
    SystemLog(LOG_ERR, "downwardfs: daemon %d speaks another protocol", pid_);
    Kill();
  } else if (std::holds_alternative<message::Serving>(*message)) {
    Serving();
  } else if (std::holds_alternative<message::Stop>(*message)) {
    asked_to_end_ = true;
  } else if (!std::holds_alternative<message::Alive>(*message)) {
    owner_.Take(*message);
  }
}

// It has taken care of what the one before it left.
void DaemonKeeper::Serving() {
  served_ = has_served_ = true;
  backoff_.Served();
  if (!unserved_since_) return;
  figures_.last_handover_us = Microseconds(clock_.Steady() - *std::exchange(unserved_since_, {}));
  figures_.longest_handover_us = std::max(figures_.longest_handover_us, figures_.last_handover_us);
}

void DaemonKeeper::Kill() {
  at_fault_ = true;
  KillBlameless();
}

void DaemonKeeper::KillBlameless() {
  if (!running()) return;
  processes_.Kill(pid_);
  if (!killed_at_) killed_at_ = clock_.Steady();
}

void DaemonKeeper::Replace() {
  replaced_ = true;
  KillBlameless();
}

// The last messages may still lie in the channel.
void DaemonKeeper::TakeLastWords() {
  while (channel_) {
    const auto message = ReceiveMessage(channel(), gate_, LesserPeer::kDaemon);
    if (!message) break;
    if (std::holds_alternative<message::Stop>(*message)) asked_to_end_ = true;
  }
  CloseChannel();
}

void DaemonKeeper::Ended(int status) {
  TakeLastWords();
  pid_ = -1;
  const Time now = clock_.Steady();
  killed_at_.reset();
  const auto silent_since = std::exchange(silent_since_, {});
  if (served_) unserved_since_ = silent_since.value_or(now);
  restart_at_ = now;
  const bool by_others = !at_fault_ && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  FenceOff(/*blameless=*/by_others);
  if (!std::exchange(replaced_, false)) {
    ++figures_.deaths;
    restart_at_ = backoff_.Ended(
        now, by_others ? RestartBackoff::Death::kByOthers : RestartBackoff::Death::kItsOwn);
  }
  const Next next = owner_.Ended({status, asked_to_end_});
  if (next == Next::kNobody) {
    restart_at_ = Time::max();
    return;
  }
  if (next == Next::kAnew) deaths_.clear();
  if (next == Next::kAnother) CountDeaths();
  SystemLog(LOG_WARNING, "downwardfs: the daemon has ended (status 0x%x); the next one starts",
            static_cast<unsigned>(status));
}

void DaemonKeeper::CountDeaths() {
  for (const auto& [id, memory] : owner_.Memories()) deaths_[id].Count(memory);
}

std::vector<std::uint64_t> DaemonKeeper::Poison(const std::string& id) const {
  const auto deaths = deaths_.find(id);
  return deaths == deaths_.end() ? std::vector<std::uint64_t>() : deaths->second.Poison();
}

void DaemonKeeper::FenceOff(bool blameless) const {
  for (const auto& [id, memory] : owner_.Memories()) HandoverMemory::FenceOff(memory, blameless);
}

int DaemonKeeper::EndForGood() {
  CloseChannel();
  restart_at_ = Time::max();
  if (!running()) return 1;
  return processes_.End(std::exchange(pid_, -1));
}

void DaemonKeeper::CheckTimers() {
  const Time now = clock_.Steady();
  if (!running() && now >= restart_at_ && !Start()) {
    restart_at_ = now + RestartBackoff::kLongestPause;
  }
  if (killed_at_ && now >= *killed_at_ + kDeathTakes) {
    SystemLog(LOG_WARNING, "downwardfs: daemon %d is killed, but hangs in the kernel", pid_);
    return Ended(SIGKILL);  // it is reaped as a stranger, whenever that may be
  }
  if (!Watched()) return;
  if (now >= NextLook()) {
    life_checked_ = now;
    if (processes_.IsDying(pid_)) return KillBlameless();  // the rest of it
  }
  KillIfSilent(now);
}

bool DaemonKeeper::Watched() const {
  return running() && watchdog_.count() > 0 && owner_.SignsExpected();
}

// How long a daemon may be silent.
milliseconds DaemonKeeper::Patience() const {
  return served_ ? watchdog_ : std::max(watchdog_, kStartTime);
}

DaemonKeeper::Time DaemonKeeper::NextLook() const {
  return std::max(last_sign_, life_checked_) + watchdog_ / 2;
}

void DaemonKeeper::KillIfSilent(Time now) {
  if (now < last_sign_ + Patience()) return;
  SystemLog(LOG_WARNING, "downwardfs: no sign of life from daemon %d; it is killed", pid_);
  Kill();
  if (!silent_since_) silent_since_ = last_sign_;
  last_sign_ = now;
}

int DaemonKeeper::WaitTime() const {
  Time next = restart_at_;
  if (killed_at_) next = std::min(next, *killed_at_ + kDeathTakes);
  if (Watched()) next = std::min({next, last_sign_ + Patience(), NextLook()});
  if (next == Time::max()) return -1;
  const auto wait = std::chrono::ceil<milliseconds>(next - clock_.Steady()).count();
  return static_cast<int>(std::clamp<std::int64_t>(wait, 0, 60000));
}

}  // namespace downwardfs
