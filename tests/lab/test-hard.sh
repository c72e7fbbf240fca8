#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What looks like a flood and is none, and a flood that looks like a crowd.
# Arguments choose: crowd hidden stall lossy storm midflood.
. "$(dirname "$0")/lab.sh"
lab_need
lab_need_daemon

# 6,000 connections/s over 120 ms hold 720 half-opens: more than the backlog.
crowd() {
        lab_up cookies=1 delay=60ms
        lab_server web --listen 0.0.0.0:80 --backlog 511
        lab_honest steady --to $LAB_SERVER4:80 --rate 300 --poisson --duration 60s
        lab_daemon
        lab_pause 3
        lab_honest crowd --to $LAB_SERVER4:80 --rate 6000 --poisson --duration 10s --first 100000
        lab_finish crowd
        lab_note "$(lab_field crowd connected) of $(lab_field crowd opened) connected," \
                "$(lab_counter SyncookiesSent) cookies sent, $(lab_counter SyncookiesRecv) came back"
        lab_check "the kernel answered the crowd by cookies" "$(lab_counter SyncookiesSent) > 1000"
        lab_pause 2
        lab_never flood "6,000 honest connections/s onto backlog 511: no flood"
        lab_down
}

hidden() {
        lab_up cookies=1 delay=60ms
        lab_server web --listen 0.0.0.0:80 --backlog 511
        lab_honest crowd --to $LAB_SERVER4:80 --rate 1500 --poisson --duration 60s
        lab_daemon
        lab_pause 5
        lab_flood rate=1000 seconds=6
        lab_never flood "1,500 honest connections/s: no flood" 0 "$lab_flood_start_us"
        lab_expect_state flood 2000 "$lab_flood_start_us" \
                "1,000 SYN/s inside 1,500 honest connections/s: found"
        lab_flood_wait
        lab_down
}

stall() {
        lab_up cookies=1 delay=60ms
        lab_server web --listen 0.0.0.0:80 --backlog 128 --accept never
        lab_daemon
        lab_pause 2
        lab_honest clients --to $LAB_SERVER4:80 --rate 100 --poisson --duration 12s --timeout 3s
        if lab_wait_diagnosis accept-stall 12; then
                lab_ok "a listener that does not accept is accept-stall: after $lab_delay_ms ms"
        else
                lab_not_ok "a listener that does not accept is accept-stall:" \
                        "$(tail -n 1 "$lab_temp/states")"
        fi
        lab_note "$(lab_counter ListenOverflows) overflows of the accept queue"
        lab_finish clients
        lab_never flood "a listener that does not accept: no flood"
        lab_down
}

lossy() {
        lab_up cookies=1 delay=60ms loss=25
        lab_server web --listen 0.0.0.0:80 --backlog 511
        lab_daemon
        lab_honest clients --to $LAB_SERVER4:80 --rate 150 --poisson --duration 20s --timeout 8s
        lab_pause 8
        lab_sample_half_open 10
        lab_note "half-open: mean $lab_half_open_mean, most $lab_half_open_max"
        lab_finish clients
        lab_never flood "25 % loss on 150 connections/s: no flood"
        lab_check "25 % loss is lossy-clients or quieter" \
                "$(grep -cE ' (flood-[a-z]+|accept-stall|port-scan) ' "$lab_temp/states") == 0"
        lab_down
}

# A server that comes back: everybody at once, more than either queue holds.
storm() {
        lab_up cookies=1 delay=60ms
        lab_server web --listen 0.0.0.0:80 --backlog 511
        lab_honest steady --to $LAB_SERVER4:80 --rate 200 --poisson --duration 60s
        lab_daemon
        lab_pause 3
        lab_honest storm --to $LAB_SERVER4:80 --rate 0 --burst 9000 --hold 5s --duration 8s --first 100000
        lab_finish storm
        lab_note "$(lab_field storm connected) of 9000 connected, $(lab_counter SyncookiesSent)" \
                "cookies sent, $(lab_counter ListenOverflows) overflows"
        lab_pause 2
        lab_never flood "9,000 connections at once onto backlog 511: no flood"
        lab_down
}

midflood() {
        lab_up cookies=1 delay=60ms
        lab_server web --listen 0.0.0.0:80 --backlog 511
        lab_honest steady --to $LAB_SERVER4:80 --rate 200 --poisson --duration 60s
        lab_flood rate=1000 seconds=12
        lab_pause 5
        lab_daemon
        lab_expect_state flood 2000 "$lab_daemon_start_us" "started in mid-flood: found"
        lab_end flood
        lab_down
}

[ $# -gt 0 ] || set -- crowd hidden stall lossy storm midflood
for scenario; do
        case $scenario in
        crowd | hidden | stall | lossy | storm | midflood) "$scenario" ;;
        *) echo "no scenario $scenario" >&2; exit 2 ;;
        esac
done
lab_done
