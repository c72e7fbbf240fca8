#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Figures add up: 2,000 spoofed SYN/s and nothing else, onto one full listener or four,
# with tcp_syncookies 0 and 1. What is said to be unfinished, refused and finished is
# together within 15 % of what was sent, each of it what the kernel counted, and what
# is said of the listeners adds up to what is said of the host.
# And the incident's record tells of two listeners, flooded at different rates, what it did to each.
# Arguments choose: one0 one1 four0 four1 (listeners, tcp_syncookies), record0 record1.
. "$(dirname "$0")/lab.sh"
lab_need jq
lab_need_daemon

LAB_STATUSES=1
# The value under test stays.
LAB_CONFIG='syncookies: { mode: off }'
rate=2000

# near TEXT FIGURE WANTED: within 15 %; what is not said ("null") is not.
near() {
        lab_check "$1: $2 of $3" "\"$2\" != \"null\" && $2 + 0 >= 0.85 * $3 && $2 + 0 <= 1.15 * $3"
}

# mean FROM EXPRESSION: of what status said since then, in jq's words; null if nothing.
mean() {
        jq -s --arg from "$1" "[.[] | select(.time >= \$from) | $2 | select(. != null)] |
                if length == 0 then null else add / length * 10 | round / 10 end" "$lab_temp/statuses"
}

mark() {
        local c

        for c in ListenDrops SyncookiesSent PassiveOpens; do
                before[$c]=$(lab_counter $c)
        done
        marked_us=${EPOCHREALTIME/./}
        from=$(date -u -d "@$((marked_us / 1000000))" +%Y-%m-%dT%H:%M:%S)
}
# of_kernel NAME: a second, since the mark.
of_kernel() { awk "BEGIN { printf \"%.0f\", ($(lab_counter "$1") - ${before[$1]}) * 1e6 / (${EPOCHREALTIME/./} - $marked_us) }"; }

# While queues fill, what was stored 400 ms ago is told beside what is refused now.
most() { jq -s '[.[].host | .unanswered_per_s + .queue_drops_per_s] | max | round' "$lab_temp/statuses"; }

# try NAME COOKIES PORT ...
try() {
        local name=$1 cookies=$2 port drops sent said refused finished
        local -A before
        local marked_us from
        shift 2

        lab_up cookies="$cookies" delay=10ms
        for port; do
                lab_server "web$port" --listen "0.0.0.0:$port" --backlog 128
        done
        lab_daemon
        lab_pause 2
        for port; do
                lab_flood name="flood$port" rate=$((rate / $#)) seconds=11 seed="$port" to="$LAB_SERVER4:$port"
        done
        # Until queues are full, and averages are made of nothing else.
        lab_pause 4
        mark
        lab_pause 5
        drops=$(of_kernel ListenDrops) sent=$(of_kernel SyncookiesSent)
        lab_note "$name: the kernel: $drops/s dropped, $sent cookies/s sent, $(of_kernel PassiveOpens)/s finished"
        lab_end watch
        said=$(mean "$from" .host.unanswered_per_s) refused=$(mean "$from" .host.queue_drops_per_s)
        finished=$(mean "$from" .host.completed_per_s)
        lab_note "$name: said: $said/s unfinished, $refused/s refused, $finished/s finished," \
                "$(mean "$from" .host.cookies_sent_per_s) cookies/s sent, $(mean "$from" .host.syn_per_s) SYN/s"
        lab_check "$name: nor is more said at any time: at most $(most)" "$(most) <= 1.4 * $rate"
        near "$name: SYNs" "$(mean "$from" .host.syn_per_s)" $rate
        near "$name: unfinished, refused and finished" \
                "$(awk "BEGIN { print $said + $refused + $finished }")" $rate
        lab_check "$name: refused: $refused of $drops" \
                "$refused >= 0.85 * $drops - 20 && $refused <= 1.15 * $drops + 20"
        lab_check "$name: nothing is finished: $finished" "$finished < 10"
        lab_note "$name: $(tail -n 1 "$lab_temp/statuses" | jq -r '.reasons | join("; ")')"
        near "$name: SYNs of all listeners" "$(mean "$from" '[.listeners[].syn_per_s] | add')" $rate
        near "$name: unfinished of all listeners, and refused" "$(mean "$from" \
                '.host.queue_drops_per_s as $r | [.listeners[].unanswered_per_s] | add | if . then . + $r else null end')" $rate
        for port; do
                lab_check "$name: :$port is a flood" "$(tail -n 1 "$lab_temp/statuses" |
                        jq "[.listeners[] | select(.port == $port and .state == \"flood\")] | length") == 1"
        done
        lab_down
}

incident() { lab_ctl --json incidents "$(lab_ctl --json incidents | jq '.incidents[0].id')" | jq -r ".incidents[0]$1"; }
has_ended() { [ "$(incident .state)" = ended ]; }

# of_one NAME PLACE PORT BACKLOG SENT: one listener's row, PLACE'th of the record.
of_one() {
        local name=$1 port=$3 row=".account.listeners[$2]" lost

        lab_note "$name: of $5 sent: $(incident "$row | tostring")"
        lab_check "$name: :$port is in its place" "\"$(incident "$row.listener")\" == \"0.0.0.0:$port\""
        near "$name: SYNs of :$port" "$(incident "$row.syns")" "$5"
        lost=$(incident "$row | .unfinished + .refused")
        near "$name: unfinished and refused of :$port" "$lost" "$5"
        lab_check "$name: nothing is finished of :$port" "$(incident "$row.finished") < 0.01 * $5"
        lab_check "$name: :$port was full: $(incident "$row | \"\(.peak_half_open) of \(.peak_backlog)\"")" \
                "$(incident "$row.peak_backlog") == $4 && $(incident "$row.peak_half_open") >= $4"
}

# record NAME COOKIES: two listeners, one of which gets three times as much.
record() {
        local name=$1 text

        lab_up cookies="$2" delay=10ms
        lab_server web80 --listen 0.0.0.0:80 --backlog 128
        lab_server web81 --listen 0.0.0.0:81 --backlog 256
        LAB_CONFIG="$LAB_CONFIG"$'\n''detect: { recover: 5s }' lab_daemon
        lab_pause 2
        lab_flood name=flood80 rate=500 seconds=24 seed=80 to="$LAB_SERVER4:80"
        lab_flood name=flood81 rate=1500 seconds=24 seed=81 to="$LAB_SERVER4:81"
        lab_flood_wait flood80
        lab_flood_wait flood81
        if lab_wait_for 90 has_ended; then lab_ok "$name: the incident ends"; else lab_not_ok "$name: the incident ends"; fi
        of_one "$name" 0 81 256 "$(lab_field flood81 sent)"
        of_one "$name" 1 80 128 "$(lab_field flood80 sent)"
        lab_check "$name: and no other" "$(incident '.account | (.listeners | length) + .listeners_left_out') == 2"
        for text in unfinished refused finished; do
                lab_check "$name: $text of both is the account's" \
                        "$(incident ".account | (([.listeners[].$text] | add) - .$text) | fabs") <= 1"
        done
        lab_ctl incidents "$(incident .id)" --text | sed -n '/THE FLOODED LISTENERS/,/^$/p' >"$lab_temp/text"
        sed 's/^/# /' "$lab_temp/text"
        lab_check "$name: the text has a line for each" "$(grep -cE '^  0\.0\.0\.0:8[01]( +[0-9.,kM]+){6}$' "$lab_temp/text") == 2"
        lab_check "$name: and so has the page" "$(lab_ctl incidents "$(incident .id)" --html |
                grep -cE '^<tr><th scope="row">0\.0\.0\.0:8[01]</th>') == 2"
        lab_down
}

record0() { record record0 0; }
record1() { record record1 1; }
one0() { try one0 0 80; }
one1() { try one1 1 80; }
four0() { try four0 0 80 81 82 83; }
four1() { try four1 1 80 81 82 83; }

lab_scenarios "one0 one1 four0 four1 record0 record1" "$@"
lab_done
