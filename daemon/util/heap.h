/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The C library's heap, so that a watcher is not noticed. What only glibc has (mallopt(3),
 * malloc_trim(3)) configure looks for; another library keeps what it likes. Include config.h first. */

#ifdef HAVE_MALLOC_H
#include <malloc.h>
#endif

/* What is taken for a moment goes back to the kernel. Without a pad calloc() gets pages that are
 * zero already, and need not be written before they are used. */
static inline void heap_keep_little(void) {
#ifdef HAVE_MALLOPT
        mallopt(M_MMAP_THRESHOLD, 64 * 1024);
        mallopt(M_TOP_PAD, 0);
#endif
}

static inline void heap_give_back(void) {
#ifdef HAVE_MALLOC_TRIM
        malloc_trim(0);
#endif
}
