/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What a capture without a flood shows: honest clients, a crowd, checks, loss, a closed port; or
 * that it is too short, or too little of it, to tell. */

#include "replay/capture_look.h"

/* No flood was found. */
void capture_calm_find(struct look *k);
