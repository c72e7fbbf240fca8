/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The place of the control socket in the file system. */

#include <sys/stat.h>

enum { LISTEN_BACKLOG = 64 };

struct listen_place {
        char *path;
        dev_t device;
        ino_t inode;
};

/* A listening socket at path, mode 0660; errors as server_new(). The group is ignored
 * when it is NULL, unknown, or not ours to give. */
int listen_open(const char *path, const char *group, struct listen_place *ret_place, int *ret_fd);
/* Removes the socket unless somebody has put another in its place; clears place. */
void listen_remove(struct listen_place *place);
