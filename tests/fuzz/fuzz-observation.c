/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever is taken as an observation must be written and read back the same. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/observation_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct observation first, second;
        char error[OBSERVATION_JSON_ERROR_MAX] = "";
        char *line;

        if (observation_json_parse((const char *) data, size, &first, error) < 0) {
                if (error[0] == '\0' || strlen(error) >= sizeof error)
                        abort();
                return 0;
        }
        if (observation_json_write(&first, &line) < 0 ||
            observation_json_parse(line, strlen(line), &second, error) < 0 ||
            memcmp(&first, &second, sizeof first) != 0)
                abort();
        free(line);
        return 0;
}
