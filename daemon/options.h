/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* synwardd's command line (synwardd.8 tells users what each means). */

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "replay/pcap.h"

enum command {
        COMMAND_RUN,
        COMMAND_CHECK_CONFIG,
        COMMAND_PRINT_CONFIG,
        COMMAND_RESTORE,
        COMMAND_REPLAY,
        COMMAND_DIAGNOSE,
        COMMAND_SELF_TEST,
        COMMAND_VERSION,
        COMMAND_HELP,
};

/* sysexits(3) where CONTRACT has numbers of its own. */
enum exit_status {
        EXIT_STATUS_OK = 0,
        EXIT_STATUS_FAILURE = 1,
        EXIT_STATUS_USAGE = 2,
        EXIT_STATUS_PARTLY = 3,  /* --replay: played, but part of the file could not be used */
        EXIT_STATUS_FLOOD = 10,  /* --diagnose found one */
        EXIT_STATUS_DIFFERENT = 11, /* --compare found that the policies differ */
        EXIT_STATUS_MISSING = 77, /* a privilege or kernel feature that nothing can replace */
        EXIT_STATUS_CONFIG = 78,
};

struct options {
        enum command command;
        const char *config;      /* NULL: the default file and its drop-ins */
        const char *control;     /* NULL: below the runtime directory */
        const char *state_dir;
        const char *runtime_dir;
        const char *own_runtime_dir; /* the same; NULL: --state-dir was given alone, and it may be another's */
        const char *record;      /* NULL: do not */
        const char *replay;
        const char *compare;     /* the other configuration; NULL: do not */
        struct pcap_replay_options model; /* of captures */
        bool model_given;
        uint64_t diagnose_us;
        bool dry_run;
        bool json;
        bool no_privilege_drop;
        int verbosity;
};

/* All strings point into argv or are static. -EINVAL: said on stderr. */
int options_parse(int argc, char **argv, struct options *ret);
void options_help(void);
/* Of the control socket, PATH_MAX bytes. */
void options_control_path(const struct options *options, char ret[static PATH_MAX]);
