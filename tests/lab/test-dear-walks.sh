#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tcp_syncookies 2, /proc/net not to be read, and walks of the socket table that
# are allowed only every few ticks: who finished is then known from the connections
# at two walks some time apart. A flood is found, a crowd is none.
. "$(dirname "$0")/lab.sh"
lab_need
lab_need_daemon

# In a mount namespace of its own (ip-netns(8) makes one) an empty directory is where the
# daemon looks for the kernel's counters.
without_counters() {
        local name=$1 ns=$2
        shift 2
        # shellcheck disable=SC2016
        lab_spawn "$name" "$ns" sh -c 'mount -t tmpfs -o size=4k none /proc/$$/task/$$/net && exec "$@"' sh "$@"
}

interval_ms() { lab_ctl --json status | jq -r '.sensors.sock_diag.interval_ms'; }

# permille N: the budget of a walk, as the configuration has it.
budget() { printf 'poll: { budget: %d.%d%%, alarm_budget: %d.%d%% }' $(($1 / 10)) $(($1 % 10)) $(($1 / 10)) $(($1 % 10)); }

lab_up cookies=2 delay=20ms
lab_server web --listen 0.0.0.0:80 --backlog 511
lab_honest kept --to $LAB_SERVER4:80 --rate 1500 --keep 1000 --duration 90s --first 100000
lab_honest usual --to $LAB_SERVER4:80 --rate 100 --poisson --duration 90s --timeout 3s
lab_pause 3
LAB_SPAWN=without_counters LAB_CONFIG=$(budget 2) lab_daemon
lab_pause 10
lab_expect "the counters cannot be read" test "$(lab_ctl --json status | jq -r .sensors.netstat.state)" = failed
# What a walk costs is the machine's: 3 to 12 ms were seen. Rare is meant for this one.
permille=$((($(interval_ms) * 2 + 1250) / 2500))
[ $permille -ge 1 ] || permille=1
budget $permille >"$lab_temp/synward.yaml"
start=${EPOCHREALTIME/./}
lab_expect "the budget is taken" lab_ctl reload
rare() { every_ms=$(interval_ms); [ "$every_ms" -ge 600 ] && [ "$every_ms" -le 4000 ]; }
lab_expect "with a budget of $permille in 1,000, walks are rarer than ticks" lab_wait_for 10 rare
lab_note "a walk every $every_ms ms"
lab_pause 5

lab_never flood "no flood before the flood" "$start"

lab_flood rate=1000 seconds=12
# Two walks and a look or two.
lab_expect_state flood $((2 * $(interval_ms) + 2000)) "$lab_flood_start_us" "flood found"
lab_flood_wait
lab_expect_end 15000 "end told"

start=${EPOCHREALTIME/./}
lab_honest crowd --to $LAB_SERVER4:80 --rate 1000 --poisson --duration 8s --timeout 3s --first 200000
lab_pause 12
lab_never flood "a crowd of ten times the usual is none" "$start"
lab_done
