/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One life of the keeper, asked for each thing that it does, in the network namespace that this is
 * run in: for test-allocations.sh. 0: all was done; 1: something was not, or the keeper ended before
 * it was to, and what it was is on stderr; 3: it was ended by a signal.
 */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "privileged/client.h"
#include "privileged/keeper.h"

enum { NFLOG_GROUP = 5, COPY_RANGE = 128, FAILED = 1, KILLED = 3 };

static bool failed;

static void check(const char *what, int r) {
        if (r >= 0)
                return;
        fprintf(stderr, "%s: %s\n", what, strerror(-r));
        failed = true;
}

static void with_socket(const char *what, int r, int fd) {
        check(what, r);
        if (r >= 0)
                close(fd);
}

static void ask_for_rules(struct privileged *p) {
        struct privileged_counts counts;
        const char *reason;
        int fd = -1, r;

        check("table", privileged_make_table(p, &reason));
        check("rules", privileged_make_rules(p, NFLOG_GROUP, COPY_RANGE, &reason));
        r = privileged_open_log(p, NFLOG_GROUP, COPY_RANGE, &fd, &reason);
        with_socket("log", r, fd);
        r = privileged_open_ends(p, &fd);
        with_socket("ends", r, fd);
        check("sample", privileged_sample(p, 8, 8, 1, 100));
        check("sample all", privileged_sample(p, 1, 1, 1, 100));
        check("counts", privileged_read_counts(p, true, &counts));
}

static void ask_for_block(struct privileged *p) {
        struct privileged_entry entries[] = {
                { .timeout_us = 60000000 },
                { .prefix.length = 64, .timeout_us = 60000000 },
        };
        const uint16_t ports[] = { 80, 443 };
        const char *reason;
        uint64_t blocked;

        (void) prefix_parse("192.0.2.0/24", &entries[0].prefix);
        (void) prefix_parse("2001:db8::/64", &entries[1].prefix);
        check("block", privileged_block(p, entries, 2, &reason));
        check("ports", privileged_block_ports(p, ports, 2, &reason));
        check("blocked", privileged_read_blocked(p, &blocked));
        check("unblock", privileged_unblock(p, &entries[0], &reason));
        check("no ports", privileged_clear_ports(p, &reason));
}

static int end_of(pid_t pid) {
        int status;

        if (waitpid(pid, &status, 0) != pid)
                return FAILED;
        if (WIFSIGNALED(status)) {
                fprintf(stderr, "the keeper: signal %d\n", WTERMSIG(status));
                return KILLED;
        }
        if (WEXITSTATUS(status) != 0) {
                fprintf(stderr, "the keeper: exit status %d\n", WEXITSTATUS(status));
                return FAILED;
        }
        return failed ? FAILED : 0;
}

int main(void) {
        struct privileged *p;
        int pair[2];
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 || (pid = fork()) < 0)
                return FAILED;
        if (pid == 0) {
                close(pair[0]);
                prctl(PR_SET_NAME, "synwardd-keeper", 0, 0, 0);
                _exit(keeper_run(pair[1], 1) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
        }
        close(pair[1]);
        if (privileged_new(pair[0], &p) < 0)
                return FAILED;
        ask_for_rules(p);
        ask_for_block(p);
        privileged_remove_rules(p);
        privileged_free(p);
        return end_of(pid);
}
