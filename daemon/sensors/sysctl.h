/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The present net.ipv4.tcp_syncookies, read every tick: others change it too.
 *
 * Like the counters it belongs to a network namespace, the one of the thread
 * at the time of opening.
 */

#include "core/observation.h"

#define SYSCTL_SYNCOOKIES_PATH "/proc/sys/net/ipv4/tcp_syncookies"

struct sysctl;

/* path NULL: SYSCTL_SYNCOOKIES_PATH. Opens nothing yet. -ENOMEM. */
int sysctl_new(const char *path, struct sysctl **ret);
struct sysctl *sysctl_free(struct sysctl *s);

/* Sets o->syncookies and OBS_K_SYNCOOKIES. -errno of open or read (-ENOENT: a
 * kernel without syncookies), -EBADMSG: no number from 0 to 255; the value is
 * then unknown, and the next call tries again. */
int sysctl_read(struct sysctl *s, struct observation *o);
