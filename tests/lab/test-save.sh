#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tcp_syncookies 0, 5,000 spoofed SYN/s beside 300 honest connections/s onto a
# backlog of 1024: once the daemon has acted, at least 99 % of the honest
# connections are made, and after the flood the value is 0 again. The same
# without the daemon, to compare.
. "$(dirname "$0")/lab.sh"
lab_need
lab_need_daemon

LAB_CONFIG='
detect: { recover: 5s }
syncookies: { hold: 5s }'

cookies() { lab_in server cat /proc/sys/net/ipv4/tcp_syncookies; }
cookies_are() { [ "$(cookies)" = "$1" ]; }

# 300 connections a second for five seconds: sets opened and connected.
crowd() {
        lab_honest "$1" --to $LAB_SERVER4:80 --rate 300 --poisson --duration 5s --timeout 3s
        lab_finish "$1"
        opened=$(lab_field "$1" opened) connected=$(lab_field "$1" connected)
}

begin() {
        lab_up cookies=0 delay=60ms
        lab_server web --listen 0.0.0.0:80 --backlog 1024
}

begin
lab_flood rate=5000 seconds=12
lab_pause 2
crowd alone
lab_note "without the daemon: $connected of $opened honest connections made"
lab_down

begin
lab_daemon
lab_pause 4
lab_flood rate=5000 seconds=15
lab_expect_state flood 1000 "$lab_flood_start_us" "flood found"
# A full queue is 1,025 rows, which the walker hands over one after the other.
walks() { lab_ctl metrics | awk '$1 == "synward_poll_duration_seconds_count" { print $2 }'; }
before=$(walks) ticks_us=${EPOCHREALTIME/./}
lab_pause 3
lab_check "nearly every tick has its walk: $(($(walks) - before)) in 3 s" \
        "($(walks) - $before) * 200000 >= 0.8 * (${EPOCHREALTIME/./} - $ticks_us)"
if lab_wait_for 3 cookies_are 1; then
        lab_ok "tcp_syncookies is 1"
else
        lab_not_ok "tcp_syncookies is 1 [$(cookies)]"
fi
crowd saved
if [ $((connected * 100)) -ge $((opened * 99)) ] && [ "$opened" -gt 1000 ]; then
        lab_ok "with the daemon: $connected of $opened honest connections made"
else
        lab_not_ok "with the daemon: $connected of $opened honest connections made [not 99 %]"
fi
lab_flood_wait
lab_expect_end 15000 "end told"
if lab_wait_for 30 cookies_are 0; then
        lab_ok "tcp_syncookies is 0 again"
else
        lab_not_ok "tcp_syncookies is 0 again [$(cookies)]"
fi
lab_down
lab_done
