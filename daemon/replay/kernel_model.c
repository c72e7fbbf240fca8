/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/kernel_model.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
        LEVELS = 16,
        NONE = UINT32_MAX,
};

#define SECOND_US UINT64_C(1000000)
#define TIMEOUT_MAX_US (120 * SECOND_US) /* TCP_RTO_MAX */
#define REPEATS_APART_US (SECOND_US / 2) /* net.ipv4.tcp_invalid_ratelimit */

struct request {
        uint64_t expires_us;
        uint64_t repeated_us; /* when a repeated SYN was last answered; 0: none was */
        struct kernel_model_peer peer;
        uint16_t listener;
        uint32_t tag;
        uint32_t next_in_bucket; /* free: next free one */
        uint32_t previous, next; /* in its level */
        uint8_t timeouts;        /* num_timeout: how often its timer fired */
        uint8_t retrans;         /* num_retrans: how often its SYN-ACK was sent again */
        bool acked;
};

/*
 * Requests whose timer has fired equally often wait equally long, and are
 * armed at the present time: each level is a queue already in order of expiry,
 * and needs no sorting.
 */
struct level {
        uint32_t head, tail;
};

struct listener {
        struct kernel_model_listener settings;
        bool closed;
        uint32_t half_open, young; /* young: never timed out */
        uint32_t accept_queue;
        uint64_t accepted_us; /* the application's time, up to which it has accepted */
        uint64_t drops, syns; /* since the last observation */
};

struct kernel_model {
        struct kernel_model_settings settings;
        uint64_t now_us, next_timer_us;
        uint64_t observed_us;
        bool observed;

        struct request *requests;
        uint32_t requests_max, first_free;
        uint32_t *buckets, buckets_mask;
        struct level levels[LEVELS];

        uint32_t listeners_count;
        struct listener listeners[OBS_LISTENERS_MAX];

        uint64_t counters[OBS_COUNTERS];
};

struct kernel_model_settings kernel_model_defaults(void) {
        return (struct kernel_model_settings) {
                .syncookies = 1,
                .max_syn_backlog = 4096,
                .synack_retries = 5,
        };
}

int kernel_model_new(const struct kernel_model_settings *s, struct kernel_model **ret) {
        struct kernel_model *m;

        if (s->synack_retries >= LEVELS)
                return -EINVAL;
        m = calloc(1, sizeof *m);
        if (!m)
                return -ENOMEM;
        m->settings = *s;
        m->next_timer_us = UINT64_MAX;
        m->first_free = NONE;
        for (unsigned i = 0; i < LEVELS; i++)
                m->levels[i] = (struct level) { .head = NONE, .tail = NONE };
        *ret = m;
        return 0;
}

struct kernel_model *kernel_model_free(struct kernel_model *m) {
        if (m) {
                free(m->requests);
                free(m->buckets);
                free(m);
        }
        return NULL;
}

/* --- the table of requests -------------------------------------------------- */

/* Mixes as the finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) does.
 * Unkeyed: a capture that collides on purpose makes its own replay slow. */
static uint64_t mix(uint64_t x) {
        x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
        return x ^ (x >> 31);
}

static uint32_t *bucket_of(const struct kernel_model *m, unsigned listener, const struct kernel_model_peer *peer) {
        uint64_t high, low;

        memcpy(&high, peer->address.bytes, sizeof high);
        memcpy(&low, peer->address.bytes + sizeof high, sizeof low);
        low = mix(low ^ ((uint64_t) peer->port << 16) ^ listener);
        return &m->buckets[mix(high ^ low) & m->buckets_mask];
}

static bool request_is(const struct request *r, unsigned listener, const struct kernel_model_peer *peer) {
        return r->listener == listener && r->peer.port == peer->port && address_equal(&r->peer.address, &peer->address);
}

static uint32_t find(const struct kernel_model *m, unsigned listener, const struct kernel_model_peer *peer) {
        uint32_t i = *bucket_of(m, listener, peer);

        while (i != NONE && !request_is(&m->requests[i], listener, peer))
                i = m->requests[i].next_in_bucket;
        return i;
}

static void level_append(struct kernel_model *m, uint32_t i) {
        struct request *r = &m->requests[i];
        uint64_t timeout_us = r->timeouts > 7 ? TIMEOUT_MAX_US : SECOND_US << r->timeouts;
        struct level *l = &m->levels[r->timeouts];

        if (timeout_us > TIMEOUT_MAX_US)
                timeout_us = TIMEOUT_MAX_US;
        r->expires_us = m->now_us + timeout_us;
        r->next = NONE;
        r->previous = l->tail;
        if (l->tail == NONE)
                l->head = i;
        else
                m->requests[l->tail].next = i;
        l->tail = i;
        if (r->expires_us < m->next_timer_us)
                m->next_timer_us = r->expires_us;
}

static void level_remove(struct kernel_model *m, uint32_t i) {
        struct request *r = &m->requests[i];
        struct level *l = &m->levels[r->timeouts];

        if (r->previous == NONE)
                l->head = r->next;
        else
                m->requests[r->previous].next = r->next;
        if (r->next == NONE)
                l->tail = r->previous;
        else
                m->requests[r->next].previous = r->previous;
}

static void request_add(struct kernel_model *m, unsigned listener, const struct kernel_model_peer *peer, uint32_t tag) {
        uint32_t *bucket = bucket_of(m, listener, peer), i = m->first_free;
        struct request *r = &m->requests[i];

        assert(i != NONE);
        m->first_free = r->next_in_bucket;
        *r = (struct request) {
                .peer = *peer,
                .listener = (uint16_t) listener,
                .tag = tag,
                .next_in_bucket = *bucket,
        };
        *bucket = i;
        level_append(m, i);
        m->listeners[listener].half_open++;
        m->listeners[listener].young++;
}

static void request_remove(struct kernel_model *m, uint32_t i) {
        struct request *r = &m->requests[i];
        struct listener *l = &m->listeners[r->listener];
        uint32_t *link = bucket_of(m, r->listener, &r->peer);

        while (*link != i)
                link = &m->requests[*link].next_in_bucket;
        *link = r->next_in_bucket;
        level_remove(m, i);
        l->half_open--;
        if (r->timeouts == 0)
                l->young--;
        r->next_in_bucket = m->first_free;
        m->first_free = i;
}

static int table_grow(struct kernel_model *m, uint32_t more) {
        uint32_t max = m->requests_max + more, buckets = 16;
        struct request *requests;
        uint32_t *heads;

        while (buckets < max)
                buckets *= 2;
        heads = malloc(buckets * sizeof *heads);
        if (!heads)
                return -ENOMEM;
        requests = realloc(m->requests, max * sizeof *requests);
        if (!requests) {
                free(heads);
                return -ENOMEM;
        }
        memset(heads, 0xff, buckets * sizeof *heads);
        free(m->buckets);
        m->requests = requests;
        m->buckets = heads;
        m->buckets_mask = buckets - 1;
        for (unsigned n = 0; n < LEVELS; n++)
                for (uint32_t i = m->levels[n].head; i != NONE; i = requests[i].next) {
                        uint32_t *bucket = bucket_of(m, requests[i].listener, &requests[i].peer);

                        requests[i].next_in_bucket = *bucket;
                        *bucket = i;
                }
        for (uint32_t i = max; i-- > m->requests_max;) {
                requests[i].next_in_bucket = m->first_free;
                m->first_free = i;
        }
        m->requests_max = max;
        return 0;
}

/* --- listeners ---------------------------------------------------------------- */

int kernel_model_add_listener(struct kernel_model *m, const struct kernel_model_listener *l, unsigned *ret_listener) {
        int r;

        if (l->backlog == 0 || l->backlog > KERNEL_MODEL_BACKLOG_MAX)
                return -EINVAL;
        if (m->listeners_count == OBS_LISTENERS_MAX)
                return -ENOSPC;
        /* One more than the backlog fits in: the queue is full when it is longer. */
        r = table_grow(m, l->backlog + 1);
        if (r < 0)
                return r;
        *ret_listener = m->listeners_count;
        m->listeners[m->listeners_count++] = (struct listener) {
                .settings = *l,
                .accepted_us = m->now_us,
        };
        return 0;
}

int kernel_model_find_listener(const struct kernel_model *m, const struct address *a, uint16_t port) {
        int best = KERNEL_MODEL_NO_LISTENER, best_score = -1;

        for (unsigned i = 0; i < m->listeners_count; i++) {
                const struct listener_key *k = &m->listeners[i].settings.key;
                int score;

                if (m->listeners[i].closed || k->port != port)
                        continue;
                if (address_equal(&k->address, a))
                        score = 2;
                else if (address_is_wildcard(&k->address) && address_is_ipv4(&k->address) == address_is_ipv4(a))
                        score = 1;
                else if (address_is_wildcard(&k->address) && !address_is_ipv4(&k->address))
                        score = 0; /* [::] serves both families */
                else
                        continue;
                if (score > best_score) {
                        best = (int) i;
                        best_score = score;
                }
        }
        return best;
}

void kernel_model_close_listener(struct kernel_model *m, unsigned listener) {
        m->listeners[listener].closed = true;
        m->listeners[listener].accept_queue = 0;
}

/* Lets the application accept what it had time for since it was last looked at. */
static void drain(struct kernel_model *m, struct listener *l) {
        uint64_t rate = l->settings.accepts_per_s, n;

        if (rate == KERNEL_MODEL_AT_ONCE) {
                l->accept_queue = 0;
                return;
        }
        if (l->accept_queue == 0 || rate == 0) {
                l->accepted_us = m->now_us;
                return;
        }
        n = (m->now_us - l->accepted_us) * rate / SECOND_US;
        if (n >= l->accept_queue) {
                l->accept_queue = 0;
                l->accepted_us = m->now_us;
        } else {
                l->accept_queue -= (uint32_t) n;
                l->accepted_us += n * SECOND_US / rate;
        }
}

void kernel_model_set_accepts(struct kernel_model *m, uint64_t time_us, unsigned listener, uint32_t accepts_per_s) {
        kernel_model_advance(m, time_us);
        drain(m, &m->listeners[listener]);
        m->listeners[listener].settings.accepts_per_s = accepts_per_s;
}

void kernel_model_set_syncookies(struct kernel_model *m, uint8_t value) {
        m->settings.syncookies = value;
}

uint8_t kernel_model_syncookies(const struct kernel_model *m) {
        return m->settings.syncookies;
}

static bool accept_queue_full(struct kernel_model *m, struct listener *l) {
        drain(m, l);
        return l->accept_queue > l->settings.backlog;
}

/* --- timers --------------------------------------------------------------------- */

/*
 * How often a request may time out. While the queue is more than half full,
 * old requests have to make room, the more so the fewer of them are young.
 */
static uint32_t retries_allowed(const struct kernel_model *m, const struct listener *l) {
        uint64_t most = m->settings.synack_retries, young = (uint64_t) l->young * 2;
        uint32_t room = l->settings.backlog > 8 ? l->settings.backlog : 8;

        if ((uint64_t) l->half_open * 2 > room)
                for (; most > 2 && l->half_open >= young; young *= 2)
                        most--;
        return (uint32_t) most;
}

static void send_again(struct kernel_model *m, struct request *r) {
        if (r->retrans < UINT8_MAX)
                r->retrans++;
        m->counters[OBS_SYN_RETRANS]++;
}

static void timer_fires(struct kernel_model *m, uint32_t i) {
        struct request *r = &m->requests[i];
        struct listener *l = &m->listeners[r->listener];
        uint32_t defer = l->settings.defer_retries, allowed = retries_allowed(m, l);
        bool expire = r->timeouts >= allowed, resend = true;

        if (defer) {
                expire = expire && (!r->acked || r->timeouts >= defer);
                resend = !r->acked || r->timeouts + 1U >= defer;
        }
        if (expire || l->closed) {
                request_remove(m, i);
                return;
        }
        level_remove(m, i);
        if (r->timeouts == 0)
                l->young--;
        if (r->timeouts < LEVELS - 1)
                r->timeouts++;
        level_append(m, i);
        if (resend) {
                send_again(m, r);
                if (m->settings.resent)
                        m->settings.resent(m->settings.userdata, m->now_us, r->tag);
        }
}

static uint32_t next_due(const struct kernel_model *m, uint64_t *ret_time_us) {
        uint64_t first_us = UINT64_MAX;
        uint32_t first = NONE;

        for (unsigned n = 0; n < LEVELS; n++) {
                uint32_t i = m->levels[n].head;

                if (i != NONE && m->requests[i].expires_us < first_us) {
                        first_us = m->requests[i].expires_us;
                        first = i;
                }
        }
        *ret_time_us = first_us;
        return first;
}

void kernel_model_advance(struct kernel_model *m, uint64_t time_us) {
        while (m->next_timer_us <= time_us) {
                uint32_t i = next_due(m, &m->next_timer_us);

                if (m->next_timer_us > time_us)
                        break; /* the one it was set for has gone */
                m->now_us = m->next_timer_us;
                timer_fires(m, i);
        }
        if (time_us > m->now_us)
                m->now_us = time_us;
}

/* --- packets ---------------------------------------------------------------------- */

static enum kernel_model_answer dropped(struct kernel_model *m, struct listener *l) {
        m->counters[OBS_LISTEN_DROPS]++;
        l->drops++;
        return KERNEL_DROPPED;
}

static enum kernel_model_answer refused(struct kernel_model *m) {
        m->counters[OBS_OUT_RSTS]++;
        return KERNEL_REFUSED;
}

/* A SYN for a request that exists: tcp_check_req() answers it again and starts its timer anew, but for one
 * that follows within half a second on another (tcp_oow_rate_limited()). */
static enum kernel_model_answer repeated(struct kernel_model *m, uint32_t i) {
        struct request *r = &m->requests[i];

        if (r->repeated_us && m->now_us - r->repeated_us < REPEATS_APART_US)
                return KERNEL_REPEATED;
        r->repeated_us = m->now_us;
        send_again(m, r);
        level_remove(m, i);
        level_append(m, i);
        return KERNEL_REPEATED;
}

static enum kernel_model_answer conn_request(struct kernel_model *m, unsigned listener,
                                             const struct kernel_model_peer *peer, uint32_t tag) {
        struct listener *l = &m->listeners[listener];
        uint32_t limit = m->settings.max_syn_backlog, q = l->half_open;
        bool cookie = false;

        if (m->settings.syncookies == 2 || q > l->settings.backlog) {
                if (m->settings.syncookies == 0) {
                        m->counters[OBS_QUEUE_FULL_DROPS]++;
                        return dropped(m, l);
                }
                m->counters[OBS_QUEUE_FULL_COOKIES]++;
                cookie = true;
        }
        if (accept_queue_full(m, l)) {
                m->counters[OBS_LISTEN_OVERFLOWS]++;
                return dropped(m, l);
        }
        if (cookie) {
                m->counters[OBS_COOKIES_SENT]++;
                return KERNEL_COOKIE;
        }
        if (m->settings.syncookies == 0 && (int64_t) limit - q < (int64_t) (limit >> 2))
                return dropped(m, l);
        request_add(m, listener, peer, tag);
        return KERNEL_QUEUED;
}

enum kernel_model_answer kernel_model_syn(struct kernel_model *m, uint64_t time_us, int listener,
                                          const struct kernel_model_peer *peer, uint32_t tag) {
        uint32_t i;

        kernel_model_advance(m, time_us);
        m->counters[OBS_IN_SEGMENTS]++;
        m->counters[OBS_SYNS]++;
        if (listener < 0 || m->listeners[listener].closed)
                return refused(m);
        m->listeners[listener].syns++;
        i = find(m, (unsigned) listener, peer);
        if (i != NONE)
                return repeated(m, i);
        return conn_request(m, (unsigned) listener, peer, tag);
}

static enum kernel_model_ack overflow(struct kernel_model *m, struct listener *l) {
        m->counters[OBS_LISTEN_OVERFLOWS]++;
        dropped(m, l);
        return KERNEL_ACK_OVERFLOW;
}

static enum kernel_model_ack complete(struct kernel_model *m, struct listener *l) {
        m->counters[OBS_PASSIVE_OPENS]++;
        l->accept_queue++;
        return KERNEL_ACK_COMPLETED;
}

static enum kernel_model_ack cookie_ack(struct kernel_model *m, struct listener *l, unsigned flags) {
        if (!(flags & KERNEL_ACK_VALID_COOKIE) || m->settings.syncookies == 0) {
                refused(m);
                return KERNEL_ACK_STRAY;
        }
        m->counters[OBS_COOKIES_RECEIVED]++;
        return accept_queue_full(m, l) ? overflow(m, l) : complete(m, l);
}

enum kernel_model_ack kernel_model_ack(struct kernel_model *m, uint64_t time_us, int listener,
                                       const struct kernel_model_peer *peer, unsigned flags) {
        struct listener *l;
        uint32_t i;

        kernel_model_advance(m, time_us);
        m->counters[OBS_IN_SEGMENTS]++;
        if (listener < 0 || m->listeners[listener].closed) {
                refused(m);
                return KERNEL_ACK_STRAY;
        }
        l = &m->listeners[listener];
        i = find(m, (unsigned) listener, peer);
        if (i == NONE)
                return cookie_ack(m, l, flags);
        if (!(flags & KERNEL_ACK_DATA) && m->requests[i].timeouts < l->settings.defer_retries) {
                m->requests[i].acked = true;
                return KERNEL_ACK_DEFERRED;
        }
        if (accept_queue_full(m, l)) {
                m->requests[i].acked = true;
                return overflow(m, l);
        }
        request_remove(m, i);
        return complete(m, l);
}

bool kernel_model_rst(struct kernel_model *m, uint64_t time_us, int listener, const struct kernel_model_peer *peer) {
        uint32_t i;

        kernel_model_advance(m, time_us);
        m->counters[OBS_IN_SEGMENTS]++;
        if (listener < 0 || m->listeners[listener].closed)
                return false;
        i = find(m, (unsigned) listener, peer);
        if (i == NONE)
                return false;
        m->counters[OBS_EMBRYONIC_RSTS]++;
        m->counters[OBS_ATTEMPT_FAILS]++;
        request_remove(m, i);
        return true;
}

void kernel_model_refuse(struct kernel_model *m, uint64_t time_us, int listener, const struct kernel_model_peer *peer) {
        uint32_t i;

        kernel_model_advance(m, time_us);
        if (listener < 0 || m->listeners[listener].closed)
                return;
        m->counters[OBS_OUT_RSTS]++;
        i = find(m, (unsigned) listener, peer);
        if (i != NONE)
                request_remove(m, i);
}

void kernel_model_segments(struct kernel_model *m, uint64_t count) {
        m->counters[OBS_IN_SEGMENTS] += count;
}

/* --- what the sensors see ------------------------------------------------------------ */

bool kernel_model_has(const struct kernel_model *m, int listener, const struct kernel_model_peer *peer) {
        return listener >= 0 && find(m, (unsigned) listener, peer) != NONE;
}

uint32_t kernel_model_half_open(const struct kernel_model *m, unsigned listener) {
        return m->listeners[listener].half_open;
}

void kernel_model_each_half_open(const struct kernel_model *m, kernel_model_each *each, void *userdata) {
        for (unsigned n = 0; n < LEVELS; n++)
                for (uint32_t i = m->levels[n].head; i != NONE; i = m->requests[i].next)
                        each(userdata, m->requests[i].listener, &m->requests[i].peer);
}

/*
 * Only what inet_diag reports may be used here: retrans and the rest of the
 * timer. Where these mislead (a repeated SYN makes a request look older, a
 * deferred one looks young in the last second before each time-out), the
 * sensor is misled, and so is its model.
 */
static void observe_request(const struct kernel_model *m, const struct request *r, struct observation *o) {
        const struct listener *l = &m->listeners[r->listener];
        uint64_t expires_us = r->expires_us - m->now_us;
        uint32_t doublings = r->retrans < LEVELS ? r->retrans : LEVELS;
        struct obs_listener *ol = l->closed ? NULL : &o->listeners[r->listener];

        o->half_open++;
        if (r->retrans)
                o->aged++;
        if (!ol)
                o->ghosts++;
        else
                ol->half_open++;
        if (expires_us > SECOND_US << doublings) {
                o->deferred++;
                if (ol)
                        ol->deferred++;
        } else if (ol)
                ol->age[obs_age_bin((SECOND_US << (doublings + 1)) - SECOND_US - expires_us)]++;
}

static void observe_listener(struct kernel_model *m, struct listener *l, struct obs_listener *o) {
        drain(m, l);
        *o = (struct obs_listener) {
                .key = l->settings.key,
                .known = OBS_L_LIMITS | OBS_L_HALF_OPEN | OBS_L_DROPS | OBS_L_SYNS,
                .sockets = 1,
                .backlog = l->settings.backlog,
                .accept_queue = l->accept_queue,
                .accept_full = l->accept_queue > l->settings.backlog,
                .drops = l->drops,
                .syns = l->syns,
        };
        l->drops = 0;
        l->syns = 0;
}

/* Requests were counted by the listener's number; from here on the record has only open ones. */
static void leave_out_closed(const struct kernel_model *m, struct observation *o) {
        uint32_t n = 0;

        for (unsigned i = 0; i < m->listeners_count; i++)
                if (!m->listeners[i].closed)
                        o->listeners[n++] = o->listeners[i];
        o->listeners_count = n;
}

void kernel_model_observe(struct kernel_model *m, uint64_t time_us, struct observation *ret) {
        kernel_model_advance(m, time_us);
        memset(ret, 0, offsetof(struct observation, listeners));
        memset(&ret->sources, 0, offsetof(struct obs_sources, list));
        ret->time_us = ret->realtime_us = m->now_us;
        ret->elapsed_us = m->observed ? m->now_us - m->observed_us : 0;
        ret->known = OBS_K_DUMP | OBS_K_LISTENERS | OBS_K_SYNCOOKIES | OBS_K_SYNACK_RETRIES;
        ret->syncookies = m->settings.syncookies;
        ret->synack_retries = m->settings.synack_retries;
        ret->sensors[SENSOR_SOCK_DIAG] = ret->sensors[SENSOR_NETSTAT] = SENSOR_OK;
        ret->sensors[SENSOR_NFLOG] = SENSOR_OFF;
        ret->sample_one_in = 0;
        ret->log_received = ret->log_lost = 0;
        for (unsigned c = 0; c < OBS_COUNTERS; c++)
                observation_set(ret, (enum obs_counter) c, m->counters[c]);
        memset(m->counters, 0, sizeof m->counters);
        for (unsigned i = 0; i < m->listeners_count; i++)
                observe_listener(m, &m->listeners[i], &ret->listeners[i]);
        for (unsigned n = 0; n < LEVELS; n++)
                for (uint32_t i = m->levels[n].head; i != NONE; i = m->requests[i].next)
                        observe_request(m, &m->requests[i], ret);
        leave_out_closed(m, ret);
        m->observed = true;
        m->observed_us = m->now_us;
}
