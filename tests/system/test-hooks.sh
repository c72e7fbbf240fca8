#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Tries each hook of contrib/hooks against the real thing: msmtp and an SMTP server,
# Alertmanager, HAProxy, nginx, ExaBGP with BIRD as the upstream; only the receiver of
# the webhook and cscli are stand-ins (test-crowdsec.sh has the real one). All of it in network
# namespaces of its own.
set -eu

hooks=$(cd "$(dirname "$0")/../../contrib/hooks" && pwd)
. "$(dirname "$0")/alone.sh"
mount -t tmpfs tmpfs /run # ExaBGP's pipes have their place there

# event NAME [SOURCE ...]: as JSON.
event() {
        jq -cn '$ARGS.positional as [$event, $source] | {schema: "synward.event.v1",
                time: (now | strftime("%Y-%m-%dT%H:%M:%S.000Z")), event: $event,
                severity: "crit", incident: 3, listener: "0.0.0.0:80", state: "flood",
                diagnosis: "flood-concentrated", message: "SYN flood on 0.0.0.0:80"}
                + if $source then {source: $source, sources: $ARGS.positional[1:],
                        sources_count: ($ARGS.positional | length - 1)} else {} end' --args "$@"
}

test_mail() {
        { command -v msmtp && /usr/bin/python3 -c 'import aiosmtpd'; } >/dev/null 2>&1 ||
                { skip mail; return 0; }
        cat >"$dir/smtp.py" <<'EOF'
import os, sys, time
from aiosmtpd.controller import Controller
class Handler:
    async def handle_DATA(self, server, session, envelope):
        with open(sys.argv[1] + ".new", "wb") as f:
            f.write(",".join(envelope.rcpt_tos).encode() + b"\r\n" + envelope.content)
        os.rename(sys.argv[1] + ".new", sys.argv[1])
        return "250 taken"
Controller(Handler(), hostname="127.0.0.1", port=8025).start()
time.sleep(60)
EOF
        /usr/bin/python3 "$dir/smtp.py" "$dir/mail" & pids="$pids $!"
        printf 'account default\nhost 127.0.0.1\nport 8025\nfrom synward@example.org\n' >"$dir/msmtprc"
        chmod 600 "$dir/msmtprc"
        until_true sh -c 'echo QUIT | curl -s --max-time 1 telnet://127.0.0.1:8025' ||
                fail "mail: no server"
        # shellcheck disable=SC2046 # words are wanted
        event flood-start $(seq -f '198.51.100.%g' 64) | SENDMAIL="msmtp -C $dir/msmtprc" \
                SYNWARD_EVENT=flood-start SYNWARD_LISTENER=0.0.0.0:80 \
                SYNWARD_MESSAGE='SYN flood – 4,200 SYN/s' "$hooks/mail" a@example.org
        until_true test -e "$dir/mail" || fail "mail: nothing arrives"
        /usr/bin/python3 - "$dir/mail" <<'EOF' || fail "mail: $(cat "$dir/mail")"
import email, email.policy, re, sys
recipients, raw = open(sys.argv[1], "rb").read().split(b"\r\n", 1)
assert recipients == b"a@example.org", recipients
assert max(map(len, raw.split(b"\r\n"))) <= 998
m = email.message_from_bytes(raw, policy=email.policy.default)
assert m["To"] == "a@example.org", m["To"]
assert re.fullmatch(r"\[synward\] flood-start on .+, 0\.0\.0\.0:80", m["Subject"]), m["Subject"]
text = m.get_content().replace("\r\n", "\n")
assert text.startswith("SYN flood \u2013 4,200 SYN/s\n"), text
event = text.replace("\n", "")
assert '"incident":3' in event and '"198.51.100.64"' in event, text
EOF
        event flood-start | SENDMAIL="msmtp -C $dir/msmtprc --port=8026" SYNWARD_EVENT=flood-start \
                SYNWARD_MESSAGE=x "$hooks/mail" a@example.org 2>/dev/null &&
                fail "mail: nobody takes it, and that is no error"
        ok mail

        # A synwardctl with an answer for each form; the page has what would end a part.
        cat >"$dir/ctl" <<'EOF'
#!/bin/sh
[ "$1 $2" = "incidents 3" ] || exit 1
case $3 in
--text) echo "incident 3: a flood – over" ;;
--html) printf '<!DOCTYPE html>\n--synward-incident-3--\n<p>über</p>\n' ;;
*) exit 1 ;;
esac
EOF
        chmod +x "$dir/ctl"
        rm -f "$dir/mail"
        for name in flood-start flood-end; do
                event $name | SENDMAIL="msmtp -C $dir/msmtprc" SYNWARDCTL="$dir/ctl" SYNWARD_EVENT=$name \
                        SYNWARD_INCIDENT=3 SYNWARD_LISTENER=0.0.0.0:80 "$hooks/incident-mail" a@example.org
        done
        until_true test -e "$dir/mail" || fail "incident-mail: nothing arrives"
        /usr/bin/python3 - "$dir/mail" <<'EOF' || fail "incident-mail: $(cat "$dir/mail")"
import email, email.policy, re, sys
recipients, raw = open(sys.argv[1], "rb").read().split(b"\r\n", 1)
m = email.message_from_bytes(raw, policy=email.policy.default)
assert re.fullmatch(r"\[synward\] flood over on .+, 0\.0\.0\.0:80", m["Subject"]), m["Subject"]
text, page = m.iter_parts()
assert text.get_content().strip() == "incident 3: a flood \u2013 over", text.get_content()
assert page.get_content_type() == "text/html" and page.get_filename() == "incident-3.html"
assert "<p>\u00fcber</p>" in page.get_content()
EOF
        SYNWARDCTL="$dir/ctl" SYNWARD_EVENT=flood-end SYNWARD_INCIDENT=4 "$hooks/incident-mail" a@example.org \
                </dev/null 2>/dev/null && fail "incident-mail: no such incident, and that is no error"
        ok incident-mail
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
        event source-blocked 127.0.7.0/24 127.0.9.9 |
                "$hooks/haproxy-map" "$dir/admin.sock" "$dir/synward.map"
        is 127.0.7.1 8001 000 || fail "haproxy: not blocked"
        is 127.0.9.9 8001 000 || fail "haproxy: the second one is not blocked"
        event source-limited 127.0.8.1 | "$hooks/haproxy-map" "$dir/admin.sock" "$dir/synward.map"
        is 127.0.8.1 8001 200 || fail "haproxy: a neighbour, or who is only limited, is blocked"
        event source-blocked 127.0.7.0/24 | "$hooks/haproxy-map" "$dir/admin.sock" "$dir/synward.map"
        event source-unblocked 127.0.7.0/24 | "$hooks/haproxy-map" "$dir/admin.sock" "$dir/synward.map"
        is 127.0.7.1 8001 200 || fail "haproxy: still blocked"
        event source-blocked 127.0.7.0/24 | "$hooks/haproxy-map" "$dir/admin.sock" /no/map 2>/dev/null &&
                fail "haproxy: an unknown map is no error"
        ok haproxy-map
}

# The hook keeps a list (--list), which another takes over (--apply).
nginx_takes_a_list() {
        event source-blocked 127.0.7.0/24 127.0.9.9 | "$hooks/nginx-deny" --list "$dir/list"
        [ -e "$dir/list.changed" ] || fail "nginx: a new list is not told"
        [ ! -s "$dir/deny" ] || fail "nginx: a list alone changes nginx's own"
        "$hooks/nginx-deny" --apply "$dir/list" "$dir/deny" -c "$dir/nginx.conf" 2>/dev/null
        [ ! -e "$dir/list.changed" ] || fail "nginx: the list stays to be taken over"
        until_true is 127.0.7.1 8002 403 || fail "nginx: the list is not taken over"
        event flood-end | "$hooks/nginx-deny" --list "$dir/list"
        event source-limited 127.0.8.0/24 | "$hooks/nginx-deny" --list "$dir/list"
        [ ! -e "$dir/list.changed" ] || fail "nginx: a list that did not change is told"
        event source-unblocked 127.0.7.0/24 | "$hooks/nginx-deny" --list "$dir/list"
        cp "$dir/list" "$dir/good"
        for bad in 'deny 127.0.8.1; return 200;' 'deny all;' 'deny 127.0.8.1' 'return 200;'; do
                printf '%s\n' "$bad" | cat "$dir/good" - >"$dir/list"
                "$hooks/nginx-deny" --apply "$dir/list" "$dir/deny" -c "$dir/nginx.conf" 2>/dev/null &&
                        fail "nginx: took over $bad"
                [ "$(wc -l <"$dir/deny")" = 2 ] || fail "nginx: the old list is gone for $bad"
        done
        rm "$dir/list"
        ln -s "$dir/good" "$dir/list"
        "$hooks/nginx-deny" --apply "$dir/list" "$dir/deny" -c "$dir/nginx.conf" 2>/dev/null &&
                fail "nginx: follows a link"
        "$hooks/nginx-deny" --apply "$dir/good" "$dir/deny" -c "$dir/nginx.conf" 2>/dev/null
        until_true is 127.0.7.1 8002 204 || fail "nginx: still blocked by the list"
        is 127.0.9.9 8002 403 || fail "nginx: the rest of the list is gone"
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
        event source-blocked 127.0.7.0/24 127.0.9.9 |
                "$hooks/nginx-deny" "$dir/deny" -c "$dir/nginx.conf" 2>/dev/null
        until_true is 127.0.7.1 8002 403 || fail "nginx: not blocked"
        until_true is 127.0.9.9 8002 403 || fail "nginx: the second one is not blocked"
        event source-unblocked 127.0.9.9 | "$hooks/nginx-deny" "$dir/deny" -c "$dir/nginx.conf" 2>/dev/null
        until_true is 127.0.9.9 8002 204 || fail "nginx: the second one is still blocked"
        is 127.0.8.1 8002 204 || fail "nginx: a neighbour is blocked"
        event source-blocked 'rubbish' | "$hooks/nginx-deny" "$dir/deny" -c "$dir/nginx.conf" 2>/dev/null &&
                fail "nginx: took rubbish"
        [ "$(cat "$dir/deny")" = 'deny 127.0.7.0/24;' ] || fail "nginx: the old list is gone"
        event source-unblocked 127.0.7.0/24 | "$hooks/nginx-deny" "$dir/deny" -c "$dir/nginx.conf" 2>/dev/null
        until_true is 127.0.7.1 8002 204 || fail "nginx: still blocked"
        nginx_takes_a_list
        ok nginx-deny
}

# routes TABLE: what the upstream was told, without its time.
routes() { birdc -r -s "$dir/bird.ctl" show route table "$1" | grep -o '{ dst .*}' || :; }
# upstream_has TEXT TIMES
upstream_has() { [ "$(routes f4 | grep -cF -- "$1")" = "$2" ]; }
session_is_up() { birdc -r -s "$dir/bird.ctl" show protocols host | grep -q Established; }

start_upstream() {
        # A namespace of its own, held by this process.
        unshare --net sleep 60 & upstream=$!
        pids="$pids $upstream"
        until_true sh -c "[ \$(readlink /proc/$upstream/ns/net) != \$(readlink /proc/self/ns/net) ]"
        ip link add upstream type veth peer name host netns "$upstream"
        ip address add 192.0.2.1/30 dev upstream
        ip link set upstream up
        nsenter -t "$upstream" -n sh -c \
                'ip address add 192.0.2.2/30 dev host; ip link set host up'
        cat >"$dir/bird.conf" <<'EOF'
router id 192.0.2.2;
flow4 table f4;
flow6 table f6;
protocol device { }
protocol bgp host {
  local 192.0.2.2 as 65002;
  neighbor 192.0.2.1 as 65001;
  passive;
  flow4 { table f4; import all; export none; };
  flow6 { table f6; import all; export none; };
}
EOF
        nsenter -t "$upstream" -n bird -f -c "$dir/bird.conf" -s "$dir/bird.ctl" -P "$dir/bird.pid" &
        pids="$pids $!"
        until_true test -S "$dir/bird.ctl" || fail "bird does not start"
}

# Pipes as Debian's exabgp.service makes them.
start_exabgp() {
        mkdir -p /run/exabgp
        mkfifo /run/exabgp/exabgp.in /run/exabgp/exabgp.out
        cat >"$dir/exabgp.conf" <<'EOF'
neighbor 192.0.2.2 {
  router-id 192.0.2.1; local-address 192.0.2.1; local-as 65001; peer-as 65002;
  family { ipv4 flow; ipv6 flow; }
}
EOF
        exabgp_daemon_user=root exabgp_daemon_daemonize=false exabgp_daemon_drop=false \
                exabgp "$dir/exabgp.conf" >"$dir/exabgp.log" 2>&1 &
        pids="$pids $!"
        until_true session_is_up || fail "exabgp: no session: $(cat "$dir/exabgp.log")"
}

# flow EVENT SOURCE...
flow() { event "$@" | "$hooks/exabgp-flow" /run/exabgp/exabgp.in 203.0.113.10/32 2>/dev/null; }

test_exabgp() {
        { command -v exabgp && command -v bird; } >/dev/null || { skip exabgp-flow; return 0; }
        start_upstream
        mkfifo "$dir/nobody"
        event source-blocked 198.51.100.0/24 |
                "$hooks/exabgp-flow" "$dir/nobody" 203.0.113.10/32 2>/dev/null &&
                fail "exabgp: nobody there is no error"
        start_exabgp
        # Its process that reads the pipe comes a little later.
        until_true flow source-blocked 198.51.100.0/24 198.51.101.7 2001:db8::/48 ||
                fail "exabgp does not read its pipe"
        rule='proto 6; tcp flags !0x0/0x2 && 0x0/0x10; }'
        until_true upstream_has "{ dst 203.0.113.10/32; src 198.51.100.0/24; $rule" 1 ||
                fail "exabgp: the upstream has: $(routes f4)"
        until_true upstream_has "{ dst 203.0.113.10/32; src 198.51.101.7/32; $rule" 1 ||
                fail "exabgp: not the second one: $(routes f4)"
        # The action is a rate limit of 0: discard (RFC 8955, 7.1).
        birdc -r -s "$dir/bird.ctl" show route table f4 all |
                grep -q '(generic, 0x80060000, 0x0)' || fail "exabgp: no discard"
        flow source-unblocked 198.51.100.0/24
        until_true upstream_has 198.51.100.0/24 0 || fail "exabgp: not withdrawn"
        upstream_has 198.51.101.7/32 1 || fail "exabgp: too much withdrawn"
        flow source-unblocked 198.51.101.7
        until_true upstream_has dst 0 || fail "exabgp: the second one stays"
        # shellcheck disable=SC2046 # words are wanted
        flow source-blocked $(seq -f '198.51.100.%g' 64)
        until_true upstream_has 198.51.100. 64 || fail "exabgp: $(routes f4 | wc -l) of 64"
        [ -z "$(routes f6)" ] || fail "exabgp: a rule of the other family"
        ok exabgp-flow
}

# told TEXT: what cscli was told since the last time, a call a line; nothing else.
told() {
        [ "$(cat "$dir/told")" = "$1" ] || fail "crowdsec: cscli was told: $(cat "$dir/told")"
        : >"$dir/told"
}

crowdsec() { PATH="$dir/bin:$PATH" "$hooks/crowdsec" 30m --config /x; }

test_crowdsec() {
        mkdir "$dir/bin"
        # Each argument in brackets.
        cat >"$dir/bin/cscli" <<EOF
#!/bin/sh
{ printf '[%s]' "\$@"; echo; } >>"$dir/told"
case \$* in *198.51.100.66*) exit 1 ;; esac
EOF
        chmod +x "$dir/bin/cscli"
        : >"$dir/told"
        before='[--config][/x][decisions]'
        add='[--duration][30m][--reason][synward/syn-flood]'
        event source-blocked 198.51.100.7 198.51.101.0/24 2001:db8::1 2001:db8:1::/48 | crowdsec
        told "${before}[add][--ip][198.51.100.7]${add}
${before}[add][--range][198.51.101.0/24]${add}
${before}[add][--ip][2001:db8::1]${add}
${before}[add][--range][2001:db8:1::/48]${add}"
        event source-unblocked 198.51.100.7 198.51.101.0/24 | crowdsec
        told "${before}[delete][--ip][198.51.100.7][--scenario][synward/syn-flood]
${before}[delete][--range][198.51.101.0/24][--scenario][synward/syn-flood]"
        for name in flood-start flood-end source-limited source-unlimited; do
                event $name 198.51.100.7 | crowdsec
        done
        event source-blocked | crowdsec
        event source-blocked 198.51.100.7 | jq -c '.message = "dry run: 198.51.100.7 would be blocked"' | crowdsec
        event source-blocked 198.51.100.7 | jq -c '.diagnosis = "flood-spoofed"' | crowdsec
        told ''
        # The flood may have become another one since.
        event source-unblocked 198.51.100.7 | jq -c '.diagnosis = "flood-spoofed"' | crowdsec
        told "${before}[delete][--ip][198.51.100.7][--scenario][synward/syn-flood]"
        for bad in "\$(touch $dir/ran)" "1; touch $dir/ran" "\`touch $dir/ran\`" --all "::1
--all" 198.51.100.7/24 0x7f.1 ''; do
                for name in source-blocked source-unblocked; do
                        event $name 198.51.100.7 | jq -c --arg bad "$bad" '.sources += [$bad]' >"$dir/event"
                        crowdsec <"$dir/event" 2>/dev/null && fail "crowdsec: took $(cat "$dir/event")"
                done
        done
        told ''
        event source-blocked 198.51.100.7 | jq -c --arg x "\$(touch $dir/ran); touch $dir/ran" \
                '.message = $x | .source = $x | .listener = $x | .diagnosis = $x' | crowdsec
        told "${before}[add][--ip][198.51.100.7]${add}"
        [ ! -e "$dir/ran" ] || fail "crowdsec: a shell ran what the event has"
        event source-blocked 198.51.100.66 198.51.100.67 | crowdsec 2>/dev/null &&
                fail "crowdsec: an error of cscli is none of ours"
        told "${before}[add][--ip][198.51.100.66]${add}
${before}[add][--ip][198.51.100.67]${add}"
        ok crowdsec
}

test_mail
test_webhook
test_crowdsec
test_alertmanager
test_haproxy
test_nginx
test_exabgp
finish
