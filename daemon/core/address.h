/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * IP addresses and prefixes as one 16-byte key.
 *
 * IPv4 is kept in its IPv4-mapped form (RFC 4291, 2.5.5.2: ::ffff:a.b.c.d),
 * so that one table serves both families and an IPv4 client of a dual-stack
 * listener is the same source as on an IPv4 listener. The wildcard 0.0.0.0 is
 * therefore ::ffff:0.0.0.0 and differs from the wildcard ::.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
        ADDRESS_BITS = 128,
        ADDRESS_IPV4_OFFSET_BITS = 96, /* a /24 of IPv4 is kept as /120 */
        ADDRESS_TEXT_MAX = 64,         /* longest text with prefix length, and its NUL */
};

struct address {
        uint8_t bytes[16]; /* network byte order */
};

struct prefix {
        struct address address; /* bits beyond length are zero */
        uint8_t length;         /* 0..128, on the 16-byte form */
};

extern const uint8_t address_mapped[12]; /* what stands before an IPv4 address */

/* Inline what every logged SYN passes through. */
static inline struct address address_from_ipv4(uint32_t network_order) {
        struct address a;

        memcpy(a.bytes, address_mapped, sizeof address_mapped);
        memcpy(a.bytes + sizeof address_mapped, &network_order, sizeof network_order);
        return a;
}

static inline struct address address_from_ipv6(const uint8_t bytes[16]) {
        struct address a;

        memcpy(a.bytes, bytes, sizeof a.bytes);
        return a;
}

static inline bool address_is_ipv4(const struct address *a) {
        return memcmp(a->bytes, address_mapped, sizeof address_mapped) == 0;
}

static inline bool address_equal(const struct address *a, const struct address *b) {
        return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* 0.0.0.0 or :: */
bool address_is_wildcard(const struct address *a);

/* Keeps the first length (0..128) bits, clears the rest. */
struct address address_mask(const struct address *a, unsigned length);
bool prefix_contains(const struct prefix *p, const struct address *a);

/* "192.0.2.1" or "2001:db8::1"; -EINVAL for anything else. */
int address_parse(const char *text, struct address *ret);
/* An address with an optional "/len" of its own family (192.0.2.0/24 is kept
 * as /120). -EINVAL: no address, -ERANGE: length, -EDOM: bits set beyond it. */
int prefix_parse(const char *text, struct prefix *ret);

/* Both write at most ADDRESS_TEXT_MAX bytes and return text. */
char *address_format(const struct address *a, char text[static ADDRESS_TEXT_MAX]);
/* A full-length prefix is written without its length. */
char *prefix_format(const struct prefix *p, char text[static ADDRESS_TEXT_MAX]);
