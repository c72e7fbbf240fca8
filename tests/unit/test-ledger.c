/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handshakes in the ledger, packet by packet: what the captures of tests/captures cannot
 * show one by one. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "replay/ledger.h"

#define SECOND_US UINT64_C(1000000)
#define SERVER 0xc0000201u

struct book {
        struct capture_given given;
        struct capture_hosts *hosts;
        struct ledger *ledger;
        uint64_t now_us;
        struct ledger_note note;
};

static int open_book(void **state) {
        static const struct ledger_limits limits = { .rate_per_s = 10, .share = 0.2 };
        struct book *b = calloc(1, sizeof *b);

        b->given.listen_count = 2;
        b->given.listen[0] = (struct capture_listen) { .any = true, .port = 443 };
        b->given.listen[1] = (struct capture_listen) { .any = true, .port = 80 };
        assert_int_equal(capture_hosts_new(&b->given, &b->hosts), 0);
        assert_int_equal(ledger_new(&limits, &b->ledger), 0);
        b->now_us = SECOND_US;
        *state = b;
        return 0;
}

static int close_book(void **state) {
        struct book *b = *state;

        ledger_free(b->ledger);
        capture_hosts_free(b->hosts);
        free(b);
        return 0;
}

static struct address host(uint32_t a) {
        return address_from_ipv4(__builtin_bswap32(a));
}

/* to_server: from a client at that address, port 1000; else back. */
static enum ledger_news see(struct book *b, bool to_server, uint32_t client, uint16_t port, uint8_t flags, uint32_t seq,
                            uint32_t ack) {
        struct capture_segment s = { .flags = flags, .sequence = seq, .acknowledged = ack, .ttl = 64 };

        s.source = host(to_server ? client : SERVER);
        s.destination = host(to_server ? SERVER : client);
        s.source_port = to_server ? 1000 : port;
        s.destination_port = to_server ? port : 1000;
        capture_hosts_see(b->hosts, &s, true);
        ledger_see(b->ledger, b->now_us, b->hosts, &s, &b->note);
        return b->note.news;
}

static uint64_t tally(const struct book *b, unsigned service, enum ledger_tally t) {
        return ledger_service(b->ledger, service).counts.of[t];
}

static void one_handshake(void **state) {
        struct book *b = *state;

        assert_int_equal(see(b, true, 7, 443, CAPTURE_SYN, 100, 0), LEDGER_BEGUN);
        assert_int_equal(b->note.service, 0);
        assert_int_equal(see(b, true, 7, 443, CAPTURE_SYN, 100, 0), LEDGER_NOTHING); /* captured twice */
        assert_int_equal(ledger_copies(b->ledger), 1);
        b->now_us += SECOND_US;
        assert_int_equal(see(b, true, 7, 443, CAPTURE_SYN, 100, 0), LEDGER_REPEATED);
        assert_int_equal(tally(b, 0, LEDGER_WAITING), 1);
        assert_int_equal(see(b, false, 7, 443, CAPTURE_SYN | CAPTURE_ACK, 500, 101), LEDGER_ANSWERED);
        assert_int_equal(tally(b, 0, LEDGER_WAITING), 0);
        assert_int_equal(tally(b, 0, LEDGER_RETRIED), 1);
        assert_int_equal(see(b, true, 7, 443, CAPTURE_ACK, UINT32_C(1) << 31, 0),
                         LEDGER_NOTHING); /* of another connection */
        assert_int_equal(see(b, true, 7, 443, CAPTURE_ACK, 101, 501), LEDGER_FINISHED);
        assert_int_equal(tally(b, 0, LEDGER_HANDSHAKES), 1);
        assert_int_equal(tally(b, 0, LEDGER_SYNS), 2);
        assert_int_equal(tally(b, 0, LEDGER_DONE), 1);
        assert_int_equal(tally(b, 0, LEDGER_RETRIED), 0);
        assert_int_equal(see(b, true, 7, 443, CAPTURE_RST, 101, 0), LEDGER_NOTHING); /* it is over */
        /* The same port again, with another number. */
        assert_int_equal(see(b, true, 7, 443, CAPTURE_SYN, 900, 0), LEDGER_BEGUN);
        assert_int_equal(see(b, false, 7, 443, CAPTURE_RST | CAPTURE_ACK, 0, 901), LEDGER_REFUSED);
        assert_int_equal(see(b, true, 7, 443, CAPTURE_SYN | CAPTURE_FIN, 950, 0), LEDGER_NOTHING);
        assert_int_equal(tally(b, 0, LEDGER_HANDSHAKES), 2);
        assert_int_equal(tally(b, 0, LEDGER_CLOSED), 1);
}

static void by_the_answers_alone(void **state) {
        struct book *b = *state;

        assert_int_equal(see(b, false, 7, 443, CAPTURE_SYN | CAPTURE_ACK, 500, 101), LEDGER_BEGUN);
        assert_true(b->note.by_answer);
        assert_int_equal(tally(b, 0, LEDGER_UNASKED), 1);
        assert_int_equal(tally(b, 0, LEDGER_SYNS), 0);
        b->now_us += SECOND_US;
        assert_int_equal(see(b, false, 7, 443, CAPTURE_SYN | CAPTURE_ACK, 500, 101), LEDGER_NOTHING);
        assert_int_equal(tally(b, 0, LEDGER_RESENT), 1);
        assert_int_equal(see(b, false, 7, 443, CAPTURE_ACK, 501, 101),
                         LEDGER_NOTHING); /* nothing new from the client */
        assert_int_equal(see(b, false, 7, 443, CAPTURE_ACK, 501, 130), LEDGER_FINISHED);
        assert_int_equal(tally(b, 0, LEDGER_RESENT), 0);
}

/* More at a time than are known at a time: every one is counted, and the honest among them finish. */
static void more_than_there_is_room_for(void **state) {
        struct book *b = *state;
        enum { FLOOD = 1500000, HONEST_EVERY = 1000 };
        struct ledger_service s;

        for (uint32_t i = 0; i < FLOOD; i++) {
                see(b, true, 0x0b000000 + i, 443, CAPTURE_SYN, i, 0);
                b->now_us += 5;
                if (i % HONEST_EVERY == 0) {
                        uint32_t client = 0xc6336400 + i / HONEST_EVERY;

                        see(b, true, client, 443, CAPTURE_SYN, i, 0);
                        see(b, false, client, 443, CAPTURE_SYN | CAPTURE_ACK, 1, i + 1);
                        see(b, true, client, 443, CAPTURE_ACK, i + 1, 2);
                }
        }
        b->now_us += 3 * SECOND_US;
        ledger_conclude(b->ledger, b->now_us);
        s = ledger_service(b->ledger, 0);
        assert_int_equal(s.counts.of[LEDGER_HANDSHAKES], FLOOD + FLOOD / HONEST_EVERY);
        assert_int_equal(s.counts.of[LEDGER_DONE], FLOOD / HONEST_EVERY);
        assert_int_equal(ledger_bad(&s.counts), FLOOD);
        assert_int_equal(s.runs, 1);
        assert_in_range(s.longest.peak_bad_per_s, 199000, 201000);
        assert_in_range(s.clients, 1400000, 1600000);
}

/* Two floods of three seconds in an hour: when the larger one began, and that it is over. */
static void a_run_in_an_hour(void **state) {
        struct book *b = *state;
        struct ledger_service s;

        for (uint32_t i = 0; i < 3600; i++) {
                see(b, true, i + 1, 443, CAPTURE_SYN, i, 0);
                see(b, true, i + 1, 443, CAPTURE_ACK, i + 1, 2);
                for (uint32_t k = 0; i >= 1000 && i < 1003 && k < 100; k++)
                        see(b, true, (i << 16) + k, 443, CAPTURE_SYN, k, 0);
                for (uint32_t k = 0; i >= 2000 && i < 2003 && k < 50; k++)
                        see(b, true, (i << 16) + k, 443, CAPTURE_SYN, k, 0);
                b->now_us += SECOND_US;
        }
        ledger_conclude(b->ledger, b->now_us);
        s = ledger_service(b->ledger, 0);
        assert_int_equal(s.runs, 2);
        assert_int_equal(ledger_bad(&s.longest.counts), 300);
        assert_in_range(s.longest.begin_us, 1000 * SECOND_US, 1001 * SECOND_US + SECOND_US / 10);
        assert_in_range(s.longest.end_us, 1003 * SECOND_US, 1005 * SECOND_US);
        assert_int_equal(ledger_service(b->ledger, 1).counts.of[LEDGER_HANDSHAKES], 0);
}

/* What was known of a part is the whole's, and what its open handshakes become. */
static void merged(void **state) {
        struct book *b = *state;
        struct ledger_service s;

        /* Some of it so long ago that it is judged already. */
        for (uint32_t i = 0; i < 4000; i++) {
                see(b, true, i + 1, i % 2 ? 443 : 80, CAPTURE_SYN, i, 0);
                b->now_us += SECOND_US / 100;
        }
        assert_int_equal(tally(b, 0, LEDGER_HANDSHAKES), 2000);
        assert_int_equal(tally(b, 1, LEDGER_HANDSHAKES), 2000);
        ledger_merge(b->ledger, 1, 0);
        ledger_merge(b->ledger, 1, 0); /* once is enough */
        assert_int_equal(tally(b, 1, LEDGER_HANDSHAKES), 0);
        assert_int_equal(see(b, true, 3999, 80, CAPTURE_ACK, 3999, 0), LEDGER_FINISHED);
        b->now_us += 2 * SECOND_US;
        ledger_conclude(b->ledger, b->now_us);
        s = ledger_service(b->ledger, 0);
        assert_int_equal(s.counts.of[LEDGER_HANDSHAKES], 4000);
        assert_int_equal(s.counts.of[LEDGER_DONE], 1);
        assert_in_range(s.longest.peak_bad_per_s, 99, 101);
        assert_in_range(s.clients, 3800, 4200);
        /* Of the run, what came before the merge counts where it was, judged; half of it. */
        assert_in_range(ledger_bad(&s.longest.counts), 2600, 2800);
}

static void sources(void **state) {
        struct book *b = *state;
        struct ledger_source list[2];

        for (uint32_t i = 0; i < 5000; i++) {
                see(b, true, 0x0b000000 + i * 7919, 443, CAPTURE_SYN, i, 0);
                if (i % 5 == 0) {
                        see(b, true, 0xc0a80105, 443, CAPTURE_SYN, i, 0);
                        see(b, false, 0xc0a80105, 443, CAPTURE_SYN | CAPTURE_ACK, 1, i + 1);
                        see(b, true, 0xc0a80105, 443, CAPTURE_RST, i + 1, 0);
                }
                b->now_us += 1000;
        }
        assert_int_equal(ledger_sources(b->ledger, false, 2, list), 2);
        assert_int_equal(list[0].handshakes, 1000);
        assert_int_equal(list[0].reset, 1000);
        assert_int_equal(list[0].ttl_differs, 0);
        assert_true(list[1].handshakes < 10);
        /* One that comes late finds its place, too. */
        for (uint32_t i = 0; i < 100; i++)
                for (uint32_t k = 0; k < 5; k++)
                        see(b, true, 0x2d000001 + (k << 8), 443, CAPTURE_SYN, 100000 + i, 0);
        assert_int_equal(ledger_sources(b->ledger, false, 2, list), 2);
        assert_in_range(list[1].handshakes, 90, 100);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(one_handshake, open_book, close_book),
                cmocka_unit_test_setup_teardown(by_the_answers_alone, open_book, close_book),
                cmocka_unit_test_setup_teardown(more_than_there_is_room_for, open_book, close_book),
                cmocka_unit_test_setup_teardown(a_run_in_an_hour, open_book, close_book),
                cmocka_unit_test_setup_teardown(merged, open_book, close_book),
                cmocka_unit_test_setup_teardown(sources, open_book, close_book),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
