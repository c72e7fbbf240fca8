/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "checkup.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "core/engine.h"
#include "core/explain.h"
#include "core/rate.h"
#include "format/checkup_text.h"
#include "format/status_json.h"
#include "look_log.h"
#include "loop.h"
#include "options.h"
#include "sense.h"
#include "sensors/listen_owner.h"
#include "util/log.h"
#include "util/nft.h"
#include "util/progress.h"

/* What holds for less of the time is no verdict. */
#define VERDICT_SHARE 0.2
/* Connections refused for a full accept queue, of those and the finished ones. */
#define STALL_SHARE 0.05
/* The first look only begins the counters; a verdict needs some more. */
enum { LOOKS_MIN = 3 };
/* A timer is never exact; a whole tick more for a millisecond helps nobody. */
#define TIMER_SLACK_US UINT64_C(10000)

struct watch {
        uint64_t duration_us;
        struct loop *loop;
        struct nft_table *table;
        struct sense *sense;
        struct engine *engine;
        struct progress progress;

        struct observation observation;
        struct snapshot *now; /* the engine's */

        bool blind;
        uint64_t looks, begun_us, last_us, flood_us;
        bool flood;
        double peak_syn_per_s, peak_half_open;
        uint64_t looks_of[DIAGNOSES];
        struct snapshot *last[DIAGNOSES]; /* the last look that showed it; NULL: none did */
};

static struct watch *watch_free(struct watch *w) {
        if (!w)
                return NULL;
        for (unsigned i = 0; i < DIAGNOSES; i++)
                free(w->last[i]);
        sense_free(w->sense);
        nft_table_free(w->table);
        engine_free(w->engine);
        loop_free(w->loop);
        free(w);
        return NULL;
}

/* --- watching ------------------------------------------------------------------------ */

/* A copy by diagnosis: in the end the moment is wanted that shows the verdict's figures. */
static void keep(struct watch *w) {
        bool flood_now = engine_last(w->engine)->verdicts.host.finding == FINDING_FLOOD;
        enum diagnosis d = w->now->diagnosis;

        if (flood_now) {
                w->flood = true;
                w->flood_us = w->last_us;
        } else if (diagnosis_is_flood(d))
                return; /* the calm within a flood's hold */
        w->looks_of[d]++;
        if (!w->last[d])
                w->last[d] = malloc(sizeof *w->last[d]);
        if (w->last[d])
                *w->last[d] = *w->now;
}

static void show(struct watch *w) {
        double left_s = fmax(0, (double) w->duration_us - (double) (w->last_us - w->begun_us)) / 1e6;
        char figures[160];

        progress_show(&w->progress, "%3.0f s left  %s, %s: %s", ceil(left_s),
                      flood_state_name(w->now->state), diagnosis_name(w->now->diagnosis),
                      explain_evidence(&w->now->host, NULL, figures, sizeof figures));
}

static void on_tick(void *userdata, const struct loop_time *time) {
        struct watch *w = userdata;

        if (w->looks++ == 0)
                w->begun_us = time->now_us;
        w->last_us = time->now_us;
        /* As in an alarm: somebody waits, so walk the table as often as the budget allows. */
        sense_observe(w->sense, time->now_us, time->realtime_us, true, &w->observation);
        look_log(engine_step(w->engine, &w->observation), false);
        sense_describe(w->sense, w->now);
        if (w->now->syncookies_original < 0)
                w->now->syncookies_original = w->now->syncookies_value;
        w->peak_syn_per_s = fmax(w->peak_syn_per_s, or_zero(w->now->host.syn_per_s));
        w->peak_half_open = fmax(w->peak_half_open, or_zero(w->now->host.half_open));
        keep(w);
        show(w);

        w->blind = w->looks == 1 && sense_is_blind(w->sense);
        if (w->blind || (w->looks >= LOOKS_MIN &&
                         time->now_us - w->begun_us + TIMER_SLACK_US >= w->duration_us))
                loop_stop(w->loop, 0);
}

static void on_hangup(void *userdata) {
        loop_stop(((struct watch *) userdata)->loop, 0);
}

static const struct loop_ops loop_ops = { .tick = on_tick, .reload = on_hangup };

static int watch_new(const struct settings *settings, uint64_t duration_us, struct watch **ret) {
        struct watch *w = calloc(1, sizeof *w);
        int r = -ENOMEM;

        if (!w)
                return -ENOMEM;
        w->duration_us = duration_us;
        if (!log_wants(LOG_DEBUG)) /* else the log is shown there */
                w->progress = progress_open(stderr);
        w->engine = engine_new(settings);
        if (w->engine)
                r = loop_new(&loop_ops, w, settings->poll.fast_interval_us, &w->loop);
        if (r >= 0)
                r = nft_table_new(&w->table);
        if (r >= 0)
                r = sense_new(loop_event(w->loop), settings, w->table, &w->sense);
        if (r < 0) {
                watch_free(w);
                return r;
        }
        w->now = engine_snapshot(w->engine);
        w->now->version = PACKAGE_VERSION;
        w->now->pid = getpid();
        w->now->dry_run = true;
        *ret = w;
        return 0;
}

/* --- the verdict ---------------------------------------------------------------------- */

/* Not the last: when a flood fades, the honest clients are what is left to look at. */
static enum diagnosis flood_verdict(const struct watch *w) {
        enum diagnosis most = DIAGNOSIS_FLOOD_SPOOFED;

        for (unsigned d = 0; d < DIAGNOSES; d++)
                if (diagnosis_is_flood((enum diagnosis) d) && w->looks_of[d] > w->looks_of[most])
                        most = (enum diagnosis) d;
        return most;
}

/* A busy listener refuses one in a thousand now and then: that is the crowd, not the application. */
static bool is_stalled(const struct watch *w) {
        const struct snapshot *s = w->last[DIAGNOSIS_ACCEPT_STALL];
        double refused = (double) w->now->totals.accept_overflows;

        if (refused >= 1 && refused >= STALL_SHARE * (refused + (double) w->now->totals.handshakes_completed))
                return true;
        for (uint32_t i = 0; i < s->listeners_count; i++)
                if (or_zero(s->listeners[i].evidence.accept_queue) > or_zero(s->listeners[i].evidence.backlog))
                        return true;
        return false;
}

static bool is_verdict(const struct watch *w, enum diagnosis d) {
        return w->last[d] && (double) w->looks_of[d] >= VERDICT_SHARE * (double) w->looks &&
               (d != DIAGNOSIS_ACCEPT_STALL || is_stalled(w));
}

static enum diagnosis verdict(const struct watch *w) {
        /* The first of these that was there for long enough; trouble before traffic. */
        static const enum diagnosis order[] = {
                DIAGNOSIS_ACCEPT_STALL, DIAGNOSIS_LOSSY_CLIENTS, DIAGNOSIS_FLASH_CROWD,
                DIAGNOSIS_PORT_SCAN, DIAGNOSIS_BUSY, DIAGNOSIS_UNKNOWN,
        };

        if (w->flood)
                return flood_verdict(w);
        for (size_t i = 0; i < sizeof order / sizeof *order; i++)
                if (is_verdict(w, order[i]))
                        return order[i];
        if (w->now->diagnosis == DIAGNOSIS_ACCEPT_STALL && w->last[DIAGNOSIS_BUSY])
                return DIAGNOSIS_BUSY;
        return w->last[DIAGNOSIS_QUIET] ? DIAGNOSIS_QUIET : w->now->diagnosis;
}

/* -1: not known. */
static long read_number(const char *path) {
        FILE *f = fopen(path, "re");
        long n = -1;

        if (!f)
                return -1;
        if (fscanf(f, "%ld", &n) != 1)
                n = -1;
        fclose(f);
        return n;
}

static void find_owners(struct checkup *c) {
        for (uint32_t i = 0; i < c->moment->listeners_count && c->owners_count < CHECKUP_OWNERS_MAX; i++) {
                const struct snapshot_listener *l = &c->moment->listeners[i];
                struct checkup_owner *owner = &c->owners[c->owners_count];
                struct listen_owner found;

                if (!checkup_matters(l) || listen_owner_find("/proc", l->key.port, &found) < 0)
                        continue;
                owner->key = l->key;
                owner->pid = found.pid;
                snprintf(owner->name, sizeof owner->name, "%s", found.name);
                c->owners_count++;
        }
}

static void conclude(const struct watch *w, struct checkup *ret) {
        const struct snapshot *moment = w->last[verdict(w)];

        *ret = (struct checkup) {
                .moment = moment ? moment : w->now,
                .flood = w->flood,
                .flood_ago_s = (double) (w->last_us - w->flood_us) / 1e6,
                .watched_s = (double) (w->last_us - w->begun_us) / 1e6,
                .looks = w->looks,
                .peak_syn_per_s = w->peak_syn_per_s,
                .peak_half_open = w->peak_half_open,
                .somaxconn = read_number("/proc/sys/net/core/somaxconn"),
                .max_syn_backlog = read_number("/proc/sys/net/ipv4/tcp_max_syn_backlog"),
                .synack_retries = read_number("/proc/sys/net/ipv4/tcp_synack_retries"),
                .root = geteuid() == 0,
        };
        find_owners(ret);
}

static int print_json(const struct snapshot *s) {
        json_t *json = status_json(s);
        int r = json ? json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15)) : -1;

        json_decref(json);
        return r < 0 || fputc('\n', stdout) == EOF ? -EIO : 0;
}

static int report(const struct watch *w, bool json) {
        struct checkup *c = malloc(sizeof *c);
        int r = 0;

        if (!c)
                return -ENOMEM;
        conclude(w, c);
        if (json)
                r = print_json(c->moment);
        else
                checkup_text_print(c, stdout);
        free(c);
        return r >= 0 && fflush(stdout) == EOF ? -errno : r;
}

static int say_blind(const struct watch *w) {
        fputs("synwardd: nothing can be seen here:\n", stderr);
        for (unsigned i = 0; i < SENSORS; i++)
                fprintf(stderr, "  %s %s: %s\n", sensor_id_name((enum sensor_id) i),
                        sensor_state_name(w->now->sensors[i].state), w->now->sensors[i].reason);
        return EXIT_STATUS_MISSING;
}

int checkup_run(const struct settings *settings, uint64_t duration_us, bool json) {
        struct watch *w;
        int r, status;

        r = watch_new(settings, duration_us, &w);
        if (r < 0) {
                fprintf(stderr, "synwardd: cannot watch: %s\n", strerror(-r));
                return EXIT_STATUS_FAILURE;
        }
        r = loop_run(w->loop);
        progress_clear(&w->progress);
        if (r < 0) {
                fprintf(stderr, "synwardd: watching ended: %s\n", strerror(-r));
                status = EXIT_STATUS_FAILURE;
        } else if (w->blind)
                status = say_blind(w);
        else if (w->looks < LOOKS_MIN) {
                fputs("synwardd: ended before anything could be seen\n", stderr);
                status = EXIT_STATUS_FAILURE;
        } else {
                r = report(w, json);
                if (r < 0)
                        fprintf(stderr, "synwardd: cannot print: %s\n", strerror(-r));
                status = r < 0 ? EXIT_STATUS_FAILURE : w->flood ? EXIT_STATUS_FLOOD : EXIT_STATUS_OK;
        }
        watch_free(w);
        return status;
}
