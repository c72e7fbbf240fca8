/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A socket on which the kernel tells of every TCP connection that ends (SKNLGRP_INET_TCP_DESTROY
 * and its IPv6 twin). Anybody may have one; with CAP_NET_ADMIN its buffer passes
 * net.core.rmem_max, so that fewer ends are lost.
 */

/* -ENOENT: this kernel does not tell; others as socket(2), bind(2). */
int ends_socket_open(int *ret_fd);
