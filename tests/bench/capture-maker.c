/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes a capture of a server under a SYN flood to standard output: for every honest
 * connection (handshake, a request, ten full packets, the end) so many SYNs from anywhere,
 * each answered and, a second later, answered again.
 *
 *   capture-maker MEBIBYTES FLOOD_SYNS_A_CONNECTION
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SYN = 2, RST = 4, PUSH = 8, ACK = 16, FIN = 1, HEADERS = 54, FULL = 1448, RING = 1 << 16 };

#define SERVER 0xc0000201u

struct maker {
        uint64_t written, now_us;
        uint32_t random;
        struct {
                uint32_t address;
                uint16_t port;
                uint64_t due_us;
        } again[RING]; /* whom a second SYN-ACK is due */
        uint32_t head, tail;
};

static uint32_t next_random(struct maker *m) {
        m->random ^= m->random << 13; /* Marsaglia, Xorshift RNGs (2003) */
        m->random ^= m->random >> 17;
        m->random ^= m->random << 5;
        return m->random;
}

static void put16(uint8_t *p, uint16_t v) {
        v = htons(v);
        memcpy(p, &v, sizeof v);
}

static void put32(uint8_t *p, uint32_t v) {
        v = htonl(v);
        memcpy(p, &v, sizeof v);
}

static void packet(struct maker *m, uint32_t from, uint16_t from_port, uint32_t to, uint16_t to_port, uint8_t flags,
                   uint32_t seq, uint32_t ack, uint32_t payload) {
        static uint8_t frame[HEADERS + FULL] = { [12] = 8, [14] = 0x45, [22] = 64, [23] = 6, [46] = 0x50 };
        uint32_t length = HEADERS + payload;
        uint32_t record[4] = { 1700000000 + (uint32_t) (m->now_us / 1000000), (uint32_t) (m->now_us % 1000000), length,
                               length };

        put16(frame + 16, (uint16_t) (length - 14));
        put32(frame + 26, from);
        put32(frame + 30, to);
        put16(frame + 34, from_port);
        put16(frame + 36, to_port);
        put32(frame + 38, seq);
        put32(frame + 42, ack);
        frame[47] = flags;
        fwrite(record, sizeof record, 1, stdout);
        fwrite(frame, length, 1, stdout);
        m->written += sizeof record + length;
        m->now_us += 2;
}

static void connection(struct maker *m) {
        uint32_t client = 0xc6336400u + next_random(m) % 512, seq = next_random(m);
        uint16_t port = (uint16_t) (1024 + next_random(m) % 60000);

        packet(m, client, port, SERVER, 443, SYN, seq, 0, 0);
        packet(m, SERVER, 443, client, port, SYN | ACK, 5000, seq + 1, 0);
        packet(m, client, port, SERVER, 443, ACK, seq + 1, 5001, 0);
        packet(m, client, port, SERVER, 443, ACK | PUSH, seq + 1, 5001, 300);
        for (uint32_t i = 0; i < 10; i++) {
                packet(m, SERVER, 443, client, port, ACK, 5001 + i * FULL, seq + 301, FULL);
                if (i % 2)
                        packet(m, client, port, SERVER, 443, ACK, seq + 301, 5001 + (i + 1) * FULL, 0);
        }
        packet(m, client, port, SERVER, 443, ACK | FIN, seq + 301, 5001 + 10 * FULL, 0);
}

static void flood(struct maker *m) {
        uint32_t source = next_random(m), seq = next_random(m);
        uint16_t port = (uint16_t) (1024 + source % 60000);

        packet(m, source, port, SERVER, 443, SYN, seq, 0, 0);
        packet(m, SERVER, 443, source, port, SYN | ACK, 5000, seq + 1, 0);
        if (m->head - m->tail < RING) {
                m->again[m->head % RING].address = source;
                m->again[m->head % RING].port = port;
                m->again[m->head++ % RING].due_us = m->now_us + 1000000;
        }
        while (m->head != m->tail && m->again[m->tail % RING].due_us <= m->now_us) {
                packet(m, SERVER, 443, m->again[m->tail % RING].address, m->again[m->tail % RING].port, SYN | ACK, 5000,
                       1, 0);
                m->tail++;
        }
}

int main(int argc, char **argv) {
        uint32_t heading[6] = { 0xa1b2c3d4, 4 << 16 | 2, 0, 0, 262144, 1 };
        uint64_t bytes = argc > 1 ? strtoull(argv[1], NULL, 10) << 20 : 0;
        unsigned long floods = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
        struct maker *m = calloc(1, sizeof *m);

        if (!m || bytes == 0)
                return EXIT_FAILURE;
        m->random = 2463534242;
        fwrite(heading, sizeof heading, 1, stdout);
        while (m->written < bytes && !ferror(stdout)) {
                connection(m);
                for (unsigned long i = 0; i < floods; i++)
                        flood(m);
                m->now_us += 500;
        }
        free(m);
        return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
}
