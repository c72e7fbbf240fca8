/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The labelled scenarios: what happens, when, and what it ought to be called.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/verdict.h"
#include "tests/scenarios/traffic.h"

enum {
        SCENARIO_NAME_MAX = 64,
        SCENARIO_ATTACKED_MAX = TRAFFIC_LISTENERS_MAX,
        /* Every diagnosis that is no flood. */
        SCENARIO_NO_FLOOD = 1 << DIAGNOSIS_UNKNOWN | 1 << DIAGNOSIS_QUIET | 1 << DIAGNOSIS_BUSY |
                            1 << DIAGNOSIS_FLASH_CROWD | 1 << DIAGNOSIS_ACCEPT_STALL | 1 << DIAGNOSIS_PORT_SCAN |
                            1 << DIAGNOSIS_LOSSY_CLIENTS,
};

/* A listener that has to be called flooded by itself, then. */
struct attacked {
        unsigned listener;
        double from_s, to_s;
};

struct scenario {
        char name[SCENARIO_NAME_MAX];
        const char *family;
        char *recording; /* replayed, instead of traffic; NULL: none */
        struct traffic_settings traffic;
        struct prefix allowed; /* on the allow list; length 0: nothing is */
        double length_s;
        bool attack;          /* a flood from from_s to to_s; else the event to be named */
        double from_s, to_s;  /* both 0: nothing in particular happens */
        double again_s;       /* so long after its end the flood comes once more; 0: it does not */
        unsigned attacked_count;
        struct attacked attacked[SCENARIO_ATTACKED_MAX];
        double flood_per_s;
        double fills_in_s;    /* how long the flood needs for its queue; 0: not asked */
        uint32_t expected;    /* 1 << enum diagnosis, any of them is right; 0: not asked */
        bool gradual;         /* its beginning is a matter of taste: no delay asked */
        bool by_chance;       /* of by_chance_….c: asked for what is only wanted so far */
};

struct catalogue {
        struct scenario *list;
        unsigned count, max;
};

/* One more, with what most have in common; it is good until the next is added. */
__attribute__((format(printf, 3, 4))) struct scenario *catalogue_add(struct catalogue *c, const char *family,
                                                                     const char *name, ...);

/* How many floods there are, each of them an incident. */
unsigned scenario_floods(const struct scenario *s);
/* The same moment of the first flood, should the flood come once more. */
double scenario_time(const struct scenario *s, double now_s, unsigned *ret_flood);

/* honest_days: how long the honest families last together. */
void catalogue_make(uint64_t seed, double honest_days, struct catalogue *ret);
void catalogue_free(struct catalogue *c);
