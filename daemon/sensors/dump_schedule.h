/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * When to walk the socket table. Pure: the caller brings the time and the cost.
 *
 * A walk costs what the host's sockets cost, so its pace follows its price: in
 * calm every poll.interval, or as much later as poll.budget of one CPU asks
 * for, up to poll.max_interval; while something is up, every
 * poll.fast_interval under poll.alarm_budget.
 *
 * The cheap signals of every tick (dump_trigger) can ask for a walk ahead of
 * time. These walks are paid from an allowance that grows at half of
 * poll.budget (of the alarm budget, if that is less) and holds two of them: the
 * first surge is looked at in its first tick, and traffic that keeps jumping
 * about raises the cost of calm by half, no further. What a walk then finds is
 * the detector's to judge, and its alarm opens the alarm budget.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/observation.h"
#include "core/settings.h"

/* Private to dump_schedule.c, here so that it can be embedded. */
struct dump_schedule {
        uint64_t interval_us, fast_interval_us, max_interval_us;
        uint32_t budget_permille, alarm_budget_permille;
        uint64_t cost_us;      /* of a walk: at once when it rises, smoothed when it falls */
        uint64_t last_us;      /* when the last walk began */
        bool walked;           /* false: cost_us and last_us mean nothing yet */
        uint64_t allowance_ns; /* for triggered walks, CPU time; filled up to credited_us */
        uint64_t credited_us;
        double usual_entries;  /* half-opens, over some walks; -1: none yet */
        uint64_t closer_until_us;
};

#define DUMP_SCHEDULE_CLOSER_US UINT64_C(1200000)

/* The first walk is due at once. */
void dump_schedule_init(struct dump_schedule *s, const struct settings *settings);
/* After a reload: new paces and budgets, what was learnt is kept. */
void dump_schedule_configure(struct dump_schedule *s, const struct settings *settings);

/*
 * Whether to walk now. alarm: the detector's last word on any listener or the
 * host was not "none"; wanted: dump_trigger_step() in this tick.
 */
bool dump_schedule_due(const struct dump_schedule *s, uint64_t now_us, bool alarm, bool wanted);
/* After each walk, failed ones too: when it began, the CPU time it took, the
 * alarm that dump_schedule_due() was asked with. */
void dump_schedule_done(struct dump_schedule *s, uint64_t began_us, uint64_t cost_us, bool alarm);

/* What a walk found: far more half-opens than usual are looked at as under an alarm for
 * DUMP_SCHEDULE_CLOSER_US, since it takes some looks to see what becomes of them. */
void dump_schedule_found(struct dump_schedule *s, uint64_t now_us, uint32_t half_open);
/* Whether a walk's finding asks for that now. */
bool dump_schedule_closer(const struct dump_schedule *s, uint64_t now_us);

/* Between walks at present, untriggered. */
uint64_t dump_schedule_interval_us(const struct dump_schedule *s, bool alarm);
/* When the next untriggered walk is due; 0: now. */
uint64_t dump_schedule_next_us(const struct dump_schedule *s, bool alarm);
/* Share of one CPU that walks at the present interval cost, 0..1. */
double dump_schedule_cpu_share(const struct dump_schedule *s, bool alarm);

/* The running mean and variance of a counter, in events, private as above. */
struct dump_trigger_rate {
        double mean_per_s;
        double variance_per_s; /* of a count over dt is variance_per_s * dt */
        bool started;
};

enum { DUMP_TRIGGER_RATES = 3 };

struct dump_trigger {
        struct dump_trigger_rate rates[DUMP_TRIGGER_RATES];
};

void dump_trigger_init(struct dump_trigger *t);
/*
 * Learns from this tick's counters and says whether they ask for a walk: a rate
 * (segments, SYNs if counted, SYN-ACKs sent again) three deviations above its
 * mean, cookies sent (unless they are sent for every SYN), SYNs dropped, or an
 * accept queue over its limit. Unknown figures say nothing.
 */
bool dump_trigger_step(struct dump_trigger *t, const struct observation *o);
