#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# block.limit: who floods from an address of its own, but has a connection or was a client, is
# limited to a rate instead of cut off, within 2 s. Its connection goes on, new ones of its own are
# made, everybody else is served.
#   connected  one address with one connection, of which nothing else is known
#   client     the same at 2,000 SYN/s, while it goes on to make connections
#   twice      it sends each SYN twice at once
#   again      it sends each SYN again after a second, as an honest one: the limit holds, and little is
#              left to its own connections
#   network    a /24, one of whose hosts is connected: one limit for all of it
#   six        the same of a /64 of IPv6
#   reload     block.limit is changed, and set to 0
#   ends       block.timeout: it is let go, told so, and limited again
#   keeper     the privileged process is lost, and what was limited is again
#   dry        a dry run only tells
# And who is not:
#   busy       an address of 200 connections a second beside a spoofed flood, and beside a stranger's
#   refused    the same without cookies over a lossy path: most of it is refused, and some SYN-ACKs are lost
#   forged     a client's, which disowns our SYN-ACKs by RST
#   off        without block.limit nobody is
. "$(dirname "$0")/lab.sh"
lab_need jq nft
# shellcheck disable=SC2034
LAB_TOGETHER='reload ends keeper'
lab_need_daemon

limit=10
LAB_CONFIG="
block: { enabled: true, timeout: 60s, limit: $limit }
policy:
  - when: { state: flood }
    do: [ alert, syncookies, block ]"
to=$LAB_SERVER4:443 to6=$LAB_SERVER6:443 bad=100.64.7.9

somebody_limited() { [ -n "$(lab_limited)" ]; }
# Of a set of the daemon's: how many are in it.
in_set() {
        lab_in server nft -j list set inet synward "$1" 2>/dev/null |
                jq -s '[.[].nftables[].set // empty | .elem // [] | length] | add // 0'
}

begin() {
        lab_up cookies=1 delay=10ms
        lab_server web --listen '[::]:443' --backlog 128
        lab_honest visitors --from 100.64.128.0/17 --to $to --rate 40 --duration 90s --timeout 3s
}

# keep RANGE TO: one connection from there, which nothing is sent on.
keep() {
        lab_honest kept --from "$1" --to "$2" --rate 1 --keep 1 --duration 120s
        lab_wait_for 5 kept_is_open "${1%/*}" || lab_abort "no connection to keep"
}
kept_is_open() { lab_in server ss -Htn state established | grep -qF "${1:-$bad}"; }

# What the flood's SYNs are that our rules let pass: by the device they come from.
count_passed() {
        lab_in server nft 'add table inet lab; add counter inet lab passed
                add chain inet lab pre { type filter hook prerouting priority raw; }
                add rule inet lab pre iifname swlabflood tcp flags & (syn|ack) == syn counter name passed' ||
                lab_abort nft
}
passed() { lab_in server nft -j list counter inet lab passed | jq '[.nftables[].counter // empty | .packets] | add'; }

# few_pass NAME: what a limit lets through, with as much again for SYNs that are sent again.
few_pass() {
        local before

        # The first entry makes the sets; the ports are in them with the tick after.
        lab_pause 1
        before=$(passed)
        lab_pause 4
        before=$(($(passed) - before))
        lab_check "$1: in four seconds $before SYNs of the flood's passed" "$before <= 5 * $limit"
}

# attack NAME WHO [OPTIONS of lab_flood]: WHO is limited, a regular expression.
attack() {
        local name=$1 who=$2 at
        shift 2

        count_passed
        lab_flood to=$to seconds=8 "$@"
        lab_expect_state flood 1500 "$lab_flood_start_us" "$name: flood found"
        if ! lab_wait_for 5 somebody_limited; then
                lab_not_ok "$name: limited"
                lab_ctl status | sed 's/^/# /'
                return
        fi
        at=$(date -d "$(lab_events source-limited | head -n 1 | jq -r .time)" +%s%6N)
        lab_check "$name: limited after $(((at - lab_flood_start_us) / 1000)) ms" "$at - $lab_flood_start_us <= 2000000"
        few_pass "$name"
        lab_flood_wait
        lab_check "$name: called $(lab_flood_names); limited: $(lab_limited | tr '\n' ' ')" \
                "$(lab_limited | grep -cvE "^($who)$") == 0"
        lab_ctl blocked | sed 's/^/# /'
}

# served NAME [ADDRESS]: what was open is, and the visitors were served.
served() {
        lab_expect "$1: its connection is still there" kept_is_open "${2:-$bad}"
        lab_client_served visitors 0.95 "$1: the others are served"
}

connected() {
        begin
        keep $bad/32 $to
        lab_mute $bad
        lab_daemon
        lab_pause 2
        attack connected 100.64.7.9 from=$bad/32 rate=300
        lab_expect_blocked_none "connected: nobody is cut off"
        lab_check "connected: the message says why: $(lab_events source-limited | jq -r .message)" \
                "$(lab_events source-limited | grep -c 'limited to 10 SYN/s for 60 s: .* it has a connection; to undo') == 1"
        lab_check "connected: status and metrics have it" "$(lab_ctl --json status | jq .block.limited) == 1 &&
                $(lab_ctl metrics | awk '$1 == "synward_limited_entries" { print $2 }') == 1"
        served connected
        lab_down
}

own() { lab_honest own --from $bad/32 --to $to --rate 2 --hold 50ms --duration 60s --timeout 4s; }

client() {
        begin
        keep $bad/32 $to
        lab_mute $bad
        lab_daemon
        own
        lab_pause 2
        attack client 100.64.7.9 from=$bad/32 rate=2000
        lab_client_served own 0.8 "client: new connections of its own are made"
        lab_expect_blocked_none "client: nobody is cut off"
        served client
        lab_down
}

twice() {
        begin
        keep $bad/32 $to
        lab_mute $bad
        lab_daemon
        own
        lab_pause 2
        attack twice 100.64.7.9 from=$bad/32 rate=500 more="--copies 2"
        lab_client_served own 0.8 "twice: new connections of its own are made"
        served twice
        lab_down
}

# The same flood twice, the second a second later.
again() {
        begin
        keep $bad/32 $to
        lab_mute $bad
        lab_daemon
        own
        lab_pause 2
        count_passed
        lab_flood to=$to seconds=10 from=$bad/32 rate=300
        lab_wait_for 5 somebody_limited
        lab_pause 1
        lab_flood name=same to=$to seconds=8 from=$bad/32 rate=300
        lab_pause 1
        before=$(passed)
        lab_pause 4
        passed=$(($(passed) - before))
        lab_check "again: in four seconds $passed SYNs of the flood's passed, some as sent again" \
                "$passed <= 5 * $limit && $passed >= 3 * $limit"
        lab_flood_wait
        lab_flood_wait same
        lab_finish_own
        served again
        lab_down
}

lab_finish_own() {
        lab_end own
        lab_last[own]=$(tail -n 1 "$lab_temp/own.out")
        lab_note "again: $(lab_field own connected) of $(lab_field own opened) connections of its own made"
}

network() {
        begin
        keep $bad/32 $to
        lab_mute 100.64.7.0/24
        lab_daemon
        lab_pause 2
        attack network '100\.64\.7\.0/24|100\.64\.7\.9' from=100.64.7.0/24 rate=2000
        lab_check "network: by one entry" "$(in_set limited4) == 1 && $(in_set again4) == 1"
        served network
        lab_down
}

six() {
        begin
        keep 2001:db8:64::9/128 "$to6"
        lab_mute6
        lab_daemon
        lab_pause 2
        attack six '2001:db8:64::/64' from=2001:db8:64::/64 rate=1000 to="$to6"
        served six 2001:db8:64::9
        lab_down
}

lab_mute6() {
        lab_in client nft "table inet lab { chain out { type filter hook output priority 0; }; }
                add rule inet lab out ip6 saddr 2001:db8:64::/64 tcp flags & rst == rst drop" || lab_abort nft
}

let_go() { [ "$(lab_events source-unlimited | grep -c "$1")" -ge "$2" ]; }
limits_made() { [ "$(lab_events source-limited | grep -c "limited to $1 SYN/s")" -ge 1 ]; }
the_sets_are_empty() { [ "$(in_set limited4)$(in_set again4)" = 00 ]; }

reload() {
        local config=$LAB_CONFIG

        begin
        keep $bad/32 $to
        lab_mute $bad
        lab_daemon
        lab_pause 2
        lab_flood rate=500 seconds=25 to=$to from=$bad/32
        lab_wait_for 5 limits_made 10
        printf '%s\n' "${config/limit: $limit/limit: 30}" >"$lab_temp/synward.yaml"
        lab_ctl reload
        # Within five seconds of what was told before it waits for those.
        lab_expect "reload: let go for another limit" lab_wait_for 8 let_go 'block.limit was changed' 1
        # What is told of one entry again comes with others', five seconds later.
        lab_expect "reload: and limited to that" lab_wait_for 12 limits_made 30
        lab_check "reload: the set has its rate" "$(lab_in server nft list set inet synward limited4 | grep -c '900/minute') > 0"
        printf '%s\n' "${config/limit: $limit/limit: 0}" >"$lab_temp/synward.yaml"
        lab_ctl reload
        lab_expect "reload: let go without a limit" lab_wait_for 8 let_go 'block.limit was changed' 2
        lab_expect "reload: nobody is in the sets" lab_wait_for 3 the_sets_are_empty
        lab_flood_wait
        served reload
        lab_down
}

ends() {
        local config=$LAB_CONFIG

        LAB_CONFIG=${config/timeout: 60s/timeout: 4s}
        begin
        keep $bad/32 $to
        lab_mute $bad
        lab_daemon
        lab_pause 2
        lab_flood rate=500 seconds=12 to=$to from=$bad/32
        lab_wait_for 5 somebody_limited
        lab_expect "ends: the sets are empty" lab_wait_for 6 the_sets_are_empty
        lab_expect "ends: told" lab_wait_for 6 let_go 'block.timeout is over' 1
        lab_expect "ends: and limited again" lab_wait_for 6 is_back
        lab_flood_wait
        served ends
        lab_down
        LAB_CONFIG=$config
}

another_keeper() { [ -n "$(lab_part keeper)" ] && [ "$(lab_part keeper)" != "$1" ]; }
is_back() { [ "$(in_set limited4)" = 1 ] && [ "$(in_set again4)" = 1 ]; }

keeper() {
        local before

        begin
        keep $bad/32 $to
        lab_mute $bad
        lab_daemon
        lab_pause 2
        count_passed
        lab_flood rate=500 seconds=14 to=$to from=$bad/32
        lab_wait_for 5 somebody_limited
        before=$(lab_part keeper)
        kill -KILL "$before"
        lab_expect "keeper: another one" lab_wait_for 5 another_keeper "$before"
        lab_expect "keeper: what was limited is again" lab_wait_for 5 is_back
        few_pass keeper
        lab_flood_wait
        served keeper
        lab_down
}

dry() {
        begin
        keep $bad/32 $to
        lab_mute $bad
        lab_daemon --dry-run
        lab_pause 2
        lab_flood rate=500 seconds=5 to=$to from=$bad/32
        lab_wait_for 5 somebody_limited
        lab_flood_wait
        lab_check "dry: told: $(lab_events source-limited | jq -r .message | head -n 1)" \
                "$(lab_events source-limited | grep -c 'dry run: 100.64.7.9 would be limited to') == 1"
        lab_check "dry: not done" "$(lab_in server nft list ruleset | grep -c limited) == 0"
        lab_down
}

busy() {
        begin
        lab_honest nat --from 100.64.2.2/32 --to $to --rate 200 --hold 50ms --duration 60s --timeout 3s
        lab_daemon
        lab_pause 3
        lab_flood rate=1000 seconds=6 from=45.0.0.0/8 to=$to
        lab_expect_state flood 3000 "$lab_flood_start_us" "busy: flood found"
        lab_flood_wait
        lab_flood name=stranger rate=500 seconds=6 from=198.51.100.7/32 to=$to
        lab_flood_wait stranger
        lab_expect_limited_none "busy: nobody is limited"
        lab_expect_blocked_none "busy: it is not cut off" '100\.64\.'
        lab_client_served nat 0.95 "busy: it is served"
        lab_client_served visitors 0.95 "busy: the others are served"
        lab_down
}

refused() {
        local config=$LAB_CONFIG

        LAB_CONFIG=${config/syncookies, /}
        lab_up cookies=0 delay=10ms loss=3
        lab_server web --listen '[::]:443' --backlog 128
        lab_honest nat --from 100.64.2.2/32 --to $to --rate 200 --hold 50ms --duration 60s --timeout 3s
        lab_daemon
        lab_pause 3
        lab_flood rate=1000 seconds=8 from=45.0.0.0/8 to=$to
        lab_expect_state flood 3000 "$lab_flood_start_us" "refused: flood found"
        lab_flood_wait
        lab_expect_limited_none "refused: nobody is limited"
        lab_expect_blocked_none "refused: nobody is cut off"
        lab_down
        LAB_CONFIG=$config
}

forged() {
        begin
        keep $bad/32 $to
        own
        lab_daemon
        lab_pause 3
        lab_flood rate=1000 seconds=6 from=$bad/32 to=$to
        lab_expect_state flood 3000 "$lab_flood_start_us" "forged: flood found"
        lab_flood_wait
        lab_expect_limited_none "forged: nobody is limited"
        lab_expect_blocked_none "forged: nobody is cut off"
        lab_client_served own 0.95 "forged: whose address was forged is served"
        served forged
        lab_down
}

off() {
        local config=$LAB_CONFIG

        LAB_CONFIG=${config/, limit: $limit/}
        begin
        keep $bad/32 $to
        lab_mute $bad
        lab_daemon
        own
        lab_pause 2
        lab_flood rate=500 seconds=5 to=$to from=$bad/32
        lab_expect_state flood 1500 "$lab_flood_start_us" "off: flood found"
        lab_flood_wait
        lab_expect_limited_none "off: nobody is limited"
        lab_expect_blocked_none "off: nobody is cut off"
        served off
        lab_down
        LAB_CONFIG=$config
}

lab_scenarios "connected client twice again network six reload ends keeper dry busy refused forged off" "$@"
lab_done
