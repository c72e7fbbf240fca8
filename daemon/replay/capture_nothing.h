/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Captures that show nothing: empty, of what cannot be read, out of order, or aimed at nobody who listens. */

#include "replay/capture_look.h"

/* True: it is one, and that is said. */
bool capture_nothing_usable(struct look *k);
bool capture_nothing_ordered(struct look *k);
bool capture_nothing_aimed(struct look *k);
