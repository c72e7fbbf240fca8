/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Firewall rules that drop SYNs, or limit them, before the listener that they are for: what
 * doctor has to tell of them. What TCP does not see fills no queue and is in none of its counters.
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/advice.h"
#include "ctl/listening.h"
#include "ctl/ruleset.h"

/* r NULL: it could not be read, error says why (ctl/ruleset_read.h). legacy: the tables of iptables-legacy that are
 * loaded, "filter, mangle", or "". Pure. */
void firewall_advise(const struct ruleset *r, int error, const char *legacy, const struct listening *list, int count,
                     struct advice_list *l);
/* Looks at this host, and says so. */
void firewall_look(const char *proc, const struct listening *list, int count, struct advice_list *l);
