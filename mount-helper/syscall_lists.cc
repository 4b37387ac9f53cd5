// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/syscall_lists.h"

#include <sys/syscall.h>

namespace downwardfs {
namespace {

// Newer than the headers of Debian 12; one number on every architecture.
constexpr int kFchmodat2 = 452;
constexpr int kSetxattrat = 463;
constexpr int kRemovexattrat = 466;
constexpr int kOpenTreeAttr = 467;
constexpr int kFileSetattr = 469;

}  // namespace

const std::vector<int>& DangerousCalls() {
  static const std::vector<int> calls = {
      // Other processes' memory and descriptors.
      SYS_ptrace,
      SYS_process_vm_readv,
      SYS_process_vm_writev,
      SYS_pidfd_getfd,
      SYS_kcmp,
      SYS_process_madvise,
      SYS_move_pages,
      SYS_migrate_pages,
      // The kernel itself, and parts of it that have been ways in.
      SYS_init_module,
      SYS_finit_module,
      SYS_delete_module,
      SYS_kexec_load,
#ifdef SYS_kexec_file_load
      SYS_kexec_file_load,
#endif
      SYS_bpf,
      SYS_perf_event_open,
      SYS_userfaultfd,
      SYS_io_uring_setup,
      SYS_io_uring_enter,
      SYS_io_uring_register,
      SYS_keyctl,
      SYS_add_key,
      SYS_request_key,
      SYS_fanotify_init,
      SYS_open_by_handle_at,
      // The machine.
      SYS_reboot,
      SYS_swapon,
      SYS_swapoff,
      SYS_acct,
      SYS_quotactl,
      SYS_quotactl_fd,
      SYS_settimeofday,
      SYS_clock_settime,
      SYS_clock_adjtime,
      SYS_adjtimex,
      SYS_sethostname,
      SYS_setdomainname,
      SYS_syslog,
      SYS_vhangup,
      // Another root; chroot(2) is the holder's.
      SYS_pivot_root,
#ifdef __x86_64__
      SYS_iopl,
      SYS_ioperm,
      SYS_modify_ldt,
      SYS_uselib,
      SYS_sysfs,
      SYS_ustat,
#endif
  };
  return calls;
}

const std::vector<int>& MountCalls() {
  static const std::vector<int> calls = {
      SYS_mount,    SYS_umount2, SYS_move_mount, SYS_open_tree,     kOpenTreeAttr, SYS_fsopen,
      SYS_fsconfig, SYS_fsmount, SYS_fspick,     SYS_mount_setattr, SYS_setns,     SYS_chroot,
  };
  return calls;
}

const std::vector<int>& ExecCalls() {
  static const std::vector<int> calls = {SYS_execve, SYS_execveat};
  return calls;
}

const std::vector<int>& AttributeCalls() {
  static const std::vector<int> calls = {
      SYS_fchmod,       SYS_fchmodat,   kFchmodat2,   SYS_fchown,      SYS_fchownat,
      SYS_utimensat,    SYS_truncate,   SYS_linkat,   SYS_mknodat,     SYS_setxattr,
      SYS_lsetxattr,    SYS_fsetxattr,  kSetxattrat,  SYS_removexattr, SYS_lremovexattr,
      SYS_fremovexattr, kRemovexattrat, kFileSetattr,
#ifdef __x86_64__
      SYS_chmod,        SYS_chown,      SYS_lchown,   SYS_utime,       SYS_utimes,
      SYS_futimesat,    SYS_link,       SYS_mknod,
#endif
  };
  return calls;
}

const std::vector<int>& OtherProcessCalls() {
  static const std::vector<int> calls = {
      SYS_tkill,
      SYS_pidfd_send_signal,
      SYS_rt_sigqueueinfo,
      SYS_rt_tgsigqueueinfo,
      SYS_process_mrelease,
      SYS_setpriority,
      SYS_ioprio_set,
      SYS_sched_setscheduler,
      SYS_sched_setparam,
      SYS_sched_setattr,
      SYS_sched_setaffinity,
      SYS_shmget,
      SYS_shmat,
      SYS_shmctl,
      SYS_semget,
      SYS_semop,
      SYS_semtimedop,
      SYS_semctl,
      SYS_msgget,
      SYS_msgsnd,
      SYS_msgrcv,
      SYS_msgctl,
      SYS_mq_open,
      SYS_mq_unlink,
  };
  return calls;
}

const std::vector<int>& PublisherCalls() {
  static const std::vector<int> calls = {
      // Its channels, the device and what it is given.
      SYS_read,
      SYS_write,
      SYS_writev,
      SYS_sendto,
      SYS_sendmsg,
      SYS_recvfrom,
      SYS_recvmsg,
      SYS_shutdown,
      SYS_getsockopt,
      SYS_ppoll,
      SYS_close,
      SYS_fcntl,
      SYS_dup,
      SYS_lseek,
      // The volume's tree.
      SYS_openat2,
      SYS_fstat,
      SYS_newfstatat,
      SYS_statx,
      SYS_fstatfs,
      SYS_mkdirat,
      SYS_mknodat,
      SYS_symlinkat,
      SYS_renameat,
      SYS_renameat2,
      SYS_unlinkat,
      SYS_fchmodat,
      SYS_ftruncate,
      SYS_utimensat,
      SYS_readlinkat,
      // Memory.
      SYS_brk,
      SYS_mmap,
      SYS_munmap,
      SYS_mremap,
      SYS_mprotect,
      SYS_madvise,
      SYS_getrandom,
      // Those that libc makes on its own.
      SYS_futex,
      SYS_rt_sigaction,
      SYS_rt_sigprocmask,
      SYS_rt_sigreturn,
      SYS_restart_syscall,
      SYS_sigaltstack,
      SYS_set_robust_list,
      SYS_rseq,
      SYS_sched_yield,
      SYS_clock_gettime,
      SYS_clock_nanosleep,
      SYS_nanosleep,
      SYS_gettimeofday,
      SYS_getpid,
      SYS_gettid,
      SYS_getuid,
      SYS_geteuid,
      SYS_getgid,
      SYS_getegid,
      SYS_prctl,
      SYS_tgkill,
      SYS_exit,
      SYS_exit_group,
#ifdef __x86_64__
      SYS_poll,
      SYS_mkdir,
      SYS_mknod,
      SYS_symlink,
      SYS_rename,
      SYS_unlink,
      SYS_rmdir,
      SYS_readlink,
      SYS_stat,
      SYS_lstat,
      SYS_time,
      SYS_pause,
#endif
  };
  return calls;
}

}  // namespace downwardfs
