#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs the hooks of contrib/hooks within the sandbox of the shipped unit, in a box with a
# booted systemd, against the real programs: alone each fails, and with the drop-in that
# its header gives, word for word, it does its work. What else they do: test-hooks.sh; the
# webhook, run by the daemon: test-service.sh.
#
#   test-sandbox.sh [BUILD_DIRECTORY]
set -eu

. "$(dirname "$0")/box.sh"
skipped=

# have PROGRAM: else the test of it is left out, which in CI is a failure.
have() {
        command -v "$1" >/dev/null && return 0
        [ "${SYNWARD_LAB:-}" != require ] || fail "no $1"
        say "skipped: no $1"
        skipped="$skipped $1"
        return 1
}

# event NAME [SOURCE...]: for the hooks that run next.
event() {
        jq -cn '$ARGS.positional as [$event] | {schema: "synward.event.v1",
                time: (now | strftime("%Y-%m-%dT%H:%M:%S.000Z")), event: $event, incident: 3,
                listener: "0.0.0.0:80", diagnosis: "flood-concentrated", message: "SYN flood",
                sources: $ARGS.positional[1:]}' --args "$@" >"$root/run/event"
        chmod 644 "$root/run/event"
}

# unit_of HOOK [ARGUMENT...]: the shipped unit, but that it runs the hook.
unit_of() {
        sed -E -e '/^(Exec|Type|NotifyAccess|Watchdog|Restart|Timeout)/d' \
                -e "/^\[Service\]/a Type=oneshot\nExecStart=$hooks/$*\nStandardInput=file:/run/event" \
                -e '/^\[Service\]/a Environment=SYNWARD_EVENT=flood-start SYNWARD_MESSAGE=flood' \
                "$root$fragment" >"$root/run/systemd/system/try-$1.service"
}
run_hook() { box systemctl start "try-$1.service"; }

# needs_its_drop_in HOOK [ARGUMENT...]: it fails without, and has it from now on.
needs_its_drop_in() {
        local folder=$root/run/systemd/system/try-$1.service.d

        unit_of "$@"
        box systemctl daemon-reload
        refuse "$1: not without a drop-in" run_hook "$1"
        mkdir "$folder"
        drop_in "$1" >"$folder/drop-in.conf" || fail "$1: no drop-in in its header"
        box systemctl daemon-reload
}

# answers SOURCE PORT CODE: what the server on that port says to a client from SOURCE.
answers() {
        [ "$(box curl -s -o /dev/null -w '%{http_code}' --max-time 5 --interface "$1" \
                "http://127.0.0.1:$2/" || true)" = "$3" ]
}

try_haproxy_map() {
        have haproxy || return 0
        : >"$root/etc/haproxy/synward.map"
        cat >"$root/etc/haproxy/haproxy.cfg" <<'END'
global
  stats socket /run/haproxy/admin.sock mode 660 level admin
  user haproxy
  group haproxy
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend web
  bind 127.0.0.1:8001
  tcp-request connection reject if { src,map_ip(/etc/haproxy/synward.map) -m found }
  http-request return status 200
END
        expect "haproxy starts" box systemctl start haproxy.service
        wait_for 10 "and answers" answers 127.0.7.1 8001 200
        event source-blocked 127.0.7.0/24
        needs_its_drop_in haproxy-map /run/haproxy/admin.sock /etc/haproxy/synward.map
        expect "haproxy-map: runs with it" run_hook haproxy-map
        expect "and the source is blocked" answers 127.0.7.1 8001 000
        expect "and another is not" answers 127.0.8.1 8001 200
}

# lists_agree: root has taken over what the hook has, and nothing waits.
lists_agree() {
        [ ! -e "$root/var/lib/synward/nginx/deny.changed" ] &&
                cmp "$root/var/lib/synward/nginx/deny" "$root/etc/nginx/synward.deny"
}
nginx_deny_failed() { [ "$(box systemctl show -P Result nginx-deny.service)" = exit-code ]; }

start_nginx() {
        local unit

        echo 'include /etc/nginx/synward.deny;' >"$root/etc/nginx/conf.d/synward.conf"
        : >"$root/etc/nginx/synward.deny"
        for unit in nginx-deny.path nginx-deny.service; do
                sed "s|/usr/local/lib/synward/hooks|$hooks|" "$root$hooks/$unit" \
                        >"$root/etc/systemd/system/$unit"
        done
        box systemctl daemon-reload
        expect "verify" box systemd-analyze verify --man=no nginx-deny.path nginx-deny.service
        [ ! -s "$log" ] || { cat "$log"; fail "verify has something to say"; }
        expect "nginx starts" box systemctl start nginx.service
        wait_for 10 "and answers" answers 127.0.7.1 80 200
        expect "nginx-deny.path" box systemctl enable --now nginx-deny.path
}

# A change that comes between the reading of the list and the service's end.
change_while_root_is_busy() {
        local folder=$root/run/systemd/system/nginx-deny.service.d

        mkdir "$folder"
        printf '[Service]\nExecStartPost=/bin/sh -c "until [ -e /run/go-on ]; do sleep 0.05; done"\n' \
                >"$folder/busy.conf"
        box systemctl daemon-reload
        event source-blocked 127.0.9.9
        run_hook nginx-deny
        wait_for 10 "a second one is blocked" answers 127.0.9.9 80 403
        event source-unblocked 127.0.7.0/24
        run_hook nginx-deny
        : >"$root/run/go-on"
        wait_for 10 "a change while root is busy is not lost" lists_agree
        wait_for 10 "and the source is let in again" answers 127.0.7.1 80 200
        expect "and the second one is blocked" answers 127.0.9.9 80 403
}

try_nginx_deny() {
        have nginx || return 0
        start_nginx
        event source-blocked 127.0.7.0/24 2001:db8::/48
        needs_its_drop_in nginx-deny --list /var/lib/synward/nginx/deny
        expect "nginx-deny: runs with it" run_hook nginx-deny
        wait_for 10 "and the source is blocked" answers 127.0.7.1 80 403
        expect "and another is not" answers 127.0.8.1 80 200
        change_while_root_is_busy
        # Somebody who got hold of the user synward.
        printf 'deny 127.0.8.1; error_log /etc/cron.d/x;\n' >"$root/var/lib/synward/nginx/deny"
        : >"$root/var/lib/synward/nginx/deny.changed"
        wait_for 10 "another directive is refused" nginx_deny_failed
        refuse "and not taken over" grep -q error_log "$root/etc/nginx/synward.deny"
        expect "and nginx goes on" answers 127.0.9.9 80 403
}

alert_is_there() { box curl -s http://127.0.0.1:9093/api/v2/alerts | jq -e '.[0].labels.alertname == "SynFlood"'; }

try_alertmanager() {
        have prometheus-alertmanager || return 0
        printf 'route: { receiver: none }\nreceivers: [ { name: none } ]\n' >"$root/run/am.yml"
        box systemd-run -q --unit=am "$(command -v prometheus-alertmanager)" --config.file=/run/am.yml \
                --storage.path=/run/am --cluster.listen-address= --web.listen-address=127.0.0.1:9093
        wait_for 20 "alertmanager starts" box curl -sf http://127.0.0.1:9093/-/ready
        event flood-start
        needs_its_drop_in alertmanager http://127.0.0.1:9093
        expect "alertmanager: runs with it" run_hook alertmanager
        wait_for 10 "and the alert is there" alert_is_there
}

try_mail() {
        have msmtp || return 0
        /usr/bin/python3 -c 'import aiosmtpd' 2>/dev/null || { have python3-aiosmtpd; return 0; }
        cat >"$root/run/smtp.py" <<'END'
import threading
from aiosmtpd.controller import Controller
class Handler:
    async def handle_DATA(self, server, session, envelope):
        with open("/run/mail", "wb") as f:
            f.write(envelope.content)
        return "250 taken"
Controller(Handler(), hostname="127.0.0.1", port=25).start()
threading.Event().wait()
END
        box systemd-run -q --unit=smtp /usr/bin/python3 /run/smtp.py
        wait_for 10 "a mail server" box sh -c 'ss -Hltn sport = :25 | grep -q .'
        event flood-start
        needs_its_drop_in mail noc@example.org
        expect "mail: runs with it" run_hook mail
        expect "and the mail is there" grep -q '^Subject: \[synward\] flood-start on ' "$root/run/mail"
}

try_exabgp_flow() {
        have exabgp || return 0
        cat >"$root/etc/exabgp/exabgp.conf" <<'END'
neighbor 127.0.0.2 {
  router-id 192.0.2.1; local-address 127.0.0.1; local-as 65001; peer-as 65002;
  family { ipv4 flow; }
}
END
        mkdir "$root/run/systemd/system/exabgp.service.d"
        drop_in exabgp-flow 2 >"$root/run/systemd/system/exabgp.service.d/pipe.conf"
        box systemctl daemon-reload
        expect "exabgp starts" box systemctl start exabgp.service
        event source-blocked 198.51.100.7
        needs_its_drop_in exabgp-flow /run/exabgp/exabgp.in 203.0.113.10/32
        # Its process that reads the pipe comes a little later.
        wait_for 20 "exabgp-flow: runs with it" run_hook exabgp-flow
}

start_box jq curl python3
install_build
fragment=$(box systemctl show -P FragmentPath synward.service)
try_haproxy_map
try_nginx_deny
try_alertmanager
try_mail
try_exabgp_flow
[ -z "$skipped" ] || { say "not tried, for want of the program:$skipped"; exit 77; }
say "test-sandbox: all passed"
