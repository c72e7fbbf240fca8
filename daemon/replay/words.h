/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Figures of a capture as people read them: exact, since everything was counted. */

/* "12,000". Both return text. */
char *words_count(double count, char text[static 32]);
/* "0.4 s", "25 s", "65 min". */
char *words_seconds(double s, char text[static 32]);
