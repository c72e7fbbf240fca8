#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The first 30 s after the daemon's start, in which it knows nothing of this host: a
# path that gets long, loses one direction, is long for everybody or has not the
# capacity for a storm of reconnects is no flood; a flood is one all the same.
#   jump   the round trip jumps from 120 to 900 ms
#   lost   what the server sends is lost for 8 s
#   far    all clients are 600 to 700 ms away
#   crowd  5/s from near, then 100/s from 700 ms away
#   storm  9,000 reconnects/s for 2 s over a path that carries less
#   near   a flood beside clients 120 ms away, 3 s after the start
#   farther  a flood beside clients 600 to 700 ms away, 3 s after the start
#   atonce   a flood a second after the start
. "$(dirname "$0")/lab.sh"
lab_need
lab_need_daemon

to=$LAB_SERVER4:80

begin() { # OPTIONS of lab_path; visitors come at $rate
        lab_up cookies=1
        lab_path "$@"
        lab_server web --listen 0.0.0.0:80 --backlog 511
        lab_honest visitors --to $to --rate "${rate:-100}" --poisson --duration 60s --timeout 20s
        # Clients were there before us.
        lab_pause 1
        lab_daemon
}

jump() {
        begin --delay 60ms
        lab_pause 4
        lab_path_set --delay 450ms
        lab_pause 8
        lab_never flood "jump: no flood"
        lab_client_served visitors 0.95 "jump: everybody is served"
        lab_down
}

lost() {
        begin --delay 60ms
        lab_pause 4
        lab_path_set --mute $lab_way_back
        lab_pause 8
        lab_path_set --mute none
        lab_pause 6
        lab_never flood "lost: no flood"
        lab_client_served visitors 0.9 "lost: in the end everybody is served"
        lab_down
}

far() {
        local rate=300

        begin --delay 300ms --jitter 25ms
        lab_pause 12
        lab_never flood "far: no flood"
        lab_client_served visitors 0.98 "far: everybody is served"
        lab_down
}

crowd() {
        local rate=5

        begin --delay 60ms
        lab_pause 5
        lab_path_set --delay 350ms
        lab_honest crowd --to $to --rate 100 --poisson --duration 8s --timeout 20s --first 10000
        lab_finish crowd
        lab_never flood "crowd: no flood"
        lab_check "crowd: $(lab_field crowd connected) of $(lab_field crowd opened) are served" \
                "$(lab_field crowd connected) >= 0.98 * $(lab_field crowd opened)"
        lab_down
}

# Two processes: one opens at most 15,000 at a time.
storm() {
        local i

        begin --delay 60ms --capacity 6000 --queue 1500ms
        lab_pause 6
        for i in 1 2; do
                lab_honest "storm$i" --to $to --rate 4500 --duration 2s --hold 4s --timeout 20s \
                        --first $((i * 30000)) --seed "$i"
        done
        for i in 1 2; do
                lab_finish "storm$i"
                lab_note "storm: $(lab_field "storm$i" connected) of $(lab_field "storm$i" opened)" \
                        "connected in $(lab_field "storm$i" connect_p50_ms) ms (median)," \
                        "$(lab_field "storm$i" connect_p95_ms) ms (95 %)"
                lab_check "storm: all finish" \
                        "$(lab_field "storm$i" connected) >= 0.99 * $(lab_field "storm$i" opened) && $(lab_field "storm$i" opened) > 7000"
        done
        lab_note "storm: $(lab_counter SyncookiesSent) cookies sent, $(lab_counter SyncookiesRecv) came back"
        lab_pause 2
        lab_never flood "storm: no flood"
        lab_down
}

# attack NAME PAUSE [OPTIONS of lab_path]
attack() {
        local name=$1 pause=$2
        shift 2

        begin "$@"
        lab_pause "$pause"
        lab_flood rate=1000 seconds=4
        lab_never flood "$name: no flood before the flood" 0 "$lab_flood_start_us"
        lab_expect_state flood 2000 "$lab_flood_start_us" "$name: found"
        lab_flood_wait
        lab_down
}

near() { attack near 3 --delay 60ms; }
farther() { attack farther 3 --delay 300ms --jitter 25ms; }
atonce() { attack atonce 1 --delay 60ms; }

lab_scenarios "jump lost far crowd storm near farther atonce" "$@"
lab_done
