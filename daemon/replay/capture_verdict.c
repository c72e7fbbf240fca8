/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/capture_verdict.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/explain.h"
#include "replay/capture_notes.h"
#include "replay/words.h"

/* Fewer seconds show no flood that is not overwhelming. */
#define SHORT_S 2.0
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
/* Handshakes an address: more than a forged one's. */
#define KEEP_COMING 2.0
#define SEEN_ONCE 1.25
/* Who ends nearly all of its handshakes by RST, from where its SYNs come too, and is of one's own
 * networks, answers at once, or takes ports in order, checks a port; a victim of reflection answers
 * late, from another distance. */
#define CHECKER_MIN 20
#define CHECKER_SHARE 0.9
#define CHECKER_TTL_SHARE 0.1
#define CHECKER_DELAY_S 0.005
#define CHECKER_PORTS_SHARE 0.5
enum { SOURCES_LOOKED_AT = 64 };
#define MOST 0.5
#define NEARLY_ALL 0.9
#define RESENT_SHARE 0.3
#define HEAVY_PER_S 200.0
#define FAR_S 0.3
#define CROWD_FACTOR 3.0
#define BUSY_PER_S 20.0
#define REFUSING_S 0.5
#define SCAN_MIN 50
#define SCAN_SERVICES 8
#define FEW_MIN 10

const char *capture_outcome_name(enum capture_outcome o) {
        switch (o) {
        case OUTCOME_CANNOT_TELL: return "cannot-tell";
        case OUTCOME_NO_FLOOD: return "no-flood";
        case OUTCOME_FLOOD: return "flood";
        }
        return "cannot-tell";
}

/* Everything that the rules look at, gathered once. */
struct look {
        const struct capture_facts *facts;
        const struct capture_hosts *hosts;
        const struct ledger *ledger;
        const struct ledger_limits *limits;
        struct ledger_service services[LEDGER_SERVICES];
        uint32_t count;
        struct ledger_counts all; /* of the services */
        uint64_t by_clients, by_servers;
        bool blind; /* nothing but SYNs and SYN-ACKs: nobody could be seen to finish */
        unsigned sources_count, networks_count, checkers_count;
        struct ledger_source sources[SOURCES_LOOKED_AT], networks[SOURCES_LOOKED_AT];
        double checked; /* handshakes that checkers ended */
        struct ledger_source checkers[SOURCES_LOOKED_AT];
        struct capture_verdict *v;
};

static double of(const struct ledger_counts *c, enum ledger_tally t) {
        return (double) c->of[t];
}

static bool is_out_only(const struct look *k) {
        return k->by_clients == 0 && k->by_servers > 0;
}

static bool is_in_only(const struct look *k) {
        return k->by_servers == 0 && k->all.of[LEDGER_DONE] > 0;
}

/* --- words ------------------------------------------------------------------------------ */

__attribute__((format(printf, 2, 3)))
static void say(struct look *k, const char *format, ...) {
        size_t used = strlen(k->v->text);
        va_list args;

        va_start(args, format);
        vsnprintf(k->v->text + used, sizeof k->v->text - used, format, args);
        va_end(args);
}

char *capture_service_name(const struct capture_service *s, char text[static VERDICT_NAME_MAX]) {
        char network[ADDRESS_TEXT_MAX];
        unsigned shortest = address_is_ipv4(&s->key.address) ? ADDRESS_IPV4_OFFSET_BITS + 8 : 16;

        if (!address_is_wildcard(&s->key.address))
                listener_key_format(&s->key, network);
        if (!address_is_wildcard(&s->key.address))
                snprintf(text, VERDICT_NAME_MAX, "%s", network);
        else if (s->network.length >= shortest)
                snprintf(text, VERDICT_NAME_MAX, "port %u of %s", s->key.port, prefix_format(&s->network, network));
        else
                snprintf(text, VERDICT_NAME_MAX, "*:%u", s->key.port);
        return text;
}

static char *service_name(const struct look *k, unsigned i, char text[static VERDICT_NAME_MAX]) {
        return capture_service_name(capture_hosts_service(k->hosts, i), text);
}

static void conclude(struct look *k, enum capture_outcome o, enum diagnosis d, const char *situation, int service) {
        k->v->outcome = o;
        k->v->diagnosis = d;
        k->v->situation = situation;
        k->v->service = service;
}

/* "1,000 handshakes in 20 s, all finished" */
/* An estimate, which is off by 2 % or so, of something that cannot be more than `most`. */
static char *about(double estimate, double most, char text[static 32]) {
        return explain_count(fmin(round(estimate), most), text);
}

static void say_handshakes(struct look *k, const struct ledger_counts *c, double s) {
        char n[32], t[32], p[32];
        double all = of(c, LEDGER_HANDSHAKES), done = of(c, LEDGER_DONE);

        say(k, "%s handshake%s in %s", words_count(all, n), all == 1 ? "" : "s", words_seconds(s, t));
        if (all > 0 && done >= all)
                say(k, ", all finished");
        else if (done == 0)
                say(k, ", none finished");
        else
                say(k, ", %s finished (%.0f %%)", words_count(done, p), floor(100 * done / all));
}

/* --- floods -------------------------------------------------------------------------------- */

/* An address of one's own network is no victim on the Internet. */
static bool is_private(const struct address *a) {
        const uint8_t *b = a->bytes + 12;

        if (!address_is_ipv4(a))
                return (a->bytes[0] & 0xfe) == 0xfc || (a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80);
        return b[0] == 10 || b[0] == 127 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
               (b[0] == 169 && b[1] == 254) || (b[0] == 100 && (b[1] & 0xc0) == 64);
}

static bool is_checker(const struct ledger_source *s) {
        double reset = (double) s->reset;

        return s->reset >= CHECKER_MIN && reset >= CHECKER_SHARE * (double) s->handshakes &&
               s->ttl_differs <= CHECKER_TTL_SHARE * reset &&
               (is_private(&s->prefix.address) || (double) s->reset_delay_us / 1e6 <= CHECKER_DELAY_S * reset ||
                s->ports_in_order >= CHECKER_PORTS_SHARE * reset);
}

static double unfinished(const struct ledger_source *s) {
        double n = (double) s->handshakes - (double) s->finished - (double) s->refused;

        return is_checker(s) ? 0 : fmax(0, n);
}

/* What is left of a service's unfinished handshakes when what explains them is taken out. */
static double unexplained(const struct look *k, const struct ledger_counts *c) {
        double bad = (double) ledger_bad(c), ended = of(c, LEDGER_ENDED);

        if (ended > 0 && k->checked >= 0.8 * ended)
                bad -= fmin(bad, ended);
        return bad;
}

/* Somebody is there who sends again: loss on the way, or no way back. */
static bool is_retried(const struct ledger_counts *c, double bad) {
        return of(c, LEDGER_RETRIED) - of(c, LEDGER_WAITING) >= MOST * bad;
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
               (unfinished(&k->sources[0]) >= CONCENTRATED_SHARE * n ||
                (k->networks_count > 0 && unfinished(&k->networks[0]) >= CONCENTRATED_SHARE * n));
}

static bool run_is_flood(const struct look *k, const struct ledger_service *s) {
        const struct ledger_run *r = &s->longest;
        double n = of(&r->counts, LEDGER_HANDSHAKES), bad = unexplained(k, &r->counts);
        double lasted_s = (double) (r->end_us - r->begin_us) / 1e6;

        if (s->runs == 0 || bad < k->limits->share * n || is_retried(&r->counts, bad))
                return false;
        if (!(bad >= FLOOD_MANY || (bad >= FLOOD_SOME && bad >= FLOOD_SOME_SHARE * n) ||
              (lasted_s >= FLOOD_LONG_S && bad >= FLOOD_LONG_S * k->limits->rate_per_s)))
                return false;
        return blind_flood(k, s, r->peak_bad_per_s);
}

static bool is_slow_fill(const struct look *k, const struct ledger_service *s) {
        double n = of(&s->counts, LEDGER_HANDSHAKES), bad = unexplained(k, &s->counts);

        return k->facts->duration_s >= SLOW_S && bad >= SLOW_MIN && bad >= SLOW_SHARE * n &&
               bad >= SLOW_PER_S * k->facts->duration_s && !is_retried(&s->counts, bad) && blind_flood(k, s, 0);
}

static double few_share(const struct ledger_source *list, unsigned count, unsigned few, double bad) {
        double sum = 0;

        for (unsigned i = 0; i < count && i < few; i++)
                sum += unfinished(&list[i]);
        return bad > 0 ? sum / bad : 0;
}

static enum diagnosis flood_kind(const struct look *k, const struct ledger_service *s, double bad) {
        double all_bad = fmax(bad, (double) ledger_bad(&k->all));

        if (of(&s->longest.counts, LEDGER_ENDED) >= MOST * bad && bad > 0 &&
            unexplained(k, &s->longest.counts) >= (double) ledger_bad(&s->longest.counts))
                return DIAGNOSIS_FLOOD_REFLECTED;
        if (few_share(k->sources, k->sources_count, FEW_SOURCES, all_bad) >= CONCENTRATED_SHARE ||
            few_share(k->networks, k->networks_count, 1, all_bad) >= CONCENTRATED_SHARE)
                return DIAGNOSIS_FLOOD_CONCENTRATED;
        return unexplained(k, &s->counts) >= KEEP_COMING * s->clients ? DIAGNOSIS_FLOOD_DISTRIBUTED
                                                                          : DIAGNOSIS_FLOOD_SPOOFED;
}

static void say_heaviest(struct look *k, double bad) {
        const struct ledger_source *one = k->sources_count ? &k->sources[0] : NULL;
        const struct ledger_source *net = k->networks_count ? &k->networks[0] : NULL;
        const struct ledger_source *s = one && unfinished(one) >= 0.8 * (net ? unfinished(net) : 0) ? one : net;
        char name[ADDRESS_TEXT_MAX];

        if (s && bad > 0 && unfinished(s) >= 0.1 * bad)
                say(k, "; %s sends %.0f %%", prefix_format(&s->prefix, name),
                    fmin(100, 100 * unfinished(s) / bad));
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

static void say_flood(struct look *k, unsigned i, unsigned others) {
        const struct ledger_service *s = &k->services[i];
        bool slow = !run_is_flood(k, s);
        const struct ledger_counts *c = slow ? &s->counts : &s->longest.counts;
        double lasted_s = slow ? k->facts->duration_s : (double) (s->longest.end_us - s->longest.begin_us) / 1e6;
        double bad = unexplained(k, c);
        enum diagnosis d = flood_kind(k, s, slow ? bad : unexplained(k, &s->longest.counts));
        char name[VERDICT_NAME_MAX], n[32];

        if (is_out_only(k))
                say(k, "only one direction (what the server sent); what it answers is a flood by the look of it: ");
        say(k, "%s at %s: ", slow ? "a slow fill, a SYN flood of few a second," : explain_diagnosis(d),
            service_name(k, i, name));
        lasted_s = fmin(lasted_s, k->facts->duration_s);
        /* A capture that the flood fills is told whole: its last handshakes had no time to be judged. */
        if (lasted_s > 0.5 * k->facts->duration_s || slow)
                say_handshakes(k, &s->counts, k->facts->duration_s);
        else
                say_handshakes(k, c, lasted_s);
        if (!slow && k->facts->duration_s < 1)
                say(k, ", %s a second", explain_count(of(&s->counts, LEDGER_HANDSHAKES) / k->facts->duration_s, n));
        else if (!slow)
                say(k, ", up to %s a second unfinished", words_count(s->longest.peak_bad_per_s, n));
        else
                say(k, "; a queue shorter than what comes in a minute is filled by it");
        if (d == DIAGNOSIS_FLOOD_SPOOFED && s->clients >= 2)
                say(k, "; about %s addresses", about(s->clients, of(&s->counts, LEDGER_HANDSHAKES), n));
        else if (d != DIAGNOSIS_FLOOD_SPOOFED)
                say_heaviest(k, fmax(bad, (double) ledger_bad(&k->all)));
        if (!is_out_only(k) && !is_in_only(k))
                say_answers(k, c);
        if (is_out_only(k) && of(&s->counts, LEDGER_RESENT) > 0)
                say(k, "; %.0f %% of its SYN-ACKs sent again", 100 * of(&s->counts, LEDGER_RESENT) /
                    of(&s->counts, LEDGER_HANDSHAKES));
        if (others)
                say(k, "; and %u more listener%s flooded", others, others > 1 ? "s" : "");
        if (k->facts->duration_s < SHORT_S)
                say(k, " (a short capture)");
        conclude(k, OUTCOME_FLOOD, d, is_out_only(k) ? "one-direction" : slow ? "slow-fill" : "flood", (int) i);
}

static bool find_flood(struct look *k) {
        int worst = -1;
        unsigned floods = 0;

        for (unsigned i = 0; i < k->count; i++) {
                if (!run_is_flood(k, &k->services[i]) && !is_slow_fill(k, &k->services[i]))
                        continue;
                floods++;
                k->v->flooded[i] = true;
                if (worst < 0 || ledger_bad(&k->services[i].longest.counts) >
                                         ledger_bad(&k->services[worst].longest.counts))
                        worst = (int) i;
        }
        if (worst >= 0)
                say_flood(k, (unsigned) worst, floods - 1);
        return worst >= 0;
}

/* --- captures that show nothing --------------------------------------------------------------- */

static bool find_unusable(struct look *k) {
        const struct capture_facts *f = k->facts;
        unsigned most = 0;
        const char *name = capture_link_name(f->unknown_link);

        for (unsigned i = 0; i < CAPTURE_KINDS; i++)
                if (capture_kind_is_loss((enum capture_kind) i) && f->kinds[i] > (most ? f->kinds[most] : 0))
                        most = i;
        if (f->frames == 0) {
                say(k, "there is no packet in it");
                conclude(k, OUTCOME_CANNOT_TELL, DIAGNOSIS_UNKNOWN, "empty", CAPTURE_NO_SERVICE);
                return true;
        }
        if (f->kinds[CAPTURE_SEGMENT] > 0 || most == 0)
                return false;
        if (most == CAPTURE_TRUNCATED)
                say(k, "cannot tell: it has %u bytes of each packet: TCP flags are not in it; capture with -s 96",
                    f->truncated_to);
        else if (most == CAPTURE_LINK)
                say(k, "cannot tell: link type %d%s%s%s is not decoded", f->unknown_link, name ? " (" : "",
                    name ? name : "", name ? ")" : "");
        else if (most >= CAPTURE_VXLAN)
                say(k, "cannot tell: all of it is in a tunnel (%s) that is not decoded; capture behind the tunnel",
                    capture_kind_name((enum capture_kind) most));
        else
                say(k, "cannot tell: its packets are broken (%s)", capture_kind_name((enum capture_kind) most));
        conclude(k, OUTCOME_CANNOT_TELL, DIAGNOSIS_UNKNOWN, "unusable", CAPTURE_NO_SERVICE);
        return true;
}

static void say_backscatter(struct look *k, const struct ledger_counts *c) {
        double from, to;
        struct address victim;
        char name[ADDRESS_TEXT_MAX] = "this host", n[32], m[32];

        capture_hosts_unasked(k->hosts, &from, &to);
        if (to < 1.5 && capture_hosts_unasked_to(k->hosts, &victim))
                address_format(&victim, name);
        say(k, "%s SYN-ACKs from %s addresses answer SYNs that %s never sent: its address is forged elsewhere, "
            "or these hosts are made to reflect an attack on it", words_count(of(c, LEDGER_UNASKED), n),
            about(from, of(c, LEDGER_UNASKED), m), name);
}

/* Few SYNs to each of many ports or addresses: by one who looks for something, or by forged ones. */
static void say_scan(struct look *k, const struct ledger_service *s) {
        double n = of(&s->counts, LEDGER_HANDSHAKES);
        bool forged = s->clients >= MOST * n;
        char count[32], from[32];

        say(k, "%s SYNs to many ports or addresses, few to each: ", words_count(of(&s->counts, LEDGER_SYNS), count));
        if (forged)
                say(k, "from %s addresses, forged by the look of it, at the host or its line and no listener",
                    about(s->clients, n, from));
        else
                say(k, "a scan");
        k->v->situation = forged ? "many-ports" : "port-scan";
        k->v->diagnosis = DIAGNOSIS_PORT_SCAN;
}

/* No service was met. */
static bool find_nothing_aimed(struct look *k) {
        const struct ledger_counts *c = &k->services[LEDGER_ELSEWHERE].counts;
        char n[32];

        if (k->all.of[LEDGER_HANDSHAKES] > 0)
                return false;
        say(k, "nothing here is aimed at a listener: ");
        conclude(k, OUTCOME_CANNOT_TELL, DIAGNOSIS_UNKNOWN, "nothing-aimed-here", CAPTURE_NO_SERVICE);
        if (k->facts->kinds[CAPTURE_SEGMENT] == 0)
                say(k, "there is no TCP in it");
        else if (c->of[LEDGER_HANDSHAKES] == 0)
                say(k, "there is no SYN in it, only connections that were there before");
        else if (of(c, LEDGER_UNASKED) >= MOST * of(c, LEDGER_HANDSHAKES)) {
                if (capture_hosts_backscatter(k->hosts) || capture_answers_disowned(c)) {
                        say_backscatter(k, c);
                        k->v->situation = "backscatter";
                } else
                        say(k, "%s SYN-ACK%s, whose SYNs are not in it; only one direction?",
                            words_count(of(c, LEDGER_UNASKED), n), c->of[LEDGER_UNASKED] == 1 ? "" : "s");
        } else if (of(c, LEDGER_DONE) >= MOST * of(c, LEDGER_HANDSHAKES))
                say(k, "its %s handshakes are this host's own, with others", words_count(of(c, LEDGER_HANDSHAKES), n));
        else if (of(c, LEDGER_HANDSHAKES) >= SCAN_MIN)
                say_scan(k, &k->services[LEDGER_ELSEWHERE]);
        else
                say(k, "%s SYNs, none to a port that answers", words_count(of(c, LEDGER_SYNS), n));
        return true;
}

/* --- captures without a flood --------------------------------------------------------------------- */

static bool find_one_direction(struct look *k) {
        bool out = is_out_only(k);

        if (!out && !is_in_only(k))
                return false;
        say(k, "only one direction (%s); nothing in it looks like a flood: ",
            out ? "what the server sent" : "what came in");
        say_handshakes(k, &k->all, k->facts->duration_s);
        conclude(k, OUTCOME_CANNOT_TELL, DIAGNOSIS_UNKNOWN, "one-direction", CAPTURE_NO_SERVICE);
        return true;
}

static bool find_blind(struct look *k) {
        if (!k->blind || k->all.of[LEDGER_CLOSED] > 0)
                return false;
        say(k, "cannot tell: only SYNs%s are in it, so that nobody can be seen to finish; capture all of tcp: ",
            k->all.of[LEDGER_SYN_ACKED] ? " and SYN-ACKs" : "");
        say_handshakes(k, &k->all, k->facts->duration_s);
        conclude(k, OUTCOME_CANNOT_TELL, DIAGNOSIS_UNKNOWN, "only-syns", CAPTURE_NO_SERVICE);
        return true;
}

static bool find_short(struct look *k) {
        if (k->facts->duration_s >= SHORT_S)
                return false;
        say(k, "too short to tell: ");
        say_handshakes(k, &k->all, k->facts->duration_s);
        conclude(k, OUTCOME_CANNOT_TELL, DIAGNOSIS_UNKNOWN, "too-short", CAPTURE_NO_SERVICE);
        return true;
}

static void say_checkers(struct look *k) {
        char name[ADDRESS_TEXT_MAX];

        for (unsigned i = 0; i < k->checkers_count && i < 3; i++)
                say(k, "%s%s", i ? ", " : "", prefix_format(&k->checkers[i].prefix, name));
        if (k->checkers_count > 3)
                say(k, " and %u more", k->checkers_count - 3);
}

static bool find_checks(struct look *k) {
        double checked = 0; /* services */
        bool scan;
        char n[32];

        if (k->checkers_count == 0 || k->checked < 0.1 * of(&k->all, LEDGER_HANDSHAKES))
                return false;
        for (unsigned i = 0; i < k->count; i++)
                checked += k->services[i].counts.of[LEDGER_ENDED] > 0;
        scan = checked >= SCAN_SERVICES && k->checked < CHECKER_MIN * checked;
        say(k, scan ? "no flood: a scan by " : "no flood, no reflection: half-open checks from ");
        say_checkers(k);
        say(k, " (%s, each ended by its RST as soon as it is answered); ", words_count(k->checked, n));
        say_handshakes(k, &k->all, k->facts->duration_s);
        conclude(k, OUTCOME_NO_FLOOD, scan ? DIAGNOSIS_PORT_SCAN : DIAGNOSIS_BUSY,
                 scan ? "port-scan" : "half-open-checks", CAPTURE_NO_SERVICE);
        return true;
}

/* A port at which nobody listens: for a while, or all the time. */
static bool find_closed(struct look *k) {
        int worst = -1;
        const struct ledger_service *s;
        char name[VERDICT_NAME_MAX], t[32], n[32];

        for (unsigned i = 0; i < k->count; i++)
                if (k->services[i].counts.of[LEDGER_CLOSED] >= 10 &&
                    (worst < 0 || k->services[i].counts.of[LEDGER_CLOSED] >
                                          k->services[worst].counts.of[LEDGER_CLOSED]))
                        worst = (int) i;
        if (worst < 0)
                return false;
        s = &k->services[worst];
        service_name(k, (unsigned) worst, name);
        if (of(&s->counts, LEDGER_CLOSED) >= NEARLY_ALL * of(&s->counts, LEDGER_HANDSHAKES)) {
                say(k, "no flood: nobody listens on %s, %s client%s keep%s trying (%s refused in ", name,
                    explain_count(round(s->clients), t), round(s->clients) == 1 ? "" : "s",
                    round(s->clients) == 1 ? "s" : "", words_count(of(&s->counts, LEDGER_CLOSED), n));
                say(k, "%s)", words_seconds(k->facts->duration_s, t));
        } else if (s->refusing_s >= REFUSING_S) {
                say(k, "no flood: %s was a closed port for %s (%s refused); ", name, words_seconds(s->refusing_s, t),
                    words_count(of(&s->counts, LEDGER_CLOSED), n));
                say_handshakes(k, &k->all, k->facts->duration_s);
        } else
                return false;
        conclude(k, OUTCOME_NO_FLOOD, DIAGNOSIS_QUIET, "closed-port", worst);
        return true;
}

static bool find_lossy(struct look *k) {
        double n = of(&k->all, LEDGER_HANDSHAKES), retried = of(&k->all, LEDGER_RETRIED);
        double waiting = of(&k->all, LEDGER_WAITING);

        if (retried < 10 || retried < 0.1 * n)
                return false;
        if (waiting >= MOST * retried)
                say(k, "no flood: clients send their SYNs again and nobody answers them: the service, or what is "
                    "in front of it, is down; ");
        else
                say(k, "no flood: clients send their SYNs again though they are answered: the answers are lost on "
                    "the way; ");
        say_handshakes(k, &k->all, k->facts->duration_s);
        conclude(k, OUTCOME_NO_FLOOD, DIAGNOSIS_LOSSY_CLIENTS, waiting >= MOST * retried ? "unanswered" : "lossy",
                 CAPTURE_NO_SERVICE);
        return true;
}

/* Too few, or too short, for a flood, and yet they are nobody's. */
static bool find_few_unfinished(struct look *k) {
        double n = of(&k->all, LEDGER_HANDSHAKES), bad = unexplained(k, &k->all);
        char a[32];

        if (bad < FEW_MIN || bad < MOST * n)
                return false;
        say(k, "no flood, but %s handshakes are finished by nobody, too few to hurt; ", words_count(bad, a));
        say_handshakes(k, &k->all, k->facts->duration_s);
        conclude(k, OUTCOME_NO_FLOOD, DIAGNOSIS_UNKNOWN, "few-unfinished", CAPTURE_NO_SERVICE);
        return true;
}

static unsigned busiest(const struct look *k) {
        unsigned most = 0;

        for (unsigned i = 1; i < k->count; i++)
                if (k->services[i].counts.of[LEDGER_HANDSHAKES] > k->services[most].counts.of[LEDGER_HANDSHAKES])
                        most = i;
        return most;
}

static void find_calm(struct look *k) {
        unsigned i = busiest(k);
        const struct ledger_service *s = &k->services[i];
        bool crowd = s->peak_per_s >= BUSY_PER_S && s->peak_per_s >= CROWD_FACTOR * s->first_per_s &&
                     k->facts->duration_s > 10;
        bool far = s->finish_delay_s >= FAR_S;
        char name[VERDICT_NAME_MAX];

        say(k, "no flood: ");
        if (crowd)
                say(k, "a crowd%s; ", far ? " from far away" : "");
        else if (far)
                say(k, "clients from far away; ");
        say_handshakes(k, &k->all, k->facts->duration_s);
        if (far)
                say(k, ", after %.0f ms for half of them", 1000 * s->finish_delay_s);
        say(k, "; most at %s", service_name(k, i, name));
        conclude(k, OUTCOME_NO_FLOOD, crowd ? DIAGNOSIS_FLASH_CROWD
                                      : s->peak_per_s >= BUSY_PER_S ? DIAGNOSIS_BUSY : DIAGNOSIS_QUIET,
                 crowd ? "crowd" : "honest", (int) i);
}

/* --- all of it ------------------------------------------------------------------------------------- */

static void gather(struct look *k) {
        k->count = capture_hosts_count(k->hosts);
        for (unsigned i = 0; i < LEDGER_SERVICES; i++) {
                if (i >= k->count && i != LEDGER_ELSEWHERE)
                        continue;
                k->services[i] = ledger_service(k->ledger, i);
                for (unsigned t = 0; t < LEDGER_TALLIES && i != LEDGER_ELSEWHERE; t++)
                        k->all.of[t] += k->services[i].counts.of[t];
        }
        ledger_directions(k->ledger, &k->by_clients, &k->by_servers);
        k->sources_count = ledger_sources(k->ledger, false, SOURCES_LOOKED_AT, k->sources);
        k->networks_count = ledger_sources(k->ledger, true, SOURCES_LOOKED_AT, k->networks);
        for (unsigned i = 0; i < k->sources_count; i++)
                if (is_checker(&k->sources[i])) {
                        k->checkers[k->checkers_count++] = k->sources[i];
                        k->checked += (double) k->sources[i].reset;
                }
        k->blind = ledger_others(k->ledger) == 0;
}

static void find(struct look *k) {
        static bool (*const rules[])(struct look *) = {
                find_unusable, find_flood, find_nothing_aimed, find_one_direction, find_closed, find_short,
                find_checks, find_lossy, find_blind, find_few_unfinished,
        };

        for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
                if (rules[i](k))
                        return;
        find_calm(k);
}

int capture_verdict_find(const struct capture_facts *facts, const struct capture_hosts *hosts,
                         const struct ledger *ledger, const struct ledger_limits *limits,
                         struct capture_verdict *ret) {
        struct look *k = calloc(1, sizeof *k);

        *ret = (struct capture_verdict) { .service = CAPTURE_NO_SERVICE };
        if (!k)
                return -ENOMEM;
        *k = (struct look) { .facts = facts, .hosts = hosts, .ledger = ledger, .limits = limits, .v = ret };
        gather(k);
        find(k);
        capture_notes_add(facts, hosts, ledger, k->all.of[LEDGER_HANDSHAKES] > 0, ret);
        free(k);
        return 0;
}
