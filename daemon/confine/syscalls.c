/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "confine/syscalls.h"

#include <errno.h>

#ifdef HAVE_SECCOMP

#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/syscall.h>

enum { TRIES = 3 };

/* Names that an architecture or this libseccomp does not have are passed over. */
/* clang-format off */
static const char *const allowed[] = {
        /* Files. Beneath which folders they may be written to is Landlock's (landlock.h). */
        "read", "readv", "pread64", "write", "writev", "pwrite64", "open", "openat", "close", "close_range",
        "fstat", "fstat64", "stat", "stat64", "lstat", "lstat64", "newfstatat", "fstatat64", "statx", "lseek",
        "_llseek", "access", "faccessat", "faccessat2", "getdents", "getdents64", "readlink", "readlinkat",
        "getcwd", "fcntl", "fcntl64", "dup", "dup2", "dup3", "flock", "fsync", "fdatasync", "ftruncate",
        "ftruncate64", "rename", "renameat", "renameat2", "symlinkat", "mkdir", "mkdirat", "unlink", "unlinkat", "rmdir",
        "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "fchownat", "chown32", "fchown32",
        "umask", "statfs", "fstatfs", "statfs64", "fstatfs64", "fadvise64", "fallocate",
        /* Memory; mmap and mprotect are below. */
        "brk", "munmap", "mremap", "madvise", "memfd_create",
        /* Waiting. */
        "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll",
        "ppoll_time64", "select", "_newselect", "pselect6", "pselect6_time64", "eventfd2", "signalfd4",
        "timerfd_create", "timerfd_settime", "timerfd_settime64", "timerfd_gettime", "timerfd_gettime64", "pipe",
        "pipe2", "futex", "futex_time64", "nanosleep", "clock_nanosleep", "clock_nanosleep_time64",
        /* Clocks, where the vDSO asks the kernel. */
        "clock_gettime", "clock_gettime64", "clock_getres", "clock_getres_time64", "gettimeofday", "time",
        /* Sockets; socket itself is below. */
        "socketpair", "bind", "connect", "listen", "accept", "accept4", "getsockname", "getpeername",
        "getsockopt", "setsockopt", "send", "sendto", "sendmsg", "sendmmsg", "recv", "recvfrom", "recvmsg",
        "recvmmsg", "recvmmsg_time64", "shutdown",
        /* Signals. Whom kill(2) reaches is Landlock's again. */
        "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigreturn", "rt_sigpending", "rt_sigtimedwait",
        "rt_sigtimedwait_time64", "sigaltstack", "restart_syscall", "kill", "tgkill", "pidfd_open",
        "pidfd_send_signal",
        /* Processes of its own; clone is below. */
        "fork", "vfork", "wait4", "waitid", "waitpid", "exit", "exit_group", "set_tid_address", "set_robust_list",
        "rseq", "getpid", "gettid", "getppid", "getpgrp", "getpgid", "getsid", "getuid", "geteuid", "getgid",
        "getegid", "getresuid", "getresgid", "getgroups", "getuid32", "geteuid32", "getgid32", "getegid32",
        "getresuid32", "getresgid32", "getgroups32", "getpriority", "setpriority", "sched_yield",
        "sched_getaffinity", "getrusage", "getrlimit", "ugetrlimit", "prlimit64", "membarrier",
        /* The rest. */
        "getrandom", "uname", "sysinfo", "capget",
};
/* clang-format on */

static const char *const deadly[] = {
        /* Another program, or other people's. */
        "execve",
        "execveat",
        "ptrace",
        "process_vm_readv",
        "process_vm_writev",
        "process_madvise",
        "pidfd_getfd",
        "kcmp",
        "uselib",
        /* Other roots, mounts, namespaces. */
        "chroot",
        "pivot_root",
        "mount",
        "umount",
        "umount2",
        "move_mount",
        "open_tree",
        "fsopen",
        "fsconfig",
        "fsmount",
        "fspick",
        "mount_setattr",
        "unshare",
        "setns",
        "open_by_handle_at",
        /* The kernel. */
        "init_module",
        "finit_module",
        "delete_module",
        "kexec_load",
        "kexec_file_load",
        "bpf",
        "perf_event_open",
        "userfaultfd",
        "io_uring_setup",
        "io_uring_enter",
        "io_uring_register",
        "iopl",
        "ioperm",
        "modify_ldt",
        "add_key",
        "request_key",
        "keyctl",
        "personality",
        "syslog",
        "fanotify_init",
        /* The machine. */
        "reboot",
        "swapon",
        "swapoff",
        "acct",
        "quotactl",
        "quotactl_fd",
        "settimeofday",
        "clock_settime",
        "clock_settime64",
        "clock_adjtime",
        "clock_adjtime64",
        "adjtimex",
        "stime",
        "sethostname",
        "setdomainname",
        "vhangup",
        /* Another user. */
        "setuid",
        "setgid",
        "setreuid",
        "setregid",
        "setresuid",
        "setresgid",
        "setgroups",
        "setfsuid",
        "setfsgid",
        "capset",
};

/* clone(2), whose flags are the second argument on s390. */
#if defined __s390__ || defined __s390x__
enum { CLONE_FLAGS = 1 };
#else
enum { CLONE_FLAGS = 0 };
#endif

#define CLONE_NAMESPACES                                                                               \
        (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
         CLONE_NEWNET)

/* What remains of socket(2)'s second argument without its flags (include/linux/net.h, SOCK_TYPE_MASK). */
#define SOCKET_TYPE 0xf

/* Those of which some uses are allowed: where each of these arguments, of its bits in mask, is value. */
struct condition {
        const char *name;
        unsigned count;
        struct {
                unsigned argument;
                uint64_t mask, value;
        } of[2];
};

static const struct condition conditions[] = {
        /* clone3 has its flags in memory: fork(3) falls back to this. */
        { "clone", 1, { { CLONE_FLAGS, CLONE_NAMESPACES, 0 } } },
        /* No memory that runs: nothing is loaded any more. */
        { "mmap", 1, { { 2, PROT_EXEC, 0 } } },
        { "mmap2", 1, { { 2, PROT_EXEC, 0 } } },
        { "mprotect", 1, { { 2, PROT_EXEC, 0 } } },
        /* What it talks by: the control socket, the journal, syslog; the socket table; getifaddrs(3), by which
         * this host's addresses are never blocked. NFLOG comes from the keeper, and the network is for hooks, and for
         * the probe (tcp, below). */
        { "socket", 1, { { 0, UINT32_MAX, AF_UNIX } } },
        { "socket", 2, { { 0, UINT32_MAX, AF_NETLINK }, { 2, UINT32_MAX, NETLINK_SOCK_DIAG } } },
        { "socket", 2, { { 0, UINT32_MAX, AF_NETLINK }, { 2, UINT32_MAX, NETLINK_ROUTE } } },
        /* isatty(3), of stdio; how much there is to read. */
        { "ioctl", 1, { { 1, UINT32_MAX, TCGETS } } },
        { "ioctl", 1, { { 1, UINT32_MAX, FIONREAD } } },
        /* Of processes that are forked: their names, and whom they end with. */
        { "prctl", 1, { { 0, UINT32_MAX, PR_SET_NAME } } },
        { "prctl", 1, { { 0, UINT32_MAX, PR_GET_NAME } } },
        { "prctl", 1, { { 0, UINT32_MAX, PR_SET_PDEATHSIG } } },
        { "prctl", 1, { { 0, UINT32_MAX, PR_SET_DUMPABLE } } },
        { "prctl", 1, { { 0, UINT32_MAX, PR_SET_NO_NEW_PRIVS } } },
};

/* The probe's: to which ports is Landlock's. */
static const struct condition tcp_conditions[] = {
        { "socket", 2, { { 0, UINT32_MAX, AF_INET }, { 1, SOCKET_TYPE, SOCK_STREAM } } },
        { "socket", 2, { { 0, UINT32_MAX, AF_INET6 }, { 1, SOCKET_TYPE, SOCK_STREAM } } },
};

static int add(scmp_filter_ctx filter, uint32_t action, const char *const list[], size_t count) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < count; i++) {
                int number = seccomp_syscall_resolve_name(list[i]);

                if (number != __NR_SCMP_ERROR)
                        r = seccomp_rule_add(filter, action, number, 0);
                if (r == -EDOM) /* not of this architecture */
                        r = 0;
        }
        return r;
}

static int add_conditions(scmp_filter_ctx filter, const struct condition *list, size_t count) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < count; i++) {
                int number = seccomp_syscall_resolve_name(list[i].name);
                struct scmp_arg_cmp compare[2] = { 0 };

                for (unsigned j = 0; j < list[i].count; j++)
                        compare[j] = (struct scmp_arg_cmp) {
                                .arg = list[i].of[j].argument,
                                .op = SCMP_CMP_MASKED_EQ,
                                .datum_a = list[i].of[j].mask,
                                .datum_b = list[i].of[j].value,
                        };
                if (number != __NR_SCMP_ERROR)
                        r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, list[i].count, compare);
                if (r == -EDOM)
                        r = 0;
        }
        return r;
}

static int build(scmp_filter_ctx filter, bool tcp) {
        /* A call by the numbers of another architecture of the machine. */
        int r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

        /* By halves rather than one by one, where libseccomp can. */
        (void) seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
        if (r >= 0)
                r = add(filter, SCMP_ACT_ALLOW, allowed, sizeof allowed / sizeof *allowed);
        if (r >= 0)
                r = add(filter, SCMP_ACT_KILL_PROCESS, deadly, sizeof deadly / sizeof *deadly);
        if (r >= 0)
                r = add_conditions(filter, conditions, sizeof conditions / sizeof *conditions);
        if (r >= 0 && tcp)
                r = add_conditions(filter, tcp_conditions, sizeof tcp_conditions / sizeof *tcp_conditions);
        return r;
}

/* In a process of its own, which ends with 0 if it wrote the filter to fd: libseccomp crashes where it finds
 * no memory, or goes on with a filter that lacks calls. */
static int export_apart(int fd, bool tcp) {
        int status;
        pid_t pid = fork();

        if (pid < 0)
                return -errno;
        if (pid == 0) {
                scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));

                /* Whoever looks for cores need not see this one. */
                (void) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
                _exit(filter && build(filter, tcp) >= 0 && seccomp_export_bpf(filter, fd) >= 0 ? 0 : 1);
        }
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ENOMEM;
}

/* Instructions; -errno. */
static int make_once(struct sock_filter code[static BPF_MAXINSNS], bool tcp) {
        int fd = memfd_create("seccomp", MFD_CLOEXEC), r;
        ssize_t n;

        if (fd < 0)
                return -errno;
        r = export_apart(fd, tcp);
        if (r >= 0) {
                n = pread(fd, code, BPF_MAXINSNS * sizeof *code, 0);
                r = n < 0 ? -errno : n == 0 || (size_t) n % sizeof *code ? -ENOMEM : (int) ((size_t) n / sizeof *code);
        }
        close(fd);
        return r;
}

/* Only what comes out the same twice is believed. */
static int make(struct sock_filter code[static BPF_MAXINSNS], bool tcp) {
        struct sock_filter again[BPF_MAXINSNS];
        int r = -ENOMEM, n;

        for (unsigned i = 0; i < TRIES && r < 0; i++) {
                n = make_once(code, tcp);
                r = make_once(again, tcp);
                if (r != n || n < 0 || memcmp(code, again, (size_t) n * sizeof *code) != 0)
                        r = n < 0 ? n : -ENOMEM;
        }
        return r;
}

int syscalls_confine(bool tcp) {
        struct sock_filter code[BPF_MAXINSNS];
        struct sock_fprog program = { .filter = code };
        int n = make(code, tcp);

        if (n < 0)
                return n;
        program.len = (unsigned short) n;
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
            syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
                return -errno;
        return 0;
}

int syscalls_can_confine(void) {
        const uint32_t action = SECCOMP_RET_KILL_PROCESS;

        return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0 ? -errno : 0;
}

#else

int syscalls_confine(bool tcp) {
        (void) tcp;
        return -EOPNOTSUPP;
}

int syscalls_can_confine(void) {
        return -EOPNOTSUPP;
}

#endif
