/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

const uint8_t address_mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

bool address_is_wildcard(const struct address *a) {
        static const struct address any6;
        struct address any4 = address_from_ipv4(0);

        return address_equal(a, &any6) || address_equal(a, &any4);
}

struct address address_mask(const struct address *a, unsigned length) {
        struct address masked = *a;

        assert(length <= ADDRESS_BITS);

        for (unsigned i = 0; i < sizeof masked.bytes; i++) {
                unsigned first_bit = i * 8;

                if (first_bit >= length)
                        masked.bytes[i] = 0;
                else if (length - first_bit < 8)
                        masked.bytes[i] &= (uint8_t) (0xff00u >> (length - first_bit));
        }
        return masked;
}

bool prefix_contains(const struct prefix *p, const struct address *a) {
        struct address masked = address_mask(a, p->length);

        /* ::/0 is all of IPv6, not of IPv4 in disguise. */
        if (p->length < ADDRESS_IPV4_OFFSET_BITS && address_is_ipv4(a))
                return false;
        return address_equal(&masked, &p->address);
}

int address_parse(const char *text, struct address *ret) {
        struct in_addr v4;
        struct in6_addr v6;

        if (inet_pton(AF_INET, text, &v4) == 1)
                *ret = address_from_ipv4(v4.s_addr);
        else if (inet_pton(AF_INET6, text, &v6) == 1)
                *ret = address_from_ipv6(v6.s6_addr);
        else
                return -EINVAL;
        return 0;
}

/* A prefix length as written: one to three digits, at most max. */
static int parse_length(const char *text, unsigned max, unsigned *ret) {
        unsigned value = 0;
        size_t n = strspn(text, "0123456789");

        if (n == 0 || n > 3 || text[n] != '\0')
                return -EINVAL;
        for (const char *p = text; *p; p++)
                value = value * 10 + (unsigned) (*p - '0');
        if (value > max)
                return -ERANGE;
        *ret = value;
        return 0;
}

int prefix_parse(const char *text, struct prefix *ret) {
        char host[ADDRESS_TEXT_MAX];
        const char *slash = strchr(text, '/');
        size_t n = slash ? (size_t) (slash - text) : strlen(text);
        struct address a, masked;
        unsigned length = ADDRESS_BITS;
        int r;

        if (n >= sizeof host)
                return -EINVAL;
        memcpy(host, text, n);
        host[n] = '\0';

        r = address_parse(host, &a);
        if (r < 0)
                return r;
        if (slash) {
                unsigned offset = strchr(host, ':') ? 0 : ADDRESS_IPV4_OFFSET_BITS;

                r = parse_length(slash + 1, ADDRESS_BITS - offset, &length);
                if (r < 0)
                        return r;
                length += offset;
        }

        masked = address_mask(&a, length);
        if (!address_equal(&masked, &a))
                return -EDOM;
        *ret = (struct prefix) { .address = a, .length = (uint8_t) length };
        return 0;
}

char *address_format(const struct address *a, char text[static ADDRESS_TEXT_MAX]) {
        bool v4 = address_is_ipv4(a);

        /* Cannot fail: the family is ours and the buffer is larger than INET6_ADDRSTRLEN. */
        inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->bytes + sizeof address_mapped : a->bytes, text, ADDRESS_TEXT_MAX);
        return text;
}

char *prefix_format(const struct prefix *p, char text[static ADDRESS_TEXT_MAX]) {
        bool v4 = address_is_ipv4(&p->address) && p->length >= ADDRESS_IPV4_OFFSET_BITS;
        size_t n;

        address_format(&p->address, text);
        if (p->length == ADDRESS_BITS)
                return text;
        n = strlen(text);
        snprintf(text + n, ADDRESS_TEXT_MAX - n, "/%u", (unsigned) p->length - (v4 ? ADDRESS_IPV4_OFFSET_BITS : 0u));
        return text;
}
