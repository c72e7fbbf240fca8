/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The look at each listener, and at the host: what the kernel and the log said lately, with what is
 * the listener's of the figures that only the host counts. Of the detector, see core/detector_state.h.
 */

#include "core/detector_state.h"

/* Nothing is known of it. */
void sight_begin(struct subject *s);
/* Every listener of the observation with its memory, in d->sights. */
void sight_see(struct detector *d, const struct observation *o);
/* What only the host counts is given to them; to be called before any look. */
void sight_attribute(struct detector *d, const struct observation *o);
/* Looks at every listener; returns the share of the cookies that they answer for. */
double sight_look_at_listeners(struct detector *d, const struct observation *o);
/* Blind: without walks SYNs that came in and neither finished nor found a closed port; or else
 * SYN-ACKs sent again, as often as tcp_synack_retries has it. */
struct look sight_look_at_host(const struct detector *d, bool blind, double cookies_told);
/* Handshakes that a look leaves unfinished; NAN: not known. */
double sight_unanswered_per_s(const struct look *l);
/* Those that are in no list any more. */
void sight_forget_closed(struct detector *d, uint64_t now_us);
