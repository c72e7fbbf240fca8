# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The frame of tests that play other programs' part, sourced first by them: runs the test
# again as root in a network and a mount namespace of its own, with a folder ($dir), and
# ends what the test started ($pids) however the test ends.

if [ "${1-}" != inside ]; then
        [ "$(id -u)" = 0 ] || { echo "SKIP: needs root for namespaces"; exit 77; }
        exec unshare --net --mount -- "$0" inside
fi
ip link set lo up

dir=$(mktemp -d)
# A daemon that root starts becomes this user.
user=nobody
! id -u synward >/dev/null 2>&1 || user=synward
chown "$user" "$dir"
chmod 711 "$dir"
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

# skip PROGRAM: it is not here. In CI that is a failure.
skip() {
        [ "${SYNWARD_LAB-}" != require ] || fail "no $1"
        echo "skipped: $1"
        skipped="$skipped $1"
}

# until_true COMMAND…: for ten seconds.
until_true() {
        tries=0
        until "$@" >/dev/null 2>&1; do
                tries=$((tries + 1))
                [ "$tries" -lt 200 ] || return 1
                sleep 0.05
        done
}

# The last line of a test: one that left something out is counted as skipped.
finish() {
        [ -z "$skipped" ] || { echo "not tried, for want of the program:$skipped"; exit 77; }
}
