/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/top_sources.h"

#include <math.h>
#include <stdio.h>

#include "core/verdict.h"

/* Nobody is named for less. */
#define TOLD_SHARE 0.05

static bool is_same(const struct prefix *a, const struct prefix *b) {
        return a->length == b->length && address_equal(&a->address, &b->address);
}

static void add_one(struct top_sources *t, const struct prefix *p, double syns) {
        uint32_t lightest = 0;

        for (uint32_t i = 0; i < t->count; i++) {
                if (is_same(&t->list[i].prefix, p)) {
                        t->list[i].syns += syns;
                        return;
                }
                if (t->list[i].syns < t->list[lightest].syns)
                        lightest = i;
        }
        if (t->count < OBS_SOURCES_MAX)
                lightest = t->count++;
        else if (t->list[lightest].syns >= syns)
                return;
        t->list[lightest].prefix = *p;
        t->list[lightest].syns = syns;
}

void top_sources_add(struct top_sources *t, const struct culprits *c, bool reflected, double elapsed_s) {
        const uint8_t left_out = OBS_S_CLIENT | (reflected ? 0 : OBS_S_DISOWNS);

        if (!(c->unfinished_per_s > 0))
                return;
        t->syns += c->unfinished_per_s * elapsed_s;
        for (uint32_t i = 0; i < c->count; i++)
                if (c->list[i].unfinished_per_s > 0 && !(c->list[i].is & left_out))
                        add_one(t, &c->list[i].prefix, c->list[i].unfinished_per_s * elapsed_s);
}

static bool is_within(const struct prefix *inner, const struct prefix *outer) {
        return inner->length > outer->length && prefix_contains(outer, &inner->address);
}

/* Whether the i-th is told by another one, which lies within it or around it. */
static bool is_told_by_another(const struct top_sources *t, uint32_t i) {
        for (uint32_t k = 0; k < t->count; k++) {
                if (is_within(&t->list[k].prefix, &t->list[i].prefix) &&
                    t->list[k].syns >= VERDICT_ABOUT_AS_MUCH * t->list[i].syns)
                        return true;
                if (is_within(&t->list[i].prefix, &t->list[k].prefix) &&
                    t->list[i].syns < VERDICT_ABOUT_AS_MUCH * t->list[k].syns)
                        return true;
        }
        return false;
}

uint32_t top_sources_tell(const struct top_sources *t, struct top_source ret[static TOP_SOURCES_TOLD]) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < t->count; i++) {
                struct top_source s = { t->list[i].prefix, fmin(1, t->list[i].syns / t->syns) };
                uint32_t at = n;

                if (s.share < TOLD_SHARE || is_told_by_another(t, i))
                        continue;
                for (; at > 0 && ret[at - 1].share < s.share; at--)
                        if (at < TOP_SOURCES_TOLD)
                                ret[at] = ret[at - 1];
                if (at < TOP_SOURCES_TOLD)
                        ret[at] = s;
                if (n < TOP_SOURCES_TOLD)
                        n++;
        }
        return n;
}

char *top_sources_text(const struct top_source *list, uint32_t count, char *text, size_t size) {
        char name[ADDRESS_TEXT_MAX];
        size_t used = 0;

        text[0] = '\0';
        for (uint32_t i = 0; i < count && used < size; i++) {
                int n = snprintf(text + used, size - used, "%s%s (%.0f %%)", i ? ", " : "",
                                 prefix_format(&list[i].prefix, name), 100 * list[i].share);

                used += n > 0 ? (size_t) n : 0;
        }
        return text;
}
