/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What --diagnose found, in words for whoever was woken by it: the verdict, its
 * evidence, and what to do next on this host, with commands to copy.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/advice.h"
#include "core/snapshot.h"

enum { CHECKUP_OWNER_MAX = 64, CHECKUP_OWNERS_MAX = 8 };

/* Who listens. */
struct checkup_owner {
        struct listener_key key;
        char name[CHECKUP_OWNER_MAX]; /* of the program: "nginx" */
        int pid;
};

struct checkup {
        const struct snapshot *moment; /* the one that shows best what it was */
        bool flood;                    /* there was one, now or earlier */
        double flood_ago_s;            /* since its last sign; about 0: it goes on */
        double watched_s;
        uint64_t looks;
        double peak_syn_per_s, peak_half_open; /* NAN: not known */

        struct advice_host host;
        struct advice_list symptoms; /* what else was seen (core/symptoms.h), gravest first */
        struct advice_list settings; /* what is wrong with this host's settings */
        bool root; /* we had every privilege */

        uint32_t owners_count;
        struct checkup_owner owners[CHECKUP_OWNERS_MAX];
};

/* Whether a listener is worth a line. */
bool checkup_matters(const struct snapshot_listener *l);

/* The listener the verdict is about, NULL: none in particular. */
const struct snapshot_listener *checkup_subject(const struct snapshot *s);

void checkup_text_print(const struct checkup *c, FILE *f);
