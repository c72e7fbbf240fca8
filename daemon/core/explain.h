/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Verdicts in words, for people at 3 a.m.: what it is, and the figures that
 * make it so. Unknown figures are left out.
 */

#include <stddef.h>
#include <stdint.h>

#include "core/verdict.h"

/* "a SYN flood from spoofed addresses" */
const char *explain_diagnosis(enum diagnosis d);

/* One sentence: "half-open 512 of 511 at 0.0.0.0:80, 98 % aged; 4,200 SYN/s, 2 %
 * complete; 16 M addresses seen about once". listener NULL: of the host. Returns text. */
char *explain_evidence(const struct evidence *e, const struct listener_key *listener, char *text, size_t size);

/* A count as people read it: 0.4, 12, 4,200, 1.2 M. Returns text. */
char *explain_count(double count, char text[static 32]);
