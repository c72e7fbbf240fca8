/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What every unit test includes first: cmocka wants these in this order. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* cmocka's signature gives every test a state that few of ours use. */
#pragma GCC diagnostic ignored "-Wunused-parameter"
