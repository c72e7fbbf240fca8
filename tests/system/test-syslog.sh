#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What Debian's rsyslogd receives of floods in the lab, by contrib's configuration
# on a socket of its own: one start and one end for a flood, and the same for one
# that comes in three bursts; and what the second configuration makes of blocked sources. (What the journal receives: test-service.sh.)
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
        -e "s|/var/log/synward-ecs.json|$lab_temp/ecs|" -e 's|# call synward-ecs$|call synward-ecs|' \
        "$source/contrib/rsyslog/synward.conf" "$source/contrib/rsyslog/synward-ecs.conf" >>"$lab_temp/rsyslog.conf"
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
alerts: { journal: false, syslog: { enabled: true, path: \"$lab_temp/log\", facility: local3 } }"
lab_daemon

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

# --- in the names of the Elastic Common Schema ------------------------------------------
# ecs EVENT FILTER: of the lines of that event the first for which it holds.
ecs() { jq -ce "select(.event.action == \"$1\" and ($2))" "$lab_temp/ecs" | head -n 1; }
has_ecs() { [ -n "$(ecs "$@")" ]; }
# has_fields NAME EVENT FILTER
has_fields() {
        if lab_wait_for 10 has_ecs "$2" "$3"; then
                lab_ok "ECS: $1"
        else
                lab_not_ok "ECS: $1: $(ecs "$2" true)"
        fi
}

lab_end watch
lab_end daemon
LAB_CONFIG="$LAB_CONFIG
block: { enabled: true, timeout: 3s }
policy: [ { when: { state: flood }, do: [ alert, block ] } ]"
lab_daemon
for from in 203.0.113.9/32 198.51.100.0/24; do
        : >"$lab_temp/ecs"
        # Long enough for a block on a busy machine too: 2 s as a rule.
        lab_flood rate=20000 seconds=8 from=$from name="ecs-${from%/*}" seed=9
        lab_wait_state flood 5 "$lab_flood_start_us" || lab_not_ok "ECS: the flood from $from was found"
        lab_flood_wait "ecs-${from%/*}"
        has_fields "the start of a flood from $from" flood-start '
                .event.kind == "alert" and .event.category == ["network", "intrusion_detection"]
                and .event.severity == 2 and .event.sequence > 0 and .log.level == "crit"
                and .destination == {address: "0.0.0.0", port: 80} and .network.transport == "tcp"
                and .observer.vendor == "synward" and .rule.name == "flood-concentrated"
                and .host.name == "'"$(hostname)"'" and (.message | contains("a SYN flood from"))
                and .labels.event == "flood-start" and (.labels.syn_per_s | tonumber) > 0
                and .ecs.version == "8.11.0" and has("source") == false'
        source_is="{address: \"${from%/32}\"}"
        [ $from = "${from%/32}" ] || source_is="{address: \"${from%/32}\", ip: \"${from%/32}\"}"
        for event in source-blocked source-unblocked; do
                has_fields "$event of $from" $event ".source == $source_is and .event.kind == \"alert\"
                        and .labels.source == \"${from%/32}\" and .process.pid > 0"
        done
        lab_wait_state normal 20 "$lab_flood_end_us"
        # As the daemon says when it was.
        told=$(lab_ctl --json events -n 99 | jq -s '[.[] | .events[]? // . | select(.event == "source-blocked")] | last | .time')
        lab_check "ECS: the time is the event's" "$(jq -s "[.[] | select(.[\"@timestamp\"] == $told)] | length" "$lab_temp/ecs") >= 1"
done
lab_note "$(ecs source-blocked true)"
jq -e . "$lab_temp/ecs" >/dev/null || lab_not_ok "ECS: a line is no JSON"
lab_ctl reload
has_fields "a reload" config-reloaded '.event.kind == "event" and .event.category == ["configuration"]
        and has("destination") == false and .event.severity == 6'
lab_done
