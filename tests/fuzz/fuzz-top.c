/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The screen of synwardctl top on a daemon that means ill. The first three bytes are lines, columns and
 * how many keys are pressed, one between two rounds; behind them the keys, and the answers, each ended
 * by a NUL. Nothing is shown: the screen goes to /dev/null. */

#include "config.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifdef HAVE_NCURSES
#include <curses.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "ctl/top_keys.h"
#include "ctl/top_screen.h"
#include "tests/fuzz/hostile-daemon.h"

enum { HEAD = 3, KEYS_MAX = 16, LINES_MOST = 70, COLUMNS_MOST = 200, UTF8 = 0x10, COLOUR = 0x20, ROUNDS_MAX = 8 };

static void start(void) {
        FILE *nothing = fopen("/dev/null", "r+");
        const struct term term = { .tty = true, .colour = true };

        setlocale(LC_CTYPE, "C.UTF-8");
        /* The one that every terminfo has. */
        if (!nothing || !newterm("xterm", nothing, nothing)) {
                fputs("fuzz-top: no description of a terminal\n", stderr);
                exit(1);
        }
        top_screen_start(&term);
}

static int key_of(uint8_t byte) {
        switch (byte) {
        case 0x80:
                return KEY_UP;
        case 0x81:
                return KEY_DOWN;
        case 0x82:
                return KEY_RESIZE;
        default:
                return byte;
        }
}

/* What is selected has a name that ends, and answers are kept or not there. */
static void require_sound(const struct top_view *v) {
        if (strnlen(v->name, sizeof v->name) == sizeof v->name || v->order >= WORST_ORDERS || (v->one && !v->name[0]))
                abort();
}

static void run(struct top_view *v, const uint8_t *keys, unsigned count) {
        struct feed feed = { .socket = "socket" };
        int64_t now_ms = 0;

        for (unsigned i = 0; i < ROUNDS_MAX; i++, now_ms += 500) {
                feed_ask(&feed, now_ms);
                feed_take(&feed, now_ms);
                v->gone_s = feed.error ? (double) (now_ms - feed.lost_ms) / 1e3 : -1;
                top_screen_draw(v, &feed);
                if (i < count && !top_keys_take(v, &feed, key_of(keys[i])))
                        break;
                require_sound(v);
                if (hostile_daemon_left() == 0 && i >= count)
                        break;
        }
        feed_clear(&feed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct top_view view = { .gone_s = -1, .term = { .tty = true } };
        static bool started;
        unsigned keys;

        if (!started)
                start();
        started = true;
        if (size < HEAD || size < HEAD + (size_t) data[2] % KEYS_MAX)
                return 0;
        keys = data[2] % KEYS_MAX;
        view.term.utf8 = data[2] & UTF8;
        view.term.colour = data[2] & COLOUR;
        resizeterm(1 + data[0] % LINES_MOST, 1 + data[1] % COLUMNS_MOST);
        hostile_daemon_start(data + HEAD + keys, size - HEAD - keys);
        run(&view, data + HEAD, keys);
        return 0;
}
#else
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        (void) data;
        (void) size;
        return 0;
}
#endif
