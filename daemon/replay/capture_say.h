/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What a verdict says: its sentence, a part at a time, and the words for programs beside it. */

#include "replay/capture_look.h"

/* Appended to the sentence. */
__attribute__((format(printf, 2, 3))) void say(struct look *k, const char *format, ...);
/* "1,000 handshakes in 20 s, all finished" */
void say_handshakes(struct look *k, const struct ledger_counts *c, double s);
void say_verdict(struct look *k, enum capture_outcome o, enum diagnosis d, const char *situation, int service);

/* Words to be put into a part. All return text. */
char *say_service(const struct look *k, unsigned i, char text[static VERDICT_NAME_MAX]);
/* An estimate, which is off by 2 % or so, of something that cannot be more than `most`. */
char *say_about(double estimate, double most, char text[static 32]);
