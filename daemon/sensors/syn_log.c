/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sensors/syn_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/ends_told.h"
#include "sensors/nft_counter.h"
#include "sensors/nft_rules.h"
#include "sensors/sampling.h"
#include "sensors/tcp_destroy.h"
#include "util/trouble.h"

/* Late ends are a state of the sensor when they stay so. */
#define LATE_ENDS_TOLD_US UINT64_C(5000000)
/* As long as completions that were lost weigh: three halvings of the table. */
#define LOST_ENDS_US (3 * SOURCE_TABLE_HALVING_US)

/* How often it is asked how many SYNs went elsewhere. */
#define ELSEWHERE_US UINT64_C(1000000)

enum {
        BATCHES_AT_ONCE = 16, /* some 8,000 SYNs: two milliseconds */
        EVENTS_AT_ONCE = 2048,
        RESEED_EXCESS = 2, /* even addresses bring half as many messages as the other sample */
};

struct syn_log {
        struct source_table *sources;
        struct nft_rules *rules;
        struct nft_counter *counter; /* of those rules; NULL without */
        struct elsewhere {           /* SYNs that did not end here, by counters of the same rules */
                struct nft_counter *counter; /* NULL without */
                uint64_t told, read_us;
        } arrived, forwarded;
        struct nflog_reader *reader;
        struct tcp_destroy *destroy;
        uint32_t max_rate;
        uint32_t seed;
        struct sampling sampling;
        uint32_t their_by_packet, their_by_source; /* without rules of our own; see follow_sampling() */
        bool enabled;
        char failure[SYN_LOG_REASON_MAX]; /* why no SYN is seen; empty: they are */
        struct trouble counter_trouble, sampling_trouble;

        bool observed;
        uint64_t observed_us;
        struct nflog_reader_counts told_log; /* at the last observation */
        uint64_t told_syns;    /* total told so far */
        uint64_t counted_syns; /* as the counter said last */
        struct nflog_reader_counts counted_log; /* what had been received by then */
        uint64_t overruns;     /* of l->destroy, up to now */
        uint64_t ends_lost_us; /* when they grew last; 0: completions can be told */
        struct ends_told ends_told;
        uint64_t ends, established; /* at the last observation: told of, open */
        bool ends_followed;         /* … and whether there was one */
        uint64_t ends_late_us;      /* since when; 0: they are told in time */
};

static void fail(struct syn_log *l, const char *what, const char *why) {
        snprintf(l->failure, sizeof l->failure, "%s%s", what, why);
}

/* Whether the log speaks; without it the ends of connections still do. */
static bool hears(const struct syn_log *l) {
        return l->reader && !*l->failure;
}

static void tell_table(struct syn_log *l) {
        source_table_set_known(l->sources, hears(l), l->destroy && !l->ends_lost_us && !l->ends_late_us);
}

static void start(struct syn_log *l, const struct settings *s, struct nft_table *table) {
        const char *reason;

        (void) tcp_destroy_new(l->sources, &l->destroy);
        if (!l->enabled)
                return;
        if (nflog_reader_new(s->nflog.group, s->nflog.copy_range, l->sources, &l->reader,
                             &reason) < 0) {
                fail(l, "no SYNs are seen: ", reason);
                return;
        }
        if (s->nflog.manage_rules &&
            nft_rules_new(table, s->nflog.group, s->nflog.copy_range, &l->rules, &reason) < 0) {
                /* Somebody's own rules may still log to the group. */
                fail(l, "no rules of our own: ", reason);
                return;
        }
        if (!l->rules)
                return;
        source_table_set_resets_known(l->sources);
        (void) nft_counter_new("synward", "arrived", &l->arrived.counter);
        (void) nft_counter_new("synward", "forwarded", &l->forwarded.counter);
        /* Without it the log itself is counted. */
        trouble_note(&l->counter_trouble, nft_counter_new("synward", "syns", &l->counter));
}

int syn_log_new(const struct settings *settings, struct nft_table *table,
                const struct keyed_hash *key, uint32_t seed, uint64_t now_us,
                struct syn_log **ret) {
        struct syn_log *l = calloc(1, sizeof *l);

        if (!l)
                return -ENOMEM;
        if (source_table_new(key, now_us, &l->sources) < 0) {
                free(l);
                return -ENOMEM;
        }
        l->enabled = settings->nflog.enabled;
        l->max_rate = settings->nflog.max_rate;
        l->seed = seed;
        l->sampling = sampling_start();
        l->their_by_packet = l->their_by_source = 1;
        start(l, settings, table);
        tell_table(l);
        *ret = l;
        return 0;
}

struct syn_log *syn_log_free(struct syn_log *l) {
        if (!l)
                return NULL;
        nft_counter_free(l->arrived.counter);
        nft_counter_free(l->forwarded.counter);
        nft_counter_free(l->counter);
        nft_rules_free(l->rules);
        nflog_reader_free(l->reader);
        tcp_destroy_free(l->destroy);
        source_table_free(l->sources);
        free(l);
        return NULL;
}

void syn_log_fds(const struct syn_log *l, int ret_fds[static SYN_LOG_FDS]) {
        ret_fds[0] = l->reader ? nflog_reader_fd(l->reader) : -1;
        ret_fds[1] = l->destroy ? tcp_destroy_fd(l->destroy) : -1;
}

int syn_log_receive(struct syn_log *l) {
        int r;

        if (l->reader) {
                r = nflog_reader_receive(l->reader, BATCHES_AT_ONCE);
                if (r < 0) {
                        fail(l, "the NFLOG socket broke", "");
                        l->reader = nflog_reader_free(l->reader);
                        tell_table(l);
                        return r;
                }
        }
        if (l->destroy) {
                r = tcp_destroy_receive(l->destroy, EVENTS_AT_ONCE);
                if (r < 0) {
                        l->destroy = tcp_destroy_free(l->destroy);
                        tell_table(l);
                        return r;
                }
        }
        return 0;
}

/* All SYNs up to now, by the counter. Where it cannot be read, what the log says since it was. */
static uint64_t total_syns(struct syn_log *l, const struct nflog_reader_counts *log) {
        if (l->counter)
                trouble_note(&l->counter_trouble, nft_counter_read(l->counter, &l->counted_syns));
        if (l->counter && !l->counter_trouble.error) {
                l->counted_log = *log;
                return l->counted_syns;
        }
        /* Somebody else's rules may log every SYN: the losses are known. While we sample, which
         * message was lost is not. */
        if (l->sampling.one_in == 1)
                return l->counted_syns + (log->syns - l->counted_log.syns) +
                       (log->lost - l->counted_log.lost);
        return l->counted_syns + (log->syns - l->counted_log.syns);
}

/* A source that carries a flood may fall into the sample by source: take another sample. */
static bool is_unlucky(const struct syn_log *l, const struct nflog_reader_counts *log) {
        uint64_t by_source = log->by_source - l->told_log.by_source;
        uint64_t by_packet = log->received - l->told_log.received - by_source;

        return l->sampling.one_in > 1 && by_source > 256 + RESEED_EXCESS * by_packet;
}

/* The rules of others sample as they like, and say how in each message; perhaps by packet only. */
static void follow_sampling(struct syn_log *l, uint64_t now_us) {
        struct nflog_reader_counts log = syn_log_counts(l);

        if (!log.by_packet_one_in || (log.by_packet_one_in == l->their_by_packet &&
                                      log.by_source_one_in == l->their_by_source))
                return;
        l->their_by_packet = log.by_packet_one_in;
        l->their_by_source = log.by_source_one_in;
        l->sampling.one_in = l->their_by_source ? l->their_by_source : l->their_by_packet;
        source_table_set_sampling(l->sources, l->their_by_packet, l->their_by_source, now_us);
}

static void step_sampling(struct syn_log *l, double syn_per_s, uint64_t now_us) {
        struct nflog_reader_counts log = syn_log_counts(l);
        uint32_t before = l->sampling.one_in;
        uint32_t one_in = sampling_step(&l->sampling, syn_per_s, l->max_rate, now_us);

        if (one_in == before && !is_unlucky(l, &log))
                return;
        l->seed = l->seed * UINT32_C(1664525) + UINT32_C(1013904223);
        trouble_note(&l->sampling_trouble, nft_rules_sample(l->rules, sampling_by_packet(one_in), one_in,
                                                            l->seed, l->max_rate));
        if (l->sampling_trouble.error) {
                l->sampling.one_in = before;
                return;
        }
        source_table_set_sampling(l->sources, sampling_by_packet(one_in), one_in, now_us);
}

/* A counter that cannot be read leaves its figure unknown. */
static void observe_elsewhere(struct elsewhere *e, enum obs_counter c, bool tell, struct observation *o) {
        uint64_t now;

        /* Nothing is decided by them within a tick, and a tick in calm shall cost little. */
        if (!e->counter || o->time_us - e->read_us < ELSEWHERE_US)
                return;
        e->read_us = o->time_us;
        if (nft_counter_read(e->counter, &now) < 0)
                return;
        if (tell && now >= e->told)
                observation_set(o, c, now - e->told);
        e->told = now;
}

static void observe_log(struct syn_log *l, uint64_t now_us, struct observation *o) {
        struct nflog_reader_counts log = syn_log_counts(l);
        uint64_t total = total_syns(l, &log);
        uint64_t syns = total > l->told_syns ? total - l->told_syns : 0;

        observe_elsewhere(&l->arrived, OBS_ARRIVED, l->observed, o);
        observe_elsewhere(&l->forwarded, OBS_FORWARDED, l->observed, o);
        /* An estimate may have run ahead of the counter: made up for by telling less. */
        l->told_syns += syns;
        if (l->observed && now_us > l->observed_us) {
                observation_set(o, OBS_SYNS, syns);
                o->log_received = log.received - l->told_log.received;
                o->log_lost = log.lost - l->told_log.lost;
                if (l->rules)
                        step_sampling(l, (double) syns * 1e6 / (double) (now_us - l->observed_us), now_us);
                else
                        follow_sampling(l, now_us);
        }
        o->sample_one_in = l->sampling.one_in;
        l->told_log = log;
        l->observed = true;
        l->observed_us = now_us;
}

/* Where the ends of connections were lost, a client would look like one that never completes. */
static void heed_lost_ends(struct syn_log *l, uint64_t now_us) {
        uint64_t overruns = l->destroy ? tcp_destroy_counts(l->destroy).overruns : l->overruns;

        if (overruns != l->overruns) {
                l->overruns = overruns;
                l->ends_lost_us = now_us;
                tell_table(l);
        } else if (l->ends_lost_us && now_us - l->ends_lost_us >= LOST_ENDS_US) {
                l->ends_lost_us = 0;
                tell_table(l);
        }
}

/* … and where they are told too late. */
static void heed_late_ends(struct syn_log *l, const struct observation *o) {
        const uint32_t needed = UINT32_C(1) << OBS_PASSIVE_OPENS | UINT32_C(1) << OBS_ACTIVE_OPENS;
        bool known = l->destroy && (o->known & OBS_K_ESTABLISHED);
        uint64_t ends = l->destroy ? tcp_destroy_counts(l->destroy).connections : 0;
        struct ends_tick tick = {
                .time_us = o->time_us,
                .opened = o->counters[OBS_PASSIVE_OPENS] + o->counters[OBS_ACTIVE_OPENS],
                .told = ends - l->ends,
                .established = o->established,
                .established_before = l->established,
        };
        bool follows = known && l->ends_followed && (o->counters_known & needed) == needed;
        bool in_time = ends_told_step(&l->ends_told, follows ? &tick : NULL);

        l->ends = ends;
        l->established = o->established;
        l->ends_followed = known;
        if (in_time != !l->ends_late_us) {
                l->ends_late_us = in_time ? 0 : o->time_us;
                tell_table(l);
        }
}

void syn_log_observe(struct syn_log *l, uint64_t now_us, struct observation *o) {
        if (o->known & OBS_K_LISTENERS) {
                bool others = source_table_set_listeners(l->sources, o->listeners, o->listeners_count);

                if (others && l->destroy)
                        tcp_destroy_set_listeners(l->destroy, o->listeners, o->listeners_count);
        }
        if (hears(l)) {
                bool first = !l->observed;

                observe_log(l, now_us, o);
                if (!first)
                        source_table_listener_syns(l->sources, now_us, o->listeners, o->listeners_count);
        }
        heed_lost_ends(l, now_us);
        heed_late_ends(l, o);
        source_table_observe(l->sources, now_us, &o->sources);
        o->known |= OBS_K_SOURCES;
        o->sensors[SENSOR_NFLOG] = (uint8_t) syn_log_state(l);
}

/* What is less than perfect, the worst first; NULL: nothing. */
static const char *defect(const struct syn_log *l) {
        if (!l->destroy)
                return "the kernel does not tell of ended connections";
        if (l->counter_trouble.error)
                return "the counter of our table cannot be read";
        if (l->ends_lost_us)
                return "ends of connections were lost";
        if (l->ends_late_us && l->observed_us - l->ends_late_us >= LATE_ENDS_TOLD_US)
                return "ends of connections are told late: this host has no CPU time left";
        if (l->sampling_trouble.error)
                return "the sampling could not be changed";
        return NULL;
}

enum sensor_state syn_log_state(const struct syn_log *l) {
        if (!l->enabled)
                return SENSOR_OFF;
        if (*l->failure)
                return SENSOR_FAILED;
        return defect(l) ? SENSOR_DEGRADED : SENSOR_OK;
}

const char *syn_log_reason(const struct syn_log *l) {
        const char *reason = !l->enabled ? "nflog.enabled is false" : *l->failure ? l->failure : defect(l);

        return reason ? reason : "";
}

struct source_table *syn_log_sources(struct syn_log *l) {
        return l->sources;
}

bool syn_log_ended(const struct syn_log *l, uint64_t *ret) {
        struct tcp_destroy_counts ends;

        if (!l->destroy)
                return false;
        ends = tcp_destroy_counts(l->destroy);
        *ret = ends.completed;
        return ends.overruns == l->overruns && !l->ends_lost_us;
}

void syn_log_set_tap(struct syn_log *l, nflog_reader_tap *tap, void *userdata) {
        if (l->reader)
                nflog_reader_set_tap(l->reader, tap, userdata);
}

struct nflog_reader_counts syn_log_counts(const struct syn_log *l) {
        return l->reader ? nflog_reader_counts(l->reader) : (struct nflog_reader_counts) { 0 };
}
