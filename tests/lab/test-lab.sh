#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The lab itself, without the daemon: is the round trip one, does the flood send
# what it says and fill what it should, and does a lab that leaves something
# behind say so? The other scenarios prove nothing unless this one passes.
. "$(dirname "$0")/lab.sh"
lab_need

synflood=$SYNWARD_BUILD/tests/lab/synflood
limits=(--rate 1 --packets 1 --duration 1s --ethernet "$lab_nobody_mac")

# refuses WORDS COMMAND ...: a usage error that says why.
refuses() {
        local words=$1 said status
        shift
        said=$("$@" 2>&1)
        status=$?
        if [ $status -eq 2 ] && [[ $said == *"$words"* ]]; then
                lab_ok "the flood refuses: $words"
        else
                lab_not_ok "the flood refuses: $words [status $status, $said]"
        fi
}

# The queue fills to one more than the backlog, and what comes then is answered
# by cookie or dropped (net/ipv4/tcp_input.c, tcp_conn_request()).
fill() {
        local half_open=$2 cookies=$3 drops=$4 n

        lab_up cookies="$1"
        lab_server web --listen 0.0.0.0:80 --backlog 128
        lab_flood rate=1000 seconds=2
        lab_flood_wait
        n=$(lab_half_open)
        lab_check "syncookies=$1: $n half-open" "$n == $half_open"
        n=$(lab_counter SyncookiesSent)
        lab_check "syncookies=$1: $n cookies sent" "$n - $cookies <= 20 && $cookies - $n <= 20"
        n=$(lab_counter TCPReqQFullDrop)
        lab_check "syncookies=$1: $n dropped" "$n - $drops <= 20 && $drops - $n <= 20"
        n=$(lab_field flood sent)
        lab_check "syncookies=$1: the flood sent $n of 2000" "$n >= 1980 && $n <= 2001"
        lab_down
}

lab_up
refuses "refusing to run" "$synflood" --device swlabflood --to 10.77.1.1:80 "${limits[@]}"
refuses "refusing a target" lab_in attacker "$synflood" --device swlabflood --to 192.0.2.1:80 "${limits[@]}"
refuses "refusing a device" lab_in attacker "$synflood" --device lo --to 10.77.1.1:80 "${limits[@]}"
refuses "at most 120 s" lab_in attacker "$synflood" --device swlabflood --to 10.77.1.1:80 \
        "${limits[@]}" --duration 121s

lab_server web --listen 0.0.0.0:80 --listen '[::]:443' --backlog 511
lab_honest four --to $LAB_SERVER4:80 --rate 1000 --poisson --duration 5s
lab_honest six --to "$LAB_SERVER6:443" --from $LAB_CLIENTS6 --rate 100 --poisson --duration 5s
lab_pause 1
lab_sample_half_open 3
lab_finish four
lab_finish six
for family in four six; do
        p50=$(lab_field $family connect_p50_ms)
        lab_check "$family: a connection takes $p50 ms over 120 ms" "$p50 >= 119 && $p50 <= 135"
        lab_check "$family: $(lab_field $family connected) of $(lab_field $family opened) connected" \
                "$(lab_field $family connected) == $(lab_field $family opened)"
done
lab_check "1,100 connections/s over 120 ms hold about 132 half-opens: $lab_half_open_mean" \
        "$lab_half_open_mean >= 110 && $lab_half_open_mean <= 180"
lab_down

fill 0 129 0 1871
fill 1 129 1871 0
fill 2 0 2000 0

pids_in_server() { [ -n "$(ip netns pids "$lab_id-server")" ]; }

leave_something() {
        lab_up
        ip netns exec "$lab_id-server" sleep 30 &
        disown
        lab_wait_for 5 pids_in_server
        lab_done
}

if said=$(leave_something 2>&1) || [[ $said != *"left over: processes"* ]]; then
        lab_not_ok "a process left behind fails its lab: $said"
else
        lab_ok "a process left behind fails its lab"
fi
lab_done
