/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A socket bound to one group of the kernel's packet log (NFLOG).
 *
 * Binding and the size of its buffer need CAP_NET_ADMIN over the network namespace; receiving does
 * not, so that the socket can be handed on. A group has one owner: a second one is refused. It
 * stays bound until the last copy of the socket is closed.
 */

#include <stdint.h>

/* copy_range: bytes of each packet. On failure *ret_reason names the cause (static text): -EBUSY:
 * the group has an owner, -EPERM: no privilege, -EPROTONOSUPPORT: no NFLOG in this kernel, others
 * as socket(2), bind(2). */
int log_socket_open(uint16_t group, uint32_t copy_range, int *ret_fd, const char **ret_reason);
