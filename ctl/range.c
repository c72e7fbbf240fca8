/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/range.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A plain decimal up to the character that ends it. */
static bool read_number(const char **text, char until, double *ret) {
        size_t n = strspn(*text, "0123456789.-+");
        char *end;

        if (n == 0 || (*text)[n] != until)
                return false;
        *ret = strtod(*text, &end);
        if (end != *text + n)
                return false;
        *text = end;
        return true;
}

int range_parse(const char *text, struct range *ret) {
        struct range r = { .start = 0, .end = INFINITY };
        const char *colon;

        if (*text == '@') {
                r.inside = true;
                text++;
        }
        colon = strchr(text, ':');
        if (colon) {
                if (strncmp(text, "~:", 2) == 0)
                        r.start = -INFINITY;
                else if (text != colon && !read_number(&text, ':', &r.start))
                        return -EINVAL;
                text = colon + 1;
                if (*text && !read_number(&text, '\0', &r.end))
                        return -EINVAL;
        } else if (!read_number(&text, '\0', &r.end))
                return -EINVAL;
        if (r.start > r.end)
                return -EINVAL;
        *ret = r;
        return 0;
}

bool range_alerts(const struct range *r, double value) {
        bool within = value >= r->start && value <= r->end;

        return !isnan(value) && within == r->inside;
}
