/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sense_state.h"

#include <stdio.h>
#include <string.h>

void sense_state_set(struct snapshot_sensor *s, enum sensor_state state, const char *what, int error) {
        s->state = state;
        if (state == SENSOR_OK)
                s->reason[0] = '\0';
        else if (error)
                snprintf(s->reason, sizeof s->reason, "%s: %s", what, strerror(-error));
        else
                snprintf(s->reason, sizeof s->reason, "%s", what);
}
