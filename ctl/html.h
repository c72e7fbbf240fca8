/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* HTML whose texts cannot become markup, because there is no way to write one unescaped. */

#include <stdio.h>

/* format is ours: markup as it is; each %s in it is a text, escaped; %% is a %. Nothing else. */
void html(FILE *f, const char *format, ...);
