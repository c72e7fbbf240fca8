/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/json_value.h"

#include <math.h>
#include <string.h>

#include "format/time_text.h"

/* Less explains nothing. */
#define EXPLAINED_LEAST_PER_S 0.05

enum { TEXT_MAX = 1024 };

json_t *json_value_count(double value) {
        if (!isfinite(value) || fabs(value) > JSON_VALUE_WHOLE_MAX)
                return json_null();
        return json_integer(llround(value));
}

static json_t *rounded(double value, double scale) {
        if (!isfinite(value))
                return json_null();
        /* Adding zero turns -0.0, which reads like a mistake, into 0.0. */
        return json_real(round(value * scale) / scale + 0.0);
}

json_t *json_value_rate(double value) {
        return rounded(value, 1000);
}

json_t *json_value_share(double value) {
        return rounded(value, 10000);
}

json_t *json_value_figure(const struct figure *f, double value) {
        switch (f->unit) {
        case FIGURE_COUNT:
                return json_value_count(value);
        case FIGURE_RATE:
        case FIGURE_MS:
        case FIGURE_TIMES:
                return json_value_rate(value);
        case FIGURE_SHARE:
                return json_value_share(value);
        }
        return NULL;
}

json_t *json_value_time(uint64_t realtime_us) {
        char text[TIME_TEXT_MAX];

        return realtime_us == 0 ? json_null() : json_string(time_text_format(realtime_us, text));
}

json_t *json_value_text(const char *text) {
        char ascii[TEXT_MAX];
        json_t *whole = json_string(text);
        size_t n;

        if (whole)
                return whole;
        n = strnlen(text, sizeof ascii - 1);
        for (size_t i = 0; i < n; i++)
                ascii[i] = (unsigned char) text[i] < 0x80 ? text[i] : '?';
        ascii[n] = '\0';
        return json_string(ascii);
}

json_t *json_value_explained(const struct evidence *e) {
        json_t *array = json_array();
        int r = array ? 0 : -1;

        for (unsigned i = 0; r == 0 && i < EXPLANATIONS; i++)
                if (e->explained_per_s[i] >= EXPLAINED_LEAST_PER_S)
                        r = json_array_append_new(array,
                                                  json_pack("{s:s, s:o}", "name",
                                                                   explanation_name((enum explanation) i), "per_s",
                                                                   json_value_rate(e->explained_per_s[i])));
        if (r == 0)
                return array;
        json_decref(array);
        return NULL;
}
