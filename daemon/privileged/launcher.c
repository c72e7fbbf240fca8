/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h" /* close_range, POLLRDHUP */

#include "privileged/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "privileged/caps.h"
#include "privileged/keeper.h"

enum {
        /* The table is to be back within 5 s. */
        PAUSE_FIRST_MS = 100,
        PAUSE_MAX_MS = 2000,
        LIVED_S = 10, /* who lived so long starts the pauses anew */
        PAIR_FD = 3,
};

/* systemd(1) sends SIGTERM to all of a service, a terminal SIGINT to all of a group: the daemon
 * needs its keeper to the end, which it tells by closing. */
static void ignore_signals(void) {
        static const int list[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2 };
        const struct sigaction ignore = { .sa_handler = SIG_IGN };

        for (size_t i = 0; i < sizeof list / sizeof *list; i++)
                sigaction(list[i], &ignore, NULL);
}

/* Nothing is left open but the pair and standard error, where a library may cry for help. */
static int close_others(int fd) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
                return -errno;
        if (fd != PAIR_FD && dup3(fd, PAIR_FD, O_CLOEXEC) < 0)
                return -errno;
#ifdef HAVE_CLOSEFROM
        closefrom(PAIR_FD + 1);
#else
        if (syscall(SYS_close_range, PAIR_FD + 1, ~0U, 0) < 0)
                return -errno;
#endif
        return chdir("/") < 0 ? -errno : 0;
}

/* Waits so long, less if the daemon is gone: false. */
static bool pause_for(int ms) {
        struct pollfd p = { .fd = PAIR_FD, .events = POLLRDHUP };

        while (poll(&p, 1, ms) < 0)
                if (errno != EINTR)
                        break;
        return !(p.revents & (POLLHUP | POLLRDHUP | POLLERR));
}

/* Until the keeper ends. Whether it lived for a while. */
static bool wait_for(pid_t pid, const sigset_t *child) {
        const struct timespec while_ = { .tv_sec = LIVED_S };
        bool lived = false;

        while (waitpid(pid, NULL, WNOHANG) == 0) {
                if (sigtimedwait(child, NULL, &while_) >= 0 || errno != EAGAIN)
                        continue;
                lived = true;
                while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                        ;
                break;
        }
        return lived;
}

_Noreturn static void keep(uint32_t generation, const sigset_t *child) {
        sigprocmask(SIG_UNBLOCK, child, NULL);
        (void) prctl(PR_SET_NAME, "synwardd-keeper", 0, 0, 0);
        _exit(keeper_run(PAIR_FD, generation) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

_Noreturn static void launch(int fd) {
        int pause_ms = PAUSE_FIRST_MS;
        uint32_t generation = 1;
        sigset_t child;

        ignore_signals();
        if (close_others(fd) < 0 || caps_keep(CAPS_BIT(CAP_NET_ADMIN)) < 0)
                _exit(EXIT_FAILURE);
        sigemptyset(&child);
        sigaddset(&child, SIGCHLD);
        sigprocmask(SIG_BLOCK, &child, NULL);
        (void) prctl(PR_SET_NAME, "synwardd-launch", 0, 0, 0);
        /* Not to be looked into by others of the same user. */
        (void) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        /* Only for a keeper that stands still: else the end of the pair is what ends us. */
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        do {
                pid_t pid = fork();

                if (pid == 0)
                        keep(generation, &child);
                if (pid > 0 && wait_for(pid, &child))
                        pause_ms = PAUSE_FIRST_MS;
                if (!pause_for(pause_ms))
                        break;
                pause_ms = pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
                generation += generation == UINT32_MAX ? 2 : 1; /* never 0 */
        } while (true);
        _exit(EXIT_SUCCESS);
}

int launcher_start(int *ret_fd, pid_t *ret_pid) {
        int pair[2], r;
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        pid = fork();
        if (pid == 0) {
                close(pair[0]);
                launch(pair[1]);
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
