/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/capture_look.h"

#include <math.h>

/* Who ends nearly all that it does not finish by RST, from where its SYNs come too, and is of one's own
 * networks, answers at once, or takes ports in order, checks a port; a victim of reflection answers
 * late, from another distance. A balancer checks from the address from which it also connects. */
#define CHECKER_SHARE 0.9
#define CHECKER_TTL_SHARE 0.1
#define CHECKER_DELAY_S 0.005
#define CHECKER_PORTS_SHARE 0.5
/* And hardly holds a place of a queue, nor asks more often than anybody checks. */
#define CHECKER_HELD 16.0
#define CHECKER_PER_S 2000.0

bool look_is_out_only(const struct look *k) {
        return k->by_clients == 0 && k->by_servers > 0;
}

bool look_is_in_only(const struct look *k) {
        return k->by_servers == 0 && k->all.of[LEDGER_DONE] > 0;
}

/* An address of one's own network is no victim on the Internet. */
static bool is_private(const struct address *a) {
        const uint8_t *b = a->bytes + 12;

        if (!address_is_ipv4(a))
                return (a->bytes[0] & 0xfe) == 0xfc || (a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80);
        return b[0] == 10 || b[0] == 127 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
               (b[0] == 169 && b[1] == 254) || (b[0] == 100 && (b[1] & 0xc0) == 64);
}

bool look_ends_its_own(const struct ledger_source *s) {
        double reset = (double) s->reset;
        double unfinished = (double) s->handshakes - (double) s->finished - (double) s->refused;

        return s->reset >= LOOK_CHECKER_MIN && reset >= CHECKER_SHARE * unfinished &&
               s->ttl_differs <= CHECKER_TTL_SHARE * reset &&
               (is_private(&s->prefix.address) || (double) s->reset_delay_us / 1e6 <= CHECKER_DELAY_S * reset ||
                (double) s->ports_in_order >= CHECKER_PORTS_SHARE * (double) s->handshakes);
}

static bool is_checker(const struct look *k, const struct ledger_source *s) {
        double seconds = fmax(k->facts->duration_s, LOOK_SHORT_S);

        return look_ends_its_own(s) && (double) s->reset_delay_us / 1e6 <= CHECKER_HELD * seconds &&
               (double) s->reset <= CHECKER_PER_S * seconds;
}

double look_unfinished(const struct look *k, const struct ledger_source *s) {
        double n = (double) s->handshakes - (double) s->finished - (double) s->refused;

        return is_checker(k, s) ? 0 : fmax(0, n);
}

double look_unexplained(const struct look *k, int service, const struct ledger_counts *c) {
        double bad = (double) ledger_bad(c), ended = of(c, LEDGER_ENDED);
        double checked = service == CAPTURE_NO_SERVICE ? k->checked : k->checked_at[service];

        if (ended > 0 && checked >= 0.8 * ended)
                bad -= fmin(bad, ended);
        return bad;
}

uint64_t look_lost(const struct look *k, enum capture_kind *ret_most) {
        uint64_t lost = 0, most = 0;

        for (unsigned i = 0; i < CAPTURE_KINDS; i++) {
                if (!capture_kind_is_loss((enum capture_kind) i))
                        continue;
                lost += k->facts->kinds[i];
                if (k->facts->kinds[i] > most) {
                        most = k->facts->kinds[i];
                        *ret_most = (enum capture_kind) i;
                }
        }
        return lost;
}

static void add_checker(struct look *k, const struct ledger_source *s) {
        int at = s->reset_at;

        while (at >= 0 && at < (int) k->count && capture_hosts_service(k->hosts, (uint32_t) at)->merged >= 0)
                at = capture_hosts_service(k->hosts, (uint32_t) at)->merged;
        k->checkers[k->checkers_count++] = *s;
        k->checked += (double) s->reset;
        for (unsigned i = 0; i < LEDGER_SERVICES; i++)
                k->checked_at[i] += at == CAPTURE_NO_SERVICE || at == (int) i ? (double) s->reset : 0;
}

void look_gather(struct look *k) {
        k->count = capture_hosts_count(k->hosts);
        for (unsigned i = 0; i < LEDGER_SERVICES; i++) {
                if (i >= k->count && i != LEDGER_ELSEWHERE)
                        continue;
                k->services[i] = ledger_service(k->ledger, i);
                for (unsigned t = 0; t < LEDGER_TALLIES && i != LEDGER_ELSEWHERE; t++)
                        k->all.of[t] += k->services[i].counts.of[t];
        }
        ledger_directions(k->ledger, &k->by_clients, &k->by_servers);
        k->sources_count = ledger_sources(k->ledger, false, LOOK_SOURCES, k->sources);
        k->networks_count = ledger_sources(k->ledger, true, LOOK_SOURCES, k->networks);
        for (unsigned i = 0; i < k->sources_count; i++)
                if (is_checker(k, &k->sources[i]))
                        add_checker(k, &k->sources[i]);
        if (k->by_servers > 0 && k->all.of[LEDGER_DONE] >= LOOK_GAPS_MIN)
                k->gaps = fmin(1, (double) ledger_gaps(k->ledger) / of(&k->all, LEDGER_DONE));
        k->blind = ledger_others(k->ledger) == 0 && k->all.of[LEDGER_DONE] == 0;
}
