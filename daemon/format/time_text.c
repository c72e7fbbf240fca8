/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/time_text.h"

#include <stdio.h>
#include <time.h>

/* 9999-12-31T23:59:59.999Z */
#define LAST_INSTANT_US UINT64_C(253402300799999000)

char *time_text_format(uint64_t realtime_us, char text[static TIME_TEXT_MAX]) {
        struct tm tm;
        time_t seconds;
        size_t n;

        if (realtime_us > LAST_INSTANT_US)
                realtime_us = LAST_INSTANT_US;
        seconds = (time_t) (realtime_us / 1000000);
        gmtime_r(&seconds, &tm);
        n = strftime(text, TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(text + n, TIME_TEXT_MAX - n, ".%03uZ", (unsigned) (realtime_us % 1000000 / 1000));
        return text;
}
