/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h" /* POLLRDHUP */

#include "util/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util/child.h"

enum {
        /* What the process did is to be there again within 5 s. */
        PAUSE_FIRST_MS = 100,
        PAUSE_MAX_MS = 2000,
        LIVED_S = 10, /* who lived so long starts the pauses anew */
        END_TRIES = 200,
        END_PAUSE_US = 5000,
};

/* Waits so long, less if our starter is gone: false. */
static bool pause_for(int ms) {
        struct pollfd p = { .fd = CHILD_PAIR_FD, .events = POLLRDHUP };

        while (poll(&p, 1, ms) < 0)
                if (errno != EINTR)
                        break;
        return !(p.revents & (POLLHUP | POLLRDHUP | POLLERR));
}

struct end {
        bool lived; /* for a while */
        bool well;  /* it ended by itself, without an error */
};

/* Until the process ends, reaping others on the way, who were its own. */
static struct end wait_for(pid_t pid, const sigset_t *child) {
        const struct timespec while_ = { .tv_sec = LIVED_S };
        struct end end = { 0 };

        do {
                int status = 0;
                pid_t ended = waitpid(-1, &status, end.lived ? 0 : WNOHANG);

                end.well = ended == pid && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
                if (ended == pid || (ended < 0 && errno != EINTR))
                        return end;
                if (ended == 0 && sigtimedwait(child, NULL, &while_) < 0 && errno == EAGAIN)
                        end.lived = true;
        } while (true);
}

/* One look at whom we have; whether there was one to kill. */
static bool kill_children(void) {
        FILE *f = fopen("/proc/thread-self/children", "re");
        bool found = false;
        int pid;

        while (f && fscanf(f, "%d", &pid) == 1 && pid > 0)
                if (kill(pid, SIGKILL) == 0) {
                        (void) waitpid(pid, NULL, 0);
                        found = true;
                }
        if (f)
                fclose(f);
        return found;
}

/* They are ours since their parent ended (PR_SET_CHILD_SUBREAPER), and theirs are once they are gone. */
static void kill_orphans(void) {
        while (kill_children())
                ;
}

_Noreturn static void run(const struct supervised *what, uint32_t generation, const sigset_t *child) {
        sigprocmask(SIG_UNBLOCK, child, NULL);
        (void) prctl(PR_SET_NAME, what->name, 0, 0, 0);
        _exit(what->run(generation, what->userdata) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

_Noreturn static void supervise(const struct supervised *what) {
        int pause_ms = PAUSE_FIRST_MS;
        uint32_t generation = 1;
        sigset_t child;

        sigemptyset(&child);
        sigaddset(&child, SIGCHLD);
        sigprocmask(SIG_BLOCK, &child, NULL);
        do {
                pid_t pid = fork();
                struct end end = { 0 };

                if (pid == 0)
                        run(what, generation, &child);
                if (pid > 0)
                        end = wait_for(pid, &child);
                if (end.lived)
                        pause_ms = PAUSE_FIRST_MS;
                if (what->kill_orphans && !end.well)
                        kill_orphans();
                if (!pause_for(pause_ms))
                        break;
                pause_ms = pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
                generation += generation == UINT32_MAX ? 2 : 1; /* never 0 */
        } while (true);
        _exit(EXIT_SUCCESS);
}

_Noreturn static void begin(const struct supervised *what, int fd) {
        if (child_part(fd) < 0 || (what->prepare && what->prepare() < 0))
                _exit(EXIT_FAILURE);
        (void) prctl(PR_SET_NAME, what->supervisor_name, 0, 0, 0);
        /* Not to be looked into by others of the same user. */
        (void) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        /* Only for a process that stands still: else the end of the pair is what ends us. */
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (what->kill_orphans)
                (void) prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        supervise(what);
}

int supervisor_start(const struct supervised *what, int *ret_fd, pid_t *ret_pid) {
        int pair[2], r;
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        pid = fork();
        if (pid == 0) {
                close(pair[0]);
                begin(what, pair[1]);
        }
        r = pid < 0 ? -errno : 0;
        close(pair[1]);
        if (r < 0) {
                close(pair[0]);
                return r;
        }
        *ret_fd = pair[0];
        *ret_pid = pid;
        return 0;
}

void supervisor_wait(pid_t pid) {
        for (unsigned i = 0; pid > 0 && waitpid(pid, NULL, WNOHANG) == 0 && i < END_TRIES; i++)
                usleep(END_PAUSE_US);
}
