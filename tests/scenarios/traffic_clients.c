/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP clients, each with its timers, and the path that some of them share. */
#include "tests/scenarios/traffic_internal.h"

#include <stdlib.h>

/* Shorter queues are not worth an event. */
#define AT_ONCE_US 1000.0

enum { DATA_LOST_MAX = 8 };

/* --- pools ------------------------------------------------------------------------- */

static void *grown(void *p, uint32_t *max, size_t size) {
        *max = *max ? *max * 2 : 1024;
        p = realloc(p, *max * size);
        if (!p)
                abort();
        return p;
}

static uint32_t event_new(struct traffic *t) {
        uint32_t i = t->free_event;

        if (i == NONE) {
                uint32_t old = t->events_max;

                t->events = grown(t->events, &t->events_max, sizeof *t->events);
                for (uint32_t n = t->events_max; n-- > old;) {
                        t->events[n].next = t->free_event;
                        t->free_event = n;
                }
                i = t->free_event;
        }
        t->free_event = t->events[i].next;
        return i;
}

static void add_event_queued(struct traffic *t, uint64_t time_us, enum event_kind kind, uint32_t client, bool queued) {
        uint64_t ms = time_us / SLOT_US;
        uint32_t i = event_new(t), slot;

        if (ms < t->wheel_ms)
                ms = t->wheel_ms;
        if (ms >= t->wheel_ms + WHEEL_SLOTS)
                ms = t->wheel_ms + WHEEL_SLOTS - 1;
        slot = (uint32_t) (ms % WHEEL_SLOTS);
        if (!(t->wheel_used[slot / 64] & UINT64_C(1) << slot % 64)) {
                t->wheel_used[slot / 64] |= UINT64_C(1) << slot % 64;
                t->wheel[slot] = NONE;
        }
        t->events[i] = (struct event) {
                .time_us = time_us,
                .next = t->wheel[slot],
                .client = client,
                .kind = (uint8_t) kind,
                .queued = queued,
                .generation = t->clients[client].generation,
        };
        t->wheel[slot] = i;
        if (ms < t->wheel_next_ms)
                t->wheel_next_ms = ms;
}

static void add_event(struct traffic *t, uint64_t time_us, enum event_kind kind, uint32_t client) {
        add_event_queued(t, time_us, kind, client, false);
}

static uint32_t client_new(struct traffic *t) {
        uint32_t i = t->free_client;
        uint16_t generation;

        if (i == NONE) {
                uint32_t old = t->clients_max;

                t->clients = grown(t->clients, &t->clients_max, sizeof *t->clients);
                if (t->clients_max > 1U << CLIENT_BITS)
                        abort();
                for (uint32_t n = t->clients_max; n-- > old;) {
                        t->clients[n] = (struct client) { .next_free = t->free_client };
                        t->free_client = n;
                }
                i = t->free_client;
        }
        t->free_client = t->clients[i].next_free;
        generation = t->clients[i].generation;
        t->clients[i] = (struct client) { .generation = generation, .answered_us = UINT64_MAX };
        return i;
}

/* Its events that are still to come find another generation, and pass. */
static void client_done(struct traffic *t, uint32_t i) {
        t->clients[i].generation++;
        t->clients[i].next_free = t->free_client;
        t->free_client = i;
}

static uint32_t tag_of(const struct traffic *t, uint32_t i) {
        return ((uint32_t) (uint8_t) t->clients[i].generation << CLIENT_BITS) | i;
}

static const struct population *population_of(const struct traffic *t, uint32_t client) {
        return &t->settings->populations[t->clients[client].population];
}

/* --- the way -------------------------------------------------------------------------- */

/* Packets take their place in the path's queue. NAN: there is none for them. */
static double path_delay_us(struct traffic *t, uint64_t now_us, enum way way) {
        double wait_us = fmax(0, t->path_free_us[way] - (double) now_us);

        if (wait_us > t->settings->path.queue_s * 1e6)
                return NAN;
        t->path_free_us[way] = (double) now_us + wait_us + 1e6 / t->settings->path.packets_per_s;
        return wait_us;
}

/* A connection's own packets, as many as there is room for. */
static void load_path(struct traffic *t, uint64_t now_us, enum way way, double packets) {
        double most_us = (double) now_us + t->settings->path.queue_s * 1e6;
        double free_us = fmax(t->path_free_us[way], (double) now_us);

        t->path_free_us[way] = fmax(free_us, fmin(most_us, free_us + packets * 1e6 / t->settings->path.packets_per_s));
}

static uint64_t rtt_us(struct traffic *t, uint32_t i) {
        return t->clients[i].rtt_us + t->more_rtt_us +
               (t->no_cpu_us ? (uint64_t) (chance_unit(&t->chance) * (double) t->no_cpu_us) : 0);
}

static bool lost(struct traffic *t, uint32_t client, double more) {
        const struct population *p = population_of(t, client);

        return chance_happens(&t->chance, p->loss) || chance_happens(&t->chance, more);
}

/* --- a client --------------------------------------------------------------------------- */

static struct traffic_ledger *ledger_of(struct traffic *t, uint32_t i) {
        return &t->truth.ledger[population_of(t, i)->listener];
}

static void failed(struct traffic *t, uint32_t i) {
        if (population_of(t, i)->kind != POPULATION_HONEST)
                return;
        t->truth.honest_failed++;
        ledger_of(t, i)->unfinished += t->clients[i].taken;
}

/* 1, 2, 4 … s after each SYN the next: at 1, 3, 7 s. Asked for when it is known that it will be due. */
static uint64_t patience_us(const struct client *c) {
        return SECOND_US << (c->attempts - 1);
}

static void arm_retry(struct traffic *t, uint64_t now_us, uint32_t i) {
        struct client *c = &t->clients[i];
        uint64_t due_us = c->sent_us + patience_us(c);

        if (c->armed == c->attempts)
                return;
        c->armed = c->attempts;
        /* A few ms late: the client's clock is not the server's. */
        add_event(t, (due_us > now_us ? due_us : now_us) + chance_below(&t->chance, 8000), EVENT_SYN, i);
}

/* It got an RST: the application tries anew, or it is lost. */
static void turned_away(struct traffic *t, uint64_t now_us, uint32_t i) {
        const struct population *p = population_of(t, i);
        struct client *c = &t->clients[i];

        failed(t, i);
        if (!(p->again_s > 0)) {
                client_done(t, i);
                return;
        }
        c->generation++;
        c->attempts = c->armed = c->data_tries = c->data_lost = 0;
        c->cookie = c->taken = c->data_begun = false;
        c->answered_us = UINT64_MAX;
        c->peer.port = (uint16_t) (1024 + chance_below(&t->chance, 64512));
        c->handshake = ++t->handshakes;
        add_event(t, now_us + c->rtt_us + (uint64_t) (1e6 * p->again_s * (0.5 + chance_unit(&t->chance))), EVENT_SYN,
                  i);
}

/* A SYN-ACK is on its way to it; its ACK, or what comes instead, will be. */
static void synack_sent(struct traffic *t, uint64_t now_us, uint32_t i) {
        struct client *c = &t->clients[i];
        double queue_us = population_of(t, i)->on_path ? path_delay_us(t, now_us, WAY_OUT) : 0;
        uint64_t at_us;

        if (lost(t, i, t->return_loss) || isnan(queue_us)) {
                if (c->answered_us == UINT64_MAX)
                        arm_retry(t, now_us, i);
                return;
        }
        at_us = now_us + rtt_us(t, i) + (uint64_t) queue_us;
        if (at_us < c->answered_us)
                c->answered_us = at_us;
        if (c->answered_us > c->sent_us + patience_us(c))
                arm_retry(t, now_us, i);
        add_event(t, at_us, EVENT_ACK, i);
}

void traffic_clients_resent(void *userdata, uint64_t time_us, uint32_t tag) {
        struct traffic *t = userdata;
        uint32_t i = tag & ((1U << CLIENT_BITS) - 1);

        if (tag == NONE || (uint8_t) t->clients[i].generation != tag >> CLIENT_BITS)
                return;
        if (population_of(t, i)->kind == POPULATION_HONEST) /* the others have had one */
                synack_sent(t, time_us, i);
}

void traffic_note_answer(struct traffic *t, const struct population *p, enum kernel_model_answer answer) {
        struct traffic_ledger *l = &t->truth.ledger[p->listener];

        if (p->destination != DESTINATION_LISTENER)
                return;
        l->refused += answer == KERNEL_DROPPED;
        if (p->kind == POPULATION_HONEST || (answer != KERNEL_QUEUED && answer != KERNEL_COOKIE))
                return;
        if (p->kind == POPULATION_RST && !p->attack)
                l->checked++;
        else
                l->unfinished++;
}

static void answered(struct traffic *t, uint64_t now_us, uint32_t i, bool cookie) {
        struct client *c = &t->clients[i];

        c->cookie = cookie;
        c->taken = true;
        if (population_of(t, i)->kind == POPULATION_RST)
                add_event(t, now_us + rtt_us(t, i), EVENT_RST, i);
        else
                synack_sent(t, now_us, i);
}

static void syn_arrives(struct traffic *t, uint64_t now_us, uint32_t i) {
        const struct population *p = population_of(t, i);
        struct client *c = &t->clients[i];
        enum kernel_model_answer answer;

        traffic_sensors_syn(t, c->population, &c->peer, c->handshake);
        t->populations[c->population].repeats += c->attempts > 1;
        answer = kernel_model_syn(t->kernel, now_us, listener_of(t, p), &c->peer, tag_of(t, i));
        traffic_note_answer(t, p, answer);
        switch (answer) {
        case KERNEL_REFUSED:
                turned_away(t, now_us, i);
                break;
        case KERNEL_DROPPED:
                if (p->kind == POPULATION_RST)
                        client_done(t, i);
                else
                        arm_retry(t, now_us, i);
                break;
        case KERNEL_COOKIE:
        case KERNEL_QUEUED:
        case KERNEL_REPEATED:
                answered(t, now_us, i, answer == KERNEL_COOKIE);
                break;
        }
}

/* The log is told of a connection when it ends; until then only a look at the open ones knows of it. */
static void client_open(struct traffic *t, uint64_t end_us, uint32_t i) {
        if (!t->table) {
                client_done(t, i);
                return;
        }
        t->clients[i].generation++;
        t->clients[i].open = true;
        add_event(t, end_us, EVENT_END, i);
}

static void connection_ends(struct traffic *t, uint32_t i) {
        t->clients[i].open = false;
        traffic_sensors_ended(t, t->clients[i].population, &t->clients[i].peer);
        client_done(t, i);
}

static void connected(struct traffic *t, uint64_t now_us, uint32_t i) {
        const struct population *p = population_of(t, i);
        double ticks = chance_exponential(&t->chance, p->lasts_s > 0 ? p->lasts_s : 5) * 1e6 / (double) TRAFFIC_TICK_US;

        double end_us = (double) now_us + ticks * (double) TRAFFIC_TICK_US;

        if (ticks < FIN_SLOTS - 1)
                t->fins[(t->ticks + 1 + (uint64_t) ticks) % FIN_SLOTS]++;
        t->populations[t->clients[i].population].completions++;
        t->truth.honest_connected++;
        ledger_of(t, i)->finished++;
        if (p->on_path) {
                load_path(t, now_us, WAY_OUT, t->settings->path.connection_packets);
                load_path(t, now_us, WAY_IN, t->settings->path.connection_packets / 2.0);
        }
        client_open(t, (uint64_t) end_us, i);
}

static uint64_t data_timeout_us(const struct client *c, unsigned tries) {
        return (200000 + 2 * (uint64_t) c->rtt_us) << tries;
}

static void ack_arrives(struct traffic *t, uint64_t now_us, uint32_t i, bool data) {
        const struct population *p = population_of(t, i);
        struct client *c = &t->clients[i];
        unsigned flags = (data ? KERNEL_ACK_DATA : 0) | (c->cookie ? KERNEL_ACK_VALID_COOKIE : 0);

        switch (kernel_model_ack(t->kernel, now_us, listener_of(t, p), &c->peer, flags)) {
        case KERNEL_ACK_COMPLETED:
                connected(t, now_us, i);
                break;
        case KERNEL_ACK_DEFERRED:
                if (c->data_tries++ == 0)
                        add_event(t, now_us + (uint64_t) (1e6 * chance_exponential(&t->chance, p->data_after_s)),
                                  EVENT_DATA, i);
                break;
        case KERNEL_ACK_OVERFLOW:
                if (c->data_tries >= 6) {
                        failed(t, i);
                        client_done(t, i);
                        break;
                }
                add_event(t, now_us + data_timeout_us(c, c->data_tries), EVENT_DATA, i);
                c->data_tries++;
                break;
        case KERNEL_ACK_STRAY:
                turned_away(t, now_us, i);
                break;
        }
}

/* --- its packets -------------------------------------------------------------------------- */

static void packet_lost(struct traffic *t, uint64_t now_us, uint32_t i, enum event_kind kind) {
        struct client *c = &t->clients[i];

        switch (kind) {
        case EVENT_SYN:
                arm_retry(t, now_us, i);
                break;
        case EVENT_ACK: /* its first data say the same */
                if (!c->data_begun)
                        add_event(t, now_us + 1000, EVENT_DATA, i);
                c->data_begun = true;
                break;
        case EVENT_DATA:
                if (c->data_lost >= DATA_LOST_MAX) {
                        failed(t, i);
                        client_done(t, i);
                        break;
                }
                add_event(t, now_us + data_timeout_us(c, c->data_lost), EVENT_DATA, i);
                c->data_lost++;
                break;
        case EVENT_RST:
        case EVENT_END:
                break;
        }
}

static void packet_arrives(struct traffic *t, uint64_t now_us, uint32_t i, enum event_kind kind) {
        switch (kind) {
        case EVENT_SYN:
                syn_arrives(t, now_us, i);
                break;
        case EVENT_ACK:
        case EVENT_DATA:
                ack_arrives(t, now_us, i, kind == EVENT_DATA);
                break;
        case EVENT_RST:
                traffic_sensors_rst(t, &t->clients[i].peer);
                kernel_model_rst(t->kernel, now_us, listener_of(t, population_of(t, i)), &t->clients[i].peer);
                client_done(t, i);
                break;
        case EVENT_END:
                break;
        }
}

static void packet_sent(struct traffic *t, uint64_t now_us, uint32_t i, enum event_kind kind) {
        double queue_us = population_of(t, i)->on_path ? path_delay_us(t, now_us, WAY_IN) : 0;

        /* Whoever answers by RST is not asked to be reliable. */
        if (isnan(queue_us) ||
            (kind != EVENT_RST && lost(t, i, kind == EVENT_SYN ? t->forward_loss : fmax(t->forward_loss, t->ack_loss))))
                packet_lost(t, now_us, i, kind);
        else if (queue_us > AT_ONCE_US)
                add_event_queued(t, now_us + (uint64_t) queue_us, kind, i, true);
        else
                packet_arrives(t, now_us, i, kind);
}

/* False: it is not sent. */
static bool syn_is_sent(struct traffic *t, uint64_t now_us, uint32_t i) {
        const struct population *p = population_of(t, i);
        struct client *c = &t->clients[i];

        if (c->answered_us <= now_us)
                return false; /* a retry that was not needed */
        if (c->attempts >= (p->attempts ? p->attempts : 4)) {
                failed(t, i);
                client_done(t, i);
                return false;
        }
        c->attempts++;
        c->sent_us = now_us;
        if (p->on_path) /* the answer may be late wherever the queue is */
                arm_retry(t, now_us, i);
        return true;
}

void traffic_clients_event(struct traffic *t, const struct event *e) {
        enum event_kind kind = (enum event_kind) e->kind;

        if (t->clients[e->client].generation != e->generation)
                return;
        if (e->time_us / SLOT_US >= t->wheel_ms) /* farther away than the wheel is long */
                add_event_queued(t, e->time_us, kind, e->client, e->queued);
        else if (kind == EVENT_END)
                connection_ends(t, e->client);
        else if (e->queued)
                packet_arrives(t, e->time_us, e->client, kind);
        else if (kind != EVENT_SYN || syn_is_sent(t, e->time_us, e->client))
                packet_sent(t, e->time_us, e->client, kind);
}

void traffic_clients_begin(struct traffic *t, uint64_t now_us, unsigned population,
                           const struct kernel_model_peer *peer) {
        uint32_t i = client_new(t);

        t->clients[i].peer = *peer;
        t->clients[i].handshake = ++t->handshakes;
        t->clients[i].population = (uint8_t) population;
        t->clients[i].rtt_us = t->populations[population].rtt_us[chance_below(&t->chance, RTTS)];
        t->truth.honest_asked += t->settings->populations[population].kind == POPULATION_HONEST;
        syn_is_sent(t, now_us, i);
        packet_sent(t, now_us, i, EVENT_SYN);
}
