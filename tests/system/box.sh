# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The frame of tests within a box (sdbox), sourced first by them with their arguments:
#   TEST [BUILD_DIRECTORY]     (default: SYNWARD_BUILD, else the current one)
# 77: no box can boot here; with SYNWARD_LAB=require that is a failure.

here=$(cd "$(dirname "$0")" && pwd)
sdbox=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/sdbox
build=$(cd "${1:-${SYNWARD_BUILD:-.}}" && pwd)
box_name=synward-$$
log=$(mktemp)

say() { printf '%s\n' "$*"; }
fail() {
        say "FAIL: $*"
        box journalctl -u synward.service -o short-precise --no-pager -n 40 2>/dev/null || true
        exit 1
}
skip() {
        say "$*"
        [ "${SYNWARD_LAB:-}" != require ] || exit 1
        exit 77
}
box() { "$sdbox" run "$box_name" "$@"; }
finish() {
        local status=$?
        trap - EXIT INT TERM
        "$sdbox" stop "$box_name" || status=1
        rm -f "$log" "$log.new"
        exit "$status"
}

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for() {
        local limit_s=$1 what=$2 start=$EPOCHREALTIME
        shift 2
        until "$@" >/dev/null 2>&1; do
                [ $((${EPOCHREALTIME/./} - ${start/./})) -lt $((limit_s * 1000000)) ] ||
                        fail "not within $limit_s s: $what"
                sleep 0.05
        done
        say "ok: $what ($(((${EPOCHREALTIME/./} - ${start/./}) / 1000)) ms)"
}
# expect WHAT COMMAND...: it must succeed. What it says is in $log afterwards and not before:
# the command may read there what the one before it said.
expect() {
        local what=$1 status=0
        shift
        "$@" >"$log.new" 2>&1 || status=$?
        mv "$log.new" "$log"
        [ "$status" = 0 ] || { cat "$log"; fail "$what"; }
        say "ok: $what"
}
# refuse WHAT COMMAND...: it must fail.
refuse() {
        local what=$1 status=0
        shift
        "$@" >"$log.new" 2>&1 || status=$?
        mv "$log.new" "$log"
        [ "$status" != 0 ] || { cat "$log"; fail "$what"; }
        say "ok: $what"
}

# start_box TOOL...: boots it, where this machine has the tools; $root is its / from here.
start_box() {
        local tool status=0

        trap finish EXIT
        trap 'exit 1' INT TERM
        for tool; do
                command -v "$tool" >/dev/null || skip "needs $tool"
        done
        "$sdbox" start "$box_name" || status=$?
        [ "$status" != 77 ] || skip "no box can boot here"
        [ "$status" = 0 ] || exit 1
        root=$("$sdbox" root "$box_name")
}

# As a package would; sets the directories.
install_build() {
        prefix='' bindir='' sysconfdir='' runstatedir=''
        eval "$("$build/config.status" --file=-:- <<<'prefix=@prefix@ exec_prefix=@exec_prefix@
                sbindir=@sbindir@ bindir=@bindir@ sysconfdir=@sysconfdir@ localstatedir=@localstatedir@
                runstatedir=@runstatedir@')"
        hooks=$prefix/lib/synward/hooks
        expect "make install DESTDIR=" make -s -C "$build" install DESTDIR="$root"
        expect "sysusers" box systemd-sysusers
        expect "the user exists" box getent passwd synward
        expect "the group exists" box getent group synward
        expect "tmpfiles" box systemd-tmpfiles --create
        expect "daemon-reload" box systemctl daemon-reload
}

# drop_in HOOK [N]: the (N-th) drop-in that the hook's header gives, word for word.
drop_in() {
        sed -E 's/^#? +//' "$root$hooks/$1" | awk -v wanted="${2:-1}" '
                $0 == "[Service]" { n++; inside = 1 }
                $0 == "" || $0 == "#" { inside = 0 }
                inside && n == wanted { print; found = 1 }
                END { exit !found }'
}
