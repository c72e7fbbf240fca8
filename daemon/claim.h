/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Of those that act on a network namespace there is one: two that both change
 * tcp_syncookies would take each other's values for those of a stranger. An abstract
 * socket is the kernel's own lock for that: its names belong to the namespace, and it
 * goes with its process. Whoever only watches (a dry run) needs no claim.
 */

#include <sys/types.h>

/* 0: ours until the process ends. -EBUSY: a process of root or of our own user has it,
 * *ret_pid. Somebody else who has the name keeps nobody from work: 0. Else -errno. */
int claim_namespace(pid_t *ret_pid);
