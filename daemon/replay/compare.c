/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/compare.h"

#include <stdlib.h>
#include <string.h>

struct subject {
        bool differs; /* `open` is under way */
        uint64_t from_us;
        struct compare_interval open;
};

struct compare {
        const struct compare_ops *ops;
        void *userdata;
        uint64_t now_us, now_realtime_us;
        struct subject host;
        struct subject listeners[OBS_LISTENERS_MAX]; /* by slot of the first side */
        bool seen[OBS_LISTENERS_MAX];
};

struct compare *compare_new(const struct compare_ops *ops, void *userdata) {
        struct compare *c = calloc(1, sizeof *c);

        if (c) {
                c->ops = ops;
                c->userdata = userdata;
        }
        return c;
}

struct compare *compare_free(struct compare *c) {
        free(c);
        return NULL;
}

static bool views_equal(const struct compare_view *a, const struct compare_view *b) {
        return a->state == b->state && a->diagnosis == b->diagnosis && a->want_syncookies == b->want_syncookies &&
               a->want_block == b->want_block;
}

static void close_interval(struct compare *c, struct subject *s) {
        if (!s->differs)
                return;
        s->differs = false;
        s->open.until_realtime_us = c->now_realtime_us;
        s->open.duration_s = (double) (c->now_us - s->from_us) / 1e6;
        c->ops->interval(c->userdata, &s->open);
}

static void step_subject(struct compare *c, struct subject *s, const struct listener_key *key,
                         const struct compare_view views[static COMPARE_SIDES]) {
        bool another = key && !listener_key_equal(key, &s->open.listener);

        if (s->differs &&
            (another || !views_equal(&views[0], &s->open.views[0]) || !views_equal(&views[1], &s->open.views[1])))
                close_interval(c, s);
        if (s->differs || views_equal(&views[0], &views[1]))
                return;
        s->differs = true;
        s->from_us = c->now_us;
        s->open = (struct compare_interval) {
                .has_listener = key != NULL,
                .from_realtime_us = c->now_realtime_us,
                .views = { views[0], views[1] },
        };
        if (key)
                s->open.listener = *key;
}

static struct compare_view host_view(const struct decision *d) {
        return (struct compare_view) {
                .state = d->state,
                .diagnosis = d->diagnosis,
                .want_syncookies = d->want_syncookies,
                .want_block = d->want_block,
        };
}

static struct compare_view listener_view(const struct engine_look *look, uint32_t i) {
        return (struct compare_view) {
                .state = look->decision.listeners[i].state,
                .diagnosis = look->decision.listeners[i].diagnosis,
        };
}

/* Both saw the same listeners, so it is most likely at the same place. */
static bool find_listener(const struct engine_look *look, const struct listener_key *key, uint32_t likely,
                          uint32_t *ret) {
        for (uint32_t n = 0; n < look->verdicts.listeners_count; n++) {
                uint32_t i = (likely + n) % look->verdicts.listeners_count;

                if (listener_key_equal(&look->verdicts.listeners[i].key, key)) {
                        *ret = i;
                        return true;
                }
        }
        return false;
}

static void step_listeners(struct compare *c, const struct engine_look *first, const struct engine_look *second) {
        memset(c->seen, 0, sizeof c->seen);
        for (uint32_t i = 0; i < first->verdicts.listeners_count; i++) {
                const struct listener_verdict *l = &first->verdicts.listeners[i];
                struct compare_view views[COMPARE_SIDES];
                uint32_t other;

                if (!find_listener(second, &l->key, i, &other))
                        continue;
                views[COMPARE_FIRST] = listener_view(first, i);
                views[COMPARE_SECOND] = listener_view(second, other);
                step_subject(c, &c->listeners[l->slot], &l->key, views);
                c->seen[l->slot] = true;
        }
        for (uint32_t i = 0; i < OBS_LISTENERS_MAX; i++) /* listeners that have closed */
                if (!c->seen[i])
                        close_interval(c, &c->listeners[i]);
}

static bool same_event(const struct event *a, const struct event *b) {
        return a->type == b->type && a->diagnosis == b->diagnosis && a->has_listener == b->has_listener &&
               (!a->has_listener || listener_key_equal(&a->listener, &b->listener));
}

static void tell_events(struct compare *c, unsigned side, const struct engine_look *const *looks) {
        const struct decision *mine = &looks[side]->decision, *others = &looks[!side]->decision;

        for (uint32_t i = 0; i < mine->events_count; i++) {
                const struct policy_event *e = &mine->events[i], *twin = NULL;

                for (uint32_t j = 0; j < others->events_count; j++)
                        if (same_event(&e->event, &others->events[j].event))
                                twin = &others->events[j];
                if (!twin)
                        c->ops->event(c->userdata, side, &e->event, false);
                else if (e->alert && !twin->alert)
                        c->ops->event(c->userdata, side, &e->event, true);
        }
}

void compare_step(struct compare *c, const struct observation *o,
                  const struct engine_look *const looks[static COMPARE_SIDES]) {
        struct compare_view views[COMPARE_SIDES] = { host_view(&looks[COMPARE_FIRST]->decision),
                                                     host_view(&looks[COMPARE_SECOND]->decision) };

        c->now_us = o->time_us;
        c->now_realtime_us = o->realtime_us;
        step_subject(c, &c->host, NULL, views);
        step_listeners(c, looks[COMPARE_FIRST], looks[COMPARE_SECOND]);
        tell_events(c, COMPARE_FIRST, looks);
        tell_events(c, COMPARE_SECOND, looks);
}

void compare_end(struct compare *c) {
        close_interval(c, &c->host);
        for (uint32_t i = 0; i < OBS_LISTENERS_MAX; i++)
                close_interval(c, &c->listeners[i]);
}
