/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client's bytes, in pieces whose size the first byte says, through the reader and the parser. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/varlink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_calls(struct varlink_reader *r) {
        const char *text;
        size_t length;

        while (varlink_reader_next(r, &text, &length)) {
                struct varlink_call c;

                if (text[length] != '\0' || strlen(text) != length)
                        abort();
                if (varlink_call_parse(text, length, &c) < 0)
                        continue;
                if (varlink_call_interface_length(&c) > strlen(c.method))
                        abort();
                varlink_call_clear(&c);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct varlink_reader *r = varlink_reader_new();
        size_t piece = size > 0 ? data[0] + 1U : 1;

        while (r && size > 0) {
                size_t space, n;
                char *to;

                if (varlink_reader_space(r, &to, &space) < 0)
                        break;
                n = size < piece ? size : piece;
                n = n < space ? n : space;
                memcpy(to, data, n);
                varlink_reader_filled(r, n);
                data += n;
                size -= n;
                take_calls(r);
        }
        varlink_reader_free(r);
        return 0;
}
