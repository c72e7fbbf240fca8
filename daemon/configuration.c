/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configuration.h"

#include <errno.h>
#include <string.h>

#include "config/load.h"
#include "config/print.h"

int configuration_load(const struct options *o, struct settings *ret, bool *ret_found, FILE *f) {
        struct config_errors errors = { .count = 0 };
        int r;

        *ret_found = true;
        if (o->config)
                r = config_load_file(o->config, ret, &errors);
        else
                r = config_load_default(SYSCONFDIR, ret, ret_found, &errors);
        if (r < 0 && f)
                config_errors_print(&errors, f);
        if (r < 0 && f && errors.count == 0)
                fprintf(f, "Cannot read the configuration: %s\n", strerror(-r));
        return r;
}

int configuration_load_or_end(const struct options *o, struct settings *ret, bool *ret_found) {
        int r = configuration_load(o, ret, ret_found, stderr);

        return r >= 0 ? EXIT_STATUS_OK : r == -ENOMEM ? EXIT_STATUS_FAILURE : EXIT_STATUS_CONFIG;
}

const char *configuration_name(const struct options *o) {
        return o->config ? o->config : SYSCONFDIR "/synward/synward.yaml";
}

int configuration_check(const struct options *o) {
        struct settings s;
        bool found;
        int status = configuration_load_or_end(o, &s, &found);

        if (status != EXIT_STATUS_OK)
                return status;
        printf("%s: ok%s\n", configuration_name(o), found ? "" : " (not there: the built-in policy)");
        settings_release(&s);
        return EXIT_STATUS_OK;
}

int configuration_print(const struct options *o) {
        struct settings s;
        bool found;
        int r, status = configuration_load_or_end(o, &s, &found);

        if (status != EXIT_STATUS_OK)
                return status;
        r = config_print(&s, stdout);
        settings_release(&s);
        if (fflush(stdout) == EOF)
                r = -errno;
        if (r < 0)
                fprintf(stderr, "Cannot print the configuration: %s\n", strerror(-r));
        return r < 0 ? EXIT_STATUS_FAILURE : EXIT_STATUS_OK;
}
