#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The twin of test-forged.sh: floods from addresses of their own, which never answer, are
# blocked within 2 s, they and nobody else, and honest connections go on, those from
# another /64 of the same /48 as well.
# Dropped are SYNs to the flooded listener only.
# Arguments choose: one network slash64 two64s mixed port.
. "$(dirname "$0")/lab.sh"
lab_need jq nft
lab_need_daemon

LAB_CONFIG='
block: { enabled: true, timeout: 60s }
policy:
  - when: { state: flood }
    do: [ alert, syncookies, block ]'
to4=$LAB_SERVER4:443 to6=$LAB_SERVER6:443

# No address of the lab's clients is one of these, but 2001:db8:64::/64 is theirs.
bad64=2001:db8:64:1::/64 other64=2001:db8:64:2::/64

begin() {
        lab_up cookies=1 delay=10ms
        lab_server web --listen '[::]:443' --backlog 128
        lab_honest visitors4 --to $to4 --rate 40 --duration 60s --timeout 3s
        lab_honest visitors6 --from $LAB_CLIENTS6 --to "$to6" --rate 1 --hold 50ms --duration 60s --timeout 3s
        lab_daemon
        lab_pause 2
}

somebody_blocked() { [ -n "$(lab_blocked)" ]; }

# What is really blocked, in the words of lab_blocked.
in_set() {
        local set

        for set in blocked4 blocked6; do
                lab_in server nft -j list set inet synward $set
        done | jq -r '.nftables[].set // empty | .elem // [] | .[] | .elem.val // . |
                        if type == "object" then "\(.prefix.addr)/\(.prefix.len)" else . end' | sort -u
}

# Of two that are blocked one after the other the second is told some seconds later, in one event with others.
all_is_told() { [ "$(in_set)" = "$(lab_blocked)" ]; }

# attack NAME RATE FROM TO BLOCKED: who may be blocked, as a regular expression.
attack() {
        local at strangers

        lab_flood rate="$2" seconds=4 from="$3" to="$4"
        lab_expect_state flood 1500 "$lab_flood_start_us" "$1: flood found"
        if lab_wait_for 5 somebody_blocked; then
                at=$(date -d "$(lab_events source-blocked | head -n 1 | jq -r .time)" +%s%6N)
                lab_check "$1: blocked after $(((at - lab_flood_start_us) / 1000)) ms" \
                        "$at - $lab_flood_start_us <= 2000000"
        else
                lab_not_ok "$1: blocked"
        fi
        lab_flood_wait
        lab_wait_for 12 all_is_told
        strangers=$(lab_blocked | grep -vE "^($5)$" | tr '\n' ' ')
        lab_check "$1: blocked: $(lab_blocked | head -n 4 | tr '\n' ' ')${strangers:+; nobody else: $strangers}" \
                "$(lab_blocked | wc -l) > 0 && ${#strangers} == 0"
        lab_check "$1: the kernel's set holds what was told: $(in_set)" \
                "$([ "$(in_set)" = "$(lab_blocked)" ] && echo 1 || echo 0)"
        lab_check "$1: what was sent is dropped: $(lab_ctl --json status | jq .block.dropped_syns) of $(lab_field flood sent)" \
                "$(lab_ctl --json status | jq .block.dropped_syns) > 0.5 * $(lab_field flood sent)"
        lab_client_served visitors4 0.95 "$1: IPv4"
        lab_client_served visitors6 0.95 "$1: IPv6"
        lab_down
}

one() {
        begin
        attack one 1000 198.51.100.7/32 $to4 '198\.51\.100\.7'
}

# An address or the network, never a larger one.
network() {
        begin
        attack network 1000 203.0.113.0/24 $to4 '203\.0\.113\.[0-9./]+'
}

slash64() {
        begin
        attack slash64 300 $bad64 "$to6" '2001:db8:64:1:[0-9a-f:]*(/64)?'
}

# Two of them, and still not what they have in common.
two64s() {
        begin
        attack two64s 600 $bad64,$other64 "$to6" '2001:db8:64:[12]:[0-9a-f:]*(/64)?'
}

# Beside as much that is spoofed: whoever is blocked, it is the network or part of it.
mixed() {
        begin
        lab_flood name=spoofed rate=300 seconds=8 to=$to4
        attack mixed 1000 198.51.100.7/32 $to4 '198\.51\.100\.7'
}

half_open_at() { lab_in server ss -Htn state syn-recv "sport = :$1" | wc -l; }

port() {
        begin
        lab_server other --listen 0.0.0.0:80 --backlog 128
        lab_flood rate=1000 seconds=5 from=198.51.100.7/32 to=$to4
        lab_wait_for 5 somebody_blocked
        lab_check "port: blocked: $(lab_blocked | tr '\n' ' ')" "$(lab_blocked | wc -l) == 1"
        lab_flood name=aside rate=10 seconds=2 from=198.51.100.7/32 to=$LAB_SERVER4:80
        lab_flood_wait aside
        lab_check "port: what it sends to another listener arrives: $(half_open_at 80) half-open there" \
                "$(half_open_at 80) >= 15"
        lab_down
}

lab_scenarios "one network slash64 two64s mixed port" "$@"
lab_done
