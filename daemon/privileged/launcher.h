/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Starts the keeper, and another one when it ends.
 *
 *   daemon ── launcher ── keeper       parent and child
 *      └────────────────────┘          the socket pair
 *
 * The launcher does nothing else, and keeps the keeper's end of the pair: the daemon's stays good
 * over all keepers. When the daemon ends, however it does, its end closes; the keeper sees that
 * and ends, and the launcher with it. Without the launcher the keeper works on, but is the last.
 */

#include <sys/types.h>

/* To be called before threads are started and much is allocated: both stay as small as their
 * parent is now. 0: the daemon's end, close-on-exec, and the launcher's pid, of which SIGCHLD
 * tells. -errno: there is neither. */
int launcher_start(int *ret_fd, pid_t *ret_pid);
