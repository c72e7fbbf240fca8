#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Connections that end by an abort (SO_LINGER of 0 s), of which the kernel tells without the peer's port:
# health checks of a balancer on this host, a program that is refused again and again, a server that
# resets its clients. They are ends like others: no sensor is degraded for them, and who is reset by a server has
# finished a handshake.
#   ours     connections of our own, aborted and refused, beside clients
#   server   a server that aborts every connection
. "$(dirname "$0")/lab.sh"
lab_need jq python3
lab_need_daemon

nflog() { lab_ctl --json status | jq -r '.sensors.nflog.state + " " + .sensors.nflog.message'; }
# watch SECONDS: how often nflog was not well.
watch() {
        local end=$((SECONDS + $1)) bad=0 said

        while [ $SECONDS -lt "$end" ]; do
                said=$(nflog)
                case $said in ok*) ;; *) bad=$((bad + 1)); lab_note "nflog: $said" ;; esac
                lab_pause 1
        done
        echo "$bad" >"$lab_temp/bad"
}

aborting_clients='
import socket, struct, time
while True:
    c = socket.create_connection(("10.77.1.1", 80))
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.close()
    try:
        socket.create_connection(("10.77.1.1", 9))
    except ConnectionRefusedError:
        pass
    time.sleep(0.1)'
aborting_server='
import socket, struct
s = socket.create_server(("0.0.0.0", 81), backlog=511)
while True:
    c = s.accept()[0]
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.close()'

ours() {
        lab_up cookies=1 delay=5ms
        lab_server web --listen 0.0.0.0:80 --backlog 511
        lab_daemon
        lab_honest web-clients --to $LAB_SERVER4:80 --rate 50 --poisson --duration 60s --timeout 3s
        lab_spawn checks server python3 -c "$aborting_clients"
        watch 12
        lab_check "ours: ten aborted and ten refused a second of our own, and nflog was well all along" "$(<"$lab_temp/bad") == 0"
        lab_end checks
        lab_end web-clients
        lab_down
}

# completion: of the client, at the least.
completion() {
        lab_ctl --json sources | jq '[.sources[] | select(.address == "100.64.7.7") | .completion_low] | max // 0'
}
completes() { [ "$(jq -n "$(completion) > 0.5")" = true ]; }

server() {
        lab_up cookies=1 delay=5ms
        lab_spawn aborter server python3 -c "$aborting_server"
        lab_wait_for 5 lab_in server sh -c 'ss -Hltn sport = 81 | grep -q .' || lab_abort "no server"
        lab_daemon
        lab_honest web-clients --to $LAB_SERVER4:81 --from 100.64.7.7/32 --rate 200 --poisson --duration 60s --timeout 3s
        watch 12
        lab_check "server: it aborts 200 connections a second, and nflog was well all along" "$(<"$lab_temp/bad") == 0"
        lab_expect "server: its clients are known to finish" lab_wait_for 10 completes
        lab_note "completion at the least: $(completion)"
        lab_end web-clients
        lab_down
}

lab_scenarios "ours server" "$@"
lab_done
