#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The probe under the shipped unit, in a box with a booted systemd: alone it fails and says why, with half of
# the drop-in of the manual it seems to time out and says what to suspect, and with the whole of it, word for
# word, it connects.
#
#   test-probe.sh [BUILD_DIRECTORY]
set -eu

. "$(dirname "$0")/box.sh"

ask() { box "$bindir/synwardctl" --json status | jq -e ".probe | $1"; }
# The drop-in in PROBE of the manual, which is for 192.0.2.1.
drop_in_of_manual() {
        sed -n '/^\.Ss Probe/,/^\.Ss /{/^\[Service\]/,/^\.Ed/p}' "$here/../../daemon/synwardd.8" | grep -v '^\.Ed'
}
# restart_with LINES: with these as its drop-in.
restart_with() {
        box mkdir -p /run/systemd/system/synward.service.d
        printf '%s\n' "$1" | box tee /run/systemd/system/synward.service.d/probe.conf >/dev/null
        box systemctl daemon-reload
        expect "restart with $(printf '%s' "$1" | grep -c =) lines" box systemctl restart synward.service
}

start_box jq python3
install_build
box ip link set lo up
box ip addr add 192.0.2.1/32 dev lo
box systemd-run --quiet --unit=web python3 -m http.server --bind 192.0.2.1 8080
config=$root$sysconfdir/synward/synward.yaml
mkdir -p "$(dirname "$config")"
echo 'probe: { listener: "192.0.2.1:8080", interval: 1s, timeout: 1s }' >"$config"
expect "the manual has a drop-in" [ "$(drop_in_of_manual | wc -l)" = 3 ]

expect "start" box systemctl start synward.service
wait_for 10 "without a drop-in it fails, and says what it takes" \
        ask '.last == "failed" and (.why | test("RestrictAddressFamilies=.*PROBE"))'
restart_with "$(drop_in_of_manual | grep -v IPAddressAllow)"
wait_for 15 "without its second line it seems to time out, and says what to suspect" \
        ask '.last == "timed_out" and (.why | test("IPAddressDeny="))'
restart_with "$(drop_in_of_manual)"
wait_for 15 "with all of it, it connects" ask '.last == "connected" and .why == null and .attempts.connected >= 3'
say "    in $(ask .last_ms) ms"
expect "stop" box systemctl stop synward.service
say "all passed"
