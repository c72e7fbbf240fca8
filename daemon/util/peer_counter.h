/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * established_count() by another process, for a large socket table takes long: asked at one tick, and
 * answered in the same if that is quick. Each user has one question at a time.
 */

#include <stdint.h>

#include "util/established.h"

enum peer_counter_user { PEER_COUNTER_LOG, PEER_COUNTER_BLOCK, PEER_COUNTER_USERS };

struct peer_counter;

/* Forks. -errno. */
int peer_counter_new(struct peer_counter **ret);
struct peer_counter *peer_counter_free(struct peer_counter *c);

/* -EBUSY: the user's last question is not answered; -EPIPE: there is no such process now; -EINVAL: more
 * than ESTABLISHED_PEERS_MAX. */
int peer_counter_ask(struct peer_counter *c, enum peer_counter_user user, const struct established_peer *peers,
                     uint32_t count, uint64_t now_us);
/* The peers that were asked for, counted; the answer is given once. Waits a moment where answers have
 * been quick. -EAGAIN: not yet; -ENOENT: nothing was asked; others: it failed. */
int peer_counter_answer(struct peer_counter *c, enum peer_counter_user user, uint64_t now_us,
                        struct established_peer ret_peers[static ESTABLISHED_PEERS_MAX], uint32_t *ret_count,
                        uint64_t *ret_cost_us);
/* Once a tick: brings another when one has ended. */
void peer_counter_step(struct peer_counter *c, uint64_t now_us);
