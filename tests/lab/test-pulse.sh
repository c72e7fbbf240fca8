#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Floods that hide, and are found: in pulses, behind handshakes that the attacker
# finishes, and spread over many listeners.
#   pulses    100 ms of 10,000 SYN/s every 3 s
#   finished  85 % of the attacker's handshakes are finished
#   ports     9 SYN/s on each of ten ports
. "$(dirname "$0")/lab.sh"
lab_need nft
lab_need_daemon

begin() { # PORT ...
        local port

        lab_up cookies=1 delay=60ms
        for port; do
                lab_server "web$port" --listen "0.0.0.0:$port" --backlog 128
        done
        lab_honest visitors --to $LAB_SERVER4:"$1" --rate 50 --poisson --duration 60s
        lab_daemon
        lab_pause 4
}

end() { # NAME
        lab_flood_wait
        lab_client_served visitors 0.95 "$1: the honest are served"
        lab_down
}

pulses() {
        begin 80
        lab_flood rate=10000 seconds=10 more='--pulse 100ms/3s'
        lab_never flood "pulses: no flood before the flood" 0 "$lab_flood_start_us"
        lab_expect_state flood 4500 "$lab_flood_start_us" "pulses: found"
        end pulses
}

# Hosts of the attacker's own: they connect, and send other SYNs and no RST. A crowd that is new is
# given four seconds, so it is there before: that a flood began with it would only add its beginning.
finished() {
        a_crowd() { [ "$(lab_ctl --json status | jq -r .diagnosis)" = flash-crowd ]; }
        begin 80
        lab_mute 100.64.7.0/24
        lab_honest finishers --from 100.64.7.0/24 --to $LAB_SERVER4:80 --rate 850 --hold 0s --duration 9s
        lab_expect "finished: a crowd is seen" lab_wait_for 3 a_crowd
        lab_flood rate=150 seconds=8 from=100.64.7.0/24
        lab_expect_state flood 5000 "$lab_flood_start_us" "finished: found"
        lab_finish finishers
        lab_note "finished: the attacker finished $(lab_field finishers connected) handshakes"
        end finished
}

ports() {
        local ports=({8000..8009}) port

        begin "${ports[@]}"
        for port in "${ports[@]}"; do
                lab_flood name="flood$port" rate=9 seconds=18 to="$LAB_SERVER4:$port" seed="$port"
        done
        lab_expect_state flood 15000 "$lab_flood_start_us" "ports: found"
        lab_finish "flood${ports[0]}"
        lab_client_served visitors 0.95 "ports: the honest are served"
        lab_down
}

lab_scenarios "pulses finished ports" "$@"
lab_done
