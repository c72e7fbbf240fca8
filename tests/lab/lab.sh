# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The lab, to be sourced: four network namespaces of its own,
#
#   client --- relay --- server --- attacker
#           (round trip)    |    (direct)
#                         inner
#                     (lab_up router=1)
#
# honest clients behind a path with a real round trip, a flood that reaches the
# same listeners by another device, the daemon beside the listeners. With router=1
# the server forwards for a host behind it, 10.77.3.2. No packet
# leaves them: the namespaces have no other device and no route out. Every
# process is started by lab_spawn and ended by lab_down, which runs on every
# exit and then checks that nothing of the lab is left.
#
# SYNWARD_BUILD   build folder with synwardd, synwardctl and tests/lab/* (.)
# SYNWARD_LAB     "require": what would be skipped is a failure
# SYNWARD_PENDING 1: runs what PENDING lists as well
# SYNWARD_KEEP    a folder: what the programs wrote is copied there at the end

lab_source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SYNWARD_BUILD=$(cd "${SYNWARD_BUILD:-.}" && pwd) || exit 2

# shellcheck disable=SC2034 # for those who source this
# Before anything is known of the clients they may be far away, and two looks past 0.8 s are needed: 1.2 s
# in the middle (the scorecard measures it), the ticks of a busy machine besides.
LAB_FOUND_COLD_MS=1500
# shellcheck disable=SC2034
# A look at the status may be under way when the state changes.
LAB_LOOK_US=300000
LAB_SERVER4=10.77.1.1 LAB_SERVER6='[fd77:1::1]'
# shellcheck disable=SC2034
LAB_CLIENTS4=100.64.0.0/16 LAB_CLIENTS6=2001:db8:64::/64 LAB_INNER4=10.77.3.2
lab_server_path_mac=02:77:00:00:01:01
lab_client_mac=02:77:00:00:01:02
lab_server_attack_mac=02:77:00:00:02:01
lab_attacker_mac=02:77:00:00:02:02
# Answers to spoofed addresses go to a hardware address that nobody has: the
# attacker's kernel drops them unread, and neither RST nor ICMP comes back.
lab_nobody_mac=02:77:00:00:ff:ff

lab_user=nobody
! id -u synward >/dev/null 2>&1 || lab_user=synward

lab_tests=0 lab_failures=0 lab_unclean=0
lab_is_up=0

# --- results ----------------------------------------------------------------

lab_note() { printf '# %s\n' "$*"; }

lab_ok() {
        lab_tests=$((lab_tests + 1))
        printf 'ok %d - %s\n' "$lab_tests" "$*"
}

lab_not_ok() {
        lab_tests=$((lab_tests + 1)) lab_failures=$((lab_failures + 1))
        printf 'not ok %d - %s\n' "$lab_tests" "$*"
}

# lab_check TEXT CONDITION: an arithmetic condition for awk, fractions allowed.
lab_check() {
        if awk "BEGIN { exit !($2) }" </dev/null; then lab_ok "$1"; else lab_not_ok "$1 [not $2]"; fi
}

# lab_expect TEXT COMMAND ...: the same of a command that must succeed.
lab_expect() {
        local text=$1
        shift

        if "$@"; then lab_ok "$text"; else lab_not_ok "$text [not $*]"; fi
}

lab_skip() {
        if [ "${SYNWARD_LAB:-}" = require ]; then
                printf 'not ok - %s (SYNWARD_LAB=require)\n' "$*"
                exit 1
        fi
        printf '1..0 # SKIP %s\n' "$*"
        exit 77
}

# lab_done: the plan, and the exit status.
lab_done() {
        lab_down
        printf '1..%d\n' "$lab_tests"
        [ "$lab_failures" -eq 0 ] && [ "$lab_tests" -gt 0 ]
        exit
}

# lab_scenarios "NAME ..." [NAME ...]: runs each as a function, or those that are named.
# What PENDING lists (SCRIPT NAME) waits for its mending: skipped, and said, unless named or
# SYNWARD_PENDING is 1.
# Those of LAB_TOGETHER, which are slow and need little of the CPU, run at the same time.
lab_scenarios() {
        local all=$1 script=${0##*/test-} s names chosen='' together=''
        shift

        for s; do
                [[ " $all " == *" $s "* ]] || { echo "no scenario $s of: $all" >&2; exit 2; }
        done
        read -ra names <<<"${*:-$all}"
        for s in "${names[@]}"; do
                if [ $# -eq 0 ] && [ "${SYNWARD_PENDING:-0}" = 0 ] && grep -qx "${script%.sh} $s" "$lab_source/PENDING"; then
                        lab_ok "$s # SKIP pending, see tests/lab/PENDING"
                elif [[ " ${LAB_TOGETHER:-} " == *" $s "* ]]; then
                        together+=" $s"
                else
                        chosen+=" $s"
                fi
        done
        # shellcheck disable=SC2086 # several
        [ -z "$together" ] || lab_together $together
        for s in $chosen; do
                "$s"
        done
}

# lab_together NAME ...: each in a subshell, which is a lab of its own; their tests are ours.
lab_together() {
        local s line pids=() out

        out=$(mktemp -d "${TMPDIR:-/tmp}/sw-lab-$BASHPID.XXXXXX") || exit 1
        for s; do
                (
                        lab_tests=0
                        "$s"
                ) >"$out/$s" 2>&1 &
                pids+=($!)
        done
        trap 'kill "${pids[@]}" 2>/dev/null; wait; rm -rf "$out"; exit 143' INT TERM HUP
        wait "${pids[@]}"
        trap - INT TERM HUP
        for s; do
                while IFS= read -r line; do
                        case $line in
                        'Bail out!'*) lab_not_ok "$s: $line" ;;
                        'ok '*) lab_ok "${line#ok * - }" ;;
                        'not ok '*) lab_not_ok "${line#not ok * - }" ;;
                        *) printf '%s\n' "$line" ;;
                        esac
                done <"$out/$s"
        done
        rm -rf "$out"
}

# lab_client_served NAME SHARE TEXT: a test of honest clients, which it ends.
lab_client_served() {
        local opened connected

        lab_end "$1"
        lab_last[$1]=$(tail -n 1 "$lab_temp/$1.out")
        opened=$(lab_field "$1" opened) connected=$(lab_field "$1" connected)
        # Those that have just begun are not finished yet.
        lab_check "$3: $connected of $opened connections made" \
                "$connected > 0 && $connected >= $2 * ($opened - $(lab_field "$1" young))"
}

# --- what must be there -----------------------------------------------------

# lab_need [PROGRAM ...]: ends with a skip unless the lab can run.
lab_need() {
        local p

        [ "$(id -u)" = 0 ] || lab_skip "needs root"
        for p in ip ss awk timeout "$@"; do
                command -v "$p" >/dev/null || lab_skip "needs $p"
        done
        for p in honest relay server synflood; do
                [ -x "$SYNWARD_BUILD/tests/lab/$p" ] ||
                        lab_skip "needs $SYNWARD_BUILD/tests/lab/$p (make check builds it)"
        done
        p=sw-lab-$BASHPID-try
        ip netns add "$p" 2>/dev/null || lab_skip "cannot make a network namespace"
        ip netns del "$p"
}

# lab_has PROGRAM PART: without the program that part of a test is left out, and says
# so; where everything is required that is a failure.
lab_has() {
        command -v "$1" >/dev/null && return
        [ "${SYNWARD_LAB:-}" != require ] || lab_skip "$2 needs $1"
        lab_note "SKIP $2: needs $1"
        return 1
}

lab_need_daemon() {
        local p

        for p in synwardd synwardctl; do
                [ -x "$SYNWARD_BUILD/$p" ] || lab_skip "needs $SYNWARD_BUILD/$p"
        done
}

# --- processes --------------------------------------------------------------

# lab_in NAMESPACE COMMAND ...
lab_in() {
        local ns=$1
        shift
        ip netns exec "$lab_id-$ns" "$@"
}

# lab_spawn NAME NAMESPACE COMMAND ...: in the background; its output goes to
# NAME.out and NAME.err, its pid to lab_pid[NAME].
lab_spawn() {
        local name=$1 ns=$2
        shift 2
        # ip-netns(8) becomes the command, so that this is the command's own pid.
        # The files are there before anyone looks into them.
        : >"$lab_temp/$name.out" 2>"$lab_temp/$name.err"
        ip netns exec "$lab_id-$ns" "$@" >>"$lab_temp/$name.out" 2>>"$lab_temp/$name.err" </dev/null &
        lab_pid[$name]=$!
}

# lab_spawn_here NAME NAMESPACE COMMAND ...: the same, with its output on ours.
lab_spawn_here() {
        local name=$1 ns=$2
        shift 2
        ip netns exec "$lab_id-$ns" "$@" </dev/null &
        lab_pid[$name]=$!
}

lab_alive() { [ -n "${lab_pid[$1]:-}" ] && kill -0 "${lab_pid[$1]}" 2>/dev/null; }

# lab_wait_for SECONDS COMMAND ...: until the command succeeds; 1 when it did not.
lab_wait_for() {
        local end=$((SECONDS + $1 + 1))
        shift
        until "$@"; do
                [ "$SECONDS" -lt "$end" ] || return 1
                sleep 0.05
        done
}

# lab_pause SECONDS: traffic runs meanwhile. In short steps, because bash runs
# no trap before the command in the foreground has ended.
lab_pause() {
        local end=$((${EPOCHREALTIME/./} + $1 * 1000000))

        while [ "${EPOCHREALTIME/./}" -lt "$end" ]; do
                sleep 0.2
        done
}

# lab_end NAME [SECONDS]: asks it to end, insists after so many seconds (5).
lab_end() {
        local pid=${lab_pid[$1]:-} i

        [ -n "$pid" ] || return 0
        unset "lab_pid[$1]"
        kill -TERM "$pid" 2>/dev/null
        for ((i = 0; i < ${2:-5} * 20; i++)); do
                kill -0 "$pid" 2>/dev/null || break
                sleep 0.05
        done
        if kill -KILL "$pid" 2>/dev/null; then
                lab_note "$1 had to be killed"
        fi
        wait "$pid" 2>/dev/null
}

# lab_finish NAME: waits until it ends by itself; its last line of output.
lab_finish() {
        wait "${lab_pid[$1]}" 2>/dev/null
        unset "lab_pid[$1]"
        cat "$lab_temp/$1.err" >&2
        lab_last[$1]=$(tail -n 1 "$lab_temp/$1.out")
}

# lab_field NAME FIELD: a number from that line.
lab_field() {
        [[ ${lab_last[$1]} =~ \"$2\":([-0-9.]+) ]] && printf '%s' "${BASH_REMATCH[1]}"
}

# --- up and down ------------------------------------------------------------

lab_write_sysctls() {
        local ns=$1
        shift
        # shellcheck disable=SC2016
        lab_in "$ns" sh -c '
                cd /proc/sys/net || exit 1
                for i; do
                        echo "${i#*=}" >"${i%%=*}" || exit 1
                done' sh "$@"
}

lab_make_namespaces() {
        local ns

        for ns in "${lab_namespaces[@]}"; do
                ip netns add "$lab_id-$ns" || return 1
                lab_write_sysctls "$ns" ipv4/conf/all/rp_filter=0 ipv4/conf/default/rp_filter=0 \
                        ipv6/conf/all/accept_dad=0 ipv6/conf/default/accept_dad=0 \
                        ipv6/conf/default/accept_ra=0 ipv6/conf/default/router_solicitations=0 \
                        || return 1
                ip -n "$lab_id-$ns" link set lo up || return 1
        done
        # The relay only carries frames; its own stack must not answer any.
        lab_write_sysctls relay ipv6/conf/all/disable_ipv6=1 ipv6/conf/default/disable_ipv6=1
}

# lab_link NAMESPACE DEVICE MAC NAMESPACE DEVICE MAC
lab_link() {
        ip -n "$lab_id-$1" link add "$2" address "$3" type veth \
                peer name "$5" address "$6" netns "$lab_id-$4" &&
                # One segment a frame: the relay's slots hold no more.
                ip -n "$lab_id-$1" link set "$2" gso_max_segs 1 up &&
                ip -n "$lab_id-$4" link set "$5" gso_max_segs 1 up
}

lab_batch() {
        local ns=$1
        shift
        printf '%s\n' "$@" | ip -n "$lab_id-$ns" -batch -
}

lab_make_links() {
        lab_link server swlabpath $lab_server_path_mac relay swlab0 02:77:00:00:03:01 &&
                lab_link client swlabpath $lab_client_mac relay swlab1 02:77:00:00:03:02 &&
                lab_link server swlabflood $lab_server_attack_mac attacker swlabflood $lab_attacker_mac &&
                lab_batch server \
                        "addr add 10.77.1.1/24 dev swlabpath" \
                        "addr add fd77:1::1/64 dev swlabpath nodad" \
                        "addr add 10.77.2.1/24 dev swlabflood" \
                        "addr add fd77:2::1/64 dev swlabflood nodad" \
                        "neigh add 10.77.1.2 lladdr $lab_client_mac dev swlabpath" \
                        "neigh add fd77:1::2 lladdr $lab_client_mac dev swlabpath" \
                        "neigh add 10.77.2.2 lladdr $lab_nobody_mac dev swlabflood" \
                        "neigh add fd77:2::2 lladdr $lab_nobody_mac dev swlabflood" \
                        "route add $LAB_CLIENTS4 via 10.77.1.2" \
                        "route add $LAB_CLIENTS6 via fd77:1::2" \
                        "route add default via 10.77.2.2" \
                        "route add default via fd77:2::2" &&
                lab_batch client \
                        "addr add 10.77.1.2/24 dev swlabpath" \
                        "addr add fd77:1::2/64 dev swlabpath nodad" \
                        "neigh add 10.77.1.1 lladdr $lab_server_path_mac dev swlabpath" \
                        "neigh add fd77:1::1 lladdr $lab_server_path_mac dev swlabpath" \
                        "route add local $LAB_CLIENTS4 dev lo" \
                        "route add local $LAB_CLIENTS6 dev lo" \
                        "route add default via 10.77.1.1" \
                        "route add default via fd77:1::1"
}

# A host behind the server, which forwards for it.
lab_make_inner() {
        lab_link server swlabinner 02:77:00:00:04:01 inner swlabinner 02:77:00:00:04:02 &&
                lab_batch server "addr add 10.77.3.1/24 dev swlabinner" &&
                lab_batch inner "addr add $LAB_INNER4/24 dev swlabinner" \
                        "route add default via 10.77.3.1" &&
                lab_write_sysctls server ipv4/ip_forward=1
}

# lab_path [--delay T] [--loss P] ...: (re)starts the relay; one way, see relay --help.
lab_path() {
        lab_end relay
        lab_spawn relay relay nice -n -10 "$SYNWARD_BUILD/tests/lab/relay" \
                --control "$lab_temp/relay.control" "$@" swlab0 swlab1
        lab_wait_for 5 grep -q ready "$lab_temp/relay.out" ||
                lab_abort "the relay did not start: $(cat "$lab_temp/relay.err")"
}

lab_path_changes() { [ "$(grep -c changed "$lab_temp/relay.out")" -gt "$1" ]; }

# lab_path_set [--delay T] [--mute lab_way_back|none] ...: changes the path while it is used.
lab_path_set() {
        local before

        before=$(grep -c changed "$lab_temp/relay.out")
        echo "$*" >"$lab_temp/relay.control"
        kill -HUP "${lab_pid[relay]}"
        lab_wait_for 5 lab_path_changes "$before" ||
                lab_abort "the relay did not change: $(cat "$lab_temp/relay.err")"
}
# What the relay has from the server.
# shellcheck disable=SC2034
lab_way_back=swlab0

# lab_mute RANGE: the clients' hosts in it send no RST, as behind a stateful firewall or
# when they take part in the attack.
lab_mute() {
        lab_in client nft "table inet lab { chain out { type filter hook output priority 0; }; }
                add rule inet lab out ip saddr $1 tcp flags & rst == rst drop" ||
                lab_abort "nft"
}

lab_abort() {
        printf 'Bail out! %s\n' "$*"
        lab_failures=$((lab_failures + 1))
        exit 1
}

# lab_up [cookies=N] [backlog_max=N] [syn_backlog=N] [delay=T] [loss=P] [router=1]
lab_up() {
        local cookies=1 backlog_max=4096 syn_backlog=4096 delay=60ms loss=0 router=0 "$@"

        declare -gA lab_pid=() lab_last=()
        # A subshell is a lab of its own.
        lab_id=sw-lab-$BASHPID
        lab_namespaces=(server client relay attacker)
        [ "$router" = 0 ] || lab_namespaces+=(inner)
        lab_flood_start_us=0 lab_flood_end_us=0
        lab_temp=$(mktemp -d "${TMPDIR:-/tmp}/$lab_id.XXXXXX") || exit 1
        # The daemon, and its hooks, write as the user that it becomes.
        chown "$lab_user" "$lab_temp" || exit 1
        lab_host_devices=$(ip -o link | wc -l)
        lab_is_up=1
        trap lab_on_exit EXIT
        trap 'exit 130' INT
        trap 'exit 143' TERM HUP
        lab_make_namespaces && lab_make_links && { [ "$router" = 0 ] || lab_make_inner; } ||
                lab_abort "cannot build the lab"
        # TIME_WAIT sockets of past clients would burden every walk of the host's tables.
        lab_write_sysctls client ipv4/tcp_max_tw_buckets=1000 \
                ipv4/ip_local_port_range='1024 65535' || lab_abort "sysctl"
        lab_write_sysctls server ipv4/tcp_syncookies="$cookies" core/somaxconn="$backlog_max" \
                ipv4/tcp_max_syn_backlog="$syn_backlog" ipv4/tcp_max_tw_buckets=1000 ||
                lab_abort "sysctl"
        lab_path --delay "$delay" --loss "$loss"
}

lab_is_empty() { [ -z "$(ip netns pids "$lab_id-$1" 2>/dev/null)" ]; }

lab_down() {
        local name ns left

        [ "$lab_is_up" = 1 ] || return 0
        lab_is_up=0
        for name in watch flood daemon "${!lab_pid[@]}"; do
                lab_end "$name"
        done
        for ns in "${lab_namespaces[@]}"; do
                # What was told to end may take a moment.
                left=
                lab_wait_for 3 lab_is_empty "$ns" || left=$(ip netns pids "$lab_id-$ns" 2>/dev/null)
                if [ -n "$left" ]; then
                        lab_note "left running in $ns: $(ps -o pid=,args= -p "$(echo $left | tr ' ' ,)")"
                        lab_unclean=1
                        # shellcheck disable=SC2086 # several
                        kill -KILL $left 2>/dev/null
                fi
                ip netns del "$lab_id-$ns" 2>/dev/null
        done
        [ -z "${SYNWARD_KEEP:-}" ] || cp -r "$lab_temp" "$SYNWARD_KEEP/"
        rm -rf "$lab_temp"
        lab_check_clean
}

# Nothing of this lab may outlive it; says so, and fails when it does.
lab_check_clean() {
        local found=

        [ "$lab_unclean" = 0 ] || found+=' processes'
        [ -z "$(jobs -rp)" ] || [ "$BASH_SUBSHELL" -gt 0 ] || found+=" jobs ($(jobs -rp | tr '\n' ' '))"
        ! ip netns list | grep -q "^$lab_id-" || found+=' namespaces'
        ! ip -o link | grep -q ' swlab' || found+=' devices'
        [ "$(ip -o link | wc -l)" -le "$lab_host_devices" ] || lab_note "the host has more devices than before"
        [ ! -e "$lab_temp" ] || found+=' files'
        if command -v nft >/dev/null && [ "$lab_id" != "" ]; then
                # The host's own daemon may have one; the lab's lived in its namespaces.
                nft list tables 2>/dev/null | grep -q "$lab_id" && found+=' nftables'
        fi
        if [ -n "$found" ]; then
                lab_not_ok "the lab is gone: left over:$found"
                return 1
        fi
        lab_note "clean: no process, namespace, device or file of $lab_id is left"
}

lab_on_exit() {
        local status=$?

        trap '' INT TERM HUP
        lab_down
        [ "$lab_failures" -eq 0 ] || [ $status -ne 0 ] || status=1
        trap - EXIT
        exit $status
}

# --- who is in it -----------------------------------------------------------

# lab_server NAME ARGUMENTS: see server --help; in the namespace LAB_SERVER_IN.
lab_server() {
        local name=$1
        shift
        lab_spawn "$name" "${LAB_SERVER_IN:-server}" "$SYNWARD_BUILD/tests/lab/server" "$@"
        lab_wait_for 5 grep -q ready "$lab_temp/$name.out" ||
                lab_abort "the server did not start: $(cat "$lab_temp/$name.err")"
}

# lab_honest NAME ARGUMENTS: see honest --help; from the clients' IPv4 range
# unless --from says otherwise.
lab_honest() {
        local name=$1
        shift
        lab_spawn "$name" client "$SYNWARD_BUILD/tests/lab/honest" --from "$LAB_CLIENTS4" "$@"
}

# lab_daemon [ARGUMENTS]: synwardd beside the listeners, with LAB_CONFIG (YAML) as
# its configuration; returns when it answers. Starts lab_watch, unless
# LAB_WATCH is 0: looking that often is a load of its own. LAB_SPAWN=lab_spawn_here
# leaves its output on the terminal. LAB_RESOLV_CONF is what it finds in /etc/resolv.conf.
# lab_fleet_key: puts another key where metrics.fleet_key can name it: $lab_temp/fleet.key.
lab_fleet_key() {
        od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$lab_temp/fleet.key" && chmod 600 "$lab_temp/fleet.key" &&
                chown "$lab_user" "$lab_temp/fleet.key" || lab_abort "no key of a fleet"
}

lab_daemon() {
        local before=()

        lab_need_daemon
        mkdir -p "$lab_temp/state" "$lab_temp/run"
        printf '%s\n' "${LAB_CONFIG:-}" >"$lab_temp/synward.yaml"
        # shellcheck disable=SC2034
        lab_daemon_start_us=${EPOCHREALTIME/./}
        : >"$lab_temp/daemon.err"
        if [ -n "${LAB_RESOLV_CONF:-}" ]; then
                echo "$LAB_RESOLV_CONF" >"$lab_temp/resolv.conf"
                # ip-netns(8) gives each command its own mounts.
                # shellcheck disable=SC2016
                before=(sh -c 'mount --bind "$0" /etc/resolv.conf && exec "$@"' "$lab_temp/resolv.conf")
        fi
        "${LAB_SPAWN:-lab_spawn}" daemon server "${before[@]}" "$SYNWARD_BUILD/synwardd" -c "$lab_temp/synward.yaml" \
                --control "$lab_temp/run/control.sock" --state-dir "$lab_temp/state" \
                --runtime-dir "$lab_temp/run" "$@"
        lab_wait_for 10 lab_ctl ping >/dev/null 2>&1 ||
                lab_abort "synwardd does not answer: $(tail -n 5 "$lab_temp/daemon.err")"
        [ "${LAB_WATCH:-1}" = 0 ] || lab_watch
}

lab_ctl() { "$SYNWARD_BUILD/synwardctl" --socket "$lab_temp/run/control.sock" "$@"; }

# One line: when asked (by the same clock as the flood's), the host's state, its
# diagnosis, the half-opens, and since when the daemon says it is so.
lab_status_line() {
        local out space='[[:space:]]*' state half_open

        out=$(lab_ctl --json status 2>/dev/null) || { printf '%s down - - -\n' "${EPOCHREALTIME/./}"; return; }
        [ "${LAB_STATUSES:-0}" = 0 ] || printf '%s\n' "$out" >>"$lab_temp/statuses"
        # The host's state and diagnosis are those followed by its reasons.
        state="\"state\"$space:$space\"([a-z]+)\",$space\"diagnosis\"$space:$space\"([a-z-]+)\",$space\"reasons\""
        if [[ $out =~ $state ]]; then
                state="${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
                [[ $out =~ \"half_open\"$space:$space([0-9]+|null) ]]
                half_open=${BASH_REMATCH[1]}
                [[ $out =~ \"since\"$space:$space\"([0-9TZ:.-]+)\" ]]
                printf '%s %s %s %s\n' "${EPOCHREALTIME/./}" "$state" "$half_open" "${BASH_REMATCH[1]:--}"
        else
                printf '%s unreadable - - -\n' "${EPOCHREALTIME/./}"
        fi
}

# lab_listener_state PORT: the state that status gives the listener.
lab_listener_state() {
        local out space='[[:space:]]*'

        out=$(lab_ctl --json status 2>/dev/null)
        # Within one object; fields may have been added between the two.
        [[ $out =~ \"port\"$space:$space$1,[^{}]*\"state\"$space:$space\"([a-z]+)\" ]] &&
                printf '%s' "${BASH_REMATCH[1]}"
}

# Notes the state about 15 times a second in states; with LAB_STATUSES=1 all that
# status says, a line each, in statuses.
lab_watch() {
        local lab=$BASHPID

        : >"$lab_temp/states"
        : >"$lab_temp/statuses"
        (
                trap - EXIT INT TERM HUP
                # Not longer than the lab, even if that was killed outright.
                while kill -0 "$lab"; do
                        lab_status_line
                        sleep 0.05
                done
        ) >"$lab_temp/states" 2>/dev/null &
        lab_pid[watch]=$!
}

# --- what was seen ----------------------------------------------------------

# lab_wait_state "STATE ..." SECONDS [SINCE_US]: waits for one of the states;
# lab_delay_ms is then the time since the flood's start (or SINCE_US) at which it
# was first seen, empty when it was not.
lab_wait_state() {
        local since=${3:-$lab_flood_start_us} end

        end=$((${EPOCHREALTIME/./} + $2 * 1000000))
        lab_delay_ms=
        until [ -n "$lab_delay_ms" ] || [ "${EPOCHREALTIME/./}" -gt "$end" ]; do
                lab_delay_ms=$(lab_first_seen "$1" "$since")
                [ -n "$lab_delay_ms" ] || sleep 0.05
        done
        [ -n "$lab_delay_ms" ]
}

# lab_first_seen "STATE ..." SINCE_US: milliseconds after SINCE_US, nothing if never.
# On a busy host the watch looks seldom: what counts is when the daemon says it
# changed, if that lies between SINCE_US and the look.
lab_first_seen() {
        local line seen said

        line=$(awk -v wanted=" $1 " -v since="$2" '
                NF == 5 && $1 >= since && index(wanted, " " $2 " ") { print $1, $5; exit }' "$lab_temp/states")
        [ -n "$line" ] || return 0
        seen=${line% *}
        said=$(date -d "${line#* }" +%s%6N 2>/dev/null)
        if [ -n "$said" ] && [ "$said" -ge "$2" ] && [ "$said" -le "$seen" ]; then
                seen=$said
        fi
        echo $(((seen - $2) / 1000))
}

# lab_never STATE TEXT [FROM_US [TO_US]]: a test; the daemon must have answered all along.
lab_never() {
        local seen

        seen=$(awk -v state="$1" -v from="${3:-0}" -v to="${4:-99999999999999999}" '
                NF != 5 || $1 < from || $1 > to { next }
                { n++; if ($4 > most) most = $4; d[$3]++ }
                $2 == state || $2 == "down" || $2 == "unreadable" { bad++; first = first ? first : $0 }
                END {
                        for (i in d) said = said " " i ":" d[i]
                        printf "%d %d %d answers, at most %d half-open,%s%s", n, bad, n, most, said,
                                first ? "; first: " first : ""
                }' "$lab_temp/states")
        set -- "$1" "$2" "${seen%% *}" "${seen#* }"
        if [ "$3" -gt 0 ] && [ "${4%% *}" = 0 ]; then
                lab_ok "$2 (${4#* })"
        else
                lab_not_ok "$2 (${4#* })"
                tail -n 5 "$lab_temp/daemon.err" | sed 's/^/#   /'
        fi
}

# lab_wait_diagnosis DIAGNOSIS SECONDS: as lab_wait_state, since now.
lab_wait_diagnosis() {
        local now=${EPOCHREALTIME/./}

        lab_delay_ms=
        until [ -n "$lab_delay_ms" ] || [ "${EPOCHREALTIME/./}" -gt $((now + $2 * 1000000)) ]; do
                lab_delay_ms=$(awk -v d="$1" -v now="$now" 'NF == 5 && $1 >= now && $3 == d {
                        printf "%d\n", ($1 - now) / 1000; exit }' "$lab_temp/states")
                [ -n "$lab_delay_ms" ] || sleep 0.05
        done
        [ -n "$lab_delay_ms" ]
}

# lab_events TYPE: what was told, a line of JSON each.
lab_events() {
        lab_ctl --json events -n 256 | jq -c --arg type "$1" '.events[] | select(.event == $type)'
}

# lab_flood_names: each name that a flood was given, in status or in an event.
lab_flood_names() {
        {
                awk '$2 == "flood" || $2 == "recovering" { print $3 }' "$lab_temp/states"
                lab_ctl --json events -n 256 | jq -r '.events[] | .diagnosis // empty'
        } | grep ^flood- | sort | uniq -c | awk '{ printf "%s%s (%d)", n++ ? ", " : "", $2, $1 }'
}

# lab_expect_name NAME TEXT: a test: the flood had this name and no other all along.
lab_expect_name() {
        local names

        names=$(lab_flood_names)
        if [[ $names =~ ^$1\ \([0-9]+\)$ ]]; then
                lab_ok "$2: $names"
        else
                lab_not_ok "$2: ${names:-no flood}"
        fi
}

# lab_expect_unnamed TEXT REGEX: a test: no address that fits was named, in an event or in
# the reasons of a flood in any status (LAB_STATUSES=1).
lab_expect_unnamed() {
        local found

        found=$({
                lab_ctl --json events -n 256 | jq -r '.events[] | "\(.event): \(.message) \(del(.message, .time))"'
                jq -r 'select(.state == "flood") | .reasons[]' "$lab_temp/statuses"
        } | grep -E -m 1 "(^|[^0-9.])$2")
        if [ -z "$found" ]; then lab_ok "$1"; else lab_not_ok "$1 [${found:0:240}]"; fi
}

# lab_blocked: who was blocked since the daemon's start, a line each.
lab_blocked() { lab_events source-blocked | jq -r '.sources[]' | sort -u; }

# lab_expect_blocked_none TEXT [REGEX]: a test: nobody (that fits) was blocked.
lab_expect_blocked_none() {
        local blocked

        blocked=$(lab_blocked | grep -E "^(${2:-.*})" | tr '\n' ' ')
        if [ -z "$blocked" ]; then lab_ok "$1"; else lab_not_ok "$1 [blocked: $blocked]"; fi
}

# lab_limited, lab_expect_limited_none: the same of who was limited to a rate (block.limit).
lab_limited() { lab_events source-limited | jq -r '.sources[]' | sort -u; }

lab_expect_limited_none() {
        local limited

        limited=$(lab_limited | grep -E "^(${2:-.*})" | tr '\n' ' ')
        if [ -z "$limited" ]; then lab_ok "$1"; else lab_not_ok "$1 [limited: $limited]"; fi
}

# lab_expect_state "STATE ..." MILLISECONDS SINCE_US TEXT: a test with its delay.
lab_expect_state() {
        # Waits longer than allowed, so that a miss says by how much.
        if lab_wait_state "$1" $(($2 / 1000 + 5)) "$3"; then
                lab_check "$4: after $lab_delay_ms ms" "$lab_delay_ms <= $2"
        else
                lab_not_ok "$4: not within $(($2 / 1000 + 5)) s"
                lab_note "last: $(tail -n 1 "$lab_temp/states")"
        fi
}

# lab_expect_end MILLISECONDS TEXT: a test: recovering or normal after the flood's
# end; what was never found cannot end.
lab_expect_end() {
        if [ -n "$(lab_first_seen flood "$lab_flood_start_us")" ]; then
                lab_expect_state "recovering normal" "$1" "$lab_flood_end_us" "$2"
        else
                lab_delay_ms=
                lab_not_ok "$2: there was no flood to end"
        fi
}

# SYN_RECV as the kernel has it, for 0.0.0.0 and :: alike.
lab_half_open() { lab_in server ss -Htn state syn-recv | wc -l; }

# lab_sample_half_open SECONDS: the most and the mean of looks every half second,
# in lab_half_open_max and lab_half_open_mean.
lab_sample_half_open() {
        local end=$((${EPOCHREALTIME/./} + $1 * 1000000)) n sum=0 looks=0

        lab_half_open_max=0
        while [ "${EPOCHREALTIME/./}" -lt "$end" ]; do
                n=$(lab_half_open)
                [ "$n" -le "$lab_half_open_max" ] || lab_half_open_max=$n
                sum=$((sum + n)) looks=$((looks + 1))
                sleep 0.5
        done
        # shellcheck disable=SC2034
        lab_half_open_mean=$((looks ? sum / looks : 0))
}

# lab_counter NAME [PROTOCOL]: of /proc/net/netstat or snmp in the server's namespace.
lab_counter() {
        lab_in server cat /proc/net/netstat /proc/net/snmp | awk -v name="$1" -v of="${2:-}" '
                of && $1 != of ":" { next }
                { if ($1 == last) { for (i = 2; i <= NF; i++) if (heads[i] == name) { print $i; exit } }
                  else { last = $1; split($0, heads) } }'
}

# lab_part launch|keeper|hookup|hooks|scribe|walker|peers: the pid of that part of the daemon, nothing if there is none.
# launch starts the keeper, and hookup what runs hooks (hooks), whose children are not told.
lab_part() {
        local pid=${lab_pid[daemon]} child parent=$1

        case $1 in
        keeper) parent=launch ;;
        hooks) parent=hookup ;;
        esac
        for child in $(cat /proc/"$pid"/task/*/children 2>/dev/null); do
                [ "$(cat /proc/"$child"/comm 2>/dev/null)" = "synwardd-$parent" ] || continue
                if [ "$1" = "$parent" ]; then
                        echo "$child"
                else
                        echo $(cat /proc/"$child"/task/*/children 2>/dev/null)
                fi
        done
}

# lab_parts: the pids of all of the daemon, its hooks left out.
lab_parts() {
        echo "${lab_pid[daemon]}" $(lab_part launch) $(lab_part keeper) $(lab_part hookup) $(lab_part hooks) \
                $(lab_part scribe) $(lab_part walker) $(lab_part peers)
}

# lab_cpu_us: what the daemon has used of the CPU, in microseconds, with those of its parts
# that run.
lab_cpu_us() {
        local p

        for p in $(lab_parts); do
                cat /proc/"$p"/task/*/schedstat
        done 2>/dev/null | awk '{ n += $1 } END { printf "%d\n", n / 1000 }'
}

# What all parts have resident: RSS counts what they share in each of them, PSS once.
lab_rss_kib() { lab_sum_kib '^VmRSS:' status; }
lab_pss_kib() { lab_sum_kib '^Pss:' smaps_rollup; }

lab_sum_kib() {
        local p

        for p in $(lab_parts); do
                awk -v name="$1" '$0 ~ name { print $2 }' /proc/"$p"/"$2"
        done 2>/dev/null | awk '{ n += $1 } END { print n + 0 }'
}

. "$lab_source/flood.sh"
