/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/block_news.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/explain.h"

enum { NAMED = 3, NAMES_MAX = NAMED * ADDRESS_TEXT_MAX + 32 };

/* Takes the entry of that prefix out, the order of the others stays. False: there is none. */
static bool take_out(struct block_news_list *l, const struct prefix *p) {
        for (uint32_t i = 0; i < l->count; i++) {
                if (l->list[i].prefix.length != p->length ||
                    !address_equal(&l->list[i].prefix.address, &p->address))
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

        if (take_out(added ? &n->gone : &n->added, &c->prefix))
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

static void take_added(struct block_news_list *l, uint64_t timeout_us, struct event *e) {
        char names[NAMES_MAX], rate[32], why[BLOCK_REASON_MAX];
        double certain_per_s = 0;

        for (uint32_t i = 0; i < l->count; i++) {
                e->sources[e->sources_count++] = l->list[i].prefix;
                certain_per_s += l->list[i].certain_per_s;
        }
        if (l->count == 1)
                snprintf(why, sizeof why, "%s", l->list[0].reason);
        else
                snprintf(why, sizeof why, "together at least %s SYN/s, and they finish no handshake",
                         explain_count(round(certain_per_s), rate));
        if (e->pretended)
                snprintf(e->message, sizeof e->message, "dry run: %s would be blocked for %.0f s: %s",
                         name_sources(e, names), (double) timeout_us / 1e6, why);
        else
                snprintf(e->message, sizeof e->message, "%s %s for %.0f s: %s; to undo, add %s to allow "
                         "and synwardctl reload", name_sources(e, names),
                         l->count == 1 ? "is blocked" : "are blocked", (double) timeout_us / 1e6, why,
                         l->count == 1 ? "it" : "them");
        l->count = 0;
}

/* Those with the same reason as the first. */
static void take_gone(struct block_news_list *l, struct event *e) {
        char names[NAMES_MAX], reason[BLOCK_REASON_MAX];
        uint32_t kept = 0;

        memcpy(reason, l->list[0].reason, sizeof reason);
        for (uint32_t i = 0; i < l->count; i++)
                if (strcmp(l->list[i].reason, reason) == 0)
                        e->sources[e->sources_count++] = l->list[i].prefix;
                else
                        l->list[kept++] = l->list[i];
        l->count = kept;
        snprintf(e->message, sizeof e->message, "%s%s %s not blocked any more: %s",
                 e->pretended ? "dry run: " : "", name_sources(e, names),
                 e->sources_count == 1 ? "is" : "are", reason);
}

bool block_news_take(struct block_news *n, uint64_t now_us, uint64_t timeout_us, bool pretended,
                     struct event *ret) {
        bool gone = n->gone.count > 0;

        if (!gone && n->added.count == 0)
                return false;
        *ret = event_make(gone ? EVENT_SOURCE_UNBLOCKED : EVENT_SOURCE_BLOCKED);
        ret->pretended = pretended;
        if (gone)
                take_gone(&n->gone, ret);
        else
                take_added(&n->added, timeout_us, ret);
        n->told_us = now_us;
        return true;
}
