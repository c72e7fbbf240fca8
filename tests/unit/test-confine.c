/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From within: a process that is confined as the daemon is tries what it may and what it may not. */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine.h"
#include "confine/landlock.h"
#include "confine/syscalls.h"
#include "util/log.h"

struct world {
        char root[64], state[80], run[80], control[96], log[80], alerts[96], other[80];
};

static struct world w;

/* Good until the fourth call after. */
static const char *path(const char *folder, const char *name) {
        static char texts[4][512];
        static unsigned turn;
        char *text = texts[turn++ % 4];

        assert_in_range(snprintf(text, sizeof texts[0], "%s/%s", folder, name), 1, sizeof texts[0] - 1);
        return text;
}

static int set_up(void **state) {
        strcpy(w.root, "/tmp/test-confine-XXXXXX");
        if (!mkdtemp(w.root))
                return -1;
        snprintf(w.state, sizeof w.state, "%s/state", w.root);
        snprintf(w.run, sizeof w.run, "%s/run", w.root);
        snprintf(w.control, sizeof w.control, "%s/control.sock", w.run);
        snprintf(w.log, sizeof w.log, "%s/log", w.root);
        snprintf(w.alerts, sizeof w.alerts, "%s/events", w.log);
        snprintf(w.other, sizeof w.other, "%s/other", w.root);
        return mkdir(w.log, 0700) < 0 || mkdir(w.other, 0700) < 0 ? -1 : 0;
}

static int tear_down(void **state) {
        char command[128];

        snprintf(command, sizeof command, "rm -r '%s'", w.root);
        return system(command);
}

static uint16_t probe_port; /* of the next confine() */

static struct confine *confine(void) {
        const struct confine_places places = {
                .state_dir = w.state,
                .probe_port = probe_port,
                .make_state = true,
                .control = w.control,
                .alerts_file = w.alerts,
        };

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                _exit(100);
        return confine_apply(&places);
}

/* How a confined child ends that does this: its exit status, or minus the signal. 0: done, else errno. */
static int confined(int (*what)(void)) {
        pid_t pid = fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0) {
                confine();
                errno = 0;
                _exit(what());
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void need_landlock(int version) {
#ifdef CONFINE_NOTHING
        skip();
#endif
        if (landlock_version() < version)
                skip();
}

static void need_filter(void) {
#ifdef CONFINE_NOTHING
        skip();
#endif
        /* valgrind(1) makes calls of its own in the process. */
        if (syscalls_can_confine() < 0 || getenv("SYNWARD_VALGRIND"))
                skip();
}

/* --- where it may write ------------------------------------------------------------- */

static int make_file(const char *name) {
        int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        if (fd < 0)
                return errno;
        return write(fd, "x", 1) == 1 && fsync(fd) == 0 && close(fd) == 0 ? 0 : errno;
}

static int listen_at(const char *name) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        snprintf(a.sun_path, sizeof a.sun_path, "%s", name);
        return fd < 0 || bind(fd, (struct sockaddr *) &a, sizeof a) < 0 ? errno : 0;
}

static int in_state(void) {
        int r = make_file(path(w.state, "record.new"));

        if (r || rename(path(w.state, "record.new"), path(w.state, "record")) < 0)
                return r ? r : errno;
        if (mkdir(path(w.state, "incidents"), 0700) < 0 || mkdir(path(w.state, "incidents/1"), 0700) < 0)
                return errno;
        r = make_file(path(w.state, "incidents/1/file"));
        if (r || unlink(path(w.state, "incidents/1/file")) < 0 || rmdir(path(w.state, "incidents/1")) < 0)
                return r ? r : errno;
        return 0;
}

static int in_alerts(void) {
        int fd = open(w.alerts, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

        return fd < 0 || write(fd, "x\n", 2) != 2 ? errno : 0;
}

static int at_control(void) {
        int r = listen_at(w.control);

        return r ? r : chmod(w.control, 0660) < 0 || unlink(w.control) < 0 ? errno : 0;
}

static int remove_alerts(void) {
        return unlink(w.alerts) < 0 ? errno : 0;
}
static int file_beside_control(void) {
        return make_file(path(w.run, "file"));
}
static int file_elsewhere(void) {
        return make_file(path(w.other, "file"));
}
static int file_above(void) {
        return make_file(path(w.root, "file"));
}
static int socket_elsewhere(void) {
        return listen_at(path(w.other, "sock"));
}
static int folder_elsewhere(void) {
        return mkdir(path(w.other, "folder"), 0700) < 0 ? errno : 0;
}
static int link_elsewhere(void) {
        return symlink("/", path(w.other, "link")) < 0 ? errno : 0;
}
static int link_in_state(void) {
        return symlink("/", path(w.state, "link")) < 0 ? errno : 0;
}
static int fifo_in_state(void) {
        return mkfifo(path(w.state, "fifo"), 0600) < 0 ? errno : 0;
}
static int away_from_state(void) {
        int r = make_file(path(w.state, "mine"));

        return r ? r : rename(path(w.state, "mine"), path(w.other, "mine")) < 0 ? errno : 0;
}
static int reads_elsewhere(void) {
        return open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
}
static int writes_null(void) {
        return open("/dev/null", O_RDWR | O_CLOEXEC) < 0 ? errno : 0;
}

static void writes_its_own(void **state) {
        need_landlock(1);
        assert_int_equal(confined(in_state), 0);
        assert_int_equal(confined(in_alerts), 0);
        /* logrotate(8) was here. */
        assert_int_equal(rename(w.alerts, path(w.log, "events.1")), 0);
        assert_int_equal(confined(in_alerts), 0);
        assert_int_equal(confined(at_control), 0);
        assert_int_equal(confined(reads_elsewhere), 0);
        assert_int_equal(confined(writes_null), 0);
}

static void writes_nothing_else(void **state) {
        int r;

        need_landlock(1);
        assert_int_equal(confined(file_elsewhere), EACCES);
        assert_int_equal(confined(file_above), EACCES);
        assert_int_equal(confined(file_beside_control), EACCES);
        assert_int_equal(confined(socket_elsewhere), EACCES);
        assert_int_equal(confined(folder_elsewhere), EACCES);
        if (syscalls_can_confine() < 0) {
                assert_int_equal(confined(link_elsewhere), EACCES);
                assert_int_equal(confined(link_in_state), EACCES);
                assert_int_equal(confined(fifo_in_state), EACCES);
        }
        r = confined(away_from_state);
        assert_true(r == EACCES || r == EXDEV); /* the second of Landlock's first version */
        assert_int_equal(confined(in_alerts), 0);
        assert_int_equal(confined(remove_alerts), EACCES);
}

static int another_is_signalled(void) {
        return kill(getppid(), 0) < 0 ? errno : 0;
}

static int child_is_signalled(void) {
        pid_t pid = fork();
        int status;

        if (pid == 0)
                while (true)
                        pause();
        return pid > 0 && kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) ? 0 : errno;
}

static void signals_its_own_only(void **state) {
        need_landlock(1);
        assert_int_equal(confined(child_is_signalled), 0);
        need_landlock(6);
        assert_int_equal(confined(another_is_signalled), EPERM);
}

/* --- what a reload may name ------------------------------------------------------------ */

static int knows_its_places(void) {
        struct confine *c = confine();

        if (!confine_may_write(c, w.alerts) || !confine_may_write(c, path(w.log, "file")) ||
            !confine_may_write(c, path(w.state, "events")))
                return 1;
        if (mkdir(path(w.state, "incidents"), 0700) < 0)
                return 2;
        if (!confine_may_write(c, path(w.state, "incidents/deep")))
                return 3;
        if (confine_may_write(c, path(w.other, "file")) || confine_may_write(c, path(w.run, "file")) ||
            confine_may_write(c, path(w.root, "file")) || confine_may_write(c, "/nonexistent/file") ||
            confine_may_write(c, "/dev/full"))
                return 4;
        if (confine_may_write(c, path(w.log, "link"))) /* to a file in other */
                return 5;
        confine_free(c);
        return 0;
}

static void tells_what_takes_a_restart(void **state) {
        pid_t pid;
        int status;

        need_landlock(1);
        assert_int_equal(make_file(path(w.other, "target")), 0);
        assert_int_equal(symlink(path(w.other, "target"), path(w.log, "link")), 0);
        pid = fork();
        if (pid == 0)
                _exit(knows_its_places());
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_true(confine_may_write(NULL, "/anywhere"));
}

/* --- what it may ask the kernel for ---------------------------------------------------- */

static int runs_a_program(void) {
        char *const argv[] = { (char *) (uintptr_t) "/bin/true", NULL };

        execv(argv[0], argv);
        return errno;
}

static int traces(void) {
        return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? errno : 0;
}
static int makes_a_namespace(void) {
        return syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */) < 0 ? errno : 0;
}
static int mounts(void) {
        return (int) syscall(SYS_mount, "none", "/mnt", "tmpfs", 0UL, NULL) < 0 ? errno : 0;
}
static int loads_a_module(void) {
        return syscall(SYS_init_module, NULL, 0UL, "") < 0 ? errno : 0;
}
static int loads_bpf(void) {
        return syscall(SYS_bpf, 0, NULL, 0U) < 0 ? errno : 0;
}
static int takes_a_key(void) {
        return syscall(SYS_keyctl, 0, 0, 0) < 0 ? errno : 0;
}
static int becomes_root(void) {
        return syscall(SYS_setuid, 0) < 0 ? errno : 0;
}
static int uses_a_ring(void) {
        return syscall(SYS_io_uring_setup, 1U, NULL) < 0 ? errno : 0;
}

static void dies_of_what_intruders_do(void **state) {
        need_filter();
        assert_int_equal(confined(runs_a_program), -SIGSYS);
        assert_int_equal(confined(traces), -SIGSYS);
        assert_int_equal(confined(makes_a_namespace), -SIGSYS);
        assert_int_equal(confined(mounts), -SIGSYS);
        assert_int_equal(confined(loads_a_module), -SIGSYS);
        assert_int_equal(confined(loads_bpf), -SIGSYS);
        assert_int_equal(confined(takes_a_key), -SIGSYS);
        assert_int_equal(confined(becomes_root), -SIGSYS);
        assert_int_equal(confined(uses_a_ring), -SIGSYS);
}

static int asks_the_network(void) {
        return socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0;
}
static int sends_packets(void) {
        return socket(AF_PACKET, SOCK_RAW, 0) < 0 ? errno : 0;
}
static int asks_netfilter(void) {
        return socket(AF_NETLINK, SOCK_RAW, 12 /* NETLINK_NETFILTER */) < 0 ? errno : 0;
}
static int runs_memory(void) {
        return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}
static int makes_memory_run(void) {
        void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return p == MAP_FAILED ? 1 : mprotect(p, 4096, PROT_READ | PROT_EXEC) < 0 ? errno : 0;
}
static int shares_memory(void) {
        return syscall(SYS_shmget, 1, 4096UL, 0600) < 0 ? errno : 0;
}
static int clones_a_namespace(void) {
        return syscall(SYS_clone, 0x10000000L | SIGCHLD, 0, 0, 0, 0) < 0 ? errno : 0;
}
/* What is here already is asked for as if it came with a later kernel. */
static int asks_what_is_not_there(void) {
        return syscall(9999) < 0 ? errno : 0;
}

static void is_refused_the_rest(void **state) {
        need_filter();
        assert_int_equal(confined(asks_the_network), ENOSYS);
        assert_int_equal(confined(sends_packets), ENOSYS);
        assert_int_equal(confined(asks_netfilter), ENOSYS);
        assert_int_equal(confined(runs_memory), ENOSYS);
        assert_int_equal(confined(makes_memory_run), ENOSYS);
        assert_int_equal(confined(shares_memory), ENOSYS);
        assert_int_equal(confined(clones_a_namespace), ENOSYS);
        assert_int_equal(confined(asks_what_is_not_there), ENOSYS);
}

/* To a port of the loopback where nobody listens. */
static int connects_to(uint16_t port, bool from) {
        struct sockaddr_in a = { .sin_family = AF_INET,
                                 .sin_port = htons(port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        struct sockaddr_in me = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || (from && bind(fd, (struct sockaddr *) &me, sizeof me) < 0))
                return errno;
        return connect(fd, (struct sockaddr *) &a, sizeof a) < 0 ? errno : 0;
}

enum { PROBED = 1, OTHER = 2 }; /* tcpmux and compressnet */
static int probes(void) {
        return connects_to(PROBED, false);
}
static int probes_from_an_address(void) {
        return connects_to(PROBED, true);
}
static int connects_elsewhere(void) {
        return connects_to(OTHER, false);
}
static int makes_an_ipv6_socket(void) {
        return socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0) < 0 ? errno : 0;
}
static int makes_a_datagram_socket(void) {
        return socket(AF_INET, SOCK_DGRAM, 0) < 0 ? errno : 0;
}
static int makes_a_raw_socket(void) {
        return socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP) < 0 ? errno : 0;
}

static void probes_and_nothing_else(void **state) {
        need_filter();
        probe_port = PROBED;
        assert_int_equal(confined(probes), ECONNREFUSED);
        assert_int_equal(confined(probes_from_an_address), ECONNREFUSED);
        assert_int_equal(confined(makes_an_ipv6_socket), 0);
        assert_int_equal(confined(makes_a_datagram_socket), ENOSYS);
        assert_int_equal(confined(makes_a_raw_socket), ENOSYS);
        assert_int_equal(confined(sends_packets), ENOSYS);
        assert_int_equal(confined(runs_a_program), -SIGSYS);
        if (landlock_bounds_tcp())
                assert_int_equal(confined(connects_elsewhere), EACCES);
        probe_port = 0;
        assert_int_equal(confined(probes), ENOSYS);
}

/* Which ports a reload may name. */
static int knows_its_port(void) {
        bool bounded = landlock_bounds_tcp();
        struct confine *c = confine();

        if (probe_port == 0)
                return confine_may_connect(c, PROBED);
        return !confine_may_connect(c, PROBED) ? 1 : confine_may_connect(c, OTHER) == bounded ? 2 : 0;
}

static void another_port_takes_a_restart(void **state) {
        pid_t pid;
        int status;

        need_filter();
        for (unsigned i = 0; i < 2; i++) {
                probe_port = i ? PROBED : 0;
                pid = fork();
                if (pid == 0)
                        _exit(knows_its_port());
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_int_equal(status, 0);
        }
        probe_port = 0;
        assert_true(confine_may_connect(NULL, PROBED));
}

static int aborts(void) {
        const struct rlimit {
                unsigned long now, max;
        } none = { 0, 0 };

        (void) syscall(SYS_prlimit64, 0, 4 /* RLIMIT_CORE */, &none, NULL);
        abort();
}

static int does_its_work(void) {
        int pair[2], status, fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 4 /* NETLINK_SOCK_DIAG */);
        struct ifaddrs *addresses;
        pid_t pid;
        FILE *f;

        if (fd < 0 || getifaddrs(&addresses) < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
            memfd_create("x", MFD_CLOEXEC) < 0 || !malloc(1 << 20))
                return errno;
        f = fopen("/proc/net/netstat", "re");
        if (!f || fgetc(f) == EOF)
                return errno;
        pid = fork();
        if (pid == 0)
                _exit(send(pair[1], "x", 1, 0) == 1 ? 7 : 8);
        if (pid < 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 7)
                return errno ? errno : 1;
        return recv(pair[0], &status, sizeof status, 0) == 1 ? 0 : errno;
}

static int is_filtered(void) {
        char line[128];
        FILE *f = fopen("/proc/self/status", "re");
        int mode = -1;

        while (f && fgets(line, sizeof line, f))
                (void) sscanf(line, "Seccomp: %d", &mode);
        return mode == 2 ? 0 : 1;
}

static void does_what_it_is_for(void **state) {
        need_filter();
        assert_int_equal(confined(is_filtered), 0);
        assert_int_equal(confined(does_its_work), 0);
        assert_int_equal(confined(aborts), -SIGABRT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
                TEST(writes_its_own),
                TEST(writes_nothing_else),
                TEST(signals_its_own_only),
                TEST(tells_what_takes_a_restart),
                TEST(dies_of_what_intruders_do),
                TEST(is_refused_the_rest),
                TEST(probes_and_nothing_else),
                TEST(another_port_takes_a_restart),
                TEST(does_what_it_is_for),
#undef TEST
        };

        log_setup(-2);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
