#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# contrib/hooks/crowdsec against CrowdSec itself: its local API without any other, in a network
# namespace of its own. Debian's package is unpacked, not installed: that would start a service and
# register this host at CrowdSec's central one. (test-hooks.sh has what cscli is told, by a stand-in.)
set -eu

hook=$(cd "$(dirname "$0")/../../contrib/hooks" && pwd)/crowdsec

# crowdsec and cscli, from here or from Debian's archive, into the folder $SYNWARD_CROWDSEC.
if [ "${1-}" != inside ]; then
        [ "$(id -u)" = 0 ] || { echo "SKIP: needs root for namespaces"; exit 77; }
        SYNWARD_CROWDSEC=$(mktemp -d)
        export SYNWARD_CROWDSEC
        if ! { command -v crowdsec && command -v cscli; } >/dev/null; then
                (cd "$SYNWARD_CROWDSEC" && apt-get -qq -o APT::Sandbox::User=root download crowdsec && dpkg-deb -x crowdsec_*.deb .) \
                        >/dev/null 2>&1 || { rm -rf "$SYNWARD_CROWDSEC"; echo "SKIP: no crowdsec here, nor in a Debian archive"; exit 77; }
        fi
        status=0
        unshare --net --mount -- "$0" inside || status=$?
        rm -rf "$SYNWARD_CROWDSEC"
        exit $status
fi
. "$(dirname "$0")/alone.sh"
PATH=$SYNWARD_CROWDSEC/usr/bin:$PATH
config=$dir/config.yaml

event() {
        jq -cn '$ARGS.positional as [$event] | {schema: "synward.event.v1", event: $event, diagnosis: "flood-concentrated",
                message: "blocked", sources: $ARGS.positional[1:]}' --args "$@"
}

hook() { "$hook" 30m --config "$config" 2>"$dir/said"; }
cscli() { command cscli --config "$config" "$@"; }

# Ours, as "scope value", in order; that is what a bouncer is told.
decisions() {
        cscli decisions list -o json 2>"$dir/list.err" |
                jq -r --arg reason "$1" '.[]? | .decisions[] | select(.scenario == $reason and .type == "ban") | "\(.scope) \(.value)"' | sort
}

has() { [ "$(decisions synward/syn-flood)" = "$1" ] || fail "$2: $(cscli decisions list -o json)"; }

begin() {
        mkdir "$dir/data" "$dir/hub"
        echo 'simulation: false' >"$dir/simulation.yaml"
        # What gets an alert a decision by itself: none of ours.
        printf 'name: none\nfilters: [ "false" ]\ndecisions: []\non_success: break\n' >"$dir/profiles.yaml"
        cat >"$config" <<END
common: { daemonize: false, log_media: stdout, log_level: info, working_dir: . }
config_paths:
  config_dir: $dir/
  data_dir: $dir/data/
  simulation_path: $dir/simulation.yaml
  hub_dir: $dir/hub/
  index_path: $dir/hub/.index.json
  notification_dir: $dir/
  plugin_dir: $dir/
cscli: { output: human }
db_config: { log_level: info, type: sqlite, db_path: $dir/data/crowdsec.db }
api:
  client: { credentials_path: $dir/credentials.yaml }
  server: { log_level: info, listen_uri: "127.0.0.1:8080", profiles_path: $dir/profiles.yaml }
END
        cscli machines add synward --password secret --force -f "$dir/credentials.yaml" 2>"$dir/said" || fail "machines: $(cat "$dir/said")"
        crowdsec -c "$config" -no-cs >"$dir/log" 2>&1 & pids="$pids $!" server=$!
        until_true cscli decisions list || fail "no local API: $(tail -n 3 "$dir/log")"
}

begin
has '' "before"
event source-blocked 198.51.100.7 198.51.101.0/24 2001:db8::1 2001:db8:1::/48 | hook || fail "$(cat "$dir/said")"
has "Ip 198.51.100.7
Ip 2001:db8::1
Range 198.51.101.0/24
Range 2001:db8:1::/48" "four are blocked"
minutes=$(cscli decisions list -o json | jq -r '[.[].decisions[].duration | capture("^(?<m>[0-9]+)m").m | tonumber] | min')
[ "$minutes" -ge 25 ] && [ "$minutes" -le 30 ] || fail "they last $minutes minutes, of 30"
ok "decisions: added, for as long as it was said"

cscli decisions add --ip 198.51.100.7 --duration 1h --reason another/reason 2>/dev/null || fail "another decision"
event source-unblocked 198.51.100.7 198.51.101.0/24 | hook || fail "$(cat "$dir/said")"
has "Ip 2001:db8::1
Range 2001:db8:1::/48" "two are unblocked"
[ "$(decisions another/reason)" = "Ip 198.51.100.7" ] || fail "somebody else's went: $(cscli decisions list -o json)"
ok "decisions: taken back, and nobody else's"
event source-unblocked 192.0.2.99 | hook || fail "one that is not there: $(cat "$dir/said")"
ok "one that has run out by itself is no fault"

kill "$server"
wait "$server" || :
event source-blocked 192.0.2.1 | hook && fail "no API, and no fault"
grep -q 'cscli refused 1' "$dir/said" || fail "without an API: $(cat "$dir/said")"
ok "without the API it says so"
finish
