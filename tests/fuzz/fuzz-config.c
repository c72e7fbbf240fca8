/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Any bytes are read or refused with a reason; what was read prints and loads back to itself. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/load.h"
#include "config/print.h"
#include "tests/unit/config/same.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
        if (!holds)
                abort();
}

static FILE *nowhere(void) {
        static FILE *f;

        if (!f)
                f = fopen("/dev/null", "w");
        require(f != NULL);
        return f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct config_errors errors = { 0 };
        struct settings s, t;
        char *printed = NULL;
        size_t printed_size;
        FILE *f;

        if (config_load_text("input", (const char *) data, size, &s, &errors) < 0) {
                require(errors.count > 0);
                config_errors_print(&errors, nowhere());
                return 0;
        }
        f = open_memstream(&printed, &printed_size);
        require(f && config_print(&s, f) == 0);
        (void) fclose(f);
        require(config_load_text("printed", printed, printed_size, &t, &errors) == 0);
        require(same_settings(&s, &t));
        settings_release(&s);
        settings_release(&t);
        free(printed);
        return 0;
}
