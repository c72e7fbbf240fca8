/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * --self-test: each thing of this kernel and of this process' rights that synward
 * needs, whether it is there, else why not and what is lost without it. Changes
 * nothing but the logging rules of its own, which go with it.
 */

#include "core/settings.h"

/* Prints to standard output. An exit status: 0 all is there, 1 something is lost, 77 nothing
 * can be watched at all. */
int self_test_run(const struct settings *settings, const char *state_dir);
