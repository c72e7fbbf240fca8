/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who sent most of an incident's unfinished handshakes: the most that was certainly seen of
 * each source, of as many as there is room for. A source whose handshakes finish is none:
 * in a flood the honest ones are the heaviest that keep coming.
 */

#include <jansson.h>

#include "core/observation.h"

enum { INCIDENT_HEAVIEST = 32 };

struct incident_heaviest_entry {
        struct prefix prefix; /* length 0: none here */
        double syn_per_s, unfinished_per_s; /* unfinished: NAN if not known */
        uint32_t half_open;
};

/* Begins zeroed. */
struct incident_heaviest {
        struct incident_heaviest_entry list[INCIDENT_HEAVIEST];
};

/* Takes the place of the same source, or of the lightest if that is lighter. */
void incident_heaviest_add(struct incident_heaviest *h, const struct obs_source *s);
/* The ten heaviest: an array of { source, syn_per_s, unfinished_per_s, half_open }. NULL: no memory. */
json_t *incident_heaviest_json(const struct incident_heaviest *h);
