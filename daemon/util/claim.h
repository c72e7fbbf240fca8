/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A name that one process of a network namespace has. An abstract socket is the kernel's own lock for
 * that: its names belong to the namespace (unix(7)), and one goes with its process.
 */

#include <stdbool.h>
#include <sys/types.h>

/* 0: ours until *ret is closed. -EBUSY: a process of root or of our own user has it, *ret_pid; -EPERM:
 * somebody else's has; else -errno. */
int claim_take(const char *name, int *ret, pid_t *ret_pid);
/* Whether anybody has it. */
bool claim_is_taken(const char *name);
/* Until nobody has it, or for limit_ms. */
void claim_wait_until_free(const char *name, unsigned limit_ms);
