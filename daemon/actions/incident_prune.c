/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/incident_prune.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "actions/incident_store.h"

struct record {
        uint64_t bytes, written_us;
};

/* What cannot be looked at takes nothing, and is tried to be removed like the rest. */
static uint64_t measure(const char *state_dir, const uint64_t *ids, size_t count, struct record *list) {
        uint64_t sum = 0;

        for (size_t i = 0; i < count; i++) {
                list[i] = (struct record) { 0 };
                (void) incident_store_measure(state_dir, ids[i], &list[i].bytes, &list[i].written_us);
                sum += list[i].bytes;
        }
        return sum;
}

int incident_prune(const char *state_dir, const struct incident_bounds *b, uint64_t *ret_bytes) {
        size_t count = 0, left;
        uint64_t *ids = NULL, bytes = 0;
        struct record *list = NULL;
        int r = incident_store_ids(state_dir, b->except, &ids, &count), first = 0;

        if (r == 0 && count > 0) {
                list = calloc(count, sizeof *list);
                r = list ? 0 : -ENOMEM;
        }
        if (r == 0)
                bytes = measure(state_dir, ids, count, list);
        left = count;
        for (size_t i = 0; r == 0 && i < count; i++) {
                int error;

                if (list[i].written_us >= b->older_us && left <= b->keep && bytes + b->needed <= b->max_size)
                        continue;
                error = incident_store_remove(state_dir, ids[i]);
                if (error < 0) {
                        first = first ? first : error;
                        continue;
                }
                left--;
                bytes -= list[i].bytes;
        }
        free(list);
        free(ids);
        *ret_bytes = bytes;
        return r < 0 ? r : first;
}
