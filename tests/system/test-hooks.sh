#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Tries each hook of contrib/hooks: Alertmanager, HAProxy and nginx are the real
# ones, the receivers of mail, webhook and ExaBGP's pipe are stand-ins. All of it
# on the loopback of a network namespace of its own.
set -eu

hooks=$(cd "$(dirname "$0")/../../contrib/hooks" && pwd)
if [ "${1-}" != inside ]; then
        [ "$(id -u)" = 0 ] || { echo "SKIP: needs root for a network namespace"; exit 77; }
        exec unshare --net -- "$0" inside
fi
ip link set lo up

dir=$(mktemp -d)
pids=
skipped=
# shellcheck disable=SC2317 # called by the trap
clean_up() {
        for pid in $pids; do kill "$pid" 2>/dev/null || :; done
        wait
        rm -rf "$dir"
}
trap clean_up EXIT

fail() { echo "FAIL: $*"; exit 1; }
ok() { echo "ok: $*"; }
skip() { echo "skipped: $1"; skipped="$skipped $1"; }

# until_true COMMAND…: for ten seconds.
until_true() {
        tries=0
        until "$@" >/dev/null 2>&1; do
                tries=$((tries + 1))
                [ "$tries" -lt 200 ] || return 1
                sleep 0.05
        done
}

# event NAME [SOURCE]: as JSON.
event() {
        jq -cn --arg event "$1" --arg source "${2-}" '{schema: "synward.event.v1",
                time: (now | strftime("%Y-%m-%dT%H:%M:%S.000Z")), event: $event,
                severity: "crit", incident: 3, listener: "0.0.0.0:80", state: "flood",
                diagnosis: "flood-concentrated", message: "SYN flood on 0.0.0.0:80"}
                + if $source == "" then {} else {source: $source} end'
}

test_mail() {
        cat >"$dir/sendmail" <<EOF
#!/bin/sh
cat > "$dir/mail"
EOF
        chmod +x "$dir/sendmail"
        event flood-start | SENDMAIL="$dir/sendmail" SYNWARD_EVENT=flood-start \
                SYNWARD_LISTENER=0.0.0.0:80 SYNWARD_MESSAGE='SYN flood' "$hooks/mail" a@example.org
        grep -q '^To: a@example.org$' "$dir/mail" || fail "mail: no recipient"
        grep -q '^Subject: \[synward\] flood-start on .*, 0.0.0.0:80$' "$dir/mail" ||
                fail "mail: no subject"
        grep -q '"incident":3' "$dir/mail" || fail "mail: no event"
        ok mail
}

test_webhook() {
        cat >"$dir/server.py" <<'EOF'
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        open(sys.argv[1], "wb").write(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(500 if self.path == "/fail" else 204)
        self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", 8000), Handler).serve_forever()
EOF
        /usr/bin/python3 "$dir/server.py" "$dir/posted" & pids="$pids $!"
        until_true sh -c ': | curl -s -o /dev/null -d x http://127.0.0.1:8000/up' ||
                fail "webhook: no server"
        event flood-start >"$dir/event"
        "$hooks/webhook" http://127.0.0.1:8000/x <"$dir/event"
        cmp "$dir/event" "$dir/posted" || fail "webhook: other text"
        event flood-start | "$hooks/webhook" http://127.0.0.1:8000/fail 2>/dev/null &&
                fail "webhook: an error of the server is none of ours"
        ok webhook
}

alerts() {
        curl -s "http://127.0.0.1:9093/api/v2/alerts" | jq -e "$1"
}

test_alertmanager() {
        program=$(command -v prometheus-alertmanager) || { skip alertmanager; return 0; }
        printf 'route: { receiver: none }\nreceivers: [ { name: none } ]\n' >"$dir/am.yml"
        "$program" --config.file="$dir/am.yml" --storage.path="$dir/am" --cluster.listen-address= \
                --web.listen-address=127.0.0.1:9093 2>"$dir/am.log" & pids="$pids $!"
        until_true curl -sf http://127.0.0.1:9093/-/ready || fail "alertmanager does not start"
        event flood-start | "$hooks/alertmanager" http://127.0.0.1:9093
        until_true alerts '.[0].labels.listener == "0.0.0.0:80" and .[0].status.state == "active"' ||
                fail "alertmanager: no alert"
        event source-blocked 198.51.100.1 | "$hooks/alertmanager" http://127.0.0.1:9093
        event flood-end | "$hooks/alertmanager" http://127.0.0.1:9093
        until_true alerts 'length == 0' || fail "alertmanager: not resolved"
        ok alertmanager
}

# whom SOURCE PORT: what the server on that port says to a client from SOURCE.
whom() {
        curl -s -o /dev/null -w '%{http_code}' --max-time 5 --interface "$1" "http://127.0.0.1:$2/" || :
}
is() { [ "$(whom "$1" "$2")" = "$3" ]; }

test_haproxy() {
        command -v haproxy >/dev/null || { skip haproxy; return 0; }
        : >"$dir/synward.map"
        cat >"$dir/haproxy.cfg" <<EOF
global
  stats socket $dir/admin.sock mode 600 level admin
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend web
  bind 127.0.0.1:8001
  tcp-request connection reject if { src,map_ip($dir/synward.map) -m found }
  http-request return status 200
EOF
        haproxy -q -db -f "$dir/haproxy.cfg" & pids="$pids $!"
        until_true is 127.0.7.1 8001 200 || fail "haproxy does not start"
        event source-blocked 127.0.7.0/24 | "$hooks/haproxy-map" "$dir/admin.sock" "$dir/synward.map"
        is 127.0.7.1 8001 000 || fail "haproxy: not blocked"
        is 127.0.8.1 8001 200 || fail "haproxy: a neighbour is blocked"
        event source-blocked 127.0.7.0/24 | "$hooks/haproxy-map" "$dir/admin.sock" "$dir/synward.map"
        event source-unblocked 127.0.7.0/24 | "$hooks/haproxy-map" "$dir/admin.sock" "$dir/synward.map"
        is 127.0.7.1 8001 200 || fail "haproxy: still blocked"
        event source-blocked 127.0.7.0/24 | "$hooks/haproxy-map" "$dir/admin.sock" /no/map 2>/dev/null &&
                fail "haproxy: an unknown map is no error"
        ok haproxy-map
}

test_nginx() {
        command -v nginx >/dev/null || { skip nginx; return 0; }
        : >"$dir/deny"
        cat >"$dir/nginx.conf" <<EOF
daemon off;
pid $dir/nginx.pid;
error_log $dir/nginx.log;
events { worker_connections 64; }
http {
  access_log off;
  server { listen 127.0.0.1:8002; include $dir/deny; location / { try_files /none =204; } }
}
EOF
        chmod 755 "$dir"
        nginx -c "$dir/nginx.conf" 2>/dev/null & pids="$pids $!"
        until_true is 127.0.7.1 8002 204 || fail "nginx does not start: $(cat "$dir/nginx.log")"
        event source-blocked 127.0.7.0/24 | "$hooks/nginx-deny" "$dir/deny" -c "$dir/nginx.conf" 2>/dev/null
        until_true is 127.0.7.1 8002 403 || fail "nginx: not blocked"
        is 127.0.8.1 8002 204 || fail "nginx: a neighbour is blocked"
        event source-blocked 'rubbish' | "$hooks/nginx-deny" "$dir/deny" -c "$dir/nginx.conf" 2>/dev/null &&
                fail "nginx: took rubbish"
        [ "$(cat "$dir/deny")" = 'deny 127.0.7.0/24;' ] || fail "nginx: the old list is gone"
        event source-unblocked 127.0.7.0/24 | "$hooks/nginx-deny" "$dir/deny" -c "$dir/nginx.conf" 2>/dev/null
        until_true is 127.0.7.1 8002 204 || fail "nginx: still blocked"
        ok nginx-deny
}

test_exabgp() {
        mkfifo "$dir/exabgp.in"
        event source-blocked 198.51.100.0/24 |
                "$hooks/exabgp-flow" "$dir/exabgp.in" 203.0.113.10/32 2>/dev/null &&
                fail "exabgp: nobody there is no error"
        { timeout 10 head -n 2 <"$dir/exabgp.in" >"$dir/flows"; } & reader=$!
        exec 9>"$dir/exabgp.in" # keeps the pipe between the two
        event source-blocked 198.51.100.0/24 | "$hooks/exabgp-flow" "$dir/exabgp.in" 203.0.113.10/32
        event source-unblocked 198.51.100.0/24 | "$hooks/exabgp-flow" "$dir/exabgp.in" 203.0.113.10/32
        event source-blocked 2001:db8::/48 | "$hooks/exabgp-flow" "$dir/exabgp.in" 203.0.113.10/32
        exec 9>&-
        wait "$reader"
        rule='flow route { match { source 198.51.100.0/24; destination 203.0.113.10/32; protocol tcp; tcp-flags [ syn ]; } then { discard; } }'
        printf 'announce %s\nwithdraw %s\n' "$rule" "$rule" | cmp - "$dir/flows" || fail "exabgp: other rules"
        ok exabgp-flow
}

test_mail
test_webhook
test_alertmanager
test_haproxy
test_nginx
test_exabgp
[ -z "$skipped" ] || echo "not tried, for want of the program:$skipped"
