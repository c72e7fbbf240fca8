#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The front end, "synwardd --replay", on what the lab's kernel really reported
# (tests/lab/record.sh): each flood is found within 1 s of its first SYN and told to be
# over within 15 s of its last, and nothing else is ever called one.
set -u
build=${SYNWARD_BUILD:-.}
recordings=${SYNWARD_SOURCE:-.}/tests/scenarios/recordings
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

for tool in jq xz; do
        command -v $tool >/dev/null || { echo "skipped: no $tool here"; exit 77; }
done

check() { # check WHAT CONDITION...
        local what=$1
        shift
        if "$@"; then
                echo "ok - $what"
        else
                echo "not ok - $what"
                failures=$((failures + 1))
        fi
}

# The time of the first event that jq's condition picks, in µs.
first_us() {
        local time

        time=$(jq -r "select($1) | .time" "$work/events" | head -n 1)
        [ -n "$time" ] && date -d "$time" +%s%6N
}

for truth in "$recordings"/*.truth; do
        name=$(basename "$truth" .truth)
        xz -dc "$recordings/$name.jsonl.xz" >"$work/recording.jsonl"
        if ! "$build/synwardd" --replay "$work/recording.jsonl" >"$work/events" 2>"$work/errors"; then
                check "$name: replays: $(tail -n 1 "$work/errors")" false
                continue
        fi
        jq -c 'select(.event)' "$work/events" >"$work/told" && mv "$work/told" "$work/events" # without what the file is
        start=$(jq .flood_start_us "$truth") end=$(jq .flood_end_us "$truth")
        if [ "$start" = null ]; then
                check "$name: no flood" [ ! -s "$work/events" ]
                continue
        fi
        found=$(first_us '.event == "flood-start"') over=$(first_us '.state == "recovering"')
        check "$name: found $((${found:-0} / 1000 - start / 1000)) ms after its first SYN" \
                [ "${found:-0}" -ge "$start" -a "${found:-0}" -le $((start + 1000000)) ]
        check "$name: its end told $((${over:-0} / 1000 - end / 1000)) ms after its last" \
                [ "${over:-0}" -ge "$end" -a "${over:-0}" -le $((end + 15000000)) ]
        check "$name: called $(jq -r .diagnosis "$truth") in the end" \
                [ "$(jq -r .diagnosis "$work/events" | tail -n 1)" = "$(jq -r .diagnosis "$truth")" ]
done
[ $failures -eq 0 ]
