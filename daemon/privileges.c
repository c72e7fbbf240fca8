/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h" /* setresuid, setgroups */

#include "privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "privileged/caps.h"
#include "privileged/launcher.h"
#include "util/log.h"
#include "util/supervisor.h"

enum { NOBODY = 65534 }; /* the kernel's own (Documentation/admin-guide/sysctl/fs.rst, overflowuid) */

/* "FD PID" of the keeper's pair and of the launcher, from before execve(2). */
#define HANDED_OVER "SYNWARDD_KEEPER"

/* Only a child of ours is believed. */
static bool take_over(int *ret_fd, pid_t *ret_pid) {
        const char *text = getenv(HANDED_OVER);
        int fd, pid;
        bool taken = text && sscanf(text, "%d %d", &fd, &pid) == 2 && fd > STDERR_FILENO && pid > 0 &&
                     waitpid(pid, NULL, WNOHANG) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;

        unsetenv(HANDED_OVER);
        if (taken) {
                /* It would be that of the link. */
                (void) prctl(PR_SET_NAME, "synwardd", 0, 0, 0);
                *ret_fd = fd;
                *ret_pid = pid;
        }
        return taken;
}

static void hand_over(const struct privileged *p, pid_t launcher, char **argv) {
        char text[32];
        int fd = privileged_fd(p);

        if (fd < 0 || fcntl(fd, F_SETFD, 0) < 0)
                return;
        snprintf(text, sizeof text, "%d %d", fd, (int) launcher);
        if (setenv(HANDED_OVER, text, 1) == 0)
                execv("/proc/self/exe", argv);
        unsetenv(HANDED_OVER);
        (void) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

int privileges_part(struct privileged **ret, pid_t *ret_launcher) {
        pid_t pid = 0;
        int fd = -1, r = take_over(&fd, &pid) ? 0 : launcher_start(&fd, &pid);

        if (r < 0)
                log_warning("Cannot start the privileged process: %s, working without it", strerror(-r));
        r = privileged_new(fd, ret);
        if (r < 0 && fd >= 0)
                close(fd);
        *ret_launcher = pid;
        return r;
}

void privileges_end(struct privileged *p, pid_t launcher) {
        privileged_free(p);
        supervisor_wait(launcher);
}

/* getpwnam(3) would keep the name services' libraries in memory for as long as the daemon lives;
 * sysusers(8) makes the user in /etc/passwd. */
static int find(const char *name, struct privileges_user *ret) {
        FILE *f = fopen("/etc/passwd", "re");
        const struct passwd *p = NULL;
        int r;

        while (f && (errno = 0, p = fgetpwent(f)) && (strcmp(p->pw_name, name) != 0 || p->pw_uid == 0))
                ;
        r = p ? 0 : errno == ENOMEM ? -ENOMEM : -ENOENT;
        if (p) {
                *ret = (struct privileges_user) { .uid = p->pw_uid, .gid = p->pw_gid };
                snprintf(ret->name, sizeof ret->name, "%s", name);
        }
        if (f)
                fclose(f);
        return r;
}

int privileges_find_user(struct privileges_user *ret) {
        int r;

        if (geteuid() != 0)
                return -ENOENT;
        if (!caps_has(CAPS_BIT(CAP_SETUID) | CAPS_BIT(CAP_SETGID))) {
                log_info(
                        "Staying root, though without privileges: to become another user takes CAP_SETUID and CAP_SETGID");
                return -ENOENT;
        }
        r = find("synward", ret);
        if (r == -ENOENT)
                r = find("nobody", ret);
        if (r == -ENOENT) {
                *ret = (struct privileges_user) { .uid = NOBODY, .gid = NOBODY, .name = "nobody" };
                r = 0;
        }
        return r;
}

static int become(const struct privileges_user *user) {
        caps_narrow(0);
        if (setgroups(0, NULL) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
            setresuid(user->uid, user->uid, user->uid) < 0)
                return -errno;
        /* A crash leaves a core as before. Of nobody there are others, who are not to look into this
         * one, nor to use its end of the pair. */
        if (strcmp(user->name, "nobody") != 0)
                (void) prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        return 0;
}

void privileges_drop(const struct privileges_user *user, const struct privileged *p, pid_t launcher, char **argv) {
        int r = user ? become(user) : 0;

        if (r < 0)
                log_warning("Cannot become the user %s: %s, going on as root without privileges", user->name,
                            strerror(-r));
        else if (user)
                log_info("Going on as user %s, without privileges", user->name);
        r = caps_keep(0);
        if (r == -EPERM)
                hand_over(p, launcher, argv);
        if (r < 0)
                log_warning("Cannot give up all privileges: %s, ignoring", strerror(-r));
}

void privileges_for_nobody_else(void) {
        /* Before Linux 4.3 there is nothing to clear. */
        (void) prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

void privileges_keep_looking(void) {
        int r = caps_keep(CAPS_BIT(CAP_SYS_PTRACE) | CAPS_BIT(CAP_DAC_READ_SEARCH));

        if (r < 0)
                log_warning("Cannot give up privileges: %s, ignoring", strerror(-r));
}
