/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The key of the ledger's tables: fixed, so that a capture is told the same each time. */

#include "core/keyed_hash.h"

static const struct keyed_hash ledger_hash_key = { { 0x9216d5d98979fb1b, 0xd1310ba698dfb5ac, 0x2ffd72dbd01adfb7,
                                                     0xb8e1afed6a267e96 } };

static inline uint64_t ledger_hash(const struct address *a) {
        return keyed_hash_address(&ledger_hash_key, a);
}
