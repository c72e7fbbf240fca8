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
        struct __user_cap_data_struct data[2], now[2];
        bool less = false;

        if (syscall(SYS_capget, &header, now) < 0)
                return -errno;
        for (unsigned i = 0; i < 2; i++) {
                data[i].permitted = now[i].permitted & (uint32_t) (which >> 32 * i);
                data[i].effective = data[i].permitted;
                data[i].inheritable = 0;
                less |= data[i].permitted != now[i].permitted || data[i].effective != now[i].effective;
        }
        /* What is inheritable alone is of no use without new privileges, where that call is filtered. */
        return syscall(SYS_capset, &header, data) < 0 && less ? -errno : 0;
}

bool caps_has(uint64_t which) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2];

        return syscall(SYS_capget, &header, data) == 0 &&
               !(which & ~((uint64_t) data[1].effective << 32 | data[0].effective));
}

void caps_narrow(uint64_t which) {
        for (unsigned i = 0; i < 64 && prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
                if (!(which & CAPS_BIT(i)) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
                        return;
}

int caps_keep(uint64_t which) {
        caps_narrow(which);
        /* Before Linux 4.3 there is nothing to clear. */
        (void) prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -errno;
        return set(which);
}
