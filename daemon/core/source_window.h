/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What of the SYNs' senders has to be counted over windows of a few seconds, and from nothing in
 * each: how many addresses there are, how soon they come again, how many SYNs find no listener.
 * Two windows of fixed size take turns.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/distinct.h"
#include "core/observation.h"
#include "core/seen_once.h"

#define SOURCE_WINDOW_US UINT64_C(4000000)

struct source_window_part {
        uint64_t start_us;
        uint64_t syns;       /* SYNs they stand for */
        uint64_t stray_syns; /* to ports on which nobody listens */
        uint32_t stray_ports;
        uint8_t stray_bitmap[65536 / 8];
        struct distinct distinct;
        struct seen_once strangers; /* who begins handshakes, for each listener */
};

/* Private to source_window.c, here so that it can be embedded. */
struct source_window {
        struct source_window_part parts[2], *now, *before; /* before: NULL until there was one */
};

void source_window_init(struct source_window *w, uint64_t now_us);
/* Another sample of the addresses: nothing can be carried over. */
void source_window_restart(struct source_window *w, uint64_t now_us);
void source_window_pass(struct source_window *w, uint64_t now_us);

/* A SYN that stands for so many, to a port with a listener or without. */
void source_window_count(struct source_window *w, uint16_t port, bool stray, uint32_t syns);

/* Seconds that a part is of. */
double source_window_span_s(const struct source_window *w, const struct source_window_part *p, uint64_t now_us);

/* The part that tells most of now; NULL: too little as yet. At its start a flood outweighs the
 * calm before within a moment; at its end it does not vanish before calm is a window old. */
const struct source_window_part *source_window_tells(const struct source_window *w, uint64_t now_us);
