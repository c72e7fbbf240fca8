/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "confine/landlock.h"

#include <errno.h>

#ifdef HAVE_LINUX_LANDLOCK_H

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/landlock.h>

/* The same numbers on every architecture (include/uapi/asm-generic/unistd.h, from Linux 5.13 on). */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

/* What later versions added, which the header that is built with may not have. */
#define FS_REFER (UINT64_C(1) << 13)     /* 2 */
#define FS_TRUNCATE (UINT64_C(1) << 14)  /* 3 */
#define FS_IOCTL_DEV (UINT64_C(1) << 15) /* 5 */
#define NET_BIND_TCP (UINT64_C(1))       /* 4 */
#define NET_CONNECT_TCP (UINT64_C(2))
#define NET_TCP (NET_BIND_TCP | NET_CONNECT_TCP)
enum { RULE_NET_PORT = 2 };
#define SCOPE_SIGNAL (UINT64_C(2))       /* 6 */

#define FS_WRITES                                                                                       \
        (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
         LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |       \
         LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |    \
         LANDLOCK_ACCESS_FS_MAKE_SYM)

/* struct landlock_ruleset_attr as of version 6; a kernel that knows less of it takes less. */
struct attributes {
        uint64_t fs, net, scoped;
};

/* struct landlock_net_port_attr */
struct port_attributes {
        uint64_t allowed_access, port;
};

int landlock_version(void) {
        long r = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

        return r < 0 ? -errno : (int) r;
}

static uint64_t handled(int version) {
        return FS_WRITES | LANDLOCK_ACCESS_FS_EXECUTE | (version >= 2 ? FS_REFER : 0) |
               (version >= 3 ? FS_TRUNCATE : 0) | (version >= 5 ? FS_IOCTL_DEV : 0);
}

int landlock_new(int *ret) {
        int version = landlock_version();
        struct attributes a = { 0 };
        long fd;

        if (version < 0)
                return version;
        a.fs = handled(version);
        a.net = version >= 4 ? NET_TCP : 0;
        a.scoped = version >= 6 ? SCOPE_SIGNAL : 0;
        fd = syscall(SYS_landlock_create_ruleset, &a,
                     version >= 6   ? sizeof a
                     : version >= 4 ? 2 * sizeof a.fs
                                    : sizeof a.fs,
                     0);
        if (fd < 0)
                return -errno;
        *ret = (int) fd;
        return 0;
}

static uint64_t access_of(enum landlock_rights rights) {
        switch (rights) {
        case LANDLOCK_KEEP:
                return LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |
                       LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                       LANDLOCK_ACCESS_FS_REMOVE_DIR | FS_TRUNCATE;
        case LANDLOCK_ADD:
                return LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG;
        case LANDLOCK_LISTEN:
                return LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE;
        case LANDLOCK_WRITE:
                break;
        }
        return LANDLOCK_ACCESS_FS_WRITE_FILE;
}

int landlock_allow(int ruleset, const char *path, enum landlock_rights rights) {
        struct landlock_path_beneath_attr beneath = {
                .allowed_access = access_of(rights) & handled(landlock_version()),
                .parent_fd = open(path, O_PATH | O_CLOEXEC),
        };
        int r = 0;

        if (beneath.parent_fd < 0)
                return -errno;
        if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) < 0)
                r = -errno;
        close(beneath.parent_fd);
        return r;
}

bool landlock_bounds_tcp(void) {
        return landlock_version() >= 4;
}

static int allow_port(int ruleset, uint64_t access, uint16_t port) {
        const struct port_attributes a = { .allowed_access = access, .port = port };

        return syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &a, 0) < 0 ? -errno : 0;
}

/* To bind to port 0 is to leave the port to the kernel, and to name but the address. */
int landlock_allow_tcp(int ruleset, uint16_t port) {
        int r = landlock_bounds_tcp() ? allow_port(ruleset, NET_CONNECT_TCP, port) : 0;

        return r < 0 || !landlock_bounds_tcp() ? r : allow_port(ruleset, NET_BIND_TCP, 0);
}

int landlock_enforce(int ruleset) {
        return syscall(SYS_landlock_restrict_self, ruleset, 0) < 0 ? -errno : 0;
}

#else

int landlock_version(void) {
        return -EOPNOTSUPP;
}

int landlock_new(int *ret) {
        (void) ret;
        return -EOPNOTSUPP;
}

int landlock_allow(int ruleset, const char *path, enum landlock_rights rights) {
        (void) ruleset, (void) path, (void) rights;
        return -EOPNOTSUPP;
}

int landlock_allow_tcp(int ruleset, uint16_t port) {
        (void) ruleset, (void) port;
        return -EOPNOTSUPP;
}

bool landlock_bounds_tcp(void) {
        return false;
}

int landlock_enforce(int ruleset) {
        (void) ruleset;
        return -EOPNOTSUPP;
}

#endif
