#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# synwardd --diagnose on a host without a service: a quiet one, a flood, a crowd, an
# application that does not accept; and what else is told, each beside its healthy twin,
# which must not be told the same: queues too short for bursts, a slow fill, a trickle, SYNs that a
# firewall eats, a closed port, backscatter, a router's traffic, a checker's. Each for 4 s.
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
        says_not 'nothing listens' "a quiet host: somebody listens"
        diagnose 0 "a quiet host as JSON" --json
        lab_check "one document in the form of status" "$(jq -es 'length == 1 and
                .[0].schema == "synward.status.v1" and .[0].state == "normal" and
                .[0].sensors.nflog.state == "ok" and .[0].listeners[0].port == 80' \
                <"$lab_temp/diagnose.out" | grep -c true) == 1"
        lab_check "its rules are gone" "$(lab_in server nft list tables | wc -l) == 0"
        lab_down
}

# doctor [ip netns exec NAMESPACE]: what it says of the namespace that it is in
doctor() { "$@" "$SYNWARD_BUILD/synwardctl" --json doctor | jq -r '.findings[] | select(.id == "namespace") | "\(.severity): \(.why)"'; }

# doctor within a container's network, with listeners and with none; and on the host, where it is silent.
namespace() {
        local said

        up cookies=1
        lab_server web --listen 0.0.0.0:80 --backlog 511
        said=$(doctor lab_in server)
        if [[ $said == "info: A container's? 1 sockets listen in it for others. "*"nothing of the host"* ]]; then
                lab_ok "a container with a service: so doctor says"
        else
                lab_not_ok "a container with a service: doctor says \"$said\""
        fi
        said=$(doctor lab_in client)
        if [[ $said == "warning: A container's? 0 sockets"* ]]; then
                lab_ok "a container without one: doctor warns"
        else
                lab_not_ok "a container without one: doctor says \"$said\""
        fi
        if [ -e /proc/sys/net/core/netdev_budget ]; then
                said=$(doctor env)
                lab_check "on the host it does not: \"$said\"" "${#said} == 0"
        else
                lab_note "this is a container itself: what doctor says on a host is not tried"
        fi
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

# Thirty connect at once, each second: too many for a queue of 5, not for one of 128.
bursts() {
        local backlog

        for backlog in 5 128; do
                up cookies=0 delay=20ms
                lab_server web --listen 0.0.0.0:80 --backlog $backlog
                for second in 0 1 2 3 4 5 6 7; do
                        lab_spawn "burst$second" client sh -c "sleep $second && exec '$SYNWARD_BUILD/tests/lab/honest' \
                                --from 100.64.$second.0/24 --to $LAB_SERVER4:80 --rate 0 --burst 30 --duration 1s"
                done
                diagnose 0 "bursts of 30 onto a backlog of $backlog"
                if [ $backlog = 5 ]; then
                        says '^no flood\. a queue is too short for the bursts that come: 0\.0\.0\.0:80 holds 5, and [0-9]+ came at once: a backlog of (32|64|128) would do' \
                                "bursts: the queue is too short, and what would do"
                else
                        says_not 'too short|would do' "bursts onto a long queue: nothing is said of it"
                fi
                lab_down
        done
}

# bursting BACKLOG: sixty at once by IPv6, each second, beside a listener that is busy and well.
bursting() {
        up cookies=1 delay=20ms
        lab_server web --listen '[::]:443' --backlog "$1"
        lab_server other --listen 0.0.0.0:80 --backlog 1024
        lab_honest clients --to $LAB_SERVER4:80 --rate 50 --duration 12s
        for second in 0 1 2 3 4 5 6 7; do
                lab_spawn "burst$second" client sh -c "sleep $second && exec '$SYNWARD_BUILD/tests/lab/honest' \
                        --from $LAB_CLIENTS6 --to $LAB_SERVER6:443 --rate 0 --burst 60 --duration 1s"
        done
        diagnose 0 "bursts of 60 by IPv6 onto a backlog of $1, another listener beside"
}

# The accept queue is as short, and overflows as well; and cookies are counted for the whole host.
bursts_beside() {
        bursting 16
        says '^no flood\. a queue is too short for the bursts that come: \[::\]:443 holds 16, and [0-9]+ came at once' \
                "bursts: it is the queue, and which"
        says_not 'does not accept|0\.0\.0\.0:80 holds [0-9]+, and' "not the application, nor the other listener"
        lab_down
        bursting 256
        says_not 'too short|would do|does not accept' "bursts onto a long queue: nothing is said of it"
        lab_down
}

# Four a second that nobody finishes at one listener, while another's clients do; or that finish.
slow_beside() {
        local who

        for who in nobody clients; do
                up cookies=1
                lab_server web --listen 0.0.0.0:443 --backlog 511
                lab_server other --listen 0.0.0.0:80 --backlog 511
                lab_honest busy --to $LAB_SERVER4:80 --rate 50 --duration 30s
                if [ $who = nobody ]; then
                        lab_flood rate=4 seconds=30 to=$LAB_SERVER4:443
                else
                        lab_honest few --to $LAB_SERVER4:443 --rate 4 --duration 30s
                fi
                lab_pause 15
                diagnose 0 "four SYNs a second that $who finish, beside a busy listener"
                if [ $who = nobody ]; then
                        says '^no flood\. a slow fill: .* 0\.0\.0\.0:443 has [0-9]+ half-open' "a slow fill: so it says, and where"
                else
                        says_not 'slow fill' "clients who finish are none"
                fi
                lab_down
        done
}

# Nothing listens: perhaps in a container, and that is said; where somebody does, it is not.
alone() {
        up cookies=1
        diagnose 0 "a host on which nothing listens"
        says 'nothing listens here' "so it says"
        says 'nsenter -t PID -n' "and where to look"
        lab_down
}

# Eight a second that nobody finishes; beside many that do, it is noise.
slow() {
        local honest

        for honest in 0 60; do
                up cookies=1
                lab_server web --listen 0.0.0.0:80 --backlog 4096
                [ $honest = 0 ] || lab_honest clients --to $LAB_SERVER4:80 --rate $honest --duration 20s
                lab_flood rate=8 seconds=16 from=45.7.0.0/22
                lab_pause 8
                diagnose 0 "eight SYNs a second that nobody finishes, $honest that finish"
                if [ $honest = 0 ]; then
                        says '^no flood\. a slow fill: few SYNs a second, and nobody finishes: 0\.0\.0\.0:80 has [0-9]+ half-open' \
                                "a slow fill: so it says"
                else
                        says_not 'slow fill' "beside clients who finish it is noise"
                fi
                lab_down
        done
}

# What the kernel makes of a trickle. 1.6 SYN/s for more than a minute fill half of 128 places, not
# more: there it drops the oldest. That is told, and hurts nobody. A queue of 12 they hold, and 1.8 SYN/s
# one of 5, which turns clients away. Healthy twins of the short queue: clients that are far, and
# one that was full of a flood which is over.
# drip BACKLOG RATE SYNCOOKIES SECONDS STATUS: few SYNs a second, for so long before the look.
drip() {
        local backlog=$1 rate=$2 cookies=$3 seconds=$4 status=$5

        up cookies=$cookies
        lab_server web --listen 0.0.0.0:80 --backlog $backlog
        lab_flood rate=$rate seconds=$((seconds + 20))
        lab_pause $seconds
        lab_note "$(lab_half_open) half-open"
        diagnose $status "$rate SYN/s onto a backlog of $backlog, tcp_syncookies $cookies"
        if [ $status = 0 ]; then
                says '^no flood\. a slow fill: .* 0\.0\.0\.0:80 has [56][0-9] half-open, .* it holds 128, and the kernel drops the oldest' \
                        "a slow fill: so it says, and what the kernel does"
                says "what to do: 1\. a slow fill: few SYNs a second, and nobody finishes: ss -ltn 'sport = :80'" \
                        "and what to do"
        else
                says '^(slow )?syn flood' "a queue that is held: a flood"
                says '0\.0\.0\.0:80' "and where"
        fi
        diagnose $status "the same as JSON" --json
        lab_end flood
        lab_down
}

trickle() { drip 128 1.6 1 70 0; }

held() {
        drip 12 1.6 1 15 10
        drip 5 1.8 0 15 10
}

# What looks like it, and is not.
not_held() {
        up cookies=1 delay=200ms
        lab_server web --listen 0.0.0.0:80 --backlog 12
        lab_honest clients --to $LAB_SERVER4:80 --rate 24 --duration 20s
        lab_pause 2
        lab_note "$(lab_half_open) half-open"
        diagnose 0 "24 clients a second over 400 ms onto a backlog of 12"
        says_not 'slow (fill|syn flood)|trickle' "far clients: nothing of a slow flood"
        lab_down
        up cookies=1
        lab_server web --listen 0.0.0.0:80 --backlog 12
        lab_flood rate=200 seconds=2
        lab_flood_wait
        lab_pause 1
        lab_honest clients --to $LAB_SERVER4:80 --rate 2 --duration 20s
        lab_note "$(lab_half_open) half-open of a flood that is over"
        diagnose 0 "after a flood"
        says_not 'slow (fill|syn flood)|trickle' "a flood that is over: nothing of a slow one"
        lab_down
}

# A rule of the host's own drops what comes for :443.
eaten() {
        local rule

        for rule in drop accept; do
                up cookies=1
                lab_server web --listen 0.0.0.0:443 --backlog 4096
                lab_in server nft "table inet own { chain input { type filter hook input priority 0; tcp dport 443 $rule; }; }"
                lab_honest clients --to $LAB_SERVER4:443 --rate 100 --duration 15s --timeout 2s
                diagnose 0 "a firewall of its own that says $rule"
                if [ $rule = drop ]; then
                        says '^no flood\. SYNs arrive and do not reach the listener: [0-9]+ of [0-9]+ SYNs' "eaten: so it says"
                        says 'nft list ruleset' "eaten: and where to look"
                else
                        says_not 'do not reach' "nothing is eaten, and nothing is said of it"
                fi
                lab_down
        done
}

# SYNPROXY answers in front of the listener, and passes on whose cookies come back: clients, then a flood beside them.
proxy() {
        up cookies=1
        lab_in server sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0
        lab_server web --listen 0.0.0.0:443 --backlog 511
        if ! lab_in server nft "table inet own {
                chain pre { type filter hook prerouting priority raw; tcp dport 443 tcp flags syn notrack; };
                chain in { type filter hook input priority 0; tcp dport 443 ct state invalid,untracked synproxy mss 1460 \
                        wscale 7 timestamp sack-perm; ct state invalid drop; }; }" 2>"$lab_temp/nft.err"; then
                lab_note "this kernel has no SYNPROXY: $(head -n 1 "$lab_temp/nft.err")"
                lab_down
                return
        fi
        lab_honest clients --to $LAB_SERVER4:443 --rate 60 --duration 20s --timeout 2s
        diagnose 0 "60 clients a second through SYNPROXY"
        says 'also +SYNPROXY answers in front' "the proxy is told"
        says_not 'do not reach|holds off' "and nothing is eaten"
        lab_flood rate=500 seconds=12 to=$LAB_SERVER4:443
        lab_pause 1
        diagnose 0 "a flood that SYNPROXY holds off"
        says '^no flood\. SYNPROXY holds off SYNs that nobody follows up: It got [0-9]+' "so it says"
        says_not 'do not reach' "and nothing is eaten"
        lab_down
}

# The service is down: clients are refused.
closed() {
        local port

        for port in 81 80; do
                up cookies=1
                lab_server web --listen 0.0.0.0:80 --backlog 4096
                lab_honest clients --to $LAB_SERVER4:$port --rate 60 --duration 15s
                diagnose 0 "60 connections a second to port $port, where $([ $port = 80 ] && echo somebody || echo nobody) listens"
                if [ $port = 81 ]; then
                        says '^no flood\. a closed port is asked for: [0-9]+ SYNs \([0-9.]+/s\) came for port 81' \
                                "a closed port: which, and how often"
                else
                        says_not 'closed port' "an open port is not called closed"
                fi
                lab_down
        done
}

# SYN-ACKs from strangers, whom this host never asked; beside as many real connections.
backscatter() {
        up cookies=1
        lab_server web --listen 0.0.0.0:80 --backlog 4096
        lab_flood rate=100 seconds=12 more=--syn-ack to=$LAB_SERVER4:40000
        diagnose 0 "100 SYN-ACKs a second that nobody asked for"
        says '^no flood\. answers to SYNs that this host never sent' "backscatter: so it says"
        says_not 'scan' "and it is no scan"
        lab_down
        up cookies=1
        lab_server web --listen 0.0.0.0:80 --backlog 4096
        lab_honest clients --to $LAB_SERVER4:80 --rate 100 --duration 12s --reset
        diagnose 0 "100 connections a second that end by RST"
        says_not 'never sent' "real connections are no backscatter"
        lab_down
}

# Most of what comes goes through to another host.
router() {
        up cookies=1 router=1
        lab_server web --listen 0.0.0.0:80 --backlog 4096
        LAB_SERVER_IN=inner lab_server inside --listen 0.0.0.0:9000 --backlog 4096
        lab_honest through --to $LAB_INNER4:9000 --rate 100 --duration 12s
        diagnose 0 "100 connections a second through this host"
        says 'most SYNs only pass through this host' "a router's traffic: so it says"
        says_not 'do not reach|scan|^syn flood' "and nothing is eaten"
        lab_down
        up cookies=1 router=1
        lab_server web --listen 0.0.0.0:80 --backlog 4096
        lab_honest here --to $LAB_SERVER4:80 --rate 100 --duration 12s
        diagnose 0 "as many to this host"
        says_not 'pass through' "what is for this host does not pass through"
        lab_down
}

# This host checks another, and ends each by RST; beside it, as many that come.
checker() {
        up cookies=1 router=1
        lab_server web --listen 0.0.0.0:80 --backlog 4096
        LAB_SERVER_IN=inner lab_server inside --listen 0.0.0.0:9000 --backlog 4096
        lab_spawn checks server "$SYNWARD_BUILD/tests/lab/honest" --to $LAB_INNER4:9000 --rate 40 --duration 12s --reset
        diagnose 0 "40 checks of another host a second"
        says 'this host checks others' "a checker: so it says"
        says_not 'scan|never sent|closed port' "it is neither a scan nor backscatter"
        lab_down
}

LAB_TOGETHER="namespace slow slow_beside trickle held not_held closed backscatter alone"
lab_scenarios "quiet alone namespace flood concentrated distributed crowd stall beside early bursts bursts_beside slow slow_beside trickle held not_held eaten proxy closed \
        backscatter router checker" "$@"
lab_done
