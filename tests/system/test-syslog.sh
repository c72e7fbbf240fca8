#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What Debian's rsyslogd receives of floods in the lab, by contrib's configuration
# on a socket of its own: one start and one end for a flood, and the same for one
# that comes in three bursts. (What the journal receives: test-service.sh.)
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
. "$source/tests/lab/lab.sh"
lab_need jq rsyslogd
lab_need_daemon
modules=$(rsyslogd -v | sed -n 's/^rsyslogd  *\([0-9.]*\).*/\1/p')
[ -e "$(find /usr/lib -name mmpstrucdata.so 2>/dev/null | head -n 1)" ] || lab_skip "needs rsyslog's mmpstrucdata"

# lines FILTER: how many of the received events it holds for.
lines() { jq -s "[.[] | select($1)] | length" "$lab_temp/received"; }
has_lines() { [ "$(lines "$1")" -ge "$2" ]; }
count() { lab_check "$1: $3 of $2" "$(lines ".event == \"$2\"") == $3"; }

lab_up cookies=1
cat >"$lab_temp/rsyslog.conf" <<-END
	global(workDirectory="$lab_temp" net.enableDNS="off")
	module(load="imuxsock" SysSock.Use="off")
END
sed -e "s|/run/synward-syslog.sock|$lab_temp/log|" -e "s|/var/log/synward-events.json|$lab_temp/received|" \
        "$source/contrib/rsyslog/synward.conf" >>"$lab_temp/rsyslog.conf"
if said=$(rsyslogd -N 1 -f "$lab_temp/rsyslog.conf" 2>&1); then
        lab_ok "rsyslogd ($modules) takes the configuration"
else
        lab_not_ok "rsyslogd ($modules) takes the configuration"
        printf '%s\n' "$said" | sed 's/^/#   /'
fi
: >"$lab_temp/received"
lab_spawn rsyslog server rsyslogd -n -i "$lab_temp/rsyslog.pid" -f "$lab_temp/rsyslog.conf"
lab_wait_for 10 test -S "$lab_temp/log" || lab_abort "rsyslogd does not start: $(cat "$lab_temp/rsyslog.err")"

lab_server web --listen 0.0.0.0:80 --backlog 511
# A pause shorter than detect.recover is no end; it doubles with every relapse, so the last of
# three bursts is watched for 12 s.
LAB_CONFIG="
detect: { hold: 1s, recover: 3s }
syncookies: { hold: 1s }
alerts: { journal: false, syslog: { enabled: true, path: \"$lab_temp/log\", facility: local3 } }" lab_daemon

# flood_in_bursts NAME COUNT SECONDS
flood_in_bursts() {
        local i since
        : >"$lab_temp/received"
        for ((i = 1; i <= $2; i++)); do
                lab_flood rate=1000 seconds="$3" name="$1-$i" seed="$i"
                since=$lab_flood_start_us
                lab_wait_state flood 5 "$since" || lab_not_ok "$1: burst $i was found"
                lab_flood_wait "$1-$i"
                lab_wait_state recovering 10 "$lab_flood_end_us" ||
                        lab_not_ok "$1: burst $i was followed by recovering"
        done
        if lab_wait_for 30 has_lines '.event == "flood-end"' 1; then
                lab_ok "$1: the end arrives ($((( ${EPOCHREALTIME/./} - lab_flood_end_us) / 1000)) ms after the last SYN)"
        else
                lab_not_ok "$1: the end arrives"
        fi
        lab_wait_state normal 10 "$lab_flood_end_us"
        count "$1" flood-start 1
        count "$1" flood-end 1
        # shellcheck disable=SC2016
        lab_check "$1: of one and the same incident" "$(jq -s '[.[] | select(.event | startswith("flood-"))
                | .fields.incident] | unique | length' "$lab_temp/received") == 1"
}

flood_in_bursts "one flood" 1 4
lab_check "the fields were taken apart" "$(lines '.event == "flood-start"
        and .fields.event == "flood-start" and .fields.state == "flood"
        and (.fields.diagnosis | startswith("flood-")) and .fields.listener == "0.0.0.0:80"
        and (.fields.syn_per_s | tonumber) > 0 and .severity == "crit"
        and .host == "'"$(hostname)"'" and (.message | contains("a SYN flood from"))') == 1"
lab_note "$(jq -c 'select(.event == "flood-start") | del(.fields)' "$lab_temp/received")"
lab_note "$(jq -r 'select(.event == "flood-end") | .message' "$lab_temp/received")"
flood_in_bursts "a flood in three bursts" 3 2
lab_note "$(jq -r .event "$lab_temp/received" | sort | uniq -c | tr -s ' \n' ' ')"
lab_note "$(jq -r 'select(.event == "flood-end") | .message' "$lab_temp/received")"

# A syslog daemon that restarts is found again.
lab_end rsyslog
lab_spawn rsyslog server rsyslogd -n -i "$lab_temp/rsyslog.pid" -f "$lab_temp/rsyslog.conf"
lab_wait_for 10 test -S "$lab_temp/log"
: >"$lab_temp/received"
lab_ctl reload
if lab_wait_for 5 has_lines '.event == "config-reloaded"' 1; then
        lab_ok "a syslog daemon that restarted is told again"
else
        lab_not_ok "a syslog daemon that restarted is told again"
fi
lab_done
