/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The file of the known clients. An odd first byte: as it is. An even one: made as long as it must be, so
 * that what is taken is seen to be what is saved again. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/known_clients.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct known_clients *known;
static uint8_t *image, *saved;

static void start(void) {
        static const struct keyed_hash key = { { 0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0,
                                                 0x082efa98ec4e6c89 } };

        if (known_clients_new(&key, 1000000, 0, &known) < 0)
                abort();
        image = calloc(1, known_clients_size(known));
        saved = malloc(known_clients_size(known));
        if (!image || !saved)
                abort();
}

static void take_whole(const uint8_t *data, size_t size) {
        size_t whole = known_clients_size(known);
        struct prefix p = { .length = 128 };

        if (size > whole)
                return;
        memcpy(image, data, size);
        if (known_clients_load(known, image, whole, 1) == 0) {
                known_clients_add(known, &p.address);
                if (!known_clients_has(known, &p) || known_clients_load(known, image, whole, 1) < 0)
                        abort();
                known_clients_save(known, saved);
                if (memcmp(image, saved, whole) != 0)
                        abort();
                known_clients_pass(known, 5000000);
        }
        memset(image, 0, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (!known)
                start();
        if (size < 1)
                return 0;
        if (data[0] & 1) {
                if (known_clients_load(known, data + 1, size - 1, 1) == 0 && size - 1 != known_clients_size(known))
                        abort();
        } else
                take_whole(data + 1, size - 1);
        return 0;
}
