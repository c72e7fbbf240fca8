/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A daemon that means ill, in place of ctl/client.c: whatever is asked, the next of the answers
 * that were given, and then it hangs up. */

#include <stddef.h>
#include <stdint.h>

/* Answers one behind the other, each ended by a NUL or by the end. */
void hostile_daemon_start(const uint8_t *answers, size_t size);
/* How many bytes of them were not asked for. */
size_t hostile_daemon_left(void);
