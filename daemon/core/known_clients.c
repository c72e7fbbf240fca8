/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/known_clients.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/rotating_filter.h"

enum { BLOCKS = 16384 };
/* As in core/source_table.c: an address is known in each of them. */
static const uint8_t lengths[] = { 128, 120, 64, 48 };
static const char magic[8] = "SYNWKC1";

struct known_clients {
        struct keyed_hash key;
        struct rotating_filter *filter;
        bool added; /* since it was saved */
};

int known_clients_new(const struct keyed_hash *key, uint64_t known_for_us, uint64_t now_us,
                      struct known_clients **ret) {
        struct known_clients *k = calloc(1, sizeof *k);

        if (!k)
                return -ENOMEM;
        k->key = *key;
        if (rotating_filter_new(BLOCKS, known_for_us, now_us, &k->filter) < 0) {
                free(k);
                return -ENOMEM;
        }
        *ret = k;
        return 0;
}

struct known_clients *known_clients_free(struct known_clients *k) {
        if (!k)
                return NULL;
        rotating_filter_free(k->filter);
        free(k);
        return NULL;
}

void known_clients_remember_for(struct known_clients *k, uint64_t known_for_us) {
        rotating_filter_set_period(k->filter, known_for_us);
}

void known_clients_pass(struct known_clients *k, uint64_t now_us) {
        rotating_filter_pass(k->filter, now_us);
}

static uint64_t hash_of(const struct known_clients *k, const struct address *a, uint8_t length) {
        return keyed_hash_for(&k->key, keyed_hash_address(&k->key, a), length);
}

void known_clients_add(struct known_clients *k, const struct address *a) {
        for (unsigned i = 0; i < sizeof lengths; i++) {
                struct address masked = address_mask(a, lengths[i]);

                if (!rotating_filter_again(k->filter, hash_of(k, &masked, lengths[i])))
                        k->added = true;
        }
}

bool known_clients_has(const struct known_clients *k, const struct prefix *p) {
        return rotating_filter_has(k->filter, hash_of(k, &p->address, p->length));
}

size_t known_clients_size(const struct known_clients *k) {
        return sizeof magic + sizeof k->key + rotating_filter_size(k->filter);
}

bool known_clients_save(struct known_clients *k, void *to) {
        uint8_t *at = to;
        bool added = k->added;

        memcpy(at, magic, sizeof magic);
        memcpy(at + sizeof magic, &k->key, sizeof k->key);
        rotating_filter_save(k->filter, at + sizeof magic + sizeof k->key);
        k->added = false;
        return added;
}

int known_clients_load(struct known_clients *k, const void *from, size_t size, uint64_t now_us) {
        const uint8_t *at = from;

        if (size != known_clients_size(k) || memcmp(at, magic, sizeof magic) != 0)
                return -EINVAL;
        memcpy(&k->key, at + sizeof magic, sizeof k->key);
        rotating_filter_load(k->filter, at + sizeof magic + sizeof k->key, now_us);
        return 0;
}
