/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What people ask first, from the daemon's figures: is it handled, is service given, and who does it? */

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/* Whether there is a flood, or one is held off or not yet over. */
bool judge_is_flood(const json_t *status);
/* Whether the daemon sees clients refused now. */
bool judge_refuses(const json_t *status);
/* One sentence: "tcp_syncookies set 0 to 1 by synward; blocking is off". Returns text. */
char *judge_handled(const json_t *status, char *text, size_t size);

/* Whether there is a probe that does not connect: none of the last ten seconds did, or it cannot even
 * be tried. */
bool judge_probe_fails(const json_t *status);
/* Of a probe: "connected in 0.05 ms, lately 100 % connected"; "failed: ..." with what there is to do.
 * Returns text. */
char *judge_probe(const json_t *status, char *text, size_t size);

/* A sender of the answer to GetSources. NAN: not known. */
struct judge_sender {
        const json_t *source;
        double certain_per_s;    /* SYNs that are certainly its own */
        double unfinished_per_s; /* of these, at least, nobody finished */
};

/* Those that may be accused, heaviest first, at most max: who certainly leaves 5 % of all that is
 * unfinished. Of a prefix and an address within it both are told. Nobody in calm, nor when
 * addresses are forged. */
size_t judge_senders(const json_t *status, const json_t *sources, const json_t *prefixes, struct judge_sender *list,
                     size_t max);
/* Why nobody is named. Returns text. */
char *judge_nobody(const json_t *status, char *text, size_t size);
