/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What there is to remark on a capture, whatever it is: what could not be used, steps of time, what
 * is captured twice or goes elsewhere. Each with count and reason. */

#include <stdbool.h>

#include "replay/capture_verdict.h"

/* aimed: something in it is aimed at a listener. v->situation is set. */
void capture_notes_add(const struct capture_facts *f, const struct capture_hosts *hosts, const struct ledger *ledger,
                       bool aimed, struct capture_verdict *v);
/* "in VXLAN, which is not decoded: capture behind the tunnel" */
const char *capture_notes_kind(enum capture_kind k);
/* So many bytes of each packet would do, where too few were kept. */
unsigned capture_notes_length(const struct capture_facts *f);
/* Whoever got SYN-ACKs that were not asked for answered by RST: nobody there had asked. */
bool capture_answers_disowned(const struct ledger_counts *c);
