#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Silence where there is nothing: 3,000 honest connections/s over 120 ms for
# 30 s, and, in a second lab at the same time, 2 SYNs a second that nobody
# finishes, for a minute against a backlog of 128.
. "$(dirname "$0")/lab.sh"
lab_need
lab_need_daemon

strays() {
        lab_up cookies=1 delay=60ms
        lab_server web --listen 0.0.0.0:80 --backlog 128
        lab_daemon
        lab_flood rate=2 seconds=60
        lab_flood_wait
        lab_note "$(lab_half_open) half-open at the end"
        lab_never flood "2 stray SYN/s for 60 s on backlog 128: no flood"
        lab_done
}

lab_up cookies=1 delay=60ms
stray_output=$lab_temp/strays.out
(strays) >"$stray_output" 2>&1 &
stray_pid=$!
lab_pid[strays]=$stray_pid
lab_server web --listen 0.0.0.0:80 --backlog 1024
lab_daemon
lab_honest crowd --to $LAB_SERVER4:80 --rate 3000 --poisson --duration 30s
lab_pause 2
lab_sample_half_open 26
lab_finish crowd
lab_note "half-open as ss saw them: mean $lab_half_open_mean, most $lab_half_open_max"
lab_note "$(lab_field crowd connected) connections, connect time p50" \
        "$(lab_field crowd connect_p50_ms) ms, p99 $(lab_field crowd connect_p99_ms) ms"
# Without these two the silence would prove nothing.
lab_check "the round trip holds about 360 half-opens: mean $lab_half_open_mean" \
        "$lab_half_open_mean >= 300 && $lab_half_open_mean <= 480"
lab_check "the crowd was served: $(lab_field crowd connected) of $(lab_field crowd opened)" \
        "$(lab_field crowd connected) >= 0.99 * 90000"
lab_never flood "3,000 honest connections/s over 120 ms for 30 s: no flood"

wait "$stray_pid"
stray_status=$?
unset 'lab_pid[strays]'
sed -e 's/^/#   /' "$stray_output"
if [ $stray_status -eq 0 ]; then
        lab_ok "2 stray SYN/s for 60 s on backlog 128: no flood (its own lab, above)"
else
        lab_not_ok "2 stray SYN/s for 60 s on backlog 128: no flood (its own lab, above)"
fi
lab_done
