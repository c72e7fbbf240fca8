/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * From a netlink message of the kernel's packet log to a SYN. Pure; every
 * length is checked, nothing is assumed about alignment.
 *
 * The attributes are walked by hand. libnetfilter_log's nflog_nlmsg_parse()
 * calls back for, and validates, each of the ten attributes of a message,
 * of which two are needed: that costs several times what all the rest of
 * the work on a SYN does (`make bench` counts it).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/netlink.h>

#include "core/source_table.h"
#include "core/syn.h"

/*
 * A log prefix says what a message stands for: "p64": one SYN in 64 at random, "s64": every
 * SYN of one address in 64 (core/source_table.h). So a message that was on its way while the
 * rules changed is weighed as it was logged. "r1": an RST. Any other prefix, and none: every SYN
 * is logged.
 */
enum { NFLOG_ONE_IN_MAX = 9999 };

struct nflog_message {
        bool has_sequence;
        uint32_t sequence; /* of the group; counts every packet that was to be logged */
        bool reset; /* a sample of the RSTs that answer SYN-ACKs: for no count of SYNs */
        enum source_sample sample;
        uint32_t one_in;   /* 1..NFLOG_ONE_IN_MAX */
        const uint8_t *packet; /* from the network header on, into the message */
        size_t packet_length;  /* bytes copied */
};

/* Whether the message is a logged packet at all (and not the end of a batch, or an error). */
bool nflog_parse_is_packet(const struct nlmsghdr *h);
/* h: a message whose nlmsg_len bytes are all there. -EBADMSG. */
int nflog_parse_message(const struct nlmsghdr *h, struct nflog_message *ret);

/* packet: an IPv4 or IPv6 packet, perhaps cut short; options_ of ret point into it.
 * -EBADMSG: cut in the IP header or forged, -EPROTO: not the beginning of a TCP segment with SYN
 * or RST and no other of ACK, FIN, SYN and RST. -EMSGSIZE: copied only in part, or behind too many
 * extension headers; source, destination and ttl of ret hold, the rest is zero. */
int nflog_parse_packet(const uint8_t *packet, size_t length, struct syn *ret);
