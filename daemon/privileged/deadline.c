/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h" /* clock_gettime */

#include "privileged/deadline.h"

#include <time.h>

uint64_t deadline_now_us(void) {
        struct timespec t = { .tv_sec = 0 };

        (void) clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000 + 1;
}
