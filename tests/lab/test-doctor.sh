#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# synwardctl doctor on other network namespaces, as a host sees those of its containers.
#   others  a listener where SYN cookies are off, its twin where they are on, one on loopback
#           only: only the first is told as serious, and the command of --fix mends it
#
# shellcheck disable=SC2154 # names of lab.sh
. "$(dirname "$0")/lab.sh"
lab_need jq nsenter setpriv

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

lab_scenarios "others" "$@"
lab_done
