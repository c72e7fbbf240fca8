/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What only the host counts, given to its listeners: once a tick, before any look at one of
 * them, in shares that add up to 1 at most. What nobody claims stays the host's.
 *
 *   finished   PassiveOpens: by the connections that ended at each, or by the handshakes begun
 *              there and not seen unfinished
 *   cookies    sent and unanswered: with tcp_syncookies=1 only full queues send them, with 2
 *              all do. More than all others together may have left is surely a listener's, and
 *              so is what began there beyond all that cookies have finished anywhere; the
 *              rest goes to whom most of what may be left was begun with, or to nobody
 *   refused    for a full queue: by each listener's own counter of drops (sk_drops), or among the full ones
 *   reset      half-opens ended by an RST (EmbryonicRsts): by the handshakes begun there that
 *              ended in no other way
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/observation.h"

/* What is known of one listener; rates a second, NAN: not known. */
struct claim {
        double begun_per_s;    /* handshakes: SYNs less those sent again, about the last second */
        double begun_lately_per_s; /* the most of the last seconds: what is unanswered began then */
        double ended_per_s;    /* connections that ended, over some seconds */
        double late_per_s;     /* half-opens that grow old */
        double dropped_per_s;  /* its own counter */
        bool full;             /* more half-opens than its backlog, now or a moment ago */
        bool accept_full;      /* its drops may be of finished handshakes */
};

/* One listener's shares of the host's figures, 0..1. */
struct share_of_host {
        double finished, cookies, refused, reset;
};

struct host_figures {
        double refused_per_s; /* NAN: not known */
        double in_vain_per_s; /* cookies unanswered; NAN: not known */
        double sent_per_s;    /* cookies; NAN: not known */
        double received_at_most_per_s; /* cookies that came back, the most of the last seconds; NAN: not known */
        int syncookies;       /* -1: not known */
};

/* list and ret: count of each, at most OBS_LISTENERS_MAX. */
void attribution(const struct claim *list, uint32_t count, const struct host_figures *host, struct share_of_host *ret);
