#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon with something broken beneath it: each fault is reported (an event, a
# reason in status or a line of the log), a flood of 1,000 SYN/s is found all the
# same, and the daemon ends cleanly. Mounts are in a namespace of the daemon's own.
#   test-faults.sh [FAULT ...]      (the functions fault_* below; none: all)
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
. "$source/tests/lab/lab.sh"
lab_need jq nft setpriv unshare python3
lab_need_daemon
unshare --mount true 2>/dev/null || lab_skip "cannot make a mount namespace"

# Without the kernel's counters only the next walk of the socket table can tell: its
# interval (1 s) and survival_age (400 ms) come on top.
limit_ms=2500
limit_without_counters_ms=3500
declare -A delays

# The daemon begins with wrapper, a shell script that ends in exec "$@".
wrapper='exec "$@"'
spawn_wrapped() {
        local name=$1 ns=$2
        shift 2
        lab_spawn "$name" "$ns" unshare --mount --propagation private \
                sh -euc "$wrapper" sh "$@"
}

# begin [cookies=N]: a lab with a listener.
begin() {
        lab_up cookies=1 "$@"
        chmod 711 "$lab_temp"
        export lab_temp lab_user
        lab_server web --listen 0.0.0.0:80 --backlog 511
        wrapper='exec "$@"'
}

# sensor NAME STATE TEXT: as status has it.
sensor() {
        local is
        is=$(lab_ctl --json status | jq -r --arg s "$1" '.sensors[$s] | "\(.state): \(.reason)"')
        if [[ $is == "$2: "*$3* ]]; then
                lab_ok "$fault: $1 $is"
        else
                lab_not_ok "$fault: $1 is $2 ($3) [$is]"
        fi
}
# event NAME TEXT: within five seconds, and in the journal's stead on stderr.
event() {
        if lab_wait_for 5 has_event "$1" "$2"; then
                lab_ok "$fault: event $1: $(events "$1" "$2" | head -n 1)"
        else
                lab_not_ok "$fault: event $1 ($2)"
                lab_ctl events | tail -n 5 | sed 's/^/#   /'
        fi
}
events() {
        lab_ctl --json events | jq -r --arg e "$1" --arg t "$2" \
                '.events[] | select(.event == $e and (.message | contains($t))) | .message'
}
has_event() { events "$@" | grep -q .; }
# says TEXT: a line of the log, once.
says() {
        if lab_wait_for 5 grep -qF -- "$1" "$lab_temp/daemon.err"; then
                lab_check "$fault: log, $(grep -cF -- "$1" "$lab_temp/daemon.err") times: $(grep -F -m 1 -- "$1" "$lab_temp/daemon.err")" \
                        "$(grep -cF -- "$1" "$lab_temp/daemon.err") <= 2"
        else
                lab_not_ok "$fault: the log says: $1"
                tail -n 5 "$lab_temp/daemon.err" | sed 's/^/#   /'
        fi
}

# trouble TEXT: why tcp_syncookies is as it is, in status and its JSON.
trouble() {
        local is

        has_trouble() {
                is=$(lab_ctl --json status | jq -r '.syncookies.trouble // "none"')
                [[ $is == *"$1"* ]]
        }
        if lab_wait_for 2 has_trouble "$1" && lab_ctl status | grep -qF "$is"; then
                lab_ok "$fault: status: $is"
        else
                lab_not_ok "$fault: status has the trouble ($1) [$is]"
        fi
}

flood() {
        lab_flood rate=1000 seconds=4
        lab_expect_state flood "${1:-$limit_ms}" "$lab_flood_start_us" "$fault: flood found"
        delays[$fault]=$lab_delay_ms
        lab_end flood
}

# SIGTERM: exit status 0, and tcp_syncookies as it was.
finish() {
        local pid=${lab_pid[daemon]} status was=$1

        lab_end watch
        lab_wait_for 3 kill -0 "$pid" || lab_not_ok "$fault: the daemon is still there"
        kill -TERM "$pid"
        timeout 10 tail --pid="$pid" -f /dev/null || kill -KILL "$pid"
        wait "$pid"
        status=$?
        unset 'lab_pid[daemon]'
        lab_check "$fault: ends cleanly (exit status $status)" "$status == 0"
        lab_check "$fault: tcp_syncookies is $was" \
                "$(lab_in server cat /proc/sys/net/ipv4/tcp_syncookies) == $was"
        ! grep -E 'Sanitizer|runtime error|assert' "$lab_temp/daemon.err" || lab_not_ok "$fault: see above"
        lab_down
}

fault_none() {
        begin cookies=0
        LAB_SPAWN=spawn_wrapped lab_daemon
        flood
        event syncookies-set "from 0 to 1"
        finish 0
}

fault_state_full() {
        begin cookies=0
        # One page is all there is, and taken.
        wrapper='mount -t tmpfs -o "size=4k,nr_inodes=3,mode=700,uid=$(id -u "$lab_user")" tmpfs "$lab_temp/state"
                 head -c 4096 /dev/zero >"$lab_temp/state/filler"
                 exec "$@"'
        LAB_SPAWN=spawn_wrapped lab_daemon --runtime-dir "$lab_temp/state"
        flood
        says "cannot save the old value of tcp_syncookies"
        trouble "No space left on device"
        lab_check "$fault: and nothing else" "$(grep -c 'warning: cannot' "$lab_temp/daemon.err") == 1"
        finish 0
}

fault_state_read_only() {
        begin cookies=0
        wrapper='mount -t tmpfs -o ro tmpfs "$lab_temp/state"; exec "$@"'
        LAB_SPAWN=spawn_wrapped lab_daemon --runtime-dir "$lab_temp/state"
        flood
        says "cannot save the old value"
        trouble "Read-only file system"
        lab_check "$fault: and nothing of a record that was never there" \
                "$(grep -cE 'cannot remove|synwardd --restore' "$lab_temp/daemon.err") == 0"
        finish 0
}

fault_state_missing() {
        begin cookies=0
        wrapper='mount -t tmpfs -o ro tmpfs "$lab_temp/state"; exec "$@"'
        LAB_SPAWN=spawn_wrapped lab_daemon --state-dir "$lab_temp/state/no/such" \
                --runtime-dir "$lab_temp/state/none/such"
        flood
        says "tcp_syncookies"
        trouble "No such file or directory"
        finish 0
}

# What the old value was is kept where the disk does not matter.
fault_state_only() {
        begin cookies=0
        wrapper='mount -t tmpfs -o ro tmpfs "$lab_temp/state"; exec "$@"'
        LAB_SPAWN=spawn_wrapped lab_daemon
        flood
        event syncookies-set "from 0 to 1"
        lab_check "$fault: no trouble with tcp_syncookies" "$(grep -c 'old value' "$lab_temp/daemon.err") == 0"
        finish 0
}

# /proc/thread-self/net is the first thread's, whose number stays through exec.
fault_netstat_missing() {
        begin
        wrapper='mount -t tmpfs tmpfs "/proc/$$/task/$$/net"; exec "$@"'
        LAB_SPAWN=spawn_wrapped lab_daemon
        sensor netstat failed "No such file"
        event sensor-degraded "netstat"
        flood $limit_without_counters_ms
        finish 1
}

# With cookies for all nothing is half-open either: the log and the connections are left.
fault_netstat_missing_cookies_2() {
        begin cookies=2
        lab_honest steady --to $LAB_SERVER4:80 --rate 200 --poisson --hold 1s --duration 60s
        wrapper='mount -t tmpfs tmpfs "/proc/$$/task/$$/net"; exec "$@"'
        LAB_SPAWN=spawn_wrapped lab_daemon
        sensor netstat failed "No such file"
        lab_wait_for 10 completes 150 || lab_not_ok "$fault: connections are counted [$(completed)/s]"
        lab_pause 3
        lab_never flood "$fault: 200 honest connections/s are no flood ($(completed) finished/s)"
        flood
        lab_wait_state "recovering normal" 15 || lab_not_ok "$fault: its end is told"
        finish 2
}
completed() { lab_ctl --json status | jq '.host.completed_per_s // 0'; }
completes() { awk "BEGIN { exit !($(completed) >= $1) }"; }

# A kernel with other counters than ours.
fault_netstat_empty() {
        begin
        wrapper='mount -t tmpfs tmpfs "/proc/$$/task/$$/net"
                 cd "/proc/$$/task/$$/net"
                 printf "TcpExt: Other\nTcpExt: 1\n" >netstat
                 printf "Tcp: Other\nTcp: 1\n" >snmp
                 cd /; exec "$@"'
        LAB_SPAWN=spawn_wrapped lab_daemon
        sensor netstat failed "counters missing"
        event sensor-degraded "netstat"
        flood $limit_without_counters_ms
        finish 1
}

fault_sysctl_missing() {
        begin cookies=0
        wrapper='mkdir -m 755 "$lab_temp/empty"
                 mount --bind "$lab_temp/empty" /proc/sys/net/ipv4; exec "$@"'
        LAB_SPAWN=spawn_wrapped lab_daemon
        lab_check "$fault: the value is unknown in status" \
                "$(lab_ctl --json status | jq '.syncookies.value | if . == null then 1 else 0 end') == 1"
        trouble "No such file or directory"
        flood
        finish 0
}

fault_sysctl_read_only() {
        begin cookies=0
        wrapper='mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys; exec "$@"'
        LAB_SPAWN=spawn_wrapped lab_daemon
        flood
        says "tcp_syncookies"
        trouble "Read-only file system"
        finish 0
}

fault_no_privilege() {
        begin cookies=0
        mkdir -p "$lab_temp/state" "$lab_temp/run"
        chown 65534:65534 "$lab_temp/state" "$lab_temp/run"
        wrapper='exec setpriv --reuid=65534 --regid=65534 --clear-groups \
                --bounding-set=-all --inh-caps=-all --no-new-privs "$@"'
        LAB_SPAWN=spawn_wrapped lab_daemon
        sensor nflog failed ""
        event sensor-degraded "nflog"
        flood
        says "tcp_syncookies"
        trouble "Permission denied"
        finish 0
}

fault_group_taken() {
        begin
        lab_spawn holder server python3 -c '
import socket, struct, time
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)  # NETLINK_NETFILTER
# NFULNL_MSG_CONFIG for group 5, NFULNL_CFG_CMD_BIND
s.send(struct.pack("=IHHII BBH HHBxxx", 28, 4 << 8 | 1, 5, 1, 0, 0, 0, socket.htons(5), 5, 1, 1))
print(struct.unpack_from("=i", s.recv(4096), 16)[0], flush=True)
time.sleep(60)'
        lab_wait_for 5 grep -qx 0 "$lab_temp/holder.out" ||
                lab_not_ok "$fault: the group is taken [$(cat "$lab_temp/holder.out" "$lab_temp/holder.err")]"
        LAB_SPAWN=spawn_wrapped lab_daemon
        sensor nflog failed ""
        event sensor-degraded "nflog"
        flood
        finish 1
}

fault_foreign_table() {
        begin
        lab_in server nft 'add table inet synward; add chain inet synward mine'
        LAB_SPAWN=spawn_wrapped lab_daemon
        sensor nflog failed "not ours"
        event sensor-degraded "not ours"
        flood
        if lab_in server nft list chain inet synward mine >/dev/null 2>&1; then
                lab_ok "$fault: the table is as it was"
        else
                lab_not_ok "$fault: the table is as it was"
        fi
        finish 1
}

# Who may write in the state's folder has put there what leads elsewhere, and what never answers.
fault_state_traps() {
        begin cookies=0
        mkdir -m 777 "$lab_temp/elsewhere"
        echo precious >"$lab_temp/victim"
        chmod 666 "$lab_temp/victim"
        wrapper='mount -t tmpfs -o "mode=777,uid=$(id -u "$lab_user")" tmpfs "$lab_temp/state"
                 ln -s "$lab_temp/victim" "$lab_temp/state/syncookies.json"
                 ln -s "$lab_temp/victim" "$lab_temp/state/known-clients.new"
                 ln -s "$lab_temp/elsewhere" "$lab_temp/state/incidents"
                 mkfifo -m 666 "$lab_temp/state/known-clients"
                 exec "$@"'
        LAB_SPAWN=spawn_wrapped LAB_CONFIG='block: { enabled: true }' lab_daemon
        flood
        lab_check "$fault: nothing is written elsewhere" \
                "$(find "$lab_temp/elsewhere" -mindepth 1 | wc -l) == 0 && $(grep -cx precious "$lab_temp/victim") == 1"
        finish 0
}

step_clock() { python3 -c 'import struct, sys; open(sys.argv[1], "r+b").write(struct.pack("=q", int(sys.argv[2])))' "$lab_temp/clock" "$1"; }

# The wall clock steps, before a flood and within: a day back, ten years ahead.
fault_clock_steps() {
        begin cookies=0
        head -c 8 /dev/zero >"$lab_temp/clock"
        chmod 644 "$lab_temp/clock"
        wrapper='export LD_PRELOAD="$SYNWARD_BUILD/tests/lab/clock-step.so" CLOCK_STEP="$lab_temp/clock"; exec "$@"'
        LAB_SPAWN=spawn_wrapped lab_daemon
        lab_pause 1
        step_clock -86400
        lab_pause 1
        lab_never flood "$fault: a step is no flood" "$lab_daemon_start_us"
        lab_flood rate=1000 seconds=6
        lab_expect_state flood "$limit_ms" "$lab_flood_start_us" "$fault: flood found"
        delays[$fault]=$lab_delay_ms
        step_clock 315360000
        lab_pause 1
        lab_expect "$fault: and is one still" test "$(lab_ctl --json status | jq -r .state)" = flood
        lab_flood_wait
        lab_expect_end 20000 "$fault: its end is told"
        lab_expect "$fault: the clock did step" grep -q '^203' "$lab_temp/daemon.err"
        lab_check "$fault: one flood" "$(lab_ctl --json events | jq '[.events[] | select(.event == "flood-start")] | length') == 1"
        finish 0
}

# flood_in_storm COMMAND...: a flood is found while that is done 100 times a second.
flood_in_storm() {
        local storm

        while sleep 0.01; do "$@" || break; done 2>/dev/null &
        storm=$!
        flood
        kill "$storm"
        wait "$storm" 2>/dev/null
}

# As after a suspend: all of it stands still for as long as a queue takes to fill, and goes on.
fault_stopped() {
        local from

        answers() { lab_ctl ping >/dev/null 2>&1; }
        begin
        LAB_SPAWN=spawn_wrapped lab_daemon
        lab_pause 2
        # shellcheck disable=SC2046 # several
        kill -STOP $(lab_parts)
        sleep 6
        # shellcheck disable=SC2046
        kill -CONT $(lab_parts)
        lab_expect "$fault: it answers" lab_wait_for 2 answers
        from=${EPOCHREALTIME/./}
        lab_pause 2
        lab_never flood "$fault: no flood" "$from"
        lab_check "$fault: and nothing is told to be broken" \
                "$(grep -cE ' (warning|error|critical): ' "$lab_temp/daemon.err") == 0"
        flood
        finish 1
}

# Every wait of every part is interrupted, all the time.
fault_interrupted() {
        local parts

        begin
        LAB_SPAWN=spawn_wrapped lab_daemon
        parts=$(lab_parts)
        # shellcheck disable=SC2086 # several
        flood_in_storm sh -c 'kill -STOP "$@"; kill -CONT "$@"' sh $parts
        # shellcheck disable=SC2086
        kill -CONT $parts
        finish 1
}

fault_reloads() {
        begin
        LAB_SPAWN=spawn_wrapped lab_daemon
        flood_in_storm kill -HUP "${lab_pid[daemon]}"
        lab_check "$fault: it was asked again and again, and did" \
                "$(lab_ctl --json events -n 1000 | jq '[.events[] | select(.event == "config-reloaded")] | length') > 10"
        finish 1
}

[ $# -gt 0 ] || set -- none state_full state_read_only state_missing netstat_missing \
        netstat_missing_cookies_2 netstat_empty sysctl_missing sysctl_read_only no_privilege group_taken foreign_table \
        state_traps clock_steps stopped interrupted reloads
for fault; do
        "fault_$fault"
done
for fault; do
        lab_note "$(printf '%-18s flood found after %s ms' "$fault" "${delays[$fault]:-never}")"
done
lab_done
