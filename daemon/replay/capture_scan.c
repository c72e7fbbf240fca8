/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/capture_scan.h"

#include <math.h>

#include "replay/capture_say.h"
#include "replay/words.h"

/* Fewer handshakes with nobody are no scan. */
#define SCAN_MIN 50
/* So few look through a network, and send so many SYNs to an address. */
#define SWEEP_SOURCES 16.0
#define SWEEP_TIMES 3.0
#define SWEEP_ADDRESSES 8

bool capture_scan_is_sweep(const struct look *k, unsigned service) {
        const struct capture_service *c = capture_hosts_service(k->hosts, service);
        const struct ledger_service *s = &k->services[service];
        double n = of(&s->counts, LEDGER_HANDSHAKES);

        return address_is_wildcard(&c->key.address) && c->network.length > 0 && c->addresses >= SWEEP_ADDRESSES &&
               n >= SCAN_MIN && s->clients <= SWEEP_SOURCES && of(&s->counts, LEDGER_DONE) < LOOK_MOST * n &&
               n <= SWEEP_TIMES * fmax(1, round(s->clients)) * c->addresses;
}

bool capture_scan_is_one(const struct ledger_counts *c) {
        double n = of(c, LEDGER_HANDSHAKES) - of(c, LEDGER_UNASKED);

        return n >= SCAN_MIN && of(c, LEDGER_DONE) < LOOK_MOST * n;
}

/* " by 192.0.2.1", if one does most of it. */
static void say_who(struct look *k, double n) {
        char name[ADDRESS_TEXT_MAX];

        if (k->sources_count > 0 && (double) k->sources[0].handshakes >= LOOK_MOST * n)
                say(k, " by %s", prefix_format(&k->sources[0].prefix, name));
}

void capture_scan_say(struct look *k) {
        const struct ledger_service *s = &k->services[LEDGER_ELSEWHERE];
        double n = of(&s->counts, LEDGER_HANDSHAKES);
        bool forged = s->clients >= LOOK_MOST * n;
        char count[32], from[32];

        say(k, "%s SYNs to many ports or addresses, few to each: ", words_count(of(&s->counts, LEDGER_SYNS), count));
        if (forged)
                say(k, "from %s addresses, forged by the look of it, at the host or its line and no listener",
                    say_about(s->clients, n, from));
        else {
                say(k, "a scan");
                say_who(k, n);
        }
        k->v->situation = forged ? "many-ports" : "port-scan";
        k->v->diagnosis = DIAGNOSIS_PORT_SCAN;
}

static bool find_sweep(struct look *k) {
        char name[VERDICT_NAME_MAX];
        int most = -1;

        for (unsigned i = 0; i < k->count; i++)
                if (capture_scan_is_sweep(k, i) && (most < 0 || k->services[i].counts.of[LEDGER_HANDSHAKES] >
                                                                        k->services[most].counts.of[LEDGER_HANDSHAKES]))
                        most = (int) i;
        if (most < 0 || of(&k->services[most].counts, LEDGER_HANDSHAKES) < LOOK_MOST * of(&k->all, LEDGER_HANDSHAKES))
                return false;
        say(k, "no flood: a scan");
        say_who(k, of(&k->services[most].counts, LEDGER_HANDSHAKES));
        say(k, " of %s; ", say_service(k, (unsigned) most, name));
        say_handshakes(k, &k->all, k->facts->duration_s);
        say_verdict(k, OUTCOME_NO_FLOOD, DIAGNOSIS_PORT_SCAN, "port-scan", most);
        return true;
}

/* Some of the ports that are tried are open, and so there are services. */
static bool find_scan(struct look *k) {
        const struct ledger_counts *c = &k->services[LEDGER_ELSEWHERE].counts;
        struct listener_key busiest;
        uint64_t syns = 0;
        bool out;

        if (!capture_scan_is_one(c) || of(c, LEDGER_HANDSHAKES) < of(&k->all, LEDGER_HANDSHAKES) ||
            (capture_hosts_busiest_elsewhere(k->hosts, &busiest, &syns, &out) &&
             (double) syns >= LOOK_MOST * of(c, LEDGER_SYNS)))
                return false;
        say_verdict(k, OUTCOME_NO_FLOOD, DIAGNOSIS_PORT_SCAN, "port-scan", CAPTURE_NO_SERVICE);
        if (k->services[LEDGER_ELSEWHERE].clients >= LOOK_MOST * of(c, LEDGER_HANDSHAKES))
                k->v->outcome = OUTCOME_CANNOT_TELL; /* forged, and no listener is meant */
        say(k, k->v->outcome == OUTCOME_NO_FLOOD ? "no flood: " : "nothing is aimed at a listener: ");
        capture_scan_say(k);
        say(k, "; beside it ");
        say_handshakes(k, &k->all, k->facts->duration_s);
        return true;
}

bool capture_scan_find(struct look *k) {
        return find_sweep(k) || find_scan(k);
}
