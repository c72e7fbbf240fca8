/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Of shares, 0..1. */

/* More than all others together have: no other can have as much. */
#define MOST 0.5
