#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What honest clients feel: the probe's own handshakes, and those of known clients, which need none.
#   calm     it connects, quickly, leaves nothing behind, and is no client and no flood; what a reload takes over
#   ipv6     the same of IPv6
#   full     a flood and tcp_syncookies=0: it times out, and known clients send again; the record says so
#   cookies  the same flood and 1: both are served
#   refused  a listener that is gone; doctor
#   dropped  a firewall drops its SYNs: timed out, and no flood; and an address that is not here
#   unset_probe  without a probe the daemon can make no socket of TCP
. "$(dirname "$0")/lab.sh"
lab_need jq nft
lab_need_daemon

me=10.77.9.9 me6=fd77:9::9

status() { lab_ctl --json status; }
# probe FILTER, told FILTER: whether that is so now, of the probe's part and of all that status says.
probe() { status | jq -e ".probe | $1" >/dev/null 2>&1; }
told() { status | jq -e "$1" >/dev/null 2>&1; }
figure() { status | jq -r "$1"; }
# waits SECONDS TEXT COMMAND ...: a test.
waits() {
        local seconds=$1 text=$2
        shift 2
        if lab_wait_for "$seconds" "$@"; then
                lab_ok "$text"
        else
                lab_not_ok "$text [$* of $(status | jq -c '[.probe, .host.known_finished_share]')]"
        fi
}

# config LISTENER FROM [MORE]
config() {
        printf 'probe: { listener: "%s", from: "%s", interval: 1s, flood_interval: 500ms, timeout: 2s }\n%s\n' "$1" "$2" "${3:-}"
}
alone='syncookies: { mode: off }'

# up COOKIES [CONFIG]
up() {
        lab_up cookies="$1" delay=20ms
        lab_batch server "addr add $me/32 dev lo" "addr add $me6/128 dev lo" || lab_abort "no address for the probe"
        lab_server web --listen 0.0.0.0:80 --listen '[::]:81' --backlog 128
        LAB_CONFIG=${2:-$(config $LAB_SERVER4:80 $me "$alone")} lab_daemon
}

reload() { # CONFIG
        printf '%s\n' "$1" >"$lab_temp/synward.yaml"
        lab_ctl reload >"$lab_temp/reloaded" 2>&1
}

left_behind() { lab_in server ss -Htan "src $me or dst $me"; }
is_confined() { [ "$(awk '$1 == "Seccomp:" { print $2 }' "/proc/${lab_pid[daemon]}/status")" = 2 ]; }
# says_check STATUS REGEX, says_top REGEX: whether that is so now.
says_check() {
        local status=0

        lab_ctl check -w fill=200 >"$lab_temp/check" || status=$?
        [ "$status" = "$1" ] && grep -qE -- "$2" "$lab_temp/check"
}
tm() { tmux -S "$lab_temp/tmux" -f /dev/null "$@"; }
says_top() { tm capture-pane -p | grep -qE -- "$1"; }
top_begins() {
        tm new-session -d -x 80 -y 24 "LC_ALL=C.UTF-8 '$SYNWARD_BUILD/synwardctl' \
                --socket '$lab_temp/run/control.sock' top"
}
metric() { lab_ctl metrics | awk -v name="$1" '$1 == name { print $2 }'; }

calm() {
        local start

        up 1
        start=$lab_daemon_start_us
        lab_honest clients --from 100.64.0.0/24 --to $LAB_SERVER4:80 --rate 100 --duration 60s --timeout 3s
        lab_expect "calm: the daemon is confined" is_confined
        waits 10 "calm: connects" probe '.last == "connected" and .attempts.connected >= 3'
        lab_check "calm: in $(figure .probe.last_ms) ms" "$(figure .probe.last_ms) > 0 && $(figure .probe.last_ms) < 50"
        lab_check "calm: every one: $(figure '.probe.attempts | tostring' | tr -d '"{}')" \
                "$(figure .probe.connected_share) == 1 && $(figure '.probe.attempts | .refused + .timed_out + .failed') == 0"
        lab_check "calm: once in $(figure .probe.interval_ms) ms" "$(figure .probe.interval_ms) == 1000"
        waits 20 "calm: known clients finish" told '.host.known_finished_share >= 0.99'
        lab_check "calm: nothing stays: $(left_behind | wc -l) sockets" "$(left_behind | wc -l) <= 1"
        lab_check "calm: metrics say so" "$(metric 'synward_probe_handshakes_total{result="connected"}') >= 3 &&
                $(metric synward_probe_duration_seconds_count) >= 3 && $(metric synward_probe_connected_ratio) == 1 &&
                $(metric synward_known_finished_ratio) >= 0.99"
        lab_check "calm: history too" "$(lab_ctl --json history |
                jq '[.points[] | select(.probe_connected_share == 1 and .probe_slowest_ms > 0)] | length') >= 2"

        waits 10 "calm: check has its time and its share" \
                says_check 0 '^SYNWARD OK: normal, [^|]* \| .* probe=[0-9.]+ms;;;0 probe_connected=100%;;;0$'

        # Who closes by SO_LINGER of 0 s is missing among the ends, and the sensor seems late.
        lab_expect "calm: no sensor is the worse for it" told '[.sensors[].state] | all(. == "ok")'

        # The probe alone is no known client.
        lab_end clients
        waits 20 "calm: the probe is no known client" told '.host.known_finished_share == null and .probe.last == "connected"'

        reload "$(config $LAB_SERVER4:80 $me 'mode: enforce' | sed 's/interval: 1s/interval: 3s/')"
        waits 5 "calm: a reload takes another interval over" probe '.interval_ms == 3000'
        reload "$(config $LAB_SERVER4:81 $me)"
        if grep -q "No Landlock here" "$lab_temp/daemon.err"; then
                waits 10 "calm: a reload takes another port over, where no Landlock bounds them" \
                        probe ".listener == \"$LAB_SERVER4:81\" and .last == \"connected\""
        else
                lab_expect "calm: another port takes a restart, which is said" \
                        grep -q "restart synwardd to probe there" "$lab_temp/reloaded"
        fi
        reload "probe: { listener: \"$LAB_SERVER4\" }"
        lab_expect "calm: a listener without a port is refused, with its place" \
                grep -q "synward.yaml:1:.*probe.listener: .*write it like 192.0.2.1:443" "$lab_temp/reloaded"
        reload 'probe:'
        waits 5 "calm: and may be switched off" told '.probe == null'
        lab_never flood "calm: no flood" "$start"
        lab_down
}

ipv6() {
        up 1 "$(config "$LAB_SERVER6:81" "$me6")"
        waits 10 "ipv6: connects" probe '.last == "connected" and .last_ms > 0 and .last_ms < 50'
        lab_check "ipv6: $(figure .probe.listener) from $(figure .probe.from)" \
                "\"$(figure .probe.listener)\" == \"$LAB_SERVER6:81\" && \"$(figure .probe.from)\" == \"$me6\""
        lab_down
}

incident() { lab_ctl --json incidents "$(lab_ctl --json incidents | jq '.incidents[0].id')" | jq ".incidents[0]$1"; }
in_words() { lab_ctl incidents "$(lab_ctl --json incidents | jq '.incidents[0].id')" "$1"; }
flooded() { # COOKIES NAME
        up "$1"
        lab_honest clients --from 100.64.0.0/24 --to $LAB_SERVER4:80 --rate 100 --duration 120s --timeout 3s
        waits 20 "$2: calm before" told '.host.known_finished_share >= 0.99 and .probe.connected_share == 1 and .probe.attempts.connected >= 5'
        lab_flood rate=1000 seconds=20
        lab_expect_state flood "$LAB_FOUND_COLD_MS" "$lab_flood_start_us" "$2: flood found"
}

full() {
        flooded 0 full
        waits 5 "full: twice a second" probe '.interval_ms == 500'
        waits 15 "full: the probe is timed out" probe '.attempts.timed_out >= 8 and .last == "timed_out" and .connected_share != null and .connected_share < 0.5'
        waits 10 "full: known clients send again" told '.host.known_finished_share | . != null and . < 0.5'
        lab_note "full: probe $(figure '.probe | [.connected_share, .attempts] | tostring'), known clients finish $(figure .host.known_finished_share)"
        lab_expect "full: no sensor is the worse for it" told '[.sensors[].state] | all(. == "ok")'
        lab_check "full: it is a flood of forged addresses: $(figure .diagnosis)" "\"$(figure .diagnosis)\" == \"flood-spoofed\""
        lab_flood_wait
        waits 80 "full: connects again when the queue is free" probe '.last == "connected"'
        waits 30 "full: known clients finish again" told '.host.known_finished_share >= 0.9'
        lab_check "full: the record tells $(incident .impact.probe.timed_out) timed out of $(incident '.impact.probe | add')" \
                "$(incident .impact.probe.timed_out) >= 8 && $(incident .impact.probe_connected_share) < 0.9 &&
                 $(incident .impact.known_finished_share) < 0.95"
        lab_check "full: and $(incident .impact_before.probe.connected) connected before" \
                "$(incident .impact_before.probe.connected) >= 3 && $(incident .impact_before.probe_connected_share) == 1 &&
                 $(incident .impact_before.known_finished_share) > 0.9"
        in_words --text >"$lab_temp/text"
        lab_expect "full: in words" grep -q "^  handshakes of the probe that connected  *100 % of" "$lab_temp/text"
        in_words --html >"$lab_temp/page"
        lab_expect "full: and on the page" grep -q "known clients served at the first SYN" "$lab_temp/page"
        lab_down
}

cookies() {
        local before

        flooded 1 cookies
        before=$(figure .probe.attempts.connected)
        waits 15 "cookies: the probe connects all along" probe ".attempts.connected >= $before + 10"
        lab_check "cookies: $(figure .probe.connected_share) of them, in $(figure .probe.last_ms) ms" \
                "$(figure .probe.connected_share) == 1 && $(figure .probe.attempts.timed_out) == 0"
        lab_check "cookies: known clients finish $(figure .host.known_finished_share)" "$(figure .host.known_finished_share) > 0.95"
        lab_down
}

refused() {
        local start

        up 1
        start=$lab_daemon_start_us
        waits 10 "refused: connects first" probe '.last == "connected"'
        if lab_has tmux "refused: top"; then
                top_begins
                waits 10 "refused: top says that it connects" says_top '^probe: connected in [0-9.]+ ms, lately 100 % connected'
        fi
        lab_end web
        waits 10 "refused: told" probe '.last == "refused" and .attempts.refused >= 2'
        waits 15 "refused: check warns, with the reason" \
                says_check 1 "^SYNWARD WARNING: normal, .*, probe of $LAB_SERVER4:80 refused, lately 0 % connected \| .* probe_connected=0%"
        if command -v tmux >/dev/null; then
                waits 10 "refused: so does top" says_top '^probe: refused, lately 0 % connected'
                tm kill-server
        fi
        lab_in server "$SYNWARD_BUILD/synwardctl" --socket "$lab_temp/run/control.sock" --json doctor >"$lab_temp/doctor"
        lab_expect "refused: doctor knows that nobody listens there" \
                grep -q '"probe_listener"' "$lab_temp/doctor"
        lab_never flood "refused: no flood" "$start"
        lab_down
}

dropped() {
        local start

        up 1
        start=$lab_daemon_start_us
        waits 10 "dropped: connects first" probe '.last == "connected"'
        lab_in server nft "table inet lab { chain in { type filter hook input priority 0; }; }
                add rule inet lab in ip saddr $me tcp dport 80 drop" || lab_abort nft
        waits 15 "dropped: timed out" probe '.last == "timed_out" and .attempts.timed_out >= 3 and .attempts.refused == 0'
        lab_in server nft delete table inet lab
        waits 15 "dropped: connects again" probe '.last == "connected"'
        # Half-opens of its own, which nobody will finish.
        lab_in server nft "table inet lab { chain out { type filter hook output priority 0; }; }
                add rule inet lab out ip daddr $me tcp sport 80 drop" || lab_abort nft
        waits 30 "dropped: answers too: timed out" probe '.last == "timed_out" and .attempts.timed_out >= 15 and .attempts.refused == 0'
        lab_note "dropped: $(lab_half_open) half-open, unfinished $(figure .host.unanswered_per_s)/s, strength $(figure .host.strength)"
        lab_in server nft delete table inet lab
        waits 15 "dropped: connects again after that" probe '.last == "connected"'
        lab_never flood "dropped: no flood" "$start"
        lab_expect "dropped: no sensor is the worse for it" told '[.sensors[].state] | all(. == "ok")'
        lab_batch server "addr del $me/32 dev lo"
        waits 10 "dropped: an address that is gone is said to be" \
                probe '.last == "failed" and .why == "probe.from is no address of this host"'
        waits 10 "dropped: and check warns of it" \
                says_check 1 ", probe of $LAB_SERVER4:80 failed.*: probe.from is no address of this host \| "
        lab_expect "dropped: and once in the log" [ "$(grep -c 'The probe cannot be tried' "$lab_temp/daemon.err")" = 1 ]
        lab_batch server "addr add $me/32 dev lo"
        waits 10 "dropped: and is used again" probe '.last == "connected" and .why == null'
        lab_down
}

unset_probe() {
        up 1 "$alone"
        lab_expect "unset: there is none" told '.probe == null and .host.probe_connected_share == null'
        lab_expect "unset: the daemon is confined" is_confined
        lab_ctl check >"$lab_temp/check"
        lab_expect "unset: check says nothing of it" [ "$(grep -c probe "$lab_temp/check")" = 0 ]
        reload "$(config $LAB_SERVER4:80 $me)"
        lab_expect "unset: to name a listener takes a restart, which is said" \
                grep -q "probe.listener: this process has not kept port 80 to connect to: restart" "$lab_temp/reloaded"
        lab_expect "unset: and nothing is changed" told '.probe == null'
        lab_down
}

[ $# -gt 0 ] || set -- calm ipv6 full cookies refused dropped unset_probe
lab_scenarios "calm ipv6 full cookies refused dropped unset_probe" "$@"
lab_done
