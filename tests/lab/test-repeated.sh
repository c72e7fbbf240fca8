#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SYNs that come again. The kernel does not tell how old a half-open is: its age follows from how often its SYN-ACK
# was sent, and a repeated SYN has it sent again. So repeats make an entry look seconds older than it is, and
# it is never seen at the ages at which handshakes are late. The queue is long and SYN cookies are off, so
# that nothing but the ages can tell.
#   twice      each SYN twice at once
#   six        and six times
#   doubled    no flood: honest clients, on a path that doubles every packet
. "$(dirname "$0")/lab.sh"
lab_need
lab_need_daemon

begin() {
        lab_up cookies=0 delay=60ms
        lab_server web --listen 0.0.0.0:80 --backlog 4096
        lab_honest web-clients --to $LAB_SERVER4:80 --rate 100 --poisson --duration 90s
        lab_daemon
}

# copies NAME N
copies() {
        begin
        lab_pause 4
        lab_flood rate=300 seconds=6 more="--copies $2"
        lab_never flood "$1: no flood before" 0 "$lab_flood_start_us"
        # A second longer than others: they count once they have stayed for it.
        lab_expect_state flood 3000 "$lab_flood_start_us" "$1: flood found"
        lab_check "$1: $(lab_half_open) half-open of 4096 then" "$(lab_half_open) < 0.8 * 4096"
        lab_flood_wait
        lab_expect_end 15000 "$1: end told"
        lab_down
}

twice() { copies twice 2; }
six() { copies six 6; }

# Of a round trip of 300 ms, 300 entries that look two seconds old at any moment, in a queue of 511.
doubled() {
        lab_up cookies=1 delay=150ms
        lab_path_set --delay 150ms --double
        lab_server web --listen 0.0.0.0:80 --backlog 511
        lab_honest steady --to $LAB_SERVER4:80 --rate 300 --poisson --duration 26s
        lab_pause 2
        lab_daemon
        lab_pause 8
        lab_honest crowd --to $LAB_SERVER4:80 --rate 1000 --poisson --duration 12s --first 100000
        lab_finish crowd
        lab_finish steady
        lab_client_served crowd 0.95 "doubled: the crowd"
        lab_check "doubled: $(lab_counter TCPSynRetrans) SYNs were answered again" "$(lab_counter TCPSynRetrans) > 1000"
        lab_never flood "doubled: no flood"
        lab_down
}

lab_scenarios "twice six doubled" "$@"
lab_done
