/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who judges the scenarios: synward, and what it has to beat. The baselines
 * are told every SYN and FIN, whatever sensors the scenario leaves.
 */

#include <stdbool.h>

#include "core/observation.h"
#include "core/verdict.h"
#include "tests/scenarios/traffic.h"

/* Every judge has one threshold, and judges with many values of it at once: the last one is the
 * published value, or the default, the others are swept over a range. */
enum { SWEEP_SWEPT = 31, SWEEP_PLAIN = SWEEP_SWEPT, SWEEP_THRESHOLDS };

struct judge {
        const char *name;
        const char *parameter; /* what the threshold is */
        double lowest, highest, plain;
        void *(*new)(const double thresholds[static SWEEP_THRESHOLDS]);
        void *(*free)(void *j);
        /* Bit i: an alarm with threshold i. */
        uint32_t (*step)(void *j, const struct observation *o, const struct traffic_truth *truth);
};

/* The thresholds of a judge, in steps of one factor. */
void judge_thresholds(const struct judge *j, double ret[static SWEEP_THRESHOLDS]);
/* The alarms that a figure raises: bit i when it is above threshold i. */
uint32_t judge_above(const double thresholds[static SWEEP_THRESHOLDS], double figure);

/*
 * H. Wang, D. Zhang, K. G. Shin, "Detecting SYN Flooding Attacks", IEEE
 * INFOCOM 2002: every t0 = 20 s the excess of SYNs over FINs, divided by the
 * smoothed number of FINs, less a = 0.35, is summed while positive; alarm
 * above N = 1.05. Swept: N.
 */
extern const struct judge judge_syn_fin;

/*
 * V. A. Siris, F. Papagalou, "Application of Anomaly Detection Algorithms for
 * Detecting SYN Flooding Attacks", IEEE Globecom 2004: SYNs every 10 s against
 * their exponentially weighted mean (beta = 0.98). Adaptive threshold: alarm
 * when they exceed it by alpha = 0.5 for k = 4 intervals. CUSUM: of the
 * likelihood of a rise by alpha = 0.5, alarm above h = 5. Swept: alpha of the
 * first, h of the second.
 */
extern const struct judge judge_adaptive;
extern const struct judge judge_cusum;

/* What scripts do: more than 100 sockets in SYN_RECV. */
extern const struct judge judge_syn_recv;
