/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "self_test.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-event.h>

#include "confine/landlock.h"
#include "confine/syscalls.h"
#include "core/observation.h"
#include "core/snapshot.h"
#include "loop.h"
#include "options.h"
#include "privileges.h"
#include "sense.h"
#include "util/ends_socket.h"
#include "util/sysctl.h"

struct self_test {
        unsigned lost;
};

/* One line; of what is not there a second one. reason: NULL, all is well. */
static void tell(struct self_test *t, const char *what, const char *reason, const char *lost) {
        if (!reason) {
                printf("ok    %s\n", what);
                return;
        }
        printf("lost  %s: %s\n      %s\n", what, reason, lost);
        t->lost++;
}

/* --- the sensors, as the service opens them -------------------------------------- */

static const struct {
        const char *what, *lost;
} sensors[SENSORS] = {
        [SENSOR_SOCK_DIAG] = { "sock_diag, half-open connections with their age",
                               "Floods are told by the kernel's counters alone, later, and for the host as a whole." },
        [SENSOR_NETSTAT] = { "netstat, the kernel's counters of TCP",
                             "Refused SYNs and SYN cookies are not seen: where cookies answer, the log must do." },
        [SENSOR_NFLOG] = { "nflog, the log of SYNs",
                           "Who sends is not known: every flood is flood-spoofed or unknown, and nobody is blocked." },
};

static void test_sensors(struct self_test *t, const struct snapshot *s) {
        for (unsigned i = 0; i < SENSORS; i++) {
                const struct snapshot_sensor *sensor = &s->sensors[i];
                const char *reason = sensor->reason[0] ? sensor->reason : "off";

                tell(t, sensors[i].what, sensor->state == SENSOR_OK ? NULL : reason, sensors[i].lost);
        }
}

/* Two looks: some sensors only begin at the first. */
static int look(const struct settings *settings, struct privileged *privileged, struct snapshot *ret, bool *ret_blind) {
        struct observation *o = calloc(1, sizeof *o);
        struct sense *sense = NULL;
        sd_event *event = NULL;
        int r = o ? sd_event_new(&event) : -ENOMEM;

        if (r >= 0)
                r = sense_new(event, settings, privileged, &sense);
        for (unsigned i = 0; r >= 0 && i < 2; i++) {
                struct loop_time now = loop_time_now();

                sense_observe(sense, now.now_us, now.realtime_us, false, o);
        }
        if (r >= 0) {
                sense_describe(sense, ret);
                *ret_blind = sense_is_blind(sense);
        }
        sense_free(sense);
        sd_event_unref(event);
        free(o);
        return r;
}

/* --- the rest ---------------------------------------------------------------------- */

static void test_destroy_groups(struct self_test *t) {
        int fd = -1, r = ends_socket_open(&fd);

        tell(t, "tcp_destroy, the ends of connections", r < 0 ? strerror(-r) : NULL,
             "Which sources finish handshakes is not known, so that nobody is blocked.");
        if (fd >= 0)
                close(fd);
}

static void test_table(struct self_test *t, struct privileged *privileged) {
        const char *reason = "unknown";
        int r = privileged_make_table(privileged, &reason);

        tell(t, "nftables, a table that goes with its owner (Linux 5.12)", r < 0 ? reason : NULL,
             "No rules of its own: no log of SYNs but by yours (nflog.manage_rules), no block list.");
}

static void test_syncookies(struct self_test *t) {
        int fd = open(SYSCTL_SYNCOOKIES_PATH, O_WRONLY | O_CLOEXEC);

        tell(t, SYSCTL_SYNCOOKIES_PATH ", to write", fd < 0 ? strerror(errno) : NULL,
             "SYN cookies are not turned on in a flood: have them on, sysctl -w net.ipv4.tcp_syncookies=1.");
        if (fd >= 0)
                close(fd);
}

/* What is not there yet is made at the start. */
static bool can_write(const char *directory) {
        char parent[PATH_MAX];

        if (access(directory, W_OK | X_OK) == 0)
                return true;
        if (errno != ENOENT || strlen(directory) >= sizeof parent)
                return false;
        strcpy(parent, directory);
        return access(dirname(parent), W_OK | X_OK) == 0;
}

static void test_state(struct self_test *t, const char *state_dir) {
        bool good = can_write(state_dir);

        tell(t, "the state directory", good ? NULL : strerror(errno),
             "tcp_syncookies is not changed, for its old value could not be kept; no incident records.");
}

static void test_confinement(struct self_test *t) {
        int filter = syscalls_can_confine(), landlock = landlock_version();

        tell(t, "seccomp, a filter of the daemon's own system calls",
             filter == -EOPNOTSUPP ? "built without libseccomp"
             : filter < 0          ? strerror(-filter)
                                   : NULL,
             "Whoever took over the daemon could use every system call that its user may.");
        tell(t, "Landlock, bounds of where the daemon writes (Linux 5.13)", landlock < 0 ? strerror(-landlock) : NULL,
             "Whoever took over the daemon could write wherever its user may.");
}

int self_test_run(const struct settings *settings, const char *state_dir) {
        struct snapshot *s = calloc(1, sizeof *s);
        struct self_test t = { .lost = 0 };
        struct privileged *privileged = NULL;
        pid_t launcher = 0;
        bool blind;
        int r = s ? privileges_part(&privileged, &launcher) : -ENOMEM;

        if (r >= 0)
                r = look(settings, privileged, s, &blind);
        if (r < 0) {
                fprintf(stderr, "synwardd: cannot test: %s\n", strerror(-r));
                privileges_end(privileged, launcher);
                free(s);
                return EXIT_STATUS_FAILURE;
        }
        test_sensors(&t, s);
        test_destroy_groups(&t);
        test_table(&t, privileged);
        test_syncookies(&t);
        test_state(&t, state_dir);
        test_confinement(&t);
        privileges_end(privileged, launcher);
        free(s);
        return blind ? EXIT_STATUS_MISSING : t.lost ? EXIT_STATUS_FAILURE : EXIT_STATUS_OK;
}
