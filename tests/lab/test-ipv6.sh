#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One dual-stack listener, both families: a flood by IPv6 and then, in a lab of
# its own, by IPv4, beside honest clients of both.
. "$(dirname "$0")/lab.sh"
lab_need
lab_need_daemon

try() {
        local family=$1 to=$2

        lab_up cookies=1 delay=60ms
        lab_server web --listen '[::]:443' --backlog 511 --group 2
        lab_honest clients4 --to $LAB_SERVER4:443 --rate 100 --poisson --duration 60s
        lab_honest clients6 --to "$LAB_SERVER6:443" --from $LAB_CLIENTS6 --rate 100 --poisson \
                --duration 60s
        lab_daemon
        lab_pause 3
        lab_flood rate=1000 seconds=4 to="$to"
        lab_never flood "$family: no flood before the flood" 0 "$lab_flood_start_us"
        lab_expect_state flood 1000 "$lab_flood_start_us" "$family on a dual-stack group of two: found"
        lab_flood_wait
        lab_down
}

try IPv6 "$LAB_SERVER6:443"
try IPv4 "$LAB_SERVER4:443"
lab_done
