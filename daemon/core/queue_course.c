/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/queue_course.h"

#include <math.h>
#include <stdlib.h>

#define FIRST_STEP_US UINT64_C(1000000)
/* Seconds are not quite that long. */
#define SLACK_US UINT64_C(100000)

struct queue_course *queue_course_new(void) {
        struct queue_course *c = calloc(1, sizeof *c);

        if (c)
                c->step_us = FIRST_STEP_US;
        return c;
}

struct queue_course *queue_course_free(struct queue_course *c) {
        free(c);
        return NULL;
}

/* likely: where it was found before. NULL: there is no room for one more. */
static struct queue_row *row_of(struct queue_course *c, const struct listener_key *key, uint32_t likely) {
        struct queue_row *r;

        if (likely < c->rows_count && listener_key_equal(&c->rows[likely].key, key))
                return &c->rows[likely];
        for (uint32_t i = 0; i < c->rows_count; i++)
                if (listener_key_equal(&c->rows[i].key, key))
                        return &c->rows[i];
        if (c->rows_count == QUEUE_COURSE_ROWS)
                return NULL;
        r = &c->rows[c->rows_count++];
        r->key = *key;
        for (uint32_t i = 0; i <= c->count; i++) /* and the point that is made now */
                r->half_open[i] = r->backlog[i] = NAN;
        return r;
}

/* The fuller of two moments. */
static void join_row(struct queue_row *r, uint32_t to, uint32_t from) {
        if (isnan(r->half_open[from]) || r->half_open[to] > r->half_open[from])
                return;
        r->half_open[to] = r->half_open[from];
        r->backlog[to] = r->backlog[from];
}

/* Point `from` comes after `to`, and is part of it then. */
static void join(struct queue_course *c, uint32_t to, uint32_t from) {
        c->realtime_us[to] = c->realtime_us[from];
        c->elapsed_us[to] += c->elapsed_us[from];
        for (uint32_t i = 0; i < c->rows_count; i++)
                join_row(&c->rows[i], to, from);
}

static void move(struct queue_course *c, uint32_t to, uint32_t from) {
        c->realtime_us[to] = c->realtime_us[from];
        c->elapsed_us[to] = c->elapsed_us[from];
        for (uint32_t i = 0; i < c->rows_count; i++) {
                c->rows[i].half_open[to] = c->rows[i].half_open[from];
                c->rows[i].backlog[to] = c->rows[i].backlog[from];
        }
}

static void halve(struct queue_course *c) {
        for (uint32_t i = 0; i < c->count / 2; i++) {
                join(c, 2 * i, 2 * i + 1);
                move(c, i, 2 * i);
        }
        c->count /= 2;
        c->step_us *= 2;
}

static void note_peak(struct queue_row *r, float half_open, float backlog) {
        if (r->peak_of > 0 && half_open * r->peak_of <= r->peak * backlog)
                return;
        r->peak = half_open;
        r->peak_of = backlog;
}

/* Fills in point n. */
static void see(struct queue_course *c, uint32_t n, const struct observation *o) {
        c->realtime_us[n] = o->realtime_us;
        c->elapsed_us[n] = o->elapsed_us;
        for (uint32_t i = 0; i < c->rows_count; i++)
                c->rows[i].half_open[n] = c->rows[i].backlog[n] = NAN;
        for (uint32_t i = 0; i < o->listeners_count; i++) {
                const struct obs_listener *l = &o->listeners[i];
                struct queue_row *r = row_of(c, &l->key, i);

                if (!r || !(l->known & OBS_L_HALF_OPEN) || !(l->known & OBS_L_LIMITS))
                        continue;
                r->half_open[n] = (float) l->half_open;
                r->backlog[n] = (float) l->backlog;
                note_peak(r, r->half_open[n], r->backlog[n]);
        }
}

void queue_course_add(struct queue_course *c, const struct observation *o) {
        uint32_t last = c->count - 1;

        see(c, c->count, o);
        if (c->count > 0 && c->elapsed_us[last] + SLACK_US < c->step_us)
                join(c, last, c->count);
        else if (++c->count == HISTORY_COURSE_MAX)
                halve(c);
}

void queue_course_mark(struct queue_course *c, const struct listener_key *key) {
        struct queue_row *r = row_of(c, key, 0);

        if (r)
                r->flooded = true;
}

static bool is_fuller(const struct queue_row *a, const struct queue_row *b) {
        float one = a->peak * b->peak_of, other = b->peak * a->peak_of;

        return one > other || (one >= other && a->peak > b->peak);
}

size_t queue_course_flooded(const struct queue_course *c, size_t max, const struct queue_row **ret) {
        size_t flooded = 0, kept = 0;

        for (uint32_t i = 0; i < c->rows_count; i++) {
                const struct queue_row *r = &c->rows[i];
                size_t at;

                if (!r->flooded)
                        continue;
                flooded++;
                for (at = kept; at > 0 && is_fuller(r, ret[at - 1]); at--)
                        if (at < max)
                                ret[at] = ret[at - 1];
                if (at < max)
                        ret[at] = r;
                kept += kept < max;
        }
        return flooded;
}
