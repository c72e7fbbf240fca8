/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/source_window.h"

#include <string.h>

/* A part younger than this says nothing. */
#define TELLS_AFTER_US UINT64_C(400000)

static void start_part(struct source_window_part *p, uint64_t now_us) {
        memset(p, 0, sizeof *p);
        p->start_us = now_us;
}

void source_window_init(struct source_window *w, uint64_t now_us) {
        w->now = &w->parts[0];
        source_window_restart(w, now_us);
}

void source_window_restart(struct source_window *w, uint64_t now_us) {
        w->before = NULL;
        start_part(w->now, now_us);
}

void source_window_pass(struct source_window *w, uint64_t now_us) {
        uint64_t passed_us = now_us - w->now->start_us;

        if (passed_us < SOURCE_WINDOW_US)
                return;
        /* After a long gap the part before is of no use. */
        w->before = passed_us >= 2 * SOURCE_WINDOW_US ? NULL : w->now;
        w->now = w->now == &w->parts[0] ? &w->parts[1] : &w->parts[0];
        start_part(w->now, now_us);
}

void source_window_count(struct source_window *w, uint16_t port, bool stray, uint32_t syns) {
        uint8_t *byte = &w->now->stray_bitmap[port / 8];
        uint8_t bit = (uint8_t) (1u << port % 8);

        w->now->syns += syns;
        if (!stray)
                return;
        w->now->stray_syns += syns;
        w->now->stray_ports += !(*byte & bit);
        *byte |= bit;
}

double source_window_span_s(const struct source_window *w, const struct source_window_part *p, uint64_t now_us) {
        return (double) ((p == w->now ? now_us : w->now->start_us) - p->start_us) / 1e6;
}

const struct source_window_part *source_window_tells(const struct source_window *w, uint64_t now_us) {
        bool young = now_us - w->now->start_us < TELLS_AFTER_US;

        if (w->before && (young || w->before->syns > w->now->syns * 2))
                return w->before;
        return young || w->now->syns == 0 ? NULL : w->now;
}
