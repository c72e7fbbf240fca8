/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The daemon's side of hooks: it says which hook is to run for which event, and is told of those
 * that failed. They run in the starter (hook_starter.h), a process of its own; nothing waits for it.
 */

#include <stdint.h>

#include <systemd/sd-event.h>

#include "core/event.h"
#include "core/settings.h"
#include "hooks/hook.h"

struct hook_client;

/* fd: of hook_starter_launch(), which stays the caller's and must outlive this; -1: there is no
 * starter, and each hook fails. failed: as of hook_runner_new(). settings must outlive it. Takes a
 * reference to event. -ENOMEM. */
int hook_client_new(sd_event *event, int fd, const struct settings *settings, hook_failed_fn failed, void *userdata,
                    struct hook_client **ret);
struct hook_client *hook_client_free(struct hook_client *c);

/* Other settings, which the starter will read from their files too. */
void hook_client_configure(struct hook_client *c, const struct settings *settings);

/* Runs the hook of that rule, which has one. One that cannot be sent off has failed. */
void hook_client_run(struct hook_client *c, uint32_t rule, const struct event *e);

/* By what was reported last: how many run, and how many were not started because too many ran. */
unsigned hook_client_running(const struct hook_client *c);
uint64_t hook_client_dropped(const struct hook_client *c);
