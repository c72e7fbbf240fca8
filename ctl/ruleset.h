/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What nftables' rules let become of new SYNs before a listener has them, read from what
 * "nft --json list ruleset" lists (libnftables-json(5)). Pure. Only what is certain is
 * called closed or limited: where some SYNs pass by their source or interface it is neither, and
 * where a rule is not to be understood nothing is said. Not looked at are rules of a device (ingress),
 * of bridges and of the table of synwardd.
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct ruleset;

enum ruleset_fate {
        RULESET_PASSES,       /* to all that is known, some do at least */
        RULESET_CLOSED,       /* none does */
        RULESET_LIMITED,      /* so many a second, whoever sends them */
        RULESET_LIMITED_EACH, /* so many a second of each source */
        RULESET_UNCLEAR,      /* rules that are not understood let some pass, or all, or none */
        RULESET_FATES,
};

/* The texts are the ruleset's. */
struct ruleset_verdict {
        enum ruleset_fate fate; /* PASSES: nothing below is set */
        const char *family, *table, *chain; /* the base chain it is decided in */
        int64_t rule;           /* the handle of the rule that drops or limits; 0: the chain's policy drops */
        int64_t packets;        /* that rule's counter; -1: it has none */
        double rate;            /* LIMITED: so many ...; 0: not known */
        const char *unit, *per; /* ... of this ("SYNs", "mbytes") in each "second", "minute", ... */
};

/* list: the whole document, which is kept (jansson's reference). -EBADMSG: it is none; -ENOMEM. */
int ruleset_new(json_t *list, struct ruleset **ret);
struct ruleset *ruleset_free(struct ruleset *r);
/* Rules in chains that are looked at. */
unsigned ruleset_count(const struct ruleset *r);
/* Of SYNs to a port, 1 to 65535, by IPv6 or IPv4, that come from elsewhere and are not this host's own. */
void ruleset_judge(const struct ruleset *r, bool six, uint16_t port, struct ruleset_verdict *ret);
