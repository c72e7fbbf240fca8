/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Starts a process, and another one when it ends.
 *
 *   we ── supervisor ── process        parent and child
 *    └───────────────────┘             a socket pair that keeps records apart (SOCK_SEQPACKET)
 *
 * The supervisor does nothing else, and keeps the process' end of the pair: ours stays good over all
 * of them, and what we sent and nobody took is the next one's. When we end, however that comes, our
 * end closes; the process sees that and ends, and the supervisor with it. Without the supervisor the
 * process works on, but is the last.
 *
 * Both ignore the signals that systemd and terminals send to all of a group: who is needed while we
 * stop must not go first.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct supervised {
        const char *name, *supervisor_name; /* as /proc/PID/comm has them: 15 characters at most */
        /* In the supervisor, once: what both are to be rid of. NULL: nothing. 0; -errno: it ends. */
        int (*prepare)(void);
        /* In the process, whose end is its return. generation: 1 for the first. Its end of the pair is
         * CHILD_PAIR_FD; what else is open child.h says. */
        int (*run)(uint32_t generation, void *userdata);
        void *userdata;
        /* What it had started is killed if it does not end by itself and well. */
        bool kill_orphans;
};

/* To be called before threads are started and much is allocated: both stay as small as their parent
 * is now. 0: our end, close-on-exec, and the supervisor's pid, of which SIGCHLD tells. -errno: there
 * is neither. */
int supervisor_start(const struct supervised *what, int *ret_fd, pid_t *ret_pid);
/* After our end was closed: waits until it has ended, for a second at most. pid 0: there is none. */
void supervisor_wait(pid_t pid);
