/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The starter: a process of its own that runs hooks, so that the daemon, which strangers can talk
 * to, may be kept from running anything (confine.h).
 *
 * It knows the commands from the configuration, which it reads itself: that of the daemon's start by
 * being its child, later ones from their files. It runs what its own configuration names, with that
 * one's limits, and only while it and the daemon mean the same (settings_hooks_digest()).
 */

#include <stdint.h>
#include <sys/types.h>

#include "core/settings.h"

struct hook_starter_config {
        struct settings *settings; /* of the start; each starter releases its own copy */
        /* Reads the configuration again. 0 and *ret, which then is the starter's; -errno. */
        int (*load)(void *userdata, struct settings *ret);
        void *userdata;
};

/* Starts it, and another one when it ends, as supervisor_start(): called by the user that hooks are
 * to be, and before that process is confined. config must stay until the process was forked. */
int hook_starter_launch(const struct hook_starter_config *config, int *ret_fd, pid_t *ret_pid);

/* Does as it is told by fd until the other end is closed: 0, and what ran is killed. -errno. */
int hook_starter_run(int fd, uint32_t generation, const struct hook_starter_config *config);
