/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Whether a capture shows a flood, of what kind, and at which listeners. Bounds at the head of the
 * .c file. */

#include "replay/capture_look.h"

/* True: there is one, and it is said. */
bool capture_flood_find(struct look *k);
