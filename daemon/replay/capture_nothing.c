/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/capture_nothing.h"

#include "replay/capture_notes.h"
#include "replay/capture_say.h"
#include "replay/words.h"

/* Fewer handshakes with nobody are no scan. */
#define SCAN_MIN 50

bool capture_nothing_usable(struct look *k) {
        const struct capture_facts *f = k->facts;
        unsigned most = 0;
        const char *name = capture_link_name(f->unknown_link);

        for (unsigned i = 0; i < CAPTURE_KINDS; i++)
                if (capture_kind_is_loss((enum capture_kind) i) && f->kinds[i] > (most ? f->kinds[most] : 0))
                        most = i;
        if (f->frames == 0) {
                say(k, "there is no packet in it");
                say_verdict(k, OUTCOME_CANNOT_TELL, DIAGNOSIS_UNKNOWN, "empty", CAPTURE_NO_SERVICE);
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
        say_verdict(k, OUTCOME_CANNOT_TELL, DIAGNOSIS_UNKNOWN, "unusable", CAPTURE_NO_SERVICE);
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
            say_about(from, of(c, LEDGER_UNASKED), m), name);
}

/* Few SYNs to each of many ports or addresses: by one who looks for something, or by forged ones. */
static void say_scan(struct look *k, const struct ledger_service *s) {
        double n = of(&s->counts, LEDGER_HANDSHAKES);
        bool forged = s->clients >= LOOK_MOST * n;
        char count[32], from[32];

        say(k, "%s SYNs to many ports or addresses, few to each: ", words_count(of(&s->counts, LEDGER_SYNS), count));
        if (forged)
                say(k, "from %s addresses, forged by the look of it, at the host or its line and no listener",
                    say_about(s->clients, n, from));
        else
                say(k, "a scan");
        k->v->situation = forged ? "many-ports" : "port-scan";
        k->v->diagnosis = DIAGNOSIS_PORT_SCAN;
}

/* No service was met. */
bool capture_nothing_aimed(struct look *k) {
        const struct ledger_counts *c = &k->services[LEDGER_ELSEWHERE].counts;
        char n[32];

        if (k->all.of[LEDGER_HANDSHAKES] > 0)
                return false;
        say(k, "nothing here is aimed at a listener: ");
        say_verdict(k, OUTCOME_CANNOT_TELL, DIAGNOSIS_UNKNOWN, "nothing-aimed-here", CAPTURE_NO_SERVICE);
        if (k->facts->kinds[CAPTURE_SEGMENT] == 0)
                say(k, "there is no TCP in it");
        else if (c->of[LEDGER_HANDSHAKES] == 0)
                say(k, "there is no SYN in it, only connections that were there before");
        else if (of(c, LEDGER_UNASKED) >= LOOK_MOST * of(c, LEDGER_HANDSHAKES)) {
                if (capture_hosts_backscatter(k->hosts) || capture_answers_disowned(c)) {
                        say_backscatter(k, c);
                        k->v->situation = "backscatter";
                } else
                        say(k, "%s SYN-ACK%s, whose SYNs are not in it; only one direction?",
                            words_count(of(c, LEDGER_UNASKED), n), c->of[LEDGER_UNASKED] == 1 ? "" : "s");
        } else if (of(c, LEDGER_DONE) >= LOOK_MOST * of(c, LEDGER_HANDSHAKES))
                say(k, "its %s handshakes are this host's own, with others", words_count(of(c, LEDGER_HANDSHAKES), n));
        else if (of(c, LEDGER_HANDSHAKES) >= SCAN_MIN)
                say_scan(k, &k->services[LEDGER_ELSEWHERE]);
        else
                say(k, "%s SYNs, none to a port that answers", words_count(of(c, LEDGER_SYNS), n));
        return true;
}
