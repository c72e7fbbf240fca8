/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The walker: a process that walks the socket table for the daemon (walker_client.h). The kernel does
 * that within one recvmsg(2), half a second for a million sockets, in which nobody else of a thread
 * can do anything. It needs no capability. What it has parsed it hands over as rows, in records of a
 * socket pair that keeps them apart (SOCK_SEQPACKET); both ends run the same program.
 */

#include <stdint.h>

#include "sensors/sock_diag_parse.h"

enum { WALKER_ROWS_MAX = 128 };

struct walker_request {
        uint32_t states; /* enum sock_diag_states */
};

/* Sent without the rows that it has not. */
struct walker_frame {
        uint8_t begins;   /* 1: the walk, or again: what came before is to be forgotten; else 0 */
        uint8_t ends;     /* 1: with these rows; else 0 */
        uint32_t count;   /* of rows */
        int32_t result;   /* at the end: 0 or -errno of sock_diag_ask() */
        uint64_t cost_us; /* at the end: CPU time */
        struct sock_diag_row rows[WALKER_ROWS_MAX];
};

/* The process (helper_main); userdata is not used. */
void walker_run(int fd, const void *userdata);
