/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sense_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/open_connections.h"
#include "sense_state.h"
#include "sensors/syn_log.h"
#include "util/peer_counter.h"

/* How often the open connections of doubtful sources are counted, and at most for what share of
 * one CPU. */
#define LOOK_US UINT64_C(1000000)
enum { LOOK_CPU_SHARE_INVERSE = 100, LOOK_SOURCES_MAX = OPEN_CONNECTIONS_MAX };

struct sense_log {
        const struct settings *settings;
        sd_event *event;
        struct privileged *privileged;
        struct peer_counter *peers;
        struct syn_log *log; /* NULL: not open */
        sd_event_source *io[SYN_LOG_FDS];
        uint64_t retry_us;   /* not opened again before (CLOCK_BOOTTIME) */
        uint64_t previewed_syns; /* logged SYNs, as last previewed */
        uint64_t look_due_us; /* when open connections are counted next (CLOCK_BOOTTIME) */
        sense_tap *tap;
        void *tap_userdata;
        struct known_clients *clients; /* where who finishes is added; NULL: nowhere */
        struct snapshot_sensor state;
};

int sense_log_new(sd_event *event, const struct settings *settings, struct privileged *privileged,
                  struct peer_counter *peers, struct sense_log **ret) {
        struct sense_log *l = calloc(1, sizeof *l);

        if (!l)
                return -ENOMEM;
        l->event = event;
        l->settings = settings;
        l->privileged = privileged;
        l->peers = peers;
        *ret = l;
        return 0;
}

static void stop_waiting(struct sense_log *l) {
        for (unsigned i = 0; i < SYN_LOG_FDS; i++)
                l->io[i] = sd_event_source_disable_unref(l->io[i]);
}

static void close_log(struct sense_log *l) {
        stop_waiting(l);
        l->log = syn_log_free(l->log);
        l->previewed_syns = 0;
}

struct sense_log *sense_log_free(struct sense_log *l) {
        if (!l)
                return NULL;
        close_log(l);
        free(l);
        return NULL;
}

void sense_log_configure(struct sense_log *l, const struct settings *settings) {
        bool same = memcmp(&l->settings->nflog, &settings->nflog, sizeof settings->nflog) == 0;

        l->settings = settings;
        if (l->log)
                source_table_set_probe(syn_log_sources(l->log), &settings->probe.from.address);
        if (same)
                return;
        close_log(l);
        l->retry_us = 0;
}

void sense_log_set_tap(struct sense_log *l, sense_tap *tap, void *userdata) {
        l->tap = tap;
        l->tap_userdata = userdata;
        if (l->log)
                syn_log_set_tap(l->log, tap, userdata);
}

void sense_log_set_clients(struct sense_log *l, struct known_clients *clients) {
        l->clients = clients;
        if (l->log)
                source_table_set_clients(syn_log_sources(l->log), clients);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata);

static int wait_for(struct sense_log *l) {
        int fds[SYN_LOG_FDS], r = 0;

        syn_log_fds(l->log, fds);
        for (unsigned i = 0; r >= 0 && i < SYN_LOG_FDS; i++)
                if (fds[i] >= 0)
                        r = sd_event_add_io(l->event, &l->io[i], fds[i], EPOLLIN, on_readable, l);
        return r;
}

/* A socket that broke shows in the sensor's state and must not be polled on; the other may live. */
static int receive(struct sense_log *l) {
        int r = syn_log_receive(l->log);

        if (r >= 0)
                return r;
        stop_waiting(l);
        (void) wait_for(l);
        return r;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        (void) source;
        (void) fd;
        (void) events;
        (void) receive(userdata);
        return 0;
}

static int open_log(struct sense_log *l, uint64_t now_us) {
        struct keyed_hash key;
        uint32_t seed;
        int r;

        if (getrandom(&key, sizeof key, 0) != sizeof key || getrandom(&seed, sizeof seed, 0) != sizeof seed)
                return -EIO;
        r = syn_log_new(l->settings, l->privileged, &key, seed, now_us, &l->log);
        if (r < 0)
                return r;
        syn_log_set_tap(l->log, l->tap, l->tap_userdata);
        source_table_set_clients(syn_log_sources(l->log), l->clients);
        source_table_set_probe(syn_log_sources(l->log), &l->settings->probe.from.address);
        return wait_for(l);
}

static bool reopen(struct sense_log *l, uint64_t now_us) {
        int r;

        if (l->log && syn_log_state(l->log) == SENSOR_FAILED && now_us >= l->retry_us)
                close_log(l);
        if (l->log)
                return true;
        r = open_log(l, now_us);
        l->retry_us = sense_state_retry_us(now_us, r);
        if (r < 0) {
                close_log(l);
                sense_state_set(&l->state, SENSOR_FAILED, "cannot start", r);
        }
        return r >= 0;
}

static bool is_peer(const struct established_peer *peer, const struct prefix *p) {
        return p->length == peer->length && memcmp(p->address.bytes, peer->bytes, sizeof peer->bytes) == 0;
}

/* Each prefix once, whatever number of listeners it sends to. */
static uint32_t doubted(const struct observation *o, struct established_peer peers[static LOOK_SOURCES_MAX]) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < o->sources.count && n < LOOK_SOURCES_MAX; i++) {
                const struct obs_source *s = &o->sources.list[i];
                bool known = !source_table_doubts(s);

                for (uint32_t k = 0; k < n && !known; k++)
                        known = is_peer(&peers[k], &s->prefix);
                if (known)
                        continue;
                memcpy(peers[n].bytes, s->prefix.address.bytes, sizeof peers[n].bytes);
                peers[n].length = s->prefix.length;
                n++;
        }
        return n;
}

static void take_in(struct sense_log *l, struct observation *o, const struct established_peer *peer) {
        for (uint32_t i = 0; i < o->sources.count; i++) {
                struct obs_source *s = &o->sources.list[i];

                if (source_table_doubts(s) && is_peer(peer, &s->prefix))
                        source_table_open(syn_log_sources(l->log), peer->count, o->time_us, s);
        }
}

/* A source whose connections last finishes its handshakes although none of them ends. */
static void look_at_open_connections(struct sense_log *l, struct observation *o) {
        struct established_peer peers[ESTABLISHED_PEERS_MAX];
        uint64_t cost_us;
        uint32_t n;
        int r;

        if (o->time_us >= l->look_due_us) {
                memset(peers, 0, sizeof peers);
                n = doubted(o, peers);
                if (n > 0 && peer_counter_ask(l->peers, PEER_COUNTER_LOG, peers, n, o->time_us) == 0)
                        l->look_due_us = o->time_us + LOOK_US;
        }
        r = peer_counter_answer(l->peers, PEER_COUNTER_LOG, o->time_us, peers, &n, &cost_us);
        if (r < 0)
                return;
        for (uint32_t i = 0; i < n; i++)
                take_in(l, o, &peers[i]);
        if (cost_us > LOOK_US / LOOK_CPU_SHARE_INVERSE)
                l->look_due_us = o->time_us + cost_us * LOOK_CPU_SHARE_INVERSE;
}

void sense_log_preview(struct sense_log *l, struct observation *o) {
        uint64_t syns;

        if (!l->log || receive(l) < 0 ||
            (syn_log_state(l->log) != SENSOR_OK && syn_log_state(l->log) != SENSOR_DEGRADED))
                return;
        syns = syn_log_counts(l->log).syns;
        observation_set(o, OBS_SYNS, syns - l->previewed_syns);
        l->previewed_syns = syns;
}

void sense_log_observe(struct sense_log *l, struct observation *o) {
        o->counters_known &= ~(UINT32_C(1) << OBS_SYNS);
        if (!reopen(l, o->time_us))
                return;
        syn_log_observe(l->log, o->time_us, o);
        look_at_open_connections(l, o);
        sense_state_set(&l->state, syn_log_state(l->log), syn_log_reason(l->log), 0);
}

struct source_table *sense_log_sources(const struct sense_log *l) {
        return l->log ? syn_log_sources(l->log) : NULL;
}

bool sense_log_ended(const struct sense_log *l, uint64_t *ret) {
        return l->log && syn_log_ended(l->log, ret);
}

const struct snapshot_sensor *sense_log_state(const struct sense_log *l) {
        return &l->state;
}
