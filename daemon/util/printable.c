/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/printable.h"

char *printable(char *text) {
        for (char *p = text; *p; p++)
                if (((unsigned char) *p < ' ' && *p != '\t') || *p == 0x7f)
                        *p = '?';
        return text;
}
