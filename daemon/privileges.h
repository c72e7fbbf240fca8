/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Privileges apart: the keeper (privileged/) is started with the one capability, then this
 * process gives up all of them and, started by root, becomes another user.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "privileged/client.h"

/* The keeper; one that privileges_drop() has handed over, or else a new one. To be called before anything else is
 * opened or allocated. Where it cannot be started that is told, and what needs it will fail with -EPIPE. *ret_launcher:
 * 0 then. -ENOMEM. */
int privileges_part(struct privileged **ret, pid_t *ret_launcher);
/* Closes the keeper's socket and waits until it has ended, and its table with it. */
void privileges_end(struct privileged *p, pid_t launcher);

struct privileges_user {
        uid_t uid;
        gid_t gid;
        char name[32];
};

/* Whom to become: `synward`, or else `nobody`, if we are root and may; -ENOENT: we stay who we are. -ENOMEM. */
int privileges_find_user(struct privileges_user *ret);

/* Becomes that user (NULL: nobody else) and gives up every capability. Where a filter of system
 * calls forbids that, as the unit's does, the program is run again with argv, in this process,
 * without capabilities and with the same keeper: privileges_part() finds it. What cannot be given
 * up is told. */
void privileges_drop(const struct privileges_user *user, const struct privileged *p, pid_t launcher, char **argv);
/* Only what we have is not for hooks. */
void privileges_for_nobody_else(void);
/* Gives up all but what a watch needs to name other users' programs. */
void privileges_keep_looking(void);
