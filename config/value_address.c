/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/value_address.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int refuse(struct value_why *ret_why, const char *text, const char *why) {
        (void) snprintf(ret_why->text, sizeof ret_why->text, "'%.64s' %s", text, why);
        return -EINVAL;
}

/* Cuts ":443" off the end, and the brackets of IPv6. */
static int split_port(char *text, uint16_t *ret_port) {
        struct settings_port_range port;
        char *colon = strrchr(text, ':'), *end;

        if (!colon || value_parse_ports(colon + 1, &port) < 0 || port.first != port.last)
                return -EINVAL;
        *colon = '\0';
        *ret_port = port.first;
        if (text[0] != '[')
                return strchr(text, ':') ? -EINVAL : 0; /* of IPv6 nobody knows where the port begins */
        end = strchr(text, ']');
        if (!end || end[1] != '\0')
                return -EINVAL;
        *end = '\0';
        memmove(text, text + 1, strlen(text));
        return 0;
}

/* 224.0.0.0/4 and 255.255.255.255, ff00::/8; fe80::/10 would need a device beside it. */
static const char *unusable(const struct address *a) {
        if (address_is_wildcard(a))
                return "is no single address; name one of this host's";
        if (address_is_ipv4(a) ? a->bytes[12] >= 224 : a->bytes[0] == 0xff)
                return "is not the address of one host";
        if (!address_is_ipv4(a) && a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80)
                return "is good on one device only; name an address that is good on all";
        return NULL;
}

int value_parse_address(const struct key *key, const char *text, struct settings_address *ret,
                        struct value_why *ret_why) {
        struct settings_address a = { .port = 0 };
        char copy[VALUE_ADDRESS_MAX];
        const char *why;

        if (*text == '\0') {
                *ret = a;
                return 0;
        }
        if (strlen(text) >= sizeof copy)
                return refuse(ret_why, text, "is too long for an address");
        strcpy(copy, text);
        if (key->max > 0 && split_port(copy, &a.port) < 0)
                return refuse(ret_why, text,
                              "is not an address with a port; write it like 192.0.2.1:443 or "
                              "\"[2001:db8::1]:443\"");
        if (address_parse(copy, &a.address) < 0)
                return refuse(
                        ret_why, text,
                        key->max > 0
                                ? "is not an address with a port; write it like 192.0.2.1:443 or \"[2001:db8::1]:443\""
                                : "is not an address; write it like 192.0.2.1 or \"2001:db8::1\"");
        why = unusable(&a.address);
        if (why)
                return refuse(ret_why, text, why);
        *ret = a;
        return 0;
}

char *value_format_address(const struct key *key, const struct settings_address *a,
                           char text[static VALUE_ADDRESS_MAX]) {
        char address[ADDRESS_TEXT_MAX];
        bool brackets = key->max > 0 && !address_is_ipv4(&a->address);

        text[0] = '\0';
        if (key->max > 0 ? a->port == 0 : address_is_wildcard(&a->address))
                return text;
        (void) snprintf(text, VALUE_ADDRESS_MAX, "%s%s%s", brackets ? "[" : "", address_format(&a->address, address),
                        brackets ? "]" : "");
        if (key->max > 0)
                (void) snprintf(text + strlen(text), VALUE_ADDRESS_MAX - strlen(text), ":%u", (unsigned) a->port);
        return text;
}
