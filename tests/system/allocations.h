/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The call sites of a program's allocations, in a file that fail-alloc.so (preloaded into the
 * program), its forks, later runs and the tool that watches them share. Each site fails once: a site
 * is a stack, all of it unless told otherwise, as addresses within their files, so that it is the same
 * in every run.
 */

#include <stdatomic.h>
#include <stdint.h>

/* The table's path, for fail-alloc.so; none: nothing fails. */
#define ALLOCATIONS_TABLE "FAIL_ALLOC_TABLE"

enum {
        ALLOCATIONS_SITES_MAX = 16384, /* a power of two; what is beyond is counted only */
        ALLOCATIONS_FRAMES_MAX = 24,   /* the innermost */
        ALLOCATIONS_NAME_MAX = 24,
        ALLOCATIONS_PROCESS_MAX = 16,  /* prctl(2), PR_SET_NAME */
};

struct allocations_frame {
        uint64_t offset; /* where the call returns to, from the file's beginning in memory */
        char file[ALLOCATIONS_NAME_MAX]; /* "": the program itself */
};

struct allocations_site {
        uint64_t hash;   /* 0: no site */
        uint64_t calls;
        uint32_t failed; /* it was the how-manieth failure; 0: it has not failed */
        uint32_t frames_count;
        struct allocations_frame frames[ALLOCATIONS_FRAMES_MAX];
};

struct allocations_table {
        char process[ALLOCATIONS_PROCESS_MAX]; /* fails in processes of this name only */
        uint64_t gap_us;  /* at least so long between two failures, by CLOCK_MONOTONIC */
        uint64_t last_us; /* the last failure */
        uint32_t depth; /* so many of the innermost frames tell sites apart; 0: all */
        uint32_t share, shares; /* of all sites only this part fails; shares 0: all */
        atomic_uint armed;
        uint32_t sites_count, dropped;
        uint32_t failures;
        struct allocations_site sites[ALLOCATIONS_SITES_MAX];
};
