#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 20 SYN/s fill a backlog of 128 within seven seconds: found before it is 80 % full.
. "$(dirname "$0")/lab.sh"
lab_need
lab_need_daemon

lab_up cookies=1 delay=60ms
lab_server web --listen 0.0.0.0:80 --backlog 128
lab_honest web-clients --to $LAB_SERVER4:80 --rate 5 --poisson --duration 60s
lab_daemon
lab_pause 4

lab_flood rate=20 seconds=12
lab_never flood "no flood before the flood" 0 "$lab_flood_start_us"
# 0.8 * 128 / 20 a second
lab_expect_state flood 5120 "$lab_flood_start_us" "20 SYN/s on backlog 128 found"
lab_note "$(lab_half_open) half-open of 128 then"
lab_flood_wait
lab_expect_end 15000 "end told"
lab_pause 2
lab_never flood "no flood after the flood" $((lab_flood_end_us + ${lab_delay_ms:-15000} * 1000 + LAB_LOOK_US))
lab_done
