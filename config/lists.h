/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The lists of a configuration: listeners, allow, policy, mute. Their shapes
 * are code; everything else is in the table of config/keys.h.
 */

#include "config/loader.h"

/* Replaces the list of that key by the node's entries. */
void lists_load(struct loader *l, const struct key *key, const struct yaml_node *node);

/* The words of do:, NULL-terminated. */
extern const char *const lists_actions[];
