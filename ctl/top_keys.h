/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What a key does to top's view. */

#include "ctl/top_screen.h"

/* key: as getch(3) has it. False: quit. */
bool top_keys_take(struct top_view *v, const struct feed *feed, int key);
