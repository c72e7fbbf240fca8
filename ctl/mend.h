/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What "synwardctl doctor --fix" prints: the commands of its findings in an order to carry
 * them out. Settings become a file for sysctl.d(5), each once; what has no command, for
 * it is an application's matter, stays a remark. Pure, but for the printing.
 */

#include <stdio.h>

#include <jansson.h>

#include "core/advice.h"

#define MEND_SYSCTL_FILE "/etc/sysctl.d/60-synward.conf"

/* In the order they are printed in. */
enum mend_kind { MEND_SYSCTL, MEND_COMMAND, MEND_REMARK };

struct mend_step {
        enum mend_kind kind;
        char key[ADVICE_COMMAND_MAX]; /* MEND_SYSCTL: "net.ipv4.tcp_syncookies" */
        long value;                   /* MEND_SYSCTL: the largest that a finding asks for */
        unsigned reasons;             /* at least 1, each of another id */
        const struct advice *because[4]; /* the list's, the most severe first; more of them are left out */
};

struct mend {
        unsigned count; /* 0: nothing to mend; the most severe come first */
        struct mend_step steps[2 * ADVICE_MAX];
};

/* The list must outlive what comes of it. */
void mend_plan(const struct advice_list *l, struct mend *ret);
/* A script for sh(1), free of control characters; one remark if there is nothing to mend. */
void mend_print(const struct mend *m, FILE *f);
/* "sysctls", "commands" and "remarks" under "schema", "worst" and "file"; a new reference, NULL: no memory. */
json_t *mend_json(const struct mend *m, enum advice_severity worst);
