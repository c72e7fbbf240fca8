#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The syncookies governor against the real sysctl, in a network and mount
# namespace of its own: killed at random moments, on a full and a read-only
# disk, and without the privilege to write. No traffic.
#
#   test-syncookies-kill.sh [BUILD_DIRECTORY] [TIMES] [SEED]
#
# 77: no namespaces here; with SYNWARD_LAB=require that is a failure.
set -eu

build=$(cd "${1:-${SYNWARD_BUILD:-.}}" && pwd)
times=${2:-200}
seed=${3:-$RANDOM}
driver=$build/tests/lab/syncookies-driver
sysctl=/proc/sys/net/ipv4/tcp_syncookies

if [ "${SYNWARD_INSIDE:-}" != yes ]; then
        if ! unshare --net --mount true 2>/dev/null; then
                echo "needs to make network and mount namespaces"
                [ "${SYNWARD_LAB:-}" = require ] && exit 1
                exit 77
        fi
        # The last process to leave takes the namespaces with it, mounts included.
        SYNWARD_INSIDE=yes exec unshare --net --mount --propagation private \
                "$0" "$build" "$times" "$seed"
fi

fail() { echo "FAIL: $*"; exit 1; }
value_is() { [ "$(cat $sysctl)" = "$1" ] || fail "$2: tcp_syncookies is $(cat $sysctl), not $1"; }
says() { # says PATTERN, on what the driver just said
        grep -q -- "$1" "$dir/said" || { cat "$dir/said"; fail "nothing about: $1"; }
        grep -m 1 -- "$1" "$dir/said" | sed 's/^/    /'
}

dir=$(mktemp -d)
trap 'umount -R "$dir" 2>/dev/null; rm -rf "$dir"' EXIT
mount -t tmpfs -o size=64k,mode=700 synward-test "$dir"
mkdir "$dir/state"

echo "seed $seed"
for way in "0 1" "1 2" "0 2"; do
        read -r original flood <<<"$way"
        echo "$original" >$sysctl
        "$driver" kill "$dir/state" "$flood" "$times" "$seed" || fail "seed $seed"
        value_is "$original" "after the last restore"
done

once() {
        echo 0 >$sysctl
        "$@" once "$dir/state" 1 >"$dir/said" 2>&1 || { cat "$dir/said"; fail "driver"; }
        value_is 0 "after a flood"
}
echo "as root:"
once "$driver"
says 'changed from 0 to 1'
says 'value under flood: 1'

echo "full disk:"
rm -rf "$dir/state"
mkdir "$dir/state"
touch "$dir/said"
mount -t tmpfs -o size=4k,mode=700 synward-full "$dir/state"
head -c 8192 /dev/zero >"$dir/state/filler" 2>/dev/null || true
once "$driver"
says 'No space left on device'
says 'value under flood: 0'

echo "read-only state directory:"
mount -o remount,ro "$dir/state"
once "$driver"
says 'Read-only file system'
says 'value under flood: 0'
umount "$dir/state"

echo "without CAP_NET_ADMIN:"
chmod 755 "$dir"
chown nobody "$dir/state"
once setpriv --reuid=nobody --regid=nogroup --clear-groups --bounding-set=-all "$driver"
says 'cannot change tcp_syncookies.*Permission denied'
says 'value under flood: 0'

echo "with CAP_NET_ADMIN alone:"
once setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=+net_admin \
        --ambient-caps=+net_admin "$driver"
says 'value under flood: 1'

echo "a sysctl that is read-only:"
mount --bind $sysctl $sysctl
mount -o remount,bind,ro $sysctl
"$driver" once "$dir/state" 1 >"$dir/said" 2>&1 || fail "driver"
says 'Read-only file system'
umount $sysctl

echo "no such sysctl:"
mkdir "$dir/empty"
mount --bind "$dir/empty" /proc/sys/net/ipv4
"$driver" once "$dir/state" 1 >"$dir/said" 2>&1 || fail "driver"
says 'cannot read tcp_syncookies.*No such file or directory'
umount /proc/sys/net/ipv4
echo "test-syncookies-kill: all passed"
