/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* How much the kernel's packet log sends at a time: asked for where its socket is made, and
 * expected where it is read. */
enum {
        LOG_BATCH_SYNS = 512,         /* the kernel sends a batch when it holds so many, */
        LOG_BATCH_BYTES = 128 * 1024, /* or so many bytes (its own limit; its default takes 22 SYNs) */
};
