#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What one host of a fleet gets of a thin flood, 3 SYN/s: it says nothing, and its counters
# have every one of them for the sum over all hosts (contrib/prometheus/fleet.rules.yaml), and so do
# its sketches, once a minute, with a key of the fleet; and what becomes of them when the key does.
. "$(dirname "$0")/lab.sh"
lab_need jq
lab_need_daemon

unanswered() {
        lab_ctl metrics | awk '/^synward_listener_unanswered_total\{.*port="80"/ { print $2 }'
}
# row N: all cells of it.
row() { lab_ctl metrics | awk -v row="row=\"$1\"" '/^synward_fleet_cell_total/ && $0 ~ row { n += $2 } END { print n + 0 }'; }
series() { lab_ctl metrics | grep -c '^synward_fleet_'; }
mark() { lab_ctl metrics | sed -n 's/^synward_fleet_register{key="\([0-9a-f]*\)",register="0".*/\1/p'; }
has_more_than() { [ "$(row 0)" -gt "$1" ]; }
is_empty() { [ "$(row 0)" = 0 ]; }
# fullest ROW: the cell that has most of it, as ROW:N.
fullest() {
        lab_ctl metrics | sed -n "s/^synward_fleet_cell_total{.*row=\"$1\",cell=\"\([0-9]*\)\"} \([0-9]*\)/\2 $1:\1/p" |
                sort -rn | awk 'NR == 1 { print $2 }'
}

lab_up cookies=1 delay=60ms
lab_server web --listen 0.0.0.0:80 --backlog 511
lab_honest web-clients --to $LAB_SERVER4:80 --rate 50 --poisson --duration 70s --timeout 3s
lab_fleet_key
LAB_CONFIG="metrics: { fleet_key: $lab_temp/fleet.key }" lab_daemon
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

# --- the sketches: when the minute is over, and as much in both rows ---------------------------
lab_check "192 series" "$(series) == 192"
# The minute is the clock's, and may have ended within the flood: the one after it has the rest.
ended_in=$(($(date +%s) / 60))
minute_is_over() { [ $(($(date +%s) / 60)) -gt "$ended_in" ]; }
lab_wait_for 65 minute_is_over
lab_wait_for 5 has_more_than 114
lab_check "of 120 SYNs the sketch has $(row 0) in one row and $(row 1) in the other" \
        "$(row 0) == $(row 1) && $(row 0) >= 115 && $(row 0) <= 125"
spoofed=$(row 0)
lab_flood rate=3 seconds=20 from=198.51.100.0/24 name=net
lab_wait_for 90 has_more_than $((spoofed + 50))
for r in 0 1; do
        bucket=$(fullest $r)
        said=$(lab_ctl sources --bucket "$bucket")
        lab_note "bucket $bucket: $(tail -n +2 <<<"$said" | tr -s ' ' | tr '\n' ';')"
        lab_check "the fullest cell of row $r is that of the network that floods" \
                "$(grep -c '^198\.51\.100\.0/24 ' <<<"$said") == 1"
done
lab_check "no metric has an address of a source" "$(lab_ctl metrics | grep -c '198\.51\.100') == 0"

# --- another key, none, and one that is no key ----------------------------------------------------
first=$(mark)
lab_fleet_key
lab_expect "another key is read at a reload" lab_ctl reload
lab_wait_for 5 is_empty
lab_check "what was counted by the other is gone" "$(row 0) == 0 && $(series) == 192"
lab_expect "and hosts with that one are not mixed up with these" [ "$(mark)" != "$first" ]
second=$(mark)
echo "no key" >"$lab_temp/fleet.key"
said=$(lab_ctl reload 2>&1)
status=$?
lab_check "one that is no key is refused: $(tail -n 1 <<<"$said")" "$status == 1 && $(grep -c "fleet.key must hold 32 hex" <<<"$said") == 1"
lab_expect "and the other stays in force" [ "$(mark)" = "$second" ]
rm "$lab_temp/fleet.key"
said=$(lab_ctl reload 2>&1)
lab_check "so is one that is not there" "$? == 1 && $(grep -c "fleet.key cannot be read" <<<"$said") == 1"
echo "mode: enforce" >"$lab_temp/synward.yaml"
lab_expect "without it they are off" lab_ctl reload
no_series() { [ "$(series)" = 0 ]; }
lab_wait_for 5 no_series
lab_check "and there is no series" "$(series) == 0"
said=$(lab_ctl sources --bucket 0:0 2>&1)
lab_check "which synwardctl says" "$? == 1 && $(grep -c 'set metrics.fleet_key' <<<"$said") == 1"
lab_done
