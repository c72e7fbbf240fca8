/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a forked process of ours does first: it keeps one end of a socket pair, by whose closing it is told
 * that its parent ends, and outlives the signals that go to all of a group, for it is needed until then.
 */

enum { CHILD_PAIR_FD = 3 };

/* Ignores systemd's and terminals' signals; leaves open fd, as CHILD_PAIR_FD, standard error, where a
 * library may cry for help, and /dev/null in place of standard input and output. 0; -errno: to be ended. */
int child_part(int fd);
