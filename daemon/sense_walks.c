/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sense_walks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/finished.h"
#include "core/rate.h"
#include "loop.h"
#include "sense_state.h"
#include "sensors/dump_schedule.h"
#include "sensors/sock_diag.h"
#include "sensors/walker_client.h"

/* Where there is nothing to walk for, one all the same. */
#define NEEDLESS_US UINT64_C(10000000)
/* A tick waits so long for a walk, unless the last one cost more: half a million sockets, and a
 * quarter of the time between two ticks. */
#define WAIT_US 50000
/* What walks cost is told over so long. */
#define COST_TAU_S 30.0

struct sense_walks {
        struct walker_client *walker;
        struct sock_diag *sock_diag; /* NULL: not open */
        uint64_t retry_us;           /* not opened again before (CLOCK_BOOTTIME) */
        struct dump_schedule schedule;
        struct dump_trigger trigger;
        uint64_t walked_us;          /* the last walk began (CLOCK_BOOTTIME); 0: never */
        bool heard;                  /* sock_diag knows of the walk under way … */
        struct source_table *sources; /* … and so does this; NULL: there is no log, or it is another now */
        struct fleet_sketch *fleet;  /* and this, if it was told of its begin; NULL: there is none */
        bool walk_alarm, walk_counts; /* as it was begun: under an alarm; connections too */
        int walk_trouble;            /* of the last walk; 0: none */
        uint64_t walk_ended;         /* and so many connections had ended */
        bool walk_ended_known;
        bool syns_since;             /* whether a SYN may have come since then */
        bool alarm;                  /* of the last tick */
        bool left_out;               /* some listeners were, at the last tick */

        struct finished finished;
        bool counted;                /* connections were, in this tick, … */
        struct finished_count count; /* … and there are so many */

        struct snapshot_sensor state;
        uint64_t cost_us;            /* CPU time of the last walk */
        uint32_t entries;            /* half-opens in it */
        struct rate cost;            /* µs of CPU a second */
        uint64_t walks, cost_us_sum; /* since the start */
        uint64_t buckets[SNAPSHOT_POLL_BUCKETS + 1]; /* see struct snapshot_totals */
};

static void on_begin(void *data) {
        struct sense_walks *w = data;

        if (w->heard)
                sock_diag_walk_begin(w->sock_diag,
                                     w->walk_counts ? SOCK_DIAG_CONNECTIONS_TOO : SOCK_DIAG_LISTENERS_AND_HALF_OPENS);
}

static int on_row(void *data, const struct sock_diag_row *row) {
        struct sense_walks *w = data;

        if (w->heard)
                sock_diag_walk_row(w->sock_diag, row);
        return 0;
}

int sense_walks_new(sd_event *event, const struct settings *settings, struct sense_walks **ret) {
        struct sense_walks *w = calloc(1, sizeof *w);
        const struct sock_diag_rows rows = { .begin = on_begin, .row = on_row, .data = w };
        int r = w ? walker_client_new(event, &rows, &w->walker) : -ENOMEM;

        if (r < 0) {
                free(w);
                return r;
        }
        w->cost.per_s = 0; /* the first walk is not what walks cost */
        dump_schedule_init(&w->schedule, settings);
        dump_trigger_init(&w->trigger);
        *ret = w;
        return 0;
}

struct sense_walks *sense_walks_free(struct sense_walks *w) {
        if (!w)
                return NULL;
        walker_client_free(w->walker);
        sock_diag_free(w->sock_diag);
        free(w);
        return NULL;
}

void sense_walks_configure(struct sense_walks *w, const struct settings *settings) {
        dump_schedule_configure(&w->schedule, settings);
}

/* --- when ------------------------------------------------------------------------ */

/* With 2 nothing is half-open, and where the kernel's counters cannot be read only the
 * connections themselves tell who finished. */
static bool connections_tell(const struct observation *o) {
        return (o->known & OBS_K_SYNCOOKIES) && o->syncookies == 2 && !observation_knows(o, OBS_PASSIVE_OPENS) &&
               !observation_knows(o, OBS_COOKIES_SENT);
}

/* No half-open was there at the last walk and no SYN has come since: a walk would
 * find nothing, whatever it costs. */
static bool nothing_to_walk_for(struct sense_walks *w, const struct observation *o) {
        if (connections_tell(o))
                return false;
        if (!observation_knows(o, OBS_SYNS) || o->counters[OBS_SYNS] > 0)
                w->syns_since = true;
        return !w->syns_since && w->entries == 0 && w->walked_us && o->time_us - w->walked_us < NEEDLESS_US;
}

static bool is_due(struct sense_walks *w, const struct observation *o, bool alarm) {
        bool wanted = dump_trigger_step(&w->trigger, o);
        bool needless = nothing_to_walk_for(w, o);

        return dump_schedule_due(&w->schedule, o->time_us, alarm, wanted) && !needless;
}

/* --- one walk ---------------------------------------------------------------------- */

/* The walk's half-opens join the SYNs of the same sources, and what the fleet is told. */
static void on_half_open(void *userdata, const struct address *remote, const struct address *local, uint16_t port,
                         uint64_t age_us) {
        const struct sense_walks *w = userdata;

        if (w->sources && remote)
                source_table_half_open(w->sources, remote, local, port);
        else if (w->sources)
                source_table_half_open_begin(w->sources);
        if (w->fleet && remote)
                fleet_sketch_half_open(w->fleet, remote, age_us);
        else if (w->fleet)
                fleet_sketch_walk_begin(w->fleet, w->walked_us);
}

static void account(struct sense_walks *w, uint64_t cost_us, const struct observation *o) {
        unsigned bucket = 0;

        while (bucket < SNAPSHOT_POLL_BUCKETS && cost_us > snapshot_poll_bounds_us[bucket])
                bucket++;
        w->buckets[bucket]++;
        w->cost_us_sum += cost_us;
        w->walks++;
        w->cost_us = cost_us;
        w->entries = o->half_open;
}

static void begin(struct sense_walks *w, const struct observation *o, bool alarm, const struct sense_walks_log *log) {
        bool counts = connections_tell(o);
        int r = walker_client_ask(w->walker, counts ? SOCK_DIAG_CONNECTIONS_TOO : SOCK_DIAG_LISTENERS_AND_HALF_OPENS,
                                  o->time_us);

        if (r < 0) {
                w->walk_trouble = r;
                return;
        }
        w->heard = true;
        w->walk_alarm = alarm;
        w->walk_counts = counts;
        w->walk_ended = log->ended;
        w->walk_ended_known = log->ended_known;
        w->walked_us = o->time_us;
        w->syns_since = false;
        w->sources = log->sources;
        sock_diag_set_half_open_sink(w->sock_diag, on_half_open, w);
}

static void count(struct sense_walks *w, uint32_t open) {
        if (!w->walk_counts)
                return;
        if (!w->walk_ended_known) {
                finished_forget(&w->finished);
                return;
        }
        w->count = (struct finished_count) { .open = open, .ended = w->walk_ended };
        w->counted = true;
}

/* A walk has ended well: it is in this observation. */
static int finish(struct sense_walks *w, struct observation *o, uint64_t cost_us) {
        uint32_t open = 0;
        int r = sock_diag_walk_end(w->sock_diag, o, &open);

        if (r < 0)
                return r;
        if (w->sources)
                source_table_half_open_end(w->sources);
        if (w->fleet)
                fleet_sketch_walk_end(w->fleet);
        dump_schedule_found(&w->schedule, o->time_us, o->half_open);
        account(w, cost_us, o);
        count(w, open);
        return 0;
}

/* Until it has ended, or for as long as a tick may wait. */
static int wait_for_end(struct sense_walks *w, const struct observation *o, uint64_t *ret_cost_us) {
        bool waits = w->cost_us <= WAIT_US && w->walked_us == o->time_us;
        uint64_t now_us = loop_time_now().now_us, until_us = now_us + (waits ? WAIT_US : 0);
        int r;

        do {
                r = walker_client_collect(w->walker, (unsigned) ((until_us - now_us) / 1000), o->time_us, ret_cost_us);
                now_us = loop_time_now().now_us;
        } while (r == -EAGAIN && walker_client_is_walking(w->walker) && now_us + 1000 <= until_us);
        return r;
}

/* What there is of the walk under way, if any. -EAGAIN: no walk has ended. */
static int collect(struct sense_walks *w, struct observation *o, uint64_t *ret_cost_us) {
        int r = wait_for_end(w, o, ret_cost_us);

        if (r == -EAGAIN)
                return r;
        dump_schedule_done(&w->schedule, w->walked_us, *ret_cost_us, w->walk_alarm);
        if (!w->heard)
                return -EAGAIN; /* of a sensor that was closed meanwhile */
        w->heard = false;
        if (r < 0 && w->walk_counts)
                finished_forget(&w->finished);
        w->walk_trouble = r;
        return r < 0 ? -EAGAIN : finish(w, o, *ret_cost_us);
}

static bool reopen(struct sense_walks *w, uint64_t now_us) {
        int r;

        if (w->sock_diag)
                return true;
        if (now_us < w->retry_us)
                return false;
        r = sock_diag_new(NULL, &w->sock_diag);
        if (r >= 0)
                return true;
        w->retry_us = sense_state_retry_us(now_us, r);
        sense_state_set(&w->state, SENSOR_FAILED, "cannot open sock_diag", r);
        return false;
}

/* Listeners beyond those that are followed are known by their ports, and what comes for them is counted:
 * the busiest are followed next. Only where busy ones are left out as well is something amiss. */
static void follow_left_out(struct sense_walks *w, const struct observation *o, struct source_table *sources) {
        uint16_t busy_ports[SOURCE_TABLE_BUSY_PORTS];
        uint8_t ports[65536 / 8];
        bool busy;

        sock_diag_left_out(w->sock_diag, ports, &busy);
        if (sources && (o->listeners_left_out || w->left_out))
                source_table_set_ports(sources, ports);
        if (sources && o->listeners_left_out)
                sock_diag_prefer(w->sock_diag, busy_ports,
                                 source_table_busy_ports(sources, SOURCE_TABLE_BUSY_PORTS, busy_ports));
        w->left_out = o->listeners_left_out > 0;
        if (w->walk_trouble < 0)
                sense_state_set(&w->state, SENSOR_DEGRADED, "walks of the socket table fail", w->walk_trouble);
        else if (busy)
                sense_state_set(&w->state, SENSOR_DEGRADED,
                                "more busy listeners than are followed, the idlest are left out", 0);
        else
                sense_state_set(&w->state, SENSOR_OK, NULL, 0);
}

void sense_walks_observe(struct sense_walks *w, struct observation *o, bool alarm, const struct sense_walks_log *log) {
        uint64_t cost_us = 0;
        bool due;
        int r;

        /* A difference takes two looks, so every tick has to look. */
        alarm |= dump_schedule_closer(&w->schedule, o->time_us) || connections_tell(o);
        w->alarm = alarm;
        w->counted = false;
        walker_client_step(w->walker, o->time_us);
        due = is_due(w, o, alarm);
        if (!reopen(w, o->time_us))
                return;
        if (due && !walker_client_is_walking(w->walker))
                begin(w, o, alarm, log);
        r = collect(w, o, &cost_us);
        if (r == -EAGAIN)
                r = sock_diag_dump_listeners(w->sock_diag, o);
        if (o->elapsed_us)
                rate_count(&w->cost, (double) cost_us, (double) o->elapsed_us / 1e6, COST_TAU_S);
        if (r < 0) {
                sense_state_set(&w->state, SENSOR_FAILED, "cannot dump the socket table", r);
                w->sock_diag = sock_diag_free(w->sock_diag);
                w->heard = false;
                w->retry_us = sense_state_retry_us(o->time_us, r);
                return;
        }
        follow_left_out(w, o, log->sources);
}

void sense_walks_tell_finished(struct sense_walks *w, struct observation *o) {
        const struct finished_count *count = w->counted ? &w->count : NULL;
        uint64_t syns = o->counters[OBS_SYNS], finished;

        if (!connections_tell(o) || !w->sock_diag || !observation_knows(o, OBS_SYNS)) {
                finished_forget(&w->finished);
                return;
        }
        if (finished_step(&w->finished, o->time_us, o->elapsed_us, count, &syns, &finished)) {
                observation_set(o, OBS_SYNS, syns);
                observation_set(o, OBS_PASSIVE_OPENS, finished);
        } else if (w->finished.counts) /* they are told with those that finish */
                o->counters_known &= ~(UINT32_C(1) << OBS_SYNS);
}

void sense_walks_follow_log(struct sense_walks *w, const struct source_table *sources) {
        if (sources != w->sources)
                w->sources = NULL;
}

void sense_walks_set_fleet(struct sense_walks *w, struct fleet_sketch *fleet) {
        w->fleet = fleet;
}

const struct snapshot_sensor *sense_walks_state(const struct sense_walks *w) {
        return &w->state;
}

void sense_walks_describe(const struct sense_walks *w, struct snapshot *s) {
        s->dump_interval_us = dump_schedule_interval_us(&w->schedule, w->alarm);
        s->dump_last_us = w->cost_us;
        s->dump_entries = w->entries;
        s->dump_cpu_share = w->cost.per_s / 1e6;
        s->totals.dumps = w->walks;
        s->totals.poll_us_sum = w->cost_us_sum;
        memcpy(s->totals.poll_buckets, w->buckets, sizeof s->totals.poll_buckets);
}
