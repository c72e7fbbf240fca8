#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each allocation that the daemon's processes make fails once (allocations.h): at the start, in
# floods, while it is asked, reloads and stops; the keeper's, a life for each; and those of the
# commands that end by themselves. Each time it goes on, or ends with status 1 or 77 and a word of
# why: no signal, no hang, no process and no tcp_syncookies left behind.
#   test-allocations.sh [proof check_config restore replay ctl keeper parts helpers hooks start flood]
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
. "$source/tests/lab/lab.sh"
lab_need addr2line jq nft python3 unshare xz
lab_need_daemon
tools=$SYNWARD_BUILD/tests/system
for p in allocations fail-alloc.so keeper-driver; do
        [ -x "$tools/$p" ] || lab_skip "needs $tools/$p (make check builds it)"
done
grep -q '^#define HAVE__DL_FIND_OBJECT 1' "$SYNWARD_BUILD/config.h" || lab_skip "needs glibc 2.35 or later"
! grep -q '^EXTRA_LDFLAGS = .*-fsanitize' "$SYNWARD_BUILD/Makefile" || lab_skip "needs a build without sanitizers"

# swept NAME FILE STATUS PROGRAM: a test: what a sweep said, with the first bad ones and where they were.
swept() {
        local line word

        while read -r line; do
                case $line in
                '# failure '*)
                        for word in $line; do
                                case $word in
                                .+0x*) lab_note "    $(addr2line -spfe "$4" "${word#.+}")" ;;
                                *+0x*) lab_note "    $word" ;;
                                esac
                        done
                        ;;
                '# '*) lab_note "$1 ${line#\# }" ;;
                esac
        done < <(head -n 12 "$2")
        lab_expect "$1: $(tail -n 1 "$2")" [ "$3" = 0 ]
}

# sweep NAME [OPTION ...] -- PROGRAM [ARGUMENT ...]: a test, in the server's namespace.
sweep() {
        local name=$1 options=()
        shift
        while [ "$1" != -- ]; do
                options+=("$1")
                shift
        done
        lab_in server "$tools/allocations" sweep --library "$tools/fail-alloc.so" "${options[@]}" \
                "$lab_temp/$name.table" "${@:2}" >"$lab_temp/$name.swept" 2>&1
        swept "$name" "$lab_temp/$name.swept" $? "${program:-$2}"
}

config() {
        cat <<-END
        poll: { interval: 100ms, fast_interval: 50ms }
        detect: { hold: 1s, recover: 1s }
        syncookies: { hold: 1s, max_changes_per_hour: 32 }
        alerts:
          file: { path: "$lab_temp/run/alerts" }
          syslog: { enabled: true, path: "$lab_temp/run/syslog" }
          update_interval: 1s
        block: { enabled: true, timeout: 2s }
        allow: [ 192.0.2.0/24, "2001:db8::/32" ]
        listeners:
          - match: { ports: [ 443, 8000-8080 ], address: 192.0.2.1 }
            detect: { fill: 30% }
        mute:
          - { ports: 443, from: 2020-01-01T00:00:00Z, until: 2020-01-02T00:00:00Z }
        policy:
          - when: { state: flood, diagnosis: [ flood-spoofed, flood-concentrated ] }
            do: [ alert, syncookies, block, { hook: [ /bin/true, "a word" ] } ]
	END
}

begin() {
        lab_up cookies=0 delay=1ms
        mkdir -p "$lab_temp/state" "$lab_temp/run"
        chown "$lab_user" "$lab_temp/state" "$lab_temp/run"
        chmod 711 "$lab_temp"
        config >"$lab_temp/synward.yaml"
        daemon=("$SYNWARD_BUILD/synwardd" -c "$lab_temp/synward.yaml" --control "$lab_temp/run/control.sock"
                --state-dir "$lab_temp/state" --runtime-dir "$lab_temp/run")
}

proof() {
        local status

        lab_up
        lab_in server "$tools/allocations" sweep --library "$tools/fail-alloc.so" "$lab_temp/careless.table" \
                "$tools/allocations" careless >"$lab_temp/careless.swept" 2>&1
        status=$?
        lab_check "proof: a program that does not look is found: $(tail -n 1 "$lab_temp/careless.swept")" \
                "$status == 1 && $(grep -c '^# bad: ended by signal 11' "$lab_temp/careless.swept") == 1"
        lab_down
}

check_config() {
        begin
        sweep check-config -- "$SYNWARD_BUILD/synwardd" --check-config -c "$lab_temp/synward.yaml"
        sweep print-config -- "$SYNWARD_BUILD/synwardd" --print-config -c "$lab_temp/synward.yaml"
        lab_down
}

# What was changed before a crash is put back, at the first try or, where memory was lacking then, at the next.
restore() {
        local program=$SYNWARD_BUILD/synwardd

        begin
        cat >"$lab_temp/killed" <<-'END'
        #!/bin/sh
        # killed PROGRAM STATE RECORD: as a daemon that was killed left it, then twice --restore
        at=$(readlink "$2/syncookies.json") && cp "$3" "$at" && rm -f "$at.bad" "$2/syncookies.json.bad" || exit 90
        echo 1 >/proc/sys/net/ipv4/tcp_syncookies
        "$1" --restore --state-dir "$2"
        status=$?
        [ $status -ne 0 ] || [ "$(cat /proc/sys/net/ipv4/tcp_syncookies)" = 0 ] || exit 91
        env -u LD_PRELOAD "$1" --restore --state-dir "$2" 2>/dev/null || exit 92
        [ "$(cat /proc/sys/net/ipv4/tcp_syncookies)" = 0 ] || exit 93
        exit $status
	END
        chmod 755 "$lab_temp/killed"
        LAB_WATCH=0 lab_daemon
        lab_server web --listen 0.0.0.0:80 --backlog 511
        lab_flood rate=1000 seconds=6
        lab_wait_for 6 grep -qs '"owned": true' "$lab_temp/state/syncookies.json" || lab_not_ok "restore: a record is made"
        lab_end flood
        kill -KILL "${lab_pid[daemon]}"
        wait "${lab_pid[daemon]}" 2>/dev/null
        unset 'lab_pid[daemon]'
        cp "$lab_temp/state/syncookies.json" "$lab_temp/record"
        sweep restore --process synwardd -- "$lab_temp/killed" "$program" "$lab_temp/state" "$lab_temp/record"
        lab_down
}

# A capture, and a recording with the observations that were seen.
replay() {
        begin
        "$SYNWARD_BUILD/tests/bench/capture-maker" 1 3 >"$lab_temp/capture.pcap"
        xz -dc "$source/tests/scenarios/recordings/flood-0.jsonl.xz" | head -n 40 >"$lab_temp/recording.jsonl"
        sweep replay-capture --gap 2000 --status 3 -- "$SYNWARD_BUILD/synwardd" -c "$lab_temp/synward.yaml" \
                --replay "$lab_temp/capture.pcap"
        sweep replay-recording --gap 2000 -- "$SYNWARD_BUILD/synwardd" -c "$lab_temp/synward.yaml" --json \
                --replay "$lab_temp/recording.jsonl"
        lab_down
}

# Of synwardctl what talks to a daemon that works.
ctl() {
        local command

        begin
        lab_server web --listen 0.0.0.0:80 --backlog 511
        LAB_CONFIG=$(config)
        LAB_WATCH=0 lab_daemon
        lab_flood rate=1000 seconds=2 from=203.0.113.0/24
        lab_wait_for 5 told flood-start 1 || lab_not_ok "ctl: the flood is found"
        lab_flood_wait
        for command in status incidents "--json status" metrics; do
                # shellcheck disable=SC2086 # several words
                sweep "synwardctl ${command//[- ]/-}" --gap 200 --status 2 --status 3 -- "$SYNWARD_BUILD/synwardctl" \
                        --socket "$lab_temp/run/control.sock" $command
        done
        lab_down
}

# The keeper's end costs what it holds, for a while, and nothing else; the launcher allocates nothing.
parts() {
        local before

        begin
        lab_server web --listen 0.0.0.0:80 --backlog 511
        "$tools/allocations" new "$lab_temp/table" synwardd-keeper 700000 6
        LAB_CONFIG=$(config)
        LAB_SPAWN=spawn_failing lab_daemon
        before=$(lab_part keeper)
        "$tools/allocations" arm "$lab_temp/table"
        lab_flood rate=1000 seconds=8 from=203.0.113.0/24
        # Each of them is another keeper's first allocation that fails.
        lab_wait_for 12 failed_so_far 3 || lab_not_ok "parts: the keeper's allocations fail [$(counts)]"
        "$tools/allocations" disarm "$lab_temp/table"
        lab_expect "parts: the flood is found meanwhile" lab_wait_for 6 told flood-start 1
        lab_expect "parts: there is a table again after keepers that ended" lab_wait_for 20 has_table
        lab_expect "parts: of another keeper" another_keeper "$before"
        lab_expect "parts: nflog works" lab_wait_for 30 log_works
        lab_note "$(lab_ctl --json status | jq -c .sensors.nflog)"
        lab_end flood
        lab_end watch
        lab_end daemon

        "$tools/allocations" new "$lab_temp/table" synwardd-launch 0 0
        "$tools/allocations" arm "$lab_temp/table"
        LAB_SPAWN=spawn_failing LAB_WATCH=0 lab_daemon
        before=$(lab_part keeper)
        kill -KILL "$before"
        lab_wait_for 5 another_keeper "$before" || lab_not_ok "parts: the launcher starts another keeper"
        lab_expect "parts: the launcher has not allocated anything" [ "$(counts)" = "0 0" ]
        lab_down
}
# The scribe and who counts peers are replaced when they end. The walker allocates nothing.
helpers() {
        local part seen failed

        for part in scribe peers; do
                begin
                lab_server web --listen 0.0.0.0:80 --backlog 511
                "$tools/allocations" new "$lab_temp/table" "synwardd-$part" 20000 8
                LAB_CONFIG=$(config)
                LAB_SPAWN=spawn_failing LAB_WATCH=0 lab_daemon
                "$tools/allocations" arm "$lab_temp/table"
                lab_flood rate=1000 seconds=3 from=203.0.113.0/24
                lab_expect "$part: the flood is found" lab_wait_for 6 told flood-start 1
                lab_ctl incidents >/dev/null 2>&1
                lab_flood_wait
                lab_expect "$part: and its end" lab_wait_for 15 told flood-end 1
                "$tools/allocations" disarm "$lab_temp/table"
                read -r seen failed < <(counts)
                lab_expect "$part: it is there, after $failed of $seen call sites failed once" \
                        lab_wait_for 10 part_is_there "$part"
                lab_expect "$part: what is asked for is answered" lab_wait_for 10 incidents_answer
                lab_end daemon
                lab_down
        done
}
# Who runs hooks may end for want of memory, or leave a hook out, which is told; the next one has all again.
hooks() {
        local seen failed

        begin
        printf '#!/bin/sh\necho "$SYNWARD_EVENT" >>"%s"\n' "$lab_temp/run/hooked" >"$lab_temp/hook"
        chmod 755 "$lab_temp/hook"
        lab_server web --listen 0.0.0.0:80 --backlog 511
        "$tools/allocations" new "$lab_temp/table" synwardd-hooks 20000 8
        LAB_CONFIG=$(config | sed "s|/bin/true, \"a word\"|$lab_temp/hook|")
        LAB_SPAWN=spawn_failing LAB_WATCH=0 lab_daemon
        "$tools/allocations" arm "$lab_temp/table"
        for ((i = 1; i <= 3; i++)); do
                lab_flood rate=1000 seconds=2 from=203.0.113.0/24
                lab_wait_for 6 told flood-start $i || lab_not_ok "hooks: flood $i is found"
                lab_ctl reload >/dev/null 2>&1
                lab_flood_wait
                lab_wait_for 15 told flood-end $i || lab_not_ok "hooks: the end of flood $i"
        done
        "$tools/allocations" disarm "$lab_temp/table"
        read -r seen failed < <(counts)
        lab_expect "hooks: it is there, after $failed of $seen call sites failed once" lab_wait_for 10 part_is_there hooks
        rm -f "$lab_temp/run/hooked"
        lab_flood rate=1000 seconds=2 from=203.0.113.0/24
        lab_expect "hooks: and runs hooks" lab_wait_for 10 grep -qs flood-start "$lab_temp/run/hooked"
        lab_flood_wait
        lab_end daemon
        lab_down
}

part_is_there() { [ -n "$(lab_part "$1")" ]; }
incidents_answer() { lab_ctl --json incidents 2>/dev/null | jq -e '.incidents | length > 0' >/dev/null; }

failed_so_far() { [ "$(counts | cut -d' ' -f2)" -ge "$1" ]; }
has_table() { lab_in server nft list table inet synward >/dev/null 2>&1; }
log_works() { [ "$(lab_ctl --json status 2>/dev/null | jq -r '.sensors.nflog.state')" = ok ]; }
another_keeper() {
        local now
        now=$(lab_part keeper)
        [ -n "$now" ] && [ "$now" != "$1" ]
}

start() {
        begin
        lab_server web --listen 0.0.0.0:80 --backlog 511
        sweep start --ready --status 77 -- "${daemon[@]}"
        lab_down
}

# The kernel takes its time for each table, so that several lives are lived at once. libnftables looks at
# most of its allocations and exits; where its scanner does not, the keeper crashes, which is the keeper's
# end as well.
keeper() {
        local i pids=() shares=8

        begin
        for ((i = 0; i < shares; i++)); do
                unshare --net "$tools/allocations" sweep --library "$tools/fail-alloc.so" --process synwardd-keeper \
                        --crash 3 --depth 6 --share $i $shares "$lab_temp/keeper$i.table" "$tools/keeper-driver" \
                        >"$lab_temp/keeper$i.swept" 2>&1 &
                pids+=($!)
        done
        for ((i = 0; i < shares; i++)); do
                wait "${pids[i]}"
                swept "keeper, part $((i + 1)) of $shares" "$lab_temp/keeper$i.swept" $? "$tools/keeper-driver"
        done
        lab_down
}

# Asks for all that can be asked for, again and again; says at last how many answers there were, and how often
# there was none.
asker='
import json, os, signal, socket, sys
path, answers, refused, closed, garbled = sys.argv[1], 0, 0, 0, 0
calls = [("GetStatus", {}), ("GetListeners", {}), ("GetSources", {"prefixes": True}), ("GetBlocked", {}),
         ("GetEvents", {}), ("GetHistory", {"limit": 5}), ("GetIncidents", {}), ("GetMetrics", {}),
         ("Ping", {}), ("NoSuch", {}), ("Reload", {})]
ends = []
signal.signal(signal.SIGTERM, lambda *_: ends.append(1))
lab = os.getppid()
def ask(s, method, parameters):
    s.sendall(json.dumps({"method": "io.synward." + method, "parameters": parameters}).encode() + b"\0")
    text = b""
    while not text.endswith(b"\0"):
        part = s.recv(1 << 20)
        if not part:
            return None
        text += part
    try:
        return json.loads(text[:-1])
    except ValueError:
        return "garbled"
n, incident = 0, None
while not ends and os.getppid() == lab:
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(path)
            while not ends:
                name, parameters = calls[n % len(calls)]
                n += 1
                if name == "Reload" and n // len(calls) % 8:
                    continue
                if name == "GetIncidents" and incident and n // len(calls) % 2:
                    parameters = {"id": incident}
                answer = ask(s, name, parameters)
                if answer is None:
                    closed += 1
                    break
                answers += 1
                garbled += answer == "garbled"
                if answer == "garbled":
                    continue
                refused += "error" in answer and name != "NoSuch"
                for i in answer.get("parameters", {}).get("incidents", [])[-1:]:
                    incident = str(i["id"])
    except OSError as e:
        closed += 1
print(json.dumps({"answers": answers, "refused": refused, "closed": closed, "garbled": garbled}, separators=(",", ":")))'

# What a syslog daemon does.
syslog='
import os, signal, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
print("ready", flush=True)
while True:
    s.recv(65536)'

spawn_failing() {
        local name=$1 ns=$2
        shift 2
        lab_spawn "$name" "$ns" env LD_PRELOAD="$tools/fail-alloc.so" FAIL_ALLOC_TABLE="$lab_temp/table" "$@"
}

told() { [ "$(grep -c ": $1: " "$lab_temp/daemon.err")" -ge "$2" ]; }
counts() { "$tools/allocations" count "$lab_temp/table"; }

flood() {
        local i found=0 floods=5 status seen failed

        begin
        lab_server web --listen 0.0.0.0:80 --backlog 511
        lab_spawn syslog server python3 -c "$syslog" "$lab_temp/run/syslog"
        lab_wait_for 10 grep -q ready "$lab_temp/syslog.out" || lab_abort "no syslog socket"
        "$tools/allocations" new "$lab_temp/table" synwardd 300 8
        LAB_CONFIG=$(config)
        LAB_SPAWN=spawn_failing LAB_WATCH=0 lab_daemon
        lab_spawn asker server python3 -c "$asker" "$lab_temp/run/control.sock"
        "$tools/allocations" arm "$lab_temp/table"
        for ((i = 0; i < floods; i++)); do
                # In the last one none fails: nothing stays broken.
                [ $i -lt $((floods - 1)) ] || "$tools/allocations" disarm "$lab_temp/table"
                lab_flood rate=1000 seconds=2 from=203.0.113.0/24
                # Not by its socket, whose answers fail.
                lab_wait_for 4 told flood-start $((i + 1)) && found=$((found + 1))
                lab_flood_wait
                lab_wait_for 10 told flood-end $((i + 1)) || lab_note "flood $i: no end seen"
                lab_note "flood $i: call sites, failed: $(counts)"
        done
        lab_check "flood: $found of $floods floods found" "$found == $floods"
        lab_expect "flood: the daemon is there" lab_alive daemon
        lab_end asker
        lab_last[asker]=$(tail -n 1 "$lab_temp/asker.out")
        lab_check "flood: asked all along: ${lab_last[asker]}" \
                "$(lab_field asker answers) > 1000 && $(lab_field asker garbled) == 0"
        lab_check "flood: of the last one there is a whole record" \
                "$(lab_ctl --json incidents | jq '[.incidents[] | select(.complete)] | length') >= 1"
        lab_check "flood: all sensors work" \
                "$(lab_ctl --json status | jq '[.sensors[] | select(.state == "ok")] | length') == 3"
        "$tools/allocations" arm "$lab_temp/table"
        kill -TERM "${lab_pid[daemon]}"
        timeout 10 tail --pid="${lab_pid[daemon]}" -f /dev/null
        wait "${lab_pid[daemon]}"
        status=$?
        unset 'lab_pid[daemon]'
        read -r seen failed < <(counts)
        lab_check "flood: ended with status $status; $seen call sites seen, $failed failed once" \
                "$status == 0 && $failed > 300"
        lab_check "flood: tcp_syncookies is as it was" "$(lab_in server cat /proc/sys/net/ipv4/tcp_syncookies) == 0"
        lab_down
}

# They wait more than they work.
LAB_TOGETHER="restore keeper"
lab_scenarios "proof check_config restore replay ctl keeper parts helpers hooks start flood" "$@"
lab_done
