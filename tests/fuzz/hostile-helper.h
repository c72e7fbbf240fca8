/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* In the place of util/helper.c: a helper process that means ill. What it says is written here; it hears
 * nothing, and none takes its place when it is lost. */

#include <stddef.h>

/* The other end of the last helper_new(); -1: it was lost. */
int hostile_helper_fd(void);
