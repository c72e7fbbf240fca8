#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# synwardctl top in a real terminal (tmux), against a daemon with made-up figures: what is on
# the screen, as text; keys; sizes; UTF-8 and ASCII; the daemon's going and coming back; bytes
# sent; the terminal after every kind of end.
set -u
unset NO_COLOR TMUX

top=${top_builddir:-.}
ctl=$(cd "$top" && pwd)/synwardctl
fake=$top/tests/unit/fake-daemon
work=$(mktemp -d) || exit 99
socket=$work/control.sock
failed=0
daemon=

command -v tmux >/dev/null || { echo "SKIP: no tmux here"; exit 77; }
"$ctl" top 2>&1 </dev/null | grep -q "needs a terminal" || { echo "SKIP: built without ncurses"; exit 77; }

# Not with our end of the daemon's standard input: that would keep it from ending.
opened=0
tm() { tmux -S "$work/tmux.$opened" -f /dev/null "$@" 9>&-; }

stop() {
        [ -n "$daemon" ] || return 0
        exec 9>&-
        wait "$daemon"
        daemon=
}
trap 'tm kill-server 2>/dev/null; stop; rm -rf "$work"' EXIT

not_ok() {
        echo "FAILED: $*"
        failed=1
}

# until_true SECONDS COMMAND...
until_true() {
        local end=$((SECONDS + $1 + 1))
        shift
        until "$@"; do
                [ "$SECONDS" -lt "$end" ] || return 1
                sleep 0.05
        done
}

# start KIND: the daemon, its standard input on 9
start() {
        stop
        rm -f "$work/in" "$work/ready"
        mkfifo "$work/in"
        "$fake" "$socket" "$1" <"$work/in" >"$work/ready" &
        daemon=$!
        exec 9>"$work/in"
        until_true 20 test -s "$work/ready" || { echo "the fake daemon does not start"; exit 99; }
}

# open COLUMNS LINES [NAME=VALUE...]: top in a shell of a terminal of that size
open() {
        local columns=$1 lines=$2
        shift 2
        tm kill-server 2>/dev/null
        opened=$((opened + 1)) # the old server may take a moment to go
        rm -f "$work/ended" "$work/after"
        tm new-session -d -x "$columns" -y "$lines" \
                "stty -g >'$work/before'; env LC_ALL=C.UTF-8 $* '$ctl' --socket '$socket' top; \
                 echo \"ended: \$?\" >'$work/ended'; stty -g >'$work/after'; exec sleep 1000"
        until_true 20 on_screen "quit" || not_ok "nothing on the screen: $(screen)"
}

screen() { tm capture-pane -p; }
on_screen() { screen | grep -qF -- "$1"; }
keys() { tm send-keys "$@"; }
shows() { until_true 20 on_screen "$1" || not_ok "$2: no \"$1\": $(screen)"; }
line_of() { screen | grep -nF -- "$1" | head -n 1 | cut -d : -f 1; }
# What is on the screen may be half a picture: asked again until it is so.
is_at() { [ "$(line_of "$1")" = "$2" ]; }
is_whole() { screen | sed 's/ *$//' | grep -qxF -- "$1"; }
is_above() { [ "$(line_of "$1")" -lt "$(line_of "$2")" ] 2>/dev/null; }
fits() { [ "$(screen | grep -c .)" -le 24 ] && [ "$(screen | LC_ALL=C.UTF-8 wc -L)" -le 80 ]; }
has_marks() { screen | grep -qE '^unfinished ▁{20,}▇{10,}'; }
is_ascii() { ! screen | LC_ALL=C grep -q '[^ -~]'; }
has_colours() { tm capture-pane -pe | grep -q $'\033\[[0-9;]*3[0-7]'; }

screen_is_back() { [ "$(tm display -p '#{alternate_on} #{cursor_flag} #{keypad_flag}')" = "0 1 0" ]; }
# closed WHAT: top has ended, and the terminal is as it was.
closed() {
        until_true 20 test -s "$work/after" || { not_ok "$1: it does not end: $(screen)"; return; }
        cmp -s "$work/before" "$work/after" || not_ok "$1: the terminal's modes are others than before"
        until_true 5 screen_is_back ||
                not_ok "$1: the screen is not given back: $(tm display -p '#{alternate_on} #{cursor_flag} #{keypad_flag}')"
}

# --- one look at 80x24: is it a flood, at what, since when, from whom, is it handled? ---
start many
open 80 24
shows " FLOOD " "the state"
shows "flood-spoofed since 23:59:58Z, for 2 s; incident 3, peak 1,301 SYN/s" "since when"
shows "handled: tcp_syncookies set 0 to 1 by synward" "whether it is handled"
shows "why: 1,240 SYN/s, 16 % complete" "why"
shows "0.0.0.0:8027          flood           512    511 ████████ 100 %" "at what"
shows "27 more, all normal" "how many more"
shows "nobody can be named: the addresses are forged (about 51,234" "from whom"
shows "flood-start: made up" "the events"
shows "1,240/s, most 1,240" "the history"
until_true 5 is_at 0.0.0.0:8027 11 || not_ok "the flooded listener is not the first"
if on_screen probe; then not_ok "a probe where there is none: $(screen)"; fi
until_true 5 fits || not_ok "wider than the screen: $(screen)"
until_true 5 has_marks || not_ok "no marks of the flood: $(screen)"

# --- keys ---
keys s
shows "s sort: fill" "sorting"
keys s s s
shows "s sort: port" "sorting by port"
until_true 5 is_at 0.0.0.0:8000 11 || not_ok "not sorted by port"
keys Down Down Enter
shows "(one of 32; esc: all)" "one listener"
shows "RST answers/s" "one listener's figures"
keys Escape
shows "more, " "all listeners again"
keys h
shows "HELP" "the help"
keys x
shows "FROM WHOM" "back from the help"
keys p
shows "PAUSED" "the pause"
keys p

# --- sizes ---
tm resize-window -x 132 -y 50
shows "7 more, 1 of them not normal" "a larger window"
tm resize-window -x 40 -y 12
shows " FLOOD " "a small window"
tm resize-window -x 30 -y 8
shows "too small" "a window too small"
tm resize-window -x 80 -y 24
shows "27 more" "the usual size again"

# --- what it sends ---
tm pipe-pane -O "cat >'$work/bytes'"
sleep 5 # measured for so long
tm pipe-pane
bytes=$(stat -c %s "$work/bytes")
[ "$bytes" -le 2000 ] || not_ok "$bytes bytes in five seconds of a picture that stands still"

# --- the daemon goes and comes back ---
stop
shows "NO DAEMON" "the daemon's end"
shows "it has ended" "why there is none"
shows "0.0.0.0:8000" "what was last known"
start quiet
shows " NORMAL " "the daemon's return"
shows "no listener is seen" "the new daemon's listeners"
if on_screen "NO DAEMON"; then not_ok "still NO DAEMON"; fi
keys q
closed "q"
grep -q "ended: 0" "$work/ended" || not_ok "q: $(cat "$work/ended")"

# --- a daemon that hangs: keys work meanwhile ---
start many
open 80 24
kill -STOP "$daemon"
keys h
shows "HELP" "a key while the daemon hangs"
keys x
until_true 10 on_screen "it does not answer" || not_ok "a hanging daemon is not told: $(screen)"
kill -CONT "$daemon"
shows " FLOOD " "it goes on"
keys q
closed "q after a hang"

# --- from whom: who leaves handshakes unfinished, not who sends most ---
start concentrated
open 80 24
shows "probe: timed out, lately 25 % connected; known clients 98 % at once" "the probe, and known clients"
until_true 5 is_at "probe: timed out" 6 || not_ok "the probe is not in its place: $(screen)"
until_true 5 is_at "0.0.0.0:80            flood" 12 || not_ok "the probe's line has displaced the listeners by more than itself: $(screen)"
shows "a mark is" "the legend of the marks"
shows "198.51.100.0/24                                124       120        44" "a network that is named"
shows "192.0.2.7                                       62        60        20" "a source that is named"
until_true 5 is_above 198.51.100.0/24 192.0.2.7 || not_ok "the lighter one is named first"
if on_screen 203.0.113.9; then not_ok "an honest source is accused: $(screen)"; fi
if on_screen "nobody"; then not_ok "nobody and somebody: $(screen)"; fi
until_true 5 is_at "q quit" 24 || not_ok "the keys are not last: $(screen)"
shows "flood-start: made up" "the events, below a probe"
keys h
shows "they are there before you looked" "all of the help, below a probe"
until_true 5 is_at "q quit" 24 || not_ok "the help covers the keys: $(screen)"
keys x
tm resize-window -x 80 -y 14
until_true 20 is_at "0.0.0.0:80            flood" 11 || not_ok "a small window: $(screen)"
if on_screen "a mark is"; then not_ok "no room for a legend: $(screen)"; fi
until_true 5 is_at "probe: timed out" 6 || not_ok "a small window has no probe: $(screen)"
tm resize-window -x 60 -y 24
until_true 20 is_whole "probe: timed out, lately 25 % connected" || not_ok "no room for known clients: $(screen)"
keys q
closed "q"

# --- a probe that does not connect, and why ---
start probe
open 80 24
shows "probe: connected in 0.06 ms, lately 100 % connected; known clients 98 % at once" "a probe that connects"
start probe-fails
shows "probe: timed out, lately 0 % connected; known clients" "a probe that does not connect"
start probe-gone
shows "probe: failed: a packet filter | or IPAddressDeny= of ..." "why it does not"
if on_screen "known clients"; then not_ok "known clients in spite of no room: $(screen)"; fi
until_true 5 fits || not_ok "wider than the screen: $(screen)"
keys q
closed "q"

# --- plain ASCII, no colours ---
start many
open 80 24 LC_ALL=C NO_COLOR=1
shows "######## 100 %" "a bar in ASCII"
until_true 5 is_ascii || not_ok "not ASCII: $(screen)"
! has_colours || not_ok "colours in spite of NO_COLOR"
keys C-c
closed "control-c"
open 80 24
until_true 5 has_colours || not_ok "no colours"
# Not left to the end of its terminal: whose SIGCONT undoes the stop that a leak check waits for.
keys q
closed "q in colours"

# --- the terminal after every end ---
for signal in TERM HUP QUIT; do
        open 80 24
        kill -"$signal" "$(pgrep -n -f -- "^$ctl --socket $socket top")"
        closed "SIG$signal"
        grep -q "ended: 1[0-9][0-9]" "$work/ended" || not_ok "SIG$signal is not told: $(cat "$work/ended")"
done
stop
"$ctl" --socket "$socket" status >/dev/null 2>&1
[ $? = 3 ] || not_ok "the fake daemon is still there"
tm kill-server 2>/dev/null
[ "$failed" = 0 ] && echo "synwardctl top: all as it should be"
exit "$failed"
