/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

/* Before a trial: who judges in it, the patterns or the statistic. */
void statistic_verdict_begin(bool statistic);
