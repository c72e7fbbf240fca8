/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restoring.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "actions/syncookies.h"
#include "loop.h"
#include "options.h"
#include "privileged/message.h"
#include "util/claim.h"
#include "util/log.h"

static uint64_t now_us(void *userdata) {
        (void) userdata;
        return loop_time_now().now_us;
}

static int wait_us(void *userdata, uint64_t until_us) {
        uint64_t at_us = loop_time_now().now_us;

        (void) userdata;
        if (until_us > at_us)
                usleep((useconds_t) (until_us - at_us < 500000 ? until_us - at_us : 500000));
        return 0;
}

static void report(void *userdata, const struct syncookies_report *what) {
        (void) userdata;
        if (what->type == SYNCOOKIES_REPORT_FAILED)
                log_error("%s", what->message);
        else
                log_notice("%s", what->message);
}

int restoring_run(const struct options *options) {
        struct syncookies_config config = { .state_dir = options->state_dir, .runtime_dir = options->own_runtime_dir };
        struct syncookies_restore_ops ops = {
                .now_us = now_us,
                .wait_us = wait_us,
                .report = report,
        };
        struct syncookies *s;
        int r = syncookies_new(&config, &s);

        if (r >= 0) {
                if (syncookies_lock(s) >= 0) /* and no daemon is there any more */
                        claim_wait_until_free(MESSAGE_WRITER_NAME, MESSAGE_WRITER_LIMIT_MS);
                r = syncookies_restore(s, &ops);
                s = syncookies_free(s);
        }
        if (r == -EBUSY)
                log_error("A synwardd is at work on %s: stop it first", options->state_dir);
        else if (r < 0)
                log_error("Not restored: %s", strerror(-r));
        return r < 0 ? EXIT_STATUS_FAILURE : EXIT_STATUS_OK;
}
