/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/syn.h"

enum {
        OPTION_END = 0,
        OPTION_NOP = 1,
        OPTION_MSS = 2,
        OPTION_WINDOW_SCALE = 3,
        OPTION_SACK = 4,
        OPTION_TIMESTAMP = 8,
        OPTION_FAST_OPEN = 34
};

static uint8_t usual_ttl(uint8_t ttl) {
        return ttl <= 32 ? 32 : ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255;
}

static void note_option(const uint8_t *option, uint8_t length, struct syn_fingerprint *f) {
        switch (option[0]) {
        case OPTION_MSS:
                f->options |= length == 4 ? SYN_OPT_MSS : SYN_OPT_OTHER;
                if (length == 4)
                        f->mss = (uint16_t) (option[2] << 8 | option[3]);
                break;
        case OPTION_WINDOW_SCALE:
                f->options |= length == 3 ? SYN_OPT_WINDOW_SCALE : SYN_OPT_OTHER;
                if (length == 3)
                        f->window_scale = option[2];
                break;
        case OPTION_SACK:
                f->options |= SYN_OPT_SACK;
                break;
        case OPTION_TIMESTAMP:
                f->options |= SYN_OPT_TIMESTAMP;
                break;
        case OPTION_FAST_OPEN:
                f->options |= SYN_OPT_FAST_OPEN;
                break;
        default: /* whatever a stranger wrote */
                f->options |= SYN_OPT_OTHER;
        }
}

struct syn_fingerprint syn_fingerprint(const struct syn *s) {
        struct syn_fingerprint f = { .ttl = usual_ttl(s->ttl), .window = s->window };
        unsigned n = s->options ? s->options_copied : 0;

        if (n < s->options_length)
                f.options |= SYN_OPT_CUT;
        for (unsigned i = 0; i < n && s->options[i] != OPTION_END;) {
                uint8_t kind = s->options[i], length = 1;

                f.order = f.order << 4 | (kind < 15 ? kind : 15u);
                if (kind != OPTION_NOP) {
                        if (i + 1 >= n || s->options[i + 1] < 2 || s->options[i + 1] > n - i) {
                                f.options |= SYN_OPT_CUT;
                                break;
                        }
                        length = s->options[i + 1];
                        note_option(s->options + i, length, &f);
                }
                i += length;
        }
        return f;
}
