/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sense.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/block_policy.h"
#include "core/finished.h"
#include "core/open_connections.h"
#include "core/rate.h"
#include "loop.h"
#include "sensors/dump_schedule.h"
#include "sensors/netstat.h"
#include "sensors/nft_counter.h"
#include "sensors/sock_diag.h"
#include "sensors/syn_log.h"
#include "sensors/sysctl.h"
#include "util/established.h"

/* A sensor that could not be opened is tried again after this. */
#define REOPEN_US UINT64_C(10000000)
/* How often the open connections of doubtful sources are counted, and at most for what share of
 * one CPU. */
#define LOOK_US UINT64_C(1000000)
enum { LOOK_CPU_SHARE_INVERSE = 100, LOOK_SOURCES_MAX = OPEN_CONNECTIONS_MAX };

struct sense {
        const struct settings *settings;
        sd_event *event;
        struct nft_table *table;

        struct sock_diag *sock_diag;
        struct dump_schedule schedule;
        struct dump_trigger trigger;
        uint64_t sock_diag_retry_us, walked_us;
        bool syns_since_walk;
        struct finished finished;
        struct netstat *netstat;
        struct sysctl *syncookies, *synack_retries;

        struct syn_log *syn_log;
        sd_event_source *syn_log_io[SYN_LOG_FDS];
        uint64_t syn_log_retry_us;
        uint64_t syns_previewed;
        uint64_t look_due_us;
        struct nft_counter *blocked; /* NULL: not open */
        uint64_t blocked_syns;       /* as last read */
        sense_tap *tap;
        void *tap_userdata;

        uint64_t observed_us; /* 0: never */
        struct snapshot_sensor sensors[SENSORS];

        bool alarm;
        uint64_t dump_last_us;
        uint32_t dump_entries;
        struct rate dump_cost; /* µs of CPU a second */
        struct snapshot_totals totals; /* dumps and poll_… only */
};

static void set_state(struct sense *s, enum sensor_id id, enum sensor_state state, const char *what,
                      int error) {
        struct snapshot_sensor *sensor = &s->sensors[id];

        sensor->state = state;
        if (state == SENSOR_OK)
                sensor->reason[0] = '\0';
        else if (error)
                snprintf(sensor->reason, sizeof sensor->reason, "%s: %s", what, strerror(-error));
        else
                snprintf(sensor->reason, sizeof sensor->reason, "%s", what);
}

static void close_syn_log(struct sense *s) {
        for (unsigned i = 0; i < SYN_LOG_FDS; i++)
                s->syn_log_io[i] = sd_event_source_disable_unref(s->syn_log_io[i]);
        s->syn_log = syn_log_free(s->syn_log);
        s->syns_previewed = 0;
}

int sense_new(sd_event *event, const struct settings *settings, struct nft_table *table,
              struct sense **ret) {
        struct sense *s = calloc(1, sizeof *s);
        int r;

        if (!s)
                return -ENOMEM;
        s->event = event;
        s->table = table;
        s->settings = settings;
        s->dump_cost = rate_unknown();
        dump_schedule_init(&s->schedule, settings);
        dump_trigger_init(&s->trigger);

        r = netstat_new(NULL, &s->netstat);
        if (r >= 0)
                r = sysctl_new(SYSCTL_SYNCOOKIES_PATH, &s->syncookies);
        if (r >= 0)
                r = sysctl_new(SYSCTL_SYNACK_RETRIES_PATH, &s->synack_retries);
        if (r < 0) {
                sense_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

struct sense *sense_free(struct sense *s) {
        if (!s)
                return NULL;
        close_syn_log(s);
        sock_diag_free(s->sock_diag);
        nft_counter_free(s->blocked);
        netstat_free(s->netstat);
        sysctl_free(s->syncookies);
        sysctl_free(s->synack_retries);
        free(s);
        return NULL;
}

void sense_configure(struct sense *s, const struct settings *settings) {
        bool same_log = memcmp(&s->settings->nflog, &settings->nflog, sizeof settings->nflog) == 0;

        s->settings = settings;
        if (!same_log) {
                close_syn_log(s);
                s->syn_log_retry_us = 0;
        }
        dump_schedule_configure(&s->schedule, settings);
}

/* --- one sensor each ----------------------------------------------------------- */

static void observe_netstat(struct sense *s, struct observation *o) {
        int r = netstat_read(s->netstat, o);
        uint32_t missing = netstat_missing(s->netstat);
        enum sensor_state state = (enum sensor_state) o->sensors[SENSOR_NETSTAT];
        char what[SNAPSHOT_SENSOR_TEXT] = "counters missing:";

        if (r < 0) {
                set_state(s, SENSOR_NETSTAT, state, "cannot read " NETSTAT_DIRECTORY, r);
                return;
        }
        for (unsigned i = 0; i < OBS_COUNTERS; i++)
                if (missing & (UINT32_C(1) << i)) {
                        size_t n = strlen(what);

                        snprintf(what + n, sizeof what - n, " %s", obs_counter_name((enum obs_counter) i));
                }
        set_state(s, SENSOR_NETSTAT, state, what, 0);
}

static int on_syn_log(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct sense *s = userdata;

        (void) source;
        (void) fd;
        (void) events;
        /* A socket that broke shows in the sensor's state; it must not be polled on. */
        if (syn_log_receive(s->syn_log) < 0)
                for (unsigned i = 0; i < SYN_LOG_FDS; i++)
                        s->syn_log_io[i] = sd_event_source_disable_unref(s->syn_log_io[i]);
        return 0;
}

/* The walk's half-opens join the SYNs of the same sources. */
static void on_half_open(void *userdata, const struct address *remote, const struct address *local,
                         uint16_t port) {
        struct source_table *t = userdata;

        if (remote)
                source_table_half_open(t, remote, local, port);
        else
                source_table_half_open_begin(t);
}

static int open_syn_log(struct sense *s, uint64_t now_us) {
        struct keyed_hash key;
        uint32_t seed;
        int fds[SYN_LOG_FDS], r;

        if (getrandom(&key, sizeof key, 0) != sizeof key || getrandom(&seed, sizeof seed, 0) != sizeof seed)
                return -EIO;
        r = syn_log_new(s->settings, s->table, &key, seed, now_us, &s->syn_log);
        if (r < 0)
                return r;
        syn_log_set_tap(s->syn_log, s->tap, s->tap_userdata);
        syn_log_fds(s->syn_log, fds);
        for (unsigned i = 0; i < SYN_LOG_FDS; i++)
                if (fds[i] >= 0) {
                        r = sd_event_add_io(s->event, &s->syn_log_io[i], fds[i], EPOLLIN, on_syn_log, s);
                        if (r < 0)
                                return r;
                }
        return 0;
}

/* A source whose connections last finishes its handshakes although none of them ends. */
static void look_at_open_connections(struct sense *s, struct observation *o) {
        struct established_peer peers[LOOK_SOURCES_MAX];
        struct obs_source *doubted[LOOK_SOURCES_MAX];
        uint64_t before_us, cost_us;
        uint32_t n = 0;

        if (o->time_us < s->look_due_us)
                return;
        for (uint32_t i = 0; i < o->sources.count && n < LOOK_SOURCES_MAX; i++)
                if (source_table_doubts(&o->sources.list[i])) {
                        doubted[n] = &o->sources.list[i];
                        memcpy(peers[n].bytes, doubted[n]->prefix.address.bytes, sizeof peers[n].bytes);
                        peers[n].length = doubted[n]->prefix.length;
                        n++;
                }
        if (n == 0)
                return;

        before_us = loop_cpu_us();
        if (established_count(peers, n) == 0)
                for (uint32_t i = 0; i < n; i++)
                        source_table_open(syn_log_sources(s->syn_log), peers[i].count, o->time_us,
                                          doubted[i]);
        cost_us = loop_cpu_us() - before_us;
        s->look_due_us = o->time_us + LOOK_US;
        if (cost_us > LOOK_US / LOOK_CPU_SHARE_INVERSE)
                s->look_due_us = o->time_us + cost_us * LOOK_CPU_SHARE_INVERSE;
}

static void observe_syn_log(struct sense *s, struct observation *o) {
        int r;

        if (s->syn_log && syn_log_state(s->syn_log) == SENSOR_FAILED && o->time_us >= s->syn_log_retry_us)
                close_syn_log(s);
        if (!s->syn_log) {
                s->syn_log_retry_us = o->time_us + REOPEN_US;
                r = open_syn_log(s, o->time_us);
                if (r < 0) {
                        close_syn_log(s);
                        set_state(s, SENSOR_NFLOG, SENSOR_FAILED, "cannot start", r);
                        return;
                }
        }
        syn_log_observe(s->syn_log, o->time_us, o);
        look_at_open_connections(s, o);
        set_state(s, SENSOR_NFLOG, syn_log_state(s->syn_log), syn_log_reason(s->syn_log), 0);
}

/* What the block list drops is in no other figure. */
static void observe_blocked(struct sense *s, struct observation *o) {
        uint64_t syns = 0;
        int r;

        if (!s->blocked && (!s->settings->block.enabled ||
                            nft_counter_new("synward", BLOCK_COUNTER, &s->blocked) < 0))
                return;
        r = nft_counter_read(s->blocked, &syns);
        if (r < 0 && r != -ENOENT) {
                s->blocked = nft_counter_free(s->blocked);
                return;
        }
        if (syns >= s->blocked_syns)
                observation_set(o, OBS_BLOCKED, syns - s->blocked_syns);
        s->blocked_syns = syns;
}

static void account_walk(struct sense *s, uint64_t cost_us, const struct observation *o) {
        unsigned bucket = 0;

        while (bucket < SNAPSHOT_POLL_BUCKETS && cost_us > snapshot_poll_bounds_us[bucket])
                bucket++;
        s->totals.poll_buckets[bucket]++;
        s->totals.poll_us_sum += cost_us;
        s->totals.dumps++;
        s->dump_last_us = cost_us;
        s->dump_entries = o->half_open;
}

/* With 2 nothing is half-open, and where the kernel's counters cannot be read only the
 * connections themselves tell who finished. */
static bool connections_tell(const struct observation *o) {
        return (o->known & OBS_K_SYNCOOKIES) && o->syncookies == 2 &&
               !observation_knows(o, OBS_PASSIVE_OPENS) && !observation_knows(o, OBS_COOKIES_SENT);
}

static int walk_with_connections(struct sense *s, struct observation *o) {
        uint64_t ended, finished;
        uint32_t open;
        bool known = s->syn_log && syn_log_ended(s->syn_log, &ended);
        int r = sock_diag_dump_connections(s->sock_diag, o, &open);

        if (r < 0 || !known)
                finished_forget(&s->finished);
        else if (finished_step(&s->finished, open, ended, &finished))
                observation_set(o, OBS_PASSIVE_OPENS, finished);
        return r;
}

static int walk(struct sense *s, struct observation *o, bool alarm, uint64_t *ret_cost_us) {
        uint64_t before_us = loop_cpu_us();
        int r;

        if (s->syn_log)
                sock_diag_set_half_open_sink(s->sock_diag, on_half_open, syn_log_sources(s->syn_log));
        else
                sock_diag_set_half_open_sink(s->sock_diag, NULL, NULL);
        r = connections_tell(o) ? walk_with_connections(s, o) : sock_diag_dump(s->sock_diag, o);
        if (r >= 0 && s->syn_log)
                source_table_half_open_end(syn_log_sources(s->syn_log));

        *ret_cost_us = loop_cpu_us() - before_us;
        dump_schedule_done(&s->schedule, o->time_us, *ret_cost_us, alarm);
        if (r >= 0)
                dump_schedule_found(&s->schedule, o->time_us, o->half_open);
        s->walked_us = o->time_us;
        s->syns_since_walk = false;
        if (r >= 0)
                account_walk(s, *ret_cost_us, o);
        return r;
}

/* What has arrived is taken in before it is told, so that a tick speaks of now.
 * The SYNs logged so far: whether to walk is decided before the log is told whole,
 * which wants to know the listeners. */
static void preview_syns(struct sense *s, struct observation *o) {
        uint64_t syns;

        if (!s->syn_log || syn_log_state(s->syn_log) != SENSOR_OK)
                return;
        syn_log_receive(s->syn_log);
        syns = syn_log_counts(s->syn_log).syns;
        observation_set(o, OBS_SYNS, syns - s->syns_previewed);
        s->syns_previewed = syns;
}

/* No half-open was there at the last walk and no SYN has come since: a walk would
 * find nothing, whatever it costs. */
static bool nothing_to_walk_for(struct sense *s, const struct observation *o) {
        if (connections_tell(o))
                return false;
        if (!observation_knows(o, OBS_SYNS) || o->counters[OBS_SYNS] > 0)
                s->syns_since_walk = true;
        return !s->syns_since_walk && s->dump_entries == 0 && s->walked_us &&
               o->time_us - s->walked_us < s->settings->poll.max_interval_us;
}

static void observe_sock_diag(struct sense *s, struct observation *o, bool alarm) {
        bool wanted, needless;
        uint64_t cost_us = 0;
        int r;

        /* A difference takes two looks, so every tick has to look. */
        alarm |= dump_schedule_closer(&s->schedule, o->time_us) || connections_tell(o);
        preview_syns(s, o);
        wanted = dump_trigger_step(&s->trigger, o);
        needless = nothing_to_walk_for(s, o);
        o->counters_known &= ~(UINT32_C(1) << OBS_SYNS);

        if (!s->sock_diag) {
                if (o->time_us < s->sock_diag_retry_us)
                        return;
                r = sock_diag_new(NULL, &s->sock_diag);
                if (r < 0) {
                        s->sock_diag_retry_us = o->time_us + REOPEN_US;
                        set_state(s, SENSOR_SOCK_DIAG, SENSOR_FAILED, "cannot open sock_diag", r);
                        return;
                }
        }
        if (dump_schedule_due(&s->schedule, o->time_us, alarm, wanted) && !needless)
                r = walk(s, o, alarm, &cost_us);
        else {
                finished_forget(&s->finished);
                r = sock_diag_dump_listeners(s->sock_diag, o);
        }
        if (o->elapsed_us)
                rate_count(&s->dump_cost, (double) cost_us, (double) o->elapsed_us / 1e6, 30);
        if (r < 0) {
                set_state(s, SENSOR_SOCK_DIAG, SENSOR_FAILED, "cannot dump the socket table", r);
                s->sock_diag = sock_diag_free(s->sock_diag);
                s->sock_diag_retry_us = o->time_us + REOPEN_US;
        } else if (o->listeners_left_out)
                set_state(s, SENSOR_SOCK_DIAG, SENSOR_DEGRADED,
                          "more listeners than are followed, the idlest are left out", 0);
        else
                set_state(s, SENSOR_SOCK_DIAG, SENSOR_OK, NULL, 0);
}

void sense_set_tap(struct sense *s, sense_tap *tap, void *userdata) {
        s->tap = tap;
        s->tap_userdata = userdata;
        if (s->syn_log)
                syn_log_set_tap(s->syn_log, tap, userdata);
}

void sense_observe(struct sense *s, uint64_t now_us, uint64_t realtime_us, bool alarm,
                   struct observation *ret) {
        memset(ret, 0, sizeof *ret);
        ret->time_us = now_us;
        ret->realtime_us = realtime_us;
        ret->elapsed_us = s->observed_us ? now_us - s->observed_us : 0;
        s->observed_us = now_us;
        s->alarm = alarm;

        observe_netstat(s, ret);
        /* A failure leaves the value unknown, which is its report. */
        if (sysctl_read(s->syncookies, &ret->syncookies) == 0)
                ret->known |= OBS_K_SYNCOOKIES;
        if (sysctl_read(s->synack_retries, &ret->synack_retries) == 0)
                ret->known |= OBS_K_SYNACK_RETRIES;
        observe_sock_diag(s, ret, alarm);
        observe_syn_log(s, ret);
        observe_blocked(s, ret);
        for (unsigned i = 0; i < SENSORS; i++)
                ret->sensors[i] = (uint8_t) s->sensors[i].state;
}

void sense_describe(const struct sense *s, struct snapshot *snapshot) {
        memcpy(snapshot->sensors, s->sensors, sizeof snapshot->sensors);
        snapshot->dump_interval_us = dump_schedule_interval_us(&s->schedule, s->alarm);
        snapshot->dump_last_us = s->dump_last_us;
        snapshot->dump_entries = s->dump_entries;
        snapshot->dump_cpu_share = s->dump_cost.per_s / 1e6;
        snapshot->totals.dumps = s->totals.dumps;
        snapshot->totals.poll_us_sum = s->totals.poll_us_sum;
        memcpy(snapshot->totals.poll_buckets, s->totals.poll_buckets,
               sizeof snapshot->totals.poll_buckets);
}

bool sense_is_blind(const struct sense *s) {
        for (unsigned i = 0; i < SENSORS; i++)
                if (s->sensors[i].state == SENSOR_OK || s->sensors[i].state == SENSOR_DEGRADED)
                        return false;
        return true;
}
