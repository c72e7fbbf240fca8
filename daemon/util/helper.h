/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A process of the daemon's own for what may block, a disk or a walk over a million sockets: forked,
 * never executed, with one end of a socket pair and standard error open and nothing else. It takes
 * nothing along that its parent has not, and ends with it. When it ends before, another is forked
 * after 0.1 to 2 s; one that cannot be ended, because the kernel holds it, is waited for, so that
 * there is never more than one.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What it does until the other end is closed. */
typedef void helper_main(int fd, const void *userdata);

struct helper;

/* name: as ps(1) shows it, at most 15 bytes, static. type: of the pair, SOCK_STREAM or
 * SOCK_SEQPACKET. Forks; fork early, for it stays as large as its parent is then. -errno. */
int helper_new(const char *name, int type, helper_main *run, const void *userdata, struct helper **ret);
/* Closes our end and waits a little for it to end by itself; then it is killed. */
struct helper *helper_free(struct helper *h);

/* Our end, which does not block; -1: there is none now. */
int helper_fd(const struct helper *h);
pid_t helper_pid(const struct helper *h); /* 0: none */

/* Its end has closed, or it stands still, or speaks nonsense: it is ended. */
void helper_lose(struct helper *h, uint64_t now_us);
/* To be called now and then: forks another, if there is none and it is time. Whether it did. */
bool helper_revive(struct helper *h, uint64_t now_us);

/* For its own use: the CPU time that this process has used so far, in microseconds. */
uint64_t helper_cpu_us(void);
