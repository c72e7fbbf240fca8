#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Blocking on: 100,000 SYN/s from one /24 beside honest traffic are blocked
# within 2 s, nobody else is, the honest connections go on, and the set is empty
# when its time is over. The same flood from all over: nobody is blocked. And
# never a prefix with an established connection, nor anything in a dry run.
#   test-block.sh [SCENARIO...]     (one_24 and all_over, as fast as a processor sends: test-block-fast.sh)
. "$(dirname "$0")/lab.sh"
lab_need jq nft
lab_need_daemon

rate=20000
bad=203.0.113.0/24
LAB_CONFIG='
block: { enabled: true, timeout: 6s }
policy:
  - when: { state: flood }
    do: [ alert, syncookies, block, { hook: [ /bin/sh, -c, cat >>"$BLOCK_TEST_TOLD" ] } ]'

set_elements() {
        # No such set: nothing in it.
        lab_in server nft -j list set inet synward "$1" 2>/dev/null |
                jq -s '[.[].nftables[].set // empty | .elem // [] | length] | add // 0'
}

events() { lab_ctl --json events -n 256 | jq -c ".events[]? // . | select(.event == \"$1\")"; }

sources() { events "$1" | jq -r '.sources[]'; }

blocked() { [ -n "$(events source-blocked)" ]; }
told() { grep -q "\"event\":\"$1\"" "$lab_temp/told"; }
emptied() { [ "$(set_elements blocked4)" = 0 ] && [ "$(lab_ctl --json blocked | jq '.blocked | length')" = 0 ]; }
gone() { ! lab_in server nft list table inet synward >/dev/null 2>&1; }
held() { [ "$(lab_ctl --json status | jq -r '.reasons[0]' | grep -c '^a flood is held off')" = 1 ]; }
ended() { [ "$(events flood-end | wc -l)" = 1 ]; }
us_of() { date -d "$1" +%s%6N; }

begin() {
        lab_up cookies=1 delay=60ms
        lab_server web --listen 0.0.0.0:80 --backlog 511
        lab_honest web-clients --to $LAB_SERVER4:80 --rate 100 --poisson --duration 60s --timeout 3s
        lab_pause 1
        export BLOCK_TEST_TOLD=$lab_temp/told
        lab_daemon "$@"
        lab_pause 3
}

# Two floods of half the rate: one process sends at most 50,000 SYN/s.
flood() {
        lab_flood rate=$((rate / 2)) seconds=4 from="$1" name=flood seed=1
        start=$lab_flood_start_us
        lab_flood rate=$((rate / 2)) seconds=4 from="$1" name=flood2 seed=2
        lab_flood_start_us=$start
}

honest() {
        local opened connected

        lab_end web-clients
        lab_last[web-clients]=$(tail -n 1 "$lab_temp/web-clients.out")
        opened=$(lab_field web-clients opened) connected=$(lab_field web-clients connected)
        lab_check "$1: $connected of $opened honest connections made" "$connected >= $2 * ($opened - 60)"
}

one_24() {
        local rate=100000 at outside dropped pid

        begin
        flood $bad
        lab_expect_state flood 1000 "$start" "one /24: flood found"
        if lab_wait_for 5 blocked; then
                at=$(us_of "$(events source-blocked | head -n 1 | jq -r .time)")
                lab_check "one /24: blocked after $(((at - start) / 1000)) ms" "$at - $start <= 2000000"
        else
                lab_not_ok "one /24: blocked"
                lab_ctl status | sed 's/^/# /'
                lab_ctl sources --prefix -n 4 | sed 's/^/# /'
        fi
        lab_ctl blocked | sed 's/^/# /'
        if lab_wait_for 3 told source-blocked; then
                lab_ok "one /24: a hook beside block is told"
        else
                lab_not_ok "one /24: a hook beside block is told"
        fi
        lab_check "one /24: it is in the set ($(set_elements blocked4))" "$(set_elements blocked4) >= 1"
        lab_flood_wait flood
        lab_flood_wait flood2
        outside=$(sources source-blocked | grep -vc '^203\.0\.113\.')
        lab_check "one /24: nobody else was blocked ($(sources source-blocked | wc -l) entries, $outside outside)" "$outside == 0"
        dropped=$(lab_in server nft -j list counter inet synward blocked | jq '[.nftables[].counter // empty | .packets] | add')
        lab_check "one /24: $dropped SYNs were dropped and are in status ($(lab_ctl --json status | jq .block.dropped_syns))" \
                "$dropped > 0 && $(lab_ctl --json status | jq .block.dropped_syns) >= $dropped * 0.8"
        if lab_wait_for 12 emptied; then
                lab_ok "one /24: the set is empty when its time is over"
        else
                lab_not_ok "one /24: the set is empty when its time is over [$(lab_ctl --json blocked)]"
        fi
        lab_check "one /24: told that it is let go" "$(events source-unblocked | wc -l) >= 1"
        if lab_wait_for 3 told source-unblocked; then
                lab_ok "one /24: the hook too"
        else
                lab_not_ok "one /24: the hook too"
        fi
        honest "one /24" 0.99
        pid=${lab_pid[daemon]}
        kill -KILL "$pid"
        if lab_wait_for 3 gone; then lab_ok "the table is gone with a killed daemon"; else lab_not_ok "the table is gone with a killed daemon"; fi
        lab_down
}

all_over() {
        local rate=100000

        begin
        flood spoofed
        lab_expect_state flood 1000 "$start" "spoofed: flood found"
        lab_flood_wait flood
        lab_flood_wait flood2
        lab_check "spoofed: nobody was blocked" "$(events source-blocked | wc -l) == 0"
        honest "spoofed" 0
        lab_down
}

# A flood that is dropped is no flood that is over: one incident, held off.
longer() {
        local LAB_CONFIG=$LAB_CONFIG

        LAB_CONFIG="${LAB_CONFIG/timeout: 6s/timeout: 10s}
detect: { hold: 2s, recover: 3s }"
        begin
        lab_flood rate=$rate seconds=18 from=$bad name=flood seed=1
        if lab_wait_for 10 held; then
                lab_ok "longer: held off: $(lab_ctl --json status | jq -r '"\(.state); \(.reasons[0]); \(.host.syn_per_s) SYN/s arrive"')"
        else
                lab_not_ok "longer: held off"
                lab_ctl status | sed 's/^/# /'
        fi
        lab_check "longer: the dropped are in metrics" \
                "$(lab_ctl metrics | awk '$1 == "synward_blocked_syns_total" { print $2 }') > 0"
        lab_flood_wait flood
        lab_check "longer: it was not over while it was sent" "$(events flood-end | wc -l) == 0"
        if lab_wait_for 15 ended; then lab_ok "longer: $(events flood-end | jq -r .message)"; else lab_not_ok "longer: it ends"; fi
        lab_check "longer: one start, one end" "$(events flood-start | wc -l) == 1 && $(events flood-end | wc -l) == 1"
        lab_check "longer: the end tells what was dropped" "$(events flood-end | grep -c 'SYNs of theirs dropped') == 1"
        lab_down
}

# A client of the same prefix is connected.
neighbour() {
        local whole neighbour

        begin
        lab_honest neighbour --from 100.64.7.9/32 --to $LAB_SERVER4:80 --rate 2 --hold 30s --duration 30s
        lab_pause 2
        flood 100.64.7.0/24
        lab_expect_state flood 1000 "$start" "a connected neighbour: flood found"
        lab_flood_wait flood
        lab_flood_wait flood2
        whole=$(sources source-blocked | grep -c '/24')
        neighbour=$(sources source-blocked | grep -cx '100.64.7.9')
        lab_check "a connected neighbour: neither it nor its prefix was blocked ($(sources source-blocked | wc -l) addresses were)" \
                "$whole + $neighbour == 0"
        lab_down
}

dry_run() {
        begin --dry-run
        flood $bad
        lab_expect_state flood 1000 "$start" "dry run: flood found"
        lab_wait_for 5 blocked
        lab_flood_wait flood
        lab_flood_wait flood2
        lab_check "dry run: told, not done" "$(events source-blocked | grep -c 'dry run') >= 1 && $(set_elements blocked4) == 0"
        lab_down
}

[ $# -gt 0 ] || set -- longer neighbour dry_run
lab_scenarios "one_24 all_over longer neighbour dry_run" "$@"
lab_done
