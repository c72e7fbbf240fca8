/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/capture_verdict.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/capture_calm.h"
#include "replay/capture_flood.h"
#include "replay/capture_look.h"
#include "replay/capture_notes.h"
#include "replay/capture_nothing.h"
#include "replay/capture_say.h"
#include "replay/words.h"

const char *capture_outcome_name(enum capture_outcome o) {
        switch (o) {
        case OUTCOME_CANNOT_TELL:
                return "cannot-tell";
        case OUTCOME_NO_FLOOD:
                return "no-flood";
        case OUTCOME_FLOOD:
                return "flood";
        }
        return "cannot-tell";
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

/* Where a flood could be in what was not read, its absence from the rest says little. */
#define LOST_MIN 100

static void weigh_loss(struct look *k) {
        enum capture_kind most = CAPTURE_SEGMENT;
        uint64_t lost = look_lost(k, &most);
        double all = (double) lost + (double) k->facts->kinds[CAPTURE_SEGMENT];
        char rest[VERDICT_TEXT_MAX], n[32], m[32];

        if (k->v->outcome != OUTCOME_NO_FLOOD || lost < LOST_MIN || (double) lost < k->limits->share * all)
                return;
        snprintf(rest, sizeof rest, "%s", k->v->text);
        k->v->text[0] = '\0';
        say(k, "cannot tell: %s of %s packets could not be used, %s; in the rest%s", words_count((double) lost, n),
            words_count(all, m), capture_notes_kind(most), rest + strlen("no flood"));
        say_verdict(k, OUTCOME_CANNOT_TELL, DIAGNOSIS_UNKNOWN, "partly-unusable", CAPTURE_NO_SERVICE);
}

int capture_verdict_find(const struct capture_facts *facts, const struct capture_hosts *hosts,
                         const struct ledger *ledger, const struct ledger_limits *limits, struct capture_verdict *ret) {
        struct look *k = calloc(1, sizeof *k);

        *ret = (struct capture_verdict) { .service = CAPTURE_NO_SERVICE };
        if (!k)
                return -ENOMEM;
        *k = (struct look) { .facts = facts, .hosts = hosts, .ledger = ledger, .limits = limits, .v = ret };
        look_gather(k);
        if (!capture_nothing_usable(k) && !capture_nothing_ordered(k) && !capture_flood_find(k) &&
            !capture_nothing_aimed(k))
                capture_calm_find(k);
        if (k->gaps >= LOOK_GAPS_SHARE && strcmp(ret->situation, "gaps") != 0)
                capture_verdict_note(ret, "gaps", 0, false,
                                     "packets are missing: %.0f %% of the finished handshakes have no SYN-ACK in it",
                                     100 * k->gaps);
        weigh_loss(k);
        capture_notes_add(facts, hosts, ledger, k->all.of[LEDGER_HANDSHAKES] > 0, ret);
        free(k);
        return 0;
}
