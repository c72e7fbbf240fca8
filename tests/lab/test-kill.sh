#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon itself killed outright during a flood, around its changes of tcp_syncookies,
# then synwardd --restore with the same state: each time the value is 0 as before. A third
# each of the rounds: killed at any moment, while it sets 1, while it puts 0 back.
# test-syncookies-kill.sh does the same to the governor alone, hundreds of times.
#   test-kill.sh [ROUNDS [SEED]]
. "$(dirname "$0")/lab.sh"
lab_need
lab_need_daemon

rounds=${1:-21}
seed=${2:-$RANDOM}
RANDOM=$seed

sysctl=/proc/sys/net/ipv4/tcp_syncookies
cookies() { lab_in server cat $sysctl; }
cookies_are() { [ "$(cookies)" = "$1" ]; }

# nap MILLISECONDS: a random time below.
nap() {
        local us=$(((RANDOM << 15 | RANDOM) % ($1 * 1000))) s

        printf -v s %d.%06d $((us / 1000000)) $((us % 1000000))
        sleep "$s"
}

# It has its record, writes, puts its record away within a few milliseconds.
nap_or_not() { [ $((RANDOM % 2)) = 0 ] || nap 3; }

daemon() { # STATE
        lab_spawn daemon server "$SYNWARD_BUILD/synwardd" -c "$lab_temp/synward.yaml" \
                --control "$lab_temp/control.sock" --state-dir "$1" --runtime-dir "$1.run"
        pid=${lab_pid[daemon]}
}

killed() {
        kill -KILL "$pid"
        wait "$pid" 2>/dev/null
        unset 'lab_pid[daemon]'
}

# Without a process of its own for every look: the moment is short.
until_there() { # FILE
        local end=$((${EPOCHREALTIME/./} + 5000000))

        until [ -e "$1" ] || [ "${EPOCHREALTIME/./}" -gt $end ]; do :; done
        [ -e "$1" ]
}

any_moment() {
        nap 1000
        killed
}

setting() { # STATE
        until_there "$1/syncookies.json" || lab_not_ok "round $i: the daemon sets 1 in this flood"
        nap_or_not
        killed
}

putting_back() {
        lab_wait_for 5 cookies_are 1 || lab_not_ok "round $i: the daemon sets 1 in this flood"
        kill -TERM "$pid"
        nap_or_not
        killed
}

lab_up cookies=0 delay=1ms
lab_server web --listen 0.0.0.0:80 --backlog 511
echo 'syncookies: { hold: 1s }' >"$lab_temp/synward.yaml"
lab_note "seed $seed, $rounds rounds"

kinds=(any_moment setting putting_back)
declare -A kills=() changed=()
recorded=0 bad=0 failed=0
for ((i = 1; i <= rounds; i++)); do
        lab_alive flood || lab_flood rate=1000 seconds=60
        kind=${kinds[i % 3]}
        # One of its own: the history in it would soon forbid more changes.
        state=$lab_temp/state$i
        mkdir -p "$state" "$state.run"
        daemon "$state"
        $kind "$state"
        found=$(cookies)
        kills[$kind]=$((${kills[$kind]:-0} + 1))
        changed[$kind]=$((${changed[$kind]:-0} + (found == 1)))
        grep -qs '"owned": true' "$state/syncookies.json" && recorded=$((recorded + 1))
        lab_in server "$SYNWARD_BUILD/synwardd" --restore --state-dir "$state" 2>>"$lab_temp/restore.err" ||
                failed=$((failed + 1))
        if ! cookies_are 0; then
                bad=$((bad + 1))
                lab_note "round $i ($kind): killed at $found, restored to $(cookies):" \
                        "$(tr -d ' \n' <"$state/syncookies.json") $(tail -n 1 "$lab_temp/restore.err")"
                lab_write_sysctls server ipv4/tcp_syncookies=0
        fi
done
lab_end flood
for kind in "${kinds[@]}"; do
        lab_note "$(printf '%-12s %d kills, %d left 1' "$kind" "${kills[$kind]:-0}" "${changed[$kind]:-0}")"
done
left=$((${changed[any_moment]:-0} + ${changed[setting]:-0} + ${changed[putting_back]:-0}))
lab_check "$left of $((i - 1)) kills left 1, $recorded a record" "$left > 0 && $recorded >= $left"
lab_check "synwardd --restore succeeded each time" "$failed == 0"
lab_check "and tcp_syncookies was 0 after each" "$bad == 0"
lab_done
