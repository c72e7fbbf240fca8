/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Giving up capabilities(7), of the calling thread and for good: whatever it starts has none
 * either (PR_SET_NO_NEW_PRIVS). By the bare system calls, which is all that is needed. */

#include <stdbool.h>
#include <stdint.h>

#include <linux/capability.h>

#define CAPS_BIT(capability) (UINT64_C(1) << (capability))

/* Keeps of what is there only these, permitted and effective; nothing is inherited by programs
 * that are started, and of the bounding set no more is left, where that may be changed
 * (CAP_SETPCAP). -EPERM: a filter of system calls forbids it; another user than root then has
 * none any more after execve(2). -errno. */
int caps_keep(uint64_t which);
/* The bounding set alone, before a change of user, after which it may not be changed. */
void caps_narrow(uint64_t which);

/* Whether all of these are effective. */
bool caps_has(uint64_t which);
