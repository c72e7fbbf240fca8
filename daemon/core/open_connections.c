/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/open_connections.h"

static bool is_of(const struct open_connections_of *e, const struct prefix *source) {
        return e->source.length == source->length && source->length > 0 &&
               address_equal(&e->source.address, &source->address);
}

const struct open_connections_of *open_connections_get(const struct open_connections *o, const struct prefix *source) {
        for (unsigned i = 0; i < OPEN_CONNECTIONS_MAX; i++)
                if (is_of(&o->list[i], source))
                        return &o->list[i];
        return NULL;
}

/* The source's own place, or else a free one, or else the one looked at longest ago. */
static struct open_connections_of *place(struct open_connections *o, const struct prefix *source) {
        struct open_connections_of *oldest = &o->list[0];

        for (unsigned i = 0; i < OPEN_CONNECTIONS_MAX; i++) {
                if (is_of(&o->list[i], source))
                        return &o->list[i];
                if (o->list[i].looked_us < oldest->looked_us)
                        oldest = &o->list[i];
        }
        return oldest;
}

/* What a unit spread evenly from then until now weighs: the earlier parts were halved already. */
static double weight_since(const struct open_connections *o, uint64_t then_us, uint64_t now_us) {
        uint64_t edge = o->halved_us, end = now_us;
        double weight = 1, sum = 0;

        if (now_us <= then_us)
                return 1;
        for (; end > then_us && edge > then_us; weight /= 2) {
                sum += weight * (double) (end - edge);
                end = edge;
                edge = edge > o->halving_us ? edge - o->halving_us : 0;
        }
        return (sum + weight * (double) (end - then_us)) / (double) (now_us - then_us);
}

void open_connections_look(struct open_connections *o, const struct prefix *source, uint32_t open, uint64_t now_us) {
        struct open_connections_of *e = place(o, source);

        if (is_of(e, source))
                e->gained += ((double) open - (double) e->open) * weight_since(o, e->looked_us, now_us);
        else
                *e = (struct open_connections_of) { .source = *source, .at_first = open };
        e->open = open;
        e->looked_us = now_us;
}

void open_connections_halve(struct open_connections *o, uint64_t now_us, uint64_t halving_us) {
        o->halved_us = now_us;
        o->halving_us = halving_us;
        for (unsigned i = 0; i < OPEN_CONNECTIONS_MAX; i++) {
                o->list[i].gained /= 2;
                o->list[i].at_first /= 2;
                if (now_us - o->list[i].looked_us > OPEN_CONNECTIONS_KEPT_US)
                        o->list[i] = (struct open_connections_of) { 0 };
        }
}
