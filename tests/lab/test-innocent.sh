#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A spoofed flood of 60 SYN/s, later of 1,060, onto one listener, and an honest client
# of 90 connections/s: at the same listener, at another one of this host, at a host behind
# it (forwarded, DNATed, or DNATed past a local listener, as docker-proxy has it), at a
# closed port, or at one that a firewall drops. With blocking and a limit on: the flood is found and called
# spoofed all along, the client is neither named nor blocked nor limited.
# Arguments choose: itself same forwarded dnat shadowed closed filtered.
. "$(dirname "$0")/lab.sh"
lab_need jq nft
lab_need_daemon

LAB_STATUSES=1
LAB_CONFIG='
block: { enabled: true, timeout: 60s, limit: 10 }
policy:
  - when: { state: flood }
    do: [ alert, syncookies, block ]'
heavy=100.64.2.2

# try NAME ADDRESS:PORT: where the client goes; servers are up.
try() {
        lab_honest visitors --from 100.64.128.0/17 --to $LAB_SERVER4:443 --rate 10 --duration 60s --timeout 3s
        lab_honest heavy --from $heavy/32 --to "$2" --rate 90 --hold 50ms --duration 60s --timeout 3s
        lab_daemon
        lab_pause 4
        lab_flood rate=60 seconds=9 from=45.0.0.0/8 to=$LAB_SERVER4:443
        lab_expect_state flood 5000 "$lab_flood_start_us" "$1: 60 SYN/s on backlog 128 found"
        lab_pause 1
        lab_flood name=more rate=1000 seconds=3 to=$LAB_SERVER4:443
        lab_flood_wait more
        lab_expect_name flood-spoofed "$1: spoofed all along"
        lab_expect_unnamed "$1: the client is named nowhere" '100\.64\.2\.'
        lab_expect_blocked_none "$1: nobody is blocked"
        lab_expect_limited_none "$1: nobody is limited"
        lab_client_served visitors 0.95 "$1: the flooded listener serves"
}

begin() {
        lab_up cookies=1 delay=10ms router=1
        lab_server web --listen 0.0.0.0:443 --backlog 128
}

inner() { LAB_SERVER_IN=inner lab_server inner --listen 0.0.0.0:9000; }

translate() {
        lab_in server nft "table ip lab { chain pre { type nat hook prerouting priority dstnat; }; }
                add rule ip lab pre tcp dport 8080 dnat to $LAB_INNER4:9000" || lab_abort nft
}

itself() {
        begin
        try itself $LAB_SERVER4:443
        lab_client_served heavy 0.95 "itself: the client is served"
        lab_down
}

same() {
        begin
        lab_server app --listen 0.0.0.0:8080
        try same $LAB_SERVER4:8080
        lab_client_served heavy 0.98 "same: the client is served"
        lab_down
}

forwarded() {
        begin
        inner
        try forwarded $LAB_INNER4:9000
        lab_client_served heavy 0.98 "forwarded: the client is served"
        lab_down
}

translated() { # NAME
        inner
        translate
        try "$1" $LAB_SERVER4:8080
        lab_client_served heavy 0.98 "$1: the client is served"
        lab_end inner
        lab_check "$1: by the host behind" "$(tail -n 1 "$lab_temp/inner.out" | jq .accepted) > 100"
        lab_down
}

dnat() {
        begin
        translated dnat
}

shadowed() {
        begin
        lab_server proxy --listen 0.0.0.0:8080
        translated shadowed
}

closed() {
        begin
        try closed $LAB_SERVER4:8081
        lab_end heavy
        lab_last[heavy]=$(tail -n 1 "$lab_temp/heavy.out")
        lab_check "closed: $(lab_field heavy refused) of $(lab_field heavy opened) tries are still answered" \
                "$(lab_field heavy refused) > 0.95 * ($(lab_field heavy opened) - 5)"
        lab_down
}

filtered() {
        begin
        lab_server app --listen 0.0.0.0:8080
        lab_in server nft "table ip lab { chain in { type filter hook input priority 0; }; }
                add rule ip lab in tcp dport 8080 drop" || lab_abort nft
        try filtered $LAB_SERVER4:8080
        lab_down
}

lab_scenarios "itself same forwarded dnat shadowed closed filtered" "$@"
lab_done
