/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Few messages of many blocked or limited sources: changes of the block list become
 * events, the first at once, what follows within BLOCK_NEWS_US in one. A source
 * that is let go and taken again in between is not worth a message, nor the
 * other way about.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/block_policy.h"
#include "core/event.h"

#define BLOCK_NEWS_US UINT64_C(5000000)

struct block_news_list {
        uint32_t count;
        struct block_change list[EVENT_SOURCES_MAX];
};

/* Begins zeroed. */
struct block_news {
        struct block_news_list added, gone;
        uint64_t told_us; /* 0: never */
};

/* Whether a change fits in; if not, what is there is to be told first. */
bool block_news_has_room(const struct block_news *n);
/* A change that was made. */
void block_news_note(struct block_news *n, const struct block_change *c);

/* Whether it is time to tell. */
bool block_news_due(const struct block_news *n, uint64_t now_us);
/* Takes out the next event, to be stamped (core/news.h): who is let go comes before who is
 * blocked or limited, each kind by itself. False: nothing is left. timeout_us: for how long
 * sources are.
 * pretended: a dry run. */
bool block_news_take(struct block_news *n, uint64_t now_us, uint64_t timeout_us, bool pretended, struct event *ret);
