/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One SYN, or one RST of whoever got our SYN-ACK, as far as its headers were logged. */

#include <stdbool.h>
#include <stdint.h>

#include "core/address.h"

/* What stood in the options of the TCP header. */
enum syn_option {
        SYN_OPT_MSS = 1 << 0,
        SYN_OPT_WINDOW_SCALE = 1 << 1,
        SYN_OPT_SACK = 1 << 2,
        SYN_OPT_TIMESTAMP = 1 << 3,
        SYN_OPT_FAST_OPEN = 1 << 4,
        SYN_OPT_OTHER = 1 << 5,
        SYN_OPT_CUT = 1 << 6, /* malformed, or not all of them were copied */
};

struct syn {
        struct address source, destination;
        bool reset; /* an RST without ACK: the answer to a SYN-ACK that nobody asked for (RFC 9293,
                     * 3.10.7.1) */
        uint16_t source_port, destination_port;
        uint32_t sequence; /* with the ports it names a handshake: one sent again is the same */
        uint16_t window;
        uint8_t ttl; /* or hop limit, as it arrived */
        uint8_t options_length; /* bytes of options */
        const uint8_t *options; /* into the logged packet; NULL: none were copied */
        uint8_t options_copied; /* bytes of them that can be read */
};

/* What tells the stacks of senders apart: the incident record counts these. */
struct syn_fingerprint {
        uint8_t ttl; /* rounded up to the next usual start: 32, 64, 128, 255 */
        uint8_t window_scale;
        uint16_t window;
        uint16_t mss;
        uint16_t options; /* of enum syn_option */
        uint32_t order;   /* their kinds in order of appearance, 4 bits each, the last lowest */
};

struct syn_fingerprint syn_fingerprint(const struct syn *s);
