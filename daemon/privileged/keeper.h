/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The keeper: a process of its own that holds CAP_NET_ADMIN, owns `table inet synward`, and does
 * what needs that capability for the daemon, which has none. It parses nothing of strangers': its
 * input are requests of one fixed form (message.h) and the kernel's answers.
 *
 * It alone uses libnftables, which ends its process when an allocation fails: then the table
 * goes, another keeper is started (launcher.h), and the daemon makes anew what it wants to be there.
 */

#include <stdint.h>

#include "privileged/message.h"

struct keeper;

/* generation: not 0. -ENOMEM. */
int keeper_new(uint32_t generation, struct keeper **ret);
/* Takes the table away. */
struct keeper *keeper_free(struct keeper *k);

/* One request, which may be any bytes; now_us: of deadline.h. 0, and the reply; *ret_fd: what goes with it, to be
 * closed; -1: nothing. -EPROTO: no request, there is nobody to answer. */
int keeper_answer(struct keeper *k, const void *request, size_t length, uint64_t now_us, struct message_reply *ret,
                  int *ret_fd);

/* Says hello and answers until the other end is closed: 0. -errno. */
int keeper_run(int fd, uint32_t generation);
