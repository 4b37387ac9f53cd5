// SPDX-License-Identifier: Apache-2.0
// The refusals that a confined process meets, in a child for each case. The tests of whole mounts
// and of the node plugin run with DOWNWARDFS_FILTER=kill: they show that what our processes need is
// allowed.
#include "mount-helper/confinement.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "mount-helper/filter_program.h"
#include "mount-helper/syscall_filter.h"
#include "tests/support/in_child.h"
#include "tests/support/temp_dir.h"

namespace downwardfs {
namespace {

using testing::InChild;

// errno of a call, or 0.
int Try(const std::function<long()>& call) {
  errno = 0;
  return call() < 0 ? errno : 0;
}

constexpr int kUnchanged = 0;  // as without a filter

struct Call {
  const char* name;
  std::function<long()> make;
  // errno as the holder, the mounter, the publisher, a daemon with programs, a daemon.
  std::array<int, 5> errors;
};

constexpr std::array<int, 5> Everywhere(int error) {
  return {error, error, error, error, error};
}

std::vector<Call> DangerousCallsOfEach() {
  return {
      {"ptrace", [] { return ptrace(PTRACE_PEEKDATA, 0, nullptr, nullptr); }, Everywhere(EPERM)},
      {"bpf", [] { return syscall(SYS_bpf, BPF_MAP_CREATE, nullptr, 0); }, Everywhere(EPERM)},
      {"io_uring", [] { return syscall(SYS_io_uring_setup, 1, nullptr); }, Everywhere(EPERM)},
      {"keyctl", [] { return syscall(SYS_keyctl, 0, 0, 0, 0, 0); }, Everywhere(EPERM)},
      {"init_module", [] { return syscall(SYS_init_module, nullptr, 0, 0); }, Everywhere(EPERM)},
      {"pidfd_getfd", [] { return syscall(SYS_pidfd_getfd, -1, 0, 0); }, Everywhere(EPERM)},
      {"a new namespace", [] { return unshare(CLONE_NEWUTS); }, Everywhere(EPERM)},
      {"clone with a namespace", [] { return syscall(SYS_clone, CLONE_NEWUSER | CLONE_FS, 0); },
       Everywhere(EPERM)},
      {"clone3", [] { return syscall(SYS_clone3, nullptr, 0); }, Everywhere(ENOSYS)},
      {"ioctl TIOCSTI", [] { return ioctl(-1, TIOCSTI, nullptr); }, Everywhere(EPERM)},
      {"a call of tomorrow", [] { return syscall(600); }, Everywhere(ENOSYS)},
  };
}

std::vector<Call> OtherCalls() {
  const auto socket_of = [](int family, int type, int protocol = 0) {
    return [=] { return socket(family, type | SOCK_CLOEXEC, protocol); };
  };
  const int parent = getpid();
  return {
      {"mount", [] { return mount("", "/nowhere", "tmpfs", 0, ""); }, {0, 0, EPERM, EPERM, EPERM}},
      {"umount2", [] { return umount2("/nowhere", 0); }, {0, 0, EPERM, EPERM, EPERM}},
      {"fsopen", [] { return fsopen("none", 0); }, {0, 0, EPERM, EPERM, EPERM}},
      {"unshare of a directory", [] { return unshare(CLONE_FS); }, {0, 0, ENOSYS, 0, 0}},
      {"setns", [] { return setns(-1, 0); }, {0, 0, EPERM, EPERM, EPERM}},
      {"chroot", [] { return chroot("/nowhere"); }, {0, 0, EPERM, EPERM, EPERM}},
      {"execve", [] { return execl("/nowhere", "x", nullptr); }, {0, EPERM, EPERM, 0, EPERM}},
      {"AF_INET", socket_of(AF_INET, SOCK_STREAM), {0, EAFNOSUPPORT, ENOSYS, 0, 0}},
      {"AF_NETLINK", socket_of(AF_NETLINK, SOCK_RAW), {0, EAFNOSUPPORT, ENOSYS, 0, 0}},
      {"NETLINK_AUDIT",
       socket_of(AF_NETLINK, SOCK_RAW, 9),
       {EAFNOSUPPORT, EAFNOSUPPORT, ENOSYS, EAFNOSUPPORT, EAFNOSUPPORT}},
      {"AF_PACKET",
       socket_of(AF_PACKET, SOCK_RAW),
       {EAFNOSUPPORT, EAFNOSUPPORT, ENOSYS, EAFNOSUPPORT, EAFNOSUPPORT}},
      {"AF_UNIX, stream", socket_of(AF_UNIX, SOCK_STREAM), {0, 0, ENOSYS, 0, EAFNOSUPPORT}},
      {"AF_UNIX, packets", socket_of(AF_UNIX, SOCK_SEQPACKET), {0, 0, ENOSYS, 0, EAFNOSUPPORT}},
      {"AF_UNIX, datagrams", socket_of(AF_UNIX, SOCK_DGRAM), {0, 0, ENOSYS, 0, 0}},
      {"listen", [] { return listen(-1, 0); }, {0, 0, ENOSYS, 0, EPERM}},
      {"chmod", [] { return fchmodat(AT_FDCWD, "/nowhere", 0, 0); }, {0, 0, 0, 0, EPERM}},
      {"chown", [] { return fchownat(AT_FDCWD, "/nowhere", 0, 0, 0); }, {0, 0, EPERM, 0, EPERM}},
      {"link", [] { return link("/nowhere", "/nowhere2"); }, {0, 0, EPERM, 0, EPERM}},
      {"truncate", [] { return truncate("/nowhere", 0); }, {0, 0, EPERM, 0, EPERM}},
      {"setxattr", [] { return setxattr("/no", "user.a", "", 0, 0); }, {0, 0, EPERM, 0, EPERM}},
      {"kill another", [=] { return kill(parent, 0); }, {0, 0, EPERM, 0, EPERM}},
      {"kill itself", [] { return kill(getpid(), 0); }, {0, 0, ENOSYS, 0, 0}},
      {"another's limits",
       [=] { return prlimit(parent, RLIMIT_CORE, nullptr, nullptr); },
       {0, 0, EPERM, 0, EPERM}},
      {"its limits",
       [] { return prlimit(0, RLIMIT_CORE, nullptr, nullptr); },
       {0, 0, ENOSYS, 0, 0}},
      {"tgkill another",
       [=] { return syscall(SYS_tgkill, parent, parent, 0); },
       {0, 0, EPERM, 0, EPERM}},
      {"F_SETOWN", [] { return fcntl(-1, F_SETOWN, 1); }, {0, 0, EPERM, 0, EPERM}},
      {"shmget", [] { return shmget(1, 0, 0); }, {0, 0, EPERM, 0, EPERM}},
      {"openat", [] { return open("/dev/null", O_RDONLY | O_CLOEXEC); }, {0, 0, ENOSYS, 0, 0}},
      {"a new thread's call", [] { return syscall(SYS_sched_yield); }, Everywhere(kUnchanged)},
  };
}

class SyscallFilterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (Confining() == ConfiningMode::kOff)
      GTEST_SKIP() << "a program with sanitizers is not confined";
    ASSERT_EQ(geteuid(), 0u) << "without root the kernel refuses much of this by itself";
    before_ = getenv("DOWNWARDFS_FILTER") != nullptr ? getenv("DOWNWARDFS_FILTER") : "";
    unsetenv("DOWNWARDFS_FILTER");
    // User-mode emulators of other machines have no seccomp.
    if (InChild([] { return FilterSystemCalls(ProcessRole::kHolder) ? 0 : 1; }) != 0) {
      GTEST_SKIP() << "the kernel has no seccomp";
    }
  }
  void TearDown() override { setenv("DOWNWARDFS_FILTER", before_.c_str(), 1); }

 private:
  std::string before_;
};

void ExpectErrors(const std::vector<Call>& calls) {
  constexpr std::array kRoles = {ProcessRole::kHolder, ProcessRole::kMounter,
                                 ProcessRole::kPublisher, ProcessRole::kDaemonWithPrograms,
                                 ProcessRole::kDaemon};
  for (const Call& call : calls) {
    const int without = InChild([&] { return Try(call.make); });
    for (std::size_t i = 0; i < kRoles.size(); ++i) {
      const int got = InChild([&] {
        if (!FilterSystemCalls(kRoles[i])) return 255;
        return Try(call.make);
      });
      EXPECT_EQ(got, call.errors[i] == kUnchanged ? without : call.errors[i])
          << call.name << " in role " << i << ": " << strerror(got);
    }
  }
}

TEST_F(SyscallFilterTest, NoProcessMakesADangerousCall) {
  ExpectErrors(DangerousCallsOfEach());
}

TEST_F(SyscallFilterTest, EachKindOfProcessIsRefusedWhatItNeverDoes) {
  ExpectErrors(OtherCalls());
}

TEST_F(SyscallFilterTest, TestsMayHaveARefusedCallEndTheProcess) {
  setenv("DOWNWARDFS_FILTER", "kill", 1);
  EXPECT_EQ(InChild([] {
              if (!FilterSystemCalls(ProcessRole::kDaemon)) return 255;
              return Try([] { return chroot("/nowhere"); });
            }),
            128 + SIGSYS);
  EXPECT_EQ(InChild([] {
              if (!FilterSystemCalls(ProcessRole::kPublisher)) return 255;
              return Try([] { return getppid(); });
            }),
            128 + SIGSYS)
      << "not on the publisher's list";
  EXPECT_EQ(InChild([] {
              if (!FilterSystemCalls(ProcessRole::kDaemon)) return 255;
              return Try([] { return syscall(SYS_clone3, nullptr, 0); });
            }),
            ENOSYS)
      << "libc has another way";
}

// As on a kernel that was built without them, and in a container that refuses them.
TEST_F(SyscallFilterTest, AKernelWithoutSeccompOrLandlockIsSaidToBeOne) {
  for (const int error : {ENOSYS, EPERM, EOPNOTSUPP}) {
    EXPECT_EQ(
        InChild([&] {
          FilterProgram older(FilterProgram::Errno(error));
          older.Answer({SYS_seccomp, SYS_landlock_create_ruleset}, FilterProgram::Errno(error));
          older.AnswerTheRest(SECCOMP_RET_ALLOW);
          prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
          if (!older.Install()) return 255;
          const Status filtered = FilterSystemCalls(ProcessRole::kDaemon);
          const Status restricted = ForbidWrites({});
          const std::string why = filtered ? "" : filtered.error().message;
          if (why != std::string("seccomp: ") + strerror(error)) return 254;
          if (filtered.error().code != ErrorCode::kUnavailable) return 253;
          return !restricted && restricted.error().code == ErrorCode::kUnavailable ? 0 : 252;
        }),
        0);
  }
}

TEST_F(SyscallFilterTest, ItCanBeSwitchedOff) {
  setenv("DOWNWARDFS_FILTER", "off", 1);
  EXPECT_EQ(InChild([] {
              if (!FilterSystemCalls(ProcessRole::kPublisher)) return 255;
              return HasSystemCallFilter(ProcessRole::kPublisher) ? 1 : 0;
            }),
            0);
}

#ifdef __x86_64__
// Calls of 32-bit programs and of x32 have other numbers.
TEST_F(SyscallFilterTest, ThereIsNoWayAroundByOtherNumbers) {
  EXPECT_EQ(InChild([] {
              if (!FilterSystemCalls(ProcessRole::kDaemon)) return 255;
              return Try([] { return syscall(0x40000000 | SYS_getpid); });
            }),
            ENOSYS);
}
#endif

TEST_F(SyscallFilterTest, ItStaysForProgramsThatAreStarted) {
  EXPECT_EQ(InChild([] {
              const auto role = ProcessRole::kDaemonWithPrograms;
              if (!FilterSystemCalls(role) || !HasSystemCallFilter(role)) return 255;
              execl("/bin/sh", "sh", "-c", "unshare --uts true 2>/dev/null", nullptr);
              return 254;
            }),
            1);
}

class ConfinementTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (Confining() == ConfiningMode::kOff)
      GTEST_SKIP() << "a program with sanitizers is not confined";
    const int abi = static_cast<int>(syscall(SYS_landlock_create_ruleset, nullptr, 0, 1));
    if (abi < 6) GTEST_SKIP() << "the kernel has no landlock of Linux 6.12";
  }
};

TEST_F(ConfinementTest, FilesAreWrittenWhereThatIsAllowedAlone) {
  const testing::TempDir dir;
  const std::string mine = dir.MakeDir("mine");
  const std::string other = dir.MakeDir("other");
  const std::string file = dir.Write("other/file", "x");
  const auto with = [&](const std::function<long()>& call) {
    return InChild([&] {
      if (!ForbidWrites({{mine, dir / "none"}})) return 255;
      return Try(call);
    });
  };
  const int create = O_WRONLY | O_CREAT;
  EXPECT_EQ(with([&] { return open((mine + "/new").c_str(), create, 0600); }), 0);
  EXPECT_EQ(with([] { return open("/dev/null", O_WRONLY); }), 0);
  EXPECT_EQ(with([&] { return open(file.c_str(), O_RDONLY); }), 0);
  EXPECT_EQ(with([&] { return open(file.c_str(), O_WRONLY); }), EACCES);
  EXPECT_EQ(with([&] { return open((other + "/new").c_str(), create, 0600); }), EACCES);
  EXPECT_EQ(with([&] { return truncate(file.c_str(), 0); }), EACCES);
  EXPECT_EQ(with([&] { return unlink(file.c_str()); }), EACCES);
  EXPECT_EQ(with([&] { return mkdir((other + "/d").c_str(), 0700); }), EACCES);
  EXPECT_EQ(with([&] { return symlink("x", (other + "/l").c_str()); }), EACCES);
  EXPECT_EQ(with([&] { return mount("none", mine.c_str(), "tmpfs", 0, nullptr); }), EPERM);
}

TEST_F(ConfinementTest, FilesOfALogAreMadeAndWrittenAlone) {
  const testing::TempDir dir;
  const std::string logs = dir.MakeDir("logs");
  const std::string file = dir.Write("logs/file", "x");
  const auto with = [&](const std::function<long()>& call) {
    return InChild([&] {
      if (!ForbidWrites({{}, -1, {logs}})) return 255;
      return Try(call);
    });
  };
  const int append = O_WRONLY | O_APPEND | O_CREAT;
  EXPECT_EQ(with([&] { return open((logs + "/new").c_str(), append, 0600); }), 0);
  EXPECT_EQ(with([&] { return open(file.c_str(), append); }), 0);
  EXPECT_EQ(with([&] { return open(file.c_str(), O_WRONLY | O_TRUNC); }), EACCES);
  EXPECT_EQ(with([&] { return unlink(file.c_str()); }), EACCES);
  EXPECT_EQ(with([&] { return mkdir((logs + "/d").c_str(), 0700); }), EACCES);
  EXPECT_EQ(with([&] { return open((dir / "outside").c_str(), append, 0600); }), EACCES);
}

TEST_F(ConfinementTest, APlaceMayBeADescriptor) {
  const testing::TempDir dir;
  const std::string mine = dir.MakeDir("mine");
  const OwnedFd place(open(mine.c_str(), O_PATH | O_CLOEXEC));
  EXPECT_EQ(InChild([&] {
              if (!ForbidWrites({{}, place.get()})) return 255;
              if (mkdirat(place.get(), "new", 0700) != 0) return 254;
              return Try([&] { return mkdir((dir / "new").c_str(), 0700); });
            }),
            EACCES);
}

TEST_F(ConfinementTest, PathsLeadToOwnDescriptorsAlone) {
  const testing::TempDir dir;
  const std::string file = dir.Write("file", "x");
  EXPECT_EQ(InChild([&] {
              const OwnedFd open_file(open(file.c_str(), O_PATH | O_CLOEXEC));
              const OwnedFd own = LeaveAllPaths();
              const std::string number = std::to_string(open_file.get());
              if (fchmodat(own.get(), number.c_str(), 0640, 0) != 0) return 255;
              if (Try([&] { return chmod(file.c_str(), 0666); }) != ENOENT) return 254;
              if (Try([&] { return access("../../../../etc", F_OK); }) != ENOENT) return 253;
              return Try([&] { return faccessat(own.get(), "../status", F_OK, 0); });
            }),
            ENOENT);
  struct stat st = {};
  ASSERT_EQ(stat(file.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0640u);
}

TEST_F(ConfinementTest, ADeviceThatItOpensTakesNoIoctl) {
  EXPECT_EQ(InChild([&] {
              if (!ForbidWrites({})) return 255;
              const OwnedFd device(open("/dev/zero", O_RDONLY | O_CLOEXEC));
              int value = 0;
              return Try([&] { return ioctl(device.get(), TCGETS, &value); });
            }),
            EACCES);
}

TEST_F(ConfinementTest, NobodyElseIsSignalled) {
  const pid_t outside = getpid();
  for (const bool writes : {true, false}) {
    EXPECT_EQ(InChild([&] {
                if (!(writes ? ForbidSignals() : ForbidWrites({}))) return 255;
                // Its own children are its own to end.
                const pid_t child = fork();
                if (child == 0) {
                  pause();
                  _exit(0);
                }
                if (kill(child, SIGKILL) != 0) return 254;
                return Try([&] { return kill(outside, 0); });
              }),
              EPERM);
  }
}

// root without rights is another process's user, and no more.
TEST_F(ConfinementTest, NobodyReadsTheMemoryOfAProcessThatForbidsDumps) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  for (const bool forbidden : {false, true}) {
    const pid_t victim = fork();
    if (victim == 0) {
      if (setresuid(1234, 1234, 1234) != 0) _exit(1);
      prctl(PR_SET_DUMPABLE, 1);
      if (forbidden) ForbidDumps();
      if (write(ends[1], "1", 1) != 1) _exit(1);
      pause();
      _exit(0);
    }
    char byte = 0;
    ASSERT_EQ(read(ends[0], &byte, 1), 1);
    const std::string memory = "/proc/" + std::to_string(victim) + "/mem";
    EXPECT_EQ(InChild([&] {
                if (setresuid(1234, 1234, 1234) != 0) return 255;
                return Try([&] { return open(memory.c_str(), O_RDONLY); });
              }),
              forbidden ? EACCES : 0);
    kill(victim, SIGKILL);
    waitpid(victim, nullptr, 0);
  }
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace downwardfs
