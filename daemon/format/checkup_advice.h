/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What to do, as --diagnose says it behind its verdict: steps, with commands to copy. */

#include "format/checkup_report.h"

void checkup_advice_print(struct report *r);
