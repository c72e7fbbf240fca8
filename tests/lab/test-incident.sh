#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The record of a real flood: it begins before the flood does, its files are
# what they claim to be, its observations replay to the same flood, the sample
# is a capture, and synwardctl shows it, also after a restart. Then on a disk
# that is full: told once, and the flood is found all the same.
. "$(dirname "$0")/lab.sh"
lab_need jq
lab_need_daemon

record=

found_record() {
        record=$(echo "$lab_temp"/state/incidents/2*)
        [ -d "$record" ]
}

ended() { [ "$(jq -r .state "$record/incident.json")" = ended ]; }

check_files() {
        local f

        for f in incident.json fingerprints.json queues.json; do
                if jq -e . "$record/$f" >/dev/null; then lab_ok "$f is JSON"; else lab_not_ok "$f is JSON"; fi
        done
        for f in events observations; do
                if jq -es 'length > 0' "$record/$f.jsonl" >/dev/null; then
                        lab_ok "$f.jsonl is JSON lines ($(wc -l <"$record/$f.jsonl"))"
                else
                        lab_not_ok "$f.jsonl is JSON lines"
                fi
        done
        if "$SYNWARD_BUILD/synwardd" -t -c "$record/policy.yaml" >/dev/null; then
                lab_ok "policy.yaml is a configuration"
        else
                lab_not_ok "policy.yaml is a configuration"
        fi
        if [ "$(stat -c %a "$record")" = 750 ] && [ -z "$(find "$record" -type f ! -perm 0640)" ]; then
                lab_ok "modes 0750 and 0640"
        else
                lab_not_ok "modes 0750 and 0640 [$(stat -c '%a %n' "$record" "$record"/*)]"
        fi
}

# Its queue from before it began, full in it; and nothing innocent is held responsible.
check_account() {
        if jq -e '.listeners == [.listeners[0]] and .listeners[0].listener == "0.0.0.0:80"
                   and .listeners[0].peak_half_open > 256 and (.points[0][2] // 0) < 100' \
                "$record/queues.json" >"$lab_temp/jq"; then
                lab_ok "the queue of the flooded listener is on record: $(jq -c .listeners[0] "$record/queues.json")"
        else
                lab_not_ok "the queue of the flooded listener [$(jq -c '[.listeners, .points[0]]' "$record/queues.json")]"
        fi
        if jq -e '.account | .flood_s > 5 and .unfinished > 2000 and ([.explained[]] | add) < .unfinished / 4' \
                "$record/incident.json" >"$lab_temp/jq"; then
                lab_ok "most of it is explained by nothing: $(jq -c .account "$record/incident.json")"
        else
                lab_not_ok "most of it is explained by nothing [$(jq -c .account "$record/incident.json")]"
        fi
}

check_sample() {
        local n

        [ -e "$record/sample.pcap" ] || { lab_note "built without libpcap: no sample"; return; }
        command -v tcpdump >/dev/null || { lab_note "no tcpdump here: the sample is not read"; return; }
        n=$(tcpdump -nr "$record/sample.pcap" 'tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn' 2>/dev/null | wc -l)
        lab_check "tcpdump reads $n SYNs of the sample" "$n == $(jq .sampled_packets "$record/incident.json") && $n > 100"
}

check_replay() {
        local live replayed early

        "$SYNWARD_BUILD/synwardd" -c "$lab_temp/synward.yaml" --replay "$record/observations.jsonl" \
                >"$lab_temp/replayed" || lab_not_ok "--replay"
        live=$(jq -rs 'map(select(.event == "flood-start")) | "\(length) \(.[0].listener) \(.[0].diagnosis)"' \
                "$record/events.jsonl")
        replayed=$(jq -rs 'map(select(.event == "flood-start")) | "\(length) \(.[0].listener) \(.[0].diagnosis)"' \
                "$lab_temp/replayed")
        if [ "$live" = "$replayed" ]; then
                lab_ok "it replays to the same flood-start: $replayed"
        else
                lab_not_ok "it replays to the same flood-start [$live, replayed: $replayed]"
        fi
        lab_note "told at $(jq -r 'select(.event == "flood-start").time' "$record/events.jsonl")," \
                "replayed $(jq -r 'select(.event == "flood-start").time' "$lab_temp/replayed")"
        early=$(jq -s '[.[] | .realtime_us][0]' "$record/observations.jsonl")
        lab_check "it begins $(((lab_flood_start_us - early) / 1000)) ms before the flood" \
                "$lab_flood_start_us - $early > 5000000"
        lab_check "one observation a second: $(wc -l <"$record/observations.jsonl") in $(
                jq -s '(.[-1].time_us - .[0].time_us) / 1e6' "$record/observations.jsonl") s" \
                "$(jq -s 'length' "$record/observations.jsonl") <= 1.5 * $(
                jq -s '(.[-1].time_us - .[0].time_us) / 1e6' "$record/observations.jsonl") + 2"
}

check_ctl() {
        local id=${record##*/}

        if lab_ctl incidents | grep -q "^ *$id "; then
                lab_ok "$1: synwardctl incidents lists it"
        else
                lab_not_ok "$1: synwardctl incidents lists it [$(lab_ctl incidents)]"
        fi
        if [ "$(lab_ctl --json incidents "$id" | jq -r '.incidents[0].events[0].event')" = flood-start ]; then
                lab_ok "$1: synwardctl incidents $id tells its events"
        else
                lab_not_ok "$1: synwardctl incidents $id tells its events"
        fi
}

LAB_CONFIG='detect: { recover: 5s }'
lab_up cookies=1 delay=60ms
lab_server web --listen 0.0.0.0:80 --backlog 511
lab_honest web-clients --to $LAB_SERVER4:80 --rate 200 --poisson --duration 120s --timeout 3s
lab_pause 1
lab_daemon
lab_pause 8
rss_before=$(lab_rss_kib)
lab_flood rate=1000 seconds=8
lab_expect_state flood 1000 "$lab_flood_start_us" "flood found"
lab_wait_for 5 found_record || lab_abort "no record: $(tail -n 3 "$lab_temp/daemon.err")"
check_ctl "while it lasts"
lab_flood_wait
lab_expect_end 15000 "end told"
if lab_wait_for 90 ended; then lab_ok "the record has an end"; else lab_not_ok "the record has an end"; fi
check_files
check_account
check_sample
check_replay
check_ctl "afterwards"
lab_check "resident $rss_before KiB before, $(lab_rss_kib) KiB after" "$(lab_rss_kib) < $rss_before + 2048"
jq -c 'del(.top_sources, .top_prefixes)' "$record/incident.json" | sed 's/^/# /'
jq -c '.fingerprints[:3][]' "$record/fingerprints.json" | sed 's/^/# /'
lab_note "$(du -sk "$record" | cut -f 1) KiB on disk"
lab_end daemon
lab_end watch
lab_daemon
check_ctl "after a restart"

# A full disk under the state directory; the lab's folder is removed with it.
lab_end daemon
lab_end watch
mkdir -p "$lab_temp/state/incidents"
rm -rf "$lab_temp/state/incidents"/2*
if mount -t tmpfs -o size=32k synward-full "$lab_temp/state/incidents" 2>/dev/null; then
        head -c 65536 /dev/zero >"$lab_temp/state/incidents/filler" 2>/dev/null
        lab_daemon
        lab_pause 3
        lab_flood rate=1000 seconds=5
        lab_expect_state flood 1000 "$lab_flood_start_us" "full disk: flood found"
        lab_flood_wait
        lab_expect_end 15000 "full disk: end told"
        lab_end daemon
        lab_check "full disk: told once" "$(grep -c 'Incident record in' "$lab_temp/daemon.err") == 1"
        grep 'Incident record in' "$lab_temp/daemon.err" | sed 's/^/# /'
        umount "$lab_temp/state/incidents"
else
        lab_note "cannot mount a tmpfs here: the full disk is left to the unit tests"
fi
lab_end web-clients
lab_done
