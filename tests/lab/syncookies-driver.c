/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drives actions/syncookies against the real sysctl, for test-syncookies-kill.sh.
 *
 *   syncookies-driver kill STATE_DIR FLOOD_VALUE TIMES SEED
 *       a child that begins and ends floods as fast as it can is killed TIMES
 *       times at a random moment, followed by a restore, which is itself killed
 *       every other time and then repeated; the value must be the original
 *   syncookies-driver once STATE_DIR FLOOD_VALUE
 *       one flood, begun and ended; says what was reported
 *
 * Time runs ten thousand times faster, so that a cookie's life is 12 ms.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "actions/syncookies.h"
#include "util/sysctl.h"

enum {
        SPEED = 10000,
        KILL_WITHIN_US = 2000,
        KILL_WITHIN_A_LIFE_US = 30000, /* where the way back takes one */
};

static const char *state_dir;
static uint8_t flood_value;

static void die(const char *what, int error) {
        fprintf(stderr, "syncookies-driver: %s: %s\n", what, strerror(error));
        exit(1);
}

static uint64_t now_us(void *userdata) {
        struct timespec t;

        (void) userdata;
        clock_gettime(CLOCK_BOOTTIME, &t);
        return ((uint64_t) t.tv_sec * 1000000000 + (uint64_t) t.tv_nsec) / 1000 * SPEED;
}

static int wait_us(void *userdata, uint64_t until_us) {
        const struct timespec short_while = { .tv_nsec = 1000 };

        while (now_us(userdata) < until_us)
                nanosleep(&short_while, NULL);
        return 0;
}

static void print_report(void *userdata, const struct syncookies_report *report) {
        (void) userdata;
        printf("%s\n", report->message);
        fflush(stdout);
}

static void keep_quiet(void *userdata, const struct syncookies_report *report) {
        (void) userdata;
        (void) report;
}

static struct syncookies *open_governor(void) {
        const struct syncookies_config config = { .state_dir = state_dir };
        struct syncookies *s;
        int r = syncookies_new(&config, &s);

        if (r < 0)
                die("new", -r);
        return s;
}

static void step(struct syncookies *s, enum cookie_want want,
                 void (*report)(void *, const struct syncookies_report *)) {
        struct syncookies_request request = {
                .now_us = now_us(NULL),
                .want = want,
                .flood_value = flood_value,
                .max_changes_per_hour = COOKIE_CHANGES_MAX,
                .release = want == COOKIE_WANT_CALM,
        };
        struct syncookies_report r;

        while (syncookies_step(s, &request, &r)) {
                if (r.type != SYNCOOKIES_REPORT_NONE)
                        report(NULL, &r);
                request.now_us = now_us(NULL);
        }
        if (r.type != SYNCOOKIES_REPORT_NONE)
                report(NULL, &r);
}

static void floods_without_end(void) {
        const struct timespec flood = { .tv_nsec = 100000 };
        struct syncookies *s = open_governor();

        for (;;) {
                step(s, COOKIE_WANT_RAISE, keep_quiet);
                nanosleep(&flood, NULL);
                step(s, COOKIE_WANT_CALM, keep_quiet);
        }
}

static void restore(void) {
        static const struct syncookies_restore_ops ops = { now_us, wait_us, keep_quiet, NULL };
        struct syncookies *s = open_governor();
        int r = syncookies_restore(s, &ops);

        if (r < 0)
                die("restore", -r);
        exit(0);
}

static int read_value(void) {
        FILE *f = fopen(SYSCTL_SYNCOOKIES_PATH, "r");
        int value = -1;

        if (!f || fscanf(f, "%d", &value) != 1)
                die(SYSCTL_SYNCOOKIES_PATH, errno);
        fclose(f);
        return value;
}

static pid_t start(void (*what)(void)) {
        pid_t pid = fork();

        if (pid < 0)
                die("fork", errno);
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                what();
        }
        return pid;
}

/* Returns the wait status. kill_within_us 0: never. */
static int run(void (*what)(void), unsigned kill_within_us) {
        pid_t pid = start(what);
        int status;

        if (kill_within_us > 0) {
                const struct timespec t = { .tv_nsec = random() % (kill_within_us * 1000L) };

                nanosleep(&t, NULL);
                kill(pid, SIGKILL);
        }
        if (waitpid(pid, &status, 0) < 0)
                die("waitpid", errno);
        return status;
}

static int kill_often(unsigned times) {
        const int original = read_value();
        const bool long_way = original == 0 && flood_value == 2;
        char record[4096];
        unsigned changed = 0, restores_killed = 0, left = 0;

        snprintf(record, sizeof record, "%s/syncookies.json", state_dir);
        for (unsigned i = 0; i < times; i++) {
                /* Within a life it is changed nearly all of the time: every other moment is sooner. */
                const unsigned within_us = long_way && i / 2 % 2 ? KILL_WITHIN_A_LIFE_US : KILL_WITHIN_US;

                unlink(record); /* its history: or the limit of changes ends this soon */
                run(floods_without_end, within_us);
                changed += read_value() != original;
                if (i % 2)
                        restores_killed += WIFSIGNALED(run(restore, within_us));
                if (run(restore, 0) != 0)
                        die("restore failed", EIO);
                left += read_value() != original;
        }
        printf("from %d with flood value %d: killed %u times, %u while changed; %u restores killed "
               "too; left changed: %u\n",
               original, flood_value, times, changed, restores_killed, left);
        if (changed == 0 || changed == times) {
                printf("the moments were not random enough to prove anything\n");
                return 1;
        }
        return left > 0;
}

static int once(void) {
        struct syncookies *s = open_governor();

        step(s, COOKIE_WANT_CALM, print_report);
        step(s, COOKIE_WANT_RAISE, print_report);
        printf("value under flood: %d\n", syncookies_value(s));
        /* Bounded: a disk or a sysctl that refuses goes on refusing. */
        for (int i = 0; i < 100; i++) {
                step(s, COOKIE_WANT_CALM, print_report);
                if (syncookies_settled(s))
                        break;
                wait_us(NULL, syncookies_wait_until_us(s));
        }
        printf("value afterwards: %d\n", syncookies_value(s));
        syncookies_free(s);
        return 0;
}

int main(int argc, char **argv) {
        if (argc < 4)
                die("arguments", EINVAL);
        state_dir = argv[2];
        flood_value = (uint8_t) atoi(argv[3]);
        if (strcmp(argv[1], "once") == 0)
                return once();
        if (strcmp(argv[1], "kill") != 0 || argc < 6)
                die("arguments", EINVAL);
        srandom((unsigned) atoi(argv[5]));
        return kill_often((unsigned) atoi(argv[4]));
}
