/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * synwardd --replay: a recording or capture through detector and policy, its
 * events on standard output, progress and a summary on standard error; with
 * --compare through two policies at once, and where they differ instead.
 */

#include <stdbool.h>

#include "core/settings.h"
#include "replay/pcap.h"

struct playback_options {
        const char *path;
        struct pcap_replay_options model; /* its tick_us is the settings' */
        bool model_given;                 /* some of it on the command line */
        bool json;                        /* of a comparison */
        const char *names[2];             /* of the configurations compared */
};

/* The exit status (options.h); said on standard error unless 0. */
int playback_run(const struct playback_options *o, const struct settings *settings);
/* EXIT_STATUS_OK: they do the same, EXIT_STATUS_DIFFERENT, or another for trouble. */
int playback_compare(const struct playback_options *o, const struct settings *first, const struct settings *second);
