/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Those who look for something, and SYNs that go elsewhere: few to each of many addresses or ports. */

#include "replay/capture_look.h"

/* Whether a service that is a port of many addresses is only looked through by a few. */
bool capture_scan_is_sweep(const struct look *k, unsigned service);
/* True: most of what is in it is a scan, and that is said. */
bool capture_scan_find(struct look *k);
/* Enough handshakes with nobody to be one; the unasked are none. */
bool capture_scan_is_one(const struct ledger_counts *elsewhere);
/* "4,000 SYNs to many ports or addresses, few to each: a scan by 192.0.2.1"; the outcome is left as it is. */
void capture_scan_say(struct look *k);
