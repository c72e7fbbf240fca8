#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The life of the packages in a really booted Debian (sdbox over tests/package/root):
# apt install, floods, reload, stop, kill, upgrade from the version before, purge.
#
#   test-install.sh RELEASE PACKAGES      (the folder that build-deb has filled)
set -eu

release=${1?which release?}
[ -d "${2?which packages?}" ] || { echo "no packages of $release were made: $2"; exit 77; }
packages=$(cd "$2" && pwd)
SDBOX_ROOT=$("$(dirname "$0")/root" make "$release")
export SDBOX_ROOT
set --
. "$(dirname "$0")/../system/box.sh"

# In the box's shell, for it expands the names.
apt_install() { box env DEBIAN_FRONTEND=noninteractive sh -c "apt-get -y -q -o Dpkg::Options::=--force-confold install $*"; }
property() { box systemctl show -P "$1" synward.service; }
is_active() { [ "$(property ActiveState)" = active ]; }
# 0 while one has gone and the next is not there yet.
pid_changed() { is_active && [ "$(property MainPID)" -gt 1 ] && [ "$(property MainPID)" != "$1" ]; }
syncookies_are() { [ "$(box cat /proc/sys/net/ipv4/tcp_syncookies)" = "$1" ]; }
journal_has() { box journalctl -u synward.service -o json --no-pager | jq -se --arg e "$1" --argjson n "${2:-1}" \
        'map(select(.SYNWARD_EVENT == $e)) | length >= $n'; }
incidents() { find "$root/var/lib/synward/incidents" -name incident.json | sort; }

# The package that was there before: the same, but older, and its configuration file
# has a line less.
make_previous() {
        local dir=$root/root/previous

        dpkg-deb -R "$packages"/synward_*.deb "$dir"
        sed -i 's/^Version: .*/Version: 0.0.9/' "$dir/DEBIAN/control"
        sed -i '$d' "$dir/etc/synward/synward.yaml"
        dpkg-deb -b "$dir" "$root/root/synward_0.0.9.deb" >/dev/null
}

make_listener() {
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
}

# flood SECONDS: 1000 SYNs a second.
flood() {
        box systemd-run -q --collect --unit="flood-$RANDOM" ip netns exec flooder \
                hping3 -q -S -p 8080 --rand-source -i u1000 -c $(($1 * 1000)) 10.99.0.1
}

test_policy() {
        printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
        chmod +x "$root/usr/sbin/policy-rc.d"
        expect "installs under a policy that starts nothing" apt_install /root/synward_0.0.9.deb
        refuse "and starts nothing" is_active
        rm "$root/usr/sbin/policy-rc.d"
        expect "and is purged" box apt-get -y -q purge synward
}

test_fresh_install() {
        local start=$SECONDS

        expect "apt install, within a minute" apt_install /root/synward_0.0.9.deb
        [ $((SECONDS - start)) -lt 60 ] || fail "took $((SECONDS - start)) s"
        is_active || fail "not active (running) after installation"
        expect "active (running)" test "$(property SubState)" = running
        expect "enabled" box systemctl is-enabled synward.service
        expect "as the user synward" test "$(box ps -o user= -p "$(property MainPID)" | tr -d ' ')" = synward
        expect "verify" box systemd-analyze verify --man=yes synward.service
        [ ! -s "$log" ] || { cat "$log"; fail "verify has something to say"; }
        expect "exposure at most 1.1" box systemd-analyze security --no-pager --threshold=11 synward.service
        say "    $(tail -n 1 "$log")"
        expect "manuals" box man -w synwardd synwardctl synward.yaml synward
        expect "debsums agree" box dpkg --verify synward
        [ ! -s "$log" ] || { cat "$log"; fail "a file is not the package's"; }
        expect "the autopkgtest of the service" env -i PATH="$PATH" "$sdbox" run "$box_name" sh /root/service
}

test_reload() {
        local config=$root/etc/synward/synward.yaml pid

        pid=$(property MainPID)
        printf '# kept\ndetect: { hold: 1s, recover: 2s }\nsyncookies: { hold: 1s }\n' >"$config"
        expect "reload" box systemctl reload synward.service
        wait_for 5 "config-reloaded" journal_has config-reloaded
        printf 'detect: { hold: often }\n' >"$root/etc/synward/synward.d/bad.yaml"
        refuse "a bad one fails the reload" box systemctl reload synward.service
        wait_for 5 "config-rejected" journal_has config-rejected
        rm "$root/etc/synward/synward.d/bad.yaml"
        expect "the same process goes on" test "$(property MainPID)" = "$pid"
}

test_floods() {
        local pid

        echo 0 | box tee /proc/sys/net/ipv4/tcp_syncookies >/dev/null
        make_listener
        flood 4
        wait_for 5 "a flood is found" journal_has flood-start
        wait_for 5 "tcp_syncookies is 1" syncookies_are 1
        expect "the journal explains it" box sh -c \
                'journalctl -u synward.service -x --no-pager | grep -q "Subject: SYN flood"'
        box journalctl -u synward.service -o json --no-pager |
                jq -r 'select(.SYNWARD_EVENT == "flood-start") | "    " + .MESSAGE'
        wait_for 30 "its end is told" journal_has flood-end
        wait_for 10 "tcp_syncookies is 0 again" syncookies_are 0
        expect "an incident is on record" test -n "$(incidents)"

        expect "a flushed ruleset" box nft flush ruleset
        wait_for 30 "does not blind it" nflog_ok

        flood 6
        wait_for 10 "in mid-flood tcp_syncookies is 1" syncookies_are 1
        expect "stop in mid-flood" box systemctl stop synward.service
        expect "tcp_syncookies is 0" syncookies_are 0
        refuse "no table is left" box nft list table inet synward
        expect "start" box systemctl start synward.service

        wait_for 15 "the flood is over" no_flood_runs
        flood 6
        pid=$(property MainPID)
        wait_for 10 "in mid-flood tcp_syncookies is 1" syncookies_are 1
        expect "SIGKILL in mid-flood" box kill -KILL "$pid"
        wait_for 10 "it is back" pid_changed "$pid"
        wait_for 40 "and puts tcp_syncookies back" syncookies_are 0
}
is_calm() { [ "$(box synwardctl --json status | jq -r .state)" = normal ]; }
no_flood_runs() { ! box pgrep -x hping3; }
nflog_ok() { box synwardctl status --json | jq -e '.sensors.nflog.state == "ok"' && box nft list table inet synward; }

# Every command of the pages for administrators, in their order.
test_docs() {
        local page line n=0

        # --diagnose ends with 10 in a flood.
        wait_for 15 "no flood runs" no_flood_runs
        wait_for 60 "and all is calm" is_calm
        for page in "$here"/../../doc/*.md; do
                while IFS= read -r line; do
                        box timeout 60 sh -c "$line" >"$log" 2>&1 </dev/null || { cat "$log"; fail "${page##*/}: $line"; }
                        n=$((n + 1))
                done < <(sed -n 's/^    [$#] //p' "$page")
        done
        [ "$n" -ge 30 ] || fail "only $n commands were found in doc/*.md"
        say "ok: $n commands of doc/*.md"
}

test_upgrade() {
        local pid before

        before=$(incidents) pid=$(property MainPID)
        expect "upgrade, with the metrics" \
                apt_install '/root/new/synward_*.deb' '/root/new/synward-prometheus_*.deb'
        expect "it runs the new one" pid_changed "$pid"
        expect "the configuration is the administrator's" grep -qx '# kept' "$root/etc/synward/synward.yaml"
        expect "its incidents are kept" test -z "$(comm -23 <(echo "$before") <(incidents))"
        expect "the timer of the metrics" box systemctl is-active synward-textfile.timer
        box mkdir -p /var/lib/prometheus/node-exporter
        box systemctl start synward-textfile.service
        expect "writes them" grep -q '^synward_build_info' "$root/var/lib/prometheus/node-exporter/synward.prom"
        expect "exposure of its service at most 1.5" \
                box systemd-analyze security --no-pager --threshold=15 synward-textfile.service
}

test_purge() {
        # A command of doc/slow-site.md may have raised it, which is not ours to undo.
        echo 0 | box tee /proc/sys/net/ipv4/tcp_syncookies >/dev/null
        box rm -f /tmp/other.yaml /tmp/observe.yaml /tmp/allow.yaml /tmp/yesterday.pcap
        expect "purge" box apt-get -y -q purge synward synward-prometheus
        box systemctl stop listener.service
        # man-db's and apt's own memory, and the user, which Debian keeps.
        box find / -xdev \( -path /root -o -path /proc -o -path /sys -o -path /tmp -o -path /var/log/apt -o -path /var/cache/man \) -prune \
                -o -iname '*synward*' -print >"$log"
        [ ! -s "$log" ] || { cat "$log"; fail "purge leaves something behind"; }
        say "ok: no file of it is left"
        refuse "no unit" box systemctl cat synward.service
        refuse "no process" box pgrep -x synwardd
        refuse "no table" box nft list table inet synward
        expect "tcp_syncookies as before" syncookies_are 0
}

start_box jq
mkdir "$root/root/new"
cp "$packages"/*.deb "$root/root/new"
cp "$here/../../debian/tests/service" "$root/root/service"
make_previous
test_policy
test_fresh_install
test_reload
test_floods
test_upgrade
test_docs
test_purge
say "test-install on $release: all passed"
