/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/printable.h"

char *printable(char *text) {
        for (char *p = text; *p; p++) {
                unsigned char c = (unsigned char) *p, next = (unsigned char) p[1];

                if ((c < ' ' && c != '\t') || c == 0x7f)
                        *p = '?';
                else if (c == 0xc2 && next >= 0x80 && next < 0xa0) /* U+0080..9F: controls too */
                        p[0] = p[1] = '?';
        }
        return text;
}
