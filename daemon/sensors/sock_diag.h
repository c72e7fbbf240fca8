/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The socket table as a sensor: which listeners there are, how full they are,
 * and how old their half-opens.
 *
 * A full walk costs 0.14–0.2 µs for every socket of the host, whatever is asked
 * for; dump_schedule.h says when it is due. The dump of listeners alone takes
 * microseconds and can run every tick.
 *
 * inet_diag walks the listening sockets first and then the rest of the table
 * (inet_diag_dump_icsk(), net/ipv4/inet_diag.c; later kernels have it in
 * tcp_diag.c), so a half-open's listener is known when its row comes; a listener
 * opened in the middle of a walk can leave a few false ghosts in it. No dump is
 * a snapshot: an entry that moves while the kernel walks can be missed or seen
 * twice.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/address.h"
#include "core/observation.h"
#include "sensors/sock_diag_parse.h"
#include "util/netlink.h"

enum {
        /* Different listener keys that are told apart; half-opens of any further
         * listener count for the host only, and never as ghosts. */
        SOCK_DIAG_KEYS_MAX = 4096,
};

struct sock_diag;

/* kernel NULL: the running kernel, in the network namespace of the caller; else see
 * netlink.h. -ENOMEM and the errors of netlink_open(). */
int sock_diag_new(const struct netlink_kernel *kernel, struct sock_diag **ret);
struct sock_diag *sock_diag_free(struct sock_diag *s);

/*
 * fn is called in a walk for every half-open that is not deferred, port (the local
 * one) in host byte order, age_us as sock_diag_age_us() has it; remote NULL means that a walk begins,
 * or begins again: forget what the last one said. A walk that fails has been heard in part.
 */
void sock_diag_set_half_open_sink(struct sock_diag *s,
                                  void (*fn)(void *data, const struct address *remote, const struct address *local,
                                             uint16_t port, uint64_t age_us),
                                  void *data);

/*
 * A full walk. Sets o->listeners…, half_open, aged, deferred, ghosts and their
 * known bits (OBS_K_DUMP, OBS_K_LISTENERS); leaves the rest of o alone, and on
 * error all of it. Listeners of one key (SO_REUSEPORT) are one, summed. With
 * more than OBS_LISTENERS_MAX the ones with the most half-opens are kept, then
 * those that drop, then those of preferred ports (sock_diag_prefer()).
 *
 * A listener's drops are the delta since the dump before, of either kind: use
 * one of them a tick. Unknown in the first dump, and when the key's sockets
 * are not the same ones as then.
 *
 * Errors: those of netlink_transact(), -EPROTO for a row that makes no sense.
 */
int sock_diag_dump(struct sock_diag *s, struct observation *o);
/*
 * The same, and how many connections of those listeners there are now, which costs a
 * message for each (see sock_diag_is_connection()). Unchanged on error.
 */
int sock_diag_dump_connections(struct sock_diag *s, struct observation *o, uint32_t *ret_connections);
/*
 * The listeners alone, OBS_K_LISTENERS: limits, accept queues and drops. With
 * more than OBS_LISTENERS_MAX, kept by the half-opens of the last full walk.
 */
int sock_diag_dump_listeners(struct sock_diag *s, struct observation *o);

/*
 * The walk in another's hands, so that a large table holds up nobody (walker_client.h): begun (again:
 * what came is forgotten), told row by row, and ended. Its end does what sock_diag_dump() does, with
 * the half-opens of the walk and the listeners as they are now; errors likewise. A walk that
 * is not ended says nothing; sock_diag_dump_listeners() may be called meanwhile.
 */
void sock_diag_walk_begin(struct sock_diag *s, enum sock_diag_states states);
void sock_diag_walk_row(struct sock_diag *s, const struct sock_diag_row *row);
int sock_diag_walk_end(struct sock_diag *s, struct observation *o, uint32_t *ret_connections);

/* Ports that more come for than half-opens tell: with tcp_syncookies=2 there are none. */
void sock_diag_prefer(struct sock_diag *s, const uint16_t *ports, uint32_t count);
/* Of the listeners that the last dump left out: a bit for each port, and whether any of them has
 * half-opens or drops. */
void sock_diag_left_out(const struct sock_diag *s, uint8_t ret_ports[static 65536 / 8], bool *ret_busy);

/* Whether the kernel had to be asked once for each family. */
bool sock_diag_is_split(const struct sock_diag *s);
