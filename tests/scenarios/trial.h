/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One scenario before all judges, each with all its thresholds at once.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tests/scenarios/baselines.h"
#include "tests/scenarios/said.h"
#include "tests/scenarios/scenario.h"

enum { JUDGES = 5 };

/* synward first, "more than 100 SYN_RECV" last. */
extern const struct judge *const judges[JUDGES];

/* An alarm that comes back within this time is the same; so short a time after a flood it is still
 * the flood's. For everybody: who flickers is not to be blamed more than once. */
#define TRIAL_HOLD_S 10.0
#define TRIAL_GRACE_S 30.0

struct score {
        uint32_t floods; /* bit n: the n-th was found */
        bool found;      /* every one was */
        double delay_s;  /* the longest of those found */
        uint32_t false_alarms;
};

struct row {
        struct score scores[JUDGES][SWEEP_THRESHOLDS];
        /* What only synward tells. */
        bool ended;
        double end_s, fill; /* how full the queue was when it was found */
        uint32_t incidents;
        uint32_t early_ends; /* told while the flood went on */
        struct {
                bool found, ended;
                double delay_s, end_s;
        } attacked[SCENARIO_ATTACKED_MAX];
        uint32_t blamed; /* ticks in which a listener was called flooded that was not */
        uint32_t suspicions;
        uint32_t named[DIAGNOSES]; /* ticks with each diagnosis that count */
        struct said said;
        double days;
        bool done;
};

/* verbose: every change of synward's state, with its figures, on stderr. ret: all zero before. */
void trial_run(const struct scenario *s, bool verbose, struct row *ret);
