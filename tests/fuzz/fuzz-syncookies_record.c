/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record on disk: whatever parses must be written as something that parses to the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "actions/syncookies_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct cookie_record record, again;
        char *text;

        memset(&record, 0, sizeof record);
        memset(&again, 0, sizeof again);
        if (syncookies_text_read((const char *) data, size, &record) < 0)
                return 0;
        text = syncookies_text_write(&record);
        if (!text || syncookies_text_read(text, strlen(text), &again) < 0 ||
            memcmp(&record, &again, sizeof record) != 0)
                abort();
        free(text);
        return 0;
}
