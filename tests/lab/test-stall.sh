#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Nothing holds up a tick: a disk that stands still for 12 s, clients who ask for a thousand records
# in a loop, many sockets. The gaps between ticks are those of the observations that the daemon
# records; a flood is found in each.
#   test-stall.sh [calm] [disk] [asks] [table] [routes] [million]   (disk asks table; make bench has the rest)
# Alone: what it measures is the time between ticks.
. "$(dirname "$0")/lab.sh"
lab_need jq python3
lab_need_daemon
[ -e "$SYNWARD_BUILD/tests/lab/slow-disk.so" ] || lab_skip "needs $SYNWARD_BUILD/tests/lab/slow-disk.so (make lab-programs)"

# Ticks are 0.2 s apart; without what this is about it was seconds.
GAP_MAX_MS=300

# On a folder of its own that can be frozen, and with what it sees on record.
on_slow_disk() {
        local name=$1 ns=$2
        shift 2
        lab_spawn "$name" "$ns" env LD_PRELOAD="$SYNWARD_BUILD/tests/lab/slow-disk.so" \
                SLOW_DISK="$lab_temp/state" "$@" --record "$lab_temp/ticks.jsonl"
}

freeze() { touch "$lab_temp/state.frozen"; }
thaw() { rm -f "$lab_temp/state.frozen"; }

# What the machine makes of a process that does nothing but sleep: how late it woke at most, which no
# daemon can help. It says so at its end.
start_sleeper() {
        lab_spawn sleeper server python3 -c '
import signal, time
going = True
def end(*_):
    global going
    going = False
signal.signal(signal.SIGTERM, end)
most, last = 0, time.monotonic()
while going:
    time.sleep(0.01)
    now = time.monotonic()
    most, last = max(most, now - last - 0.01), now
print(int(most * 1000))'
}

# begin [CONFIG]: the lab with a server, some clients and the daemon.
begin() {
        lab_up cookies="${cookies:-1}" delay=20ms
        lab_server web --listen 0.0.0.0:80 --backlog 511
        lab_honest usual --to $LAB_SERVER4:80 --rate 100 --poisson --duration 300s --timeout 3s
        # shellcheck disable=SC2086 # several words
        [ -z "${before:-}" ] || $before
        LAB_SPAWN=on_slow_disk LAB_CONFIG="alerts: { file: { path: $lab_temp/state/events.jsonl } }
${1:-}" lab_daemon
        lab_pause 4
        from=${EPOCHREALTIME/./}
        start_sleeper
}

# flood MILLISECONDS TEXT: one that has to be found within.
flood() {
        lab_flood rate=1000 seconds=4
        lab_expect_state flood "$1" "$lab_flood_start_us" "$2: flood found"
        lab_flood_wait
}

# finish TEXT: the largest gap since begin, after the daemon's end.
finish() {
        local gap late to=${EPOCHREALTIME/./}

        lab_end sleeper
        late=$(tail -n 1 "$lab_temp/sleeper.out")
        lab_end watch
        lab_end daemon
        gap=$(sed -n 's/.*"time_us":\([0-9]*\),"realtime_us":\([0-9]*\),.*/\1 \2/p' "$lab_temp/ticks.jsonl" |
                awk -v from="$from" -v to="$to" '
                        $2 >= from && $2 <= to { if (last && $1 - last > most) most = $1 - last; last = $1; n++ }
                        END { printf "%d %d", most / 1000, n }')
        lab_check "$1: largest gap between ticks ${gap% *} ms (of ${gap#* }; a bare sleeper was $late ms late)" \
                "${gap% *} > 0 && ${gap% *} <= $GAP_MAX_MS + $late"
        lab_down
}

calm() {
        begin
        lab_pause 10
        flood 1500 calm
        finish calm
}

cookies_now() { lab_in server cat /proc/sys/net/ipv4/tcp_syncookies; }
# told_in_file TYPE ...: the alerts in their order, with others between.
told_in_file() {
        [ "$(jq -r .event "$lab_temp/state/events.jsonl" | grep -xE "$(IFS='|'; echo "$*")" | uniq | tr '\n' ' ')" = "$* " ]
}
quietly() { "$@" >/dev/null; }
seen() { grep -q "$1" "$lab_temp/daemon.err"; }
ended() { [ "$(jq -r .state "$lab_temp"/state/incidents/2*/incident.json)" = ended ]; }

disk() {
        local start record

        cookies=0 begin 'detect: { recover: 1s }'
        freeze
        start=${EPOCHREALTIME/./}
        lab_flood rate=1000 seconds=16
        lab_expect_state flood 1500 "$lab_flood_start_us" "a disk that stands still: flood found"
        lab_wait_for 1 seen syncookies-set
        lab_check "a disk that stands still: tcp_syncookies is changed all the same, after $(((${EPOCHREALTIME/./} - lab_flood_start_us) / 1000)) ms" \
                "$(cookies_now) == 1"
        lab_expect "a disk that stands still: told" lab_wait_for 5 seen "The disk stands still"
        lab_expect "a disk that stands still: status is answered" quietly lab_ctl status
        # Its folder stands still as well: an answer all the same, before the client gives up.
        lab_ctl incidents >"$lab_temp/asked" 2>&1
        lab_expect "a disk that stands still: who asks for records is told" grep -q "cannot be read now" "$lab_temp/asked"
        lab_pause $((12 - (${EPOCHREALTIME/./} - start) / 1000000))
        lab_check "a disk that stands still: and stays so" "$(cookies_now) == 1"
        thaw
        lab_flood_wait
        lab_expect "a disk that stands still: told that it is over" lab_wait_for 5 seen "Records are written again, 0 "
        lab_expect "a disk that stands still: the record has its end" lab_wait_for 30 ended
        lab_expect "a disk that stands still: alerts.file has the flood's beginning and its end" \
                lab_wait_for 5 told_in_file flood-start syncookies-set flood-end
        record=$(echo "$lab_temp"/state/incidents/2*)
        lab_expect "a disk that stands still: the record is complete" \
                quietly jq -e .complete "$record/incident.json"
        lab_check "a disk that stands still: an observation a second ($(wc -l <"$record/observations.jsonl"))" \
                "$(wc -l <"$record/observations.jsonl") >= 12"
        finish "a disk that stands still for 12 s"
}

# A thousand old records, with as much in them as short floods leave.
make_records() {
        mkdir -p "$lab_temp/state"
        python3 - "$lab_temp/state/incidents" <<'END'
import json, os, sys
for i in range(1000):
    path = "%s/%d" % (sys.argv[1], 20250101000000 + i)
    os.makedirs(path, 0o750)
    o = {"schema": "synward.incident.v1", "version": "1", "id": 20250101000000 + i, "state": "ended",
         "start": "2025-01-01T00:00:00.000Z", "end": "2025-01-01T00:01:00.000Z", "duration_s": 60.0,
         "listener": "0.0.0.0:80", "diagnosis": "flood-spoofed", "peak_syn_per_s": 1000.0, "peak_half_open": 511,
         "total_syns": 60000, "blocked_sources": 0, "blocked_syns": 0, "alerted": True, "hooks": 0,
         "events_count": 2, "observations": 120, "sampled_packets": 0, "complete": True,
         "account": {"flood_s": 60.0, "finished": 1, "unfinished": 60000, "refused": 0, "explained": {}},
         "done": [], "top_sources": [], "top_prefixes": []}
    json.dump(o, open(path + "/incident.json", "w"), indent=2)
END
        chown -R "$lab_user" "$lab_temp/state"
}

# Four who ask for all records in a loop; at their end how many answers they had.
start_asking() {
        lab_spawn asking server python3 -c '
import socket, sys, threading, time
answers = []
def ask(path, end):
    s = socket.socket(socket.AF_UNIX); s.connect(path); s.settimeout(20)
    while time.monotonic() < end:
        s.sendall(b"{\"method\":\"io.synward.GetIncidents\"}\0")
        n, last = 0, b""
        while not last.endswith(b"\0"):
            last = s.recv(1 << 20)
            n += len(last)
        answers.append(n)
end = time.monotonic() + float(sys.argv[2])
threads = [threading.Thread(target=ask, args=(sys.argv[1], end)) for i in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print(len(answers), max(answers))' "$lab_temp/run/control.sock" "$1"
}

asks() {
        local cpu at before=make_records

        begin 'incidents: { keep: 1000, max_size: 1GiB }'
        start_asking 14
        lab_pause 3 # what has piled up is spent
        cpu=$(lab_cpu_us) at=${EPOCHREALTIME/./}
        lab_pause 5
        cpu=$(awk "BEGIN { printf \"%.1f\", 100 * ($(lab_cpu_us) - $cpu) / (${EPOCHREALTIME/./} - $at) }")
        lab_check "records asked for in a loop: $cpu % of a CPU" "$cpu < 8"
        flood 1500 "records asked for in a loop"
        lab_finish asking
        lab_check "records asked for in a loop: ${lab_last[asking]% *} answers of up to ${lab_last[asking]#* } bytes" \
                "${lab_last[asking]% *} >= 8 && ${lab_last[asking]#* } > 300000"
        finish "1,000 records asked for in a loop"
}

# hold_sockets NUMBER: before the daemon's start, for so many new connections are no calm.
hold_sockets() {
        lab_spawn held server "$SYNWARD_BUILD/tests/lab/hold-sockets" "$1"
        lab_wait_for 180 grep -q ready "$lab_temp/held.out" || lab_abort "no sockets: $(cat "$lab_temp/held.err")"
}

# sockets NUMBER FOUND-MS SECONDS
sockets() {
        local cpu at before="hold_sockets $1"

        begin
        cpu=$(lab_cpu_us) at=${EPOCHREALTIME/./}
        lab_pause "$3"
        cpu=$(awk "BEGIN { printf \"%.2f\", 100 * ($(lab_cpu_us) - $cpu) / (${EPOCHREALTIME/./} - $at) }")
        lab_note "$1 sockets: $cpu % of a CPU over $3 s of calm;" \
                "$(lab_ctl --json status | tr -d ' \n' | grep -o '"sock_diag":{[^}]*}')"
        flood "$2" "$1 sockets"
        finish "$1 sockets"
}

table() { sockets 100000 1500 4; }
million() { sockets 1000000 15000 60; }

make_routes() {
        awk 'BEGIN { for (i = 0; i < 150000; i++)
                printf "route add 11.%d.%d.%d/32 dev lo\n", i / 65536, i / 256 % 256, i % 256 }' | ip -n "$lab_id-server" -batch -
}

routes() {
        local before=make_routes

        begin 'block: { enabled: true }'
        lab_note "$(lab_in server cat /proc/net/route | wc -l) lines of routes"
        lab_pause 15
        flood 1500 "150,000 routes"
        finish "150,000 routes"
}

[ $# -gt 0 ] || set -- disk asks table
lab_scenarios "calm disk asks table routes million" "$@"
lab_done
