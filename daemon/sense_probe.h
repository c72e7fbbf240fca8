/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The probe in the daemon: attempts begun with the ticks, waited for in the event loop, and told. */

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "core/observation.h"
#include "core/probe_course.h"
#include "core/settings.h"

struct sense_probe;

/* Both must outlive it. -ENOMEM; opens nothing yet. */
int sense_probe_new(sd_event *event, const struct settings *settings, struct sense_probe **ret);
struct sense_probe *sense_probe_free(struct sense_probe *p);
void sense_probe_configure(struct sense_probe *p, const struct settings *settings);

/* Fills o->probe, and begins what is due. pressing: something is up. */
void sense_probe_observe(struct sense_probe *p, struct observation *o, bool pressing);
/* Owned by p. */
const struct probe_told *sense_probe_told(const struct sense_probe *p);
