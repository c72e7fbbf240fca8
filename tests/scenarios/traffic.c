/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/scenarios/traffic_internal.h"

#include <stdlib.h>
#include <string.h>

#include "config/keys.h"

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
                .port = (uint16_t) (1024 + chance_below(&t->chance, 64512)),
        };

        if (p->kind == POPULATION_BACKSCATTER)
                kernel_model_ack(t->kernel, now_us, KERNEL_MODEL_NO_LISTENER, &peer, 0);
        else if (is_forwarded(p))
                traffic_sensors_syn(t, n, &peer, ++t->handshakes);
        else if (p->kind == POPULATION_SILENT) {
                traffic_sensors_syn(t, n, &peer, ++t->handshakes);
                traffic_note_answer(t, p, kernel_model_syn(t->kernel, now_us, listener_of(t, p), &peer, NONE));
                for (unsigned i = 1; i < p->copies; i++) {
                        t->populations[n].repeats++;
                        traffic_sensors_syn(t, n, &peer, t->handshakes);
                        kernel_model_syn(t->kernel, now_us, listener_of(t, p), &peer, NONE);
                }
        } else
                traffic_clients_begin(t, now_us, n, &peer);
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
                        per_s = f->from_per_s +
                                (f->to_per_s - f->from_per_s) * (now_s - f->from_s) / (f->to_s - f->from_s);
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
                state->next_us = from_us + (uint64_t) (p->regular ? mean_us : chance_exponential(&t->chance, mean_us));
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
                traffic_clients_event(t, &e);
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

/* What is as long as the trouble lasts. */
static void hold_trouble(struct traffic *t, const struct trouble *x) {
        if (x->kind == TROUBLE_RETURN_LOSS)
                t->return_loss = x->value;
        if (x->kind == TROUBLE_FORWARD_LOSS)
                t->forward_loss = x->value;
        if (x->kind == TROUBLE_ACK_LOSS)
                t->ack_loss = x->value;
        if (x->kind == TROUBLE_ROUND_TRIP)
                t->more_rtt_us = (uint64_t) (x->value * 1e3);
        if (x->kind == TROUBLE_NO_CPU)
                t->no_cpu_us = (uint64_t) (x->value * 1e3);
}

static void make_trouble(struct traffic *t) {
        t->return_loss = t->forward_loss = t->ack_loss = 0;
        t->more_rtt_us = t->no_cpu_us = 0;
        for (unsigned i = 0; i < t->settings->troubles_count; i++) {
                const struct trouble *x = &t->settings->troubles[i];
                uint32_t usual = t->settings->listeners[x->listener].accepts_per_s;
                bool holds = trouble_holds(x, t->now_us), turns = holds != t->trouble_done[i];

                if (x->kind == TROUBLE_ACCEPTS && turns) {
                        t->trouble_done[i] = holds;
                        kernel_model_set_accepts(t->kernel, t->now_us, t->in_kernel[x->listener],
                                                 holds   ? (uint32_t) x->value
                                                 : usual ? usual
                                                         : KERNEL_MODEL_AT_ONCE);
                }
                if (x->kind == TROUBLE_LISTENER_CLOSED && turns) {
                        t->trouble_done[i] = holds;
                        if (holds)
                                kernel_model_close_listener(t->kernel, t->in_kernel[x->listener]);
                        else
                                add_listener(t, x->listener);
                }
                if (holds)
                        hold_trouble(t, x);
        }
}

static void tell_truth(struct traffic *t, const struct observation *o, struct traffic_truth *ret) {
        t->truth.now_s = (double) t->now_us / 1e6;
        t->truth.fins = t->fins[t->ticks % FIN_SLOTS];
        t->fins[t->ticks % FIN_SLOTS] = 0;
        t->truth.half_open = o->half_open;
        t->truth.fill = 0;
        for (uint32_t i = 0; i < o->listeners_count; i++)
                t->truth.fill = fmax(t->truth.fill, (double) o->listeners[i].half_open / o->listeners[i].backlog);
        *ret = t->truth;
        t->truth.syns = t->truth.attack_syns = 0;
        memset(t->truth.ledger, 0, sizeof t->truth.ledger);
}

static bool stopped(const struct traffic *t) {
        for (unsigned i = 0; i < t->settings->troubles_count; i++)
                if (t->settings->troubles[i].kind == TROUBLE_LATE_TICK &&
                    trouble_holds(&t->settings->troubles[i], t->now_us))
                        return true;
        return false;
}

/* Who gets no CPU is not there in time. */
static uint64_t late_us(struct traffic *t) {
        return t->no_cpu_us ? LATE_LEAST_US + (uint64_t) (chance_unit(&t->chance) *
                                                          ((double) t->no_cpu_us - (double) LATE_LEAST_US))
                            : 0;
}

static void run_a_tick(struct traffic *t) {
        uint64_t end_us;

        make_trouble(t);
        end_us = t->now_us + TRAFFIC_TICK_US + late_us(t);
        for (uint64_t now_us = t->now_us, next_us; now_us < end_us; now_us = next_us) {
                next_us = next_phase_us(t, now_us, end_us);
                renew_rates(t, now_us);
                run_until(t, next_us);
        }
        t->elapsed_us = end_us - t->now_us;
        t->now_us = end_us;
        t->ticks++;
        traffic_sensors_remember(t);
}

void traffic_step(struct traffic *t, bool alert, struct observation *ret_observation, struct traffic_truth *ret_truth) {
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
                        state->rtt_us[i] = (uint32_t) (1e3 * fmin(p->rtt_most_ms > 0 ? p->rtt_most_ms : 5000,
                                                                  p->rtt_median_ms * exp(p->rtt_sigma *
                                                                                         chance_normal(&t->chance))));
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
        k.resent = traffic_clients_resent;
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
