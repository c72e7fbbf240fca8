/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE /* memfd_create */
/* A whole capture file, pcap or pcapng: every frame read to its last byte, and parsed; its
 * stamps through the clock. The rest of --replay is fuzz-replay's, which is far slower. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "replay/capture_clock.h"
#include "replay/capture_file.h"
#include "replay/capture_packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t seen;

static void read_all(struct capture_file *f) {
        struct capture_clock clock = { 0 };
        struct capture_segment segment;
        struct capture_frame frame;
        uint64_t last_us = 0, now_us;
        int r;

        while ((r = capture_file_next(f, &frame)) == 1) {
                if (frame.captured > CAPTURE_FRAME_MAX)
                        abort();
                for (uint32_t i = 0; i < frame.captured; i++)
                        seen ^= frame.bytes[i];
                if (capture_packet_parse(frame.link, frame.bytes, frame.captured, frame.original, &segment) >=
                    CAPTURE_KINDS)
                        abort();
                now_us = capture_clock_step(&clock, frame.time_us, capture_clock_jumps(&clock, frame.time_us));
                if (now_us < last_us)
                        abort();
                last_us = now_us;
        }
        if (r != 0 && (r != -EBADMSG || !capture_file_error(f)[0]))
                abort();
        if (capture_file_next(f, &frame) != r) /* over is over */
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char error[CAPTURE_FILE_ERROR_MAX];
        struct capture_file *f;
        int fd = memfd_create("capture", MFD_CLOEXEC);

        if (fd < 0 || write(fd, data, size) != (ssize_t) size || lseek(fd, 0, SEEK_SET) != 0)
                abort();
        if (capture_file_new(fd, NULL, 0, &f, error) < 0)
                return 0;
        read_all(f);
        if (capture_file_bytes(f) > size)
                abort();
        capture_file_free(f);
        return 0;
}
