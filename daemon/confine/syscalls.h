/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A filter of system calls (seccomp(2), by libseccomp) for the process that parses what strangers
 * send, and for whom it forks.
 *
 * syscalls.c names what that process needs from when it has given up its privileges to its end. Found
 * by strace -f, on glibc 2.36, of start, floods, reloads, incidents, blocking, every command of
 * synwardctl, SIGTERM and abort(3) in tests/lab; beside each group stands what is in it beyond that,
 * for other C libraries, architectures, and processes that are forked for a piece of work.
 *
 * What is not named fails by ENOSYS, as it would on an older kernel: a C library of tomorrow falls
 * back. What nobody but an intruder would ask for, to run another program before all, ends the process
 * by SIGSYS, and is logged by the kernel (audit).
 */

#include <stdbool.h>

/* From now on. tcp: sockets of TCP may be made as well. -EOPNOTSUPP: built without libseccomp; -errno: the kernel
 * refuses. */
int syscalls_confine(bool tcp);
/* Whether that can be had: 0, or -errno as above. */
int syscalls_can_confine(void);
