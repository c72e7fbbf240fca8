/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/block_news.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/explain.h"

enum { NAMED = 3, NAMES_MAX = NAMED * ADDRESS_TEXT_MAX + 32 };

/* Takes the same entry's change out, the order of the others stays. False: there is none. */
static bool take_out(struct block_news_list *l, const struct block_change *c) {
        for (uint32_t i = 0; i < l->count; i++) {
                if (l->list[i].prefix.length != c->prefix.length || l->list[i].limit_per_s != c->limit_per_s ||
                    !address_equal(&l->list[i].prefix.address, &c->prefix.address))
                        continue;
                l->count--;
                memmove(&l->list[i], &l->list[i + 1], (l->count - i) * sizeof *l->list);
                return true;
        }
        return false;
}

bool block_news_has_room(const struct block_news *n) {
        return n->added.count < EVENT_SOURCES_MAX && n->gone.count < EVENT_SOURCES_MAX;
}

void block_news_note(struct block_news *n, const struct block_change *c) {
        bool added = c->type == BLOCK_ADDED;
        struct block_news_list *list = added ? &n->added : &n->gone;

        if (take_out(added ? &n->gone : &n->added, c))
                return;
        assert(list->count < EVENT_SOURCES_MAX);
        list->list[list->count++] = *c;
}

bool block_news_due(const struct block_news *n, uint64_t now_us) {
        return n->added.count + n->gone.count > 0 &&
               (!n->told_us || now_us - n->told_us >= BLOCK_NEWS_US || !block_news_has_room(n));
}

/* "192.0.2.1, 192.0.2.2, 192.0.2.3 and 9 more" */
static const char *name_sources(const struct event *e, char text[static NAMES_MAX]) {
        char name[ADDRESS_TEXT_MAX];
        size_t used = 0;

        for (uint32_t i = 0; i < e->sources_count && i < NAMED; i++)
                used += (size_t) snprintf(text + used, NAMES_MAX - used, "%s%s", i ? ", " : "",
                                          prefix_format(&e->sources[i], name));
        if (e->sources_count > NAMED)
                snprintf(text + used, NAMES_MAX - used, " and %u more", e->sources_count - NAMED);
        return text;
}

/* Those that are like the first, in one event: added for the same limit, or gone for the same reason.
 * The first of them; *ret_certain_per_s: of all. */
static struct block_change take_alike(struct block_news_list *l, bool gone, struct event *e,
                                      double *ret_certain_per_s) {
        struct block_change first = l->list[0];
        uint32_t kept = 0;

        *ret_certain_per_s = 0;
        for (uint32_t i = 0; i < l->count; i++) {
                const struct block_change *c = &l->list[i];

                if (c->limit_per_s != first.limit_per_s || (gone && strcmp(c->reason, first.reason) != 0)) {
                        l->list[kept++] = *c;
                        continue;
                }
                e->sources[e->sources_count++] = c->prefix;
                *ret_certain_per_s += c->certain_per_s;
        }
        l->count = kept;
        return first;
}

static void take_added(struct block_news_list *l, uint64_t timeout_us, struct event *e) {
        char names[NAMES_MAX], rate[32], why[BLOCK_REASON_MAX], how[48] = "blocked";
        double certain_per_s;
        struct block_change first = take_alike(l, false, e, &certain_per_s);
        bool one = e->sources_count == 1;

        if (first.limit_per_s)
                snprintf(how, sizeof how, "limited to %u SYN/s", first.limit_per_s);
        if (one)
                snprintf(why, sizeof why, "%s", first.reason);
        else
                snprintf(why, sizeof why, "together at least %s SYN/s%s", explain_count(round(certain_per_s), rate),
                         first.limit_per_s ? " unfinished; not cut off, for they are clients"
                                           : ", and they finish no handshake");
        if (e->pretended)
                snprintf(e->message, sizeof e->message, "dry run: %s would be %s for %.0f s: %s",
                         name_sources(e, names), how, (double) timeout_us / 1e6, why);
        else
                snprintf(e->message, sizeof e->message,
                         "%s %s %s for %.0f s: %s; to undo, add %s to allow "
                         "and synwardctl reload",
                         name_sources(e, names), one ? "is" : "are", how, (double) timeout_us / 1e6, why,
                         one ? "it" : "them");
}

static void take_gone(struct block_news_list *l, struct event *e) {
        char names[NAMES_MAX];
        double unused;
        struct block_change first = take_alike(l, true, e, &unused);

        snprintf(e->message, sizeof e->message, "%s%s %s not %s any more: %s", e->pretended ? "dry run: " : "",
                 name_sources(e, names), e->sources_count == 1 ? "is" : "are",
                 first.limit_per_s ? "limited" : "blocked", first.reason);
}

/* By the first that is to be told. */
static enum event_type type_of(const struct block_news *n, bool gone) {
        if ((gone ? &n->gone : &n->added)->list[0].limit_per_s)
                return gone ? EVENT_SOURCE_UNLIMITED : EVENT_SOURCE_LIMITED;
        return gone ? EVENT_SOURCE_UNBLOCKED : EVENT_SOURCE_BLOCKED;
}

bool block_news_take(struct block_news *n, uint64_t now_us, uint64_t timeout_us, bool pretended, struct event *ret) {
        bool gone = n->gone.count > 0;

        if (!gone && n->added.count == 0)
                return false;
        *ret = event_make(type_of(n, gone));
        ret->pretended = pretended;
        if (gone)
                take_gone(&n->gone, ret);
        else
                take_added(&n->added, timeout_us, ret);
        n->told_us = now_us;
        return true;
}
