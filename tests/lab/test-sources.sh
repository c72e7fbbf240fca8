#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Who sends the SYNs, on a real kernel: two namespaces of its own, floods by
# trafgen between them, the sensor by syn-log-probe. Needs root, nft, trafgen.
#
#   test-sources.sh BUILD_DIR

set -u
[ "$(id -u)" = 0 ] || { echo "needs root for network namespaces: skipped"; exit 77; }
for tool in nft trafgen python3 setpriv; do
        command -v $tool >/dev/null || { echo "no $tool: skipped"; exit 77; }
done
probe=$1/tests/lab/syn-log-probe
a=sw-sources-$$-a b=sw-sources-$$-b
dir=$(mktemp -d)
pids=()
failed=0

cleanup() {
        for p in "${pids[@]}"; do kill "$p" 2>/dev/null; done
        wait 2>/dev/null
        ip netns del $a; ip netns del $b
        rm -rf "$dir"
}
trap cleanup EXIT

ok() { echo "ok: $1"; }
bad() { echo "FAILED: $1"; failed=1; }
check() { if eval "$2"; then ok "$1"; else bad "$1"; fi; }
in_a() { ip netns exec $a "$@"; }
in_b() { ip netns exec $b "$@"; }

# start NAME ARGUMENTS…: the probe in b, told ready.
start() {
        local name=$1; shift
        ip netns exec $b "$probe" "$@" >"$dir/$name.json" 2>"$dir/$name.err" &
        pid=$!; pids+=($pid)
        for _ in $(seq 500); do
                grep -q ready "$dir/$name.err" && return
                sleep 0.02
        done
        bad "$name: not ready in 10 s"
}
flood() { # CONFIG RATE PACKETS
        ip netns exec $a timeout 20 trafgen --in "$dir/$1" -o v0 --cpus 1 -b "$2pps" -n "$3" \
                >/dev/null 2>&1
}
# judge NAME 'python expression over d (the probe'\''s output) and src(name)'
judge() {
        python3 - "$dir/$1.json" "$3" <<'PY' && ok "$2" || { bad "$2"; cut -c1-300 "$dir/$1.json"; }
import json, sys
d = json.load(open(sys.argv[1]))
s = {x["source"]: x for x in d["sources"]}
addresses = [x for x in d["sources"] if "/" not in x["source"]]
sys.exit(0 if eval(sys.argv[2]) else 1)
PY
}

ip netns add $a; ip netns add $b
ip link add v0 netns $a type veth peer name v0 netns $b
ip -n $a addr add 10.77.0.1/24 dev v0; ip -n $b addr add 10.77.0.2/24 dev v0
for n in $a $b; do ip -n $n link set v0 up; ip -n $n link set lo up; done
mac_a=$(in_a cat /sys/class/net/v0/address); mac_b=$(in_b cat /sys/class/net/v0/address)
syn() { echo "{ eth(da=$mac_b, sa=$mac_a), ipv4(sa=$1, da=10.77.0.2, ttl=64), tcp(sp=drnd(), dp=80, syn, win=64240, seq=drnd()) }"; }

in_b nft -f - <<'NFT'
table inet other {
        counter untouched { }
        chain c { type filter hook prerouting priority raw; tcp dport 1 counter name untouched; }
}
NFT
other=$(in_b nft list table inet other)

# --- rules ------------------------------------------------------------------
start killed 60
check "the table is there, and has an owner" 'in_b nft list table inet synward | grep -q "flags owner"'
in_b "$probe" 1 >"$dir/second.json" 2>/dev/null
check "a second reader: failed, exit 3" '[ $? != 0 ]'
judge second "and names the cause" '"another program" in d["reason"]'
check "the first one keeps its table" 'in_b nft list table inet synward >/dev/null'
kill -KILL $pid; wait $pid 2>/dev/null
check "SIGKILL leaves no table" '! in_b nft list table inet synward 2>/dev/null'
start again 1
wait $pid
judge again "and it starts again at once" 'd["state"] == "ok"'
check "a clean end leaves no table" '! in_b nft list table inet synward 2>/dev/null'

in_b nft add table inet synward
in_b "$probe" 1 >"$dir/foreign.json" 2>/dev/null
judge foreign "a foreign table is named" '"not ours" in d["reason"] and d["state"] == "failed"'
check "and stays" 'in_b nft list table inet synward >/dev/null'
in_b nft delete table inet synward

in_b setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all \
        "$probe" 1 >"$dir/nobody.json" 2>/dev/null
judge nobody "no privilege is named" '"CAP_NET_ADMIN" in d["reason"]'
check "the table of others is untouched" '[ "$other" = "$(in_b nft list table inet other)" ]'

# --- floods -----------------------------------------------------------------
# trafgen keeps its rate over seconds, in bursts: a rate is judged by its share of what came
# in over the same window.
{ for _ in $(seq 200); do syn "drnd()"; done; for i in $(seq 20); do syn "198.51.100.$i"; done
} | sed 's/198.51.100.\([0-9]*\)/198.\1.100.7/' >"$dir/heavy.cfg"
start heavy -r 10000000 -l 80 6.2
flood heavy.cfg 110000 660000 &
wait $pid
judge heavy "20 of 500/s inside 100,000/s: all named, within 10 %" \
        'all(f"198.{i}.100.7" in s and abs(s[f"198.{i}.100.7"]["syn_per_s"] / d["syn_per_s"] * 220 - 1) <= 0.1 for i in range(1, 21))'
judge heavy "and no other above them" 'len(addresses) == 20'
judge heavy "nothing lost" 'd["lost"] == 0'
judge heavy "seen once" '0.85 < d["seen_once_share"] <= 1'
wait

for i in $(seq 250); do syn "203.0.113.$i"; syn "drnd()"; done >"$dir/prefix.cfg"
start prefix -l 80 6.2
flood prefix.cfg 4000 26000 &
wait $pid
judge prefix "a /24 of 250 sources, 2,000/s: named, within 10 %" \
        'abs(s["203.0.113.0/24"]["syn_per_s"] / d["syn_per_s"] * 2 - 1) <= 0.1'
wait

syn "drnd()" >"$dir/spoofed.cfg"
start ladder -r 20000 -l 80 9
flood spoofed.cfg 100000 400000
wait $pid
judge ladder "the ladder is engaged, totals within 1 %" \
        'd["sample_most"] >= 8 and abs(d["syns"] / 400000 - 1) < 0.01 and d["received"] < 200000'

syn 10.77.0.99 >"$dir/one.cfg"
judge ladder "and still tells that each address was seen once" 'd["seen_once_share"] == 0 or d["seen_once_share"] > 0.8'

start concentrated -r 20000 -l 80 5
flood one.cfg 100000 450000 &
wait $pid
judge concentrated "one source of 100,000/s while sampled: named, with all of it" \
        'abs(s["10.77.0.99"]["syn_per_s"] / d["syn_per_s"] - 1) < 0.01 and d["sample_most"] >= 8'
wait

# --- completion --------------------------------------------------------------
cat >"$dir/server.py" <<'PY'
import socket
s = socket.create_server(("10.77.0.2", 80), backlog=4096)
while True:
    s.accept()[0].close()
PY
cat >"$dir/client.py" <<'PY'
import socket, struct, time
until, n, start = time.monotonic() + 5.5, 0, time.monotonic()
while time.monotonic() < until:
    c = socket.socket()
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.connect(("10.77.0.2", 80))
    c.recv(1)
    c.close()
    n += 1
    time.sleep(max(0, start + n / 2000 - time.monotonic()))
PY
ip netns exec $b python3 "$dir/server.py" >/dev/null 2>&1 & server=$!; pids+=($server)
for _ in $(seq 200); do in_b ss -Hltn | grep -q :80 && break; sleep 0.02; done
start completion -l 80 5
ip netns exec $a python3 "$dir/client.py" >/dev/null 2>&1 & client=$!; pids+=($client)
flood one.cfg 500 2750 &
wait $pid
judge completion "a client that completes: near 1" \
        's["10.77.0.1"]["completion_low"] > 0.95 and s["10.77.0.1"]["completed_per_s"] > 500'
judge completion "one that never does: near 0" 's["10.77.0.99"]["completion_high"] < 0.02'
kill $client $server 2>/dev/null; wait

# --- two at once -------------------------------------------------------------
start two_b -l 80 3
ip netns exec $a "$probe" -l 80 3 >"$dir/two_a.json" 2>/dev/null & other_pid=$!; pids+=($other_pid)
flood spoofed.cfg 5000 10000
wait $pid $other_pid
judge two_a "two namespaces at once: the idle one sees nothing" \
        'd["state"] == "ok" and d["received"] == 0'
judge two_b "and the flooded one everything" 'd["received"] == 10000 and d["syns"] == 10000'

pids=()
exit $failed
