/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/block.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "format/time_text.h"

enum {
        /* What is made anew in one step: some milliseconds' worth. */
        ENTRIES_AT_ONCE = 32, /* one request */
        REQUESTS_AT_ONCE = 8,
        PORTS = 65536,
};

struct block {
        struct privileged *privileged;
        uint32_t generation; /* of the keeper that has what follows */
        bool made;
        uint8_t ports[PORTS / 8]; /* in the kernel's set */
        bool any_port;
        /* What that keeper, another one than before, has not got yet. */
        bool anew;     /* the ports */
        uint32_t left; /* entries of the policy, from the first on */
};

int block_new(struct privileged *privileged, struct block **ret) {
        struct block *b = calloc(1, sizeof *b);

        if (!b)
                return -ENOMEM;
        b->privileged = privileged;
        *ret = b;
        return 0;
}

struct block *block_free(struct block *b) {
        free(b);
        return NULL;
}

int block_add(struct block *b, const struct privileged_entry *e, const char **ret_reason) {
        int r = privileged_block(b->privileged, e, 1, ret_reason);

        if (r == -ESTALE) /* nothing of it was done; the rest is for block_follow() */
                r = privileged_block(b->privileged, e, 1, ret_reason);
        if (r < 0 && r != -ETIMEDOUT)
                return r;
        if (!b->made) {
                b->made = true;
                b->generation = privileged_generation(b->privileged);
        }
        /* It may be done yet, so it is on the list; to be sure, all are made again. */
        if (r == -ETIMEDOUT)
                b->left = UINT32_MAX;
        return 0;
}

int block_remove(struct block *b, const struct privileged_entry *e, const char **ret_reason) {
        int r = b->made ? privileged_unblock(b->privileged, e, ret_reason) : 0;

        /* It went with the keeper; what is made anew is what is still on the list. */
        return r == -ESTALE || r == -EPIPE ? 0 : r;
}

int block_add_ports(struct block *b, const uint16_t *ports, uint32_t count, const char **ret_reason) {
        for (uint32_t i = 0; i < count && b->made; i++) {
                uint8_t *byte = &b->ports[ports[i] / 8], bit = (uint8_t) (1u << ports[i] % 8);
                int r;

                if (*byte & bit)
                        continue;
                r = privileged_block_ports(b->privileged, &ports[i], 1, ret_reason);
                if (r < 0)
                        return r;
                *byte |= bit;
                b->any_port = true;
        }
        return 0;
}

int block_clear_ports(struct block *b, const char **ret_reason) {
        int r;

        if (!b->any_port)
                return 0;
        r = privileged_clear_ports(b->privileged, ret_reason);
        if (r < 0)
                return r;
        memset(b->ports, 0, sizeof b->ports);
        b->any_port = false;
        return 0;
}

/* --- another keeper --------------------------------------------------------------- */

static int make_ports(struct block *b, const char **ret_reason) {
        uint16_t list[64];
        uint32_t n = 0;
        int r = 0;

        for (uint32_t port = 1; r >= 0 && port < PORTS; port++) {
                if (b->ports[port / 8] & (1u << port % 8))
                        list[n++] = (uint16_t) port;
                if (n == sizeof list / sizeof *list || (n && port == PORTS - 1)) {
                        r = privileged_block_ports(b->privileged, list, n, ret_reason);
                        n = 0;
                }
        }
        return r;
}

static bool is_keepers(int r) {
        return r == -ESTALE || r == -ETIMEDOUT || r == -EAGAIN || r == -EPIPE;
}

/* From the last entry to the first: what is dropped from the list is replaced by its last one
 * (core/block_policy.c), which is made already. */
static int make_entries(struct block *b, const struct block_policy *p, uint64_t now_us, const char **ret_reason) {
        struct privileged_entry list[ENTRIES_AT_ONCE];
        uint32_t n = 0, left = b->left < block_policy_count(p) ? b->left : block_policy_count(p);
        int r;

        for (; left > 0 && n < ENTRIES_AT_ONCE; left--) {
                const struct block_entry *e = block_policy_entry(p, left - 1);

                if (e->until_us > now_us)
                        list[n++] = (struct privileged_entry) { e->prefix, e->until_us - now_us, e->limit_per_s };
        }
        r = privileged_block(b->privileged, list, n, ret_reason);
        if (is_keepers(r))
                return r;
        /* One that the kernel does not take (it has it, perhaps) keeps out no other. */
        for (uint32_t i = 0; r < 0 && i < n; i++)
                if (is_keepers(privileged_block(b->privileged, &list[i], 1, ret_reason)))
                        return r;
        b->left = left;
        return 0;
}

int block_follow(struct block *b, const struct block_policy *p, uint64_t now_us, const char **ret_reason) {
        uint32_t generation;
        int r = 0;

        if (!b->made)
                return 0;
        generation = privileged_generation(b->privileged);
        *ret_reason = "the privileged process is gone";
        if (privileged_is_gone(b->privileged))
                return -EPIPE;
        if (generation != b->generation) {
                b->generation = generation;
                b->anew = b->any_port;
                b->left = block_policy_count(p);
        }
        if (!b->anew && !b->left)
                return 0;
        if (b->anew)
                r = make_ports(b, ret_reason);
        b->anew = r < 0;
        for (unsigned i = 0; r >= 0 && b->left > 0 && i < REQUESTS_AT_ONCE; i++)
                r = make_entries(b, p, now_us, ret_reason);
        return r < 0 ? r : b->anew || b->left ? 0 : 1;
}

static json_t *entry_json(const struct block_entry *e, uint64_t now_us) {
        uint64_t left_us = e->until_us > now_us ? e->until_us - now_us : 0;
        char name[ADDRESS_TEXT_MAX], since[TIME_TEXT_MAX];
        bool one = e->prefix.length == ADDRESS_BITS;

        prefix_format(&e->prefix, name);
        return json_pack("{s:s?, s:s?, s:o, s:s, s:f, s:s}", "address", one ? name : NULL,
                         "prefix", one ? NULL : name,
                         "limit_per_s", e->limit_per_s ? json_integer(e->limit_per_s) : json_null(),
                         "since", time_text_format(e->since_realtime_us, since),
                         "remaining_s", (double) (left_us / 100000) / 10,
                         "reason", e->reason);
}

json_t *block_list_json(const struct block_policy *p, uint64_t now_us) {
        json_t *array = json_array();

        for (uint32_t i = 0; array && i < block_policy_count(p) && i < BLOCK_LIST_MAX; i++)
                json_array_append_new(array, entry_json(block_policy_entry(p, i), now_us));
        return array;
}
