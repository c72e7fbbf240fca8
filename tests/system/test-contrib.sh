#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What contrib has for other programs, read by those programs: logrotate turns the file
# of events while the daemon writes to it, and no line is lost; Nagios takes the objects
# and its command works; Zabbix' agent answers what the template takes apart. In namespaces of its own, where /var/log and the user "synward"
# are the test's. Dashboard and rules: test-monitoring.sh.
#   test-contrib.sh
set -eu

source=$(cd "$(dirname "$0")/../.." && pwd)
contrib=$source/contrib
build=${SYNWARD_BUILD:-$source/build}
[ -x "$build/synwardd" ] || { echo "SKIP: no synwardd in $build"; exit 77; }
. "$source/tests/system/alone.sh"

ctl() { "$build/synwardctl" --socket "$dir/run/control.sock" "$@"; }

# The daemon as a user of its own, as the unit has it; what it may not do it goes without.
begin() {
        local uid=64321

        mount -t tmpfs tmpfs /var/log
        for file in passwd group; do
                grep -v '^synward:' "/etc/$file" >"$dir/$file"
        done
        echo "synward:x:$uid:$uid::/nonexistent:/usr/sbin/nologin" >>"$dir/passwd"
        echo "synward:x:$uid:" >>"$dir/group"
        mount --bind "$dir/passwd" /etc/passwd
        mount --bind "$dir/group" /etc/group
        chmod 711 "$dir"
        install -d -o synward -g synward "$dir/run" "$dir/state" /var/log/synward
        printf '%s\n' 'alerts: { file: { path: /var/log/synward/events.json } }' \
                'probe: { listener: "127.0.0.1:8000", interval: 1s }' >"$dir/synward.yaml"
        chmod 644 "$dir/synward.yaml"
        setpriv --reuid=synward --regid=synward --clear-groups --bounding-set=-all --inh-caps=-all \
                "$build/synwardd" -c "$dir/synward.yaml" --control "$dir/run/control.sock" \
                --state-dir "$dir/state" --runtime-dir "$dir/run" 2>"$dir/log" & daemon=$! pids="$pids $!"
        /usr/bin/python3 -m http.server --bind 127.0.0.1 8000 >/dev/null 2>&1 & pids="$pids $!"
        until_true ctl ping || fail "the daemon does not answer: $(cat "$dir/log")"
}

test_logrotate() {
        command -v logrotate >/dev/null || { skip logrotate; return 0; }
        local program lines reloads=120 turn

        program=$(command -v logrotate)
        # As the README says; it takes no file that others may write to.
        install -m 644 "$contrib/logrotate/synward" "$dir/logrotate"
        "$program" -d -s "$dir/status" "$dir/logrotate" 2>"$dir/said" || fail "logrotate: $(cat "$dir/said")"
        ! grep -qi '^error' "$dir/said" || fail "logrotate: $(grep -i '^error' "$dir/said")"
        for ((i = 1; i <= reloads; i++)); do ctl reload || exit 1; done & writer=$!
        for turn in 1 2 3 4 5; do
                until_true test -s /var/log/synward/events.json
                "$program" -f -s "$dir/status" "$dir/logrotate" || fail "logrotate: turn $turn"
        done
        wait "$writer" || fail "logrotate: the daemon did not reload"
        [ -e /var/log/synward/events.json.1 ] && [ -e /var/log/synward/events.json.2.gz ] ||
                fail "logrotate: nothing was turned: $(ls /var/log/synward)"
        # Oldest first, every event once and whole.
        for turn in 9 8 7 6 5 4 3 2; do
                [ ! -e "/var/log/synward/events.json.$turn.gz" ] ||
                        gzip -dc "/var/log/synward/events.json.$turn.gz"
        done >"$dir/all"
        cat /var/log/synward/events.json.1 /var/log/synward/events.json >>"$dir/all" 2>/dev/null || :
        lines=$(jq -sr 'if [.[].sequence] == [range(1; length + 1)] then length else "lost" end' "$dir/all") ||
                fail "logrotate: a broken line"
        [ "$lines" != lost ] || fail "logrotate: sequences $(jq -sc '[.[].sequence]' "$dir/all")"
        [ "$lines" -ge "$reloads" ] || fail "logrotate: $lines lines of $reloads reloads"
        ok "logrotate: 5 turns, $lines lines, none lost"
}

probe_connects() { ctl --json status | jq -e '.probe | .last == "connected" and .connected_share == 1' >/dev/null; }

# nagios_command NAME ARGUMENT...: the command line as Nagios would run it.
nagios_command() {
        local line n=0 argument
        line=$(awk -v name="$1" '$1 == "command_name" { mine = $2 == name }
                $1 == "command_line" && mine { sub(/^ *command_line */, ""); print }' "$contrib/nagios/synward.cfg")
        shift
        for argument; do
                n=$((n + 1))
                line=${line//\$ARG$n\$/$argument}
        done
        echo "${line/#\/usr\/bin\/synwardctl/$build/synwardctl --socket $dir/run/control.sock}"
}

test_nagios() {
        local program status=0
        program=$(command -v nagios4) || { skip nagios; return 0; }

        mkdir -p "$dir/nagios"
        cat >"$dir/nagios.cfg" <<END
log_file=$dir/nagios/log
object_cache_file=$dir/nagios/objects
check_result_path=$dir/nagios
resource_file=$dir/resource.cfg
nagios_user=root
nagios_group=root
illegal_macro_output_chars=\`~\$&|'"<>
cfg_file=$contrib/nagios/synward.cfg
cfg_file=$dir/site.cfg
END
        echo "\$USER1\$=/usr/lib/nagios/plugins" >"$dir/resource.cfg"
        cat >"$dir/site.cfg" <<'END'
define timeperiod {
        timeperiod_name always
        alias           always
        monday 00:00-24:00
}
define command {
        command_name nothing
        command_line /bin/true
}
define contact {
        contact_name                  noc
        host_notifications_enabled    0
        service_notifications_enabled 0
        host_notification_period      always
        service_notification_period   always
        host_notification_commands    nothing
        service_notification_commands nothing
}
define host {
        host_name          web
        address            192.0.2.1
        max_check_attempts 1
        check_period       always
        contacts           noc
}
define service {
        use                 synward-service
        host_name           web
        check_period        always
        notification_period always
        contacts            noc
}
define service {
        use                 synward-service
        service_description SYN flood here
        host_name           web
        check_command       check_synward!80!95
        check_period        always
        notification_period always
        contacts            noc
}
END
        "$program" -v "$dir/nagios.cfg" >"$dir/said" 2>&1 || fail "nagios: $(tail -n 20 "$dir/said")"
        grep -qE '^Total Warnings: +0$' "$dir/said" && grep -qE '^Total Errors: +0$' "$dir/said" ||
                fail "nagios: $(grep -iE 'warning|error' "$dir/said")"
        sees_listener() { ctl --json status | jq -e '.host.fill != null'; }
        until_true sees_listener || fail "nagios: no listener is seen"
        until_true probe_connects || fail "nagios: $(ctl --json status | jq -c .probe)"
        # Of the sensors some have failed here: a warning, and figures.
        sh -c "$(nagios_command check_synward 80 95)" >"$dir/said" || status=$?
        [ "$status" -le 1 ] || fail "nagios: check_synward ends with $status: $(cat "$dir/said")"
        grep -qE '^SYNWARD (OK|WARNING): .* \| fill=[0-9.]*%;80;95;0 ' "$dir/said" &&
                grep -qE ' probe=[0-9.]+ms;;;0 probe_connected=100%;;;0$' "$dir/said" ||
                fail "nagios: $(cat "$dir/said")"
        ok "nagios: $(cat "$dir/said")"
}

# zabbix KEY: what the agent says to it, without its frame.
zabbix() { zabbix_agentd -c "$dir/zabbix.conf" -t "$1" | sed -n '1s/^[^ ]* *\[[a-z]|//; $s/\]$//; p'; }

test_zabbix() {
        { command -v zabbix_agentd && /usr/bin/python3 -c 'import yaml'; } >/dev/null 2>&1 || { skip zabbix; return 0; }

        sed "s|,/usr/bin/synwardctl|,$build/synwardctl --socket $dir/run/control.sock|" "$contrib/zabbix/synward.conf" \
                >"$dir/synward-zabbix.conf"
        printf 'Server=127.0.0.1\nLogType=console\nInclude=%s\n' "$dir/synward-zabbix.conf" >"$dir/zabbix.conf"
        zabbix synward.check >"$dir/said"
        grep -qE '^SYNWARD (OK|WARNING): .* \| ' "$dir/said" || fail "zabbix: $(cat "$dir/said")"
        until_true probe_connects || fail "zabbix: $(ctl --json status | jq -c .probe)"
        zabbix synward.status >"$dir/said"
        jq -e '.schema == "synward.status.v1"' "$dir/said" >/dev/null || fail "zabbix: $(cat "$dir/said")"
        /usr/bin/python3 - "$contrib/zabbix/synward.yaml" "$dir/said" <<'END' || fail "zabbix: the template"
import copy, json, re, sys, yaml
export = yaml.safe_load(open(sys.argv[1]))["zabbix_export"]
status = json.load(open(sys.argv[2]))
template, = export["templates"]
items = {item["key"]: item for item in template["items"]}
assert export["version"] == "6.0" and len(items) == len(template["items"]) > 15
assert template["groups"] == [{"name": group["name"]} for group in export["groups"]]

uuids = re.findall(r"uuid: (\S+)", open(sys.argv[1]).read())
assert len(set(uuids)) == len(uuids) > len(items)
assert all(re.fullmatch("[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}", uuid) for uuid in uuids)

asked = [key for key, item in items.items() if item.get("type") != "DEPENDENT"]
assert asked == ["synward.status"], asked
macros = [macro["macro"] for macro in template["macros"]]
states = set()
LEFT_OUT = {"error_handler": "DISCARD_VALUE"}

def look(key, item, status):
    """What Zabbix makes of an answer: a value, or None where it is to leave it out."""
    assert item["master_item"] == {"key": "synward.status"}, key
    step, *more = item["preprocessing"]
    path, = step["parameters"]
    assert step["type"] == "JSONPATH" and path.startswith("$."), key
    value = status
    for name in path[2:].split("."):
        if value is None:
            # Nothing is at that path, which were an error of the item.
            assert LEFT_OUT.items() <= step.items(), key
            return None
        value = value[name]
    if item.get("value_type") == "CHAR" and not more:
        assert type(value) is str, (key, value)
        return value
    # What is not known is null: no number, nor one of these words, and left out.
    assert more[0]["type"] == "MATCHES_REGEX" and LEFT_OUT.items() <= more[0].items(), key
    assert value is None or type(value) in ((str,) if item.get("value_type") == "CHAR" else (int, float)), (key, value)
    if not re.search(*more[0]["parameters"], json.dumps(value).strip('"')):
        return None
    for step in more[1:]:
        assert step["type"] == "MULTIPLIER", key
        value *= float(step["parameters"][0])
    return value

without = copy.deepcopy(status)
without["probe"] = None
for name in ("known_finished_share", "probe_connected_share", "probe_slowest_ms"):
    without["host"][name] = None
begun = copy.deepcopy(status)
begun["probe"]["last"] = None
dependent = {key: item for key, item in items.items() if key not in asked}
seen = {key: look(key, item, status) for key, item in dependent.items()}
probe = {key for key in seen if key.startswith("synward.probe.")}
assert probe == {"synward.probe.connected", "synward.probe.slowest", "synward.probe.last"}, probe
assert seen["synward.probe.connected"] == 100 and seen["synward.probe.last"] == "connected", seen
assert 0 < seen["synward.probe.slowest"] < 1, seen  # in seconds
for key, item in dependent.items():
    assert key not in probe | {"synward.known_finished"} or look(key, item, without) is None, key
assert look("synward.probe.last", items["synward.probe.last"], begun) is None
triggers = [trigger for item in items.values() for trigger in item.get("triggers", [])]
for trigger in triggers:
    for name, key in re.findall(r"\(/([^/]*)/([^,)]*)", trigger["expression"]):
        assert name == template["template"] and key in items, trigger
    assert set(re.findall(r"\{\$[^}]*\}", trigger["expression"])) <= set(macros), trigger
    states |= set(re.findall('"([a-z]*)"', trigger["expression"]))
assert len(triggers) >= 7 and states == {"flood", "suspect", "degraded", "failed"}, states
END
        ok "zabbix: $(grep -c 'type: DEPENDENT' "$contrib/zabbix/synward.yaml") items of one answer"
}

begin
test_logrotate
test_nagios
test_zabbix
kill "$daemon"
wait "$daemon" || fail "the daemon ends with $?"
pids=${pids#" $daemon"}
finish
