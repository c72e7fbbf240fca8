/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What --replay says in the end: one JSON line of the schema "synward.replay.v1", and
 * the same in words.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "replay/capture_verdict.h"
#include "replay/pcap.h"

#define REPLAY_JSON_SCHEMA "synward.replay.v1"

struct replay_summary {
        const char *file;
        const struct pcap_replay *capture; /* concluded; NULL: a recording */
        struct capture_verdict verdict;
        uint64_t begin_us, end_us;         /* realtime: of a recording the first and last look, of a capture the
                                    * earliest and latest stamp; 0: there was none */
        uint64_t observations, events, incidents;
        double syns, finished;             /* of a recording, as far as it knows */
};

/* With its newline, to be freed; NULL: no memory. */
char *replay_summary_line(const struct replay_summary *s);
void replay_summary_tell(const struct replay_summary *s, FILE *f);
/* Whether a part of the file could not be used. */
bool replay_summary_has_loss(const struct replay_summary *s);
