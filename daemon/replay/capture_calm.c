/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/capture_calm.h"

#include <math.h>

#include "core/explain.h"
#include "replay/capture_say.h"
#include "replay/capture_scan.h"
#include "replay/words.h"

#define NEARLY_ALL 0.9
#define FAR_S 0.3
#define CROWD_FACTOR 3.0
#define BUSY_PER_S 20.0
#define REFUSING_S 0.5
#define SCAN_SERVICES 8
#define FEW_MIN 10
/* A closed port is what a capture is about, if so much of it is for it; so many that ask once are forged. */
#define CLOSED_SHARE 0.05
#define FORGED_MIN 1000.0
/* So long a half-open lives (tcp_synack_retries 5); so many are half of the shortest usual queue. */
#define HALF_OPEN_S 63.0
#define TRICKLE_HELD 64.0

static bool find_one_direction(struct look *k) {
        bool out = look_is_out_only(k);

        if (!out && !look_is_in_only(k))
                return false;
        say(k, "only one direction (%s); nothing in it looks like a flood: ",
            out ? "what the server sent" : "what came in");
        say_handshakes(k, &k->all, k->facts->duration_s);
        say_verdict(k, OUTCOME_CANNOT_TELL, DIAGNOSIS_UNKNOWN, "one-direction", CAPTURE_NO_SERVICE);
        return true;
}

static bool find_blind(struct look *k) {
        if (!k->blind || k->all.of[LEDGER_CLOSED] > 0)
                return false;
        say(k, "cannot tell: only SYNs%s are in it, so that nobody can be seen to finish; capture all of tcp: ",
            k->all.of[LEDGER_SYN_ACKED] ? " and SYN-ACKs" : "");
        say_handshakes(k, &k->all, k->facts->duration_s);
        say_verdict(k, OUTCOME_CANNOT_TELL, DIAGNOSIS_UNKNOWN, "only-syns", CAPTURE_NO_SERVICE);
        return true;
}

/* What is unfinished may have been finished by packets that are not there. */
static bool find_gaps(struct look *k) {
        double bad = look_unexplained(k, CAPTURE_NO_SERVICE, &k->all);

        if (k->gaps < LOOK_GAPS_SHARE || bad < k->limits->share * of(&k->all, LEDGER_HANDSHAKES))
                return false;
        say(k, "cannot tell: packets are missing: %.0f %% of the finished handshakes have no SYN-ACK in it; ",
            100 * k->gaps);
        say_handshakes(k, &k->all, k->facts->duration_s);
        say_verdict(k, OUTCOME_CANNOT_TELL, DIAGNOSIS_UNKNOWN, "gaps", CAPTURE_NO_SERVICE);
        return true;
}

static bool find_short(struct look *k) {
        if (k->facts->duration_s >= LOOK_SHORT_S)
                return false;
        say(k, "too short to tell: ");
        say_handshakes(k, &k->all, k->facts->duration_s);
        say_verdict(k, OUTCOME_CANNOT_TELL, DIAGNOSIS_UNKNOWN, "too-short", CAPTURE_NO_SERVICE);
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
        scan = checked >= SCAN_SERVICES && k->checked < LOOK_CHECKER_MIN * checked;
        say(k, scan ? "no flood: a scan by " : "no flood, no reflection: half-open checks from ");
        say_checkers(k);
        say(k, " (%s, each ended by its RST as soon as it is answered); ", words_count(k->checked, n));
        say_handshakes(k, &k->all, k->facts->duration_s);
        say_verdict(k, OUTCOME_NO_FLOOD, scan ? DIAGNOSIS_PORT_SCAN : DIAGNOSIS_BUSY,
                    scan ? "port-scan" : "half-open-checks", CAPTURE_NO_SERVICE);
        return true;
}

/* A port at which nobody listens: for a while, or all the time. */
static bool find_closed(struct look *k) {
        int worst = -1;
        const struct ledger_service *s;
        char name[VERDICT_NAME_MAX], t[32], n[32];
        double closed;

        for (unsigned i = 0; i < k->count; i++)
                if (k->services[i].counts.of[LEDGER_CLOSED] >= 10 &&
                    (worst < 0 ||
                     k->services[i].counts.of[LEDGER_CLOSED] > k->services[worst].counts.of[LEDGER_CLOSED]))
                        worst = (int) i;
        if (worst < 0)
                return false;
        s = &k->services[worst];
        say_service(k, (unsigned) worst, name);
        closed = of(&s->counts, LEDGER_CLOSED);
        if (closed >= NEARLY_ALL * of(&s->counts, LEDGER_HANDSHAKES)) {
                if (closed < CLOSED_SHARE * of(&k->all, LEDGER_HANDSHAKES))
                        return false; /* there is more to say of the rest */
                say(k, "no flood: nobody listens on %s, ", name);
                if (s->clients >= LOOK_MOST * closed)
                        say(k, "%s addresses ask once each%s (%s refused in ", say_about(s->clients, closed, t),
                            closed >= FORGED_MIN ? ", forged by the look of it" : "", words_count(closed, n));
                else
                        say(k, "%s client%s keep%s trying (%s refused in ", explain_count(round(s->clients), t),
                            round(s->clients) == 1 ? "" : "s", round(s->clients) == 1 ? "s" : "",
                            words_count(closed, n));
                say(k, "%s)", words_seconds(k->facts->duration_s, t));
        } else if (s->refusing_s >= REFUSING_S) {
                say(k, "no flood: %s was a closed port for %s (%s refused); ", name, words_seconds(s->refusing_s, t),
                    words_count(of(&s->counts, LEDGER_CLOSED), n));
                say_handshakes(k, &k->all, k->facts->duration_s);
        } else
                return false;
        say_verdict(k, OUTCOME_NO_FLOOD, DIAGNOSIS_QUIET, "closed-port", worst);
        return true;
}

static bool find_lossy(struct look *k) {
        double n = of(&k->all, LEDGER_HANDSHAKES), retried = of(&k->all, LEDGER_RETRIED);
        double waiting = of(&k->all, LEDGER_WAITING);

        if (retried < 10 || retried < 0.1 * n)
                return false;
        if (waiting >= LOOK_MOST * retried)
                say(k, "no flood: clients send their SYNs again and nobody answers them: the service, or what is "
                       "in front of it, is down; ");
        else
                say(k, "no flood: clients send their SYNs again though they are answered: the answers are lost on "
                       "the way; ");
        say_handshakes(k, &k->all, k->facts->duration_s);
        say_verdict(k, OUTCOME_NO_FLOOD, DIAGNOSIS_LOSSY_CLIENTS,
                    waiting >= LOOK_MOST * retried ? "unanswered" : "lossy", CAPTURE_NO_SERVICE);
        return true;
}

/* Too few, or too short, for a flood, and yet they are nobody's. */
static bool find_few_unfinished(struct look *k) {
        double n = of(&k->all, LEDGER_HANDSHAKES), bad = look_unexplained(k, CAPTURE_NO_SERVICE, &k->all);
        const struct ledger_run *run = NULL;
        char a[32], t[32];

        for (unsigned i = 0; i < k->count; i++)
                if (k->services[i].runs > 0 &&
                    look_unexplained(k, (int) i, &k->services[i].longest.counts) >= FEW_MIN &&
                    (!run || ledger_bad(&k->services[i].longest.counts) > ledger_bad(&run->counts)))
                        run = &k->services[i].longest;
        if (bad < FEW_MIN || (bad < LOOK_MOST * n && !run))
                return false;
        say(k, "no flood, but %s handshakes", words_count(run ? (double) ledger_bad(&run->counts) : bad, a));
        if (run)
                say(k, " in %s", words_seconds((double) (run->end_us - run->begin_us) / 1e6, t));
        say(k, " are finished by nobody, too few, or for too short a time, to hurt a usual queue; ");
        say_handshakes(k, &k->all, k->facts->duration_s);
        say_verdict(k, OUTCOME_NO_FLOOD, DIAGNOSIS_UNKNOWN, "few-unfinished", CAPTURE_NO_SERVICE);
        return true;
}

static unsigned busiest(const struct look *k) {
        unsigned most = 0;

        for (unsigned i = 1; i < k->count; i++)
                if (k->services[i].counts.of[LEDGER_HANDSHAKES] > k->services[most].counts.of[LEDGER_HANDSHAKES])
                        most = i;
        return most;
}

/* Not enough for a flood beside what finishes; but they stay, and add up. */
static void note_trickle(struct look *k) {
        double bad = look_unexplained(k, CAPTURE_NO_SERVICE, &k->all), per_s = bad / k->facts->duration_s;
        char n[32];

        if (per_s * HALF_OPEN_S >= TRICKLE_HELD && bad >= TRICKLE_HELD)
                capture_verdict_note(
                        k->v, "unfinished", 0, false,
                        "%s handshakes, %.1f a second, are finished by nobody: they hold about %.0f places "
                        "of a queue",
                        words_count(bad, n), per_s, fmin(bad, per_s * HALF_OPEN_S));
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
        say(k, "; most at %s", say_service(k, i, name));
        note_trickle(k);
        say_verdict(k, OUTCOME_NO_FLOOD,
                    crowd                         ? DIAGNOSIS_FLASH_CROWD
                    : s->peak_per_s >= BUSY_PER_S ? DIAGNOSIS_BUSY
                                                  : DIAGNOSIS_QUIET,
                    crowd ? "crowd" : "honest", (int) i);
}

void capture_calm_find(struct look *k) {
        static bool (*const rules[])(struct look *) = {
                find_one_direction, capture_scan_find, find_closed, find_short,          find_checks,
                find_gaps,          find_lossy,        find_blind,  find_few_unfinished,
        };

        for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
                if (rules[i](k))
                        return;
        find_calm(k);
}
