/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What one incident did to each listener that was flooded in it: sums of what its verdicts say, while
 * they found a flood there, so that all of them together are the incident's own account
 * (core/incident.h), but for what is the host's where no listener can be told. Fixed memory: of more
 * listeners than the daemon follows at a time, which takes some that go while others come, those that
 * were hurt least are forgotten, and counted.
 */

#include <stddef.h>
#include <stdint.h>

#include "core/detector.h"

enum { LISTENER_ACCOUNTS_TOLD = 8 };

struct listener_account {
        struct listener_key key;
        double flood_s;                             /* for how long it was flooded */
        double syns, finished, unfinished, refused; /* NAN: never known */
        double peak_half_open;                      /* the most at one look; NAN: not known */
        double peak_backlog;                        /* its limit then */
};

/* All zeros: none yet. */
struct listener_accounts {
        uint32_t count, forgotten;
        struct listener_account list[OBS_LISTENERS_MAX];
};

/* What was seen holds for elapsed_s. */
void listener_accounts_add(struct listener_accounts *a, const struct verdicts *v, double elapsed_s);
/* Those with the most handshakes that did not come about, unfinished or refused, the most first.
 * Returns how many are in ret. */
size_t listener_accounts_tell(const struct listener_accounts *a,
                              const struct listener_account *ret[static LISTENER_ACCOUNTS_TOLD]);
