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

struct judge {
        const char *name;
        bool names; /* gives a diagnosis */
        void *(*new)(void);
        void *(*free)(void *j);
        enum flood_state (*step)(void *j, const struct observation *o, const struct traffic_truth *truth,
                                 enum diagnosis *ret_diagnosis);
};

/*
 * H. Wang, D. Zhang, K. G. Shin, "Detecting SYN Flooding Attacks", IEEE
 * INFOCOM 2002: every t0 = 20 s the excess of SYNs over FINs, divided by the
 * smoothed number of FINs, less a = 0.35, is summed while positive; alarm
 * above N = 1.05.
 */
extern const struct judge judge_syn_fin;

/*
 * V. A. Siris, F. Papagalou, "Application of Anomaly Detection Algorithms for
 * Detecting SYN Flooding Attacks", IEEE Globecom 2004: SYNs every 10 s against
 * their exponentially weighted mean (beta = 0.98). Adaptive threshold: alarm
 * when they exceed it by alpha = 0.5 for k = 4 intervals. CUSUM: of the
 * likelihood of a rise by alpha = 0.5, alarm above h = 5.
 */
extern const struct judge judge_adaptive;
extern const struct judge judge_cusum;

/* What scripts do: more than 100 sockets in SYN_RECV. */
extern const struct judge judge_syn_recv;
