/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a client of `synwardctl metrics --http` may send. */
#include <stdint.h>
#include <stdlib.h>

#include "ctl/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct http_request r;
        size_t n = size < HTTP_HEAD_MAX ? size : HTTP_HEAD_MAX;

        /* A full buffer is never asked to wait for more. */
        if (http_parse((const char *) data, n, &r) == HTTP_MORE && n == HTTP_HEAD_MAX)
                abort();
        return 0;
}
