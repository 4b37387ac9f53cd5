// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/syscall_filter.h"

#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>

#include "base/system_log.h"
#include "mount-helper/confinement.h"
#include "mount-helper/filter_program.h"
#include "mount-helper/syscall_lists.h"

namespace downwardfs {
namespace {

// For a library that has another way: it is not ended for trying, in tests either.
constexpr unsigned kNoSuchCall = FilterProgram::Errno(ENOSYS);
constexpr unsigned kNoSuchFamily = FilterProgram::Errno(EAFNOSUPPORT);

constexpr std::uint32_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                      CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
constexpr std::uint32_t kSocketType = 0xf;  // the rest is SOCK_CLOEXEC and SOCK_NONBLOCK

// No option of prctl(2); the next argument is a role. The kernel says EINVAL.
constexpr std::uint32_t kProbe = 0x44574653;  // "DWFS"
constexpr int kProbeAnswer = EXFULL;          // an errno of no system call

ArgumentIs Family(int family) {
  return {0, kWhole, static_cast<std::uint32_t>(family)};
}

struct Filter : FilterProgram {
  explicit Filter(unsigned refused) : FilterProgram(refused), refused_(refused) {}

  void Refuse(const std::vector<int>& calls) { Answer(calls, refused_); }
  void RefuseIf(int call, const std::vector<ArgumentIs>& conditions) {
    AnswerIf(call, conditions, refused_);
  }
  void RefuseUnless(int call, const std::vector<ArgumentIs>& conditions) {
    AnswerUnless(call, conditions, refused_);
  }

  // In each process. The flags of clone3(2) are in memory, which a filter cannot read.
  void RefuseDangers() {
    Refuse(DangerousCalls());
    Answer({SYS_clone3}, kNoSuchCall);
    RefuseUnless(SYS_clone, {{0, kNamespaces, 0}});
    RefuseUnless(SYS_unshare, {{0, kNamespaces | CLONE_NEWTIME, 0}});
    // Keys typed for whoever else reads the terminal.
    RefuseIf(SYS_ioctl, {{1, kWhole, TIOCSTI}});
    RefuseIf(SYS_ioctl, {{1, kWhole, TIOCLINUX}});
  }

  void UnixSocketsAlone() { AnswerUnless(SYS_socket, {Family(AF_UNIX)}, kNoSuchFamily); }
  // libc asks netlink(7) for the machine's addresses.
  void UsualSocketsAlone() {
    AnswerIf(SYS_socket, {Family(AF_NETLINK), {2, kWhole, NETLINK_ROUTE}}, SECCOMP_RET_ALLOW);
    AnswerUnless(SYS_socket, {Family(AF_UNIX), Family(AF_INET), Family(AF_INET6)}, kNoSuchFamily);
  }
  // Services of the machine that obey root's uid listen at such sockets: container runtimes,
  // systemd, D-Bus. The log's is one for datagrams.
  void NoUnixConnections() {
    for (const unsigned type : {SOCK_STREAM, SOCK_SEQPACKET}) {
      AnswerIf(SYS_socket, {Family(AF_UNIX), {1, kSocketType, type}}, kNoSuchFamily);
    }
  }

  // Against all that root's uid may do to root's other processes, also before Linux 6.12
  // (confinement.h).
  void OwnProcessAlone() {
    const auto self = static_cast<std::uint32_t>(getpid());
    Refuse(OtherProcessCalls());
    RefuseUnless(SYS_kill, {{0, kWhole, self}});
    RefuseUnless(SYS_tgkill, {{0, kWhole, self}});
    RefuseUnless(SYS_prlimit64, {{0, kWhole, 0}, {0, kWhole, self}});
    for (const unsigned command : {F_SETOWN, F_SETOWN_EX, F_SETSIG}) {
      RefuseIf(SYS_fcntl, {{1, kWhole, command}});
    }
    for (const unsigned request : {FIOSETOWN, SIOCSPGRP}) {
      RefuseIf(SYS_ioctl, {{1, kWhole, request}});
    }
  }

 private:
  const unsigned refused_;
};

void Fill(Filter& filter, ProcessRole role) {
  filter.AnswerIf(SYS_prctl, {{0, kWhole, kProbe}, {1, kWhole, static_cast<std::uint32_t>(role)}},
                  FilterProgram::Errno(kProbeAnswer));
  filter.RefuseDangers();
  switch (role) {
    case ProcessRole::kHolder:
      filter.UsualSocketsAlone();
      break;
    case ProcessRole::kMounter:
      filter.Refuse(ExecCalls());
      filter.UnixSocketsAlone();
      break;
    case ProcessRole::kDaemonWithPrograms:
      filter.Refuse(MountCalls());
      filter.UsualSocketsAlone();
      break;
    case ProcessRole::kDaemon:
      filter.Refuse(MountCalls());
      filter.Refuse(ExecCalls());
      filter.Refuse(AttributeCalls());
      filter.Refuse({SYS_listen});
      filter.OwnProcessAlone();
      filter.UsualSocketsAlone();
      filter.NoUnixConnections();
      break;
    case ProcessRole::kPublisher:
      filter.OwnProcessAlone();
      filter.Answer(PublisherCalls(), SECCOMP_RET_ALLOW);
      for (const auto* const calls : {&MountCalls(), &ExecCalls(), &AttributeCalls()}) {
        filter.Refuse(*calls);
      }
      // As if the kernel were older: a newer libc has another way.
      filter.AnswerTheRest(Confining() == ConfiningMode::kKill ? SECCOMP_RET_KILL_PROCESS
                                                               : kNoSuchCall);
      return;
  }
  filter.AnswerTheRest(SECCOMP_RET_ALLOW);
}

}  // namespace

Status FilterSystemCalls(ProcessRole role) {
  const ConfiningMode mode = Confining();
  if (mode == ConfiningMode::kOff) return {};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return Fail(ErrorCode::kUnavailable, ErrnoError(errno, "no_new_privs").message);
  }
  Filter filter(mode == ConfiningMode::kKill ? SECCOMP_RET_KILL_PROCESS
                                             : FilterProgram::Errno(EPERM));
  Fill(filter, role);
  return filter.Install();
}

void ConfinePrivileged(ProcessRole role) {
  ForbidDumps();
  const Status filtered = FilterSystemCalls(role);
  if (!filtered) SystemLog(LOG_WARNING, "downwardfs: %s", filtered.error().message.c_str());
}

bool HasSystemCallFilter(ProcessRole role) {
  return prctl(static_cast<int>(kProbe), static_cast<unsigned long>(role), 0, 0, 0) != 0 &&
         errno == kProbeAnswer;
}

}  // namespace downwardfs
