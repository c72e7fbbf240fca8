/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/capture_verdict.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "replay/capture_calm.h"
#include "replay/capture_flood.h"
#include "replay/capture_look.h"
#include "replay/capture_notes.h"
#include "replay/capture_nothing.h"

const char *capture_outcome_name(enum capture_outcome o) {
        switch (o) {
        case OUTCOME_CANNOT_TELL: return "cannot-tell";
        case OUTCOME_NO_FLOOD: return "no-flood";
        case OUTCOME_FLOOD: return "flood";
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

int capture_verdict_find(const struct capture_facts *facts, const struct capture_hosts *hosts,
                         const struct ledger *ledger, const struct ledger_limits *limits,
                         struct capture_verdict *ret) {
        struct look *k = calloc(1, sizeof *k);

        *ret = (struct capture_verdict) { .service = CAPTURE_NO_SERVICE };
        if (!k)
                return -ENOMEM;
        *k = (struct look) { .facts = facts, .hosts = hosts, .ledger = ledger, .limits = limits, .v = ret };
        look_gather(k);
        if (!capture_nothing_usable(k) && !capture_flood_find(k) && !capture_nothing_aimed(k))
                capture_calm_find(k);
        capture_notes_add(facts, hosts, ledger, k->all.of[LEDGER_HANDSHAKES] > 0, ret);
        free(k);
        return 0;
}
