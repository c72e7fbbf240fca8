/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * When TCP sends a SYN, or a SYN-ACK, again: after a second, and each time after twice as long as before
 * (RFC 6298, 2 and 5; TCP_TIMEOUT_INIT in include/net/tcp.h). Since the first one, in microseconds.
 */

#include <stdint.h>

#define RETRY_FIRST_US UINT64_C(1000000)
#define RETRY_SECOND_US UINT64_C(3000000)
#define RETRY_THIRD_US UINT64_C(7000000)
#define RETRY_FOURTH_US UINT64_C(15000000)
/* So often at most a SYN (net.ipv4.tcp_syn_retries). */
#define SYN_RETRIES 6
/* An entry is let go after the last of five (net.ipv4.tcp_synack_retries): 1 + 2 + 4 + 8 + 16 + 32 s. */
#define HALF_OPEN_LIFE_US UINT64_C(63000000)
