/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a capture is, in one sentence, from its ledger: a flood, none, or that it
 * cannot tell, and why. The rules are in capture_nothing.c, capture_flood.c and
 * capture_calm.c, with their bounds at the head.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/verdict.h"
#include "replay/capture_clock.h"
#include "replay/capture_hosts.h"
#include "replay/capture_packet.h"
#include "replay/ledger.h"

enum {
        VERDICT_TEXT_MAX = 512,
        VERDICT_NOTES_MAX = 24,
        VERDICT_NOTE_MAX = 240,
        VERDICT_NAME_MAX = 96,
};

enum capture_outcome { OUTCOME_CANNOT_TELL, OUTCOME_NO_FLOOD, OUTCOME_FLOOD };

/* What was read, and what could not be used. */
struct capture_facts {
        uint64_t frames, kinds[CAPTURE_KINDS];
        uint32_t truncated_to;    /* the most bytes kept of a packet that was cut too short */
        int unknown_link;         /* the first link type that is not known */
        double duration_s;        /* without the pause */
        double pause_s;           /* in which nothing was captured, where that is the greater part; 0 */
        const char *cut;          /* the file is cut or damaged: how; NULL: it is not */
        uint64_t bytes;           /* where */
        struct capture_clock clock;
};

struct capture_note {
        const char *reason; /* a word for programs: "vxlan", "time-steps-back" */
        uint64_t packets;
        bool loss;          /* a part of the capture could not be used */
        char text[VERDICT_NOTE_MAX];
};

struct capture_verdict {
        enum capture_outcome outcome;
        enum diagnosis diagnosis;
        const char *situation; /* a word for programs */
        int service;           /* that it is about; CAPTURE_NO_SERVICE */
        char text[VERDICT_TEXT_MAX];
        bool flooded[CAPTURE_SERVICES_MAX];
        unsigned notes_count;
        struct capture_note notes[VERDICT_NOTES_MAX];
};

const char *capture_outcome_name(enum capture_outcome o); /* "flood", "no-flood", "cannot-tell" */

/* The ledger is concluded. -ENOMEM. */
int capture_verdict_find(const struct capture_facts *facts, const struct capture_hosts *hosts,
                         const struct ledger *ledger, const struct ledger_limits *limits, struct capture_verdict *ret);
/* One more remark; text as of printf. */
void capture_verdict_note(struct capture_verdict *v, const char *reason, uint64_t packets, bool loss,
                          const char *format, ...) __attribute__((format(printf, 5, 6)));
/* "192.0.2.1:80", "port 443 of 203.0.113.0/24", "*:443". */
char *capture_service_name(const struct capture_service *s, char text[static VERDICT_NAME_MAX]);
