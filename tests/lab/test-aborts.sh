#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Connections that end in another way than most. By an abort (SO_LINGER of 0 s), of which the kernel tells
# without the peer's port: health checks of a balancer on this host, a program that is refused again and again,
# a server that resets its clients. Or slowly, closed on one side first. They are ends like others: no sensor is
# degraded for them, who is reset by a server has finished a handshake, and who floods beside them is named.
#   ours        connections of our own, aborted and refused, beside clients
#   server      a server that aborts every connection
#   lingering   connections that are closed on one side for seconds
#   listeners   nothing but listeners that open and close
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

# The server says first that it has no more to say, and the client takes its time, as behind a slow line, or where
# the server lingers for what the client still sends.
lingering_server='
import socket, threading
def serve(c):
    c.sendall(b"x" * 1000)
    c.shutdown(socket.SHUT_WR)
    while c.recv(4096):
        pass
    c.close()
s = socket.create_server(("0.0.0.0", 82), backlog=511)
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()'
lingering_clients='
import random, socket, sys, threading, time
def visit(most):
    c = socket.create_connection(("10.77.1.1", 82))
    while c.recv(4096):
        pass
    time.sleep(most * random.random())
    c.close()
for i in range(1 << 30):
    threading.Thread(target=visit, args=(6 if i % int(sys.argv[2]) == 0 else 0,), daemon=True).start()
    time.sleep(1 / int(sys.argv[1]))'

names_the_flood() { [ "$(lab_ctl --json status | jq -r .diagnosis)" = flood-concentrated ]; }

# lingering_at RATE EACH: one in EACH takes up to 6 s.
lingering_at() {
        local what="lingering: one in $2 of $1 connections a second"

        lab_up cookies=1 delay=5ms
        lab_spawn lingerer server python3 -c "$lingering_server"
        lab_wait_for 5 lab_in server sh -c 'ss -Hltn sport = 82 | grep -q .' || lab_abort "no server"
        lab_daemon
        lab_spawn visitors client python3 -c "$lingering_clients" "$1" "$2"
        watch 16
        lab_check "$what, and nflog was well all along" "$(<"$lab_temp/bad") == 0"
        lab_flood rate=1000 seconds=5 from=198.51.100.7/32 to=$LAB_SERVER4:82
        lab_expect_state flood $LAB_FOUND_COLD_MS "$lab_flood_start_us" "$what: flood found"
        lab_expect "$what: who floods is named" lab_wait_for 4 names_the_flood
        lab_end flood
        lab_end visitors
        lab_end lingerer
        lab_down
}

lingering() {
        lingering_at 2 1
        lingering_at 50 10
}

# A host on which nothing happens but that programs begin and cease to listen, as on every restart of a service.
listeners() {
        lab_up cookies=1 delay=5ms
        lab_spawn before server python3 -c 'import socket, time; s = socket.create_server(("0.0.0.0", 84)); time.sleep(8)'
        lab_wait_for 5 lab_in server sh -c 'ss -Hltn sport = 84 | grep -q .' || lab_abort "no server"
        lab_daemon
        lab_spawn program server python3 -c '
import socket, time
while True:
    s = [socket.create_server(("0.0.0.0", 8000 + i)) for i in range(3)]
    time.sleep(6)
    for each in s:
        each.close()
    time.sleep(2)'
        watch 20
        lab_check "listeners: they open and close, and nflog was well all along" "$(<"$lab_temp/bad") == 0"
        lab_end program
        lab_end before
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

lab_scenarios "ours server lingering listeners" "$@"
lab_done
