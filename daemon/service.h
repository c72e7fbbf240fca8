/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The daemon once it is who it will be (startup.h): its event loop with ticks, control socket and
 * reloads, until it is told to stop.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "core/settings.h"

struct options;
struct confine;
struct privileged;
struct recording_writer;

/* All but the options may be missing; they stay the caller's. */
struct service_parts {
        const struct options *options;
        struct privileged *privileged;
        pid_t launcher; /* of whom; 0: none */
        int hooks;      /* the pair of who runs them; -1: nobody */
        struct confine *confine;
        struct recording_writer *recording;
};

/* Returns an enum exit_status. settings are released. found: there was a file of them. A launcher that
 * ended is none afterwards. */
int service_run(struct service_parts *parts, struct settings *settings, bool found);
