#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Queues that little fills, SYNs that a reader of packets misses, SYNs that no listener
# sees, the end of a flood that leaves no entries, and more listeners than anybody looks at.
#   short5     backlog 5, tcp_syncookies 0, 1.8 forged SYN/s beside 1 honest/s: a flood
#   short16    backlog 16, 3/s
#   bursts     their twin: backlog 5, 30 honest connects at once each second: none
#   ending     2,000 SYN/s with tcp_syncookies 2 and then silence: the end within 15 s
#   fragments  300 SYN/s in two fragments each beside 40 honest/s: nobody else is named
#   options    the same behind 200 bytes of IPv6 destination options
#   eaten      200 SYN/s that a firewall drops: no flood, and said where they stay
#   many       900 listeners: the flooded one is named at once
. "$(dirname "$0")/lab.sh"
lab_need jq nft
lab_need_daemon

LAB_STATUSES=1
LAB_TOGETHER="short5 short16 bursts ending"
LAB_CONFIG=

# short NAME BACKLOG RATE
short() {
        lab_up cookies=0 delay=20ms
        lab_server web --listen 0.0.0.0:80 --backlog "$2"
        lab_honest visitors --to $LAB_SERVER4:80 --rate 1 --duration 60s --timeout 10s
        lab_daemon
        lab_pause 5
        lab_flood rate="$3" seconds=34
        lab_never flood "$1: no flood before the flood" 0 "$lab_flood_start_us"
        lab_expect_state flood 30000 "$lab_flood_start_us" "$1: $3 SYN/s on backlog $2 found"
        lab_note "$1: $(lab_half_open) half-open, $(lab_counter ListenDrops) SYNs refused so far;" \
                "$(tail -n 1 "$lab_temp/statuses" | jq -r '.reasons | join("; ")')"
        lab_end visitors
        lab_last[visitors]=$(tail -n 1 "$lab_temp/visitors.out")
        lab_note "$1: $(lab_field visitors connected) of $(lab_field visitors opened) honest connections made"
        lab_down
}

short5() { short short5 5 1.8; }
short16() { short short16 16 3; }

bursts() {
        local i

        lab_up cookies=0 delay=20ms
        lab_server web --listen 0.0.0.0:80 --backlog 5
        lab_daemon
        lab_pause 2
        for ((i = 0; i < 25; i++)); do
                lab_honest "burst$i" --to $LAB_SERVER4:80 --rate 0 --burst 30 --hold 50ms --duration 900ms \
                        --timeout 10s --first $((i * 30))
                lab_pause 1
        done
        lab_never flood "bursts: no flood ($(lab_counter ListenDrops) SYNs refused)"
        lab_note "bursts: $(tail -n 1 "$lab_temp/statuses" | jq -r '.reasons | join("; ")')"
        lab_down
}

ending() {
        lab_up cookies=2 delay=20ms
        lab_server web --listen 0.0.0.0:80 --backlog 511
        lab_daemon
        lab_pause 3
        lab_flood rate=2000 seconds=10
        lab_expect_state flood 1500 "$lab_flood_start_us" "ending: found"
        lab_flood_wait
        lab_expect_end 15000 "ending: with tcp_syncookies 2 and silence afterwards, the end is told"
        lab_down
}

# hidden NAME TO CLIENTS HONEST-REGEX [OPTIONS of lab_flood]
hidden() {
        local name=$1 address=$2 clients=$3 honest=$4
        shift 4

        lab_up cookies=1 delay=20ms
        lab_server web --listen '[::]:443' --backlog 128
        lab_honest visitors --from "$clients" --to "$address:443" --rate 40 --duration 60s --timeout 3s
        lab_daemon
        lab_pause 4
        lab_flood rate=300 seconds=6 to="$address:443" "$@"
        lab_never flood "$name: no flood before the flood" 0 "$lab_flood_start_us"
        lab_expect_state flood 2500 "$lab_flood_start_us" "$name: found"
        lab_check "$name: the kernel took them: $(lab_half_open) half-open" "$(lab_half_open) > 64"
        lab_flood_wait
        lab_expect_unnamed "$name: nobody honest is named" "$honest"
        lab_note "$name: called $(lab_flood_names);" \
                "$(lab_events flood-start | jq -r .message)"
        lab_client_served visitors 0.95 "$name: the honest are served"
        lab_down
}

# One honest host: it sends all that the log sees.
fragments() { hidden fragments $LAB_SERVER4 100.64.9.9/32 '100\.64\.' from=192.0.2.9/32 more=--fragments; }
options() {
        hidden options "$LAB_SERVER6" 2001:db8:64::9/128 '2001:db8:64:' from=2001:db8:6::9/128 \
                more='--options 200'
}

eaten() {
        lab_up cookies=1 delay=20ms
        lab_in server nft 'table inet lab { chain in { type filter hook input priority 0; }; }
                add rule inet lab in ip saddr 45.0.0.0/8 tcp dport 443 counter drop' || lab_abort nft
        lab_server web --listen 0.0.0.0:443 --backlog 128
        lab_honest visitors --to $LAB_SERVER4:443 --rate 10 --duration 60s --timeout 3s
        lab_daemon
        lab_pause 4
        lab_flood rate=200 seconds=8 from=45.0.0.0/8 to=$LAB_SERVER4:443
        lab_flood_wait
        lab_never flood "eaten: no flood"
        lab_check "eaten: said that they do not reach the listener" \
                "$(jq -r '.reasons[]' "$lab_temp/statuses" | grep -cE '(not|never) reach') > 0"
        lab_note "eaten: $(jq -r '.reasons | join("; ")' "$lab_temp/statuses" | sort | uniq -c | sort -rn | sed -n '1s/^ *[0-9]* //p')"
        lab_client_served visitors 0.95 "eaten: the honest are served"
        lab_down
}

many() {
        local port listen=()

        for ((port = 10000; port < 10900; port++)); do
                listen+=(--listen "0.0.0.0:$port")
        done
        lab_up cookies=1 delay=20ms
        lab_server web "${listen[@]}" --backlog 128
        lab_honest visitors --to $LAB_SERVER4:10700 --rate 20 --duration 60s --timeout 3s
        lab_daemon
        lab_pause 4
        lab_check "many: sock_diag is $(sensor)" "$([ "$(sensor)" = ok ] && echo 1 || echo 0)"
        lab_flood rate=1000 seconds=5 to=$LAB_SERVER4:10700
        lab_expect_state flood 1500 "$lab_flood_start_us" "many: found"
        lab_check "many: flood-start names $(lab_events flood-start | jq -r .listener)" \
                "$(lab_events flood-start | grep -c '"listener":"0.0.0.0:10700"') == 1"
        lab_pause 2
        if [ "$(lab_listener_state 10700)" = flood ]; then
                lab_ok "many: status has the listener"
        else
                lab_not_ok "many: status has the listener: $(lab_ctl --json status | jq -c '[.listeners | length, .[0].port]')"
        fi
        lab_check "many: sock_diag is $(sensor) in the flood" "$([ "$(sensor)" = ok ] && echo 1 || echo 0)"
        lab_flood_wait
        lab_down
}
sensor() { lab_ctl --json status | jq -r .sensors.sock_diag.state; }

lab_scenarios "short5 short16 bursts ending fragments options eaten many" "$@"
lab_done
