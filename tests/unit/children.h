/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Processes that a test has started by what it tests. */

#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

/* The first one; 0: there is none. */
static inline pid_t first_child(void) {
        char text[256], path[64];
        int pid = 0;
        FILE *f;

        snprintf(path, sizeof path, "/proc/self/task/%d/children", (int) getpid());
        f = fopen(path, "r");
        if (!f)
                return 0;
        if (fgets(text, sizeof text, f))
                pid = atoi(text);
        fclose(f);
        return pid;
}
