#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# synwardd --diagnose on a host without a service: a quiet one, a flood, a crowd,
# and an application that does not accept. Each for 4 s.
#
# shellcheck disable=SC2154 # names of lab.sh
. "$(dirname "$0")/lab.sh"
lab_need jq nft
lab_need_daemon

# diagnose STATUS TEXT [OPTION ...]: its output in diagnose.out, and as one line
# of words in diagnose.flat: people's terminals break lines, tests must not care
diagnose() {
        local want=$1 text=$2 got
        shift 2

        lab_in server "$SYNWARD_BUILD/synwardd" --config "$lab_temp/empty.yaml" --diagnose=4s "$@" \
                >"$lab_temp/diagnose.out" 2>"$lab_temp/diagnose.err"
        got=$?
        flatten
        if [ $got -eq "$want" ]; then
                lab_ok "$text: exit status $got"
        else
                lab_not_ok "$text: exit status $got, not $want"
                sed 's/^/#   /' "$lab_temp/diagnose.out" "$lab_temp/diagnose.err"
        fi
        # Without a terminal there is nothing to say but the verdict.
        lab_check "$text: silence on standard error" "$(stat -c %s "$lab_temp/diagnose.err") == 0"
}

flatten() { tr -s ' \n' '  ' <"$lab_temp/diagnose.out" >"$lab_temp/diagnose.flat"; }

# says REGEX TEXT
says() {
        if grep -qiE -- "$1" "$lab_temp/diagnose.flat"; then
                lab_ok "$2"
        else
                lab_not_ok "$2: not found: $1"
                sed 's/^/#   /' "$lab_temp/diagnose.out"
        fi
}

says_not() {
        if grep -qiE -- "$1" "$lab_temp/diagnose.flat"; then
                lab_not_ok "$2: found: $(grep -ioE -- "$1" "$lab_temp/diagnose.flat")"
        else
                lab_ok "$2"
        fi
}

up() {
        lab_up "$@"
        : >"$lab_temp/empty.yaml"
}

quiet() {
        up cookies=1
        lab_server web --listen 0.0.0.0:80 --backlog 511
        diagnose 0 "a quiet host"
        says '^no flood\. there is little traffic' "a quiet host: so it says"
        diagnose 0 "a quiet host as JSON" --json
        lab_check "one document in the form of status" "$(jq -es 'length == 1 and
                .[0].schema == "synward.status.v1" and .[0].state == "normal" and
                .[0].sensors.nflog.state == "ok" and .[0].listeners[0].port == 80' \
                <"$lab_temp/diagnose.out" | grep -c true) == 1"
        lab_check "its rules are gone" "$(lab_in server nft list tables | wc -l) == 0"
        lab_down
}

flood() {
        up cookies=0
        lab_server web --listen 0.0.0.0:80 --backlog 511
        lab_honest clients --to $LAB_SERVER4:80 --rate 100 --poisson --duration 30s --timeout 3s
        lab_flood rate=1000 seconds=20
        diagnose 10 "a flood of 1,000 SYN/s"
        says '^syn flood at 0\.0\.0\.0:80 \(server, pid [0-9]+\):.*spoofed' "the listener, its program and the kind are named"
        says 'sysctl -w net\.ipv4\.tcp_syncookies=1' "cookies are off: the command that turns them on"
        says 'do not block sources' "forged sources are not to be blocked"
        says_not 'saddr' "and none is named"
        lab_check "tcp_syncookies is as before" \
                "$(lab_in server cat /proc/sys/net/ipv4/tcp_syncookies) == 0"
        diagnose 10 "a flood as JSON" --json
        lab_check "the document says so" "$(jq -r 'if .state == "flood" and
                .diagnosis == "flood-spoofed" then 1 else 0 end' "$lab_temp/diagnose.out") == 1"
        lab_down
}

concentrated() {
        up cookies=1
        lab_server web --listen 0.0.0.0:80 --backlog 511
        lab_flood rate=1000 seconds=20 from=198.51.100.0/24
        diagnose 10 "a flood from one network"
        says 'from a few sources or one network' "a flood from one network: so it says"
        says "nft 'add rule inet syn_emergency in ip saddr 198.51.100.0/24 tcp dport 80 .*drop'" \
                "the rule that drops it"
        # What is printed is copied, so it must work, and help.
        sed -n "s/^ *\(nft .*\)/\1/p" "$lab_temp/diagnose.out" | grep -v delete >"$lab_temp/block"
        if lab_in server sh -e "$lab_temp/block"; then
                lab_ok "the commands work as printed"
        else
                lab_not_ok "the commands work as printed: $(cat "$lab_temp/block")"
        fi
        lab_wait_for 5 dropping
        lab_check "and drop the flood" "$(dropped) > 100"
        lab_end flood
        lab_down
}

dropped() { lab_in server nft list chain inet syn_emergency in | sed -n 's/.*counter packets \([0-9]*\).*/\1/p'; }
dropping() { [ "$(dropped)" -gt 100 ]; }

# Real sources that keep coming: a limit each, in commands that work.
distributed() {
        up cookies=1
        lab_server web --listen 0.0.0.0:80 --backlog 511
        lab_flood rate=1000 seconds=20 from=500
        diagnose 10 "a flood from 500 sources"
        says 'many sources that keep coming' "a flood from 500 sources: so it says"
        sed -n "s/^ *\(nft .*\)/\1/p" "$lab_temp/diagnose.out" | grep -v delete >"$lab_temp/block"
        lab_check "a limit is proposed" "$(wc -l <"$lab_temp/block") == 6"
        if lab_in server sh -e "$lab_temp/block"; then
                lab_ok "the commands work as printed"
        else
                lab_not_ok "the commands work as printed"
        fi
        lab_down
}

# 1,200 connections/s over 240 ms hold 288 half-opens, more than the backlog: the
# kernel calls this "possible SYN flooding". The accept queue lasts for 213 ms, so
# that a busy machine does not make a stall of it.
crowd() {
        up cookies=1 delay=120ms
        lab_server web --listen 0.0.0.0:80 --backlog 256
        lab_honest crowd --to $LAB_SERVER4:80 --rate 1200 --poisson --duration 12s
        lab_pause 1
        diagnose 0 "a crowd"
        # On a machine that leaves no time to the server that is the truth, too.
        if [ "$(lab_counter ListenOverflows)" -gt $(($(lab_counter PassiveOpens) / 40)) ]; then
                lab_note "the server was too slow for the crowd: $(lab_counter ListenOverflows) refused"
                says '^no flood\. .*(crowd|does not accept)' "a crowd, too much for the server: so it says"
        else
                says '^no flood\. .*crowd' "a crowd: so it says"
        fi
        says 'raise the backlog' "the queue is short for it"
        lab_check "the kernel answered by cookie" "$(lab_counter SyncookiesSent) > 100"
        lab_down
}

stall() {
        up cookies=1
        lab_server web --listen 0.0.0.0:80 --backlog 64 --accept never
        lab_honest clients --to $LAB_SERVER4:80 --rate 100 --poisson --duration 20s --timeout 3s
        lab_pause 2
        diagnose 0 "an application that does not accept"
        says '^no flood\. the application does not accept.*0\.0\.0\.0:80 \(server, pid' \
                "it says so, with listener and program"
        says 'leave net\.ipv4\.tcp_syncookies alone' "and to leave the sysctl alone"
        says_not 'sysctl -w net\.ipv4\.tcp_syncookies' "and has no command for it"
        lab_down
}

# A service runs already, and has the log: the verdict stands without the sources.
beside() {
        up cookies=1
        lab_server web --listen 0.0.0.0:80 --backlog 511
        LAB_WATCH=0 lab_daemon
        lab_flood rate=1000 seconds=12
        diagnose 10 "a flood, beside a running synwardd"
        says 'not seen.*nflog failed: .*another program' "it says what is not seen, and why"
        lab_check "the service has its log still" "$(lab_ctl --json status |
                jq '[.sensors.nflog.state] | index("ok") | if . == 0 then 1 else 0 end') == 1"
        lab_down
}

# Ctrl-C ends it early, with the verdict so far.
early() {
        up cookies=1
        lab_server web --listen 0.0.0.0:80 --backlog 511
        lab_flood rate=1000 seconds=12
        lab_spawn diagnose server "$SYNWARD_BUILD/synwardd" --config "$lab_temp/empty.yaml" --diagnose=60s
        lab_pause 4
        kill -INT "${lab_pid[diagnose]}"
        wait "${lab_pid[diagnose]}"
        lab_check "ended early: exit status" "$? == 10"
        unset 'lab_pid[diagnose]'
        flatten
        says '^syn flood' "ended early: the verdict so far"
        lab_down
}

[ $# -gt 0 ] || set -- quiet flood concentrated distributed crowd stall beside early
for scenario; do
        case $scenario in
        quiet | flood | concentrated | distributed | crowd | stall | beside | early) "$scenario" ;;
        *) echo "no scenario $scenario" >&2; exit 2 ;;
        esac
done
lab_done
