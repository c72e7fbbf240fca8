/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sensors/netstat.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sensors/netstat_parse.h"

/* Linux 6.18 writes 5.5 KB at most; each new counter adds some 30 bytes. */
enum { BUFFER_FIRST = 16 * 1024, BUFFER_MAX = 256 * 1024 };

/* Those with what is in use are read last: what opens between two of them is an end less, not one too many. */
enum { FILE_NETSTAT, FILE_SNMP, FILE_SOCKSTAT, FILE_SOCKSTAT6, FILES };

static const char *const names[FILES] = {
        [FILE_NETSTAT] = "netstat",
        [FILE_SNMP] = "snmp",
        [FILE_SOCKSTAT] = "sockstat",
        [FILE_SOCKSTAT6] = "sockstat6",
};

struct netstat {
        char path[FILES][256];
        int fd[FILES];
        struct netstat_totals before;
        uint32_t missing;
        char *buffer;
        size_t size;
};

int netstat_new(const char *directory, struct netstat **ret) {
        struct netstat *n = calloc(1, sizeof *n);

        if (!n)
                return -ENOMEM;
        n->size = BUFFER_FIRST;
        n->buffer = malloc(n->size);
        for (unsigned i = 0; i < FILES; i++) {
                snprintf(n->path[i], sizeof n->path[i], "%s/%s", directory ? directory : NETSTAT_DIRECTORY, names[i]);
                n->fd[i] = -1;
        }
        if (!n->buffer) {
                netstat_free(n);
                return -ENOMEM;
        }
        n->missing = netstat_counters();
        *ret = n;
        return 0;
}

static void close_file(int *fd) {
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

struct netstat *netstat_free(struct netstat *n) {
        if (!n)
                return NULL;
        for (unsigned i = 0; i < FILES; i++)
                close_file(&n->fd[i]);
        free(n->buffer);
        free(n);
        return NULL;
}

static int grow(struct netstat *n) {
        char *larger;

        if (n->size >= BUFFER_MAX)
                return -EFBIG;
        larger = realloc(n->buffer, n->size * 2);
        if (!larger)
                return -ENOMEM;
        n->buffer = larger;
        n->size *= 2;
        return 0;
}

/* The whole file. A short read is not its end: only a read of nothing is. */
static int read_file(struct netstat *n, int fd, size_t *ret_length) {
        size_t length = 0;

        for (;;) {
                ssize_t got;

                if (length == n->size) {
                        int r = grow(n);

                        if (r < 0)
                                return r;
                }
                got = pread(fd, n->buffer + length, n->size - length, (off_t) length);
                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return -errno;
                if (got == 0)
                        break;
                length += (size_t) got;
        }
        *ret_length = length;
        return 0;
}

static int read_totals(struct netstat *n, unsigned file, struct netstat_totals *totals) {
        size_t length = 0;
        int r;

        if (n->fd[file] < 0)
                n->fd[file] = open(n->path[file], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (n->fd[file] < 0)
                return -errno;
        r = read_file(n, n->fd[file], &length);
        if (r < 0) {
                close_file(&n->fd[file]);
                return r;
        }
        if (file >= FILE_SOCKSTAT)
                return netstat_parse_in_use(n->buffer, length, totals);
        return netstat_parse(n->buffer, length, totals);
}

/* No counter comes from these; without IPv6 there is one of them, and without both one thing less is known. */
static void read_in_use(struct netstat *n, struct netstat_totals *totals) {
        if (read_totals(n, FILE_SOCKSTAT, totals) < 0 ||
            (read_totals(n, FILE_SOCKSTAT6, totals) < 0 && n->fd[FILE_SOCKSTAT6] >= 0))
                totals->known &= ~(UINT32_C(1) << NETSTAT_IN_USE);
}

int netstat_read(struct netstat *n, struct observation *o) {
        struct netstat_totals now = { 0 };
        enum sensor_state state = SENSOR_OK;
        int trouble = 0;

        for (unsigned i = FILE_NETSTAT; i <= FILE_SNMP; i++) {
                int r = read_totals(n, i, &now);

                if (trouble == 0)
                        trouble = r;
        }
        read_in_use(n, &now);
        netstat_delta(&n->before, &now, o);
        n->before = now;
        n->missing = netstat_counters() & ~now.known;
        if (!(now.known & netstat_counters()))
                state = SENSOR_FAILED;
        else if (trouble < 0 || n->missing)
                state = SENSOR_DEGRADED;
        o->sensors[SENSOR_NETSTAT] = (uint8_t) state;
        return trouble;
}

uint32_t netstat_missing(const struct netstat *n) {
        return n->missing;
}
