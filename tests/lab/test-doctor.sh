#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# synwardctl doctor on what is beside a listener and its settings.
#   others    network namespaces, as a host sees those of its containers: a listener where SYN
#             cookies are off, its twin where they are on, one on loopback only: only the first
#             is told as serious, and the command of --fix mends it
#   programs  an XDP program, bpftune (its name alone), SYNPROXY: told while they are there
#
# shellcheck disable=SC2154 # names of lab.sh
. "$(dirname "$0")/lab.sh"
lab_need jq nft nsenter setpriv

doctor() { "$@" "$SYNWARD_BUILD/synwardctl" --socket "$lab_temp/none.sock" --json doctor >"$lab_temp/doctor.json"; }

# told FILTER: how many findings of the last look it holds for, in which $pid is that of the listener
told() { jq --arg pid "$1" "[.findings[] | select($2)] | length" "$lab_temp/doctor.json"; }
off='.id == "namespace_syncookies" and .severity == "serious" and (.command | contains(" \($pid) "))'
listed='.id == "namespaces" and (.why | contains("(pid \($pid))"))'

cookies() { lab_in "$1" cat /proc/sys/net/ipv4/tcp_syncookies; }

others() {
        local web twin inside command

        lab_up cookies=0 router=1
        lab_write_sysctls inner ipv4/tcp_syncookies=0
        lab_server web --listen 0.0.0.0:80 --listen '[::]:443' --backlog 511
        LAB_SERVER_IN=client lab_server twin --listen 0.0.0.0:80 --backlog 511
        LAB_SERVER_IN=inner lab_server inside --listen 127.0.0.1:80 --listen '[::1]:80' --backlog 511
        web=${lab_pid[web]} twin=${lab_pid[twin]} inside=${lab_pid[inside]}

        doctor env
        lab_check "an exit status of 1" "$? == 1"
        lab_check "cookies are off beside an open port: serious" "$(told "$web" "$off") == 1"
        lab_check "its ports are told" "$(told "$web" "$off and (.why | test(\"open ports: (80, 443|443, 80)[.]\"))") == 1"
        lab_check "they are on: it is not" "$(told "$twin" "$off") == 0"
        lab_check "nobody but itself can reach it: neither" "$(told "$inside" "$off") + $(told "$inside" "$listed") == 0"
        lab_check "looking changes nothing" "$(cookies server) == 0 && $(cookies client) == 1"

        doctor lab_in client
        lab_check "seen from the twin's, that is no other" "$(told "$twin" "$listed") == 0"
        lab_check "the first still is" "$(told "$web" "$off") == 1"

        doctor setpriv --reuid=65534 --regid=65534 --clear-groups
        lab_check "who may not look is told so" "$(told "$web" '.id == "namespaces_unseen"') == 1"
        lab_check "and finds nothing fine, nor off" "$(told "$web" '.id == "namespaces" and .severity == "fine"') + $(told "$web" "$off") == 0"

        # Root without CAP_SYS_ADMIN sees them, and may not enter.
        doctor setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin
        lab_check "who may not enter: not known, not off" "$(told "$web" "$off") == 0"
        lab_check "and how to look is told" \
                "$(told "$web" '.id == "namespaces" and (.why | test(": not known.* nsenter -t [0-9]+ -n sysctl net.ipv4.tcp_syncookies"))') == 1"

        "$SYNWARD_BUILD/synwardctl" --socket "$lab_temp/none.sock" doctor --fix >"$lab_temp/fix"
        command=$(grep "^nsenter -t $web -n sysctl -w net.ipv4.tcp_syncookies=1$" "$lab_temp/fix")
        lab_check "--fix has the command" "${#command} > 0"
        sh -c "$command" >/dev/null
        doctor env
        lab_check "carried out, it is mended" "$(cookies server) == 1 && $(told "$web" "$off") == 0"
        lab_down
}

# has ID TEXT [WHY]: a finding, of which WHY is a part
has() { lab_check "$2" "$(jq --arg id "$1" --arg why "${3:-}" '[.findings[] | select(.id == $id and (.why | contains($why)))] | length' "$lab_temp/doctor.json") == 1"; }
has_not() { lab_check "$2" "$(jq --arg id "$1" '[.findings[] | select(.id == $id)] | length' "$lab_temp/doctor.json") == 0"; }

programs() {
        lab_up cookies=1
        doctor lab_in server
        has_not xdp "no XDP program: none is told"
        has_not synproxy "no SYNPROXY: none is told"

        lab_spawn xdp server "$SYNWARD_BUILD/tests/lab/xdp-pass" lo
        if lab_wait_for 5 grep -q ready "$lab_temp/xdp.out"; then
                doctor lab_in server
                has xdp "an XDP program is told" "lo (program $(sed -n 's/^ready //p' "$lab_temp/xdp.out"))"
                doctor lab_in client
                has_not xdp "that of another network namespace is not"
                lab_end xdp
                doctor lab_in server
                has_not xdp "it has gone: no longer"
        else
                lab_note "no XDP here: $(cat "$lab_temp/xdp.err")"
        fi

        cp "$(command -v sleep)" "$lab_temp/bpftune"
        lab_spawn bpftune server "$lab_temp/bpftune" 60
        lab_wait_for 5 grep -qx bpftune "/proc/${lab_pid[bpftune]}/comm" || lab_abort "bpftune did not start"
        doctor lab_in server
        has bpftune "bpftune is told" "(pid ${lab_pid[bpftune]})"
        lab_end bpftune

        lab_server web --listen 0.0.0.0:443 --backlog 511
        lab_write_sysctls server netfilter/nf_conntrack_tcp_loose=1
        if lab_in server nft "table inet own {
                chain pre { type filter hook prerouting priority raw; tcp dport 443 tcp flags syn notrack; };
                chain in { type filter hook input priority 0; tcp dport 443 ct state invalid,untracked synproxy mss 1460 \
                        wscale 7 timestamp sack-perm; ct state invalid drop; }; }" 2>"$lab_temp/nft.err"; then
                doctor lab_in server
                has_not synproxy "SYNPROXY that has seen no SYN is not told"
                lab_honest clients --to $LAB_SERVER4:443 --rate 50 --duration 1s --timeout 1s
                lab_finish clients
                doctor lab_in server
                has synproxy "SYNPROXY in use is told" "must be invalid to tracking"
                lab_write_sysctls server netfilter/nf_conntrack_tcp_loose=0
                doctor lab_in server
                has synproxy "with tcp_loose 0 as well"
                lab_check "but without a command" "$(jq '[.findings[] | select(.id == "synproxy" and .command == null)] | length' "$lab_temp/doctor.json") == 1"
        else
                lab_note "this kernel has no SYNPROXY: $(head -n 1 "$lab_temp/nft.err")"
        fi
        lab_down
}

lab_scenarios "others programs" "$@"
lab_done
