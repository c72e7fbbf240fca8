#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What one host of a fleet gets of a thin flood, 3 SYN/s: it says nothing, and its counters
# have every one of them for the sum over all hosts (contrib/prometheus/fleet.rules.yaml).
. "$(dirname "$0")/lab.sh"
lab_need jq
lab_need_daemon

unanswered() {
        lab_ctl metrics | awk '/^synward_listener_unanswered_total\{.*port="80"/ { print $2 }'
}

lab_up cookies=1 delay=60ms
lab_server web --listen 0.0.0.0:80 --backlog 511
lab_honest web-clients --to $LAB_SERVER4:80 --rate 50 --poisson --duration 70s --timeout 3s
lab_daemon
lab_pause 5
before=$(unanswered)
lab_flood rate=3 seconds=40
lab_flood_wait
lab_pause 5
after=$(unanswered)
lab_check "of 120 SYNs the listener's counter has $((after - before))" \
        "$((after - before)) >= 96 && $((after - before)) <= 144"
lab_check "the host never says flood" "$(awk '$2 == "flood"' "$lab_temp/states" | wc -l) == 0"
lab_check "and tells no incident" "$(lab_ctl --json incidents | jq '.incidents | length') == 0"
lab_note "states: $(awk '{ print $2, $3 }' "$lab_temp/states" | sort | uniq -c | tr '\n' ';')"
lab_end web-clients
lab_done
