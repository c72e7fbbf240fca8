/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/host_track.h"

#include "core/retries.h"

/* The first sight of a flood where the kernel keeps no entries: no second to lose. */
#define COOKIE_WINDOW_US UINT64_C(250000)
#define ELSEWHERE_TAU_S 2.0
#define STALE_US UINT64_C(1500000)
#define STALE_WINDOW_US RETRY_FIRST_US
#define USUAL_TAU_S 600.0
/* Where few come, a pause between two of them is no silence: twice so many are weighed. With 50 or
 * more, fewer than half by chance is a matter of 1 in 10,000. */
#define STEADY_COUNT 25.0

/* The timeouts of a SYN-ACK and its repetitions: 1 s, doubled, 120 s at most (TCP_TIMEOUT_INIT,
 * TCP_RTO_MAX, include/net/tcp.h). 63 s with the default of 5. */
enum { DEFAULT_SYNACK_RETRIES = 5 };

static double life_s(unsigned retries) {
        double sum = 0;

        for (unsigned i = 0; i <= retries; i++)
                sum += fmin(120, exp2(i));
        return sum;
}

void host_track_init(struct host_track *t) {
        *t = (struct host_track) {
                .completed = rate_unknown(),
                .completed_lately = rate_unknown(),
                .completed_steady = rate_unknown(),
                .overflowed_lately = rate_unknown(),
                .cookies_sent = rate_unknown(),
                .cookies_received = rate_unknown(),
                .cookies_received_at_most = rate_unknown(),
                .cookies_sent_slowly = rate_unknown(),
                .cookies_received_slowly = rate_unknown(),
                .cookies_in_vain = rate_unknown(),
                .cookies_again = rate_unknown(),
                .queue_drops = rate_unknown(),
                .overflows = rate_unknown(),
                .syns = rate_unknown(),
                .syns_at_most = rate_unknown(),
                .syn_retrans = rate_unknown(),
                .rsts_sent = rate_unknown(),
                .forwarded = rate_unknown(),
                .dropped_before = rate_unknown(),
                .embryonic_rsts = rate_unknown(),
                .usual_completed = rate_unknown(),
                .usual_arrivals = rate_unknown(),
                .usual_syns = rate_unknown(),
                .syncookies = -1,
                .half_open_life_s = life_s(DEFAULT_SYNACK_RETRIES),
                .synack_retries = DEFAULT_SYNACK_RETRIES,
        };
        cookie_balance_init(&t->balance);
}

static void count_over(struct rate *r, const struct observation *o, enum obs_counter c, double elapsed_s,
                       double tau_s) {
        if (observation_knows(o, c))
                rate_count(r, (double) o->counters[c], elapsed_s, tau_s);
        else
                *r = rate_unknown(); /* what it was is not what it is */
}

static void count(struct rate *r, const struct observation *o, enum obs_counter c, double elapsed_s) {
        count_over(r, o, c, elapsed_s, HOST_TRACK_FAST_TAU_S);
}

/* Unknown as long as nothing is usual. */
static double steady_tau_s(const struct host_track *t) {
        double tau_s = fmax(HOST_TRACK_FAST_TAU_S, STEADY_COUNT / t->usual_completed.per_s);

        return fmin(tau_s, (double) RETRY_FOURTH_US / 1e6);
}

/* SYNs refused for a full request queue: TCPReqQFullDrop, and with cookies off
 * also those that only show as a drop that is no overflow (tcp_conn_request()'s
 * tcp_max_syn_backlog rule counts nothing of its own). */
static void count_queue_drops(struct host_track *t, const struct observation *o, double elapsed_s) {
        const uint64_t *c = o->counters;
        double drops;

        if (!observation_knows(o, OBS_QUEUE_FULL_DROPS) || !observation_knows(o, OBS_LISTEN_DROPS) ||
            !observation_knows(o, OBS_LISTEN_OVERFLOWS)) {
                t->queue_drops = rate_unknown();
                return;
        }
        drops = (double) c[OBS_QUEUE_FULL_DROPS];
        if (t->syncookies == 0 && c[OBS_LISTEN_DROPS] > c[OBS_LISTEN_OVERFLOWS])
                drops = fmax(drops, (double) (c[OBS_LISTEN_DROPS] - c[OBS_LISTEN_OVERFLOWS]));
        rate_count(&t->queue_drops, drops, elapsed_s, HOST_TRACK_FAST_TAU_S);
}

/* Cookies sent and come back. With 2 every SYN for a listener is answered by one
 * (tcp_conn_request()): where the kernel's counters cannot be read, the log's SYNs and the
 * handshakes that were finished say the same. */
static bool cookies_of(const struct host_track *t, const struct observation *o, uint64_t *ret_sent,
                       uint64_t *ret_received) {
        const uint64_t *c = o->counters;
        bool strays = (o->known & OBS_K_SOURCES) && (o->sources.known & OBS_SS_STRAY);

        *ret_sent = c[OBS_COOKIES_SENT];
        *ret_received = c[OBS_COOKIES_RECEIVED];
        if (observation_knows(o, OBS_COOKIES_SENT) && observation_knows(o, OBS_COOKIES_RECEIVED))
                return true;
        if (t->syncookies != 2 || !observation_knows(o, OBS_SYNS) || !observation_knows(o, OBS_PASSIVE_OPENS))
                return false;
        *ret_sent = (uint64_t) ((double) c[OBS_SYNS] * (strays ? 1 - o->sources.stray_share : 1));
        *ret_received = c[OBS_PASSIVE_OPENS];
        return true;
}

struct cookies_in_vain host_track_cookies(const struct host_track *t, uint64_t age_us) {
        struct cookies_in_vain v = { NAN, NAN, NAN };

        if (!t->cookies_known)
                return v;
        if (age_us > OBS_AGE_FINE_US)
                v.early_per_s = cookie_balance_unanswered_per_s(&t->balance, age_us - OBS_AGE_FINE_US, OBS_TICK_US);
        v.unanswered_per_s = cookie_balance_unanswered_per_s(&t->balance, age_us, COOKIE_WINDOW_US);
        v.stale_per_s = cookie_balance_lost_per_s(&t->balance, STALE_US, STALE_WINDOW_US);
        return v;
}

/* Of the cookies of a tick, those whose handshakes began in it. A SYN that is sent again is answered by another, and
 * only one of them comes back. What the log has not seen begins one each; and TCP sends no SYN again more often
 * than so many times, whatever is repeated. */
static uint64_t cookies_begun(const struct observation *o, uint64_t sent) {
        uint64_t syns = 0, again = 0, begun;

        for (uint32_t i = 0; i < o->listeners_count; i++) {
                const struct obs_listener *l = &o->listeners[i];

                if (!(l->known & OBS_L_SYNS) || !(l->known & OBS_L_SENDERS))
                        continue;
                syns += l->syns;
                again += l->syns_again < l->syns ? l->syns_again : l->syns;
        }
        begun = (sent > syns ? sent : syns) - again;
        begun = begun < sent ? begun : sent;
        return begun * (1 + SYN_RETRIES) > sent ? begun : sent / (1 + SYN_RETRIES);
}

static void count_cookies(struct host_track *t, const struct observation *o, uint64_t age_us, double elapsed_s) {
        uint64_t sent, received, begun;
        double in_vain;

        t->cookies_known = cookies_of(t, o, &sent, &received);
        if (!t->cookies_known) {
                t->cookies_sent = t->cookies_received = t->cookies_received_at_most = rate_unknown();
                t->cookies_sent_slowly = t->cookies_received_slowly = rate_unknown();
                cookie_balance_init(&t->balance);
                t->cookies_in_vain = t->cookies_again = rate_unknown();
                return;
        }
        rate_count(&t->cookies_sent, (double) sent, elapsed_s, HOST_TRACK_FAST_TAU_S);
        rate_count(&t->cookies_received, (double) received, elapsed_s, HOST_TRACK_FAST_TAU_S);
        rate_peak(&t->cookies_received_at_most, (double) received / elapsed_s, elapsed_s, HOST_TRACK_LATELY_TAU_S);
        rate_count(&t->cookies_sent_slowly, (double) sent, elapsed_s, HOST_TRACK_SLOW_TAU_S);
        rate_count(&t->cookies_received_slowly, (double) received, elapsed_s, HOST_TRACK_SLOW_TAU_S);
        begun = cookies_begun(o, sent);
        rate_count(&t->cookies_again, (double) (sent - begun), elapsed_s, HOST_TRACK_FAST_TAU_S);
        cookie_balance_add(&t->balance, o->time_us, begun, received);
        in_vain = cookie_balance_unanswered_per_s(&t->balance, age_us, COOKIE_WINDOW_US);
        if (!isnan(in_vain))
                rate_mix(&t->cookies_in_vain, in_vain, elapsed_s, HOST_TRACK_FAST_TAU_S);
}

/* They are told less often than the rest, for all the time since. */
static void count_elsewhere(struct host_track *t, const struct observation *o, double elapsed_s) {
        double arrived = (double) o->counters[OBS_ARRIVED], forwarded = (double) o->counters[OBS_FORWARDED];

        if (!observation_knows(o, OBS_SYNS)) {
                t->forwarded = t->dropped_before = rate_unknown();
                t->elsewhere_s = t->elsewhere_syns = 0;
                return;
        }
        t->elsewhere_s += elapsed_s;
        t->elsewhere_syns += (double) o->counters[OBS_SYNS];
        if (!observation_knows(o, OBS_ARRIVED) || !observation_knows(o, OBS_FORWARDED))
                return;
        rate_count(&t->forwarded, forwarded, t->elsewhere_s, ELSEWHERE_TAU_S);
        rate_count(&t->dropped_before, fmax(0, arrived - forwarded - t->elsewhere_syns), t->elsewhere_s,
                   ELSEWHERE_TAU_S);
        t->elsewhere_s = t->elsewhere_syns = 0;
}

void host_track_step(struct host_track *t, const struct observation *o, uint64_t age_us) {
        double elapsed_s = (double) o->elapsed_us / 1e6;

        if (o->known & OBS_K_SYNCOOKIES)
                t->syncookies = o->syncookies;
        if (o->known & OBS_K_SYNACK_RETRIES)
                t->half_open_life_s = life_s(t->synack_retries = o->synack_retries);
        if (o->elapsed_us == 0)
                return;

        count(&t->completed, o, OBS_PASSIVE_OPENS, elapsed_s);
        count_over(&t->completed_steady, o, OBS_PASSIVE_OPENS, elapsed_s, steady_tau_s(t));
        count(&t->overflows, o, OBS_LISTEN_OVERFLOWS, elapsed_s);
        count(&t->syns, o, OBS_SYNS, elapsed_s);
        if (isnan(t->syns.per_s))
                t->syns_at_most = rate_unknown();
        else if (observation_knows(o, OBS_SYNS))
                rate_peak(&t->syns_at_most, (double) o->counters[OBS_SYNS] / elapsed_s, elapsed_s,
                          HOST_TRACK_LATELY_TAU_S);
        if (!isnan(t->syns.per_s))
                rate_mix(&t->usual_syns, t->syns.per_s, elapsed_s, USUAL_TAU_S);
        count(&t->syn_retrans, o, OBS_SYN_RETRANS, elapsed_s);
        count(&t->rsts_sent, o, OBS_OUT_RSTS, elapsed_s);
        count_elsewhere(t, o, elapsed_s);
        count(&t->embryonic_rsts, o, OBS_EMBRYONIC_RSTS, elapsed_s);
        if (isnan(t->completed.per_s))
                t->completed_lately = rate_unknown();
        rate_peak(&t->completed_lately, t->completed.per_s, elapsed_s, HOST_TRACK_LATELY_TAU_S);
        rate_peak(&t->overflowed_lately, t->overflows.per_s, elapsed_s, HOST_TRACK_LATELY_TAU_S);
        count_queue_drops(t, o, elapsed_s);
        count_cookies(t, o, age_us, elapsed_s);

        t->overflow_credit *= exp(-elapsed_s / ((double) HOST_TRACK_OVERFLOW_US / 1e6));
        if (observation_knows(o, OBS_LISTEN_OVERFLOWS))
                t->overflow_credit += (double) o->counters[OBS_LISTEN_OVERFLOWS];
}

double host_track_arrivals(const struct host_track *t, double unanswered_per_s) {
        return or_zero(t->completed.per_s) + or_zero(unanswered_per_s) + or_zero(t->queue_drops.per_s);
}

double host_track_usual_tau_s(const struct host_track *t) {
        return fmin(USUAL_TAU_S, fmax(1.0, (double) t->learned_us / 1e6));
}

static void learn(const struct host_track *t, struct rate *usual, double level, double elapsed_s, uint64_t warmup_us) {
        double tau_s = host_track_usual_tau_s(t);

        /* A crowd becomes usual, if it stays; but one of a minute must not make what comes after it look
         * like few. */
        if (t->learned_us >= warmup_us)
                level = fmin(level, host_track_crowd_per_s(usual->per_s));
        rate_mix(usual, level, elapsed_s, tau_s);
}

void host_track_learn(struct host_track *t, const struct observation *o, double unanswered_per_s, uint64_t warmup_us) {
        double elapsed_s = (double) o->elapsed_us / 1e6;

        if (isnan(t->completed.per_s) || o->elapsed_us == 0)
                return;
        learn(t, &t->usual_completed, t->completed.per_s, elapsed_s, warmup_us);
        learn(t, &t->usual_arrivals, host_track_arrivals(t, unanswered_per_s), elapsed_s, warmup_us);
        t->learned_us += o->elapsed_us;
}
