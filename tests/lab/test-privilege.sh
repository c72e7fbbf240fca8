#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Privileges apart: what parses strangers' packets has none; what holds CAP_NET_ADMIN does
# nothing else, is there again after it was killed, and goes with the daemon.
#   rights   who has what, with --no-privilege-drop too; memory and CPU in calm
#   keeper   the keeper killed in mid-flood: the flood stays one, rules and block list are
#            back within 5 s
#   hung     the keeper stopped: the daemon does not stand still
#   launcher the launcher killed, then the keeper: the daemon goes on with what is left
#   daemon   the daemon killed: all of it is gone within 1 s, --restore puts tcp_syncookies back
#   confined what the daemon may still do, all of what it is for, and a reload that would take more
#   starter  the process that runs hooks killed in a flood: what it ran is ended, and hooks run again
#   random   30 kills of the daemon, and in every second round of the keeper, at any moment of a flood
#   late     --restore waits for what a killed daemon had asked its keeper for
#   next     so does the next daemon
#   test-privilege.sh [SCENARIO ...]; SYNWARD_SEED repeats a run, SYNWARD_KILLS is how many kills
. "$(dirname "$0")/lab.sh"
lab_need jq nft
lab_need_daemon

seed=${SYNWARD_SEED:-$RANDOM}
RANDOM=$seed
rounds=${SYNWARD_KILLS:-30}
short='detect: { hold: 1s, recover: 1s }'
bad=203.0.113.0/24

field() { awk -v name="$2:" '$1 == name { print $2 }' /proc/"$1"/status 2>/dev/null; }
cookies() { lab_in server cat /proc/sys/net/ipv4/tcp_syncookies; }
cookies_are() { [ "$(cookies)" = "$1" ]; }
has_table() { lab_in server nft list table inet synward >/dev/null 2>&1; }
no_table() { ! has_table; }
has_rules() { lab_in server nft list chain inet synward input 2>/dev/null | grep -q 'counter name "syns"'; }
elements() { # SET
        lab_in server nft -j list set inet synward "$1" 2>/dev/null |
                jq -s '[.[].nftables[].set // empty | .elem // [] | length] | add // 0'
}
has_elements() { [ "$(elements blocked4)" -ge 1 ]; }
has_ports() { [ "$(elements blocked_ports)" -ge 1 ]; }
has_another_keeper() { now=$(lab_part keeper); [ -n "$now" ] && [ "$now" -ne "$1" ]; }
nflog_is() { [ "$(lab_ctl --json status | jq -r .sensors.nflog.state)" = "$1" ]; }
syns() { lab_ctl metrics | awk '$1 == "synward_syns_total" { printf "%d", $2 }'; }
more_syns() { [ "$(syns)" -gt "$1" ]; }
gone() { # PID ...
        local p
        for p; do [ ! -e "/proc/$p" ] || [ "$(field "$p" State)" = Z ] || return 1; done
}
works_on() { ! gone "$1"; }
since_ms() { echo $(((${EPOCHREALTIME/./} - $1) / 1000)); }

# within MILLISECONDS SINCE_US TEXT COMMAND ...: a test with the time that it took.
within() {
        local ms=$1 since=$2 text=$3 took
        shift 3
        lab_wait_for $((ms / 1000 + 5)) "$@" || { lab_not_ok "$text: not at all"; return 1; }
        took=$(since_ms "$since")
        lab_check "$text: after $took ms" "$took <= $ms"
}

has_parts() { [ -n "$(lab_part keeper)" ]; }

killed() { # what is left of lab_pid[daemon] is reaped
        kill -KILL "$1"
        wait "$1" 2>/dev/null
}

# The rights of one part.
rights_are() { # TEXT PID UID CAPABILITIES
        lab_check "$1: CapEff $(field "$2" CapEff), CapPrm $(field "$2" CapPrm), CapInh $(field "$2" CapInh), CapAmb $(field "$2" CapAmb)" \
                "\"$(field "$2" CapEff)$(field "$2" CapPrm)$(field "$2" CapInh)$(field "$2" CapAmb)\" == \"$4${4}00000000000000000000000000000000\""
        lab_check "$1: bounding set $(field "$2" CapBnd)" "\"$(field "$2" CapBnd)\" == \"$4\""
        lab_check "$1: NoNewPrivs $(field "$2" NoNewPrivs)" "$(field "$2" NoNewPrivs) == 1"
        lab_check "$1: uid $(field "$2" Uid)" "$(field "$2" Uid) == $3"
}

none=0000000000000000 net_admin=0000000000001000

rights_of() {
        rights_are "rights: the daemon${2:-}" "${lab_pid[daemon]}" "$1" $none
        rights_are "rights: what runs hooks${2:-}" "$(lab_part hooks)" "$1" $none
        rights_are "rights: what starts that${2:-}" "$(lab_part hookup)" "$1" $none
        rights_are "rights: the launcher${2:-}" "$(lab_part launch)" 0 $net_admin
        rights_are "rights: the keeper${2:-}" "$(lab_part keeper)" 0 $net_admin
}

rights() {
        local start before pid

        lab_up cookies=1
        lab_server web --listen 0.0.0.0:80 --backlog 511
        LAB_WATCH=0 lab_daemon
        rights_of "$(id -u "$lab_user")"
        lab_check "rights: the daemon's groups: $(grep ^Groups: /proc/"${lab_pid[daemon]}"/status)" \
                "$(awk '$1 == "Groups:" { print NF }' /proc/"${lab_pid[daemon]}"/status) == 1"
        lab_expect "rights: it says whom it became" grep -q "Going on as user $lab_user" "$lab_temp/daemon.err"
        # Nothing of the daemon's is open in the keeper: the pair, the table's socket, one for counters.
        pid=$(lab_part keeper)
        lab_check "rights: $(find /proc/"$pid"/fd -mindepth 1 | wc -l) descriptors in the keeper" \
                "$(find /proc/"$pid"/fd -mindepth 1 | wc -l) <= 6"
        pid=$(lab_part hooks)
        # The pair, and what its loop opened.
        lab_check "rights: $(find /proc/"$pid"/fd -mindepth 1 | wc -l) descriptors in what runs hooks" \
                "$(find /proc/"$pid"/fd -mindepth 1 | wc -l) <= 8"
        lab_pause 2
        before=$(lab_cpu_us) start=${EPOCHREALTIME/./}
        lab_pause 5
        lab_note "calm: $(awk "BEGIN { printf \"%.2f\", 100 * ($(lab_cpu_us) - $before) / (${EPOCHREALTIME/./} - $start) }") % of one CPU"
        lab_check "rights: all parts: Pss $(lab_pss_kib) KiB, RSS $(lab_rss_kib) KiB" \
                "$(lab_pss_kib) > 0 && $(lab_pss_kib) <= 12288"
        lab_end daemon
        lab_expect "rights: no table is left when it has ended" no_table
        rm -rf "$lab_temp/state" "$lab_temp/run"
        LAB_WATCH=0 lab_daemon --no-privilege-drop
        lab_check "rights: with --no-privilege-drop: uid $(field "${lab_pid[daemon]}" Uid)" \
                "\"$(field "${lab_pid[daemon]}" Uid)\" == \"0\""
        rights_are "rights: its keeper all the same" "$(lab_part keeper)" 0 $net_admin
        lab_expect "rights: which works" has_rules
        lab_down
}

keeper() {
        local pid at stray

        lab_up cookies=1 delay=1ms
        lab_server web --listen 0.0.0.0:80 --backlog 511
        lab_honest clients --to $LAB_SERVER4:80 --rate 50 --poisson --duration 60s --timeout 3s
        lab_pause 1
        LAB_CONFIG="
block: { enabled: true, timeout: 60s }
policy: [ { when: { state: flood }, do: [ alert, syncookies, block ] } ]" lab_daemon
        lab_pause 2
        # Two: what is blocked would end the flood for everybody else.
        lab_flood rate=4000 seconds=14 from=$bad name=blocked seed=1
        lab_flood rate=1500 seconds=14 seed=2
        lab_expect_state flood 2000 "$lab_flood_start_us" "keeper: flood found"
        if ! lab_wait_for 5 has_elements; then
                # All of one flood: it is called by the one that is forged.
                lab_note "nobody was blocked beside a spoofed flood"
        fi
        lab_end flood
        lab_wait_for 5 has_elements || lab_not_ok "keeper: the /24 is blocked"
        lab_note "before: $(elements blocked4) elements, $(elements blocked_ports) ports"
        pid=$(lab_part keeper) at=${EPOCHREALTIME/./}
        kill -KILL "$pid"
        within 5000 "$at" "keeper: another one is there" has_another_keeper "$pid"
        within 5000 "$at" "keeper: the rules are back" has_rules
        within 5000 "$at" "keeper: the block list's elements are back" has_elements
        within 5000 "$at" "keeper: its ports too" has_ports
        within 5000 "$at" "keeper: the sensor is well" nflog_is ok
        stray=$(syns)
        lab_flood rate=1000 seconds=4 name=more seed=3 from=198.51.100.0/24
        lab_wait_for 5 more_syns $((stray + 500)) || true
        lab_check "keeper: SYNs are counted again ($(($(syns) - stray)) more)" "$(syns) > $stray + 500"
        lab_check "keeper: one flood, without a gap: $(lab_events flood-start | wc -l) start, $(lab_events flood-end | wc -l) end" \
                "$(lab_events flood-start | wc -l) == 1 && $(lab_events flood-end | wc -l) == 0"
        lab_check "keeper: told: $(lab_events sensor-degraded | wc -l) degraded, $(lab_events sensor-recovered | wc -l) recovered" \
                "$(lab_events sensor-degraded | wc -l) >= 1 && $(lab_events sensor-recovered | wc -l) >= 1"
        lab_end more
        lab_end blocked
        lab_client_served clients 0.9 "keeper: honest clients"
        lab_down
}

ten_pings() { # took: milliseconds
        local asked=${EPOCHREALTIME/./}

        for _ in 1 2 3 4 5 6 7 8 9 10; do lab_ctl ping >/dev/null; done
        took=$(since_ms "$asked")
}

hung() {
        local pid usual

        lab_up cookies=1 delay=1ms
        lab_server web --listen 0.0.0.0:80 --backlog 511
        LAB_CONFIG=$short lab_daemon
        pid=$(lab_part keeper)
        ten_pings
        usual=$took
        kill -STOP "$pid"
        within 3000 "${EPOCHREALTIME/./}" "hung: the sensor says so" nflog_is degraded
        ten_pings
        # One wait of 250 ms may fall into it; ten, or one a tick, may not.
        lab_check "hung: ten pings take $took ms, $usual before" "$took < 2 * $usual + 500"
        lab_flood rate=1500 seconds=4
        lab_expect_state flood 2500 "$lab_flood_start_us" "hung: a flood is found all the same"
        kill -CONT "$pid"
        within 3000 "${EPOCHREALTIME/./}" "hung: it works again" nflog_is ok
        lab_check "hung: it is the same keeper" "\"$(lab_part keeper)\" == \"$pid\""
        lab_flood_wait
        lab_down
}

launcher() {
        local launch keep

        lab_up cookies=1 delay=1ms
        lab_server web --listen 0.0.0.0:80 --backlog 511
        LAB_CONFIG=$short lab_daemon
        launch=$(lab_part launch) keep=$(lab_part keeper)
        kill -KILL "$launch"
        lab_wait_for 3 gone "$launch" || true
        lab_expect "launcher: the keeper works on" nflog_is ok
        lab_expect "launcher: and has the rules" has_rules
        lab_expect "launcher: it is told" lab_wait_for 3 grep -q 'starts the privileged one' "$lab_temp/daemon.err"
        kill -KILL "$keep"
        within 3000 "${EPOCHREALTIME/./}" "launcher: without a keeper the sensor has failed" nflog_is failed
        lab_flood rate=1500 seconds=4
        lab_expect_state flood 2500 "$lab_flood_start_us" "launcher: a flood is found all the same"
        lab_flood_wait
        lab_check "launcher: told $(lab_events sensor-degraded | grep -c nflog) times, at most once for each state" \
                "$(lab_events sensor-degraded | grep -c nflog) == 1"
        lab_down
}

daemon() {
        local launch keep pid at others

        lab_up cookies=0 delay=1ms
        lab_server web --listen 0.0.0.0:80 --backlog 511
        LAB_CONFIG=$short lab_daemon
        lab_flood rate=1500 seconds=10
        lab_wait_for 5 cookies_are 1 || lab_not_ok "daemon: it sets 1"
        launch=$(lab_part launch) keep=$(lab_part keeper) pid=${lab_pid[daemon]}
        others="$(lab_part hookup) $(lab_part hooks)"
        unset 'lab_pid[daemon]'
        at=${EPOCHREALTIME/./}
        killed "$pid"
        within 1000 "$at" "daemon: launcher and keeper are gone" gone "$launch" "$keep"
        # shellcheck disable=SC2086 # two
        within 1000 "$at" "daemon: what runs hooks is gone" gone $others
        within 1000 "$at" "daemon: the table is gone" no_table
        lab_in server "$SYNWARD_BUILD/synwardd" --restore --state-dir "$lab_temp/state" 2>>"$lab_temp/restore.err"
        lab_check "daemon: --restore puts $(cookies) back" "$(cookies) == 0"
        lab_end flood
        lab_down
}

reloads() { printf '%s\n' "$1" >"$lab_temp/synward.yaml"; lab_ctl reload >"$lab_temp/said" 2>&1; }

has_record() { [ "$(jq -r .state "$lab_temp"/state/incidents/2*/incident.json 2>/dev/null)" = ended ]; }

confined() {
        local mode command

        lab_up cookies=1
        lab_server web --listen 0.0.0.0:80 --backlog 511
        mkdir -p "$lab_temp/log" "$lab_temp/elsewhere"
        chown "$lab_user" "$lab_temp/log" "$lab_temp/elsewhere"
        LAB_CONFIG="$short
alerts: { file: { path: $lab_temp/log/events } }" lab_daemon
        grep -q 'system call may be used' "$lab_temp/daemon.err" && lab_skip "built without libseccomp"
        lab_check "confined: the daemon's Seccomp $(field "${lab_pid[daemon]}" Seccomp)" "$(field "${lab_pid[daemon]}" Seccomp) == 2"
        mode=$(awk '/^Seccomp:/ { print $2 }' /proc/self/status)
        lab_check "confined: what runs hooks is not ($(field "$(lab_part hooks)" Seccomp))" \
                "$(field "$(lab_part hooks)" Seccomp) == $mode"
        lab_flood rate=1500 seconds=4
        lab_expect_state flood $LAB_FOUND_COLD_MS "$lab_flood_start_us" "confined: a flood is found"
        lab_expect "confined: told in the file" lab_wait_for 3 grep -q flood-start "$lab_temp/log/events"
        # As logrotate(8) does.
        mv "$lab_temp/log/events" "$lab_temp/log/events.1"
        lab_flood_wait
        lab_expect "confined: its end in a new one" lab_wait_for 20 grep -qs flood-end "$lab_temp/log/events"
        lab_expect "confined: a record is written" lab_wait_for 5 has_record
        for command in status listeners events blocked incidents 'incidents 1' history metrics doctor check ping; do
                # shellcheck disable=SC2086 # words
                lab_ctl $command >"$lab_temp/said" 2>&1
                [ $? -le 2 ] || lab_not_ok "confined: synwardctl $command: $(tail -n 2 "$lab_temp/said")"
        done
        if reloads "alerts: { file: { path: $lab_temp/elsewhere/events } }"; then lab_not_ok "confined: a file elsewhere is taken"; fi
        lab_expect "confined: a file elsewhere takes a restart: $(head -n 1 "$lab_temp/said")" grep -q 'restart synwardd' "$lab_temp/said"
        lab_expect "confined: one beside the first is taken" reloads "alerts: { file: { path: $lab_temp/log/others } }"
        lab_expect "confined: and written to" lab_wait_for 3 grep -qs config-reloaded "$lab_temp/log/others"
        lab_expect "confined: it lives" lab_alive daemon
        lab_end daemon
        LAB_WATCH=0 lab_daemon --no-privilege-drop
        lab_check "confined: not with --no-privilege-drop: $(field "${lab_pid[daemon]}" Seccomp)" \
                "$(field "${lab_pid[daemon]}" Seccomp) == $mode"
        lab_down
}

# For a moment the orphaned hook is there in its place.
has_another_starter() {
        now=$(lab_part hooks)
        [ "$(cat /proc/"$now"/comm 2>/dev/null)" = synwardd-hooks ] && [ "$now" -ne "$1" ]
}
hooked() { [ "$(cat "$lab_temp/hooks/ran" 2>/dev/null | wc -l)" -ge "$1" ]; }

starter() {
        local pid hook at

        lab_up cookies=1
        lab_server web --listen 0.0.0.0:80 --backlog 511
        mkdir "$lab_temp/hooks"
        chown "$lab_user" "$lab_temp/hooks"
        # shellcheck disable=SC2016
        printf '#!/bin/sh\ntrap "" TERM\necho $$ >>"${0%%/*}/ran"\nwhile :; do sleep 1000; done\n' >"$lab_temp/hooks/hook"
        chmod 755 "$lab_temp/hooks/hook"
        LAB_CONFIG="$short
policy: [ { when: { state: flood }, do: [ alert, { hook: [ $lab_temp/hooks/hook ] } ] } ]" lab_daemon
        lab_flood rate=1000 seconds=6
        lab_expect "starter: the hook runs" lab_wait_for 5 hooked 1
        hook=$(head -n 1 "$lab_temp/hooks/ran") pid=$(lab_part hooks) at=${EPOCHREALTIME/./}
        lab_check "starter: as the daemon's user, without capabilities" \
                "$(field "$hook" Uid) == $(id -u "$lab_user") && \"$(field "$hook" CapPrm)\" == \"$none\""
        kill -KILL "$pid"
        within 5000 "$at" "starter: another one is there" has_another_starter "$pid"
        lab_expect "starter: what the first one ran is gone" gone "$hook"
        lab_expect "starter: it is told" lab_wait_for 3 grep -q 'that runs hooks was started anew' "$lab_temp/daemon.err"
        lab_check "starter: the flood goes on, $(lab_events flood-end | wc -l) ended" "$(lab_events flood-end | wc -l) == 0"
        lab_flood_wait
        lab_expect "starter: the hook runs again at its end" lab_wait_for 20 hooked 2
        hook=$(tail -n 1 "$lab_temp/hooks/ran") pid=$(lab_part hooks)
        lab_end daemon
        lab_expect "starter: it and its hooks end with the daemon" lab_wait_for 3 gone "$pid" "$hook"
        lab_down
}

nap() { # MILLISECONDS: a random time below.
        local us=$(((RANDOM << 15 | RANDOM) % ($1 * 1000))) s

        printf -v s %d.%06d $((us / 1000000)) $((us % 1000000))
        sleep "$s"
}

start_one() { # STATE
        lab_spawn daemon server "$SYNWARD_BUILD/synwardd" -c "$lab_temp/synward.yaml" \
                --control "$lab_temp/run/control.sock" --state-dir "$1" --runtime-dir "$1.run"
        lab_wait_for 5 has_parts || lab_not_ok "random: it starts"
}

random() {
        local i state keep pid left=0 bad_value=0 survived=0 keepers=0 changed=0 parts found

        lab_up cookies=0 delay=1ms
        lab_server web --listen 0.0.0.0:80 --backlog 511
        echo 'syncookies: { hold: 1s }' >"$lab_temp/synward.yaml"
        mkdir -p "$lab_temp/run"
        lab_note "random: seed $seed"
        for ((i = 1; i <= rounds; i++)); do
                lab_alive flood || lab_flood rate=1500 seconds=120
                state=$lab_temp/state$i
                mkdir "$state" "$state.run"
                start_one "$state"
                nap 1500
                if [ $((i % 2)) = 0 ]; then
                        keep=$(lab_part keeper)
                        if [ -n "$keep" ] && kill -KILL "$keep" 2>/dev/null; then keepers=$((keepers + 1)); fi
                        nap 700
                fi
                lab_alive daemon && survived=$((survived + 1))
                parts=$(lab_parts) pid=${lab_pid[daemon]}
                unset 'lab_pid[daemon]'
                killed "$pid"
                [ "$(cookies)" = 0 ] || changed=$((changed + 1))
                # At once: some of its parts may not have ended.
                lab_in server "$SYNWARD_BUILD/synwardd" --restore --state-dir "$state" 2>>"$lab_temp/restore.err" || true
                found=$(cookies)
                # shellcheck disable=SC2086 # several
                lab_wait_for 2 gone $parts || left=$((left + 1))
                lab_wait_for 2 no_table || left=$((left + 1))
                if [ "$found" != 0 ] || ! cookies_are 0; then
                        bad_value=$((bad_value + 1))
                        lab_note "round $i: $(cookies) is left: $(tail -n 1 "$lab_temp/restore.err")"
                        lab_write_sysctls server ipv4/tcp_syncookies=0
                fi
        done
        lab_check "random: the daemon lived through $keepers kills of its keeper in $rounds rounds" \
                "$keepers > $rounds / 3 && $survived == $rounds"
        lab_check "random: nothing of them was left" "$left == 0"
        lab_check "random: $changed kills left 1, and each was put back" "$changed > 0 && $bad_value == 0"
        lab_end flood
        lab_down
}

# The daemon is killed while its keeper is about to write 1.
# late_one NAME: a daemon is killed that has asked for 1 of a keeper that has not got there yet.
late_one() {
        lab_up cookies=0 delay=1ms
        lab_server web --listen 0.0.0.0:80 --backlog 511
        echo 'syncookies: { hold: 1s }' >"$lab_temp/synward.yaml"
        state=$lab_temp/late
        mkdir -p "$lab_temp/run" "$state" "$state.run"
        chmod 711 "$lab_temp" # the keeper is root without its rights
        touch "$lab_temp/frozen"
        LD_PRELOAD=$SYNWARD_BUILD/tests/lab/slow-disk.so SLOW_DISK=/proc/sys/net/ipv4/tcp_syncookies \
                SLOW_DISK_FLAG=$lab_temp/frozen start_one "$state"
        keeper=$(lab_part keeper)
        lab_flood rate=1500 seconds=10
        lab_expect "$1: 1 is asked for" lab_wait_for 5 grep -qs '"owned": true' "$state/syncookies.json"
        before=$(cookies)
        killed "${lab_pid[daemon]}"
        unset 'lab_pid[daemon]'
        lab_end flood
        lab_check "$1: it is not written yet" "$before == 0"
}
late_done() {
        lab_wait_for 2 gone "$keeper" || lab_not_ok "$1: the keeper ends"
        lab_write_sysctls server ipv4/tcp_syncookies=0
        lab_down
}

late() {
        local state keeper before restore

        late_one late
        lab_in server "$SYNWARD_BUILD/synwardd" --restore --state-dir "$state" 2>"$lab_temp/restore.err" &
        restore=$!
        lab_pause 1
        lab_expect "late: --restore waits for the keeper" works_on $restore
        rm "$lab_temp/frozen"
        lab_expect "late: and succeeds" wait $restore
        lab_expect "late: after both tcp_syncookies is 0" cookies_are 0
        lab_expect "late: which was 1 in between" grep -q "changed from 1 to 0" "$lab_temp/restore.err"
        late_done late
}

# Nobody else's 1 is the daemon's own that came late, so the next one puts it back.
next() {
        local state keeper before

        late_one next
        lab_spawn daemon server "$SYNWARD_BUILD/synwardd" -c "$lab_temp/synward.yaml" \
                --control "$lab_temp/run/control.sock" --state-dir "$state" --runtime-dir "$state.run"
        lab_pause 1
        lab_expect "next: a second daemon waits for the keeper of the first" [ "$(cookies)" = 0 ]
        rm "$lab_temp/frozen"
        lab_expect "next: and starts" lab_wait_for 5 has_parts
        lab_expect "next: tcp_syncookies was 1 in between, and is put back" lab_wait_for 20 was_put_back
        lab_expect "next: nobody else is said to have written it" lacks foreign
        late_done next
}
was_put_back() { cookies_are 0 && grep -q "tcp_syncookies.*\b0\b" "$lab_temp/daemon.err"; }
lacks() { ! grep -q "$1" "$lab_temp/daemon.err"; }

all="rights keeper hung launcher daemon confined starter random late next"
lab_scenarios "$all" "$@"
lab_done
