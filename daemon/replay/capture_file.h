/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The frames of a capture, pcap or pcapng, of a file or a pipe, one by one.
 *
 * Not by libpcap: it refuses a pcapng whose interfaces differ in link type or in
 * the length kept of a packet ("dumpcap -i any -i eth0" writes such), and does not
 * tell where a file is cut. Formats: draft-ietf-opsawg-pcap and -pcapng.
 * Memory does not grow with the file.
 */

#include <stddef.h>
#include <stdint.h>

enum {
        CAPTURE_FILE_ERROR_MAX = 160,
        CAPTURE_FRAME_MAX = 1 << 18, /* as libpcap's MAXIMUM_SNAPLEN */
};

#define CAPTURE_NO_TIME UINT64_MAX

struct capture_frame {
        uint64_t time_us; /* since 1970; CAPTURE_NO_TIME: none, or beyond the year 9999 */
        int link;         /* as pcap numbers them */
        uint32_t captured, original;
        const uint8_t *bytes; /* until the next call */
};

struct capture_file;

/* Takes fd over, from which `count` bytes at `before`, a few at most, were read already.
 * -EBADMSG: no capture, or not a whole heading; -ENOMEM, and those of read(2). */
int capture_file_new(int fd, const void *before, size_t count, struct capture_file **ret,
                     char ret_error[static CAPTURE_FILE_ERROR_MAX]);
struct capture_file *capture_file_free(struct capture_file *f);

/* From now on, wait no longer than that for a frame: -EAGAIN. 0: as long as it takes. */
void capture_file_set_patience(struct capture_file *f, int wait_ms);
/* 1: a frame, 0: the end, -EBADMSG: cut or damaged from here on, or those of read(2); and the
 * same again. */
int capture_file_next(struct capture_file *f, struct capture_frame *ret);
/* What was wrong, in words. */
const char *capture_file_error(const struct capture_file *f);

uint64_t capture_file_bytes(const struct capture_file *f);  /* read so far */
uint64_t capture_file_frames(const struct capture_file *f); /* given so far */
