/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What accounts for handshakes that nobody finishes, without anybody attacking. Each explanation is a
 * rate that a look at a listener lets expect; what is left beyond them is evidence.
 *
 *   noise      the Internet's strays: scanners, clients that went away
 *   loss       a second SYN-ACK lost as well: where a share of all handshakes is late for loss, about that
 *              share of the late ones is late again; a flood's are all still there
 *   far        clients whose round trip is longer than detect.survival_age, as learned (core/far.h)
 *   accept     ACKs dropped because the application does not accept: ListenOverflows counts them
 *   checks     a load balancer or a monitor that ends its half-open connections by RST: few
 *              addresses, steadily
 *   retries    clients that send their SYN again, where most finish: the path is full, and they
 *              are still there
 *   way back   SYN-ACKs or ACKs are lost or late for everybody: the usual clients, no more
 *              than usual, the same handshakes again (core/outage.h)
 */

#include "core/flood_rules.h"
#include "core/verdict.h"

/* Of what an administrator calls noise (detect.unanswered_rate); the rest is room for chance. */
#define EXPLANATION_NOISE_SHARE 0.8
/* Where more of all is late it is no loss: TCP does not get along with it. */
#define EXPLANATION_LOSS_MAX 0.6

/* Handshakes a second; 0: explains nothing. */
double explanation_per_s(enum explanation e, const struct look *l, const struct settings_detect *s);

/* Of what is past 1.5 s, what will finish all the same (core/later.h), a second. An RST is no such end. */
double explanation_later_per_s(const struct look *l);

/* Of what is late, the part that loss may still leave at 1.5 s, 0..1. */
double explanation_loss_leaves(const struct look *l);
