/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Points in time as people and programs read them: RFC 3339, UTC, milliseconds. */

#include <stdint.h>

enum { TIME_TEXT_MAX = 32 };

/* CLOCK_REALTIME in microseconds as "2026-01-01T00:00:00.000Z", cut down to the
 * millisecond. What lies beyond the year 9999 is written as its last instant,
 * since RFC 3339 has four digits. Returns text. */
char *time_text_format(uint64_t realtime_us, char text[static TIME_TEXT_MAX]);
