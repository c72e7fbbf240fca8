/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/capture_nothing.h"

#include "replay/capture_notes.h"
#include "replay/capture_say.h"
#include "replay/capture_scan.h"
#include "replay/words.h"

#define OUTGOING_MIN 100
#define UNORDERED_MIN 10

bool capture_nothing_usable(struct look *k) {
        const struct capture_facts *f = k->facts;
        enum capture_kind most = CAPTURE_SEGMENT;
        const char *name = capture_link_name(f->unknown_link);
        uint64_t lost = look_lost(k, &most);

        if (f->frames == 0) {
                say(k, "there is no packet in it");
                say_verdict(k, OUTCOME_CANNOT_TELL, DIAGNOSIS_UNKNOWN, "empty", CAPTURE_NO_SERVICE);
                return true;
        }
        if (f->kinds[CAPTURE_SEGMENT] > 0 || lost == 0)
                return false;
        if (most == CAPTURE_TRUNCATED)
                say(k, "cannot tell: it has %u bytes of each packet: TCP flags are not in it; capture with -s %u",
                    f->truncated_to, capture_notes_length(f));
        else if (most == CAPTURE_LINK)
                say(k, "cannot tell: link type %d%s%s%s is not decoded", f->unknown_link, name ? " (" : "",
                    name ? name : "", name ? ")" : "");
        else if (most >= CAPTURE_VXLAN)
                say(k, "cannot tell: all of it is in a tunnel (%s) that is not decoded; capture behind the tunnel",
                    capture_kind_name(most));
        else
                say(k, "cannot tell: its packets are %s", capture_notes_kind(most));
        say_verdict(k, OUTCOME_CANNOT_TELL, DIAGNOSIS_UNKNOWN, "unusable", CAPTURE_NO_SERVICE);
        return true;
}

/* Answers before what they answer: nothing that follows from the order is true. */
bool capture_nothing_ordered(struct look *k) {
        double n = of(&k->all, LEDGER_HANDSHAKES), overtaken = (double) ledger_overtaken(k->ledger);

        if (overtaken < UNORDERED_MIN || overtaken < LOOK_MOST * n || of(&k->all, LEDGER_DONE) >= LOOK_MOST * n)
                return false;
        say(k, "cannot tell: its packets are not in the order of time, SYN-ACKs stand before their SYNs; sort it first "
               "(reordercap FILE NEW)");
        say_verdict(k, OUTCOME_CANNOT_TELL, DIAGNOSIS_UNKNOWN, "unordered", CAPTURE_NO_SERVICE);
        return true;
}

static void say_backscatter(struct look *k, const struct ledger_counts *c) {
        double from, to;
        struct address victim;
        char name[ADDRESS_TEXT_MAX] = "this host", n[32], m[32];

        capture_hosts_unasked(k->hosts, &from, &to);
        if (to < 1.5 && capture_hosts_unasked_to(k->hosts, &victim))
                address_format(&victim, name);
        say(k,
            "%s SYN-ACKs from %s addresses answer SYNs that %s never sent: its address is forged elsewhere, "
            "or these hosts are made to reflect an attack on it",
            words_count(of(c, LEDGER_UNASKED), n), say_about(from, of(c, LEDGER_UNASKED), m), name);
}

/* What was named is not in it, or one end that is not ours has most of it. */
static bool say_elsewhere(struct look *k, const struct ledger_counts *c) {
        bool named = capture_hosts_are_named(k->hosts), out;
        struct listener_key to;
        char name[ADDRESS_TEXT_MAX], n[32], from[ADDRESS_TEXT_MAX];
        uint64_t syns;

        if (!capture_hosts_busiest_elsewhere(k->hosts, &to, &syns, &out))
                return false;
        listener_key_format(&to, name);
        if (named) {
                say(k, "of those that were named none is in it; %s SYNs go elsewhere, most to %s",
                    words_count(of(c, LEDGER_SYNS), n), name);
                return true;
        }
        if ((double) syns < LOOK_MOST * of(c, LEDGER_SYNS) || syns < OUTGOING_MIN)
                return false;
        say(k, "%s SYNs go out to %s", words_count((double) syns, n), name);
        if (k->sources_count > 0 && (double) k->sources[0].handshakes >= LOOK_MOST * of(c, LEDGER_HANDSHAKES))
                say(k, " from %s", prefix_format(&k->sources[0].prefix, from));
        if (of(c, LEDGER_DONE) < LOOK_MOST * of(c, LEDGER_HANDSHAKES)) {
                say(k, ", and hardly any is followed up: this host, or one behind it, floods that one");
                k->v->situation = "outgoing";
        }
        return true;
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
        else if (say_elsewhere(k, c))
                return true;
        else if (capture_scan_is_one(c))
                capture_scan_say(k);
        else
                say(k, "%s SYNs, none to a port that answers", words_count(of(c, LEDGER_SYNS), n));
        return true;
}
