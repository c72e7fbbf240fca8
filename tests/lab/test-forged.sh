#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An enemy who forges the addresses of others, with blocking on: nobody whose address is
# not shown to be the flood's own is cut off, whatever the flood makes of it.
#   balancer   one live client's, which connects and disowns our SYN-ACKs by RST
#   firewalled a client's behind a firewall that lets it send no RST
#   visitor    the same of one who connected once, and nevermore
#   restarted  the same, and synward was restarted since
#   starved    the same, on a host whose processors are all busy: the kernel tells late who finished
#   resolver   this host's resolver's, which never says a word
#   network    all of a live /24 that answers by RST
#   neighbours all of a silent /24, some of whose hosts are clients
#   six        six clients' of one /24, behind such a firewall
#   forty      forty clients' of as many networks, half of them behind such a firewall
#   martians   this host's own, which the kernel drops, beside a spoofed flood
#   checksum   a client's, with a TCP checksum that is wrong, beside a spoofed flood
#   twice      a client's behind such a firewall, each SYN and at once the same again
# What is truly the flood's own is blocked in test-concentrated.sh.
. "$(dirname "$0")/lab.sh"
lab_need jq nft
lab_need_daemon

LAB_STATUSES=1
LAB_CONFIG='
block: { enabled: true, timeout: 60s }
policy:
  - when: { state: flood }
    do: [ alert, syncookies, block ]'
LAB_RESOLV_CONF='nameserver 198.51.100.53'
to=$LAB_SERVER4:443

# begin RANGE RATE: whose addresses will be forged, and how often they connect: seldom,
# against what is sent in their name.
begin() {
        lab_up cookies=1 delay=10ms
        lab_server web --listen 0.0.0.0:443 --backlog 128
        lab_honest visitors --from 100.64.128.0/17 --to $to --rate 40 --duration 60s --timeout 3s
        [ $# -eq 0 ] || lab_honest victims --from "$1" --to $to --rate "$2" --hold 50ms --duration 60s --timeout 3s
        lab_daemon
        lab_pause 3
}

# attack NAME [OPTIONS of lab_flood]: for 4 s, of which the block list has three.
attack() {
        local name=$1
        shift

        lab_flood seconds=4 to=$to "$@"
        lab_expect_state flood 3000 "$lab_flood_start_us" "$name: flood found"
        lab_flood_wait
        lab_note "$name: called $(lab_flood_names)"
}

end() { # NAME [SHARE of the victims that is served]
        [ -z "${2:-}" ] || lab_client_served victims "$2" "$1: whose addresses were forged are served"
        lab_client_served visitors 0.95 "$1: the others are served"
        lab_down
}

balancer() {
        begin 100.64.7.9/32 5
        attack balancer from=100.64.7.9/32
        lab_expect_blocked_none "balancer: nobody is blocked"
        end balancer 0.95
}

firewalled() {
        begin 100.64.7.9/32 0.34
        lab_mute 100.64.7.9
        attack firewalled from=100.64.7.9/32
        lab_expect_blocked_none "firewalled: nobody is blocked"
        end firewalled 0.95
}

visit() {
        begin
        lab_mute 100.64.7.9
        lab_honest victims --from 100.64.7.9/32 --to $to --rate 1 --hold 50ms --duration 500ms
        lab_finish victims
        lab_check "a visit was made and finished" "$(lab_field victims connected) > 0"
        # Long enough for any look at it.
        lab_pause 2
}

restarted() {
        visit
        lab_end daemon
        lab_end watch
        lab_daemon
        lab_pause 3
        attack restarted from=100.64.7.9/32
        lab_expect_blocked_none "restarted: nobody is blocked"
        end restarted
}

visitor() {
        visit
        attack visitor from=100.64.7.9/32
        lab_expect_blocked_none "visitor: nobody is blocked"
        end visitor
}

starved() {
        local i

        visit
        for ((i = 0; i <= $(nproc); i++)); do
                lab_spawn "busy$i" server timeout 20 sh -c 'while :; do :; done'
        done
        lab_flood seconds=6 to=$to from=100.64.7.9/32
        lab_expect_state flood 10000 "$lab_flood_start_us" "starved: flood found"
        lab_flood_wait
        lab_note "starved: called $(lab_flood_names)"
        lab_expect_blocked_none "starved: nobody is blocked"
        for ((i = 0; i <= $(nproc); i++)); do
                lab_end "busy$i"
        done
        # Who is served while nothing gets a processor says nothing of the block list.
        lab_down
}

resolver() {
        begin
        attack resolver from=198.51.100.53/32
        lab_expect_blocked_none "resolver: nobody is blocked"
        end resolver
}

network() {
        begin
        attack network from=100.64.7.0/24
        lab_expect_blocked_none "network: nobody is blocked"
        end network
}

neighbours() {
        begin 100.64.7.0/29 2
        lab_mute 100.64.7.0/24
        attack neighbours from=100.64.7.0/24
        # Strangers that never answer may be: that is what the manual says of them.
        lab_expect_blocked_none "neighbours: no client is blocked, nor a network of theirs" \
                '100\.64\.7\.([1-6]$|[0-9]+/)'
        end neighbours 0.95
}

six() {
        begin 100.64.7.0/29 2
        lab_mute 100.64.7.0/24
        attack six from=100.64.7.1/32,100.64.7.2/32,100.64.7.3/32,100.64.7.4/32,100.64.7.5/32,100.64.7.6/32
        lab_expect_blocked_none "six: nobody is blocked"
        end six 0.95
}

# Each in a network of its own: 100.64.1.1, 100.64.4.1, ...
forty() {
        local i list=

        for ((i = 0; i < 40; i++)); do
                list+=,100.64.$((1 + 3 * i)).1/32
        done
        begin
        lab_mute 100.64.64.0/18
        # They come at once, and again every five seconds.
        for ((i = 0; i < 40; i++)); do
                lab_spawn "victim$i" client "$SYNWARD_BUILD/tests/lab/honest" \
                        --from 100.64.$((1 + 3 * i)).1/32 --to $to --rate 0.2 --hold 50ms --duration 12s --timeout 3s
        done
        lab_pause 2
        # So many that each of them sends what would be blocked.
        attack forty rate=4000 from="${list#,}"
        lab_expect_blocked_none "forty: nobody is blocked"
        end forty
}

martians() {
        begin
        lab_flood name=spoofed rate=150 seconds=8 to=$to
        attack martians from=$LAB_SERVER4/32,127.0.0.1/32 rate=300
        lab_expect_name flood-spoofed "martians: spoofed all along"
        lab_expect_unnamed "martians: none is named" "(${LAB_SERVER4//./\\.}|127\.0\.0\.1)"
        lab_expect_blocked_none "martians: nobody is blocked"
        end martians
}

checksum() {
        begin 100.64.7.9/32 0.34
        lab_flood name=spoofed rate=150 seconds=8 to=$to
        attack checksum from=100.64.7.9/32 rate=300 more=--bad-checksum
        lab_check "checksum: TCP took none of the forged ($(lab_counter InCsumErrors Tcp) errors counted)" \
                "$(lab_counter InCsumErrors Tcp) > 0.95 * $(lab_field flood sent) - $(lab_ctl --json status | jq .block.dropped_syns)"
        lab_expect_name flood-spoofed "checksum: spoofed all along"
        lab_expect_unnamed "checksum: the client is named nowhere" '100\.64\.7\.'
        lab_expect_blocked_none "checksum: nobody is blocked"
        end checksum 0.95
}

twice() {
        begin 100.64.7.9/32 0.34
        lab_mute 100.64.7.9
        attack twice from=100.64.7.9/32 rate=500 more="--copies 2"
        lab_expect_blocked_none "twice: nobody is blocked"
        end twice 0.95
}

lab_scenarios "balancer firewalled visitor restarted starved resolver network neighbours six forty martians checksum twice" "$@"
lab_done
