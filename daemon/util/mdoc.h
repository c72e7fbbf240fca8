/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Text for the manuals that are made from tables, while building. */

/* To standard output, as mdoc(7) wants it: each sentence on a line of its own, and no long lines. */
void mdoc_sentences(const char *text);
