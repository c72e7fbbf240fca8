#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The fleet's sketches with a real Prometheus: 20 hosts behind a router, a daemon and a server on each,
# honest clients behind a lossy path to all of them.
#
#   client --- relay --- server (routes) --- host 1 .. 20
#                           |
#                        attacker
#
# A crowd of clients at every host raises no alarm. A flood of 3 SYN/s at each, from three /24s,
# which none of them calls one, does, within little more than two minutes; what it names is asked of
# the hosts, and is these three.
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
. "$source/tests/lab/lab.sh"
lab_need jq curl systemd-socket-activate prometheus
lab_need_daemon
HOSTS=20
FLOODERS='192.0.2.0/24 198.51.100.0/24 203.0.113.0/24'
prometheus=http://127.0.0.1:9090

query() { lab_in server curl -sf --max-time 5 --get --data-urlencode "query=$1" "$prometheus/api/v1/query"; }
# number QUERY: its one value, or nothing.
number() { query "$1" | jq -r '.data.result[0].value[1] // empty'; }
at_least() { local n; n=$(number "$1"); [ -n "$n" ] && awk "BEGIN { exit !($n >= $2) }"; }
ctl() { "$SYNWARD_BUILD/synwardctl" --socket "$lab_temp/run$1/control.sock" "${@:2}"; }

address() { echo "10.77.$((100 + $1)).2"; }

make_host() {
        local n=$1 ns=host$1

        lab_namespaces+=("$ns")
        ip netns add "$lab_id-$ns" && ip -n "$lab_id-$ns" link set lo up &&
                lab_write_sysctls "$ns" ipv4/conf/all/rp_filter=0 ipv4/conf/default/rp_filter=0 \
                        ipv4/tcp_syncookies=1 ipv4/tcp_max_tw_buckets=1000 &&
                lab_link server "swlabh$n" "02:77:00:01:00:$(printf %02x "$n")" \
                        "$ns" swlabup "02:77:00:02:00:$(printf %02x "$n")" &&
                lab_batch server "addr add 10.77.$((100 + n)).1/24 dev swlabh$n" &&
                lab_batch "$ns" "addr add $(address "$n")/24 dev swlabup" \
                        "route add default via 10.77.$((100 + n)).1" ||
                lab_abort "cannot make host $n"
}

start_host() {
        local n=$1

        mkdir -p "$lab_temp/state$n" "$lab_temp/run$n"
        LAB_SERVER_IN=host$n lab_server "web$n" --listen 0.0.0.0:80 --backlog 511
        lab_spawn "daemon$n" "host$n" "$SYNWARD_BUILD/synwardd" -c "$lab_temp/synward.yaml" \
                --control "$lab_temp/run$n/control.sock" --state-dir "$lab_temp/state$n" \
                --runtime-dir "$lab_temp/run$n"
        lab_wait_for 20 ctl "$n" ping >/dev/null 2>&1 ||
                lab_abort "daemon $n does not answer: $(tail -n 5 "$lab_temp/daemon$n.err")"
        # The control socket is reached from anywhere: Prometheus needs no way into the host.
        lab_spawn "metrics$n" server systemd-socket-activate --accept --inetd -l "127.0.0.1:$((20000 + n))" \
                "$SYNWARD_BUILD/synwardctl" --socket "$lab_temp/run$n/control.sock" metrics --http
        targets+=${targets:+, }\"127.0.0.1:$((20000 + n))\"
        web+=(--to "$(address "$n"):80")
}

lab_up cookies=1 delay=20ms loss=1
lab_write_sysctls server ipv4/ip_forward=1 || lab_abort "sysctl"
lab_fleet_key
echo "metrics: { fleet_key: $lab_temp/fleet.key }" >"$lab_temp/synward.yaml"
targets='' web=()
for ((n = 1; n <= HOSTS; n++)); do
        make_host "$n"
        start_host "$n"
done
# The rules as they are shipped; only their clock is faster.
cat >"$lab_temp/prometheus.yaml" <<-END
	global: { scrape_interval: 5s, scrape_timeout: 5s, evaluation_interval: 5s }
	rule_files: [ $source/contrib/prometheus/fleet.rules.yaml ]
	scrape_configs: [ { job_name: synward, static_configs: [ { targets: [ $targets ] } ] } ]
END
mkdir "$lab_temp/data"
lab_spawn prometheus server prometheus --config.file="$lab_temp/prometheus.yaml" \
        --storage.tsdb.path="$lab_temp/data" --web.listen-address=127.0.0.1:9090
lab_wait_for 20 query up >/dev/null || lab_abort "prometheus does not start: $(tail -n 3 "$lab_temp/prometheus.err")"

# --- a crowd ------------------------------------------------------------------------------
lab_honest usual "${web[@]}" --rate 300 --poisson --duration 600s --timeout 3s
lab_expect "$((192 * HOSTS)) series of $HOSTS hosts" \
        lab_wait_for 30 at_least 'count({__name__=~"synward_fleet_.*"})' $((192 * HOSTS))
lab_expect "all of the same key" at_least '1 / count(count by (key) (synward_fleet_register))' 1
# Two whole minutes of it, from every host.
before=$(number 'sum(synward_handshakes_completed_total)')
start=$SECONDS
lab_honest crowd "${web[@]}" --rate 900 --poisson --duration 150s --timeout 3s --first 30000
lab_finish crowd
finished=$(number 'sum(synward_handshakes_completed_total)')
lab_check "a crowd: $((finished - before)) handshakes finished in $((SECONDS - start)) s at $HOSTS hosts" \
        "$finished - $before >= 100000"
lab_expect "its minutes were told, and are rated" at_least 'count(row_cell:synward_fleet_cell:strength2m)' 128
lab_check "it raised no alarm of the sketches" \
        "$(number 'count(count_over_time(ALERTS{alertname="SynwardFleetSources"}[1h])) or vector(0)') == 0"
lab_note "of the crowd: at most $(number 'max(max_over_time(row_cell:synward_fleet_cell:rate2m[1h]))') a second in" \
        "a cell, strength $(number 'max(max_over_time(row_cell:synward_fleet_cell:strength2m[1h]))')," \
        "$(number 'max(max_over_time(fleet:synward_fleet_sources:estimate[1h]))') prefixes"

# --- a thin flood ---------------------------------------------------------------------------
# One that floods does so for two minutes at most, so another takes over.
flood() {
        for ((n = 1; n <= HOSTS; n++)); do
                lab_flood name="flood$1-$n" to="$(address "$n"):80" rate=3 seconds=110 from="${FLOODERS// /,}" seed="$1$n"
        done
}
end_flood() {
        for ((n = 1; n <= HOSTS; n++)); do
                lab_end "flood$1-$n"
        done
}
firing='ALERTS{alertname="SynwardFleetSources",alertstate="firing"}'
start=${EPOCHREALTIME/./}
flood 1
if lab_wait_for 108 at_least "count($firing)" 2 || { flood 2; lab_wait_for 45 at_least "count($firing)" 2; }; then
        took_ms=$(((${EPOCHREALTIME/./} - start) / 1000))
        lab_ok "the fleet's alarm: after $took_ms ms"
        # A minute that has just begun, its end, five seconds to be old, a scrape and a look.
        lab_check "which is little more than two minutes at most" "$took_ms <= 145000"
else
        lab_not_ok "the fleet's alarm"
fi
# Those that come with the next whole minute too, of the same flood.
[ -n "${lab_pid[flood2-1]:-}" ] || flood 2
end_flood 1
lab_wait_for 75 at_least "count($firing)" 6 || lab_note "fewer than six cells: two of them share one"
lab_note "in a cell: $(number "max($firing * on (row, cell) group_left () row_cell:synward_fleet_cell:rate2m)") a second," \
        "strength $(number 'max(row_cell:synward_fleet_cell:strength2m)'); median" \
        "$(number 'max(row:synward_fleet_cell:median2m)')"
named=
query "$firing" | jq -r '.data.result[].metric | "\(.row):\(.cell)"' >"$lab_temp/buckets"
while read -r bucket; do
        heaviest=$(ctl 7 --json sources --bucket "$bucket" | jq -r '.sources[] | select(.unanswered_per_s >= 0.2) | .prefix')
        lab_note "bucket $bucket on host 7: $(ctl 7 sources --bucket "$bucket" -n 3 | tail -n +2 | tr -s ' ' | tr '\n' ';')"
        lab_check "each cell that is named has one of the three, and nobody else as heavy: $bucket" \
                "$(grep -cvxF "${FLOODERS// /$'\n'}" <<<"$heaviest") == 0"
        named+=$heaviest$'\n'
done <"$lab_temp/buckets"
lab_expect "all three are named" [ "$(sort -u <<<"$named" | grep .)" = "${FLOODERS// /$'\n'}" ]
lab_check "no host called it a flood" "$(number 'max(max_over_time(synward_state{state="flood"}[1h]))') == 0"
end_flood 2
lab_end usual
lab_done
