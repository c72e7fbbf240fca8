/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/figures.h"

#define SECOND_US UINT64_C(1000000)
#define MINUTE_S 60

struct ring {
        uint32_t size;
        uint64_t written; /* ever */
        struct history_point *points;
};

struct history {
        uint64_t uptime_us; /* of the last tick */
        struct history_sum second, minute;
        struct ring seconds, minutes;
        struct history_point seconds_points[HISTORY_SECONDS], minutes_points[HISTORY_MINUTES];
};

struct history *history_new(void) {
        struct history *h = calloc(1, sizeof *h);

        if (!h)
                return NULL;
        h->seconds = (struct ring) { .size = HISTORY_SECONDS, .points = h->seconds_points };
        h->minutes = (struct ring) { .size = HISTORY_MINUTES, .points = h->minutes_points };
        return h;
}

struct history *history_free(struct history *h) {
        free(h);
        return NULL;
}

/* --- a point ------------------------------------------------------------------------ */

static void sum_begin(struct history_sum *s) {
        *s = (struct history_sum) { .point = { .syncookies = -1, .half_open = NAN, .backlog = NAN } };
        for (unsigned i = 0; i < HISTORY_FIGURES; i++)
                s->point.figures[i] = NAN;
}

/* What held for elapsed_us: the point's figures are levels and rates of that time. */
static void sum_add(struct history_sum *s, const struct history_point *p, uint64_t elapsed_us) {
        double elapsed_s = (double) elapsed_us / 1e6;

        if (s->elapsed_us == 0)
                sum_begin(s);
        for (unsigned i = 0; i < HISTORY_FIGURES; i++) {
                if (isnan(p->figures[i]))
                        continue;
                s->sum[i] += (double) p->figures[i] * elapsed_s;
                s->weight_s[i] += elapsed_s;
                s->point.figures[i] = fmaxf(s->point.figures[i], p->figures[i]);
        }
        if (isnan(s->point.backlog) || p->half_open * s->point.backlog >= s->point.half_open * p->backlog) {
                s->point.half_open = p->half_open;
                s->point.backlog = p->backlog;
        }
        if (p->state > s->point.state)
                s->point.state = p->state;
        s->point.blocking |= p->blocking;
        s->point.syncookies = p->syncookies;
        s->point.realtime_us = p->realtime_us;
        s->point.uptime_s = p->uptime_s;
        s->elapsed_us += elapsed_us;
}

/* Ends the point: the next one begins. */
static struct history_point sum_end(struct history_sum *s, uint32_t step_s) {
        struct history_point p = s->point;
        unsigned i = 0;

        for (const struct figure *f = figures; f->name; f++) {
                if (!(f->places & FIGURE_IN_HISTORY))
                        continue;
                if (!figure_is_peak(f) && s->weight_s[i] > 0)
                        p.figures[i] = (float) (s->sum[i] / s->weight_s[i]);
                i++;
        }
        p.step_s = step_s;
        s->elapsed_us = 0;
        return p;
}

static struct history_point point_of(const struct snapshot *s) {
        struct history_point p = {
                .realtime_us = s->realtime_us,
                .uptime_s = (uint32_t) (s->uptime_us / SECOND_US),
                .state = (uint8_t) s->state,
                .syncookies = (int8_t) s->syncookies_value,
                .blocking = s->blocked_entries > 0,
                .half_open = NAN,
                .backlog = NAN,
        };
        double fill = -1;
        unsigned i = 0;

        for (const struct figure *f = figures; f->name; f++)
                if (f->places & FIGURE_IN_HISTORY)
                        p.figures[i++] = (float) figure_value(f, &s->host);
        for (uint32_t k = 0; k < s->listeners_count; k++) {
                const struct evidence *e = &s->listeners[k].evidence;

                if (!(e->fill > fill))
                        continue;
                fill = e->fill;
                p.half_open = (float) e->half_open;
                p.backlog = (float) e->backlog;
        }
        return p;
}

/* --- the rings ------------------------------------------------------------------------ */

static void ring_put(struct ring *r, const struct history_point *p) {
        r->points[r->written++ % r->size] = *p;
}

static uint64_t ring_first(const struct ring *r) {
        return r->written > r->size ? r->written - r->size : 0;
}

static void end_second(struct history *h) {
        struct history_point p = sum_end(&h->second, 1);

        ring_put(&h->seconds, &p);
        sum_add(&h->minute, &p, SECOND_US);
}

void history_add(struct history *h, const struct snapshot *s) {
        struct history_point p = point_of(s);
        uint64_t before_us = h->uptime_us, elapsed_us = s->uptime_us - before_us;

        h->uptime_us = s->uptime_us;
        if (elapsed_us == 0)
                elapsed_us = 1; /* the first: of a moment */
        sum_add(&h->second, &p, elapsed_us);
        if (s->uptime_us / SECOND_US == before_us / SECOND_US)
                return;
        end_second(h);
        if (s->uptime_us / SECOND_US / MINUTE_S == before_us / SECOND_US / MINUTE_S)
                return;
        p = sum_end(&h->minute, MINUTE_S);
        ring_put(&h->minutes, &p);
}

uint64_t history_seconds(const struct history *h) {
        return h->seconds.written;
}

const struct history_point *history_second(const struct history *h, uint64_t number) {
        if (number < ring_first(&h->seconds) || number >= h->seconds.written)
                return NULL;
        return &h->seconds_points[number % HISTORY_SECONDS];
}

/* Minutes that end before the first second that is kept. */
static uint32_t minutes_before(const struct history *h) {
        const struct history_point *oldest = history_second(h, ring_first(&h->seconds));
        uint64_t first = ring_first(&h->minutes), n = h->minutes.written - first;

        while (n > 0 && oldest && h->minutes_points[(first + n - 1) % HISTORY_MINUTES].uptime_s >= oldest->uptime_s)
                n--;
        return (uint32_t) n;
}

uint32_t history_count(const struct history *h) {
        return minutes_before(h) + (uint32_t) (h->seconds.written - ring_first(&h->seconds));
}

const struct history_point *history_get(const struct history *h, uint32_t index) {
        uint32_t minutes = minutes_before(h);

        if (index < minutes)
                return &h->minutes_points[(ring_first(&h->minutes) + index) % HISTORY_MINUTES];
        return history_second(h, ring_first(&h->seconds) + index - minutes);
}

/* --- the course of an incident ----------------------------------------------------------- */

static struct history_point join(const struct history_point *a, const struct history_point *b) {
        struct history_sum s = { .elapsed_us = 0 };

        sum_add(&s, a, a->step_s * SECOND_US);
        sum_add(&s, b, b->step_s * SECOND_US);
        return sum_end(&s, a->step_s + b->step_s);
}

static void halve(struct history_course *c) {
        for (uint32_t i = 0; i < c->count / 2; i++)
                c->points[i] = join(&c->points[2 * i], &c->points[2 * i + 1]);
        c->count /= 2;
        c->step_s *= 2;
}

void history_course_add(struct history_course *c, const struct history_point *second) {
        struct history_point *last = c->count ? &c->points[c->count - 1] : NULL;

        if (c->step_s == 0)
                c->step_s = 1;
        if (last && last->step_s < c->step_s) {
                *last = join(last, second);
                return;
        }
        if (c->count == HISTORY_COURSE_MAX)
                halve(c);
        c->points[c->count++] = *second;
}
