/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Addresses as they are written in YAML, with a port and without, and back. */

#include <stdbool.h>

#include "config/value.h"
#include "core/address.h"
#include "core/settings.h"

enum { VALUE_ADDRESS_MAX = ADDRESS_TEXT_MAX + 8 };

/* "192.0.2.1:443" or "[2001:db8::1]:443" where the key has a port, "192.0.2.1" where it has none; "" is none.
 * An address that nobody can connect to, or from, is refused. -EINVAL, with ret_why set. */
int value_parse_address(const struct key *key, const char *text, struct settings_address *ret,
                        struct value_why *ret_why);
/* What value_parse_address() reads back. Returns text. */
char *value_format_address(const struct key *key, const struct settings_address *a,
                           char text[static VALUE_ADDRESS_MAX]);
