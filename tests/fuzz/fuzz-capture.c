/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A captured frame; the first byte chooses the link type, the second how much longer it was. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "replay/capture_packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const int links[] = {
                CAPTURE_ETHERNET, CAPTURE_RAW,   CAPTURE_SLL,        CAPTURE_SLL2,         CAPTURE_NULL,
                CAPTURE_PPP,      CAPTURE_NFLOG, CAPTURE_CISCO_HDLC, CAPTURE_PPP_ETHERNET,
        };
        struct capture_segment s, before;
        enum capture_kind k;

        if (size < 2)
                return 0;
        memset(&s, 0x5a, sizeof s);
        before = s;
        k = capture_packet_parse(links[data[0] % (sizeof links / sizeof *links)], data + 2, size - 2,
                                 size - 2 + data[1], &s);
        if (!capture_kind_has_segment(k) && memcmp(&s, &before, sizeof s) != 0)
                abort();
        return 0;
}
