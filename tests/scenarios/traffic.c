/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/scenarios/traffic_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/keys.h"

/* --- pools ------------------------------------------------------------------------- */

static void *grown(void *p, uint32_t *max, size_t size) {
        *max = *max ? *max * 2 : 1024;
        p = realloc(p, *max * size);
        if (!p)
                abort();
        return p;
}

static void add_event(struct traffic *t, uint64_t time_us, enum event_kind kind, uint32_t client) {
        uint64_t ms = time_us / SLOT_US;
        uint32_t i = t->free_event, slot;

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
                .generation = t->clients[client].generation,
        };
        t->wheel[slot] = i;
        if (ms < t->wheel_next_ms)
                t->wheel_next_ms = ms;
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

/* --- clients ------------------------------------------------------------------------ */

static uint16_t random_port(struct traffic *t) {
        return (uint16_t) (1024 + chance_below(&t->chance, 64512));
}

static const struct population *population_of(const struct traffic *t, uint32_t client) {
        return &t->settings->populations[t->clients[client].population];
}

static bool lost(struct traffic *t, uint32_t client, double more) {
        const struct population *p = population_of(t, client);

        return chance_happens(&t->chance, p->loss) || chance_happens(&t->chance, more);
}

static void retry_syn(struct traffic *t, uint64_t now_us, uint32_t i) {
        struct client *c = &t->clients[i];
        unsigned most = population_of(t, i)->attempts ? population_of(t, i)->attempts : 4;

        if (c->attempts >= most) {
                t->truth.honest_failed++;
                client_done(t, i);
                return;
        }
        /* A few ms late: the client's clock is not the server's. */
        add_event(t, now_us + (SECOND_US << (c->attempts - 1)) + chance_below(&t->chance, 8000),
                  EVENT_SYN, i);
}

/* Where the client's packets go. */
static int listener_of(const struct traffic *t, const struct population *p) {
        return p->listener < 0 ? p->listener : (int) t->in_kernel[p->listener];
}

/* It got an RST: the application tries anew, or it is lost. */
static void turned_away(struct traffic *t, uint64_t now_us, uint32_t i) {
        const struct population *p = population_of(t, i);
        struct client *c = &t->clients[i];

        t->truth.honest_failed += p->kind == POPULATION_HONEST;
        if (!(p->again_s > 0)) {
                client_done(t, i);
                return;
        }
        c->generation++;
        c->attempts = c->data_tries = 0;
        c->cookie = false;
        c->answered_us = UINT64_MAX;
        c->peer.port = random_port(t);
        add_event(t, now_us + c->rtt_us + (uint64_t) (1e6 * p->again_s * (0.5 + chance_unit(&t->chance))),
                  EVENT_SYN, i);
}

/* The client has its SYN-ACK: its ACK, or what comes instead, is on its way. */
static void answer(struct traffic *t, uint64_t now_us, uint32_t i) {
        const struct population *p = population_of(t, i);
        struct client *c = &t->clients[i];

        if (c->answered_us == UINT64_MAX)
                c->answered_us = now_us + c->rtt_us / 2;
        if (!lost(t, i, t->forward_loss)) {
                add_event(t, now_us + c->rtt_us, EVENT_ACK, i);
                return;
        }
        if (p->server_first && !c->cookie)
                return; /* until the SYN-ACK comes again */
        if (p->server_first || lost(t, i, t->forward_loss))
                add_event(t, now_us + c->rtt_us + c->rtt_us * 2 + 200000, EVENT_DATA, i);
        else
                add_event(t, now_us + c->rtt_us + 1000, EVENT_DATA, i);
}

static void synack_sent(struct traffic *t, uint64_t now_us, uint32_t i, bool retry) {
        struct client *c = &t->clients[i];

        if (population_of(t, i)->kind == POPULATION_RST) {
                if (retry)
                        add_event(t, now_us + c->rtt_us, EVENT_RST, i);
                return;
        }
        if (!lost(t, i, t->return_loss)) {
                if (retry && c->answered_us == UINT64_MAX && c->rtt_us > SECOND_US)
                        add_event(t, now_us + SECOND_US, EVENT_SYN, i);
                answer(t, now_us, i);
        } else if (retry && c->answered_us == UINT64_MAX)
                retry_syn(t, now_us, i);
}

static void on_resent(void *userdata, uint64_t time_us, uint32_t tag) {
        struct traffic *t = userdata;
        uint32_t i = tag & ((1U << CLIENT_BITS) - 1);

        if (tag == NONE || (uint8_t) t->clients[i].generation != tag >> CLIENT_BITS)
                return;
        synack_sent(t, time_us, i, false);
}

static struct address traffic_local_address(bool ipv6) {
        static const struct address of_ipv6 = { .bytes = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } };

        return ipv6 ? of_ipv6 : address_from_ipv4(0x016433c6); /* 198.51.100.1 */
}

/* What the log is told of it. */
static void log_syn(struct traffic *t, unsigned population, const struct kernel_model_peer *peer) {
        int listener = t->settings->populations[population].listener;
        bool ipv6 = t->settings->populations[population].ipv6;
        struct syn syn = {
                .source = peer->address,
                .destination = traffic_local_address(ipv6),
                .source_port = peer->port,
                .sequence = peer->port * UINT32_C(2654435761), /* the same when it is sent again */
                .destination_port = listener >= 0 ? t->settings->listeners[listener].port
                                                  : (uint16_t) chance_below(&t->chance, 65536),
        };

        t->truth.syns++;
        t->truth.attack_syns += t->settings->populations[population].attack;
        t->populations[population].syns++;
        if (!t->table)
                return;
        source_table_add(t->table, &syn, SOURCE_BOTH, 1);
}

static void syn_arrives(struct traffic *t, uint64_t now_us, uint32_t i) {
        struct client *c = &t->clients[i];

        if (c->answered_us <= now_us)
                return; /* a retry that was not needed */
        c->attempts++;
        if (lost(t, i, t->forward_loss)) {
                retry_syn(t, now_us, i);
                return;
        }
        log_syn(t, c->population, &c->peer);
        t->populations[c->population].repeats += c->attempts > 1;
        switch (kernel_model_syn(t->kernel, now_us, listener_of(t, population_of(t, i)), &c->peer,
                                 tag_of(t, i))) {
        case KERNEL_REFUSED:
                turned_away(t, now_us, i);
                break;
        case KERNEL_DROPPED:
                if (population_of(t, i)->kind == POPULATION_RST)
                        client_done(t, i);
                else
                        retry_syn(t, now_us, i);
                break;
        case KERNEL_COOKIE:
                c->cookie = true;
                synack_sent(t, now_us, i, true);
                break;
        case KERNEL_QUEUED:
        case KERNEL_REPEATED:
                c->cookie = false;
                synack_sent(t, now_us, i, true);
                break;
        }
}

static void connected(struct traffic *t, uint32_t i) {
        const struct population *p = population_of(t, i);
        double ticks = chance_exponential(&t->chance, p->lasts_s > 0 ? p->lasts_s : 5) * 1e6 /
                       (double) TRAFFIC_TICK_US;

        if (ticks < FIN_SLOTS - 1)
                t->fins[(t->ticks + 1 + (uint64_t) ticks) % FIN_SLOTS]++;
        t->populations[t->clients[i].population].completions++;
        t->truth.honest_connected++;
        if (t->table && p->listener >= 0) {
                struct address local = traffic_local_address(p->ipv6);

                source_table_completed(t->table, &t->clients[i].peer.address, &local,
                                       t->settings->listeners[p->listener].port);
        }
        client_done(t, i);
}

static void ack_arrives(struct traffic *t, uint64_t now_us, uint32_t i, bool data) {
        const struct population *p = population_of(t, i);
        struct client *c = &t->clients[i];
        unsigned flags = (data ? KERNEL_ACK_DATA : 0) | (c->cookie ? KERNEL_ACK_VALID_COOKIE : 0);
        uint64_t wait_us;

        switch (kernel_model_ack(t->kernel, now_us, listener_of(t, p), &c->peer, flags)) {
        case KERNEL_ACK_COMPLETED:
                connected(t, i);
                break;
        case KERNEL_ACK_DEFERRED:
                if (c->data_tries++ == 0)
                        add_event(t, now_us + (uint64_t) (1e6 * chance_exponential(
                                                      &t->chance, p->data_after_s)),
                                  EVENT_DATA, i);
                break;
        case KERNEL_ACK_OVERFLOW:
                if (c->data_tries >= 6) {
                        t->truth.honest_failed++;
                        client_done(t, i);
                        break;
                }
                wait_us = (200000 + 2 * (uint64_t) c->rtt_us) << c->data_tries++;
                if (!p->server_first || c->cookie)
                        add_event(t, now_us + wait_us, EVENT_DATA, i);
                break;
        case KERNEL_ACK_STRAY:
                turned_away(t, now_us, i);
                break;
        }
}

static void event_happens(struct traffic *t, const struct event *e) {
        if (t->clients[e->client].generation != e->generation)
                return;
        switch ((enum event_kind) e->kind) {
        case EVENT_SYN:
                syn_arrives(t, e->time_us, e->client);
                break;
        case EVENT_ACK:
                ack_arrives(t, e->time_us, e->client, false);
                break;
        case EVENT_DATA:
                ack_arrives(t, e->time_us, e->client, true);
                break;
        case EVENT_RST:
                kernel_model_rst(t->kernel, e->time_us, listener_of(t, population_of(t, e->client)),
                                 &t->clients[e->client].peer);
                client_done(t, e->client);
                break;
        }
}

/* --- populations ------------------------------------------------------------------------ */

struct address traffic_address(const struct traffic_settings *s, unsigned population, uint32_t n) {
        const struct population *p = &s->populations[population];
        struct chance c = { .state = (uint64_t) population << 32 | n };
        struct chance base = { .state = (uint64_t) population << 32 | 0xffffffff };
        uint64_t high = chance_bits(&base), low = chance_bits(&c);
        uint8_t bytes[16];
        uint32_t v4 = (uint32_t) low;

        if (p->ipv6) {
                if (p->prefix_length == 0)
                        high = chance_bits(&c);
                high = (high & UINT64_C(0x00000000ffffffff)) | UINT64_C(0x20010db800000000);
                for (unsigned i = 0; i < 8; i++) {
                        bytes[i] = (uint8_t) (high >> (56 - 8 * i));
                        bytes[8 + i] = (uint8_t) (low >> (56 - 8 * i));
                }
                return address_from_ipv6(bytes);
        }
        if (p->prefix_length) {
                uint32_t mask = UINT32_MAX << (32 - p->prefix_length);

                v4 = ((uint32_t) high & mask) | (n & ~mask);
        }
        for (unsigned i = 0; i < 4; i++)
                bytes[i] = (uint8_t) (v4 >> (24 - 8 * i));
        memcpy(&v4, bytes, sizeof v4);
        return address_from_ipv4(v4);
}

static uint32_t source_number(struct traffic *t, const struct population *p) {
        return p->sources ? chance_below(&t->chance, p->sources) : (uint32_t) chance_bits(&t->chance);
}

static void arrival(struct traffic *t, uint64_t now_us, unsigned n) {
        const struct population *p = &t->settings->populations[n];
        struct kernel_model_peer peer = {
                .address = traffic_address(t->settings, n, source_number(t, p)),
                .port = random_port(t),
        };
        uint32_t i;

        if (p->kind == POPULATION_SILENT) {
                log_syn(t, n, &peer);
                kernel_model_syn(t->kernel, now_us, listener_of(t, p), &peer, NONE);
                return;
        }
        i = client_new(t);
        t->clients[i].peer = peer;
        t->clients[i].population = (uint8_t) n;
        t->clients[i].rtt_us = t->populations[n].rtt_us[chance_below(&t->chance, RTTS)];
        t->truth.honest_asked += p->kind == POPULATION_HONEST;
        syn_arrives(t, now_us, i);
}

static double burst_factor(struct traffic *t, unsigned n, uint64_t now_us) {
        const struct population *p = &t->settings->populations[n];
        struct population_state *state = &t->populations[n];

        if (p->burst_every_s <= 0)
                return 1;
        if (now_us >= state->burst_next_us) {
                state->burst_end_us = now_us + (uint64_t) (p->burst_s * 1e6);
                state->burst_next_us = state->burst_end_us +
                                       (uint64_t) (chance_exponential(&t->chance, p->burst_every_s) * 1e6);
        }
        return now_us < state->burst_end_us ? p->burst_factor : 1;
}

static double rate_at(struct traffic *t, unsigned n, uint64_t now_us) {
        const struct population *p = &t->settings->populations[n];
        double now_s = (double) now_us / 1e6, per_s = 0;

        for (unsigned i = 0; i < TRAFFIC_PHASES_MAX; i++) {
                const struct phase *f = &p->phases[i];

                if (now_s >= f->from_s && now_s < f->to_s)
                        per_s = f->from_per_s + (f->to_per_s - f->from_per_s) *
                                                        (now_s - f->from_s) / (f->to_s - f->from_s);
        }
        if (p->pulse_every_s > 0 && fmod(now_s - p->phases[0].from_s, p->pulse_every_s) >= p->pulse_on_s)
                return 0;
        if (p->daily)
                per_s *= 1 + 0.7 * sin(2 * M_PI * now_s / DAY_S);
        return per_s * burst_factor(t, n, now_us);
}

static void draw_next(struct traffic *t, unsigned n, uint64_t from_us) {
        const struct population *p = &t->settings->populations[n];
        struct population_state *state = &t->populations[n];
        double mean_us = 1e6 / state->per_s;

        if (!(state->per_s > 0))
                state->next_us = UINT64_MAX;
        else
                state->next_us = from_us + (uint64_t) (p->regular ? mean_us
                                                                  : chance_exponential(&t->chance, mean_us));
}

static void renew_rates(struct traffic *t, uint64_t now_us) {
        for (unsigned n = 0; n < t->settings->populations_count; n++) {
                struct population_state *state = &t->populations[n];
                double per_s = rate_at(t, n, now_us);

                if (per_s > state->per_s || per_s < state->per_s) {
                        state->per_s = per_s;
                        draw_next(t, n, now_us);
                }
        }
}

/* The first beginning or end of a phase before end_us, or just after it: floods do not wait for a
 * tick. */
static uint64_t next_phase_us(const struct traffic *t, uint64_t now_us, uint64_t end_us) {
        for (unsigned n = 0; n < t->settings->populations_count; n++)
                for (unsigned i = 0; i < TRAFFIC_PHASES_MAX; i++) {
                        const struct phase *f = &t->settings->populations[n].phases[i];
                        double from_us = f->from_s * 1e6, to_us = f->to_s * 1e6;

                        if (from_us > (double) now_us && from_us < (double) end_us)
                                end_us = (uint64_t) ceil(from_us);
                        if (to_us > (double) now_us && to_us < (double) end_us)
                                end_us = (uint64_t) ceil(to_us);
                }
        return end_us;
}

/* --- time --------------------------------------------------------------------------------- */

/* The first used slot, but none from end_ms on. */
static uint64_t find_slot(const struct traffic *t, uint64_t from_ms, uint64_t end_ms) {
        while (from_ms < end_ms) {
                uint32_t slot = (uint32_t) (from_ms % WHEEL_SLOTS);
                uint64_t word = t->wheel_used[slot / 64] >> slot % 64;

                if (word) {
                        from_ms += (unsigned) __builtin_ctzll(word);
                        return from_ms < end_ms ? from_ms : end_ms;
                }
                from_ms += 64 - slot % 64;
        }
        return end_ms;
}

static void slot_happens(struct traffic *t, uint64_t ms) {
        uint32_t slot = (uint32_t) (ms % WHEEL_SLOTS), i = t->wheel[slot];

        t->wheel_used[slot / 64] &= ~(UINT64_C(1) << slot % 64);
        while (i != NONE) {
                struct event e = t->events[i];

                t->events[i].next = t->free_event;
                t->free_event = i;
                event_happens(t, &e);
                i = e.next;
        }
}

static void run_until(struct traffic *t, uint64_t end_us) {
        uint64_t end_ms = end_us / SLOT_US;

        t->wheel_next_ms = find_slot(t, t->wheel_ms, end_ms);
        for (;;) {
                uint64_t first_us = end_us;
                unsigned first = 0;

                for (unsigned n = 0; n < t->settings->populations_count; n++)
                        if (t->populations[n].next_us < first_us) {
                                first_us = t->populations[n].next_us;
                                first = n;
                        }
                if (t->wheel_next_ms < end_ms && t->wheel_next_ms * SLOT_US <= first_us) {
                        uint64_t ms = t->wheel_next_ms;

                        t->wheel_ms = ms + 1;
                        t->wheel_next_ms = end_ms;
                        slot_happens(t, ms);
                        t->wheel_next_ms = find_slot(t, ms + 1, end_ms);
                        continue;
                }
                if (first_us >= end_us)
                        break;
                draw_next(t, first, first_us);
                arrival(t, first_us, first);
        }
        t->wheel_ms = end_ms;
        kernel_model_advance(t->kernel, end_us);
}

/* --- troubles and ticks ----------------------------------------------------------------------- */

static void add_listener(struct traffic *t, unsigned i) {
        static const uint8_t any[16];
        uint32_t accepts = t->settings->listeners[i].accepts_per_s;
        struct kernel_model_listener l = {
                .key = {
                        .address = t->settings->listeners[i].ipv6 ? address_from_ipv6(any)
                                                                  : address_from_ipv4(0),
                        .port = t->settings->listeners[i].port,
                },
                .backlog = t->settings->listeners[i].backlog,
                .accepts_per_s = accepts ? accepts : KERNEL_MODEL_AT_ONCE,
                .defer_retries = t->settings->listeners[i].defer_retries,
        };

        if (kernel_model_add_listener(t->kernel, &l, &t->in_kernel[i]) < 0)
                abort();
}

static void make_trouble(struct traffic *t) {
        t->return_loss = t->forward_loss = 0;
        for (unsigned i = 0; i < t->settings->troubles_count; i++) {
                const struct trouble *x = &t->settings->troubles[i];
                uint32_t usual = t->settings->listeners[x->listener].accepts_per_s;
                bool holds = trouble_holds(x, t->now_us), turns = holds != t->trouble_done[i];

                if (x->kind == TROUBLE_ACCEPTS && turns) {
                        t->trouble_done[i] = holds;
                        kernel_model_set_accepts(t->kernel, t->now_us, t->in_kernel[x->listener],
                                                 holds ? (uint32_t) x->value
                                                 : usual ? usual : KERNEL_MODEL_AT_ONCE);
                }
                if (x->kind == TROUBLE_LISTENER_CLOSED && turns) {
                        t->trouble_done[i] = holds;
                        if (holds)
                                kernel_model_close_listener(t->kernel, t->in_kernel[x->listener]);
                        else
                                add_listener(t, x->listener);
                }
                if (x->kind == TROUBLE_RETURN_LOSS && holds)
                        t->return_loss = x->value;
                if (x->kind == TROUBLE_FORWARD_LOSS && holds)
                        t->forward_loss = x->value;
        }
}

static void tell_truth(struct traffic *t, const struct observation *o, struct traffic_truth *ret) {
        t->truth.now_s = (double) t->now_us / 1e6;
        t->truth.fins = t->fins[t->ticks % FIN_SLOTS];
        t->fins[t->ticks % FIN_SLOTS] = 0;
        t->truth.half_open = o->half_open;
        t->truth.fill = 0;
        for (uint32_t i = 0; i < o->listeners_count; i++)
                t->truth.fill = fmax(t->truth.fill, (double) o->listeners[i].half_open /
                                                            o->listeners[i].backlog);
        *ret = t->truth;
        t->truth.syns = t->truth.attack_syns = 0;
}

static bool stopped(const struct traffic *t) {
        for (unsigned i = 0; i < t->settings->troubles_count; i++)
                if (t->settings->troubles[i].kind == TROUBLE_LATE_TICK &&
                    trouble_holds(&t->settings->troubles[i], t->now_us))
                        return true;
        return false;
}

static void run_a_tick(struct traffic *t) {
        uint64_t end_us = t->now_us + TRAFFIC_TICK_US;

        make_trouble(t);
        for (uint64_t now_us = t->now_us, next_us; now_us < end_us; now_us = next_us) {
                next_us = next_phase_us(t, now_us, end_us);
                renew_rates(t, now_us);
                run_until(t, next_us);
        }
        t->now_us = end_us;
        t->ticks++;
        traffic_sensors_remember(t);
}

void traffic_step(struct traffic *t, bool alert, struct observation *ret_observation,
                  struct traffic_truth *ret_truth) {
        struct observation *o = ret_observation;

        do
                run_a_tick(t);
        while (stopped(t));
        kernel_model_observe(t->kernel, t->now_us, o);
        tell_truth(t, o, ret_truth);
        traffic_sensors_observe(t, alert, o);
}

void traffic_set_syncookies(struct traffic *t, uint8_t value) {
        kernel_model_set_syncookies(t->kernel, value);
}

/* --- beginning and end --------------------------------------------------------------------------- */

static void make_populations(struct traffic *t) {
        for (unsigned n = 0; n < t->settings->populations_count; n++) {
                const struct population *p = &t->settings->populations[n];
                struct population_state *state = &t->populations[n];

                state->next_us = UINT64_MAX;
                if (p->burst_every_s > 0)
                        state->burst_next_us = (uint64_t) (p->burst_every_s * 1e6);
                for (unsigned i = 0; i < RTTS; i++)
                        state->rtt_us[i] = (uint32_t) fmin(
                                5e6, 1e3 * p->rtt_median_ms * exp(p->rtt_sigma * chance_normal(&t->chance)));
        }
}

struct traffic *traffic_new(const struct traffic_settings *s) {
        struct kernel_model_settings k = kernel_model_defaults();
        struct traffic *t = calloc(1, sizeof *t);
        struct settings defaults;

        if (!t)
                abort();
        t->settings = s;
        config_defaults(&defaults);
        dump_schedule_init(&t->schedule, &defaults);
        dump_trigger_init(&t->trigger);
        t->chance.state = s->seed;
        t->free_event = t->free_client = NONE;
        k.syncookies = s->syncookies;
        if (s->max_syn_backlog)
                k.max_syn_backlog = s->max_syn_backlog;
        k.resent = on_resent;
        k.userdata = t;
        if (kernel_model_new(&k, &t->kernel) < 0)
                abort();
        if (s->source_table)
                t->table = traffic_source_table_new(t);
        for (unsigned i = 0; i < s->listeners_count; i++)
                add_listener(t, i);
        make_populations(t);
        return t;
}

struct traffic *traffic_free(struct traffic *t) {
        if (t) {
                t->kernel = kernel_model_free(t->kernel);
                t->table = source_table_free(t->table);
                free(t->events);
                free(t->clients);
                free(t);
        }
        return NULL;
}
