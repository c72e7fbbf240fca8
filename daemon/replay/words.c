/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/words.h"

#include <stdio.h>

char *words_count(double count, char text[static 32]) {
        char digits[32];
        size_t n = (size_t) snprintf(digits, sizeof digits, "%.0f", count), at = 0;

        for (size_t i = 0; i < n && at < 30; i++) {
                if (i > 0 && (n - i) % 3 == 0)
                        text[at++] = ',';
                text[at++] = digits[i];
        }
        text[at] = '\0';
        return text;
}

char *words_seconds(double s, char text[static 32]) {
        if (s < 10)
                snprintf(text, 32, "%.1f s", s);
        else if (s < 600)
                snprintf(text, 32, "%.0f s", s);
        else if (s < 3 * 3600)
                snprintf(text, 32, "%.0f min", s / 60);
        else if (s < 3 * 86400)
                snprintf(text, 32, "%.0f h", s / 3600);
        else if (s < 1000 * 86400.0)
                snprintf(text, 32, "%.0f days", s / 86400);
        else
                snprintf(text, 32, "%.0f years", s / (365.25 * 86400));
        return text;
}
