/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the sensors make of the traffic. */
#include "tests/scenarios/traffic_internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/open_connections.h"

/* --- who sends ------------------------------------------------------------------------------- */

struct source_table *traffic_source_table_new(struct traffic *t) {
        struct source_table *table = NULL;
        struct keyed_hash key;

        for (unsigned i = 0; i < 4; i++)
                key.words[i] = chance_bits(&t->chance);
        if (source_table_new(&key, t->now_us, &table) < 0)
                abort();
        source_table_set_known(table, true, true);
        source_table_set_resets_known(table);
        return table;
}

static struct address our_address(bool ipv6) {
        static const struct address of_ipv6 = { .bytes = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } };

        return ipv6 ? of_ipv6 : address_from_ipv4(0x016433c6); /* 198.51.100.1 */
}

/* The log hangs at input: what is only forwarded is counted, at prerouting and at forward. */
void traffic_sensors_syn(struct traffic *t, unsigned population, const struct kernel_model_peer *peer,
                         uint32_t handshake) {
        const struct population *p = &t->settings->populations[population];
        struct syn syn = {
                .source = peer->address,
                .destination = our_address(p->ipv6),
                .source_port = peer->port,
                .sequence = handshake * UINT32_C(2654435761), /* the same when it is sent again (RFC 6528) */
                .destination_port = p->destination == DESTINATION_LISTENER ? t->settings->listeners[p->listener].port
                                    : p->port                              ? p->port
                                                                           : (uint16_t) chance_below(&t->chance, 65536),
        };

        t->arrived++;
        if (is_forwarded(p)) {
                t->forwarded++;
                return;
        }
        t->truth.syns++;
        t->truth.attack_syns += p->attack;
        t->populations[population].syns++;
        if (t->table)
                source_table_add(t->table, &syn, SOURCE_BOTH, 1);
}

void traffic_sensors_ended(struct traffic *t, unsigned population, const struct kernel_model_peer *peer) {
        const struct population *p = &t->settings->populations[population];
        struct address local = our_address(p->ipv6);

        source_table_completed(t->table, &peer->address, &local, t->settings->listeners[p->listener].port);
}

void traffic_sensors_rst(struct traffic *t, const struct kernel_model_peer *peer) {
        if (t->resets_logged++ < RESETS_LOGGED_PER_S && t->table)
                source_table_disowned(t->table, &peer->address);
}

static void count_elsewhere(struct traffic *t, struct observation *o) {
        observation_set(o, OBS_ARRIVED, t->arrived);
        observation_set(o, OBS_FORWARDED, t->forwarded);
        t->arrived = t->forwarded = 0;
}

static void list_source(struct obs_sources *s, const struct population *p, const struct address *a, unsigned length,
                        double per_s, double completed_per_s, double error_per_s) {
        uint32_t i = s->count;

        if (i == OBS_SOURCES_MAX)
                return;
        for (; i > 0 && s->list[i - 1].syn_per_s < per_s + error_per_s; i--)
                s->list[i] = s->list[i - 1];
        s->list[i] = (struct obs_source) {
                .prefix = { .address = address_mask(a, length), .length = (uint8_t) length },
                .listener = p->destination == DESTINATION_LISTENER ? (uint16_t) p->listener : OBS_LISTENER_NONE,
                .known = OBS_S_SYNS | OBS_S_COMPLETED,
                .is = completed_per_s > 0         ? OBS_S_CLIENT
                      : p->kind == POPULATION_RST ? OBS_S_DISOWNS
                                                  : 0,
                .syn_per_s = per_s + error_per_s,
                .syn_error_per_s = error_per_s,
                .completed_per_s = completed_per_s,
        };
        s->count++;
}

/* The addresses of a population as the source table would know them after WINDOW_S. */
static void list_population(struct traffic *t, unsigned n, double total_per_s, double *once) {
        const struct population *p = &t->settings->populations[n];
        const struct population_state *state = &t->populations[n];
        double seen = state->recent * WINDOW_S, error = total_per_s / TABLE_COUNTERS;
        double share = p->sources ? 1.0 / p->sources : 0, per_s = state->recent * share;
        unsigned listed = p->sources < LISTED_SOURCES_MAX ? p->sources : LISTED_SOURCES_MAX;
        struct address a;

        if (seen < 0.5)
                return;
        t->sources.distinct += p->sources ? p->sources * -expm1(seen * log1p(-fmin(share, 0.999999))) : seen;
        /* Who sends again has been seen before, and so has the SYN that was the first. */
        *once += (p->sources ? seen * exp((seen - 1) * log1p(-fmin(share, 0.999999))) : seen) *
                 fmax(0, 1 - 2 * state->repeated / fmax(state->recent, state->repeated));
        for (unsigned i = 0; i < listed && per_s > error; i++) {
                a = traffic_address(t->settings, n, i);
                list_source(&t->sources, p, &a, ADDRESS_BITS, per_s, state->completed * share, error);
        }
        if (p->prefix_length) {
                a = traffic_address(t->settings, n, 0);
                list_source(&t->sources, p, &a, p->ipv6 ? 48 : ADDRESS_IPV4_OFFSET_BITS + 24,
                            state->recent *
                                    (p->prefix_length < 24 && !p->ipv6 ? exp2((double) p->prefix_length - 24) : 1),
                            state->completed, error);
        }
}

static void renew_sources(struct traffic *t) {
        double total = 0, once = 0, stray = 0;

        memset(&t->sources, 0, offsetof(struct obs_sources, list));
        for (unsigned n = 0; n < t->settings->populations_count; n++) {
                total += t->populations[n].recent;
                if (t->settings->populations[n].destination == DESTINATION_CLOSED)
                        stray += t->populations[n].recent;
        }
        for (unsigned n = 0; n < t->settings->populations_count; n++)
                list_population(t, n, total, &once);
        t->sources.known = OBS_SS_DISTINCT | OBS_SS_SEEN_ONCE | OBS_SS_STRAY;
        t->sources.syn_per_s = total;
        t->sources.stray_share = total > 0 ? stray / total : 0;
        /* A scan goes through the ports. */
        t->sources.stray_ports = (uint32_t) fmin(65535, stray * WINDOW_S);
        t->sources.seen_once_share = total > 0 ? fmin(1, once / (total * WINDOW_S)) : 0;
        t->sources.tracked = (uint32_t) fmin(t->sources.distinct, TABLE_COUNTERS);
}

static void remember_sources(struct traffic *t, double elapsed_s) {
        double weight = -expm1(-elapsed_s / WINDOW_S);

        for (unsigned n = 0; n < t->settings->populations_count; n++) {
                struct population_state *state = &t->populations[n];

                state->recent += ((double) state->syns / elapsed_s - state->recent) * weight;
                state->repeated += ((double) state->repeats / elapsed_s - state->repeated) * weight;
                state->repeats = 0;
                state->completed += ((double) state->completions / elapsed_s - state->completed) * weight;
                state->syns = state->completions = 0;
        }
}

void traffic_sensors_remember(struct traffic *t) {
        if (t->ticks % 5 == 0)
                t->resets_logged = 0;
        remember_sources(t, (double) t->elapsed_us / 1e6);
        if (!t->table && t->ticks % 5 == 0)
                renew_sources(t);
}

/* Counters of the log's own rules. */
#define COUNTED_BY_LOG (1U << OBS_SYNS | 1U << OBS_ARRIVED | 1U << OBS_FORWARDED)

/* --- what the sensors tell -------------------------------------------------------------------- */

static void forget_sock_diag(struct observation *o) {
        o->known &= ~(uint32_t) (OBS_K_DUMP | OBS_K_LISTENERS);
        o->listeners_count = 0;
        o->sensors[SENSOR_SOCK_DIAG] = SENSOR_FAILED;
}

/* With cookies only, sense.c counts connections instead; a difference takes two looks. */
static void forget_netstat(const struct traffic *t, struct observation *o) {
        bool looked = o->syncookies == 2 && (o->known & OBS_K_DUMP) && !t->netstat_told;

        o->counters_known &= COUNTED_BY_LOG | (looked ? 1U << OBS_PASSIVE_OPENS : 0);
        o->sensors[SENSOR_NETSTAT] = SENSOR_FAILED;
}

static void forget_nflog(struct observation *o) {
        o->counters_known &= ~COUNTED_BY_LOG;
        o->known &= ~(uint32_t) OBS_K_SOURCES;
        o->sensors[SENSOR_NFLOG] = SENSOR_OFF;
        o->sample_one_in = 0;
        o->log_received = 0;
        for (uint32_t i = 0; i < o->listeners_count; i++)
                o->listeners[i].known &= ~(uint32_t) (OBS_L_SYNS | OBS_L_SENDERS);
}

/* The log is there again: it knows of nothing that was before. */
static void begin_log(struct traffic *t, struct observation *o) {
        o->counters_known &= ~COUNTED_BY_LOG;
        for (uint32_t i = 0; i < o->listeners_count; i++)
                o->listeners[i].known &= ~(uint32_t) (OBS_L_SYNS | OBS_L_SENDERS);
        if (!t->table || t->ticks <= 1)
                return;
        t->table = source_table_free(t->table);
        t->table = traffic_source_table_new(t);
}

static void forget_walk(struct observation *o) {
        o->known &= ~(uint32_t) OBS_K_DUMP;
        o->half_open = o->aged = o->deferred = o->ghosts = 0;
        for (uint32_t i = 0; i < o->listeners_count; i++) {
                struct obs_listener *l = &o->listeners[i];

                l->known &= ~(uint32_t) OBS_L_HALF_OPEN;
                l->half_open = l->deferred = 0;
                memset(l->age, 0, sizeof l->age);
        }
}

static void begin_with_log(struct observation *o) {
        o->known |= OBS_K_SOURCES;
        o->sensors[SENSOR_NFLOG] = SENSOR_OK;
        o->sample_one_in = 1;
        o->log_received = o->counters[OBS_SYNS];
}

static uint32_t open_from(const struct traffic *t, const struct prefix *p) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < t->clients_max; i++)
                n += t->clients[i].open && prefix_contains(p, &t->clients[i].peer.address);
        return n;
}

/* As sense.c does it. */
static void look_at_open_connections(struct traffic *t, struct observation *o) {
        unsigned looked = 0;

        if (t->now_us < t->look_due_us)
                return;
        for (uint32_t i = 0; i < o->sources.count && looked < OPEN_CONNECTIONS_MAX; i++)
                if (source_table_doubts(&o->sources.list[i])) {
                        source_table_open(t->table, open_from(t, &o->sources.list[i].prefix), t->now_us,
                                          &o->sources.list[i]);
                        looked++;
                }
        if (looked)
                t->look_due_us = t->now_us + LOOK_US;
}

/* The log's first look has no deltas. */
static void tell_sources(struct traffic *t, bool first, struct observation *o) {
        if (t->table) {
                source_table_set_listeners(t->table, o->listeners, o->listeners_count);
                if (!first)
                        source_table_listener_syns(t->table, t->now_us, o->listeners, o->listeners_count);
                source_table_observe(t->table, t->now_us, &o->sources);
                look_at_open_connections(t, o);
                return;
        }
        memcpy(&o->sources, &t->sources,
               offsetof(struct obs_sources, list) + t->sources.count * sizeof *t->sources.list);
        o->sources.stray_share = t->sources.stray_share;
        o->sources.stray_ports = t->sources.stray_ports;
        o->sources.syn_per_s = t->sources.syn_per_s;
}

static void make_sensors_fail(struct traffic *t, struct observation *o) {
        const struct traffic_settings *s = t->settings;
        bool sock_diag = !s->no_sock_diag, netstat = !s->no_netstat, nflog = !s->no_nflog;

        for (unsigned i = 0; i < s->troubles_count; i++) {
                const struct trouble *x = &s->troubles[i];
                bool now = trouble_holds(x, t->now_us);

                if (x->kind == TROUBLE_NO_SOCK_DIAG && now)
                        sock_diag = false;
                if (x->kind == TROUBLE_NO_NETSTAT && now)
                        netstat = false;
                if (x->kind == TROUBLE_NO_NFLOG && now)
                        nflog = false;
                if (x->kind == TROUBLE_COUNTER_RESET && (double) t->now_us >= x->from_s * 1e6 && !t->trouble_done[i]) {
                        t->trouble_done[i] = true;
                        o->counters_known &= COUNTED_BY_LOG;
                }
                if (x->kind == TROUBLE_CLOCK_STEP && (double) t->now_us >= x->from_s * 1e6 && !t->trouble_done[i]) {
                        t->trouble_done[i] = true;
                        t->clock_us += (int64_t) (x->value * 1e6);
                }
        }
        if (!sock_diag)
                forget_sock_diag(o);
        if (!netstat)
                forget_netstat(t, o);
        else if (!t->netstat_told)
                o->counters_known &= COUNTED_BY_LOG; /* the first reading has no deltas */
        if (!nflog)
                forget_nflog(o);
        else if (!t->log_told)
                begin_log(t, o);
        t->netstat_told = netstat;
        t->log_told = nflog;
        o->realtime_us = (uint64_t) ((int64_t) o->realtime_us + t->clock_us);
}

static void on_half_open(void *userdata, unsigned listener, const struct kernel_model_peer *peer) {
        struct traffic *t = userdata;
        struct address local = our_address(!address_is_ipv4(&peer->address));

        for (unsigned i = 0; i < t->settings->listeners_count; i++)
                if (t->in_kernel[i] == listener)
                        source_table_half_open(t->table, &peer->address, &local, t->settings->listeners[i].port);
}

/* The walk's half-opens join the SYNs of the same sources. */
static void walk_half_opens(struct traffic *t) {
        if (!t->table)
                return;
        source_table_half_open_begin(t->table);
        kernel_model_each_half_open(t->kernel, on_half_open, t);
        source_table_half_open_end(t->table);
}

/* As sense.c does it. */
static void pace_walks(struct traffic *t, bool alert, struct observation *o) {
        bool wanted = dump_trigger_step(&t->trigger, o);

        alert |= dump_schedule_closer(&t->schedule, t->now_us) || o->sensors[SENSOR_NETSTAT] == SENSOR_FAILED;
        if (!(o->known & OBS_K_DUMP))
                return;
        if (!dump_schedule_due(&t->schedule, t->now_us, alert, wanted)) {
                forget_walk(o);
                return;
        }
        walk_half_opens(t);
        dump_schedule_done(&t->schedule, t->now_us, WALK_COST_US, alert);
        dump_schedule_found(&t->schedule, t->now_us, o->half_open);
}

void traffic_sensors_observe(struct traffic *t, bool alert, struct observation *o) {
        bool first = !t->log_told;

        count_elsewhere(t, o);
        begin_with_log(o);
        make_sensors_fail(t, o);
        pace_walks(t, alert, o);
        if (o->known & OBS_K_SOURCES)
                tell_sources(t, first, o);
}
