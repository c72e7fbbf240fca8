#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Of those that act there is one in a network namespace: a second one ends with a word,
# and a reload cannot make one of an onlooker either. Onlookers may be many. What
# --self-test says with everything there, and without rights.
. "$(dirname "$0")/alone.sh"
build=${SYNWARD_BUILD:-.}
[ -x "$build/synwardd" ] || { echo "SKIP: no synwardd in $build"; exit 77; }
export ASAN_OPTIONS=detect_leaks=0

# start NAME MODE [OPTION…]
start() {
        name=$1 mode=$2
        shift 2
        mkdir -p "$dir/$name"
        echo "mode: $mode" >"$dir/$name.yaml"
        "$build/synwardd" -c "$dir/$name.yaml" --state-dir "$dir/$name" --runtime-dir "$dir/$name" "$@" \
                2>"$dir/$name.err" &
        pid=$!
        pids="$pids $pid"
}
ctl() {
        name=$1
        shift
        "$build/synwardctl" --socket "$dir/$name/control.sock" "$@"
}
runs() { until_true ctl "$1" ping || fail "$1 does not answer: $(cat "$dir/$1.err")"; }

start first enforce
first=$pid
runs first
start second enforce
status=0
wait "$pid" || status=$?
[ "$status" = 1 ] || fail "a second one: exit status $status"
grep -q "another synwardd (process $first) acts in this network namespace already: stop it, or" "$dir/second.err" ||
        fail "a second one says: $(cat "$dir/second.err")"
ok "a second one ends with a word"

start onlooker observe
runs onlooker
start dry enforce --dry-run
runs dry
ok "onlookers may be many"

echo "mode: enforce" >"$dir/onlooker.yaml"
! ctl onlooker reload 2>"$dir/said" || fail "a reload makes a second one"
grep -q 'another synwardd' "$dir/said" || fail "the reload says: $(cat "$dir/said")"
kill "$first"
wait "$first" || :
ctl onlooker reload || fail "with the first gone"
ok "a reload makes one of an onlooker when the first is gone"

kill $pids 2>/dev/null || :
wait || :
pids=
mkdir "$dir/state"
"$build/synwardd" --self-test --state-dir "$dir/state" >"$dir/said" || fail "self-test: $(cat "$dir/said")"
[ "$(grep -c '^ok ' "$dir/said")" = 9 ] && [ "$(wc -l <"$dir/said")" = 9 ] || fail "self-test: $(cat "$dir/said")"
ok "self-test: all is there"
status=0
setpriv --reuid=65534 --regid=65534 --clear-groups "$build/synwardd" --self-test --state-dir "$dir/state" \
        >"$dir/said" || status=$?
[ "$status" = 1 ] || fail "self-test without rights: exit status $status"
[ "$(grep -c '^lost ' "$dir/said")" = 4 ] || fail "self-test without rights: $(cat "$dir/said")"
grep -A 1 '^lost  nflog' "$dir/said" | grep -q 'CAP_NET_ADMIN' || fail "self-test: $(cat "$dir/said")"
ok "self-test: what is lost without rights"
finish
