/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The parser of sock_diag's rows, on one message whose length field is mended
 * to what there is, as netlink_transact() guarantees. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/observation.h"
#include "sensors/sock_diag_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct nlmsghdr *message;
        struct sock_diag_row row;

        if (size < sizeof *message || size > 65536)
                return 0;
        message = malloc(size); /* to the byte, so that a read beyond it is seen */
        if (!message)
                return 0;
        memcpy(message, data, size);
        if (message->nlmsg_len < sizeof *message || message->nlmsg_len > size)
                message->nlmsg_len = (uint32_t) size;
        if (sock_diag_parse(message, &row) == 0) {
                uint64_t age_us = sock_diag_age_us(&row);

                if (age_us > UINT64_C(30007000000) || obs_age_bin(age_us) >= OBS_AGE_BINS)
                        abort();
                if (sock_diag_is_deferred(&row) && row.expires_ms <= 1000)
                        abort();
        }
        free(message);
        return 0;
}
