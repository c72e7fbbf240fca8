/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

int main(void) {
        return 0;
}
