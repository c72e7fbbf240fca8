#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Who sends the SYNs: the daemon's own rules and their end, naming of sources and
# prefixes of both families, totals with and without sampling, completion.
# Arguments choose: rules theirs heavy mixed lasting fast frugal lossy two (heavy, fast and lossy, as fast as
# a processor sends: test-sources-fast.sh).
. "$(dirname "$0")/lab.sh"
lab_need nft python3 setpriv
lab_need_daemon

has_table() { lab_in "${1:-server}" nft list table inet synward >"$lab_temp/table" 2>/dev/null; }
no_table() { ! has_table; }
metric() { lab_ctl metrics | awk -v name="$1" '$1 == name { printf "%.0f", $2 }'; }
received() { lab_in server cat /sys/class/net/swlabflood/statistics/rx_packets; }
yes() { if eval "$2"; then lab_ok "$1"; else lab_not_ok "$1 [not $2]"; fi; }

probe_ready() { grep -q ready "$lab_temp/probe.err"; }
probe_says() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$lab_temp/probe.out" "$1"; }

# flooder NAME FROM RATE SECONDS [TO]: one more flood beside the others.
flooder() {
        lab_flood name="$1" from="$2" rate="$3" seconds="$4" to="${5:-$LAB_SERVER4:80}" seed=$((++seed))
}

# look NAME: what `sources` and `status` say now.
look() {
        lab_ctl --json sources -n 64 >"$lab_temp/$1.sources"
        lab_ctl --json sources -n 64 --prefix >"$lab_temp/$1.prefixes"
        lab_ctl --json status >"$lab_temp/$1.status"
}

# judge NAME TEXT EXPRESSION: Python over the look: s and p are sources and prefixes by
# name, names is s in order, log is the sensor. TEXT is formatted with the figures in it.
judge() {
        python3 - "$lab_temp/$1" "$2" "$3" <<'PY'
import json, sys
path, text, expression = sys.argv[1:]
load = lambda what: json.load(open(f"{path}.{what}"))
s = {x["address"]: x for x in load("sources")["sources"]}
p = {x["prefix"]: x for x in load("prefixes")["sources"]}
names, log, status = list(s), load("status")["sensors"]["nflog"], load("status")
try:
    good = eval(expression)
except (KeyError, TypeError, IndexError, ValueError) as e:
    good, text = False, text + f" [{e!r}; {names[:8]} {list(p)[:4]}]"
try:
    text = eval("f" + repr(text))
except (KeyError, TypeError, IndexError, ValueError):
    pass
print(text)
sys.exit(not good)
PY
}
expect() { # as judge
        local text

        if text=$(judge "$@"); then lab_ok "$text"; else lab_not_ok "$text"; fi
}

# settled: the counter has told of all SYNs that the device has seen since before.
totals() { # TEXT DEVICE_BEFORE SYNS_BEFORE
        local sent told

        sent=$(($(received) - $2))
        told_all() { told=$(($(metric synward_syns_total) - $3)); [ "$told" -ge "$sent" ]; }
        lab_wait_for 3 told_all "$@"
        lab_check "$1: $told of $sent SYNs told" "$told >= $sent * 0.99 && $told <= $sent * 1.01"
}

rules() {
        local before

        lab_up cookies=1 delay=1ms
        lab_in server nft 'add table inet other; add counter inet other untouched'
        before=$(lab_in server nft list table inet other)
        lab_server web --listen 0.0.0.0:80 --backlog 511
        LAB_WATCH=0 lab_daemon
        yes "the table is there, and has an owner" 'has_table && grep -q "flags owner" "$lab_temp/table"'

        lab_in server "$SYNWARD_BUILD/tests/lab/syn-log-probe" 1 >"$lab_temp/second" 2>/dev/null
        yes "a second reader is refused and says why" 'grep -q "another program" "$lab_temp/second"'
        yes "and the first keeps its table" has_table

        lab_flood rate=40000 seconds=5
        sampled() { lab_ctl --json status | tr -d ' \n' | grep -q '"sample_one_in":8[,}]'; }
        yes "sampling has begun" 'lab_wait_for 2 sampled'
        # Not lab_end: this is no ordinary end.
        kill -KILL "${lab_pid[daemon]}"
        wait "${lab_pid[daemon]}" 2>/dev/null
        unset 'lab_pid[daemon]'
        yes "SIGKILL under load leaves no table, once the keeper has seen it" 'lab_wait_for 2 no_table'
        LAB_WATCH=0 lab_daemon
        look again
        expect again "and it starts again at once: {log['state']}" "log['state'] == 'ok'"
        lab_finish flood
        lab_end daemon
        yes "a clean end leaves no table" no_table

        lab_in server nft add table inet synward
        LAB_WATCH=0 lab_daemon
        look foreign
        expect foreign "a foreign table of that name is told: {log.get('reason')}" \
                "log['state'] == 'failed' and 'not ours' in log['reason']"
        lab_end daemon
        yes "and it stays" has_table
        lab_in server nft delete table inet synward

        lab_in server setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all \
                "$SYNWARD_BUILD/tests/lab/syn-log-probe" 1 >"$lab_temp/nobody" 2>/dev/null
        yes "no privilege: told" 'grep -q CAP_NET_ADMIN "$lab_temp/nobody"'
        yes "the tables of others are untouched" \
                '[ "$before" = "$(lab_in server nft list table inet other)" ]'
        lab_down
}

# stands_still: the number of SYNs told is the same for half a second: longer than a batch
# and a tick take.
stands_still() {
        local now

        now=$(metric synward_syns_total)
        if [ "$now" != "${told:-}" ]; then
                told=$now told_us=${EPOCHREALTIME/./}
                return 1
        fi
        [ $((${EPOCHREALTIME/./} - told_us)) -ge 500000 ]
}

# logs_for_us NAME ONE_IN RATE PERMILLE: with rules that are there already and log one in so
# many, and none of our own, SYNs of both families are counted, within so many permille.
logs_for_us() {
        local sent told told_us

        LAB_CONFIG='nflog: { manage_rules: false }' LAB_WATCH=0 lab_daemon
        yes "$1: no table of our own" no_table
        flooder four spoofed "$(($3 * 3 / 4))" 3
        flooder six spoofed "$(($3 / 4))" 3 "$LAB_SERVER6:80"
        lab_finish four
        lab_finish six
        sent=$(($(lab_field four sent) + $(lab_field six sent)))
        lab_wait_for 5 stands_still
        lab_check "$1: $told of $sent SYNs told" \
                "$told >= $sent * (1 - $4 / 1000) && $told <= $sent * (1 + $4 / 1000)"
        look theirs
        expect theirs "$1: the sensor is {log['state']}, {log['received']} messages, one in {log['sample_one_in']}, lost: {log['lost']}" \
                "log['state'] == 'ok' and log['received'] > 0 and log['sample_one_in'] == $2 and log['lost'] == 0"
        expect theirs "$1: {status['sources_distinct_estimate']:.0f} sources" \
                "abs(status['sources_distinct_estimate'] / $sent - 1) < 0.2"
        expect theirs "$1: {status['state']}, {status['diagnosis']}" "status['diagnosis'] == 'flood-spoofed'"
        lab_end daemon
}

# The comment at the end of synward-log.nft, put where it says.
one_in_64() {
        awk '/^# The same, one in 64:/ { print "table inet syn_log {"; ours = 1; next }
             ours && /jump sampled/ { rule = substr($0, 2); next }
             ours { print substr($0, 2) }
             END {
                     print "chain input {\ntype filter hook input priority 2147483000; policy accept;"
                     print rule "\n}\n}"
             }' "$1"
}

# The administrator's rules instead of our own, as contrib/nftables has them.
theirs() {
        local contrib

        contrib=$(dirname "$0")/../../contrib/nftables
        lab_up cookies=1 delay=1ms
        lab_server web --listen '[::]:80' --backlog 511
        lab_in server nft -f "$contrib/synward-log.nft"
        logs_for_us synward-log.nft 1 20000 10
        yes "synward-log.nft: it stays" 'lab_in server nft list table inet syn_log >/dev/null'
        lab_in server nft delete table inet syn_log

        # At this rate a tenth is five standard errors of the sample.
        one_in_64 "$contrib/synward-log.nft" >"$lab_temp/one_in_64.nft"
        yes "one in 64: loaded" 'lab_in server nft -f "$lab_temp/one_in_64.nft"'
        logs_for_us "one in 64" 64 50000 100
        lab_in server nft delete table inet syn_log

        if lab_has iptables-nft-restore "synward-log.iptables"; then
                yes "synward-log.iptables: loaded" \
                        'lab_in server iptables-nft-restore --noflush <"$contrib/synward-log.iptables"'
                yes "synward-log.iptables: loaded for IPv6" \
                        'lab_in server ip6tables-nft-restore --noflush <"$contrib/synward-log.iptables"'
                logs_for_us synward-log.iptables 1 4000 10
        fi
        lab_down
}

# 20 evenly paced sources of 500/s beside 100,000 spoofed SYN/s.
heavy() {
        local i device syns pss

        lab_up cookies=1 delay=1ms
        lab_server web --listen 0.0.0.0:80 --backlog 511
        LAB_WATCH=0 lab_daemon
        pss=$(lab_pss_kib) device=$(received) syns=$(metric synward_syns_total)
        for ((i = 1; i <= 20; i++)); do
                flooder "heavy$i" "192.18.$i.7/32" 500 40
        done
        flooder mass1 spoofed 50000 30
        flooder mass2 spoofed 50000 30
        sleep 13
        for i in 1 2 3; do
                look heavy$i
                [ $i = 3 ] || lab_pause 6
        done
        # The mean of three looks. One of 1 in 4 SYNs is off by 3.2 % (standard error; 6 s of weight, 750 SYNs):
        # of twenty sources one is off by three of them in one run of twenty. Three that far apart share
        # a third of what they saw: 2.3 %.
        python3 - "$lab_temp" <<'PY'
import json, statistics, sys
looks = [json.load(open(f"{sys.argv[1]}/heavy{i}.sources"))["sources"] for i in (1, 2, 3)]
middle = dict(looks[2][0], address="")
out = []
for x in looks[2]:
    rates = [y["syn_per_s"] for l in looks for y in l if y["address"] == x["address"]]
    out.append(dict(x, syn_per_s=statistics.mean(rates)))
json.dump({"sources": out}, open(f"{sys.argv[1]}/heavy3.sources", "w"))
PY
        expect heavy3 "20 of 500/s beside 100,000/s: {sum(f'192.18.{i}.7' in s for i in range(1, 21))} named" \
                "all(f'192.18.{i}.7' in s for i in range(1, 21))"
        expect heavy3 "and no other above them" "all(n.startswith('192.18.') for n in names[:20])"
        expect heavy3 "their rates: {min(s[n]['syn_per_s'] for n in names[:20]):.0f} to {max(s[n]['syn_per_s'] for n in names[:20]):.0f}" \
                "all(abs(s[n]['syn_per_s'] / 500 - 1) <= 0.1 for n in names[:20])"
        expect heavy3 "one address in {log['sample_one_in']}, {log['received']} messages, lost: {log['lost']}" \
                "log['sample_one_in'] == 8 and log['lost'] == 0"
        for i in "${!lab_pid[@]}"; do
                [[ $i != heavy* && $i != mass* ]] || lab_end "$i"
        done
        totals "110,000/s, sampled" "$device" "$syns"
        lab_check "resident, what parts share counted once: $pss KiB before, $(lab_pss_kib) after" "$(lab_pss_kib) <= 12288"
        lab_down
}

# An honest source, one that never completes, a prefix, both families: at rates that are
# logged whole, so that totals are right without sampling too.
mixed() {
        local device syns

        lab_up cookies=1 delay=1ms
        lab_server web --listen '[::]:80' --backlog 4096
        LAB_CONFIG='nflog: { max_rate: 1000000 }' LAB_WATCH=0 lab_daemon
        device=$(received) syns=$(metric synward_syns_total)
        lab_spawn honest client "$SYNWARD_BUILD/tests/lab/honest" --from 100.64.7.7/32 \
                --to $LAB_SERVER4:80 --rate 2000 --duration 30s
        flooder prefix 203.0.113.0/24 2000 30
        flooder one one 500 30
        flooder one6 one 500 30 "$LAB_SERVER6:80"
        flooder prefix6 2001:db8:77:1::/64 1000 30 "$LAB_SERVER6:80"
        lab_pause 14 # until the weighed window is full: time is what is waited for
        look mixed
        expect mixed "a source that completes, 2,000/s: {s['100.64.7.7']['syn_per_s']:.0f}/s, completion {s['100.64.7.7']['completion_ratio']:.3f}" \
                "s['100.64.7.7']['completion_ratio'] > 0.95 and abs(s['100.64.7.7']['syn_per_s'] / 2000 - 1) < 0.1"
        expect mixed "one that never does: completion {s['198.51.100.1']['completion_ratio']:.3f}" \
                "s['198.51.100.1']['completion_ratio'] < 0.02"
        expect mixed "a /24 at 2,000/s: {p['203.0.113.0/24']['syn_per_s']:.0f}/s" \
                "abs(p['203.0.113.0/24']['syn_per_s'] / 2000 - 1) <= 0.1"
        expect mixed "an IPv6 source at 500/s: {s['2001:db8:bad::1']['syn_per_s']:.0f}/s" \
                "abs(s['2001:db8:bad::1']['syn_per_s'] / 500 - 1) <= 0.1"
        expect mixed "an IPv6 /64 at 1,000/s: {p['2001:db8:77:1::/64']['syn_per_s']:.0f}/s" \
                "abs(p['2001:db8:77:1::/64']['syn_per_s'] / 1000 - 1) <= 0.1"
        expect mixed "all logged, lost: {log['lost']}" "log['sample_one_in'] == 1 and log['lost'] == 0"
        for i in prefix one one6 prefix6 honest; do
                lab_end $i
        done
        lab_last[honest]=$(tail -n 1 "$lab_temp/honest.out")
        device=$((device - $(lab_field honest opened)))
        totals "all logged" "$device" "$syns"
        lab_down
}

# Connections that do not end while we watch are finished handshakes all the same.
lasting() {
        local known

        lab_up cookies=1 delay=1ms
        lab_server web --listen '[::]:80' --backlog 4096
        LAB_WATCH=0 lab_daemon
        lab_spawn honest client "$SYNWARD_BUILD/tests/lab/honest" --from 100.64.7.7/32 \
                --to $LAB_SERVER4:80 --rate 200 --duration 20s --hold 60s
        flooder one one 200 20
        known() {
                look lasting
                judge lasting "" "s['100.64.7.7']['completion_ratio'] > 0.8" >"$lab_temp/known"
        }
        lab_wait_for 15 known
        expect lasting "200/s that stay open: completion {s['100.64.7.7']['completion_ratio']:.3f}" \
                "s['100.64.7.7']['completion_ratio'] > 0.8"
        expect lasting "one beside it that never completes: {s['198.51.100.1']['completion_ratio']:.3f}" \
                "s['198.51.100.1']['completion_ratio'] < 0.02"
        lab_end honest
        lab_end one
        lab_down
}

# As fast as it can be sent for about ten seconds, from every core that the daemon runs on too.
fast() {
        local device syns pss cpu start

        lab_has trafgen fast || return 0
        lab_up cookies=1 delay=1ms
        lab_server web --listen 0.0.0.0:80 --backlog 511
        LAB_WATCH=0 lab_daemon
        pss=$(lab_pss_kib) device=$(received) syns=$(metric synward_syns_total) cpu=$(lab_cpu_us)
        start=${EPOCHREALTIME/./}
        lab_flood_fast packets=3600000 seconds=20 cpus="$(nproc)"
        wait "${lab_pid[flood]}"
        unset 'lab_pid[flood]'
        start=$((${EPOCHREALTIME/./} - start))
        totals "$(awk "BEGIN { printf \"%.0f\", ($(received) - $device) / $start * 1e6 }") SYN/s for $((start / 1000)) ms" \
                "$device" "$syns"
        look fast
        expect fast "one address in {log['sample_one_in']}, {log['received']} messages, lost: {log['lost']}" \
                "log['lost'] == 0 or log['sample_one_in'] > 1"
        lab_check "the whole daemon: $(awk "BEGIN { printf \"%.3f\", ($(lab_cpu_us) - $cpu) / ($(received) - $device) }") us of CPU a SYN" \
                "($(lab_cpu_us) - $cpu) / ($(received) - $device) < 0.5"
        lab_check "resident, what parts share counted once: $pss KiB before, $(lab_pss_kib) after" "$(lab_pss_kib) <= 12288"
        lab_down
}

# What takes the messages never allocates, sampled or not.
frugal() {
        lab_up cookies=1 delay=1ms
        lab_spawn probe server "$SYNWARD_BUILD/tests/lab/syn-log-probe" -l 80 5
        lab_wait_for 3 probe_ready
        flooder few spoofed 4000 4
        flooder few6 spoofed 800 4 "$LAB_SERVER6:80"
        all_logged() { [ "$(received)" -gt 5000 ]; }
        lab_wait_for 4 all_logged
        flooder many spoofed 40000 2
        wait "${lab_pid[probe]}"
        unset 'lab_pid[probe]'
        lab_check "$(probe_says received) SYNs received, $(probe_says allocations) allocations, one in $(probe_says sample_most) at most" \
                "$(probe_says received) > 10000 && $(probe_says allocations) <= 0 && $(probe_says sample_most) > 1"
        lab_end few; lab_end few6; lab_end many
        lab_down
}

# A reader that is stopped until its buffer overflows, then goes on: every SYN is either
# received or known to be lost.
lossy() {
        local pid before counted

        lab_up cookies=1 delay=1ms
        # With this rate it never samples.
        lab_spawn probe server "$SYNWARD_BUILD/tests/lab/syn-log-probe" -r 1000000000 60
        pid=${lab_pid[probe]}
        lab_wait_for 3 probe_ready
        flooder lossy1 spoofed 40000 5
        flooder lossy2 spoofed 40000 5
        arrived() { [ "$(received)" -ge "$1" ]; }
        lab_wait_for 3 arrived 5000
        kill -STOP "$pid"
        # Batches of 512 that found no room; the namespace's netfilter sockets (12) are the probe's.
        overflows() { lab_in server awk '$2 == 12 { n += $9 } END { exit n < 20 }' /proc/net/netlink; }
        yes "the buffer of a stopped reader overflows" 'lab_wait_for 4 overflows'
        kill -CONT "$pid"
        # Only what comes after it shows a gap.
        before=$(received)
        yes "SYNs go on coming" 'lab_wait_for 3 arrived $((before + 20000))'
        lab_flood_wait lossy1
        lab_flood_wait lossy2
        counted=$(lab_in server nft list counter inet synward syns | awk '/packets/ { print $2 }')
        kill -TERM "$pid"
        wait "$pid"
        unset 'lab_pid[probe]'
        lab_check "$(probe_says lost) SYNs were lost, sampling one in $(probe_says sample_most)" \
                "$(probe_says lost) > 0 && $(probe_says sample_most) == 1"
        lab_check "$(probe_says received) received + $(probe_says lost) lost = $counted counted, $(probe_says syns) told" \
                "$(probe_says received) + $(probe_says lost) == $counted && $(probe_says syns) == $counted"
        lab_down
}

two() {
        lab_up cookies=1 delay=1ms
        lab_server web --listen 0.0.0.0:80 --backlog 511
        LAB_WATCH=0 lab_daemon
        mkdir "$lab_temp/two"
        lab_spawn two client "$SYNWARD_BUILD/synwardd" -c "$lab_temp/synward.yaml" \
                --control "$lab_temp/two/control.sock" --state-dir "$lab_temp/two" \
                --runtime-dir "$lab_temp/two"
        second() { "$SYNWARD_BUILD/synwardctl" --socket "$lab_temp/two/control.sock" "$@"; }
        yes "a second daemon in another namespace answers" \
                'lab_wait_for 10 second ping >/dev/null 2>&1'
        yes "and has a table of its own" 'has_table client && has_table'
        lab_flood rate=2000 seconds=2
        lab_finish flood
        all_seen() { look two; judge two "" "log['received'] >= 3990" >/dev/null; }
        lab_wait_for 3 all_seen
        expect two "the flooded one sees all: {log['received']}" \
                "log['state'] == 'ok' and log['received'] >= 3990"
        second --json status >"$lab_temp/two.status"
        expect two "the other one nothing: {log['received']}" \
                "log['state'] == 'ok' and log['received'] == 0"
        lab_end two
        lab_down
}

[ $# -gt 0 ] || set -- rules theirs mixed lasting frugal two
seed=0
for part; do
        $part
done
lab_done
