#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the daemon does beside watching, in a flood of 1,000 SYN/s onto a backlog of
# 511: --dry-run and mode: observe tell everything and touch nothing; a value of
# tcp_syncookies that somebody else wrote is left alone until it is handed back; hooks
# that misbehave hold nobody up; SIGHUP takes a good configuration, and a bad one not
# even in part.
#   test-act.sh [dry foreign hooks reload]
. "$(dirname "$0")/lab.sh"
lab_need jq nft sysctl
lab_need_daemon

short='detect: { hold: 1s, recover: 1s }'

cookies() { lab_in server cat /proc/sys/net/ipv4/tcp_syncookies; }
cookies_are() { [ "$(cookies)" = "$1" ]; }

# events NAME [TEXT]: messages of such events with the text in them.
events() {
        lab_ctl --json events -n 256 | jq -r --arg e "$1" --arg t "${2:-}" \
                '.events[] | select(.event == $e and (.message | contains($t))) | .message'
}
has_event() { events "$@" | grep -q .; }
# event PART NAME TEXT [SECONDS]: a test; such an event within so many seconds (5).
event() {
        if lab_wait_for "${4:-5}" has_event "$2" "$3"; then
                lab_ok "$1: $2: $(events "$2" "$3" | head -n 1)"
        else
                lab_not_ok "$1: $2 ($3)"
                lab_ctl events | tail -n 5 | sed 's/^/#   /'
        fi
}
status() { lab_ctl --json status | jq -r "$1"; }

# What tcp_syncookies is, noted fifty times a second until values_end; values_were VALUE:
# at every one of them.
values_begin() {
        # shellcheck disable=SC2016
        lab_spawn values server sh -c 'while cat /proc/sys/net/ipv4/tcp_syncookies; do sleep 0.02; done'
        lab_wait_for 3 test -s "$lab_temp/values.out"
}
values_were() {
        lab_check "$2 ($(wc -l <"$lab_temp/values.out") looks: $(sort "$lab_temp/values.out" | uniq -c | xargs))" \
                "$(grep -cx "$1" "$lab_temp/values.out") > 50 && $(grep -cvx "$1" "$lab_temp/values.out") == 0"
}

# --- told, not done ------------------------------------------------------------------

tables() { lab_in server nft list tables | sort | xargs; }
chains() { lab_in server nft list table inet synward 2>/dev/null | awk '$1 == "chain" { print $2 }' | sort | xargs; }
drops() { lab_in server nft list ruleset | grep -c drop; }
blocked() { lab_in server nft list ruleset | grep -A9 'set blocked4' | grep -c elements; }

# act NAME MODE [OPTION ...]: a flood from one network, and all that may be done about it.
act() {
        local name=$1 mode=$2
        shift 2

        lab_up cookies=0
        lab_server web --listen 0.0.0.0:80 --backlog 511
        LAB_CONFIG="
mode: $mode
$short
syncookies: { hold: 1s }
block: { enabled: true, timeout: 60s }
policy:
  - when: { state: flood }
    do: [ alert, syncookies, block, { hook: [ /usr/bin/touch, $lab_temp/hooked ] } ]"
        lab_check "$name: no table before" "$(tables | wc -w) == 0"
        values_begin
        lab_daemon "$@"
        lab_flood rate=1000 seconds=4 from=203.0.113.0/24
        # It begins with the daemon, on a host that nobody has visited yet.
        lab_expect_state flood $LAB_FOUND_COLD_MS "$lab_flood_start_us" "$name: flood found"
}

acted() { [ -e "$lab_temp/hooked" ] && [ "$(blocked)" -gt 0 ] && cookies_are 1; }

pretend() {
        local name=$1

        act "$@"
        event "$name" syncookies-set "would change from 0 to 1"
        event "$name" source-blocked "dry run: 203.0.113.0/24 would be blocked"
        lab_expect "$name: the log has the hook" lab_wait_for 2 grep -q 'Dry run: /usr/bin/touch would run for flood-start' \
                "$lab_temp/daemon.err"
        lab_expect "$name: status says so" [ "$(status .dry_run)" = true ]
        lab_flood_wait
        lab_expect "$name: the only table is the log's ($(tables))" [ "$(tables)" = "table inet synward" ]
        lab_expect "$name: with no other chains ($(chains))" [ "$(chains)" = "forward input log_all prerouting" ]
        lab_check "$name: no rule drops, nobody is in a set" "$(drops) == 0 && $(blocked) == 0"
        event "$name" flood-end "SYN flood over" 15
        event "$name" syncookies-restored "would change from 1 to 0" 15
        lab_end daemon
        lab_end values
        values_were 0 "$name: tcp_syncookies was 0 all along"
        lab_expect "$name: no hook ran" [ ! -e "$lab_temp/hooked" ]
        lab_expect "$name: no record of it" [ ! -e "$lab_temp/state/syncookies.json" ]
        lab_expect "$name: nothing is offered to be undone" sh -c "! grep -q 'to undo' '$lab_temp/daemon.err'"
        # mode: observe is for weeks, and keeps its incidents.
        [[ " $* " != *" --dry-run "* ]] ||
                lab_expect "$name: no file at all is written" [ -z "$(find "$lab_temp/state" -type f)" ]
        lab_check "$name: no table afterwards" "$(tables | wc -w) == 0"
        lab_down
}

dry() {
        # That all of it would be seen.
        act "in earnest" enforce
        lab_expect "in earnest: tcp_syncookies is 1, a network is blocked, the hook ran" lab_wait_for 5 acted
        lab_check "in earnest: rules drop ($(chains))" "$(drops) > 0"
        lab_end daemon
        lab_expect "in earnest: tcp_syncookies is 0 again" cookies_are 0
        lab_down

        pretend "--dry-run" enforce --dry-run
        pretend "mode: observe" observe
}

# --- somebody else's value -------------------------------------------------------------

foreign() {
        local command

        lab_up cookies=0
        lab_server web --listen 0.0.0.0:80 --backlog 511
        # Held for so long that only handing it back ends the hands-off.
        LAB_CONFIG="$short
syncookies: { hold: 10m }"
        lab_daemon
        lab_flood rate=1000 seconds=6
        lab_expect "foreign: the daemon sets 1" lab_wait_for 5 cookies_are 1
        lab_write_sysctls server ipv4/tcp_syncookies=2
        event foreign syncookies-foreign "is 2 where synward had set 1"
        values_begin
        lab_expect "foreign: status does not call it managed" [ "$(status .syncookies.managed)" = false ]
        lab_flood_wait
        event foreign flood-end "SYN flood over" 15
        lab_end values
        values_were 2 "foreign: it stays 2 until the flood is over"

        command=$(events syncookies-foreign | sed -n 's/.*; to hand it back: //p')
        lab_expect "foreign: a command that hands it back: $command" [ -n "$command" ]
        mkdir "$lab_temp/bin"
        printf '#!/bin/sh\nexec "%s" --socket "%s" "$@"\n' "$SYNWARD_BUILD/synwardctl" \
                "$lab_temp/run/control.sock" >"$lab_temp/bin/synwardctl"
        chmod +x "$lab_temp/bin/synwardctl"
        hand_back() { lab_in server env PATH="$lab_temp/bin:$PATH" sh -c "$command" >/dev/null; }
        lab_expect "foreign: it succeeds" hand_back
        lab_check "foreign: the value of before is back" "$(cookies) == 0"
        lab_flood rate=1000 seconds=6
        lab_expect "foreign: in the next flood the daemon sets 1 again" lab_wait_for 5 cookies_are 1
        lab_expect "foreign: and manages it" lab_wait_for 2 managed
        lab_end daemon
        lab_expect "foreign: and puts 0 back" cookies_are 0
        lab_down
}
managed() { [ "$(status .syncookies.managed)" = true ]; }

# --- bad hooks ---------------------------------------------------------------------------

# hook NAME SCRIPT
hook() {
        printf '#!/bin/sh\necho $$ >"$0.ran"\n%s\n' "$2" >"$lab_temp/hooks/$1"
        chmod +x "$lab_temp/hooks/$1"
}
all_ran() {
        local h

        for h in hangs forks fails babbles; do
                [ -s "$lab_temp/hooks/$h.ran" ] || return 1
        done
}
run_on() {
        local h

        for h; do
                kill -0 "$(cat "$lab_temp/hooks/$h.ran")" || return 1
        done
}
forks_are_gone() {
        local pid

        for pid in $(cat "$lab_temp/hooks/forks.children"); do
                ! kill -0 "$pid" 2>/dev/null || return 1
        done
}
second_since() {
        status '.listeners[] | select(.port == 8080 and .state == "flood") | .since'
}
second_found() { [ -n "$(second_since)" ]; }

hooks() {
        local since found_us

        lab_up cookies=0
        lab_server web --listen 0.0.0.0:80 --backlog 511
        lab_server other --listen 0.0.0.0:8080 --backlog 511
        mkdir "$lab_temp/hooks"
        chown "$lab_user" "$lab_temp/hooks"
        hook hangs 'trap "" TERM; while :; do sleep 1000; done'
        # shellcheck disable=SC2016
        hook forks 'for i in 1 2 3; do sleep 1000 & echo $! >>"$0.children"; done'
        hook fails 'echo "no such page"; exit 1'
        hook babbles 'exec yes "a long line of output that nobody will ever want to read"'
        LAB_CONFIG="$short
syncookies: { hold: 1s }
alerts: { hook_timeout: 5s }
policy:
  - { when: { state: flood }, do: [ { hook: [ $lab_temp/hooks/hangs ] } ] }
  - { when: { state: flood }, do: [ { hook: [ $lab_temp/hooks/forks ] } ] }
  - { when: { state: flood }, do: [ { hook: [ $lab_temp/hooks/fails ] } ] }
  - { when: { state: flood }, do: [ { hook: [ $lab_temp/hooks/babbles ] } ] }
  - { when: { state: flood }, do: [ alert, syncookies ] }"
        lab_daemon
        lab_flood rate=1000 seconds=8
        lab_expect_state flood $LAB_FOUND_COLD_MS "$lab_flood_start_us" "hooks: flood found"
        lab_expect "hooks: all four ran" lab_wait_for 3 all_ran
        lab_expect "hooks: tcp_syncookies is 1" lab_wait_for 3 cookies_are 1

        # While two of them hang.
        lab_flood name=second rate=1000 seconds=4 to=$LAB_SERVER4:8080 seed=2
        lab_wait_for 5 second_found
        since=$(second_since)
        found_us=$(date -d "${since:-1970-01-01Z}" +%s%6N)
        lab_check "hooks: a flood of another listener found after $(((found_us - lab_flood_start_us) / 1000)) ms" \
                "$found_us > $lab_flood_start_us && $found_us <= $lab_flood_start_us + 1000 * $LAB_FOUND_COLD_MS"
        lab_expect "hooks: meanwhile two of them run on" run_on hangs babbles
        lab_check "hooks: resident, what parts share counted once: $(lab_pss_kib) KiB" "$(lab_pss_kib) < 8192"

        event hooks hook-failed "hooks/fails for flood-start: exit status 1: no such page"
        event hooks hook-failed "hooks/babbles for flood-start: took longer than 5000 ms: " 8
        event hooks hook-failed "hooks/hangs for flood-start: took longer than 5000 ms" 8
        lab_check "hooks: no complaint of the one that left children behind" "$(events hook-failed hooks/forks | wc -l) == 0"
        lab_expect "hooks: and they are gone" lab_wait_for 2 forks_are_gone
        lab_finish second
        lab_flood_wait
        event hooks flood-end "SYN flood over" 15
        lab_expect "hooks: tcp_syncookies is 0 again" lab_wait_for 5 cookies_are 0
        lab_check "hooks: resident, what parts share counted once: $(lab_pss_kib) KiB" "$(lab_pss_kib) < 8192"
        lab_check "hooks: the daemon answered all along ($(wc -l <"$lab_temp/states") answers)" \
                "$(grep -cE ' (down|unreadable) ' "$lab_temp/states") == 0"
        # Those of flood-end hang: they end with the daemon.
        lab_down
}

# --- SIGHUP -------------------------------------------------------------------------------

mode_is() { [ "$(status .syncookies.mode)" = "$1" ]; }

reload() {
        local pid

        lab_up cookies=0
        lab_server web --listen 0.0.0.0:80 --backlog 511
        LAB_CONFIG="$short"
        lab_daemon
        pid=${lab_pid[daemon]}
        lab_expect "reload: syncookies.mode is auto" mode_is auto
        printf '%s\nsyncookies: { mode: off }\n' "$short" >"$lab_temp/synward.yaml"
        kill -HUP "$pid"
        event reload config-reloaded ""
        lab_expect "reload: what it says is in force" lab_wait_for 2 mode_is off
        printf '%s\nsyncookies: { mode: auto }\npoll: { intervl: 2s }\n' "$short" >"$lab_temp/synward.yaml"
        kill -HUP "$pid"
        event reload config-rejected "synward.yaml:3:"
        lab_check "reload: taken once, refused once" \
                "$(events config-reloaded | wc -l) == 1 && $(events config-rejected | wc -l) == 1"

        lab_flood rate=1000 seconds=4
        lab_expect_state flood $LAB_FOUND_COLD_MS "$lab_flood_start_us" "reload: the same daemon goes on: flood found"
        lab_flood_wait
        lab_expect "reload: nothing of the bad file is in force" mode_is off
        lab_expect "reload: tcp_syncookies is 0 still" cookies_are 0
        lab_expect "reload: the same process" [ "$(status .pid)" = "$pid" ]
        lab_down
}

[ $# -gt 0 ] || set -- dry foreign hooks reload
for part; do
        case $part in
        dry | foreign | hooks | reload) "$part" ;;
        *) echo "no part $part" >&2; exit 2 ;;
        esac
done
lab_done
