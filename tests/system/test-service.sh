#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Installs a build into a box with a really booted systemd (sdbox) and lives
# there the life of the service: install, start, reload, flood, hang, kill, stop.
# The floods are 12000 SYNs at most, over a veth pair inside the box's own network
# namespace.
#
#   test-service.sh [BUILD_DIRECTORY]
set -eu

host_value_before=$(cat /proc/sys/net/ipv4/tcp_syncookies 2>/dev/null || echo none)
. "$(dirname "$0")/box.sh"

property() { box systemctl show -P "$1" synward.service; }
has_status() { [ -n "$(property StatusText)" ]; }
has_failed() { [ "$(property ActiveState)" = failed ]; }
is_active() { [ "$(property ActiveState)" = active ]; }
# 0 while one has gone and the next is not there yet. The new one is then pid.
main_pid_changed() {
        local now
        is_active && now=$(property MainPID) && [ "${now:-0}" -gt 1 ] && [ "$now" != "$1" ] && pid=$now
}
# kill_daemon SIGNAL: never a number that means more than one process.
kill_daemon() { [ "${pid:-0}" -gt 1 ] && box kill "-$1" "$pid"; }
syncookies() { box cat /proc/sys/net/ipv4/tcp_syncookies; }
syncookies_are() { [ "$(syncookies)" = "$1" ]; }
# Entries of the unit with this event, a MESSAGE_ID, and all that an event carries.
journal_has_event() {
        box journalctl -u synward.service -o json --no-pager |
                jq -se --arg event "$1" 'map(select(.SYNWARD_EVENT == $event
                        and (.MESSAGE_ID | test("^[0-9a-f]{32}$")))) | length > 0'
}
start_has_fields() {
        box journalctl -u synward.service -o json --no-pager |
                jq -se 'map(select(.SYNWARD_EVENT == "flood-start")) | length == 1 and (first
                        | .PRIORITY == "2" and .SYNWARD_STATE == "flood"
                        and .SYNWARD_LISTENER == "10.99.0.1:8080"
                        and (.SYNWARD_INCIDENT | test("^[0-9]+$"))
                        and (.SYNWARD_DIAGNOSIS | startswith("flood-")))'
}
one_start_one_end() {
        box journalctl -u synward.service -o json --no-pager |
                jq -se 'map(.SYNWARD_EVENT | select(. == ("flood-start", "flood-end")))
                        == ["flood-start", "flood-end"]'
}
journal_says() { box journalctl -u synward.service -o cat --no-pager | grep -Eq -- "$1"; }

start_box jq hping3 python3

# --- install, as a package would -------------------------------------------------
install_build
expect "systemd-analyze verify" box systemd-analyze verify --man=no synward.service \
        synward-textfile.timer synward-textfile.service synward-metrics.socket synward-metrics@.service
[ ! -s "$log" ] || { cat "$log"; fail "verify has something to say"; }
expect "exposure at most 1.5" \
        box systemd-analyze security --no-pager --threshold=15 synward.service
say "    $(tail -n 1 "$log")"

# --- start ------------------------------------------------------------------------
# In the tests nobody wants to wait ten seconds for the watchdog.
box mkdir -p /run/systemd/system/synward.service.d
printf '[Service]\nWatchdogSec=2s\n' |
        box tee /run/systemd/system/synward.service.d/test.conf >/dev/null
config=$root$sysconfdir/synward/synward.yaml
mkdir -p "$(dirname "$config")"
echo 'mode: enforce' >"$config"
echo 0 | box tee /proc/sys/net/ipv4/tcp_syncookies >/dev/null
box systemctl daemon-reload
expect "start" box systemctl start synward.service
is_active || fail "not active after start"
pid=$(property MainPID)
wait_for 5 "a STATUS line" has_status
say "    $(property StatusText)"
# of_parts FIELD: that of /proc/PID/status, of each of its processes, by name.
# shellcheck disable=SC2016
of_parts() { box sh -c 'children() { cat /proc/$1/task/*/children; }
        for p in $0 $(children $0) $(for q in $(children $0); do children $q; done); do
                echo $(cat /proc/$p/comm) $(sed -n "s/^$1:\t//p" /proc/$p/status); done' "$pid" "$1" | sort | xargs; }
none=0000000000000000 net_admin=0000000000001000
expect "only its keeper and the launcher have a capability: $(of_parts CapEff)" test "$(of_parts CapEff)" = \
        "synwardd $none synwardd-hooks $none synwardd-hookup $none synwardd-keeper $net_admin synwardd-launch $net_admin synwardd-peers $none synwardd-scribe $none synwardd-walker $none"
filters=$(of_parts Seccomp_filters)
unit_filters=$(sed "s/.*synwardd-keeper \([0-9]*\).*/\1/" <<<"$filters") own_filters=$((unit_filters + 1))
expect "it and its helpers have a filter of their own beside the unit's: $filters" test "$filters" = \
        "synwardd $own_filters synwardd-hooks $unit_filters synwardd-hookup $unit_filters synwardd-keeper $unit_filters synwardd-launch $unit_filters synwardd-peers $own_filters synwardd-scribe $own_filters synwardd-walker $own_filters"
starter=$(box pgrep -x synwardd-hooks)
another_runs_hooks() { now=$(box pgrep -x synwardd-hooks) && [ "$now" -ne "$starter" ]; }
box kill -KILL "$starter"
wait_for 5 "another process runs hooks when the first is killed" another_runs_hooks
expect "runs as the user synward" test "$(box ps -o user= -p "$pid" | tr -d ' ')" = synward
expect "answers" box "$bindir/synwardctl" ping
expect "its socket is the group's" \
        test "$(box stat -c '%a %U:%G' "$runstatedir/synward/control.sock")" = '660 synward:synward'
expect "a member of the group may read" \
        box setpriv --reuid=nobody --regid=synward --clear-groups "$bindir/synwardctl" status --json
expect "what it read is a status" jq -e '.schema == "synward.status.v1"' "$log"
status=0
box setpriv --reuid=nobody --regid=nogroup --clear-groups "$bindir/synwardctl" status \
        >"$log" 2>&1 || status=$?
expect "nobody else may (exit status 4)" test "$status" = 4

# --- reload -----------------------------------------------------------------------
printf 'mode: enforce\npoll: { interval: 2s }\n' >"$config"
expect "reload" box systemctl reload synward.service
wait_for 5 "the journal has config-reloaded" journal_has_event config-reloaded
printf 'mode: enforce\npoll: { intervl: 2s }\n' >"$config"
refuse "a bad configuration fails the reload" box systemctl reload synward.service
wait_for 5 "the error names file, line and column" journal_says 'synward\.yaml:2:[0-9]+: '
wait_for 5 "the journal has config-rejected" journal_has_event config-rejected
is_active || fail "a bad configuration ended the service"
expect "still the same process" test "$(property MainPID)" = "$pid"
expect "and it answers" box "$bindir/synwardctl" ping
printf 'mode: enforce\ndetect: { hold: 1s, recover: 2s }\n' >"$config"
expect "a good one is taken again" box systemctl reload synward.service

# --- flood ------------------------------------------------------------------------
box ip netns add flooder
box ip link add flood0 type veth peer name flood1 netns flooder
box ip addr add 10.99.0.1/24 dev flood0
box ip link set flood0 up
box ip -n flooder addr add 10.99.0.2/24 dev flood1
box ip -n flooder link set flood1 up
box ip route add default via 10.99.0.2
box systemd-run -q --unit=listener python3 -c '
import socket, time
s = socket.create_server(("10.99.0.1", 8080), backlog=128)
time.sleep(300)'
wait_for 5 "a listener" box sh -c 'ss -Hltn src 10.99.0.1:8080 | grep -q .'
flood() { # 4000 SYNs, 1000 a second
        box systemd-run -q --collect --unit="flood-$1" \
                ip netns exec flooder hping3 -q -S -p 8080 --rand-source -i u1000 -c 4000 10.99.0.1
}
flood 1
wait_for 5 "the journal has flood-start" journal_has_event flood-start
box journalctl -u synward.service -o json --no-pager |
        jq -r 'select(.SYNWARD_EVENT == "flood-start") | "    " + .MESSAGE' | head -n 1
wait_for 5 "syncookies were turned on" syncookies_are 1
wait_for 5 "the journal has syncookies-set" journal_has_event syncookies-set
id=$(box journalctl -u synward.service -o json --no-pager |
        jq -r 'select(.SYNWARD_EVENT == "flood-start") | .MESSAGE_ID' | head -n 1)
expect "flood-start carries its fields" start_has_fields
expect "catalog" box journalctl --update-catalog
expect "the catalog explains it" box sh -c "journalctl --dump-catalog $id | grep -q '^Subject: SYN flood'"

# --- metrics ----------------------------------------------------------------------
textfile=/var/lib/prometheus/node-exporter/synward.prom
box mkdir -p "${textfile%/*}"
expect "the timer starts" box systemctl start synward-textfile.timer
wait_for 5 "it writes the metrics" box grep -q '^synward_build_info' "$textfile"
expect "for everybody to read" test "$(box stat -c %a "$textfile")" = 644
refuse "each run leaves no line in the journal" sh -c \
        "'$here/sdbox' run '$box_name' journalctl -o cat -u synward-textfile.service | grep -q Finished"
expect "exposure of its service at most 1.5" \
        box systemd-analyze security --no-pager --threshold=15 synward-textfile.service
say "    $(tail -n 1 "$log")"

expect "the socket starts" box systemctl start synward-metrics.socket
box sh -c 'cat >/run/scrape.py' <<'END'
import socket, sys
def scrape(request):
    with socket.create_connection(("127.0.0.1", 19796), timeout=15) as s:
        s.sendall(request)
        answer = b""
        while part := s.recv(65536):
            answer += part
        return answer
good = scrape(b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n")
assert good.startswith(b"HTTP/1.1 200 OK\r\n") and b"\nsynward_build_info{" in good, good[:200]
assert scrape(b"POST / HTTP/1.1\r\nHost: h\r\n\r\n").startswith(b"HTTP/1.1 405 ")
# 200 at once that say nothing: systemd turns most away, and goes on listening.
idle = [socket.create_connection(("127.0.0.1", 19796), timeout=15) for _ in range(200)]
turned_away = 0
for s in idle:
    s.settimeout(0.05)
    try:
        turned_away += s.recv(1) == b""
    except TimeoutError:
        pass
    except OSError:
        turned_away += 1
assert turned_away >= 150, turned_away
for s in idle:
    s.close()
END
expect "a scrape, a refusal, 200 at once" box python3 /run/scrape.py
wait_for 20 "and a scrape afterwards" box python3 -c 'import urllib.request
urllib.request.urlopen("http://127.0.0.1:19796/metrics").read().index(b"synward_build_info")'
expect "exposure of its service at most 1.5" \
        box systemd-analyze security --no-pager --threshold=15 synward-metrics@1.service
say "    $(tail -n 1 "$log")"

# --- the flood's end ---------------------------------------------------------------
wait_for 30 "the journal has flood-end" journal_has_event flood-end
expect "one start and one end" one_start_one_end

# --- a hook that needs the network ------------------------------------------------
# The webhook, with the drop-in that its header gives; only its receiver may be reached.
cat >"$root/run/receiver.py" <<'END'
import http.server, socketserver
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open("/run/posted-to" + self.path.replace("/", "-"), "ab") as f:
            f.write(body)
        self.send_response(204)
        self.end_headers()
# Not an HTTPServer, which asks for its own name first: here nobody answers that.
socketserver.ThreadingTCPServer(("", 8000), Receiver).serve_forever()
END
posted() { jq -e --arg event "$1" 'select(.event == $event)' "$root/run/posted-to-receiver"; }
posted_once() {
        jq -se 'map(.event | select(. == ("flood-start", "flood-end"))) == ["flood-start", "flood-end"]' \
                "$root/run/posted-to-receiver"
}
try_webhook() {
        box ip addr add 192.0.2.80/32 dev lo
        box ip addr add 192.0.2.81/32 dev lo
        box systemd-run -q --unit=receiver /usr/bin/python3 /run/receiver.py
        wait_for 5 "a receiver" box sh -c 'ss -Hltn sport = :8000 | grep -q .'
        cat >"$config" <<END
mode: enforce
detect: { hold: 1s, recover: 2s }
policy:
  - when: { state: flood }
    do: [ alert, { hook: [ $hooks/webhook, "http://192.0.2.80:8000/receiver" ] } ]
  - when: { state: flood }
    do: [ { hook: [ $hooks/webhook, "http://192.0.2.81:8000/another", --max-time, "1", --retry, "0" ] } ]
  - when: { state: flood }
    do: [ { hook: [ /bin/sh, -c, "grep ^CapEff /proc/self/status >/run/synward/capabilities" ] } ]
END
        drop_in webhook | box tee /run/systemd/system/synward.service.d/webhook.conf >/dev/null
        box systemctl daemon-reload
        expect "restart with the webhook's drop-in" box systemctl restart synward.service
        flood webhook
        wait_for 10 "the webhook posts flood-start" posted flood-start
        wait_for 30 "and flood-end" posted flood-end
        expect "each once" posted_once
        expect "a hook has none of the daemon's capabilities" \
                grep -qx 'CapEff:[[:space:]]*0*' "$root/run/synward/capabilities"
        wait_for 5 "one to another address fails" journal_has_event hook-failed
        refuse "and posts nothing" box test -e /run/posted-to-another
        box rm /run/systemd/system/synward.service.d/webhook.conf
        printf 'mode: enforce\ndetect: { hold: 1s, recover: 2s }\n' >"$config"
        box systemctl daemon-reload
        expect "restart without it" box systemctl restart synward.service
        pid=$(property MainPID)
}
if command -v curl >/dev/null; then
        try_webhook
elif [ "${SYNWARD_LAB:-}" = require ]; then
        fail "no curl for the webhook"
else
        say "no curl: the webhook is not tried"
fi

# --- the fleet's key: root's file, handed over as synward.yaml(5) says ---------------
fleet_series() { [ "$(box synwardctl metrics | grep -c '^synward_fleet_')" = "$1" ]; }
wait_for 5 "no sketches without a key" fleet_series 0
box sh -c "umask 077; systemd-id128 new >$sysconfdir/synward/fleet.key"
printf 'metrics: { fleet_key: fleet.key }\ndetect: { hold: 1s, recover: 2s }\n' >"$config"
refuse "no key at a reload that has none to hand over" box systemctl reload synward.service
wait_for 5 "and the log has the remedy" journal_says 'LoadCredential=fleet.key:FILE in the unit does it'
# What systemd mounts for a service gets there only from a / that is shared, as every host's is.
box mount --make-rshared /
printf '[Service]\nLoadCredential=fleet.key:%s\n' "$sysconfdir/synward/fleet.key" |
        box tee /run/systemd/system/synward.service.d/fleet.conf >/dev/null
box systemctl daemon-reload
expect "restart with the credential's drop-in" box systemctl restart synward.service
wait_for 10 "192 series" fleet_series 192
expect "a reload reads it again" box systemctl reload synward.service
wait_for 5 "and they are still there" fleet_series 192
box rm /run/systemd/system/synward.service.d/fleet.conf
printf 'mode: enforce\ndetect: { hold: 1s, recover: 2s }\n' >"$config"
box systemctl daemon-reload
expect "restart without the credential" box systemctl restart synward.service
pid=$(property MainPID)

# --- hang, kill -------------------------------------------------------------------
kill_daemon STOP
wait_for 15 "the watchdog replaced a daemon that hung" main_pid_changed "$pid"
expect "because of the watchdog" journal_says '[Ww]atchdog'
flood 2
wait_for 10 "syncookies are on again" syncookies_are 1
# Without the restart, so that what remains was done by ExecStopPost= alone.
printf '[Service]\nRestart=no\n' |
        box tee /run/systemd/system/synward.service.d/test2.conf >/dev/null
box systemctl daemon-reload
kill_daemon KILL
wait_for 10 "killed" has_failed
wait_for 10 "syncookies are back after SIGKILL" syncookies_are 0

# --- stop -------------------------------------------------------------------------
box systemctl reset-failed synward.service
expect "start again" box systemctl start synward.service
expect "stop" box systemctl stop synward.service
expect "without the daemon the metrics are taken away" box systemctl start synward-textfile.service
refuse "and gone" box test -e "$textfile"
expect "inactive" test "$(property ActiveState)" = inactive
expect "cleanly" test "$(property Result)/$(property ExecMainStatus)" = success/0
refuse "no synwardd is left" box pgrep -x synwardd
refuse "nor its nftables table" box nft list table inet synward
refuse "nor its runtime directory" box test -e "$runstatedir/synward"
expect "syncookies as before" syncookies_are 0
expect "this machine's own setting was not touched" test "$host_value_before" = \
        "$(cat /proc/sys/net/ipv4/tcp_syncookies 2>/dev/null || echo none)"
say "test-service: all passed"
