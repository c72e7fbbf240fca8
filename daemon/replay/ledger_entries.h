/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The table of handshakes: an entry for each, found by the addresses and ports of either direction.
 * A million at a time; older ones make room, finished ones first.
 */

#include <stdbool.h>
#include <stdint.h>

#include "replay/capture_packet.h"

enum entry_state { ENTRY_FREE, ENTRY_BEGUN, ENTRY_ANSWERED, ENTRY_FINISHED, ENTRY_RESET, ENTRY_REFUSED };
enum { ENTRY_SERVER_IS_LOW = 1, ENTRY_SYN_AGAIN = 2, ENTRY_SYN_ACK_AGAIN = 4, ENTRY_BY_ANSWER = 8 };

struct entry {
        uint32_t tag, isn;  /* the client's sequence number */
        uint32_t birth_ms;  /* modulo 2^32 */
        uint16_t service;
        uint8_t state, flags;
};

/* Where the handshake of a segment is kept, if it is. */
struct place {
        struct entry *set;
        uint32_t tag;
        bool source_is_low;
};

struct ledger_entries;

/* -ENOMEM. */
int ledger_entries_new(struct ledger_entries **ret);
struct ledger_entries *ledger_entries_free(struct ledger_entries *t);

struct place ledger_entries_place(struct ledger_entries *t, const struct capture_segment *s);
struct entry *ledger_entries_find(const struct place *p); /* NULL: it is not known */
/* A free entry, or the one whose handshake matters least. */
struct entry *ledger_entries_room(const struct place *p, uint32_t now_ms);
