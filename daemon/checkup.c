/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "checkup.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "core/engine.h"
#include "core/explain.h"
#include "core/rate.h"
#include "core/symptoms.h"
#include "format/checkup_text.h"
#include "format/status_json.h"
#include "look_log.h"
#include "loop.h"
#include "options.h"
#include "privileges.h"
#include "sense.h"
#include "sensors/listen_owner.h"
#include "util/kernel_text.h"
#include "util/log.h"
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
        struct privileged *privileged;
        pid_t launcher;
        struct sense *sense;
        struct engine *engine;
        struct progress progress;

        struct observation observation;
        struct snapshot *now; /* the engine's */
        struct symptoms symptoms;
        uint32_t ports[UINT16_MAX + 1]; /* logged SYNs, by the port they were for */
        long active_opens, aborts, proxied, passed; /* the kernel's, when the watch began; -1: not known */

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
        privileges_end(w->privileged, w->launcher);
        engine_free(w->engine);
        loop_free(w->loop);
        free(w);
        return NULL;
}

/* --- watching ------------------------------------------------------------------------ */

/* RSTs are sent, but no SYN has come: who scans sends some. (Where SYNs are not counted, RSTs are
 * all that tells of a scan.) */
static bool is_no_scan(const struct watch *w) {
        return w->now->diagnosis == DIAGNOSIS_PORT_SCAN && observation_knows(&w->observation, OBS_SYNS) &&
               w->symptoms.sums[OBS_SYNS] == 0;
}

static void call_quiet(struct snapshot *s) {
        s->diagnosis = DIAGNOSIS_QUIET;
        snprintf(s->reasons[0], sizeof s->reasons[0], "%s", explain_diagnosis(DIAGNOSIS_QUIET));
}

/* A copy by diagnosis: in the end the moment is wanted that shows the verdict's figures. */
static void keep(struct watch *w) {
        bool flood_now = engine_last(w->engine)->verdicts.host.finding == FINDING_FLOOD;
        enum diagnosis d;

        if (is_no_scan(w))
                call_quiet(w->now);
        d = w->now->diagnosis;
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

        progress_show(&w->progress, "%3.0f s left  %s, %s: %s", ceil(left_s), flood_state_name(w->now->state),
                      diagnosis_name(w->now->diagnosis),
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
        symptoms_add(&w->symptoms, &w->observation);
        sense_describe(w->sense, w->now);
        if (w->now->syncookies_original < 0)
                w->now->syncookies_original = w->now->syncookies_value;
        w->peak_syn_per_s = fmax(w->peak_syn_per_s, or_zero(w->now->host.syn_per_s));
        w->peak_half_open = fmax(w->peak_half_open, or_zero(w->now->host.half_open));
        keep(w);
        show(w);

        w->blind = w->looks == 1 && sense_is_blind(w->sense);
        if (w->blind || (w->looks >= LOOKS_MIN && time->now_us - w->begun_us + TIMER_SLACK_US >= w->duration_us))
                loop_stop(w->loop, 0);
}

static void on_syn(void *userdata, const struct syn *s, const uint8_t *packet, size_t length) {
        struct watch *w = userdata;

        (void) packet;
        (void) length;
        w->ports[s->destination_port]++;
}

static void on_hangup(void *userdata) {
        loop_stop(((struct watch *) userdata)->loop, 0);
}

static const struct loop_ops loop_ops = { .tick = on_tick, .reload = on_hangup };

/* -1: not known. */
static long read_counters(const char *path, const char *group, const char *begin) {
        uint64_t sum;

        return kernel_text_read_counters(path, group, begin, &sum) && sum <= LONG_MAX ? (long) sum : -1;
}

static long read_active_opens(void) {
        return read_counters("/proc/thread-self/net/snmp", "Tcp:", "ActiveOpens");
}

static long read_aborts(void) {
        return read_counters("/proc/thread-self/net/netstat", "TcpExt:", "TCPAbortOn");
}

/* Of SYNPROXY; -1: not known. */
static long read_proxy(const char *column) {
        uint64_t sum;

        return kernel_text_read_column("/proc/thread-self/net/stat/synproxy", column, &sum) && sum <= LONG_MAX
                       ? (long) sum
                       : -1;
}

static int watch_new(const struct settings *settings, uint64_t duration_us, struct watch **ret) {
        struct watch *w = calloc(1, sizeof *w);
        int r;

        if (!w)
                return -ENOMEM;
        r = privileges_part(&w->privileged, &w->launcher);
        if (r < 0) {
                watch_free(w);
                return r;
        }
        /* The programs that listen are named in the end. */
        privileges_keep_looking();
        r = -ENOMEM;
        w->duration_us = duration_us;
        if (!log_wants(LOG_DEBUG)) /* else the log is shown there */
                w->progress = progress_open(stderr);
        w->engine = engine_new(settings);
        if (w->engine)
                r = loop_new(&loop_ops, w, settings->poll.fast_interval_us, &w->loop);
        if (r >= 0)
                r = sense_new(loop_event(w->loop), settings, w->privileged, &w->sense);
        if (r < 0) {
                watch_free(w);
                return r;
        }
        sense_set_tap(w->sense, on_syn, w);
        w->active_opens = read_active_opens();
        w->aborts = read_aborts();
        w->proxied = read_proxy("syn_received");
        w->passed = read_proxy("cookie_valid");
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
                DIAGNOSIS_PORT_SCAN,    DIAGNOSIS_BUSY,          DIAGNOSIS_UNKNOWN,
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

static uint64_t risen(long before, long now) {
        return before >= 0 && now > before ? (uint64_t) (now - before) : 0;
}

static bool is_listened_at(const struct snapshot *s, unsigned port) {
        for (uint32_t i = 0; i < s->listeners_count; i++)
                if (s->listeners[i].key.port == port)
                        return true;
        return s->listeners_left_out > 0;
}

static const char *name_of(void *userdata, const struct listener_key *key) {
        return listener_key_format(key, userdata);
}

static void find_symptoms(const struct watch *w, struct checkup *c) {
        struct symptoms_more more = {
                .active_opens = risen(w->active_opens, read_active_opens()),
                .aborts = risen(w->aborts, read_aborts()),
                .proxied_syns = risen(w->proxied, read_proxy("syn_received")),
                .passed_syns = risen(w->passed, read_proxy("cookie_valid")),
                .flood = w->flood,
                .stalled = c->moment->diagnosis == DIAGNOSIS_ACCEPT_STALL,
                .lossy = c->moment->diagnosis == DIAGNOSIS_LOSSY_CLIENTS,
        };
        char name[ADDRESS_TEXT_MAX];

        for (unsigned port = 1; port <= UINT16_MAX; port++) {
                more.logged_syns += w->ports[port];
                if (w->ports[port] > more.closed_syns && !is_listened_at(w->now, port)) {
                        more.closed_port = (uint16_t) port;
                        more.closed_syns = w->ports[port];
                }
        }
        symptoms_advise(&w->symptoms, &more, &c->host, name_of, name, &c->symptoms);
}

/* The same settings as "synwardctl doctor" looks at, with the same limits. */
static void read_host(struct checkup *c) {
        const struct {
                const char *path;
                long *value;
        } files[] = {
                { "/proc/sys/net/ipv4/tcp_syncookies", &c->host.syncookies },
                { "/proc/sys/net/ipv4/tcp_timestamps", &c->host.timestamps },
                { "/proc/sys/net/ipv4/tcp_abort_on_overflow", &c->host.abort_on_overflow },
                { "/proc/sys/net/core/somaxconn", &c->host.somaxconn },
                { "/proc/sys/net/ipv4/tcp_max_syn_backlog", &c->host.max_syn_backlog },
                { "/proc/sys/net/ipv4/tcp_synack_retries", &c->host.synack_retries },
                { "/proc/sys/net/netfilter/nf_conntrack_max", &c->host.conntrack_max },
                { "/proc/sys/net/netfilter/nf_conntrack_count", &c->host.conntrack_count },
                { "/proc/sys/net/netfilter/nf_conntrack_tcp_loose", &c->host.conntrack_loose },
                { "/proc/sys/net/ipv4/conf/all/rp_filter", &c->host.rp_filter_all },
                { "/proc/sys/net/ipv4/conf/default/rp_filter", &c->host.rp_filter_default },
        };

        for (size_t i = 0; i < sizeof files / sizeof *files; i++)
                *files[i].value = kernel_text_read_number(files[i].path);
        advice_host(&c->settings, &c->host);
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
                .root = geteuid() == 0,
        };
        read_host(ret);
        find_symptoms(w, ret);
        find_owners(ret);
}

/* As doctor has them. */
static json_t *findings_json(const struct advice_list *l) {
        json_t *findings = json_array();

        for (unsigned i = 0; i < l->count; i++)
                json_array_append_new(findings,
                                      json_pack("{s:s, s:s, s:s, s:s, s:s?}", "id", l->list[i].id, "severity",
                                                advice_severity_name(l->list[i].severity), "finding", l->list[i].title,
                                                "why", l->list[i].why, "command",
                                                l->list[i].command[0] ? l->list[i].command : NULL));
        return findings;
}

static int print_json(const struct checkup *c) {
        json_t *json = status_json(c->moment);
        int r = json ? json_object_set_new(json, "findings", findings_json(&c->symptoms)) : -1;

        if (r == 0)
                r = json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
        json_decref(json);
        return r < 0 || fputc('\n', stdout) == EOF ? -EIO : 0;
}

/* ret_flood: whether there was one, fast or slow. */
static int report(const struct watch *w, bool json, bool *ret_flood) {
        struct checkup *c = malloc(sizeof *c);
        int r = 0;

        if (!c)
                return -ENOMEM;
        conclude(w, c);
        if (json)
                r = print_json(c);
        else
                checkup_text_print(c, stdout);
        *ret_flood = c->flood || advice_find(&c->symptoms, SYMPTOM_SLOW_FLOOD);
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
        bool flood = false;
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
                r = report(w, json, &flood);
                if (r < 0)
                        fprintf(stderr, "synwardd: cannot print: %s\n", strerror(-r));
                status = r < 0 ? EXIT_STATUS_FAILURE : flood ? EXIT_STATUS_FLOOD : EXIT_STATUS_OK;
        }
        watch_free(w);
        return status;
}
