/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Which new SYNs a match of nftables' rules holds for, as "nft --json" lists it
 * (libnftables-json(5)). Pure. A match that depends on more than a SYN from elsewhere
 * has in common with all others (its source, its interface, a mark) holds for a part of them.
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

/* The SYNs of which something holds. Later ones say less: of two that meet the later one counts. */
enum portion {
        PORTION_NONE = 0,
        PORTION_WHOLE = 1,        /* all of them */
        PORTION_LIMITED = 2,      /* as many as a rate lets through, whoever sends them */
        PORTION_LIMITED_EACH = 4, /* the same for each source by itself */
        PORTION_PART = 8,         /* some: by source, interface, mark, ... */
        PORTION_VAGUE = 16,       /* what is listed does not say which */
};

/* A new SYN from another host to a listener. */
struct syn {
        bool six; /* by IPv6 */
        uint16_t port;
        bool tracked;   /* connection tracking has seen it where the rule stands */
        bool untracks;  /* some rule keeps packets from being tracked */
        bool rewritten; /* some rule writes another destination into packets */
};

/* The elements of a named set; NULL: there is no such set. */
typedef const json_t *syn_match_set_fn(void *userdata, const char *name);

/* match: what is under "match". NONE, WHOLE or PART. */
enum portion syn_match(const json_t *match, const struct syn *syn, syn_match_set_fn *set, void *userdata);
/* Of a verdict map: whether what key reads equals element, or one of it. */
enum portion syn_match_element(const json_t *key, const json_t *element, const struct syn *syn, syn_match_set_fn *set,
                               void *userdata);
