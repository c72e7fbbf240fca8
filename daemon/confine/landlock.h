/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Landlock: a process says beneath which folders it, and whom it forks, will still write, for good.
 * By the bare system calls (Linux 5.13, Documentation/userspace-api/landlock.rst), as far as the
 * running kernel's version of it goes. What it reads stays as it is; nothing can be executed any more.
 * From version 4 on no TCP port is bound or connected to but what landlock_allow_tcp() names, from version 6 on nobody
 * else is signalled.
 *
 * It holds for what is opened later: files that are open stay as they are. A folder is meant, not its
 * name: one that is replaced by another of that name, or mounted over, may not be written to.
 */

#include <stdbool.h>
#include <stdint.h>

enum landlock_rights {
        LANDLOCK_KEEP,   /* beneath a folder: make, write and remove files, folders, links and sockets */
        LANDLOCK_ADD,    /* beneath a folder: make files and write to them */
        LANDLOCK_LISTEN, /* beneath a folder: make and remove sockets */
        LANDLOCK_WRITE,  /* one file, or what else has that name */
};

/* Of the running kernel, from 1 on. -ENOSYS, -EOPNOTSUPP: it has none. -EOPNOTSUPP also of a build
 * that did not find the header. */
int landlock_version(void);

/* Nothing yet is allowed, and nothing forbidden. *ret: to be closed. */
int landlock_new(int *ret);
/* -errno: as of open(2). */
int landlock_allow(int ruleset, const char *path, enum landlock_rights rights);
/* TCP may connect to that port, from any. 0 also where the kernel's version bounds none. */
int landlock_allow_tcp(int ruleset, uint16_t port);
/* Whether the running kernel's version bounds TCP at all. */
bool landlock_bounds_tcp(void);
/* From now on. Needs PR_SET_NO_NEW_PRIVS. */
int landlock_enforce(int ruleset);
