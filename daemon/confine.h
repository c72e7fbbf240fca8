/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the daemon gives up beyond its privileges, once it is who it will be: it may write beneath
 * its own folders only and connect by TCP to nobody but what it probes (confine/landlock.h), run no program, and use no
 * system call but those that it needs (confine/syscalls.h). For good, and for whom it forks from then on; the keeper
 * and the process that runs hooks were forked before.
 *
 * Each of the two that cannot be had is told, and done without. Nothing is confined in a build with
 * sanitizers or for coverage, whose libraries need more.
 */

#include <stdbool.h>
#include <stdint.h>

struct confine;

struct confine_places {
        const char *state_dir;  /* made if it is not there and make_state */
        const char *runtime_dir; /* likewise; NULL: none */
        bool make_state;
        const char *control;    /* the socket: made and removed in its folder, which is made likewise */
        uint16_t probe_port;    /* TCP may connect to this port, and no other; 0: to none */
        const char *alerts_file; /* with whatever takes its place in its folder; empty: none */
};

/* Returns NULL if there was no memory to remember the folders with; then, as where the kernel has no
 * Landlock, confine_may_write() knows of no bound. */
struct confine *confine_apply(const struct confine_places *places);
struct confine *confine_free(struct confine *c);

/* Whether a file of that name, there or not, may be written to: false says that only a restart with
 * this configuration would allow it. What rights the user has is another matter. */
bool confine_may_write(const struct confine *c, const char *file);
/* Whether TCP may connect to that port, likewise. */
bool confine_may_connect(const struct confine *c, uint16_t port);
