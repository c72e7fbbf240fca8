/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One incident in full, of the answer to GetIncidents, in three forms. */

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

/* In words, for a terminal or for mail. */
void incident_text(FILE *f, const json_t *incident);
/* As one HTML file that needs nothing else: no script, no network. Every string is escaped. */
void incident_page(FILE *f, const json_t *incident);

/* Why nobody is named in it, a sentence; NULL: somebody is. */
const char *incident_nobody(const json_t *incident);
/* What there is to say of half-opens where tcp_syncookies was 2, which keeps none: a sentence; NULL: it never was.
 * *ret_always: it was all the time, so that there is no queue to show. */
const char *incident_queueless(const json_t *incident, bool *ret_always);
/* "1,200 SYNs of at most 3 sources", and how many were only limited; "nobody". Returns text. */
char *incident_blocked(const json_t *incident, char *text, size_t size);
/* What it is, in words: "a SYN flood from spoofed addresses". */
const char *incident_words(const json_t *incident);
