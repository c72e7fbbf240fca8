/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A sysctl of TCP, a number from 0 to 255: read every tick, since others change it too, or once,
 * or written.
 *
 * Like the counters it belongs to a network namespace, the one of the thread
 * at the time of opening.
 */

#include <stddef.h>
#include <stdint.h>

#define SYSCTL_SYNCOOKIES_PATH "/proc/sys/net/ipv4/tcp_syncookies"
#define SYSCTL_SYNACK_RETRIES_PATH "/proc/sys/net/ipv4/tcp_synack_retries"

struct sysctl;

/* Opens nothing yet. -ENOMEM. */
int sysctl_new(const char *path, struct sysctl **ret);
struct sysctl *sysctl_free(struct sysctl *s);

/* -errno of open or read (-ENOENT: this kernel has none), -EBADMSG: no number from 0 to 255;
 * the next call tries again. */
int sysctl_read(struct sysctl *s, uint8_t *ret);

/* The text alone: -EBADMSG likewise. */
int sysctl_parse(const char *text, size_t length, uint8_t *ret);

/* Opened for this once; errors likewise. path: shorter than 256 bytes. */
int sysctl_read_once(const char *path, uint8_t *ret);
/* Needs CAP_NET_ADMIN over the network namespace. -errno of open or write. */
int sysctl_write(const char *path, uint8_t value);
