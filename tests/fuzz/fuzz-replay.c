/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE /* memfd_create */
/* A whole capture, pcap or pcapng, through all that --replay does with it: as a file, and one in
 * four, for a run is dear, as a pipe too, to the end and to the summary. The two must have read the
 * same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "replay/pcap.h"
#include "replay/summary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PIPE_SIZE = 65536, PIPED_ONE_IN = 4 };

/* How many packets; UINT64_MAX: it was refused. */
static uint64_t replay(int fd) {
        static struct observation o;
        struct pcap_replay_options options = pcap_replay_defaults();
        struct replay_summary summary = { .file = "fuzz" };
        char error[PCAP_REPLAY_ERROR_MAX];
        struct pcap_replay *p;
        uint64_t packets;

        options.backlog = 4;
        options.tick_us = 120000000; /* a tick costs as much as many packets */
        if (pcap_replay_new(fd, "fuzz", NULL, 0, &options, &p, error) < 0)
                return UINT64_MAX;
        for (unsigned looks = 0; looks < 100000 && pcap_replay_next(p, &o) == 1; looks++)
                ;
        if (pcap_replay_conclude(p, &summary.verdict) < 0)
                abort();
        summary.capture = p;
        free(replay_summary_line(&summary));
        packets = pcap_replay_facts(p)->frames;
        pcap_replay_free(p);
        return packets;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        int file = memfd_create("capture", MFD_CLOEXEC), ends[2];
        uint64_t packets;

        if (size > PIPE_SIZE || file < 0 || pipe(ends) < 0)
                return 0;
        if (write(file, data, size) != (ssize_t) size || write(ends[1], data, size) != (ssize_t) size)
                abort();
        close(ends[1]);
        lseek(file, 0, SEEK_SET);
        packets = replay(file);
        if (size % PIPED_ONE_IN == 0 ? replay(ends[0]) != packets : close(ends[0]) < 0)
                abort();
        return 0;
}
