/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Starts the keeper, and another one when it ends (util/supervisor.h): its supervisor is called
 * launcher, and has the keeper's one capability, to pass it on. */

#include <sys/types.h>

/* As supervisor_start(). */
int launcher_start(int *ret_fd, pid_t *ret_pid);
