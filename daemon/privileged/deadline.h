/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Until when a request may be carried out. Whoever asked has given it up by then, and acts on its not
 * having been done: the keeper, which may have been stopped meanwhile, must not do it late. */

#include <stdint.h>

/* Microseconds of CLOCK_MONOTONIC, which both ends share. Never 0. */
uint64_t deadline_now_us(void);
