/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/symptoms.h"

#include <math.h>
#include <stdio.h>

/* Refused for a full queue, while the application does accept: a burst, not a flood. */
#define BURST_DROPS_MIN 3
#define BURST_FULL_LOOKS 0.5
/* So many times the queue at once are too many however fast the application accepts, if it mostly does. */
#define BURST_TIMES 2.0
#define BURST_STALLED_LOOKS 0.25
/* A busy listener turns one in a thousand away now and then: that is the crowd, not its queue. */
#define BURST_TURNED_AWAY 0.05
/* Half-opens of 3 s and more: nobody's; so many, and so large a share of those that begin. */
#define SLOW_OLD_MIN 20
#define SLOW_SHARE 0.5
/* A queue that is held: so full (as core/flood_rules.c has it), at so many walks, of so many. */
#define HELD_FILL 0.8
#define HELD_STALE_SHARE 0.5
#define HELD_MIN 4
#define HELD_WALKS 0.9
#define HELD_WALKS_MIN 5
/* Whoever sends most SYNs again is there: what he gets, or sends, is lost. */
#define AGAIN_SHARE 0.4
/* Between a second and three, when an entry is sure to be nobody's and the kernel drops none yet. */
#define AGING_S 2.0
/* More than half full, it drops them at their third time-out (reqsk_timer_handler()). */
#define PRESSED_LIFE_S 7
#define PRESSED_FILL 0.4 /* about half, between two drops */
/* SYNs that arrive and are handed to nobody. */
#define EATEN_MIN 20.0
#define EATEN_PER_S 2.0
#define EATEN_SHARE 0.2
/* SYNs that SYNPROXY answered: counted a moment before or after the others; so few that are finished, and
 * so many a second, are a flood that it holds off. */
#define PROXIED_SHARE 2.0
#define PROXY_PASSED_SHARE 0.5
#define PROXY_HELD_PER_S 50.0
/* SYNs to one port at which nobody listens. */
#define CLOSED_MIN 20.0
#define CLOSED_PER_S 2.0
#define CLOSED_PORT_SHARE 0.5
/* RSTs that neither closed ports nor applications explain. */
#define UNASKED_PER_S 10.0
#define UNASKED_SHARE 0.5
#define FORWARDED_PER_S 10.0
#define FORWARDED_SHARE 0.5
#define CHECKS_PER_S 10.0
#define CHECKS_SHARE 0.5
#define LITTLE_SYNS 10.0

/* --- sums ------------------------------------------------------------------------- */

static struct symptoms_listener *listener_for(struct symptoms *s, const struct listener_key *key) {
        for (uint32_t i = 0; i < s->listeners_count; i++)
                if (listener_key_equal(&s->listeners[i].key, key))
                        return &s->listeners[i];
        if (s->listeners_count == OBS_LISTENERS_MAX)
                return NULL;
        s->listeners[s->listeners_count] = (struct symptoms_listener) { .key = *key };
        return &s->listeners[s->listeners_count++];
}

static void add_walk(struct symptoms_listener *l, const struct obs_listener *o) {
        uint32_t aging = o->age[OBS_AGE_1S] + o->age[OBS_AGE_1500MS] + o->age[OBS_AGE_2S];

        l->half_open = o->half_open;
        l->old = 0;
        for (unsigned b = OBS_AGE_3S; b < OBS_AGE_BINS; b++)
                l->old += o->age[b];
        l->walks++;
        l->aging += aging;
        l->held_walks += l->half_open >= HELD_MIN && l->half_open >= HELD_FILL * l->backlog &&
                         l->old + aging >= HELD_STALE_SHARE * l->half_open;
}

static void add_listener(struct symptoms *s, const struct obs_listener *o, bool walked) {
        struct symptoms_listener *l = listener_for(s, &o->key);

        if (!l)
                return;
        l->looks++;
        if (o->known & OBS_L_LIMITS) {
                l->backlog = o->backlog;
                l->full_looks += o->accept_full > 0;
        }
        if (o->known & OBS_L_DROPS)
                l->drops += o->drops;
        /* Those sent again would not have been, had there been room. */
        if (o->known & OBS_L_SYNS)
                l->most_at_once = fmax(l->most_at_once,
                                       (double) o->syns - (o->known & OBS_L_SENDERS
                                                                   ? fmin((double) o->syns, (double) o->syns_again)
                                                                   : 0));
        if (o->known & OBS_L_SYNS)
                l->syns += o->syns;
        if (o->known & OBS_L_SENDERS)
                l->syns_again += o->syns_again;
        if (walked && (o->known & OBS_L_HALF_OPEN))
                add_walk(l, o);
}

void symptoms_add(struct symptoms *s, const struct observation *o) {
        uint64_t at_once = 0;

        if (s->looks++ == 0)
                s->begin_us = o->time_us;
        s->end_us = o->time_us;
        for (unsigned c = 0; c < OBS_COUNTERS; c++)
                if (observation_knows(o, (enum obs_counter) c)) {
                        s->sums[c] += o->counters[c];
                        s->told |= UINT32_C(1) << c;
                } else if (c == OBS_ARRIVED || c == OBS_FORWARDED)
                        continue; /* told now and then, for all the time since */
                else if (s->looks > 2) /* the first reading has nothing to take a difference from */
                        s->unknown |= UINT32_C(1) << c;
        if (observation_knows(o, OBS_PASSIVE_OPENS) && observation_knows(o, OBS_LISTEN_DROPS))
                at_once = o->counters[OBS_PASSIVE_OPENS] + o->counters[OBS_LISTEN_DROPS];
        s->most_at_once = fmax(s->most_at_once, (double) at_once);
        if (observation_knows(o, OBS_SYNS) && o->counters[OBS_SYNS] == 0)
                s->strays_known = true;
        if ((o->known & OBS_K_SOURCES) && (o->sources.known & OBS_SS_STRAY) && observation_knows(o, OBS_SYNS)) {
                s->strays_known = true;
                s->stray_syns += o->sources.stray_share * (double) o->counters[OBS_SYNS];
        }
        for (uint32_t i = 0; i < o->listeners_count; i++)
                add_listener(s, &o->listeners[i], o->known & OBS_K_DUMP);
}

/* --- rules -------------------------------------------------------------------------- */

struct look {
        const struct symptoms *s;
        const struct symptoms_more *more;
        const struct advice_host *host;
        const char *(*name)(void *userdata, const struct listener_key *key);
        void *userdata;
        double seconds;
        struct advice_list *list;
};

static double sum(const struct look *k, enum obs_counter c) {
        return (double) k->s->sums[c];
}

static bool knows(const struct look *k, enum obs_counter c) {
        return !(k->s->unknown & UINT32_C(1) << c) && (k->s->told & UINT32_C(1) << c) && k->s->looks > 2;
}

static void find_eaten(struct look *k) {
        double arrived = sum(k, OBS_ARRIVED), proxied = (double) k->more->proxied_syns;
        double gone = arrived - sum(k, OBS_FORWARDED) - sum(k, OBS_SYNS) - proxied;
        bool full = k->host->conntrack_max > 0 && k->host->conntrack_count >= k->host->conntrack_max / 100 * 95;

        if (!knows(k, OBS_ARRIVED) || !knows(k, OBS_FORWARDED) || !knows(k, OBS_SYNS))
                return;
        if (gone < EATEN_MIN || gone < EATEN_PER_S * k->seconds || gone < EATEN_SHARE * arrived ||
            proxied > PROXIED_SHARE * gone)
                return;
        advice_add(k->list, ADVICE_SERIOUS, "syns-eaten", "SYNs arrive and do not reach the listener",
                   full ? "sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max" : "nft list ruleset",
                   "%.0f of %.0f SYNs (%.0f/s) are dropped between the network and TCP: %s.", gone, arrived,
                   gone / k->seconds,
                   full ? "the connection tracking table is full"
                        : "by a firewall rule of this host, or for having no way back (rp_filter)");
}

/* What the proxy passes on arrives a second time, from here. */
static void find_proxy(struct look *k) {
        double proxied = (double) k->more->proxied_syns, passed = (double) k->more->passed_syns;
        bool held = passed < PROXY_PASSED_SHARE * proxied && proxied >= PROXY_HELD_PER_S * k->seconds;

        if (proxied < EATEN_MIN || proxied < EATEN_PER_S * k->seconds)
                return;
        advice_add(
                k->list, held ? ADVICE_WARNING : ADVICE_INFO, "synproxy",
                held ? "SYNPROXY holds off SYNs that nobody follows up" : "SYNPROXY answers in front of the listeners",
                held ? "cat /proc/net/stat/synproxy" : NULL,
                "It got %.0f SYNs (%.0f/s), and %.0f handshakes were finished and passed on; the listeners see no others.%s",
                proxied, proxied / k->seconds, passed,
                held ? " Nothing to switch here; the provider can filter it." : "");
}

static bool is_stalled(const struct look *k, const struct symptoms_listener *l) {
        return k->more->stalled &&
               (l->most_at_once < BURST_TIMES * l->backlog || l->full_looks > BURST_STALLED_LOOKS * l->looks);
}

/* Over the whole watch, and of this listener: of a burst one look sees the clients turned away and the next
 * has them all served. Where SYNs are not logged, of the host; and where the only listener's own drops are not
 * told, the host's are its. */
static bool is_served(const struct look *k, const struct symptoms_listener *l) {
        double drops = (double) l->drops, came = (double) l->syns;

        if (k->s->listeners_count == 1)
                drops = fmax(drops, sum(k, OBS_LISTEN_DROPS));
        if (came <= 0)
                came = sum(k, OBS_PASSIVE_OPENS) + drops;
        return drops < BURST_TURNED_AWAY * came;
}

static void find_bursts(struct look *k) {
        if (k->more->flood)
                return;
        for (uint32_t i = 0; i < k->s->listeners_count; i++) {
                const struct symptoms_listener *l = &k->s->listeners[i];
                double needed = l->most_at_once > 0 ? l->most_at_once : k->s->most_at_once;
                /* With 2 each SYN counts as one that found a full queue. */
                double full = sum(k, OBS_QUEUE_FULL_DROPS) +
                              (k->host->syncookies == 2 ? 0 : sum(k, OBS_QUEUE_FULL_COOKIES));
                /* A SYN that is answered by cookie is no drop of the listener, but of whom more came than
                 * there was room for. */
                bool dropped = l->drops >= BURST_DROPS_MIN ||
                               (full >= BURST_DROPS_MIN &&
                                (k->s->listeners_count == 1 || l->most_at_once > l->backlog));
                struct advice_queue q = { .name = k->name(k->userdata, &l->key), .backlog = l->backlog };

                q.needed = fmax(needed, l->backlog + 1.0);
                q.served = is_served(k, l);
                if (dropped && l->backlog > 0 && needed > l->backlog / 2.0 && !is_stalled(k, l) &&
                    l->full_looks <= BURST_FULL_LOOKS * l->looks)
                        advice_queue(k->list, &q, k->host);
        }
}

/* How many a second grow old, which nobody finishes. */
static double unfinished_per_s(const struct symptoms_listener *l) {
        return l->walks ? (double) l->aging / l->walks / AGING_S : 0;
}

/* What is old there, not even a full accept queue, an outage or clients who try again explain. */
static bool is_nobodys(const struct look *k, const struct symptoms_listener *l) {
        double per_s = unfinished_per_s(l), begun = per_s + sum(k, OBS_PASSIVE_OPENS) / k->seconds;

        if (l->syns > l->syns_again) /* those of other listeners finish there */
                begun = fmin(begun, (double) (l->syns - l->syns_again) / k->seconds);
        return !k->more->flood && !k->more->stalled && !k->more->lossy && knows(k, OBS_PASSIVE_OPENS) &&
               l->full_looks <= BURST_FULL_LOOKS * l->looks && per_s > 0 && per_s >= SLOW_SHARE * begun &&
               (double) l->syns_again <= AGAIN_SHARE * (double) l->syns;
}

static bool is_held(const struct symptoms_listener *l) {
        return l->walks >= HELD_WALKS_MIN && l->held_walks >= HELD_WALKS * l->walks;
}

static void slow_command(const struct look *k, const struct symptoms_listener *l,
                         char text[static ADVICE_COMMAND_MAX]) {
        if (k->host->syncookies == 0)
                snprintf(text, ADVICE_COMMAND_MAX, "sysctl -w net.ipv4.tcp_syncookies=1");
        else
                snprintf(text, ADVICE_COMMAND_MAX, "ss -ltn 'sport = :%u'     # Send-Q: the backlog to raise",
                         l->key.port);
}

/* Where all that comes is forged, nobody is turned away who could be counted; but the next client will be. */
static void find_slow_flood(struct look *k) {
        char command[ADVICE_COMMAND_MAX];

        for (uint32_t i = 0; i < k->s->listeners_count; i++) {
                const struct symptoms_listener *l = &k->s->listeners[i];

                if (!is_held(l) || !is_nobodys(k, l))
                        continue;
                slow_command(k, l, command);
                advice_add(
                        k->list, ADVICE_SERIOUS, SYMPTOM_SLOW_FLOOD,
                        "a trickle that nobody finishes keeps a queue full", command,
                        "%s holds %u, and had %u half-open all the time, %u of them for 3 s and longer; about %.1f a "
                        "second come, and nobody finishes. %s Raise the backlog in the application's configuration.",
                        k->name(k->userdata, &l->key), l->backlog, l->half_open, l->old, unfinished_per_s(l),
                        k->host->syncookies == 0 ? "Whoever finds no room is turned away."
                                                 : "Whoever finds no room is answered by SYN cookie.");
        }
}

static void find_slow_fill(struct look *k) {
        char command[ADVICE_COMMAND_MAX];

        for (uint32_t i = 0; i < k->s->listeners_count; i++) {
                const struct symptoms_listener *l = &k->s->listeners[i];

                if (l->old < SLOW_OLD_MIN || is_held(l) || !is_nobodys(k, l))
                        continue;
                slow_command(k, l, command);
                advice_add(
                        k->list, ADVICE_WARNING, "slow-fill", "a slow fill: few SYNs a second, and nobody finishes",
                        command,
                        "%s has %u half-open, %u of them for 3 s and longer; about %.1f a second come. It holds %u%s. "
                        "A backlog of %.0f or less would be full of them; SYN cookies keep it open.",
                        k->name(k->userdata, &l->key), l->half_open, l->old, unfinished_per_s(l), l->backlog,
                        l->half_open >= PRESSED_FILL * l->backlog ? ", and the kernel drops the oldest of more "
                                                                    "than half of that"
                                                                  : "",
                        ceil(PRESSED_LIFE_S * unfinished_per_s(l)));
        }
}

static void find_closed_port(struct look *k) {
        const struct symptoms_more *m = k->more;
        double share = m->logged_syns ? (double) m->closed_syns / (double) m->logged_syns : 0;
        double syns = share * sum(k, OBS_SYNS);
        char command[ADVICE_COMMAND_MAX];

        if (m->closed_port == 0 || !knows(k, OBS_SYNS) || syns < CLOSED_MIN || syns < CLOSED_PER_S * k->seconds)
                return;
        /* A scan's ports each have few. */
        if (k->s->strays_known && syns < CLOSED_PORT_SHARE * k->s->stray_syns)
                return;
        snprintf(command, sizeof command, "ss -ltn 'sport = :%u'", m->closed_port);
        advice_add(k->list, ADVICE_WARNING, "closed-port", "a closed port is asked for", command,
                   "%.0f SYNs (%.1f/s) came for port %u, where nobody listens: each is answered by RST. "
                   "Is the service down, or bound to another address?",
                   syns, syns / k->seconds, m->closed_port);
}

static void find_backscatter(struct look *k) {
        double rsts = sum(k, OBS_OUT_RSTS), explained = k->s->stray_syns + (double) k->more->aborts;
        double unasked = rsts - explained - (double) k->more->active_opens;

        if (!knows(k, OBS_OUT_RSTS) || !k->s->strays_known)
                return;
        if (unasked < UNASKED_PER_S * k->seconds || unasked < UNASKED_SHARE * rsts)
                return;
        advice_add(k->list, ADVICE_WARNING, "backscatter", "answers to SYNs that this host never sent",
                   "tcpdump -ni any -c 20 'tcp[tcpflags] & (tcp-syn|tcp-ack|tcp-rst) != 0'",
                   "%.0f segments (%.0f/s) that belong to nothing were answered by RST: somebody forges this "
                   "host's address elsewhere, or has others reflect on it. Nothing to switch here; the provider "
                   "can filter it.",
                   unasked, unasked / k->seconds);
}

static void find_router(struct look *k) {
        double forwarded = sum(k, OBS_FORWARDED);

        if (!knows(k, OBS_FORWARDED) || !knows(k, OBS_ARRIVED) || forwarded < FORWARDED_PER_S * k->seconds ||
            forwarded < FORWARDED_SHARE * sum(k, OBS_ARRIVED))
                return;
        advice_add(k->list, ADVICE_INFO, "router", "most SYNs only pass through this host", NULL,
                   "%.0f/s are on their way to other hosts and are judged there, not here.", forwarded / k->seconds);
}

static void find_checker(struct look *k) {
        double opened = (double) k->more->active_opens, rsts = sum(k, OBS_OUT_RSTS);

        if (opened < CHECKS_PER_S * k->seconds || !knows(k, OBS_OUT_RSTS) || rsts < CHECKS_SHARE * opened)
                return;
        advice_add(k->list, ADVICE_INFO, "checker", "this host checks others", NULL,
                   "It begins %.0f connections a second and ends most by RST, as balancers and monitors do. "
                   "None of that is aimed at it.",
                   opened / k->seconds);
}

static void find_little(struct look *k) {
        double syns = sum(k, OBS_SYNS);

        if (!knows(k, OBS_SYNS) || syns >= LITTLE_SYNS || k->more->flood || k->list->count > 0)
                return;
        if (k->s->listeners_count == 0)
                advice_add(k->list, ADVICE_INFO, "no-listener", "nothing listens here", "ip netns; lsns -t net",
                           "A container's service is in a network of its own: nsenter -t PID -n synwardd --diagnose.");
        else
                advice_add(k->list, ADVICE_INFO, "little-seen", "too little came to say more", "synwardd --diagnose=5m",
                           "%.0f SYNs in %.0f s; watch longer, or while it is slow.%s", syns, k->seconds,
                           syns > 0 ? ""
                                    : " What XDP, the network card or a rule ahead of the packet log drops is not "
                                      "seen here.");
}

/* Of two as grave, the one found first. */
static void sort_from(struct advice_list *l, unsigned first) {
        for (unsigned i = first + 1; i < l->count; i++)
                for (unsigned j = i; j > first && l->list[j].severity > l->list[j - 1].severity; j--) {
                        struct advice graver = l->list[j];

                        l->list[j] = l->list[j - 1];
                        l->list[j - 1] = graver;
                }
}

unsigned symptoms_advise(const struct symptoms *s, const struct symptoms_more *more, const struct advice_host *host,
                         const char *(*name)(void *userdata, const struct listener_key *key), void *userdata,
                         struct advice_list *ret) {
        struct look k = { .s = s, .more = more, .host = host, .name = name, .userdata = userdata, .list = ret };
        unsigned before = ret->count;

        k.seconds = fmax(0.1, (double) (s->end_us - s->begin_us) / 1e6);
        find_slow_flood(&k);
        find_eaten(&k);
        find_proxy(&k);
        find_bursts(&k);
        find_slow_fill(&k);
        find_closed_port(&k);
        find_backscatter(&k);
        find_router(&k);
        find_checker(&k);
        find_little(&k);
        sort_from(ret, before);
        return ret->count - before;
}
