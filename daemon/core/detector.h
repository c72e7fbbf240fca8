/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Facts become a verdict: pure, one call a tick, no allocation after
 * detector_new().
 *
 * Everything rests on one quantity: handshakes that nobody finishes, a second.
 * It is seen in three ways, whichever the kernel's mode leaves visible:
 *
 *   late     half-opens that reached the survival age (400 ms, core/far.h) unfinished
 *   aged     half-opens that reached their first retransmission (1 s) unfinished
 *   cookies  SYN cookies not answered within the survival age
 *
 * and is set against handshakes that do finish. Seven patterns are a flood; the first at
 * one look, the others in two of three, and all but the last two only where the queue can be hurt:
 *
 *   overwhelming  100 ms before the survival age three times as many are unfinished as
 *             finish, far more than the usual clients' round trips ever left so late
 *   surge     most (0.6) of a strong stream of handshakes is late
 *   sustained aged handshakes, more than noise for long enough (a CUSUM over
 *             handshakes, not over sigmas), at least unanswered_share of all
 *   held      the same, and entries past the survival age hold fill of the queue
 *   refusing  SYNs are refused or answered by cookie in vain while most of the
 *             queue is held by entries past their first timeout
 *   choking   so few that no rate tells them from noise keep a short queue full and shut
 *   bouncing  a third of the handshakes are ended by an RST of whoever got our SYN-ACK
 *
 * How well the best of them fits is the verdict's strength, and from 1 on it is a flood.
 *
 * Not a flood: entries that wait because accept(2) is not called
 * (ListenOverflows explains them), and an outage: clients as many as usual that
 * send again and again while nobody finishes.
 *
 * What sources on the allow list finish makes no heavy source and no crowd (core/allowed.h).
 *
 * doc/detector.md is the design, with every constant. The step is here; core/sight.h builds the looks,
 * core/account.h tells what is behind a verdict.
 *
 * An unknown input takes its pattern out of the vote; it never reads as zero.
 * Without sock_diag, retransmitted SYN-ACKs and cookies stand in for ages.
 */

#include <stdint.h>

#include "core/culprits.h"
#include "core/observation.h"
#include "core/settings.h"
#include "core/verdict.h"

struct listener_verdict {
        struct listener_key key;
        uint32_t slot; /* below OBS_LISTENERS_MAX; this listener's as long as it is there */
        uint32_t index; /* in the observation */
        struct verdict verdict;
};

struct verdicts {
        struct verdict host; /* the worst of all, with the host's figures */
        bool has_worst;      /* the listener the host's finding comes from, if one can be named */
        struct listener_key worst;
        uint32_t listeners_count;
        struct listener_verdict listeners[OBS_LISTENERS_MAX];
        struct culprits culprits; /* of the flooded listeners; while there is a flood */
};

struct detector;

/* The settings must outlive the detector. NULL: no memory. */
struct detector *detector_new(const struct settings *settings);
struct detector *detector_free(struct detector *d);

/* Other settings from now on; what was learned stays. */
void detector_configure(struct detector *d, const struct settings *settings);

/* The verdict on everything up to and including this observation. Times of
 * observations must not go backwards. */
void detector_step(struct detector *d, const struct observation *o, struct verdicts *ret);
