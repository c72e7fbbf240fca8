/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Whether what synward says of a flood is true: the name it gives, whom it
 * names, and the figures: the mean, over a flood's steady part, of what the
 * verdicts of the host and of each attacked listener say. Not the median: a queue
 * that is full empties in bursts, and most ticks are unlike the whole.
 */

#include "core/engine.h"
#include "tests/scenarios/scenario.h"

enum figure { FIGURE_UNFINISHED, FIGURE_REFUSED, FIGURE_FINISHED, FIGURES };

/* Figures may be wrong by this share of what was sent, or by 1/s. */
#define SAID_MARGIN 0.15

struct said_figure {
        bool asked, wrong;
        double said_per_s; /* NAN: mostly not known */
        double sent_per_s, most_per_s; /* most: with what may be counted as well */
};

struct said {
        uint32_t flood_ticks;  /* called a flood while there was one … */
        uint32_t wrong_names;  /* … by a name that is not allowed */
        uint32_t names_at_once; /* the most different names of one flood */
        uint32_t honest_named; /* ticks and events that name somebody who is no attacker */
        struct prefix named;   /* the first of them */
        struct said_figure host[FIGURES];
        unsigned listeners_asked, listeners_wrong; /* attacked ones, by what is unfinished or refused */
};

struct listening;

struct listening *said_begin(const struct scenario *s);
/* After each tick; `end`: and what came out of it. */
void said_note(struct listening *l, const struct engine_look *look, const struct observation *o,
               const struct traffic_truth *truth);
struct listening *said_end(struct listening *l, struct said *ret);

const char *said_figure_name(enum figure f); /* "unfinished", … */
