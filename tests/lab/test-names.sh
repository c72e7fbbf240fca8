#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The right name, one for the whole flood, and none for what is no flood.
#   spoofed    1,000/s from all over beside 200 honest/s from 500 known addresses
#   forged     1,500/s forged from a live /16 that answers by RST: spoofed as well
#   reflected  1,000/s in the name of one victim, which answers by RST
#   victims    the same of four
#   checks     half-open checks of one load balancer, 40, 250 and 500 a second, each
#              ended by RST, beside 50 honest/s: no flood, and said what they are
#   checkers   240/s by three of them
#   strays     what is no port scan: this host checks another, backscatter of SYN-ACKs,
#              SYNs that this host forwards
#   scan       their twin: a port scan
. "$(dirname "$0")/lab.sh"
lab_need jq nft
lab_need_daemon

LAB_STATUSES=1
LAB_CONFIG=
to=$LAB_SERVER4:443

begin() { # OPTIONS of lab_up
        lab_up cookies=1 delay=30ms "$@"
        lab_server web --listen 0.0.0.0:443 --backlog 511
}

# attack NAME DIAGNOSIS [OPTIONS of lab_flood]
attack() {
        local name=$1 diagnosis=$2
        shift 2

        lab_daemon
        lab_pause 4
        lab_never flood "$name: no flood before the flood"
        lab_flood seconds=6 to=$to "$@"
        lab_expect_state flood 1500 "$lab_flood_start_us" "$name: flood found"
        lab_flood_wait
        lab_pause 3
        lab_expect_name "$diagnosis" "$name: $diagnosis all along"
}

spoofed() {
        begin
        lab_honest known --from 100.64.0.0/23 --to $to --rate 200 --poisson --duration 60s
        attack spoofed flood-spoofed
        lab_expect_unnamed "spoofed: nobody honest is named" '100\.64\.'
        lab_client_served known 0.98 "spoofed: the honest are served"
        lab_down
}

forged() {
        begin
        lab_honest known --from 100.65.0.0/23 --to $to --rate 50 --poisson --duration 60s
        attack forged flood-spoofed rate=1500 from=$LAB_CLIENTS4
        lab_down
}

reflected() {
        begin
        lab_honest known --from 100.64.0.0/23 --to $to --rate 50 --poisson --duration 60s
        attack reflected flood-reflected from=100.64.200.9/32
        lab_down
}

victims() {
        begin
        lab_honest known --from 100.64.0.0/23 --to $to --rate 50 --poisson --duration 60s
        attack victims flood-reflected from=100.64.200.9/32,100.64.90.4/32,100.64.150.7/32,100.64.33.2/32
        lab_down
}

# told REGEX FROM_US: in how many of the statuses since then a reason fits.
told() {
        jq -r --arg from "$(date -u -d "@$(($2 / 1000000))" +%Y-%m-%dT%H:%M:%S)" \
                'select(.time >= $from) | .reasons | join("; ")' "$lab_temp/statuses" | grep -cE "$1"
}

# check_by NAME FROM RATE ...
check_by() {
        local name=$1 from=$2 rate
        shift 2

        begin
        lab_honest known --from 100.64.0.0/23 --to $to --rate 50 --poisson --duration 60s
        lab_daemon
        lab_pause 4
        for rate; do
                lab_flood name=checks rate="$rate" seconds=6 from="$from" to=$to
                lab_flood_wait checks
                lab_never flood "$name: $rate a second: no flood" "$lab_flood_start_us"
                lab_check "$name: $rate a second: called half-open checks" \
                        "$(told half-open.checks $((lab_flood_start_us + 3000000))) > 0"
                lab_note "$(tail -n 1 "$lab_temp/statuses" | jq -r '.reasons | join("; ")')"
        done
        lab_client_served known 0.98 "$name: the honest are served"
        lab_down
}

checks() { check_by checks 100.64.200.9/32 40 250 500; }
checkers() { check_by checkers 100.64.200.9/32,100.64.200.10/32,100.64.77.1/32 240; }

never_scan() { # TEXT SINCE_US
        local n

        n=$(awk -v since="$2" '$1 >= since && $3 == "port-scan"' "$lab_temp/states" | wc -l)
        lab_check "$1: no port scan ($n looks say so)" "$n == 0"
        lab_never flood "$1: no flood" "$2"
}

strays() {
        local since

        begin router=1
        LAB_SERVER_IN=inner lab_server inner --listen 0.0.0.0:9000
        lab_daemon
        lab_pause 2
        since=${EPOCHREALTIME/./}
        lab_spawn checker server "$SYNWARD_BUILD/tests/lab/honest" --to $LAB_INNER4:9000 --rate 40 \
                --hold 0s --reset --duration 6s
        lab_finish checker
        lab_check "strays: $(lab_field checker connected) checks were made" "$(lab_field checker connected) > 200"
        never_scan "strays: this host checks another" "$since"
        lab_flood rate=100 seconds=6 to=$to more=--syn-ack
        lab_flood_wait
        never_scan "strays: backscatter" "$lab_flood_start_us"
        lab_flood rate=300 seconds=6 to=$LAB_INNER4:9000
        lab_flood_wait
        never_scan "strays: SYNs that are forwarded" "$lab_flood_start_us"
        lab_down
}

scan() {
        local port

        begin
        lab_daemon
        lab_pause 2
        # A hundred closed ports a second, in turn.
        lab_spawn scanner client bash -c 'for ((p = 2000; p < 2800; p++)); do
                (: </dev/tcp/'$LAB_SERVER4'/$p) & sleep 0.01; done; wait'
        if lab_wait_diagnosis port-scan 10; then
                lab_ok "scan: a port scan is called one: after $lab_delay_ms ms"
        else
                lab_not_ok "scan: a port scan is called one: $(tail -n 1 "$lab_temp/states")"
        fi
        lab_never flood "scan: and no flood"
        lab_end scanner
        lab_down
}

lab_scenarios "spoofed forged reflected victims checks checkers strays scan" "$@"
lab_done
