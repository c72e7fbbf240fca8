/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/snapshot.h"

const uint64_t snapshot_poll_bounds_us[SNAPSHOT_POLL_BUCKETS] = {
        100, 300, 1000, 3000, 10000, 30000, 100000, 300000, 1000000, 3000000,
};
