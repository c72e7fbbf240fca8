/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What one SYN costs from netlink message to table, without the kernel: for
 * time (nanoseconds), for callgrind (instructions, which do not depend on the
 * machine), and for memory after many distinct sources.
 *
 *   syn-path [parse|library|all] [SYNS]
 *   parse: message and packet only; library: the message by libnetfilter_log's
 *   parser instead; all: parse, and into the source table.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_log/libnetfilter_log.h>
#include <linux/netfilter/nfnetlink.h>

#include "core/distinct.h"
#include "core/source_table.h"
#include "sensors/nflog_parse.h"

enum { MESSAGES = 512, MESSAGE_BYTES = 256, SOURCE_AT = 12 };

/* As the kernel writes them for a SYN that came in by Ethernet. */
static _Alignas(8) char batch[MESSAGES][MESSAGE_BYTES];
static uint8_t *payload[MESSAGES];
static uint32_t checksum;

static uint64_t mix(uint64_t n) {
        n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9;
        n = (n ^ (n >> 27)) * 0x94d049bb133111eb;
        return n ^ (n >> 31);
}

static void fill(void) {
        static const uint8_t syn[60] = { 0x45, 0, 0, 60, 0, 0, 0, 0, 64, 6, 0, 0, 0,    0, 0, 0, 10, 77, 0, 2,
                                         1,    2, 0, 80, 0, 0, 0, 0, 0,  0, 0, 0, 0xa0, 2, 1, 1, 0,  0,  0, 0 };
        static const char hardware[16];

        for (uint32_t i = 0; i < MESSAGES; i++) {
                struct nlmsghdr *h = nflog_nlmsg_put_header(batch[i], NFULNL_MSG_PACKET, AF_INET, 5);

                mnl_attr_put(h, NFULA_PACKET_HDR, 4, hardware);
                mnl_attr_put_u32(h, NFULA_IFINDEX_INDEV, htonl(2));
                mnl_attr_put(h, NFULA_HWADDR, 12, hardware);
                mnl_attr_put_u16(h, NFULA_HWTYPE, htons(1));
                mnl_attr_put_u16(h, NFULA_HWLEN, htons(14));
                mnl_attr_put(h, NFULA_HWHEADER, 14, hardware);
                mnl_attr_put_u32(h, NFULA_SEQ, htonl(i));
                mnl_attr_put(h, NFULA_PAYLOAD, sizeof syn, syn);
                payload[i] = (uint8_t *) batch[i] + h->nlmsg_len - sizeof syn;
        }
}

static void one(struct source_table *t, uint32_t i, bool library) {
        const struct nlmsghdr *h = (const void *) batch[i];
        struct nflog_message m = { 0 };
        struct syn s;

        if (library) {
                struct nlattr *attributes[NFULA_MAX + 1] = { 0 };

                if (nflog_nlmsg_parse(h, attributes) < 0)
                        abort();
                m.packet = mnl_attr_get_payload(attributes[NFULA_PAYLOAD]);
                m.packet_length = mnl_attr_get_payload_len(attributes[NFULA_PAYLOAD]);
                m.sequence = ntohl(mnl_attr_get_u32(attributes[NFULA_SEQ]));
        } else if (nflog_parse_message(h, &m) < 0) {
                abort();
        }
        if (nflog_parse_packet(m.packet, m.packet_length, &s) < 0)
                abort();
        checksum += s.source.bytes[15] + m.sequence;
        if (t)
                source_table_add(t, &s, SOURCE_BOTH, 1);
}

/* Not ru_maxrss: that keeps what the parent had before exec. */
static const char *peak_rss_kib(void) {
        static char line[128];
        FILE *f = fopen("/proc/self/status", "re");

        while (f && fgets(line, sizeof line, f))
                if (strncmp(line, "VmHWM:", 6) == 0) {
                        fclose(f);
                        line[strcspn(line, "k")] = '\0';
                        return line + 6;
                }
        return "0";
}

int main(int argc, char **argv) {
        const char *what = argc > 1 ? argv[1] : "all";
        uint64_t syns = argc > 2 ? strtoull(argv[2], NULL, 10) : 16000000;
        struct keyed_hash key = { { 0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89 } };
        struct source_table *t = NULL;
        static struct obs_sources out;
        static struct distinct all;
        struct timespec a, b;

        fill();
        if (strcmp(what, "all") == 0 && source_table_new(&key, 0, &t) < 0)
                return 1;
        if (t)
                source_table_set_known(t, true, true);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
        for (uint64_t n = 0; n < syns; n++) {
                uint32_t source = (uint32_t) mix(n);

                memcpy(payload[n % MESSAGES] + SOURCE_AT, &source, sizeof source);
                one(t, n % MESSAGES, strcmp(what, "library") == 0);
                if (t && n % 80000 == 79999) /* a tick of 200 ms at 400,000/s */
                        source_table_observe(t, n * 10 / 4, &out);
        }
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
        for (uint64_t n = 0; t && n < syns; n++) {
                struct address s = address_from_ipv4((uint32_t) mix(n));

                distinct_add(&all, keyed_hash_address(&key, &s));
        }
        printf("{ \"what\": \"%s\", \"syns\": %llu, \"ns_per_syn\": %.1f, \"rss_kib\": %s, "
               "\"table_bytes\": %zu, \"distinct_all\": %.0f, \"checksum\": %u }\n",
               what, (unsigned long long) syns,
               ((double) (b.tv_sec - a.tv_sec) * 1e9 + (double) (b.tv_nsec - a.tv_nsec)) / (double) syns,
               peak_rss_kib(), t ? source_table_memory(t) : 0, distinct_estimate(&all, NULL), checksum);
        source_table_free(t);
        return 0;
}
