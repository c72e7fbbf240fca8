/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What is told, when, and in which words: of a flood its start, its end, and
 * changes worth waking for. The one place where events get their time and state,
 * and where it is decided whether an event is delivered or only recorded.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/detector.h"
#include "core/event.h"
#include "core/incident.h"
#include "core/settings.h"

/* The moment that something is told of. */
struct news_scene {
        uint64_t time_us;          /* CLOCK_BOOTTIME */
        uint64_t realtime_us;      /* CLOCK_REALTIME */
        enum flood_state state;    /* of the host */
        enum diagnosis diagnosis;  /* of the host */
        const struct incident_watch *watch; /* with the open incident, if there is one */
        /* For news_of_flood() only: */
        const struct verdicts *verdicts; /* of this look */
        bool opened;               /* the incident was, by this look */
        bool state_changed;        /* the host's, by this look */
};

/* What was told of the present incident. Begins zeroed. */
struct news {
        enum diagnosis told_diagnosis; /* the name that was told last */
        enum diagnosis new_diagnosis;  /* the name it has now, … */
        uint64_t new_diagnosis_us;     /* … and since when (CLOCK_BOOTTIME) */
        double told_peak_syn_per_s;    /* its peak when it was told last */
        uint64_t told_us;              /* when that was (CLOCK_BOOTTIME) */
        uint64_t updated_us;           /* the last update that was delivered; 0: none was */
        bool told_held_off;            /* that it is held off was told before */
        bool no_news;                  /* what is told at this look was told before */
        bool delivered;                /* something of it was delivered */
        bool silenced;                 /* something would have been, but for a mute, and nothing since */
};

/* What this look makes worth telling of the open incident. False: nothing. */
bool news_of_flood(struct news *n, const struct settings *s, const struct news_scene *scene, struct event *ret);
/* Fills in when, and in what state of things. */
void news_stamp(struct event *e, const struct news_scene *scene);
/* Whether a stamped event is to be delivered, not only recorded; once for each. */
bool news_delivers(struct news *n, const struct settings *s, const struct event *e);
