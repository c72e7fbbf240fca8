/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a host tells a fleet of the sources of handshakes that nobody finishes, so that Prometheus
 * can merge it: 192 series, which name no address.
 *
 *   cells      a Count-Min sketch (Cormode and Muthukrishnan, J. Algorithms 55, 2005) of 2 rows of 64
 *              cells: unfinished handshakes. The fleet's sketch is the sum of its hosts'. A cell
 *              exceeds what its heaviest prefix left unfinished by 1/64 of all others' on average.
 *   registers  HyperLogLog (Flajolet, Fusy, Gandouet, Meunier, AofA 2007) with 64 registers: how
 *              many different prefixes there were. The fleet's registers are the largest of its
 *              hosts'. Standard error 1.04/8 = 13 %.
 *
 * A source is a /24 of IPv4 or a /48 of IPv6: who holds a site has 65,536 /64s, by which one source
 * would fill all cells alike. Its cells and its register are bits of SipHash-2-4 under a
 * key that the fleet shares: who knows neither the key nor a host of the fleet can neither
 * aim at a cell nor ask for one.
 *
 * Unfinished is a half-open that passes 5 s by the age that the kernel's timer tells
 * (sock_diag_age_us()), counted once: by the walk that finds it past that age by no more than what went
 * by since the walk before. Nothing is sampled. A client that loses a packet has finished by then. A SYN
 * that came again makes its entry look older (core/survival.h): one that came twice by the time of its
 * first timeout looks 2 to 3 s old before that, and then 5 to 7, so it is counted there, at its first
 * second; one that came three times looks 13 and is missed, as is whoever answers the SYN-ACK by RST, and
 * what was answered by cookie.
 *
 * What is told is of whole minutes of CLOCK_REALTIME, so that hosts with the same time tell of the same
 * minute: cells grow when a minute is over, registers are those of the last one.
 *
 * Fixed memory (40 KB), nothing is allocated after fleet_sketch_new().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"
#include "core/siphash.h"

enum {
        FLEET_SKETCH_ROWS = 2,
        FLEET_SKETCH_CELLS = 64,
        FLEET_SKETCH_REGISTERS = 64,
        FLEET_SKETCH_NAMED_MAX = 512, /* prefixes that are known by name */
};

/* What is told; it can be shown to anybody who may see metrics. */
struct fleet_told {
        bool known;    /* false: there are no sketches */
        uint16_t mark; /* of the key: the same for the same key. Others are not to be merged. */
        uint64_t cells[FLEET_SKETCH_ROWS][FLEET_SKETCH_CELLS]; /* handshakes, since the sketch was made */
        uint8_t registers[FLEET_SKETCH_REGISTERS];             /* 0 (nothing) to 47 */
};

/* A prefix that is known by name. */
struct fleet_source {
        struct prefix prefix;
        double unanswered_per_s;       /* over the last minutes; an upper bound … */
        double unanswered_error_per_s; /* … that may be too high by this much */
};

struct fleet_sketch;

/* -ENOMEM. */
int fleet_sketch_new(const struct siphash_key *key, uint64_t now_us, uint64_t realtime_us, struct fleet_sketch **ret);
struct fleet_sketch *fleet_sketch_free(struct fleet_sketch *s);

/* One walk of the half-opens, which began at begun_us: begin (again: what came is forgotten), one
 * call each, end. One that is not ended says nothing. */
void fleet_sketch_walk_begin(struct fleet_sketch *s, uint64_t begun_us);
void fleet_sketch_half_open(struct fleet_sketch *s, const struct address *remote, uint64_t age_us);
void fleet_sketch_walk_end(struct fleet_sketch *s);

/* Closes the minute, if it is over (or the clock was set). */
void fleet_sketch_pass(struct fleet_sketch *s, uint64_t now_us, uint64_t realtime_us);
const struct fleet_told *fleet_sketch_told(const struct fleet_sketch *s);

/* The prefixes of a cell that were named lately, at most max, heaviest first; those of the minute at hand
 * too. Halved with every minute, so what has ended is still there for some. Returns how many. */
size_t fleet_sketch_named(const struct fleet_sketch *s, unsigned row, unsigned cell, size_t max,
                          struct fleet_source *ret);

/* Bytes allocated. */
size_t fleet_sketch_memory(const struct fleet_sketch *s);
