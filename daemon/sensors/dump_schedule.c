/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sensors/dump_schedule.h"

#include <math.h>

/* A few more half-opens than usual are no news. */
#define CLOSER_ENTRIES 32
#define CLOSER_FACTOR 1.5
#define CLOSER_WEIGHT 0.2

enum {
        ALLOWANCE_WALKS = 2,
        /* An unmeasurably cheap walk still may not run without end. */
        COST_MIN_US = 20,
        /* Far above any real walk; keeps a wild figure from overflowing the sums. */
        COST_MAX_US = 60000000,
        /* Ticks come a little early and late: a walk due within this part of the
         * fast interval is due, or it would wait for a whole tick more. */
        SLACK_PART = 8,
};

static uint64_t max_u64(uint64_t a, uint64_t b) {
        return a > b ? a : b;
}

static uint64_t min_u64(uint64_t a, uint64_t b) {
        return a < b ? a : b;
}

void dump_schedule_configure(struct dump_schedule *s, const struct settings *settings) {
        s->interval_us = settings->poll.interval_us;
        s->fast_interval_us = settings->poll.fast_interval_us;
        s->max_interval_us = max_u64(settings->poll.max_interval_us, s->interval_us);
        s->budget_permille = settings->poll.budget_permille;
        s->alarm_budget_permille = settings->poll.alarm_budget_permille;
}

void dump_schedule_init(struct dump_schedule *s, const struct settings *settings) {
        *s = (struct dump_schedule) { .usual_entries = -1 };
        dump_schedule_configure(s, settings);
}

uint64_t dump_schedule_interval_us(const struct dump_schedule *s, bool alarm) {
        uint64_t pace = alarm ? s->fast_interval_us : s->interval_us;
        uint32_t budget = alarm ? s->alarm_budget_permille : s->budget_permille;

        if (!s->walked)
                return pace;
        if (budget == 0)
                return s->max_interval_us;
        return min_u64(max_u64(pace, s->cost_us * 1000 / budget), s->max_interval_us);
}

uint64_t dump_schedule_next_us(const struct dump_schedule *s, bool alarm) {
        return s->walked ? s->last_us + dump_schedule_interval_us(s, alarm) : 0;
}

double dump_schedule_cpu_share(const struct dump_schedule *s, bool alarm) {
        uint64_t interval = dump_schedule_interval_us(s, alarm);

        return s->walked && interval ? (double) s->cost_us / (double) interval : 0;
}

static uint32_t trigger_permille_of_2(const struct dump_schedule *s) {
        /* Half a permille of a CPU matters at the usual 10, so count in halves. */
        return (uint32_t) min_u64(s->budget_permille, 2 * (uint64_t) s->alarm_budget_permille);
}

/* What may be spent on triggered walks at a moment, in ns of CPU time. */
static uint64_t allowance_ns(const struct dump_schedule *s, uint64_t now_us) {
        uint64_t full = ALLOWANCE_WALKS * s->cost_us * 1000;
        uint64_t gap_us = now_us > s->credited_us ? now_us - s->credited_us : 0;

        /* us x permille = ns, and the permille are doubled. */
        if (gap_us > UINT32_MAX)
                return full;
        return min_u64(full, s->allowance_ns + gap_us * trigger_permille_of_2(s) / 2);
}

static bool untriggered_due(const struct dump_schedule *s, uint64_t now_us, bool alarm) {
        return now_us + s->fast_interval_us / SLACK_PART >= dump_schedule_next_us(s, alarm);
}

void dump_schedule_found(struct dump_schedule *s, uint64_t now_us, uint32_t half_open) {
        bool known = s->usual_entries >= 0;

        if (known && half_open >= CLOSER_ENTRIES && half_open > CLOSER_FACTOR * s->usual_entries)
                s->closer_until_us = now_us + DUMP_SCHEDULE_CLOSER_US;
        s->usual_entries = known ? s->usual_entries + (half_open - s->usual_entries) * CLOSER_WEIGHT : half_open;
}

bool dump_schedule_closer(const struct dump_schedule *s, uint64_t now_us) {
        return now_us < s->closer_until_us;
}

bool dump_schedule_due(const struct dump_schedule *s, uint64_t now_us, bool alarm, bool wanted) {
        if (untriggered_due(s, now_us, alarm))
                return true;
        /* An alarm has its own pace and budget, which no trigger widens. */
        if (alarm || !wanted || now_us + s->fast_interval_us / SLACK_PART < s->last_us + s->fast_interval_us)
                return false;
        return allowance_ns(s, now_us) >= s->cost_us * 1000;
}

void dump_schedule_done(struct dump_schedule *s, uint64_t began_us, uint64_t cost_us, bool alarm) {
        bool first = !s->walked, triggered = !first && !untriggered_due(s, began_us, alarm);
        uint64_t left = allowance_ns(s, began_us), price = s->cost_us * 1000;

        cost_us = min_u64(max_u64(cost_us, COST_MIN_US), COST_MAX_US);
        s->cost_us = first ? cost_us : max_u64(cost_us, (3 * s->cost_us + cost_us) / 4);
        if (triggered)
                left -= min_u64(left, max_u64(price, cost_us * 1000));
        s->allowance_ns = first ? ALLOWANCE_WALKS * s->cost_us * 1000 : left;
        s->credited_us = began_us;
        s->last_us = began_us;
        s->walked = true;
}

/* --- the trigger ----------------------------------------------------------- */

static const struct {
        enum obs_counter counter;
        double clump;       /* counts that come together: a connection's segments */
        double floor_per_s; /* less than this above the mean is nothing */
        double floor;       /* and in one tick */
} rates[DUMP_TRIGGER_RATES] = {
        { OBS_IN_SEGMENTS, 7, 250, 20 },
        { OBS_SYNS, 1, 100, 10 },
        { OBS_SYN_RETRANS, 1, 20, 5 },
};

#define TRIGGER_DEVIATIONS 3.0
#define TRIGGER_MEMORY_S 10.0
#define TRIGGER_ELAPSED_MAX_S 60.0

void dump_trigger_init(struct dump_trigger *t) {
        *t = (struct dump_trigger) { 0 };
}

static bool rate_step(struct dump_trigger_rate *r, unsigned which, double count, double dt) {
        double expected, least, limit, excess, weight = dt / (TRIGGER_MEMORY_S + dt);

        if (!r->started) {
                *r = (struct dump_trigger_rate) {
                        .mean_per_s = count / dt,
                        .variance_per_s = rates[which].clump * count / dt,
                        .started = true,
                };
                return false;
        }

        /* Arrivals in clumps vary at least as Poisson's do. */
        expected = r->mean_per_s * dt;
        least = rates[which].clump * expected;
        limit = TRIGGER_DEVIATIONS * sqrt(fmax(r->variance_per_s * dt, least));
        limit = fmax(limit, fmax(rates[which].floor, rates[which].floor_per_s * dt));
        excess = count - expected;

        /* What sets it off teaches it only as much as the limit would: a surge
         * becomes usual within a minute, not within a tick. */
        r->mean_per_s += weight * fmin(excess, limit) / dt;
        r->variance_per_s += weight * (pow(fmin(fabs(excess), limit), 2) / dt - r->variance_per_s);
        return excess > limit;
}

static bool rates_step(struct dump_trigger *t, const struct observation *o) {
        double dt = fmin((double) o->elapsed_us / 1e6, TRIGGER_ELAPSED_MAX_S);
        bool surge = false;

        if (o->elapsed_us == 0)
                return false;
        for (unsigned i = 0; i < DUMP_TRIGGER_RATES; i++)
                if (observation_knows(o, rates[i].counter))
                        surge |= rate_step(&t->rates[i], i, (double) o->counters[rates[i].counter], dt);
        return surge;
}

static bool counted(const struct observation *o, enum obs_counter c) {
        return observation_knows(o, c) && o->counters[c] > 0;
}

static bool counters_ask(const struct observation *o) {
        /* With tcp_syncookies=2 every SYN is answered by cookie and stored nowhere. */
        bool always_cookies = (o->known & OBS_K_SYNCOOKIES) && o->syncookies >= 2;

        if (!always_cookies && (counted(o, OBS_COOKIES_SENT) || counted(o, OBS_QUEUE_FULL_COOKIES)))
                return true;
        return counted(o, OBS_QUEUE_FULL_DROPS) || counted(o, OBS_LISTEN_OVERFLOWS) || counted(o, OBS_LISTEN_DROPS);
}

static bool listeners_ask(const struct observation *o) {
        for (uint32_t i = 0; i < o->listeners_count; i++) {
                const struct obs_listener *l = &o->listeners[i];

                if ((l->known & OBS_L_DROPS) && l->drops > 0)
                        return true;
                if ((l->known & OBS_L_LIMITS) && l->accept_full > 0)
                        return true;
        }
        return false;
}

bool dump_trigger_step(struct dump_trigger *t, const struct observation *o) {
        bool surge = rates_step(t, o);

        return surge || counters_ask(o) || listeners_ask(o);
}
