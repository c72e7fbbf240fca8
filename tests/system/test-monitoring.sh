#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The way of an alert through Debian's packages, within the namespaces of the lab:
#
#   flood -> synwardd -> synwardctl metrics --http (a socket with Accept=yes) ->
#   prometheus (contrib's rules) -> prometheus-alertmanager -> a webhook
#
# It must fire in a flood and resolve after it; beside it there is the textfile for
# node_exporter. All listen on the loopback of the lab's server namespace. What contrib has for
# monitoring is checked on the way.
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
. "$source/tests/lab/lab.sh"
lab_need jq curl python3 systemd-socket-activate promtool prometheus prometheus-node-exporter prometheus-alertmanager
lab_need_daemon
prometheus=http://127.0.0.1:9090

# check TEXT COMMAND...: a test; what the command says is shown when it fails.
check() {
        local text=$1 said
        shift
        if said=$("$@" 2>&1); then
                lab_ok "$text"
        else
                lab_not_ok "$text"
                printf '%s\n' "$said" | tail -n 10 | sed 's/^/#   /'
        fi
}
ask() { lab_in server curl -sf --max-time 5 "$@"; }
ready() { lab_wait_for 20 ask -o /dev/null "$2" || lab_abort "$1 does not start: $(tail -n 3 "$lab_temp/$1.err")"; }
query() { ask --get --data-urlencode "query=$1" "$prometheus/api/v1/query"; }
value_is() { [ "$(query "$1" | jq -r '.data.result[0].value[1]')" = "$2" ]; }
# posted STATUS ALERT: what the webhook was sent.
posted() {
        jq -se --arg status "$1" --arg alert "$2" '[.[].alerts[]
                | select(.status == $status and .labels.alertname == $alert)] | length > 0' \
                "$lab_temp/webhook.out" >/dev/null
}
ms_since() { echo $(((${EPOCHREALTIME/./} - $1) / 1000)); }

# --- what needs no daemon -----------------------------------------------------------
rules=$source/contrib/prometheus
check "the rules are valid" promtool check rules "$rules/synward.rules.yaml"
check "the rules pass their tests" promtool test rules "$rules/synward.rules.test.yaml"
check "the dashboard is valid JSON" jq -e '[.panels[].targets[].expr] | length > 10' \
        "$source/contrib/grafana/synward.json"

# --- the chain ------------------------------------------------------------------------
lab_up cookies=1
lab_server web --listen 0.0.0.0:80 --backlog 511
lab_fleet_key
# Known clients, and a probe: what is told of them only where they are.
lab_honest clients --from 100.64.0.0/24 --to $LAB_SERVER4:80 --rate 50 --duration 300s --timeout 3s
LAB_CONFIG="{ detect: { hold: 1s, recover: 1s }, metrics: { fleet_key: $lab_temp/fleet.key },
        probe: { listener: \"$LAB_SERVER4:80\", interval: 1s } }" lab_daemon
mkdir "$lab_temp/textfile" "$lab_temp/data" "$lab_temp/am"

lab_ctl metrics >"$lab_temp/metrics"
check "promtool has nothing to say of the metrics" sh -c "out=\$(promtool check metrics <'$lab_temp/metrics' 2>&1); \
        status=\$?; echo \"\$out\"; [ \$status = 0 ] && [ -z \"\$out\" ]"
check "no metric has an address of a source" sh -c "! grep -qE '(source|src|remote|peer)=' '$lab_temp/metrics'"

# What systemd's timer does in earnest.
cat >"$lab_temp/timer" <<-END
	#!/bin/sh
	while sleep 0.5; do '$source/systemd/synward-textfile' '$lab_temp/textfile'; done
END
export SYNWARDCTL="$SYNWARD_BUILD/synwardctl --socket $lab_temp/run/control.sock"
lab_spawn textfile server sh "$lab_temp/timer"
# What systemd does in earnest.
lab_spawn socket server systemd-socket-activate --accept --inetd -l 127.0.0.1:19796 \
        "$SYNWARD_BUILD/synwardctl" --socket "$lab_temp/run/control.sock" metrics --http
lab_spawn node server prometheus-node-exporter --web.listen-address=127.0.0.1:9100 \
        --collector.disable-defaults --collector.textfile \
        --collector.textfile.directory="$lab_temp/textfile"
cat >"$lab_temp/webhook.py" <<-'END'
	import http.server, sys
	class Handler(http.server.BaseHTTPRequestHandler):
	    def do_POST(self):
	        body = self.rfile.read(int(self.headers["Content-Length"]))
	        sys.stdout.write(body.decode() + "\n")
	        sys.stdout.flush()
	        self.send_response(200)
	        self.end_headers()
	    def log_message(self, *_): pass
	http.server.HTTPServer(("127.0.0.1", 8000), Handler).serve_forever()
END
lab_spawn webhook server python3 "$lab_temp/webhook.py"
cat >"$lab_temp/alertmanager.yaml" <<-'END'
	route: { receiver: webhook, group_wait: 0s, group_interval: 1s, group_by: [ alertname, instance ] }
	receivers: [ { name: webhook, webhook_configs: [ { url: "http://127.0.0.1:8000/", send_resolved: true } ] } ]
END
lab_spawn alertmanager server prometheus-alertmanager --config.file="$lab_temp/alertmanager.yaml" \
        --storage.path="$lab_temp/am" --cluster.listen-address= --web.listen-address=127.0.0.1:9093
# The rules as they are shipped; only their clock is faster.
cat >"$lab_temp/prometheus.yaml" <<-END
	global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
	rule_files: [ $rules/synward.rules.yaml, $rules/fleet.rules.yaml ]
	scrape_configs:
	  - { job_name: synward, static_configs: [ { targets: [ "127.0.0.1:19796" ] } ] }
	  - job_name: node
	    static_configs: [ { targets: [ "127.0.0.1:9100" ] } ]
	    metric_relabel_configs: [ { source_labels: [ __name__ ], regex: "synward_.*", action: drop } ]
	alerting: { alertmanagers: [ { static_configs: [ { targets: [ "127.0.0.1:9093" ] } ] } ] }
END
check "the configuration with the rules is valid" promtool check config "$lab_temp/prometheus.yaml"
lab_spawn prometheus server prometheus --config.file="$lab_temp/prometheus.yaml" \
        --storage.tsdb.path="$lab_temp/data" --web.listen-address=127.0.0.1:9090 \
        --rules.alert.resend-delay=1s
ready node http://127.0.0.1:9100/
ready alertmanager http://127.0.0.1:9093/-/ready
ready prometheus $prometheus/-/ready

check "the calm state arrives in Prometheus" lab_wait_for 15 value_is 'synward_state{state="normal"}' 1
check "the socket is scraped" value_is 'up{job="synward"}' 1
check "the textfile arrives too" lab_wait_for 15 value_is 'count(node_textfile_mtime_seconds)' 1
check "the file is for everybody to read" test "$(stat -c %a "$lab_temp/textfile/synward.prom")" = 644
check "node_exporter has no complaint" value_is node_textfile_scrape_error 0
check "check: OK in calm" lab_ctl check
lab_note "$(lab_ctl check)"

# --- the flood --------------------------------------------------------------------------
lab_flood rate=1000 seconds=10
start=$lab_flood_start_us
if lab_wait_for 9 posted firing SynwardFlood; then
        lab_ok "the webhook was told of the flood: after $(ms_since "$start") ms"
else
        lab_not_ok "the webhook was told of the flood"
        query ALERTS | jq -c .data.result | sed 's/^/#   /'
fi
lab_note "$(jq -sr '[.[].alerts[] | select(.status == "firing")][0].annotations.description' "$lab_temp/webhook.out")"
check "its text has the diagnosis" sh -c "jq -sr '.[].alerts[].annotations.description' \
        '$lab_temp/webhook.out' | grep -q '^flood-[a-z]*, [0-9]* half-open'"
line=$(lab_ctl check)
lab_check "check: CRITICAL in the flood (exit status $?)" "$? == 2"
lab_note "$line"
lab_ctl metrics >"$lab_temp/metrics"
check "the metrics are clean in the flood too" promtool check metrics <"$lab_temp/metrics"

# Everything that contrib asks for exists by that name.
missing=$(cat "$rules"/*.rules.yaml "$source/contrib/grafana/synward.json" |
        grep -oE '(^|[^a-z:])synward_[a-z_]+' | grep -oE 'synward_[a-z_]+' | sort -u | while read -r name; do
                grep -q "^${name}[ {]" "$lab_temp/metrics" || echo "$name"
        done)
check "no rule or panel asks for a metric that is not there${missing:+: $missing}" test -z "$missing"
panels=0 broken=
while read -r expr; do
        panels=$((panels + 1))
        expr=${expr//\$instance/.*} expr=${expr//\$__rate_interval/10s} expr=${expr//\$__range/1m}
        query "$expr" | jq -e '.status == "success"' >/dev/null || broken+="$expr; "
done < <(jq -r '.panels[].targets[].expr, .annotations.list[].expr' "$source/contrib/grafana/synward.json")
check "Prometheus takes all $panels queries of the dashboard${broken:+, but $broken}" test -z "$broken"

# --- its end ------------------------------------------------------------------------------
lab_flood_wait
if lab_wait_for 25 posted resolved SynwardFlood; then
        lab_ok "the webhook was told of its end: after $(ms_since "$lab_flood_end_us") ms"
else
        lab_not_ok "the webhook was told of its end"
        lab_note "last: $(tail -n 1 "$lab_temp/states")"
fi
lab_check "one alert, one end" "$(jq -s '[.[].alerts[] | select(.labels.alertname == "SynwardFlood")
        | [.status, .startsAt]] | unique | length' "$lab_temp/webhook.out") == 2"

# --- no daemon ------------------------------------------------------------------------------
lab_end watch
lab_end daemon
lab_ctl check >"$lab_temp/check"
lab_check "check: UNKNOWN without a daemon (exit status $?)" "$? == 3"
check "the old figures go with the daemon" \
        lab_wait_for 10 test ! -e "$lab_temp/textfile/synward.prom"
lab_end textfile
lab_done
