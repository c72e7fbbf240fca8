/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* This host's rules, as nft(8) lists them. */

#include "ctl/ruleset.h"

/* The rules of nftables, those of iptables-nft included, by nft(8). Takes CAP_NET_ADMIN. -errno: -EPERM;
 * -ENOENT: no nft; -EMSGSIZE: more than 64 MiB; -EBADMSG; -ENOMEM. */
int ruleset_read(struct ruleset **ret);
