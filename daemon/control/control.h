/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The control socket as the daemon sees it: the server (server.h) with the interface (api.h). */

#include <systemd/sd-event.h>

#include "control/api.h"
#include "control/server.h"

struct control;

/* Errors as server_new(). ops and userdata must outlive it. */
int control_new(sd_event *event, const struct server_options *options, const struct api_ops *ops, void *userdata,
                struct control **ret);
struct control *control_free(struct control *c);

/* The event log has grown, or what was asked for is there: those who wait are told. NULL is no
 * control, and fine. */
void control_wake(struct control *c);
const struct server_stats *control_stats(const struct control *c);
