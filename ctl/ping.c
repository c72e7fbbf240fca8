/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synwardctl ping and reload */
#include "config.h"

#include "ctl/ctl.h"

enum { RELOAD_TIMEOUT_MS = 30000 };

static void print_pong(const struct ctl *ctl, const json_t *answer) {
        (void) ctl;
        term_say(stdout, "synwardd %s is there, process %.0f\n", ctl_text(answer, "version"),
                 ctl_number(answer, "pid"));
}

int command_ping(struct ctl *ctl, int argc, char **argv) {
        return ctl_show(ctl, argc, argv, "io.synward.Ping", CLIENT_TIMEOUT_MS, print_pong);
}

int command_reload(struct ctl *ctl, int argc, char **argv) {
        return ctl_show(ctl, argc, argv, "io.synward.Reload", RELOAD_TIMEOUT_MS, NULL);
}
