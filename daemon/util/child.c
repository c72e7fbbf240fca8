/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h" /* close_range */

#include "util/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* systemd(1) sends SIGTERM to all of a service, a terminal SIGINT to all of a group. */
static void ignore_signals(void) {
        static const int list[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2 };
        const struct sigaction ignore = { .sa_handler = SIG_IGN };

        for (size_t i = 0; i < sizeof list / sizeof *list; i++)
                sigaction(list[i], &ignore, NULL);
}

/* Among the others are sockets whose other ends would not notice our parent's end. */
int child_part(int fd) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        ignore_signals();
        if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
                return -errno;
        if (fd != CHILD_PAIR_FD && dup3(fd, CHILD_PAIR_FD, O_CLOEXEC) < 0)
                return -errno;
#ifdef HAVE_CLOSEFROM
        closefrom(CHILD_PAIR_FD + 1);
#else
        if (syscall(SYS_close_range, CHILD_PAIR_FD + 1, ~0U, 0) < 0)
                return -errno;
#endif
        return 0;
}
