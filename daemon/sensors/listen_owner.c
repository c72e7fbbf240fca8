/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sensors/listen_owner.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/printable.h"

enum {
        INODES_MAX = 128,
        PATH_SIZE = 512,
        STATE_LISTEN = 10, /* TCP_LISTEN, include/net/tcp_states.h */
};

struct inodes {
        uint32_t count;
        uint64_t list[INODES_MAX];
};

bool listen_owner_row(const char *line, uint16_t *ret_port, uint64_t *ret_inode) {
        unsigned port, state;
        uint64_t inode;

        if (sscanf(line, " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*u %" SCNu64, &port, &state,
                   &inode) != 3 ||
            state != STATE_LISTEN || port > UINT16_MAX)
                return false;
        *ret_port = (uint16_t) port;
        *ret_inode = inode;
        return true;
}

static void read_inodes(const char *proc, const char *table, uint16_t port, struct inodes *inodes) {
        char path[PATH_SIZE], line[512];
        uint16_t local_port;
        uint64_t inode;
        FILE *f;

        snprintf(path, sizeof path, "%s/net/%s", proc, table);
        f = fopen(path, "re");
        if (!f)
                return;
        if (!fgets(line, sizeof line, f)) { /* the heading */
                fclose(f);
                return;
        }
        while (inodes->count < INODES_MAX && fgets(line, sizeof line, f) && listen_owner_row(line, &local_port, &inode))
                if (local_port == port)
                        inodes->list[inodes->count++] = inode;
        fclose(f);
}

static bool is_one_of(const struct inodes *inodes, const char *link) {
        unsigned long long inode;

        if (sscanf(link, "socket:[%llu]", &inode) != 1)
                return false;
        for (uint32_t i = 0; i < inodes->count; i++)
                if (inodes->list[i] == inode)
                        return true;
        return false;
}

static bool holds(const char *proc, int pid, const struct inodes *inodes) {
        char path[PATH_SIZE], link[64];
        struct dirent *entry;
        bool found = false;
        ssize_t n;
        DIR *d;

        snprintf(path, sizeof path, "%s/%d/fd", proc, pid);
        d = opendir(path);
        if (!d)
                return false;
        while (!found && (entry = readdir(d))) {
                n = readlinkat(dirfd(d), entry->d_name, link, sizeof link - 1);
                if (n <= 0)
                        continue;
                link[n] = '\0';
                found = is_one_of(inodes, link);
        }
        closedir(d);
        return found;
}

static void read_name(const char *proc, struct listen_owner *o) {
        char path[PATH_SIZE];
        FILE *f;

        snprintf(o->name, sizeof o->name, "?");
        snprintf(path, sizeof path, "%s/%d/comm", proc, o->pid);
        f = fopen(path, "re");
        if (!f)
                return;
        if (fgets(o->name, sizeof o->name, f))
                o->name[strcspn(o->name, "\n")] = '\0';
        printable(o->name);
        fclose(f);
}

/* Under socket activation init holds the socket too: the service counts. */
static bool is_better(int pid, const struct listen_owner *o) {
        return o->processes == 0 || o->pid == 1 || (pid != 1 && pid < o->pid);
}

int listen_owner_find(const char *proc, uint16_t port, struct listen_owner *ret) {
        struct inodes inodes = { .count = 0 };
        struct listen_owner o = { .pid = 0 };
        struct dirent *entry;
        DIR *d;

        read_inodes(proc, "tcp", port, &inodes);
        read_inodes(proc, "tcp6", port, &inodes);
        d = inodes.count ? opendir(proc) : NULL;
        if (!d)
                return -ENOENT;
        while ((entry = readdir(d))) {
                int pid = isdigit((unsigned char) entry->d_name[0]) ? atoi(entry->d_name) : 0;

                if (pid <= 0 || !holds(proc, pid, &inodes))
                        continue;
                if (is_better(pid, &o))
                        o.pid = pid;
                o.processes++;
        }
        closedir(d);
        if (o.processes == 0)
                return -ENOENT;
        read_name(proc, &o);
        *ret = o;
        return 0;
}
