/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A file to replay as a stream of observations: a recording (JSON lines) or a
 * capture (replay/pcap.h), told apart by how it begins and not by its name; "-" is
 * standard input.
 */

#include <stdbool.h>

#include "core/observation.h"
#include "replay/pcap.h"

enum { REPLAY_ERROR_MAX = 800 };

struct replay_source;

/*
 * model: what a capture does not tell; model_given: somebody asked for it, which
 * a recording refuses (-EINVAL: it has the kernel's own figures). Otherwise
 * -errno of reading, -EBADMSG: neither of both. error then says what, with the
 * file's name.
 */
int replay_source_open(const char *path, const struct pcap_replay_options *model, bool model_given,
                       struct replay_source **ret, char error[static REPLAY_ERROR_MAX]);
struct replay_source *replay_source_free(struct replay_source *s);

/* 1: the next observation; 0: the end; -errno, and error names file and place. */
int replay_source_next(struct replay_source *s, struct observation *ret, char error[static REPLAY_ERROR_MAX]);

/* How much of the file has been read, 0..1. NAN: not known (a pipe). */
double replay_source_progress(const struct replay_source *s);

/* NULL: it is a recording. */
struct pcap_replay *replay_source_capture(const struct replay_source *s);
/* The file's name, or "standard input". */
const char *replay_source_name(const struct replay_source *s);
