/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The TCP segment in a captured frame: a pure parser over the link types that
 * captures of a host have, and over what a server's uplink wraps packets in:
 * VLAN tags, PPPoE, MPLS, GRE, IP in IP. Every length is checked against what
 * was captured. What is not decoded is named.
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
        CAPTURE_PPP = 9,
        CAPTURE_RAW_OLD = 12,
        CAPTURE_RAW_OPENBSD = 14,
        CAPTURE_PPP_HDLC = 50,
        CAPTURE_PPP_ETHERNET = 51,
        CAPTURE_RAW = 101,
        CAPTURE_CISCO_HDLC = 104,
        CAPTURE_LOOP = 108,
        CAPTURE_SLL = 113,
        CAPTURE_IPV4 = 228,
        CAPTURE_IPV6 = 229,
        CAPTURE_NFLOG = 239,
        CAPTURE_SLL2 = 276,
};

enum capture_flag {
        CAPTURE_FIN = 0x01,
        CAPTURE_SYN = 0x02,
        CAPTURE_RST = 0x04,
        CAPTURE_ACK = 0x10,
};

enum capture_way { CAPTURE_WAY_UNKNOWN, CAPTURE_IN, CAPTURE_OUT };

/* What a frame turned out to be. */
enum capture_kind {
        CAPTURE_SEGMENT,
        CAPTURE_UNREACHABLE, /* ICMP's answer to a TCP segment: as the RST that it amounts to */
        CAPTURE_NO_TCP,     /* UDP, other ICMP, ARP, …, and frames of no bytes */
        CAPTURE_FRAGMENT,   /* a later one, without a TCP header */
        CAPTURE_TRUNCATED,  /* the capture kept too few bytes of it to tell its TCP flags */
        CAPTURE_BROKEN,     /* lengths that lie */
        CAPTURE_TINY,       /* a first fragment that ends within the TCP header */
        CAPTURE_DEEP,       /* more tunnels in each other than are followed */
        CAPTURE_LINK,       /* of a link type that is not known */
        CAPTURE_VXLAN,      /* from here on: tunnels that are not decoded */
        CAPTURE_GENEVE,
        CAPTURE_GTP,
        CAPTURE_L2TP,
        CAPTURE_ERSPAN,
        CAPTURE_PPTP,
        CAPTURE_ESP,
        CAPTURE_MACSEC,
        CAPTURE_KINDS
};

struct capture_segment {
        struct address source, destination;
        uint16_t source_port, destination_port;
        uint16_t window; /* 0 where it was not captured */
        uint8_t flags;   /* of enum capture_flag, and the others of the header */
        uint8_t ttl;
        uint8_t way;     /* enum capture_way: only "cooked" captures tell */
        bool by_icmp;    /* CAPTURE_UNREACHABLE */
        bool data;       /* it carries payload */
        uint32_t sequence, acknowledged;
};

bool capture_link_known(int link);
/* "802.11 with radiotap"; NULL for those that nobody met yet. */
const char *capture_link_name(int link);

/* "vxlan" and so on: the names in the summary. */
const char *capture_kind_name(enum capture_kind k);
/* Whether it may have been a SYN, and a part of the capture was not used. */
bool capture_kind_is_loss(enum capture_kind k);
bool capture_kind_has_segment(enum capture_kind k);

/* captured: bytes there are; original: bytes the frame had. *ret is written if the
 * kind has a segment. */
enum capture_kind capture_packet_parse(int link, const uint8_t *frame, size_t captured, size_t original,
                                       struct capture_segment *ret);
