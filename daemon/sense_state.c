/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sense_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What cannot be opened is tried again after this. */
#define REOPEN_US UINT64_C(10000000)

void sense_state_set(struct snapshot_sensor *s, enum sensor_state state, const char *what, int error) {
        s->state = state;
        if (state == SENSOR_OK)
                s->reason[0] = '\0';
        else if (error)
                snprintf(s->reason, sizeof s->reason, "%s: %s", what, strerror(-error));
        else
                snprintf(s->reason, sizeof s->reason, "%s", what);
}

/* Memory that is lacking now may be there at the next tick, and the try costs little. */
uint64_t sense_state_retry_us(uint64_t now_us, int error) {
        return error == -ENOMEM ? now_us : now_us + REOPEN_US;
}
