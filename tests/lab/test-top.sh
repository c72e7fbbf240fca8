#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# synwardctl top through a flood, in a terminal of 80x24: what it shows before, in and after
# the flood, how many bytes it sends, and that the daemon's restart does not end it.
# SYNWARD_SCREENS: a folder; the screens are written there as top-*.txt, and the incident's page
# as incident.png (doc/ has them).
. "$(dirname "$0")/lab.sh"
unset TMUX NO_COLOR
lab_need jq tmux
lab_need_daemon

tm() { tmux -S "$lab_temp/tmux" -f /dev/null "$@"; }
screen() { tm capture-pane -p | sed 's/ *$//'; }
on_screen() { screen | grep -qE -- "$1"; }

# shows TEXT SECONDS REGEX
shows() {
        if lab_wait_for "$2" on_screen "$3"; then lab_ok "$1"; else lab_not_ok "$1 [no $3]"; screen | sed 's/^/# /'; fi
}

keep() { [ -z "${SYNWARD_SCREENS:-}" ] || screen >"$SYNWARD_SCREENS/top-$1.txt"; }

LAB_CONFIG='detect: { recover: 5s }'
lab_up cookies=0 delay=60ms
lab_server web --listen 0.0.0.0:80 --backlog 511
for ((port = 8001; port <= 8024; port++)); do
        lab_server "idle$port" --listen "0.0.0.0:$port" --backlog 128
done
lab_honest web-clients --to $LAB_SERVER4:80 --rate 200 --poisson --duration 100s --timeout 3s
lab_daemon
tm new-session -d -x 80 -y 24 "LC_ALL=C.UTF-8 '$SYNWARD_BUILD/synwardctl' --socket '$lab_temp/run/control.sock' top; \
        echo ended >'$lab_temp/ended'; sleep 1000"
shows "calm: the state" 10 '^ NORMAL '
lab_pause 6
shows "calm: ready" 5 '^ready: tcp_syncookies is 0, until a queue fills'
keep calm

tm pipe-pane -O "cat >'$lab_temp/bytes'"
bytes_start=$SECONDS
lab_flood rate=1000 seconds=12
shows "the flood within two seconds" 2 '^ FLOOD  *a SYN flood from spoofed addresses'
lab_note "shown after $(((${EPOCHREALTIME/./} - lab_flood_start_us) / 1000)) ms"
shows "since when, and which incident" 5 '^flood-spoofed since [0-9:]+Z, for .*; incident 20[0-9]{12}'
shows "what is done" 8 '^handled: tcp_syncookies set 0 to 1 by synward; blocking is off'
shows "why" 2 '^why: half-open [0-9]+ of 511 at 0.0.0.0:80'
shows "at what: the flooded one is the first of 25" 2 '^0.0.0.0:80 +flood +5[0-9][0-9] +511 '
shows "the others are counted" 2 '^20 more, all normal'
shows "from whom: nobody is named" 2 '^nobody can be named: the addresses are forged'
shows "the last events" 2 '^[0-9:]+ syncookies-set: '
lab_pause 4
shows "the marks rise" 2 '^unfinished .*(█|▇|▆)'
keep flood
lab_flood_wait
tm pipe-pane
seconds=$((SECONDS - bytes_start))
bytes=$(stat -c %s "$lab_temp/bytes")
lab_check "bytes an update: $((bytes / (2 * seconds))) of $seconds s" "$bytes / (2 * $seconds) < 1200"
shows "the end" 15 '^ (RECOVERING|NORMAL) '
shows "calm again" 60 '^ NORMAL '
keep after

id=$(lab_ctl --json incidents | jq -r '.incidents[-1].id')
lab_expect "the incident has a page" sh -c "'$SYNWARD_BUILD/synwardctl' --socket '$lab_temp/run/control.sock' \
        incidents $id --html >'$lab_temp/page.html'"
lab_expect "nobody is named in it" grep -q "Nobody can be named" "$lab_temp/page.html"
lab_expect "it tells what acting did" grep -q "flood, after acting" "$lab_temp/page.html"
lab_ctl incidents "$id" --text | sed 's/^/# /'
browser=$(command -v chromium) || browser=
if [ -n "${SYNWARD_SCREENS:-}" ] && [ -n "$browser" ]; then
        timeout 60 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$lab_temp/profile" \
                --hide-scrollbars --window-size=960,1010 --screenshot="$SYNWARD_SCREENS/incident.png" \
                "file://$lab_temp/page.html" 2>/dev/null
fi

lab_end watch
lab_end daemon
shows "the daemon's end" 3 '^ NO DAEMON +it has ended, [0-9]+ s ago; asking again'
keep gone
LAB_WATCH=0 lab_daemon
shows "the daemon's return" 5 '^ NORMAL '
tm send-keys q
lab_expect "q ends it" lab_wait_for 5 test -s "$lab_temp/ended"
tm kill-server
lab_end web-clients
lab_done
