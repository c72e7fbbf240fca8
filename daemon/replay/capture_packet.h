/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The TCP segment in a captured frame: a pure parser over the link types that
 * captures of a host have. Every length is checked against what was captured.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"

/* Link types, numbered as pcap files do (https://www.tcpdump.org/linktypes.html);
 * the raw ones also as some systems' DLT_RAW. */
enum capture_link {
        CAPTURE_NULL = 0,
        CAPTURE_ETHERNET = 1,
        CAPTURE_RAW_OLD = 12,
        CAPTURE_RAW_OPENBSD = 14,
        CAPTURE_RAW = 101,
        CAPTURE_LOOP = 108,
        CAPTURE_SLL = 113,
        CAPTURE_IPV4 = 228,
        CAPTURE_IPV6 = 229,
        CAPTURE_SLL2 = 276,
};

enum capture_flag {
        CAPTURE_FIN = 0x01,
        CAPTURE_SYN = 0x02,
        CAPTURE_RST = 0x04,
        CAPTURE_ACK = 0x10,
};

enum capture_way { CAPTURE_WAY_UNKNOWN, CAPTURE_IN, CAPTURE_OUT };

struct capture_segment {
        struct address source, destination;
        uint16_t source_port, destination_port;
        uint16_t window;
        uint8_t flags; /* of enum capture_flag, and the others of the header */
        uint8_t ttl;
        uint8_t way;   /* enum capture_way: only "cooked" captures tell */
        bool data;     /* it carries payload */
        uint32_t sequence, acknowledged;
};

bool capture_link_known(int link);

/*
 * captured: bytes there are; original: bytes the frame had. 0, or -ENOMSG: no
 * TCP segment with a whole fixed header (something else, a later fragment),
 * -EBADMSG: cut short or lengths that lie.
 */
int capture_packet_parse(int link, const uint8_t *frame, size_t captured, size_t original,
                         struct capture_segment *ret);
