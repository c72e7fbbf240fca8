/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/pcap.h"

#ifdef HAVE_PCAP

#include <pcap/pcap.h>

#include "replay/capture_packet.h"

#define SERVER 0xc6336401u /* 198.51.100.1 */
#define START_S 1700000000

static struct observation o; /* too large for the stack */
static char error[PCAP_REPLAY_ERROR_MAX];

struct capture {
        char path[64];
        pcap_t *pcap;
        pcap_dumper_t *file;
};

static void begin(struct capture *c) {
        int fd;

        strcpy(c->path, "/tmp/synward-test-XXXXXX");
        fd = mkstemp(c->path);
        assert_true(fd >= 0);
        close(fd);
        c->pcap = pcap_open_dead(DLT_RAW, 256);
        c->file = pcap_dump_open(c->pcap, c->path);
        assert_non_null(c->file);
}

static void end(struct capture *c) {
        pcap_dump_close(c->file);
        pcap_close(c->pcap);
}

static void put32(uint8_t *p, uint32_t v) {
        for (unsigned i = 0; i < 4; i++)
                p[i] = (uint8_t) (v >> (24 - 8 * i));
}

static void packet(struct capture *c, uint64_t time_us, uint32_t from, uint16_t from_port, uint32_t to,
                   uint16_t to_port, uint8_t flags) {
        uint8_t b[40] = { 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6 };
        struct pcap_pkthdr h = { .caplen = sizeof b, .len = sizeof b };

        h.ts.tv_sec = START_S + (time_t) (time_us / 1000000);
        h.ts.tv_usec = (suseconds_t) (time_us % 1000000);
        put32(b + 12, from);
        put32(b + 16, to);
        put32(b + 20, (uint32_t) from_port << 16 | to_port);
        b[32] = 0x50;
        b[33] = flags;
        pcap_dump((uint8_t *) c->file, &h, b);
}

static void handshake(struct capture *c, uint64_t time_us, uint32_t client, uint16_t port) {
        packet(c, time_us, client, port, SERVER, 443, CAPTURE_SYN);
        packet(c, time_us, SERVER, 443, client, port, CAPTURE_SYN | CAPTURE_ACK);
        packet(c, time_us, client, port, SERVER, 443, CAPTURE_ACK);
        packet(c, time_us, client, port, SERVER, 443, CAPTURE_ACK); /* of the connection */
}

struct sums {
        uint64_t counters[OBS_COUNTERS];
        unsigned ticks;
        uint32_t most_half_open;
};

static struct sums play(const char *path, const struct pcap_replay_options *options) {
        struct pcap_replay *p;
        struct sums s = { 0 };
        uint64_t last_us = 0;
        int r;

        assert_int_equal(pcap_replay_new(path, options, &p, error), 0);
        while ((r = pcap_replay_next(p, &o, error)) == 1) {
                assert_true(o.time_us > last_us);
                assert_true(s.ticks == 0 || o.elapsed_us == o.time_us - last_us);
                last_us = o.time_us;
                s.ticks++;
                for (unsigned i = 0; i < OBS_COUNTERS; i++)
                        s.counters[i] += o.counters[i];
                if (o.half_open > s.most_half_open)
                        s.most_half_open = o.half_open;
        }
        assert_int_equal(r, 0);
        p = pcap_replay_free(p);
        return s;
}

/* 4000 SYNs from as many addresses among 100 handshakes, in 2 s. */
static void flood_and_clients(void **state) {
        struct pcap_replay_options options = pcap_replay_defaults();
        struct capture c;
        struct sums s;

        begin(&c);
        for (uint32_t i = 0; i < 4000; i++) {
                packet(&c, i * 500, 0x0a000000 + i, 1024, SERVER, 443, CAPTURE_SYN);
                if (i % 40 == 0)
                        handshake(&c, i * 500, 0xc0000200 + i % 256, (uint16_t) (2000 + i));
        }
        /* Our host asks somebody else, once; and somebody tries a closed port. */
        packet(&c, 1999999, SERVER, 5000, 0x08080808, 53, CAPTURE_SYN);
        packet(&c, 1999999, 0x08080808, 53, SERVER, 5000, CAPTURE_SYN | CAPTURE_ACK);
        packet(&c, 1999999, 0x0b000001, 5000, SERVER, 22, CAPTURE_SYN);
        end(&c);

        options.backlog = 128;
        s = play(c.path, &options);
        assert_int_equal(s.counters[OBS_SYNS], 4101);
        assert_int_equal(s.counters[OBS_PASSIVE_OPENS], 100);
        assert_int_equal(s.counters[OBS_OUT_RSTS], 1);
        assert_int_equal(s.most_half_open, 129);
        /* 4 clients came before the queue was full. */
        assert_int_equal(s.counters[OBS_COOKIES_SENT], 4000 - 129 + 96);
        assert_int_equal(s.counters[OBS_COOKIES_RECEIVED], 96);
        assert_in_range(s.ticks, 10, 12);
        assert_int_equal(o.listeners_count, 2 - 1);
        assert_int_equal(o.listeners[0].key.port, 443);
        assert_true(o.known & OBS_K_SOURCES);
        assert_true(o.sources.distinct > 1000);
        assert_int_equal(o.realtime_us / 1000000, START_S + 2);

        options.syncookies = 0;
        s = play(c.path, &options);
        assert_int_equal(s.counters[OBS_QUEUE_FULL_DROPS], 4000 - 129 + 96);
        assert_int_equal(s.counters[OBS_PASSIVE_OPENS], 4);

        /* Another address is said to be ours. */
        options.local_count = 1;
        assert_int_equal(prefix_parse("8.8.8.0/24", &options.local[0]), 0);
        s = play(c.path, &options);
        assert_int_equal(s.counters[OBS_SYNS], 1);
        unlink(c.path);
}

/* Without any answer in it, the destination of the SYNs is the listener. */
static void one_way(void **state) {
        struct pcap_replay_options options = pcap_replay_defaults();
        struct capture c;
        struct sums s;

        begin(&c);
        for (uint32_t i = 0; i < 1000; i++)
                packet(&c, i * 1000, 0x0a000000 + i, 1024, SERVER, 80, CAPTURE_SYN);
        packet(&c, 3600 * UINT64_C(1000000), 1, 1, SERVER, 80, CAPTURE_SYN); /* an hour later */
        packet(&c, 3599 * UINT64_C(1000000), 2, 1, SERVER, 80, CAPTURE_SYN); /* and a clock set back */
        end(&c);
        s = play(c.path, &options);
        assert_int_equal(s.counters[OBS_SYNS], 1002);
        assert_int_equal(s.most_half_open, 1000);
        assert_int_equal(o.half_open, 2);
        assert_in_range(s.ticks, 6, 10);
        unlink(c.path);
}

static void bad_captures(void **state) {
        struct pcap_replay_options options = pcap_replay_defaults();
        struct pcap_replay *p = NULL;
        struct capture c;
        FILE *f;

        assert_int_equal(pcap_replay_new("/nonexistent/x.pcap", &options, &p, error), -ENOENT);
        assert_non_null(strstr(error, "/nonexistent/x.pcap"));

        begin(&c);
        packet(&c, 0, 1, 1, SERVER, 80, CAPTURE_ACK);
        end(&c);
        assert_int_equal(pcap_replay_new(c.path, &options, &p, error), -ENODATA);
        unlink(c.path);

        begin(&c);
        for (uint32_t i = 0; i < 10; i++)
                packet(&c, i, i, 1, SERVER, 80, CAPTURE_SYN);
        end(&c);
        assert_int_equal(truncate(c.path, 24 + 7 * 56 + 20), 0);
        assert_int_equal(pcap_replay_new(c.path, &options, &p, error), -EBADMSG);
        assert_non_null(strstr(error, c.path));
        assert_non_null(strstr(error, "after packet 7"));

        f = fopen(c.path, "w");
        fputs("{\"no\":\"capture\"}\n", f);
        fclose(f);
        assert_int_equal(pcap_replay_new(c.path, &options, &p, error), -EBADMSG);
        assert_null(p);
        unlink(c.path);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(flood_and_clients),
                cmocka_unit_test(one_way),
                cmocka_unit_test(bad_captures),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void) {
        puts("built without libpcap");
        return 77;
}

#endif
