/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who left most of an incident unfinished: the handshakes that were certainly a source's, summed up
 * over all of it, in fixed memory. Shares are of those that did not end as a connection; what
 * a block list dropped is in none of them. Known clients, who may be forged, are left out, and so is who
 * answers our SYN-ACKs by RST, but for the victims of a reflection.
 */

#include "core/culprits.h"

enum { TOP_SOURCES_TOLD = 3 };

/* All zeros: nobody yet. */
struct top_sources {
        double syns; /* unfinished, of everybody */
        uint32_t count;
        struct {
                struct prefix prefix;
                double syns;
        } list[OBS_SOURCES_MAX];
};

struct top_source {
        struct prefix prefix;
        double share; /* 0..1, at least */
};

/* What was observed holds for elapsed_s. */
void top_sources_add(struct top_sources *t, const struct culprits *c, bool reflected, double elapsed_s);
/*
 * Those that sent 5 % and more, heaviest first. Of a prefix and one within it the narrower
 * is told if it sent most of what the wider did, else the wider alone. Returns how many.
 */
uint32_t top_sources_tell(const struct top_sources *t, struct top_source ret[static TOP_SOURCES_TOLD]);

/* "203.0.113.0/24 (96 %), 198.51.100.7 (5 %)"; empty for none. Returns text. */
char *top_sources_text(const struct top_source *list, uint32_t count, char *text, size_t size);
