/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Replaces every control character but the tab by '?', in place: what is quoted
 * from outside must not move a cursor or forge a line. Returns text. */
char *printable(char *text);
