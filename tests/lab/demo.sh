#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A flood from its first second to its end, in half a minute, with the daemon's
# own words. What ./quickstart demo runs.
. "$(dirname "$0")/lab.sh"

say() { printf '\n--- %s\n' "$*"; }

show() {
        printf '\n$ synwardctl status\n'
        lab_ctl status
        printf '\n'
}

cookies() { lab_in server cat /proc/sys/net/ipv4/tcp_syncookies; }

served() {
        lab_last[web-clients]=$(tail -n 1 "$lab_temp/web-clients.out")
        printf '    (clients so far: %s connections tried, %s made; tcp_syncookies is %s)\n' \
                "$(lab_field web-clients opened)" "$(lab_field web-clients connected)" "$(cookies)"
}

lab_need
lab_need_daemon
cat <<'END'
This makes four network namespaces on this host, joined by virtual cables: a
server, honest clients 120 ms away, an attacker, and the path between them.
They have no other device: not one packet of this leaves them, and this host's
own network, sysctls and firewall are not touched. All of it is removed at the end.
END
lab_up cookies=0 delay=60ms
lab_server web --listen 0.0.0.0:80 --backlog 511
lab_honest web-clients --to $LAB_SERVER4:80 --rate 200 --poisson --duration 60s --timeout 3s --progress
say "A web server with a backlog of 511 and tcp_syncookies=0, 200 honest connections a second; synwardd starts"
LAB_SPAWN=lab_spawn_here lab_daemon
lab_pause 4
show

say "1,000 SYNs a second from addresses all over the Internet, for ten seconds"
lab_flood rate=1000 seconds=10
lab_pause 3
show
served
lab_flood_wait >/dev/null
say "The flood has ended: $(lab_field flood sent) SYNs"
served
found=$(lab_first_seen flood "$lab_flood_start_us")
if lab_wait_state "recovering normal" 18 "$lab_flood_end_us"; then
        say "The daemon found it $found ms after its first SYN, and said $lab_delay_ms ms after its last that it was over"
else
        say "The daemon did not see the end within 18 s"
        lab_failures=1
fi
show
served

say "synwardd stops, and puts back what it changed"
lab_end watch
lab_end daemon
printf '    (tcp_syncookies is %s)\n' "$(cookies)"
lab_down
[ -n "$found" ] && [ "$lab_failures" -eq 0 ]
