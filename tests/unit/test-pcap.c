/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/pcap.h"

#ifdef HAVE_PCAP

#include <pcap/pcap.h>

#include "format/observation_json.h"
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

static void begin_as(struct capture *c, int link) {
        int fd;

        strcpy(c->path, "/tmp/synward-test-XXXXXX");
        fd = mkstemp(c->path);
        assert_true(fd >= 0);
        close(fd);
        c->pcap = pcap_open_dead(link, 256);
        c->file = pcap_dump_open(c->pcap, c->path);
        assert_non_null(c->file);
}

static void begin(struct capture *c) {
        begin_as(c, DLT_RAW);
}

static void end(struct capture *c) {
        pcap_dump_close(c->file);
        pcap_close(c->pcap);
}

static void put32(uint8_t *p, uint32_t v) {
        for (unsigned i = 0; i < 4; i++)
                p[i] = (uint8_t) (v >> (24 - 8 * i));
}

static void frame(struct capture *c, uint64_t time_us, const uint8_t *bytes, uint32_t length) {
        struct pcap_pkthdr h = { .caplen = length, .len = length };

        h.ts.tv_sec = START_S + (time_t) (time_us / 1000000);
        h.ts.tv_usec = (suseconds_t) (time_us % 1000000);
        pcap_dump((uint8_t *) c->file, &h, bytes);
}

static void packet(struct capture *c, uint64_t time_us, uint32_t from, uint16_t from_port, uint32_t to,
                   uint16_t to_port, uint8_t flags) {
        uint8_t b[40] = { 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6 };

        put32(b + 12, from);
        put32(b + 16, to);
        put32(b + 20, (uint32_t) from_port << 16 | to_port);
        b[32] = 0x50;
        b[33] = flags;
        frame(c, time_us, b, sizeof b);
}

static void handshake(struct capture *c, uint64_t time_us, uint32_t client, uint16_t port) {
        packet(c, time_us, client, port, SERVER, 443, CAPTURE_SYN);
        packet(c, time_us, SERVER, 443, client, port, CAPTURE_SYN | CAPTURE_ACK);
        packet(c, time_us, client, port, SERVER, 443, CAPTURE_ACK);
        packet(c, time_us, client, port, SERVER, 443, CAPTURE_ACK); /* of the connection */
}

static int open_capture(const char *path, const struct pcap_replay_options *options, struct pcap_replay **ret) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        return pcap_replay_new(fd, path, NULL, 0, options, ret, error);
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

        assert_int_equal(open_capture(path, options, &p), 0);
        while ((r = pcap_replay_next(p, &o)) == 1) {
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
        options.given.local_count = 1;
        assert_int_equal(prefix_parse("8.8.8.0/24", &options.given.local[0]), 0);
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

static const char *verdict(const char *path, struct capture_verdict *ret) {
        struct pcap_replay_options options = pcap_replay_defaults();
        struct pcap_replay *p;

        assert_int_equal(open_capture(path, &options, &p), 0);
        while (pcap_replay_next(p, &o) == 1)
                ;
        assert_int_equal(pcap_replay_conclude(p, ret), 0);
        pcap_replay_free(p);
        return ret->text;
}

static bool has_note(const struct capture_verdict *v, const char *reason, const char *words) {
        for (unsigned i = 0; i < v->notes_count; i++)
                if (strcmp(v->notes[i].reason, reason) == 0 && strstr(v->notes[i].text, words))
                        return true;
        return false;
}

static void bad_captures(void **state) {
        struct pcap_replay_options options = pcap_replay_defaults();
        struct capture_verdict v;
        struct pcap_replay *p = NULL;
        struct capture c;
        FILE *f;

        begin(&c);
        packet(&c, 0, 1, 1, SERVER, 80, CAPTURE_ACK);
        end(&c);
        assert_non_null(strstr(verdict(c.path, &v), "nothing here is aimed at a listener"));
        unlink(c.path);

        begin(&c);
        for (uint32_t i = 0; i < 10; i++)
                packet(&c, i, i, 1, SERVER, 80, CAPTURE_SYN);
        end(&c);
        assert_int_equal(truncate(c.path, 24 + 7 * 56 + 20), 0);
        assert_non_null(strstr(verdict(c.path, &v), "too short to tell"));
        assert_true(has_note(&v, "cut", "cut short after packet 7, at byte 416"));

        f = fopen(c.path, "w");
        fputs("{\"no\":\"capture\"}\n", f);
        fclose(f);
        assert_int_equal(open_capture(c.path, &options, &p), -EBADMSG);
        assert_non_null(strstr(error, c.path));
        assert_null(p);
        unlink(c.path);
}

/* --- pcapng: written block by block, in either byte order ------------------------------ */

enum { NG_NANOSECONDS, NG_MICROSECONDS }; /* its two interfaces, by their clocks' resolution */
enum { NG_HEADER = 12 };                  /* type and length, and the length again at the end */

struct ng {
        char path[64];
        FILE *file;
        bool big_endian;
};

static void ng_put(struct ng *n, unsigned bytes, uint64_t v) {
        for (unsigned i = 0; i < bytes; i++)
                fputc((uint8_t) (v >> 8 * (n->big_endian ? bytes - 1 - i : i)), n->file);
}

static void ng_block(struct ng *n, uint32_t type, uint32_t body) {
        ng_put(n, 4, type);
        ng_put(n, 4, body + NG_HEADER);
}

static void ng_section(struct ng *n) {
        ng_block(n, 0x0a0d0d0a, 16);
        ng_put(n, 4, 0x1a2b3c4d); /* tells the byte order */
        ng_put(n, 2, 1);
        ng_put(n, 2, 0);
        ng_put(n, 8, UINT64_MAX); /* the section's length is not known */
        ng_put(n, 4, 16 + NG_HEADER);
}

static void ng_interface(struct ng *n, uint8_t tsresol) {
        ng_block(n, 1, 20);
        ng_put(n, 2, 1); /* Ethernet */
        ng_put(n, 2, 0);
        ng_put(n, 4, 256);
        ng_put(n, 2, 9); /* if_tsresol, one byte and its padding */
        ng_put(n, 2, 1);
        fputc(tsresol, n->file);
        fwrite("\0\0", 1, 3, n->file);
        ng_put(n, 4, 0); /* the end of the options */
        ng_put(n, 4, 20 + NG_HEADER);
}

static void ng_frame(struct ng *n, uint32_t interface, uint64_t time_us, const uint8_t *bytes, uint32_t length) {
        uint64_t stamp = UINT64_C(1000000) * START_S + time_us;
        uint32_t padded = (length + 3) / 4 * 4;

        if (interface == NG_NANOSECONDS)
                stamp = stamp * 1000 + 999; /* still the same microsecond */
        ng_block(n, 6, 20 + padded);
        ng_put(n, 4, interface);
        ng_put(n, 4, stamp >> 32);
        ng_put(n, 4, stamp);
        ng_put(n, 4, length);
        ng_put(n, 4, length);
        fwrite(bytes, 1, length, n->file);
        fwrite("\0\0", 1, padded - length, n->file);
        ng_put(n, 4, 20 + padded + NG_HEADER);
}

/* Which capturing programs write last: no packet, to be passed over. */
static void ng_statistics(struct ng *n) {
        ng_block(n, 5, 12);
        ng_put(n, 4, NG_NANOSECONDS);
        ng_put(n, 8, 0);
        ng_put(n, 4, 12 + NG_HEADER);
}

static void ng_begin(struct ng *n, bool big_endian) {
        strcpy(n->path, "/tmp/synward-test-XXXXXX");
        n->file = fdopen(mkstemp(n->path), "w");
        assert_non_null(n->file);
        n->big_endian = big_endian;
        ng_section(n);
}

/* The i-th SYN, by turns of IPv4, padded as Ethernet's shortest frames are, and of
 * IPv6, a byte longer than it says. */
static uint32_t syn_frame(uint8_t b[static 80], uint32_t i) {
        static const uint8_t v4[34] = { [12] = 8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, [30] = 198, 51, 100, 1 };
        static const uint8_t v6[54] = { [12] = 0x86, 0xdd, 0x60, 0,    0,           0, 0,    20,   6,       64,
                                        0x20,        1,    0x0d, 0xb8, [38] = 0x20, 1, 0x0d, 0xb8, [53] = 1 };
        uint8_t *tcp = b + (i % 2 ? sizeof v6 : sizeof v4);

        memset(b, 0, 80);
        memcpy(b, i % 2 ? v6 : v4, i % 2 ? sizeof v6 : sizeof v4);
        put32(b + (i % 2 ? 34 : 26), 0x0a000000 + i);
        put32(tcp, 1024u << 16 | 443);
        tcp[12] = 0x50;
        tcp[13] = CAPTURE_SYN;
        return i % 2 ? 75 : 60;
}

/* Everything that is seen, and how much was read. */
static unsigned assert_same(const char *first, const char *second) {
        struct pcap_replay_options options = pcap_replay_defaults();
        struct capture_verdict verdicts[2];
        struct pcap_replay *a, *b;
        char *lines[2];
        unsigned looks;
        int r;

        assert_int_equal(open_capture(first, &options, &a), 0);
        assert_int_equal(open_capture(second, &options, &b), 0);
        for (looks = 0; (r = pcap_replay_next(a, &o)) == 1; looks++) {
                assert_int_equal(observation_json_write(&o, &lines[0]), 0);
                assert_int_equal(pcap_replay_next(b, &o), 1);
                assert_int_equal(observation_json_write(&o, &lines[1]), 0);
                assert_string_equal(lines[0], lines[1]);
                free(lines[0]);
                free(lines[1]);
        }
        assert_int_equal(r, 0);
        assert_int_equal(pcap_replay_next(b, &o), 0);
        assert_int_equal(pcap_replay_conclude(a, &verdicts[0]), 0);
        assert_int_equal(pcap_replay_conclude(b, &verdicts[1]), 0);
        assert_string_equal(verdicts[0].text, verdicts[1].text);
        assert_int_equal(verdicts[0].notes_count, verdicts[1].notes_count);
        assert_int_equal(pcap_replay_facts(a)->frames, pcap_replay_facts(b)->frames);
        pcap_replay_free(a);
        pcap_replay_free(b);
        return looks;
}

static void pcapng_is_as_pcap(void **state) {
        struct pcap_replay_options options = pcap_replay_defaults();

        for (unsigned big_endian = 0; big_endian < 2; big_endian++) {
                struct capture c;
                struct ng n;
                struct sums s;

                begin_as(&c, DLT_EN10MB);
                ng_begin(&n, big_endian);
                ng_interface(&n, 9);
                ng_interface(&n, 6);
                for (uint32_t i = 0; i < 3000; i++) {
                        /* One in each tick by nanoseconds, a microsecond before the next. */
                        uint64_t time_us = i * 1000 + (i % 200 == 199 ? 999 : i % 13);
                        uint8_t bytes[80];
                        uint32_t length = syn_frame(bytes, i);

                        frame(&c, time_us, bytes, length);
                        ng_frame(&n, (i / 2 + 1) % 2, time_us, bytes, length);
                }
                ng_statistics(&n);
                end(&c);
                fclose(n.file);
                assert_in_range(assert_same(c.path, n.path), 15, 17);
                s = play(n.path, &options);
                assert_int_equal(s.counters[OBS_SYNS], 3000);
                assert_int_equal(s.most_half_open, 3000);
                assert_int_equal(o.listeners_count, 2);
                assert_int_equal(o.listeners[0].half_open, 1500);
                assert_int_equal(o.realtime_us / 1000000, START_S + 3);
                unlink(c.path);
                unlink(n.path);
        }
}

enum { CUT_PACKETS = 5, CUT_BLOCKS = 3 + CUT_PACKETS };

/* A section, two interfaces, packets; and where each block ends. */
static void write_blocks(struct ng *n, long ends[static CUT_BLOCKS]) {
        ng_begin(n, false);
        ends[0] = ftell(n->file);
        for (unsigned i = 1; i < CUT_BLOCKS; i++) {
                uint8_t bytes[80];

                if (i < 3)
                        ng_interface(n, i == 1 ? 9 : 6);
                else
                        ng_frame(n, i % 2, i * 1000, bytes, syn_frame(bytes, i));
                ends[i] = ftell(n->file);
        }
        fclose(n->file);
}

/* Cut between two blocks it is a shorter capture, within one it is damaged. */
static void cut_pcapng(void **state) {
        struct pcap_replay_options options = pcap_replay_defaults();
        unsigned block = CUT_BLOCKS - 1; /* in which, or at whose end, it is cut */
        struct capture_verdict v;
        struct pcap_replay *p = NULL;
        long ends[CUT_BLOCKS];
        char place[64];
        struct ng n;

        write_blocks(&n, ends);
        for (long size = ends[block]; size >= 0; size--) {
                assert_int_equal(truncate(n.path, size), 0);
                while (block > 0 && ends[block - 1] >= size)
                        block--;
                if (size < ends[0]) { /* not even a section's heading */
                        assert_int_equal(open_capture(n.path, &options, &p), -EBADMSG);
                        assert_non_null(strstr(error, n.path));
                        continue;
                }
                verdict(n.path, &v);
                snprintf(place, sizeof place, "after packet %u, ", block < 3 ? 0 : block - (size < ends[block]) - 2);
                assert_int_equal(has_note(&v, "cut", place), size != ends[block]);
                if (size == ends[block] && block >= 3)
                        assert_int_equal(play(n.path, &options).counters[OBS_SYNS], block - 2);
        }
        unlink(n.path);
}

/* --- live: a pipe that stays open --------------------------------------------------------- */

static uint64_t wall_us;

static uint64_t passing_time(void) {
        return wall_us += 100000;
}

/* Ten SYNs, then nothing; the other end stays open. */
static int live_pipe(int *ret_other) {
        int ends[2];
        struct capture c;
        uint8_t bytes[24 + 10 * 56];
        FILE *f;

        begin(&c);
        for (uint32_t i = 0; i < 10; i++)
                packet(&c, i * 1000, i + 1, 1, SERVER, 80, CAPTURE_SYN);
        end(&c);
        f = fopen(c.path, "r");
        assert_int_equal(fread(bytes, 1, sizeof bytes, f), sizeof bytes);
        fclose(f);
        unlink(c.path);
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], bytes, sizeof bytes), sizeof bytes);
        *ret_other = ends[1];
        return ends[0];
}

static void silence_is_time(void **state) {
        struct pcap_replay_options options = pcap_replay_defaults();
        struct pcap_replay *p;
        int other, fd = live_pipe(&other);

        options.realtime_us = passing_time;
        wall_us = START_S * UINT64_C(1000000);
        assert_int_equal(pcap_replay_new(fd, "pipe", NULL, 0, &options, &p, error), 0);
        for (unsigned look = 0; look < 12; look++) {
                assert_int_equal(pcap_replay_next(p, &o), 1);
                assert_in_range(o.realtime_us, START_S * UINT64_C(1000000) + look * 200000,
                                START_S * UINT64_C(1000000) + look * 200000 + 1);
                /* A look is not told before its time has surely come. */
                assert_true(look == 0 || wall_us >= o.realtime_us + 500000);
        }
        close(other);
        while (pcap_replay_next(p, &o) == 1)
                ;
        assert_int_equal(pcap_replay_facts(p)->frames, 10);
        assert_true(pcap_replay_facts(p)->duration_s >= 2);
        pcap_replay_free(p);
}

/* A capture of last year, slowly: its silences are the pipe's and not the network's. */
static void slow_is_not_live(void **state) {
        struct pcap_replay_options options = pcap_replay_defaults();
        struct pcap_replay *p;
        int other, fd = live_pipe(&other);

        options.realtime_us = passing_time;
        wall_us = (START_S + 3600) * UINT64_C(1000000);
        assert_int_equal(pcap_replay_new(fd, "pipe", NULL, 0, &options, &p, error), 0);
        assert_int_equal(pcap_replay_next(p, &o), 1);
        close(other);
        assert_int_equal(pcap_replay_next(p, &o), 1);
        assert_int_equal(pcap_replay_next(p, &o), 0);
        assert_true(pcap_replay_facts(p)->duration_s < 0.1);
        pcap_replay_free(p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(silence_is_time),   cmocka_unit_test(slow_is_not_live),
                cmocka_unit_test(flood_and_clients), cmocka_unit_test(one_way),
                cmocka_unit_test(bad_captures),      cmocka_unit_test(pcapng_is_as_pcap),
                cmocka_unit_test(cut_pcapng),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void) {
        puts("built without libpcap");
        return 77;
}

#endif
