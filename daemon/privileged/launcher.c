/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "privileged/launcher.h"

#include <errno.h>
#include <unistd.h>

#include "privileged/caps.h"
#include "privileged/keeper.h"
#include "util/child.h"
#include "util/supervisor.h"

static int prepare(void) {
        return chdir("/") < 0 ? -errno : caps_keep(CAPS_BIT(CAP_NET_ADMIN));
}

static int run(uint32_t generation, void *userdata) {
        (void) userdata;
        return keeper_run(CHILD_PAIR_FD, generation);
}

int launcher_start(int *ret_fd, pid_t *ret_pid) {
        const struct supervised keeper = {
                .name = "synwardd-keeper",
                .supervisor_name = "synwardd-launch",
                .prepare = prepare,
                .run = run,
        };

        return supervisor_start(&keeper, ret_fd, ret_pid);
}
