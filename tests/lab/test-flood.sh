#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 1,000 spoofed SYN/s against a backlog of 511, beside 200 honest connections/s
# over 120 ms, with tcp_syncookies at 0, 1 and 2: found within a second, its end
# within 15 s, silence before and after.
. "$(dirname "$0")/lab.sh"
lab_need
lab_need_daemon

try() {
        local name="syncookies=$1" start

        lab_up cookies="$1" delay=60ms
        lab_server web --listen 0.0.0.0:80 --backlog 511
        lab_honest web-clients --to $LAB_SERVER4:80 --rate 200 --poisson --duration 60s --timeout 3s
        lab_pause 1
        lab_daemon
        start=$lab_daemon_start_us
        lab_pause 4

        lab_flood rate=1000 seconds=8
        lab_never flood "$name: no flood before the flood" "$start" "$lab_flood_start_us"
        lab_expect_state flood 1000 "$lab_flood_start_us" "$name: flood found"
        if [ "$(lab_listener_state 80)" = flood ]; then
                lab_ok "$name: the listener is named"
        else
                lab_not_ok "$name: the listener is named [$(lab_listener_state 80)]"
        fi
        lab_flood_wait
        lab_note "$name: $(lab_half_open) half-open, tcp_syncookies now" \
                "$(lab_in server cat /proc/sys/net/ipv4/tcp_syncookies)"
        lab_expect_end 15000 "$name: end told"
        lab_pause 3
        lab_never flood "$name: no flood after the flood" \
                $((lab_flood_end_us + ${lab_delay_ms:-15000} * 1000 + LAB_LOOK_US))
        lab_end web-clients
        lab_last[web-clients]=$(tail -n 1 "$lab_temp/web-clients.out")
        lab_note "$name: $(lab_field web-clients connected) of $(lab_field web-clients opened)" \
                "honest connections made, half of them in $(lab_field web-clients connect_p50_ms) ms"
        lab_down
}

[ $# -gt 0 ] || set -- 0 1 2
for cookies; do
        try "$cookies"
done
lab_done
