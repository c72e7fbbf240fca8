/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synwardctl ping and reload */
#include "config.h"

#include <stdio.h>

#include "ctl/ctl.h"

int command_ping(struct ctl *ctl, int argc, char **argv) {
        json_t *answer;
        int status;

        if (!ctl_no_arguments(argc, argv))
                return EXIT_USAGE;
        status = ctl_ask(ctl, "io.synward.Ping", NULL, CLIENT_TIMEOUT_MS, &answer);
        if (status != EXIT_OK)
                return status;
        if (ctl->json)
                status = ctl_print_json(answer);
        else
                term_say(stdout, "synwardd %s is there, process %.0f\n", ctl_text(answer, "version"),
                         ctl_number(answer, "pid"));
        json_decref(answer);
        return status;
}

int command_reload(struct ctl *ctl, int argc, char **argv) {
        enum { RELOAD_TIMEOUT_MS = 30000 };
        json_t *answer;
        int status;

        if (!ctl_no_arguments(argc, argv))
                return EXIT_USAGE;
        status = ctl_ask(ctl, "io.synward.Reload", NULL, RELOAD_TIMEOUT_MS, &answer);
        if (status != EXIT_OK)
                return status;
        if (ctl->json)
                status = ctl_print_json(answer);
        json_decref(answer);
        return status;
}
