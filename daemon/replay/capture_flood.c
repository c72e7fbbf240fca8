/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/capture_flood.h"

#include <math.h>

#include "core/explain.h"
#include "replay/capture_say.h"
#include "replay/capture_scan.h"
#include "replay/words.h"

/* A flood: so many unfinished, however short; or for so long; or most of what comes. */
#define FLOOD_MANY 1000.0
#define FLOOD_SOME 300.0
#define FLOOD_SOME_SHARE 0.6
#define FLOOD_LONG_S 3.0
/* A slow fill: fewer than a flood's a second, but nearly nobody finishes, for long. */
#define SLOW_MIN 30.0
#define SLOW_SHARE 0.5
#define SLOW_S 20.0
#define SLOW_PER_S 0.3
/* Of the unfinished: sent by one source or network, by the few heaviest. */
#define CONCENTRATED_SHARE 0.5
enum { FEW_SOURCES = 16 };
/* A capture with gaps shows honest handshakes unfinished; not so many times those that it shows finished. */
#define GAPS_TIMES 10.0
/* Handshakes an address: more than a forged one's. */
#define KEEP_COMING 2.0
#define SEEN_ONCE 1.25
#define RESENT_SHARE 0.3
#define HEAVY_PER_S 200.0

/* In so short a capture those who come from afar have not come back yet: clients that ask several times
 * each, as browsers do, and all from one or two /8. */
#define AFAR_S 0.5
#define AFAR_TIMES 10.0
#define AFAR_BLOCKS 2.0

/* Somebody is there who sends again: loss on the way, or no way back. */
static bool is_retried(const struct ledger_counts *c, double bad) {
        return of(c, LEDGER_RETRIED) - of(c, LEDGER_WAITING) >= LOOK_MOST * bad;
}

static bool has_gaps(const struct look *k, const struct ledger_counts *c, double bad) {
        return k->gaps >= LOOK_GAPS_SHARE && bad < GAPS_TIMES * of(c, LEDGER_DONE);
}

static bool may_be_afar(const struct look *k, const struct ledger_service *s) {
        double n = of(&s->counts, LEDGER_HANDSHAKES);

        return k->facts->duration_s > 0 && k->facts->duration_s < AFAR_S && k->all.of[LEDGER_DONE] == 0 &&
               s->blocks >= 1 && s->blocks <= AFAR_BLOCKS && n >= KEEP_COMING * s->clients &&
               n <= AFAR_TIMES * s->clients;
}

/* Where nobody could be seen to finish, only how it was sent tells. */
static bool blind_flood(const struct look *k, const struct ledger_service *s, double bad) {
        double n = of(&s->counts, LEDGER_HANDSHAKES);

        if (!k->blind)
                return true;
        if (of(&s->counts, LEDGER_RESENT) >= RESENT_SHARE * n)
                return true;
        if (s->clients * SEEN_ONCE >= n)
                return true;
        return bad >= HEAVY_PER_S && k->sources_count > 0 &&
               (look_unfinished(k, &k->sources[0]) >= CONCENTRATED_SHARE * n ||
                (k->networks_count > 0 && look_unfinished(k, &k->networks[0]) >= CONCENTRATED_SHARE * n));
}

static int index_of(const struct look *k, const struct ledger_service *s) {
        return (int) (s - k->services);
}

static bool run_is_flood(const struct look *k, const struct ledger_service *s) {
        const struct ledger_run *r = &s->longest;
        double n = of(&r->counts, LEDGER_HANDSHAKES), bad = look_unexplained(k, index_of(k, s), &r->counts);
        double lasted_s = (double) (r->end_us - r->begin_us) / 1e6;

        if (s->runs == 0 || has_gaps(k, &r->counts, bad) || bad < k->limits->share * n || is_retried(&r->counts, bad) ||
            capture_scan_is_sweep(k, (unsigned) index_of(k, s)) || may_be_afar(k, s))
                return false;
        if (!(bad >= FLOOD_MANY || (bad >= FLOOD_SOME && bad >= FLOOD_SOME_SHARE * n) ||
              (lasted_s >= FLOOD_LONG_S && bad >= FLOOD_LONG_S * k->limits->rate_per_s)))
                return false;
        return blind_flood(k, s, r->peak_bad_per_s);
}

static bool is_slow_fill(const struct look *k, const struct ledger_service *s) {
        double n = of(&s->counts, LEDGER_HANDSHAKES), bad = look_unexplained(k, index_of(k, s), &s->counts);

        return k->facts->duration_s >= SLOW_S && !has_gaps(k, &s->counts, bad) &&
               !capture_scan_is_sweep(k, (unsigned) index_of(k, s)) && bad >= SLOW_MIN && bad >= SLOW_SHARE * n &&
               bad >= SLOW_PER_S * k->facts->duration_s && !is_retried(&s->counts, bad) && blind_flood(k, s, 0);
}

static double few_share(const struct look *k, const struct ledger_source *list, unsigned count, unsigned few,
                        double bad) {
        double sum = 0;

        for (unsigned i = 0; i < count && i < few; i++)
                sum += look_unfinished(k, &list[i]);
        return bad > 0 ? sum / bad : 0;
}

static enum diagnosis flood_kind(const struct look *k, const struct ledger_service *s, double bad) {
        double all_bad = fmax(bad, (double) ledger_bad(&k->all));

        if (k->sources_count > 0 && look_ends_its_own(&k->sources[0]) &&
            look_unfinished(k, &k->sources[0]) >= CONCENTRATED_SHARE * all_bad)
                return DIAGNOSIS_FLOOD_CONCENTRATED;
        if (of(&s->longest.counts, LEDGER_ENDED) >= LOOK_MOST * bad && bad > 0 &&
            look_unexplained(k, index_of(k, s), &s->longest.counts) >= (double) ledger_bad(&s->longest.counts))
                return DIAGNOSIS_FLOOD_REFLECTED;
        if (few_share(k, k->sources, k->sources_count, FEW_SOURCES, all_bad) >= CONCENTRATED_SHARE ||
            few_share(k, k->networks, k->networks_count, 1, all_bad) >= CONCENTRATED_SHARE)
                return DIAGNOSIS_FLOOD_CONCENTRATED;
        return look_unexplained(k, index_of(k, s), &s->counts) >= KEEP_COMING * s->clients ? DIAGNOSIS_FLOOD_DISTRIBUTED
                                                                                           : DIAGNOSIS_FLOOD_SPOOFED;
}

static void say_heaviest(struct look *k, double bad) {
        const struct ledger_source *one = k->sources_count ? &k->sources[0] : NULL;
        const struct ledger_source *net = k->networks_count ? &k->networks[0] : NULL;
        double by_net = net ? look_unfinished(k, net) : 0;
        const struct ledger_source *s = one && look_unfinished(k, one) >= 0.8 * by_net ? one : net;
        char name[ADDRESS_TEXT_MAX];

        if (s && bad > 0 && look_unfinished(k, s) >= 0.1 * bad)
                say(k, "; %s sends %.0f %%", prefix_format(&s->prefix, name),
                    fmin(100, 100 * look_unfinished(k, s) / bad));
}

static void say_answers(struct look *k, const struct ledger_counts *c) {
        double n = of(c, LEDGER_HANDSHAKES), answered = of(c, LEDGER_SYN_ACKED);

        if (k->by_servers == 0)
                say(k, "; the server answers none of it, or only one direction was captured");
        else if (answered < 0.05 * n)
                say(k, "; the server answers %s of it", answered == 0 ? "none" : "nearly none");
        else if (answered < 0.7 * n)
                say(k, "; the server answers %.0f %% of it", 100 * answered / n);
}

/* Of the addresses of one port, the one that is flooded. */
static void say_meant(struct look *k, unsigned i) {
        struct address meant;
        char name[ADDRESS_TEXT_MAX];

        if (capture_hosts_service(k->hosts, i)->network.length > 0 && capture_hosts_most_meant(k->hosts, i, &meant))
                say(k, ", most of it for %s", address_format(&meant, name));
}

static void say_flood(struct look *k, unsigned i, unsigned others) {
        const struct ledger_service *s = &k->services[i];
        bool slow = !run_is_flood(k, s);
        const struct ledger_counts *c = slow ? &s->counts : &s->longest.counts;
        double lasted_s = slow ? k->facts->duration_s : (double) (s->longest.end_us - s->longest.begin_us) / 1e6;
        double bad = look_unexplained(k, (int) i, c);
        enum diagnosis d = flood_kind(k, s, bad);
        char name[VERDICT_NAME_MAX], n[32];

        if (look_is_out_only(k))
                say(k, "only one direction (what the server sent); what it answers is a flood by the look of it: ");
        say(k, "%s at %s", slow ? "a slow fill, a SYN flood of few a second," : explain_diagnosis(d),
            say_service(k, i, name));
        say_meant(k, i);
        say(k, ": ");
        lasted_s = fmin(lasted_s, k->facts->duration_s);
        /* A capture that the flood fills is told whole: its last handshakes had no time to be judged. */
        if (lasted_s > 0.5 * k->facts->duration_s || slow)
                say_handshakes(k, &s->counts, k->facts->duration_s);
        else
                say_handshakes(k, c, lasted_s);
        if (!slow && k->facts->duration_s > 0 && k->facts->duration_s < 1)
                say(k, ", %s a second", explain_count(of(&s->counts, LEDGER_HANDSHAKES) / k->facts->duration_s, n));
        else if (!slow && k->facts->duration_s > 0)
                say(k, ", up to %s a second unfinished", words_count(s->longest.peak_bad_per_s, n));
        else if (slow)
                say(k, "; a queue shorter than what comes in a minute is filled by it");
        if (d == DIAGNOSIS_FLOOD_SPOOFED && s->clients >= 2)
                say(k, "; about %s addresses", say_about(s->clients, of(&s->counts, LEDGER_HANDSHAKES), n));
        else if (d != DIAGNOSIS_FLOOD_SPOOFED)
                say_heaviest(k, fmax(bad, (double) ledger_bad(&k->all)));
        if (!look_is_out_only(k) && !look_is_in_only(k))
                say_answers(k, c);
        if (look_is_out_only(k) && of(&s->counts, LEDGER_RESENT) > 0)
                say(k, "; %.0f %% of its SYN-ACKs sent again",
                    100 * of(&s->counts, LEDGER_RESENT) / of(&s->counts, LEDGER_HANDSHAKES));
        if (others)
                say(k, "; and %u more listener%s flooded, %s handshakes unfinished in all", others,
                    others > 1 ? "s" : "", words_count((double) ledger_bad(&k->all), n));
        if (k->facts->duration_s < LOOK_SHORT_S)
                say(k, " (a short capture)");
        say_verdict(k, OUTCOME_FLOOD, d, look_is_out_only(k) ? "one-direction" : slow ? "slow-fill" : "flood", (int) i);
}

bool capture_flood_find(struct look *k) {
        int worst = -1;
        unsigned floods = 0;

        for (unsigned i = 0; i < k->count; i++) {
                if (!run_is_flood(k, &k->services[i]) && !is_slow_fill(k, &k->services[i]))
                        continue;
                floods++;
                k->v->flooded[i] = true;
                if (worst < 0 ||
                    ledger_bad(&k->services[i].longest.counts) > ledger_bad(&k->services[worst].longest.counts))
                        worst = (int) i;
        }
        if (worst >= 0)
                say_flood(k, (unsigned) worst, floods - 1);
        return worst >= 0;
}
