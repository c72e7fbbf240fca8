#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the daemon costs when nothing happens: idle, and with 20,000 established
# connections that every walk of the socket table has to pass.
# Alone: what it measures is the processor.
. "$(dirname "$0")/lab.sh"
lab_need
lab_need_daemon

# cpu_percent SECONDS: the daemon's share of one CPU meanwhile.
cpu_percent() {
        local before after start end

        before=$(lab_cpu_us) start=${EPOCHREALTIME/./}
        lab_pause "$1"
        after=$(lab_cpu_us) end=${EPOCHREALTIME/./}
        awk "BEGIN { printf \"%.2f\", 100 * ($after - $before) / ($end - $start) }"
}

lab_up cookies=1 delay=1ms
# A process may hold 20,000 descriptors at most, so two at either end.
lab_server web --listen 0.0.0.0:80 --backlog 4096 --processes 2 --open-max 12000
LAB_WATCH=0 lab_daemon
lab_note "parts: $(lab_parts)"
lab_pause 3
idle=$(cpu_percent 15)
lab_check "idle: $idle % of one CPU" "$idle < 0.3"

lab_honest keep1 --to $LAB_SERVER4:80 --rate 2500 --keep 10000 --duration 120s
lab_honest keep2 --to $LAB_SERVER4:80 --rate 2500 --keep 10000 --duration 120s --first 20000
established() { [ "$(lab_in server ss -Htn state established | wc -l)" -ge 20000 ]; }
lab_wait_for 20 established || lab_not_ok "20,000 connections established"
lab_pause 5
calm=$(cpu_percent 30)
lab_note "$(lab_in server ss -Htn state established | wc -l) established"
lab_check "with 20,000 established: $calm % of one CPU over 30 s" "$calm < 1.5"
# The daemon itself as ever, and its parts together.
rss=$(awk '/^VmRSS:/ { print $2 }' /proc/"${lab_pid[daemon]}"/status)
lab_check "resident: the daemon $rss KiB" "$rss > 0 && $rss < 8192"
pss=$(lab_pss_kib)
lab_check "resident: $pss KiB (what its parts share counted once; $(lab_rss_kib) KiB if in each)" "$pss > 0 && $pss < 8192"
lab_note "sock_diag: $(lab_ctl --json status | tr -d ' \n' | grep -o '"sock_diag":{[^}]*}')"
lab_done
