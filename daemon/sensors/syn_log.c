/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sensors/syn_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/ends_told.h"
#include "privileged/client.h"
#include "sensors/sampling.h"
#include "sensors/tcp_destroy.h"
#include "util/ends_socket.h"
#include "util/trouble.h"

/* Late ends are a state of the sensor when they stay so. */
#define LATE_ENDS_TOLD_US UINT64_C(5000000)
/* As long as completions that were lost weigh: three halvings of the table. */
#define LOST_ENDS_US (3 * SOURCE_TABLE_HALVING_US)

/* How often it is asked how many SYNs went elsewhere; and where none at all came for so many times. */
#define ELSEWHERE_US UINT64_C(1000000)
#define ELSEWHERE_CALM_US UINT64_C(5000000)
enum { CALM_READS = 10 };

/* The kernel may still be at clearing the old table away. */
#define RULES_RETRY_US UINT64_C(500000)

enum {
        BATCHES_AT_ONCE = 16, /* some 8,000 SYNs: two milliseconds */
        EVENTS_AT_ONCE = 2048,
        RESEED_EXCESS = 2, /* even addresses bring half as many messages as the other sample */
};

struct syn_log {
        struct source_table *sources;
        struct privileged *privileged;
        uint16_t group;
        uint32_t copy_range;
        bool rules;           /* of our own, made by the keeper of that generation */
        bool rules_lost;      /* they went with it, and are not made anew yet */
        bool rules_anew;      /* they were made anew in this tick, or are to be: what came is not known */
        uint64_t rules_retry_us;
        uint32_t generation;
        uint64_t counted_before; /* SYNs that the counters of earlier keepers had */
        uint64_t elsewhere_us;   /* when SYNs that did not end here were read last */
        uint64_t told_arrived, told_forwarded;
        unsigned calm_reads;     /* that found all as it was, one after another */
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
        uint64_t ends, in_use; /* at the last observation: told of, in TCP's tables */
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

static void start_ends(struct syn_log *l) {
        int fd;

        /* The keeper's has a larger buffer. */
        if (privileged_open_ends(l->privileged, &fd) < 0 && ends_socket_open(&fd) < 0)
                return;
        if (tcp_destroy_new(fd, l->sources, &l->destroy) < 0)
                close(fd);
}

static int start_reader(struct syn_log *l, const char **ret_reason) {
        int fd, r = privileged_open_log(l->privileged, l->group, l->copy_range, &fd, ret_reason);

        if (r < 0)
                return r;
        r = nflog_reader_new(fd, l->sources, &l->reader);
        if (r < 0) {
                *ret_reason = "out of memory";
                close(fd);
        }
        return r;
}

static void start(struct syn_log *l, const struct settings *s) {
        const char *reason;

        start_ends(l);
        if (!l->enabled)
                return;
        if (start_reader(l, &reason) < 0) {
                fail(l, "no SYNs are seen: ", reason);
                return;
        }
        if (!s->nflog.manage_rules)
                return;
        if (privileged_make_rules(l->privileged, l->group, l->copy_range, &reason) < 0) {
                /* Somebody's own rules may still log to the group. */
                fail(l, "no rules of our own: ", reason);
                return;
        }
        l->rules = true;
        l->generation = privileged_generation(l->privileged);
        source_table_set_resets_known(l->sources);
}

/* The rules went with the keeper that had them: the next one makes them anew, as they were. The
 * log's socket is ours, and still bound. */
static void follow_keeper(struct syn_log *l, uint64_t now_us) {
        uint32_t generation = privileged_generation(l->privileged), one_in = l->sampling.one_in;
        const char *reason;
        int r;

        if (privileged_is_gone(l->privileged)) {
                fail(l, "no rules of our own: ", "the privileged process is gone");
                tell_table(l);
                return;
        }
        l->rules_anew = generation != l->generation;
        if (l->rules_anew) {
                l->generation = generation;
                l->observed = false;
                l->rules_lost = true;
                l->rules_retry_us = 0;
                l->counted_before = l->counted_syns;
                l->told_arrived = l->told_forwarded = 0;
        }
        if (!l->rules_lost || now_us < l->rules_retry_us)
                return;
        l->rules_retry_us = now_us + RULES_RETRY_US;
        r = privileged_make_rules(l->privileged, l->group, l->copy_range, &reason);
        if (r >= 0 && one_in > 1)
                r = privileged_sample(l->privileged, sampling_by_packet(one_in), one_in, l->seed, l->max_rate);
        l->rules_lost = r < 0;
}

int syn_log_new(const struct settings *settings, struct privileged *privileged, const struct keyed_hash *key,
                uint32_t seed, uint64_t now_us, struct syn_log **ret) {
        struct syn_log *l = calloc(1, sizeof *l);

        if (!l)
                return -ENOMEM;
        if (source_table_new(key, now_us, &l->sources) < 0) {
                free(l);
                return -ENOMEM;
        }
        l->privileged = privileged;
        l->group = settings->nflog.group;
        l->copy_range = settings->nflog.copy_range;
        l->enabled = settings->nflog.enabled;
        l->max_rate = settings->nflog.max_rate;
        l->seed = seed;
        l->sampling = sampling_start();
        l->their_by_packet = l->their_by_source = 1;
        start(l, settings);
        tell_table(l);
        *ret = l;
        return 0;
}

struct syn_log *syn_log_free(struct syn_log *l) {
        if (!l)
                return NULL;
        if (l->rules)
                privileged_remove_rules(l->privileged);
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

/* A counter that cannot be read leaves its figure unknown. */
static void tell_elsewhere(struct syn_log *l, const struct privileged_counts *c, struct observation *o) {
        if (l->observed && l->elsewhere_us && c->arrived >= l->told_arrived)
                observation_set(o, OBS_ARRIVED, c->arrived - l->told_arrived);
        if (l->observed && l->elsewhere_us && c->forwarded >= l->told_forwarded)
                observation_set(o, OBS_FORWARDED, c->forwarded - l->told_forwarded);
        l->calm_reads = c->arrived == l->told_arrived ? l->calm_reads + (l->calm_reads < CALM_READS) : 0;
        l->told_arrived = c->arrived;
        l->told_forwarded = c->forwarded;
        l->elsewhere_us = o->time_us;
}

/* All that came to the log, of whatever kind. */
static uint64_t heard(const struct nflog_reader_counts *log) {
        return log->received + log->lost + log->malformed + log->unread + log->resets + log->foreign;
}

/* In calm it is a round trip to another process that the counter costs. Where every SYN is logged
 * and nothing was, nothing was counted; to be sure it is read every second all the same. */
static bool is_silent(const struct syn_log *l, const struct nflog_reader_counts *log, bool elsewhere) {
        return !elsewhere && l->sampling.one_in == 1 && !l->counter_trouble.error && l->observed &&
               heard(log) == heard(&l->counted_log);
}

/* -errno of a keeper that does not answer, or is another one. */
static int read_counters(struct syn_log *l, const struct nflog_reader_counts *log, struct observation *o) {
        struct privileged_counts c;
        /* Nothing is decided by these within a tick, and a tick in calm shall cost little. What comes in
         * shows in the first of them, so that a change is told late once. */
        uint64_t every_us = l->calm_reads < CALM_READS || heard(log) != heard(&l->counted_log) ? ELSEWHERE_US
                                                                                               : ELSEWHERE_CALM_US;
        bool elsewhere = o->time_us - l->elsewhere_us >= every_us;
        int r;

        if (is_silent(l, log, elsewhere))
                return 0;
        r = privileged_read_counts(l->privileged, elsewhere, &c);
        trouble_note(&l->counter_trouble, r);
        if (r == -ESTALE || r == -ETIMEDOUT || r == -EAGAIN || r == -EPIPE)
                return r;
        if (r < 0)
                return 0; /* what the log says will do */
        l->counted_log = *log;
        l->counted_syns = l->counted_before + c.syns;
        if (c.elsewhere_known)
                tell_elsewhere(l, &c, o);
        return 0;
}

/* All SYNs up to now, by the counter. Where it cannot be read, what the log says since it was. */
static uint64_t total_syns(const struct syn_log *l, const struct nflog_reader_counts *log) {
        if (l->rules && !l->counter_trouble.error)
                return l->counted_syns;
        /* Somebody else's rules may log every SYN: the losses are known. While we sample, which
         * message was lost is not. */
        if (l->sampling.one_in == 1)
                return l->counted_syns + (log->syns - l->counted_log.syns) + (log->lost - l->counted_log.lost);
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

        if (!log.by_packet_one_in ||
            (log.by_packet_one_in == l->their_by_packet && log.by_source_one_in == l->their_by_source))
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

        /* After a try that failed it is not known how the rules sample now. */
        if (one_in == before && !is_unlucky(l, &log) && !l->sampling_trouble.error)
                return;
        l->seed = l->seed * UINT32_C(1664525) + UINT32_C(1013904223);
        trouble_note(&l->sampling_trouble,
                     privileged_sample(l->privileged, sampling_by_packet(one_in), one_in, l->seed, l->max_rate));
        if (l->sampling_trouble.error) {
                l->sampling.one_in = before;
                return;
        }
        source_table_set_sampling(l->sources, sampling_by_packet(one_in), one_in, now_us);
}

static void observe_log(struct syn_log *l, uint64_t now_us, struct observation *o) {
        struct nflog_reader_counts log = syn_log_counts(l);
        uint64_t total, syns;

        if (l->rules && (l->rules_lost || read_counters(l, &log, o) < 0)) {
                /* Without rules nothing is logged: how many came is not known, nor for the first
                 * tick in which they are there again. */
                o->sample_one_in = l->sampling.one_in;
                l->observed = false;
                return;
        }
        total = total_syns(l, &log);
        syns = total > l->told_syns ? total - l->told_syns : 0;
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
        bool known = l->destroy && (o->known & OBS_K_IN_USE);
        struct tcp_destroy_counts told = l->destroy ? tcp_destroy_counts(l->destroy)
                                                    : (struct tcp_destroy_counts) { 0 };
        uint64_t ends = told.connections + told.listeners;
        struct ends_tick tick = {
                .time_us = o->time_us,
                .opened = o->counters[OBS_PASSIVE_OPENS] + o->counters[OBS_ACTIVE_OPENS],
                .told = ends - l->ends,
                .in_use = o->in_use,
                .in_use_before = l->in_use,
        };
        bool follows = known && l->ends_followed && (o->counters_known & needed) == needed;
        bool in_time = ends_told_step(&l->ends_told, follows ? &tick : NULL);

        l->ends = ends;
        l->in_use = o->in_use;
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
        if (hears(l) && l->rules)
                follow_keeper(l, now_us);
        if (hears(l)) {
                bool first = !l->observed;

                observe_log(l, now_us, o);
                if (!first && l->observed)
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
        if (l->rules_lost || l->rules_anew || l->counter_trouble.error == -ESTALE)
                return "its rules went with the privileged process and are being made anew";
        if (l->counter_trouble.error == -ETIMEDOUT || l->counter_trouble.error == -EAGAIN)
                return "the privileged process does not answer";
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
