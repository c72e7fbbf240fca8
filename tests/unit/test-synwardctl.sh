#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# synwardctl as scripts and people use it, against a daemon with made-up figures.
set -u
export LC_ALL=C.UTF-8
unset NO_COLOR

top=${top_builddir:-.}
ctl=$top/synwardctl
fake=$top/tests/unit/fake-daemon
work=$(mktemp -d) || exit 99
socket=$work/control.sock
failed=0
daemon=

command -v jq >/dev/null || { echo "no jq here"; exit 77; }

stop() {
        [ -n "$daemon" ] || return 0
        exec {to_daemon}>&-
        wait "$daemon"
        daemon=
}
trap 'stop; rm -rf "$work"' EXIT

# start KIND: the daemon, its standard input on ${to_daemon}
start() {
        stop
        rm -f "$work/in" "$work/ready"
        mkfifo "$work/in"
        "$fake" "$socket" "$1" <"$work/in" >"$work/ready" &
        daemon=$!
        exec {to_daemon}>"$work/in"
        for ((i = 0; i < 100; i++)); do
                [ -s "$work/ready" ] 2>/dev/null && return
                kill -0 "$daemon" 2>/dev/null || break
                sleep 0.05
        done
        echo "the fake daemon does not start"
        exit 99
}

not_ok() {
        echo "FAILED: $*"
        failed=1
}

# run STATUS ARGUMENTS...: output in $out, errors in $err
run() {
        local want=$1 got
        shift
        "$ctl" --socket "$socket" "$@" >"$work/out" 2>"$work/err"
        got=$?
        out=$(cat "$work/out")
        err=$(cat "$work/err")
        [ "$got" = "$want" ] || not_ok "synwardctl $*: exit status $got, not $want: $out $err"
}

# holds FILTER: of the JSON document in the last output, which is one and on one line
holds() {
        [ "$(wc -l <"$work/out")" = 1 ] || not_ok "not one line of JSON: $out"
        jq -e "$1" "$work/out" >/dev/null || not_ok "not so: $1: $out"
}

says() {
        case $out in *"$1"*) ;; *) not_ok "does not say \"$1\": $out" ;; esac
}

lacks() {
        case $out in *"$1"*) not_ok "says \"$1\": $out" ;; esac
}

complains() {
        case $err in *"$1"*) ;; *) not_ok "does not complain \"$1\": $err" ;; esac
}

# --- nobody there, and what is wrong on the command line ---
for command in status listeners sources blocked events history incidents metrics ping reload; do
        run 3 $command
        [ -z "$out" ] || not_ok "$command writes to standard output without a daemon"
done
run 3 events -f
run 3 check
says "SYNWARD UNKNOWN: the daemon is not there"
run 2
run 2 nonsense
[[ $err != *\?* ]] || not_ok "a guess at nonsense: $err"
run 2 statsu
complains "status?"
run 2 inc
complains "incidents?"
run 3 status
complains "systemctl start synward"
run 2 --nonsense
run 2 status more
run 2 listeners -n x
run 2 listeners more
run 2 history -n -1
run 2 history more
run 2 history --csv --json
run 2 sources -n
run 2 sources -n x
run 2 sources -n -1
run 2 sources more
for bucket in 0 0: :1 0:1:2 a:1 0:-1 0:1234 ''; do
        run 2 sources --bucket "$bucket"
done
run 2 sources --bucket 0:1 --prefix
run 2 events -n 1x
run 2 incidents 1 2
run 2 top
run 3 check -w nonsense
run 3 check -c wrong=3
run 3 check -w 9:3
run 0 --help
says "monitoring plugin"
run 0 --version

# --- a flood ---
start flood
run 0 ping
says "4711"
run 0 --json ping
holds '.pid == 4711'
run 0 status
says "flood, flood-spoofed"
says "half-open 512 of 511 at 0.0.0.0:80, 98 % aged"
# The listener's figures are the evidence's, the host's have a head of their own, and neither stands there twice.
[[ $out == *"  the whole host"$'\n'"  half-open      515, "* ]] || not_ok "the host's figures are not called so: $out"
[ "$(grep -c 'half-open' "$work/out")" = 2 ] || not_ok "figures that are told twice: $out"
says "1 (set by synward; was 0)"
says "handled        tcp_syncookies set 0 to 1 by synward; 3 blocked (1 limited to a rate), 98,000 SYN/s dropped"
says "12/s by "
says 'table "synward" belongs to another'
[[ $out != *$'\033'* ]] || not_ok "colours without a terminal"
[[ $out != *█* ]] || not_ok "bars without a terminal"
[[ $out != *nan* ]] || not_ok "nan in status"
run 0 --json status
holds '.schema == "synward.status.v1" and .state == "flood" and .host.half_open == 515
       and (.listeners | length) == 2 and .sensors.nflog.state == "degraded"
       and .host.accept_overflows_per_s == null and .incident.id == 3'
run 0 status --json
holds '.state == "flood"'
run 0 listeners
says "0.0.0.0"
says "2001:db8::1"
run 0 listeners -n 1
says "1 more, all normal"
[[ $out != *2001:db8* ]] || not_ok "more listeners than asked for"
run 0 history -n 3
says "1,240"
[ "$(wc -l <"$work/out")" = 4 ] || not_ok "not three points: $out"
run 0 history -n 2 --csv
[ "$(awk -F, 'NR == 1 { n = NF } NF != n { bad = 1 } END { print NR, (n > 10), bad + 0 }' "$work/out")" = "3 1 0" ] ||
        not_ok "no table of CSV: $out"
run 0 --json history
holds '(.points | length) == 60 and .points[-1].syn_per_s == 1240 and .points[-1].step_s == 1
       and .points[-1].accept_overflows_per_s == null and .points[0].state == "flood"'
run 0 --json listeners
holds '.listeners[0].port == 80 and .listeners[0].fill == 1.002 and .listeners[1].completion_ratio == null'
run 0 sources
says "192.0.2.7"
[[ $out != *198.51.100* ]] || not_ok "a prefix among the addresses"
run 0 sources --prefix
says "198.51.100.0/24"
run 0 sources --bucket 1:26
says "198.51.100.0/24  "
says "1.00"
run 0 sources --bucket 1:27
says "nobody in it"
run 0 --json sources --bucket 1:26
holds '(.sources | length) == 1 and .sources[0].prefix == "198.51.100.0/24" and .sources[0].unanswered_per_s == 1'
run 1 sources --bucket 2:0
complains "rows are 0 to 1, cells 0 to 63"
run 1 sources --bucket 1:64
run 0 --json sources -n 1
holds '(.sources | length) == 1 and .sources[0].address == "192.0.2.7" and .sources[0].prefix == null'
run 0 --json sources -n 0
holds '.sources == []'
run 0 events
says "crit     flood-start"
run 0 blocked
says "nobody: no source gave reason to"
run 0 --json events -n 1
holds '(.events | length) == 1 and .events[0].event == "syncookies-set"
       and .events[0].schema == "synward.event.v1"'
run 0 incidents
says "1 min 1 s"
run 0 incidents 3
says "a SYN flood from spoofed addresses"
run 1 incidents 4
complains "no such incident: 4"
run 0 --json incidents
holds '.incidents[0].id == 3'
run 0 metrics
says "synward_half_open 515"
run 0 --json metrics
holds '.text | contains("synward_half_open 515")'
run 0 reload
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
        chmod 711 "$work" && chmod 666 "$socket"
        cp "$ctl" "$work/ctl" 2>/dev/null && chmod 755 "$work/ctl"
        as_other() {
                setpriv --reuid 65534 --regid 65534 --clear-groups \
                        "$work/ctl" --socket "$socket" "$@" >"$work/out" 2>"$work/err"
        }
        as_other ping || not_ok "another user cannot read: $(cat "$work/err")"
        as_other reload
        [ $? = 4 ] || not_ok "another user may reload"
        chmod 660 "$socket"
        as_other ping
        [ $? = 4 ] || not_ok "another user gets in: $(cat "$work/out")"
fi

# --- check ---
run 2 check
says "SYNWARD CRITICAL: flood, flood-spoofed"
says "| fill=100.2%;80;;0 half_open=515;;;0"
says ", probe of 192.0.2.1:80 timed out, lately 25 % connected | "
says " probe=1034.5ms;;;0 probe_connected=25%;;;0"
[ "$(wc -l <"$work/out")" = 1 ] || not_ok "check prints more than a line"
start suspect
run 1 check -w 200
says "SYNWARD WARNING: suspect"
run 2 check -c fill=90
run 2 check -c half-open=500
run 1 check -w 200 -c aged=600
run 1 check -w 200 -c syns=@0:10
run 2 check -w 200 -c syns=@1000:2000
run 1 check -w 200 -c probe=2000
run 2 check -c probe=1000
run 3 check -c prob=1000
start quiet
run 0 blocked
says "nobody: block.enabled is not set"
run 0 check
says "SYNWARD OK: normal, quiet"
lacks probe
run 0 status
says "half-open"
[[ $out != *nan* ]] || not_ok "nan in status"
run 0 --json status
holds '.host.half_open == null and .listeners == [] and .reasons == [] and .incident == null'
start failed
run 1 check
says "sensor netstat has failed"
start probe
run 0 check -c probe-connected=1:
says ', quiet | '
says ' probe=12.3ms;;;0 probe_connected=100%;;1:;0'
run 1 check -w probe=10
says ', a figure is out of its range | '
says ' probe=12.3ms;10;;0 '
run 2 check -c probe-connected=@90:
start probe-fails
run 1 check
says 'SYNWARD WARNING: normal, quiet, probe of 192.0.2.1:443 timed out, lately 0 % connected | '
says ' probe_connected=0%;;;0'
lacks ' probe='
run 2 check -c probe-connected=1:
run 1 check -c probe=1000
start probe-gone
run 1 check
says 'probe of 192.0.2.1:443 failed: a packet filter   or IPAddressDeny= of the unit forbids it, see PROBE in synwardd(8)'
lacks probe_connected
[ "$(wc -l <"$work/out")" = 1 ] || not_ok "check prints more than a line of a probe's reason"
start starting
run 1 status
complains "only just started"
run 3 check
start reject
run 1 reload
complains "synward.yaml:3:5: no such key"
complains "synward.yaml:9:1"

# --- following events ---
start flood
"$ctl" --socket "$socket" --json events -f -n 1 >"$work/followed" 2>&1 {to_daemon}>&- &
follower=$!
lines() {
        for ((i = 0; i < 100; i++)); do
                [ "$(wc -l <"$work/followed")" = "$1" ] && return
                sleep 0.05
        done
        not_ok "not $1 events: $(cat "$work/followed")"
}
lines 1
printf x >&"$to_daemon"
lines 2
jq -es 'map(.event) == ["syncookies-set", "flood-update"]' "$work/followed" >/dev/null ||
        not_ok "the follower heard something else: $(cat "$work/followed")"
stop
wait "$follower"
[ $? = 3 ] || not_ok "the follower does not notice that the daemon has gone"

# --- a terminal ---
if command -v script >/dev/null; then
        start flood
        on_terminal() {
                TERM=xterm script -qec "$ctl --socket $socket $1" /dev/null </dev/null
        }
        out=$(on_terminal status)
        says $'\033[1;31mflood'
        out=$(on_terminal listeners)
        says "█"
        out=$(NO_COLOR=1 on_terminal status)
        [[ $out != *$'\033'* ]] || not_ok "NO_COLOR is not obeyed"
        out=$(TERM=dumb script -qec "$ctl --socket $socket status" /dev/null </dev/null)
        [[ $out != *$'\033'* ]] || not_ok "colours on a dumb terminal"
        if "$ctl" top 2>&1 </dev/null | grep -q "needs a terminal"; then
                out=$( (sleep 0.5; printf q) |
                        TERM=xterm script -qec "$ctl --socket $socket top" /dev/null)
                says "0.0.0.0:80"
        fi
fi

# --- one who never answers ---
start mute
run 3 ping
complains "does not answer"
stop

# --- doctor, on made-up hosts ---
proc=$work/proc
put() {
        mkdir -p "$proc/$(dirname "$1")"
        echo "$2" >"$proc/$1"
}
put sys/net/ipv4/tcp_syncookies 1
put sys/net/core/somaxconn 4096
put sys/net/ipv4/tcp_synack_retries 5
run 0 --json doctor --proc "$proc"
holds '.worst == "info" and (.findings[] | select(.id == "tcp_syncookies") | .severity) == "fine"'
put sys/net/ipv4/tcp_syncookies 2
put sys/net/core/somaxconn 128
run 0 --json doctor --proc "$proc"
holds '.worst == "warning" and (.findings[] | select(.id == "somaxconn") | .command)
       == "sysctl -w net.core.somaxconn=4096"'
put sys/net/ipv4/tcp_syncookies 0
run 1 --json doctor --proc "$proc"
holds '.worst == "serious"'
run 1 doctor --proc "$proc"
says "# sysctl -w net.ipv4.tcp_syncookies=1"
put sys/net/ipv4/tcp_syncookies 1
put sys/net/netfilter/nf_conntrack_max 1000
put sys/net/netfilter/nf_conntrack_count 990
run 1 --json doctor --proc "$proc"
holds '[.findings[] | select(.id == "nf_conntrack") | .severity] == ["serious"]'

# --- doctor --fix: a script, of which each setting holds once carried out ---
# fixed: what carrying it out in a copy of the host would change
fixed() {
        sed -n "/^cat >>/,/^END$/p" "$work/out" | sed -n 's/^\([a-z0-9_.]*\) = \(.*\)$/\1 \2/p' |
                while read -r key value; do put "sys/${key//./\/}" "$value"; done
}
put sys/net/ipv4/tcp_syncookies 0
put sys/net/core/somaxconn 128
find "$proc" -type f -exec md5sum {} + | sort >"$work/before"
run 1 doctor --fix --proc "$proc"
says "#!/bin/sh"
says "# /etc/sysctl.d/60-synward.conf"
says $'\nnet.ipv4.tcp_syncookies = 1\n'
says "# serious: SYN cookies are off. A few SYNs"
says $'\nnet.core.somaxconn = 4096\n'
says $'\nnet.netfilter.nf_conntrack_max = 1048576\n'
sh -n "$work/out" || not_ok "--fix is no script for sh: $out"
[ -z "$(sed -n 's/^\([a-z0-9_.]*\) = .*/\1/p' "$work/out" | sort | uniq -d)" ] || not_ok "a key twice: $out"
find "$proc" -type f -exec md5sum {} + | sort | cmp -s - "$work/before" || not_ok "--fix changed something"
run 1 --json doctor --fix --proc "$proc"
holds '.schema == "synward.doctor_fix.v1" and .worst == "serious" and .file == "/etc/sysctl.d/60-synward.conf" and
       (.sysctls[] | select(.key == "net.ipv4.tcp_syncookies") | .value == 1 and .because[0].severity == "serious")
       and .commands == [] and .remarks == []'
run 1 doctor --fix --proc "$proc"
fixed
run 0 doctor --fix --proc "$proc"
[ "$out" = "# There is nothing to mend." ] || not_ok "--fix, once carried out, would mend more: $out"
run 0 --json doctor --fix --proc "$proc"
holds '.sysctls == [] and .commands == [] and .remarks == []'
run 2 doctor --fix=yes
run 2 doctor --fix more

# --- doctor on what else runs there ---
# finding ID: its severity, and its reason
finding() { jq -r --arg id "$1" '.findings[] | select(.id == $id) | "\(.severity): \(.why)"' "$work/out"; }
run 0 --json doctor --proc "$proc"
for id in bpftune synproxy published_ports xdp namespaces; do
        [ -z "$(finding $id)" ] || not_ok "a host without it has a finding $id: $(finding $id)"
done
put 12/comm bpftune
put 13/comm docker-proxy
printf '%s\0' /usr/bin/docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 >"$proc/13/cmdline"
put 14/comm docker-proxy
cp "$proc/13/cmdline" "$proc/14/cmdline" # the same of IPv6
put 15/comm not-docker-proxy
printf '%s\0' x -proto tcp -host-port 9090 >"$proc/15/cmdline"
put net/stat/synproxy 'entries syn_received cookie_invalid'
printf '00000000 00000010 00000001\n00000000 00000020 00000001\n' >>"$proc/net/stat/synproxy"
run 0 --json doctor --proc "$proc"
[[ $(finding bpftune) == "warning: It runs (pid 12)."* ]] || not_ok "bpftune: $(finding bpftune)"
[[ $(finding published_ports) == "info: 8080, by docker-proxy."* ]] || not_ok "published ports: $(finding published_ports)"
[[ $(finding synproxy) == "info: 48 SYNs "* ]] || not_ok "SYNPROXY: $(finding synproxy)"
put sys/net/netfilter/nf_conntrack_tcp_loose 1
run 0 --json doctor --proc "$proc"
[[ $(finding synproxy) == "warning: 48 SYNs "* ]] || not_ok "SYNPROXY beside tcp_loose: $(finding synproxy)"
mkdir -p "$proc/1/ns" "$proc/20/ns"
ln -s 'net:[4026531840]' "$proc/1/ns/net"
ln -s 'net:[4026532000]' "$proc/20/ns/net"
put 20/comm $'ng\033[2Jinx'
put 20/net/tcp '  sl  local_address rem_address   st'
echo '   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1' >>"$proc/20/net/tcp"
run 0 --json doctor --proc "$proc"
[[ $(finding namespaces) == "info: 1, of "*" for ng?[2Jinx (pid 20): not known."* ]] || not_ok "a namespace in a copy: $(finding namespaces)"
run 0 doctor --fix --proc "$proc"
[[ $out != *$'\033'* ]] || not_ok "--fix prints what a process is called as it is"
says "# warning: bpftune writes the same settings."

"$ctl" --socket "$socket" --json doctor >"$work/out" 2>&1
case $? in 0 | 1) holds '.findings | length > 5' ;; *) not_ok "doctor on this host" ;; esac

[ "$failed" = 0 ] && echo "synwardctl: all as it should be"
exit "$failed"
