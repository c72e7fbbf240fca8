/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h" /* syscall */

#include "privileged/caps.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* capget(2), capset(2): version 3 has 64 bits, in two halves. */
static int set(uint64_t which) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2];

        if (syscall(SYS_capget, &header, data) < 0)
                return -errno;
        for (unsigned i = 0; i < 2; i++) {
                data[i].permitted &= (uint32_t) (which >> 32 * i);
                data[i].effective = data[i].permitted;
                data[i].inheritable = 0;
        }
        return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

void caps_narrow(uint64_t which) {
        for (unsigned i = 0; i < 64 && prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
                if (!(which & CAPS_BIT(i)) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
                        return;
}

int caps_keep(uint64_t which) {
        int r;

        caps_narrow(which);
        /* Before Linux 4.3 there is nothing to clear. */
        (void) prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        r = set(which);
        if (r >= 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                r = -errno;
        return r;
}
