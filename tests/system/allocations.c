/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes each allocation of a program fail once (fail-alloc.so), and says what came of it:
 *   allocations sweep [OPTION ...] TABLE COMMAND ...   runs it until no new call site is left
 *   allocations new|arm|disarm|count|list TABLE        the same by hand, for a program that runs
 * See allocations.h; "allocations --help" for the options.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "allocations.h"

enum { STATUSES_MAX = 8, SAID_MAX = 4096, RUNS_MAX = 20000, LEFT_BEHIND_US = 3000000 };

struct sweep {
        struct allocations_table *table;
        const char *table_path, *preload, *process;
        bool until_ready; /* a service: asked to end when it says READY=1 */
        uint64_t gap_us, limit_us;
        int statuses[STATUSES_MAX];
        unsigned statuses_count;
        int crash; /* the status of a crash, which is taken if it is not the program's own allocation; 0: none */
        uint32_t depth, share, shares;
        char **command;

        /* counts of runs */
        unsigned runs, went_on, refused, crashed, bad;
};

/* What a run came to. */
struct run {
        int status; /* of waitpid(2) */
        bool ready, timed_out;
        unsigned left_behind;
        char said[SAID_MAX]; /* on stderr */
};

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...) {
        va_list arguments;

        fputs("allocations: ", stderr);
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fprintf(stderr, ": %s\n", strerror(errno));
        exit(2);
}

static uint64_t now_us(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

/* --- the table ---------------------------------------------------------------------- */

/* Others than its maker write into it: the daemon is another user by then. */
static struct allocations_table *open_table(const char *path, bool make) {
        int fd = open(path, O_RDWR | O_CLOEXEC | (make ? O_CREAT | O_TRUNC : 0), 0666);
        void *memory;

        if (fd < 0 || (make && (fchmod(fd, 0666) < 0 || ftruncate(fd, sizeof(struct allocations_table)) < 0)))
                die("%s", path);
        memory = mmap(NULL, sizeof(struct allocations_table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED)
                die("%s", path);
        close(fd);
        return memory;
}

static void set_up(struct allocations_table *t, const char *process, uint64_t gap_us) {
        snprintf(t->process, sizeof t->process, "%s", process);
        t->gap_us = gap_us;
        t->last_us = 0;
}

static void print_site(const struct allocations_site *s) {
        printf("# failure %u, %llu calls:", s->failed, (unsigned long long) s->calls);
        for (uint32_t i = 0; i < s->frames_count; i++)
                printf(" %s+0x%llx", s->frames[i].file[0] ? s->frames[i].file : ".",
                       (unsigned long long) s->frames[i].offset);
        putchar('\n');
}

/* The sites that failed since, in the table's order. */
static void print_failed(const struct allocations_table *t, uint32_t since) {
        for (uint32_t i = 0; i < ALLOCATIONS_SITES_MAX; i++)
                if (t->sites[i].failed > since)
                        print_site(&t->sites[i]);
}

/* --- one run ------------------------------------------------------------------------- */

static int notify_socket(struct sockaddr_un *ret) {
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
        socklen_t length = sizeof *ret;

        /* An abstract address of the kernel's choice: of this network namespace. */
        *ret = (struct sockaddr_un) { .sun_family = AF_UNIX };
        if (fd < 0 || bind(fd, (struct sockaddr *) ret, sizeof ret->sun_family) < 0 ||
            getsockname(fd, (struct sockaddr *) ret, &length) < 0 ||
            setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0)
                die("notify socket");
        return fd;
}

__attribute__((noreturn)) static void become(const struct sweep *s, int said_fd, const struct sockaddr_un *notify) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        char address[sizeof notify->sun_path + 1];
        sigset_t none;

        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
            dup2(said_fd, STDERR_FILENO) < 0)
                _exit(126);
        setenv("LD_PRELOAD", s->preload, 1);
        setenv(ALLOCATIONS_TABLE, s->table_path, 1);
        if (s->until_ready) {
                snprintf(address, sizeof address, "@%s", notify->sun_path + 1);
                setenv("NOTIFY_SOCKET", address, 1);
        }
        execvp(s->command[0], s->command);
        _exit(127);
}

static bool is_ready(int notify_fd) {
        char text[512];
        bool ready = false;
        ssize_t n;

        while ((n = recv(notify_fd, text, sizeof text - 1, 0)) >= 0) {
                text[n] = '\0';
                ready |= strstr(text, "READY=1") != NULL;
        }
        return ready;
}

/* Until it ends, however it does. Whoever it left comes to us (PR_SET_CHILD_SUBREAPER). */
static void watch(const struct sweep *s, pid_t pid, int notify_fd, int child_fd, struct run *ret) {
        uint64_t until_us = now_us() + s->limit_us;
        struct pollfd fds[] = { { .fd = child_fd, .events = POLLIN }, { .fd = notify_fd, .events = POLLIN } };

        while (waitpid(pid, &ret->status, WNOHANG) != pid) {
                struct signalfd_siginfo info;
                uint64_t us = now_us();

                if (us > until_us) {
                        ret->timed_out = true;
                        kill(pid, SIGKILL);
                        until_us = UINT64_MAX;
                }
                (void) poll(fds, 2, 100);
                (void) !read(child_fd, &info, sizeof info);
                if (!ret->ready && s->until_ready && is_ready(notify_fd)) {
                        ret->ready = true;
                        kill(pid, SIGTERM);
                }
        }
}

/* Those of its processes that outlive it: they have a moment to see that it has gone. */
static unsigned reap(void) {
        uint64_t until_us = now_us() + LEFT_BEHIND_US;
        unsigned left = 0;
        siginfo_t info;
        pid_t pid;

        while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0) {
                if (pid > 0)
                        continue;
                if (now_us() < until_us) {
                        usleep(2000);
                        continue;
                }
                /* Which one, the kernel does not say before it has ended. */
                left++;
                if (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT | WNOHANG) < 0 || left > 3)
                        break;
                until_us = now_us() + LEFT_BEHIND_US;
        }
        return left;
}

static void run_once(struct sweep *s, struct run *ret) {
        struct sockaddr_un notify;
        sigset_t child;
        int notify_fd = notify_socket(&notify), said_fd = memfd_create("said", MFD_CLOEXEC), child_fd;
        ssize_t n;
        pid_t pid;

        memset(ret, 0, sizeof *ret);
        sigemptyset(&child);
        sigaddset(&child, SIGCHLD);
        sigprocmask(SIG_BLOCK, &child, NULL);
        child_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
        if (said_fd < 0 || child_fd < 0)
                die("a run");
        s->table->last_us = 0;
        pid = fork();
        if (pid < 0)
                die("fork");
        if (pid == 0)
                become(s, said_fd, &notify);
        watch(s, pid, notify_fd, child_fd, ret);
        ret->left_behind = reap();
        n = pread(said_fd, ret->said, sizeof ret->said - 1, 0);
        ret->said[n > 0 ? n : 0] = '\0';
        close(notify_fd);
        close(said_fd);
        close(child_fd);
}

/* --- the sweep ------------------------------------------------------------------------ */

static bool status_is_allowed(const struct sweep *s, int status) {
        for (unsigned i = 0; i < s->statuses_count; i++)
                if (s->statuses[i] == status)
                        return true;
        return false;
}

/* Whether the last failure was met by the program itself, the C library aside, and not by another library. */
static bool is_own_failure(const struct allocations_table *t) {
        for (uint32_t i = 0; i < ALLOCATIONS_SITES_MAX; i++) {
                const struct allocations_site *s = &t->sites[i];
                uint32_t at = 0;

                if (!s->failed || s->failed != t->failures)
                        continue;
                while (at < s->frames_count && strncmp(s->frames[at].file, "libc.so", 7) == 0)
                        at++;
                return at < s->frames_count && !s->frames[at].file[0];
        }
        return true;
}

/* What is wrong with it; NULL: nothing. */
static const char *fault_of(const struct sweep *s, const struct run *r) {
        static char text[128];

        if (r->timed_out)
                return "hangs";
        if (r->left_behind)
                return "leaves processes behind";
        if (WIFSIGNALED(r->status)) {
                snprintf(text, sizeof text, "ended by signal %d", WTERMSIG(r->status));
                return text;
        }
        if (s->crash && WEXITSTATUS(r->status) == s->crash && !is_own_failure(s->table))
                return NULL;
        if (!status_is_allowed(s, WEXITSTATUS(r->status))) {
                snprintf(text, sizeof text, "exit status %d", WEXITSTATUS(r->status));
                return text;
        }
        if (WEXITSTATUS(r->status) != 0 && !r->said[0])
                return "no word of why";
        if (s->until_ready && WEXITSTATUS(r->status) == 0 && !r->ready)
                return "ended well without having been ready";
        return NULL;
}

static void note(struct sweep *s, const struct run *r, uint32_t failures_before) {
        const char *fault = fault_of(s, r);

        s->runs++;
        if (fault) {
                s->bad++;
                printf("# bad: %s: %s\n", fault, r->said[0] ? r->said : "(nothing said)");
                print_failed(s->table, failures_before);
                fflush(stdout);
        } else if (WEXITSTATUS(r->status) == 0)
                s->went_on++;
        else if (s->crash && WEXITSTATUS(r->status) == s->crash)
                s->crashed++;
        else
                s->refused++;
}

static int sweep(struct sweep *s) {
        uint32_t before;
        struct run r;

        s->table = open_table(s->table_path, true);
        set_up(s->table, s->process, s->gap_us);
        s->table->depth = s->depth;
        s->table->share = s->share;
        s->table->shares = s->shares;
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        run_once(s, &r);
        if (fault_of(s, &r) || WEXITSTATUS(r.status) != 0) {
                printf("# with all its memory: %s: %s\n", fault_of(s, &r) ? fault_of(s, &r) : "it fails", r.said);
                return 1;
        }
        atomic_store(&s->table->armed, 1);
        do {
                before = s->table->failures;
                run_once(s, &r);
                note(s, &r, before);
        } while (s->table->failures > before && s->runs < RUNS_MAX);
        printf("%u call sites seen, %u failed once: in %u runs %u went on, %u ended with a word, "
               "%u crashed in a library, %u bad\n",
               s->table->sites_count, s->table->failures, s->runs, s->went_on, s->refused, s->crashed, s->bad);
        /* Sites that were seen only where another had failed have not. */
        return s->bad > 0 || s->table->dropped > 0 || s->table->failures == 0;
}

/* What a sweep must find: a program that never looks. */
static int careless(void) {
        char *memory = malloc(1);

        *(volatile char *) memory = 'x';
        free(memory);
        return 0;
}

/* --- the command line ------------------------------------------------------------------ */

static const char usage[] = "allocations sweep [OPTION ...] TABLE COMMAND ...\n"
                            "  --library FILE    fail-alloc.so\n"
                            "  --process NAME    only of processes of this name (the command's)\n"
                            "  --ready           a service: asked to end when it is ready\n"
                            "  --status N        it may end so, with a word on stderr (1)\n"
                            "  --crash N         likewise, but for an allocation that is a library's\n"
                            "  --depth N         only the innermost frames tell call sites apart (all)\n"
                            "  --share I N       only the Ith part (from 0) of N of its call sites\n"
                            "  --gap US          between two failures in one run (one failure a run)\n"
                            "  --limit US        of a run (10000000)\n"
                            "allocations new TABLE PROCESS GAP_US DEPTH\n"
                            "allocations arm|disarm|count|list TABLE\n"
                            "allocations careless\n";

static int by_hand(char **argv) {
        bool make = strcmp(argv[0], "new") == 0;
        struct allocations_table *t = argv[1] && (!make || (argv[2] && argv[3] && argv[4])) ? open_table(argv[1], make)
                                                                                            : NULL;

        if (!t)
                return 2;
        if (make) {
                set_up(t, argv[2], strtoull(argv[3], NULL, 10));
                t->depth = (uint32_t) atoi(argv[4]);
        } else if (strcmp(argv[0], "arm") == 0)
                atomic_store(&t->armed, 1);
        else if (strcmp(argv[0], "disarm") == 0)
                atomic_store(&t->armed, 0);
        else if (strcmp(argv[0], "count") == 0)
                printf("%u %u\n", t->sites_count, t->failures);
        else if (strcmp(argv[0], "list") == 0)
                print_failed(t, 0);
        else
                return 2;
        return 0;
}

static const char *base_name(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* The options' end. */
static char **parse(struct sweep *s, char **argv) {
        for (; argv[0] && strncmp(argv[0], "--", 2) == 0; argv++) {
                if (strcmp(argv[0], "--ready") == 0) {
                        s->until_ready = true;
                        continue;
                }
                if (!argv[1])
                        return NULL;
                if (strcmp(argv[0], "--library") == 0)
                        s->preload = argv[1];
                else if (strcmp(argv[0], "--process") == 0)
                        s->process = argv[1];
                else if (strcmp(argv[0], "--gap") == 0)
                        s->gap_us = strtoull(argv[1], NULL, 10);
                else if (strcmp(argv[0], "--depth") == 0)
                        s->depth = (uint32_t) atoi(argv[1]);
                else if (strcmp(argv[0], "--limit") == 0)
                        s->limit_us = strtoull(argv[1], NULL, 10);
                else if (strcmp(argv[0], "--crash") == 0)
                        s->crash = atoi(argv[1]);
                else if (strcmp(argv[0], "--share") == 0 && argv[2]) {
                        s->share = (uint32_t) atoi(argv[1]);
                        s->shares = (uint32_t) atoi(argv[2]);
                        argv++;
                } else if (strcmp(argv[0], "--status") == 0 && s->statuses_count < STATUSES_MAX)
                        s->statuses[s->statuses_count++] = atoi(argv[1]);
                else
                        return NULL;
                argv++;
        }
        return argv;
}

int main(int argc, char **argv) {
        struct sweep s = { .gap_us = UINT64_MAX, .limit_us = 10000000, .statuses = { 0, 1 }, .statuses_count = 2 };
        char **rest;

        if (argc == 2 && strcmp(argv[1], "careless") == 0)
                return careless();
        if (argc < 2 || strcmp(argv[1], "sweep") != 0) {
                int r = argc > 2 ? by_hand(argv + 1) : 2;

                if (r)
                        fputs(usage, stderr);
                return r;
        }
        rest = parse(&s, argv + 2);
        if (!rest || !rest[0] || !rest[1] || !s.preload) {
                fputs(usage, stderr);
                return 2;
        }
        s.table_path = rest[0];
        s.command = rest + 1;
        if (!s.process)
                s.process = base_name(s.command[0]);
        return sweep(&s);
}
