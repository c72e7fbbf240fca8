#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# synwardd's command line: what it prints, what it refuses, and its exit statuses.
# Needs no privilege and changes nothing outside its own folder.
set -u
export LC_ALL=C.UTF-8
unset NO_COLOR

daemon=${SYNWARD_BUILD:-.}/synwardd
work=$(mktemp -d) || exit 99
failed=0
trap 'rm -rf "$work"' EXIT

[ -x "$daemon" ] || { echo "no $daemon here: build it first"; exit 99; }
command -v jq >/dev/null || { echo "no jq here"; exit 77; }

not_ok() {
        echo "FAILED: $*"
        failed=1
}

# run STATUS ARGUMENTS...: output in $out, errors in $err
run() {
        local want=$1 got
        shift
        timeout 60 "$daemon" "$@" >"$work/out" 2>"$work/err" </dev/null
        got=$?
        out=$(cat "$work/out")
        err=$(cat "$work/err")
        [ "$got" = "$want" ] || not_ok "synwardd $*: exit status $got, not $want: $out $err"
}

says() {
        case $out in *"$1"*) ;; *) not_ok "does not say \"$1\": $out" ;; esac
}

complains() {
        case $err in *"$1"*) ;; *) not_ok "does not complain \"$1\": $err" ;; esac
}

# refuses TEXT ARGUMENTS...: a usage error, on standard error only
refuses() {
        local text=$1
        shift
        run 2 "$@"
        complains "$text"
        complains "Try 'synwardd --help'."
        [ -z "$out" ] || not_ok "$*: writes to standard output: $out"
}

# --- who only asks ---
run 0 --version
[[ $out =~ ^synwardd\ [0-9]+\.[0-9]+ ]] || not_ok "--version: $out"
[ -z "$err" ] || not_ok "--version writes to standard error: $err"
run 0 --help
for option in config check-config print-config control state-dir runtime-dir dry-run restore replay \
        replay-backlog replay-syncookies replay-local replay-listen compare record diagnose json verbose version help; do
        says "--$option"
done
run 0 -h --diagnose --restore

# --- usage ---
refuses "unrecognized option '--nonsense'" --nonsense
refuses "unexpected argument 'here'" here
refuses "requires an argument" --replay
refuses "requires an argument" -c
for time in bad '' 0s 10 10x -1s 999ms 1h1 61m 99999999999999999999s '1 s'; do
        refuses "--diagnose=$time: not a time from 1s to 1h" --diagnose="$time"
done
refuses "--replay-backlog=0: not a number" --replay x --replay-backlog 0
refuses "--replay-backlog=99999999: not a number from 1 to 1048576" --replay x --replay-backlog 99999999
refuses "--replay-backlog=12x: not a number" --replay x --replay-backlog 12x
refuses "--replay-syncookies=3: not 0, 1 or 2" --replay x --replay-syncookies 3
refuses "--replay-local=10.0.0.1/8: not an address or network" --replay x --replay-local 10.0.0.1/8
for listen in 443 10.0.0.1 10.0.0.1: 10.0.0.1:0 10.0.0.1:65536 2001:db8::1:443 '[2001:db8::1:443' '[]:443' :443 '**:443'; do
        refuses "--replay-listen=$listen: not ADDR:PORT" --replay x --replay-listen "$listen"
done
refuses "goes only with --replay" --replay-backlog 5
refuses "--compare goes only with --replay" --compare x
refuses "--json goes only with" --json
refuses "--check-config and --restore exclude each other" -t --restore
refuses "--diagnose and --replay exclude each other" --diagnose --replay x
refuses "--record and --replay exclude each other" --replay x --record y

# --- configuration ---
printf 'mode: observe\ndetect: { hold: 5s }\n' >"$work/good.yaml"
printf 'mode: observe\ndetect:\n  hold: sometimes\nnonsense: 1\n' >"$work/bad.yaml"
: >"$work/empty.yaml"
run 0 -t -c "$work/good.yaml"
[ "$out" = "$work/good.yaml: ok" ] || not_ok "--check-config: $out"
run 0 --check-config --config="$work/empty.yaml"
run 78 -t -c "$work/bad.yaml"
complains "$work/bad.yaml:3:9: "
complains "$work/bad.yaml:4:1: "
[ -z "$out" ] || not_ok "a bad configuration is printed as: $out"
run 78 -t -c "$work/missing.yaml"
complains "$work/missing.yaml"
complains "No such file"
run 78 --print-config -c "$work/bad.yaml"
run 78 --diagnose=1s -c "$work/bad.yaml"
run 78 -c "$work/bad.yaml" --control "$work/s" --state-dir "$work" --runtime-dir "$work"
# A fleet's key: what cannot be one ends it, with the place and the remedy; to check the file takes no secret.
for key in "$work/no.key" "$work/weak.key" none; do
        echo "metrics: { fleet_key: $key }" >"$work/fleet.yaml"
        echo 00000000000000000000000000000001 >"$work/weak.key"
        run 0 -t -c "$work/fleet.yaml"
        run 78 --dry-run --no-privilege-drop -c "$work/fleet.yaml" --control "$work/s" --state-dir "$work" --runtime-dir "$work"
        complains "metrics.fleet_key: "
        complains "$key"
        case $key in
        none) complains "LoadCredential=none:" ;;
        *weak*) complains "systemd-id128 new" ;;
        *) complains "the daemon's user must be able to" ;;
        esac
done
run 0 --print-config -c "$work/good.yaml"
cp "$work/out" "$work/printed.yaml"
grep -q '^mode: observe' "$work/printed.yaml" || not_ok "--print-config lost the mode"
run 0 --print-config -c "$work/printed.yaml"
cmp -s "$work/out" "$work/printed.yaml" || not_ok "--print-config does not load back to itself"
run 0 -t -c "$work/printed.yaml"
: >"$work/empty.yaml"
run 0 --print-config -c "$work/empty.yaml"
cp "$work/out" "$work/printed.yaml"
grep -q '^policy:' "$work/printed.yaml" || not_ok "--print-config leaves out the built-in policy"
run 0 --print-config -c "$work/printed.yaml"
cmp -s "$work/out" "$work/printed.yaml" || not_ok "the defaults do not load back to themselves"

# --- restoring: nothing to do ---
mkdir "$work/state"
run 0 --restore --state-dir "$work/state"

# --- replay: what is no recording ---
empty=(-c "$work/empty.yaml")
run 1 "${empty[@]}" --replay "$work/missing.jsonl"
complains "$work/missing.jsonl: No such file"
run 1 "${empty[@]}" --replay "$work"
complains "Is a directory"
run 1 "${empty[@]}" --replay "$work/empty.yaml"
complains "there is nothing in it"
run 1 "${empty[@]}" --replay "$work/good.yaml"
complains "neither a recording"
run 78 -c "$work/bad.yaml" --replay "$work/good.yaml"
run 78 "${empty[@]}" --replay "$work/good.yaml" --compare "$work/bad.yaml"
complains "bad.yaml:3:9: "

# --- replay of a capture: 8 s of 250 SYN/s from as many addresses, then a last one at 40 s ---
python3 - "$work/flood.pcap" <<'END' || { echo "no python3 here to make a capture"; exit 77; }
import struct, sys
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
    for i in range(2001):
        ms = i * 4 if i < 2000 else 40000
        f.write(struct.pack("<IIII", 1700000000 + ms // 1000, ms % 1000 * 1000, 40, 40))
        f.write(struct.pack(">BBHHHBBHII", 0x45, 0, 40, 0, 0, 64, 6, 0, i * 2654435761 % 2**32, 0xc6336401))
        f.write(struct.pack(">HHIIBBHHH", 1024 + i, 443, 1, 0, 0x50, 2, 65535, 0, 0))
END
# last FILTER: of the summary
last() { tail -n 1 "$work/out" | jq -r "$1"; }
run 0 "${empty[@]}" --replay "$work/flood.pcap" --replay-backlog 128
jq -es 'length >= 1 and .[0].event == "flood-start" and .[0].diagnosis == "flood-spoofed" and
        .[0].listener == "198.51.100.1:443"' "$work/out" >/dev/null ||
        not_ok "the capture's events: $out"
complains "2,001 SYNs"
complains "backlog 128, tcp_syncookies 1"
complains "a SYN flood from spoofed addresses at 198.51.100.1:443"
jq -c 'del(.file)' "$work/out" >"$work/events"
# By what is in it, not by its name; and always the same.
cp "$work/flood.pcap" "$work/flood.jsonl"
run 0 "${empty[@]}" --replay "$work/flood.jsonl" --replay-backlog 128
jq -c 'del(.file)' "$work/out" | cmp -s - "$work/events" || not_ok "a second replay differs"
# A queue that holds them all for a minute is not hurt.
run 0 "${empty[@]}" --replay "$work/flood.pcap" --replay-backlog 1000000
# The detector has nothing to tell then; that it is a flood, the packets show all the same.
[ "$(last .verdict) $(last .events)" = "flood 0" ] || not_ok "250 SYN/s onto a backlog of a million: $out"
complains "the detector told none"
run 0 "${empty[@]}" --replay "$work/flood.pcap" --replay-backlog 128 --replay-syncookies 0
jq -es 'any(.queue_drops_per_s > 0)' "$work/out" >/dev/null ||
        not_ok "without cookies nothing is refused: $out"
run 0 "${empty[@]}" --replay "$work/flood.pcap" --replay-local 203.0.113.0/24
complains "nothing here is aimed at a listener"
run 0 "${empty[@]}" --replay "$work/flood.pcap" --replay-listen '*:443' --replay-backlog 128
[ "$(last .listeners[0].address) $(last .verdict)" = "* flood" ] || not_ok "--replay-listen: $out"
complains "at *:443"
run 0 "${empty[@]}" --replay "$work/flood.pcap" --replay-listen 198.51.100.1:80
complains "nothing here is aimed at a listener"
head -c 1000 "$work/flood.pcap" >"$work/cut.pcap"
run 3 "${empty[@]}" --replay "$work/cut.pcap"
complains "the capture is cut short after packet 17, at byte "
[ "$(last .complete)" = false ] || not_ok "a cut capture is complete: $out"
# From a pipe, and from a file on standard input; events and summary as from the file.
for input in pipe file; do
        if [ $input = pipe ]; then
                cat "$work/flood.pcap" | "$daemon" "${empty[@]}" --replay - --replay-backlog 128 >"$work/out" 2>"$work/err"
        else
                "$daemon" "${empty[@]}" --replay - --replay-backlog 128 <"$work/flood.pcap" >"$work/out" 2>"$work/err"
        fi || not_ok "--replay - from a $input: exit status $?"
        [ "$(last .verdict) $(jq -r 'select(.event).event' "$work/out" | head -n 1)" = "flood flood-start" ] ||
                not_ok "--replay - from a $input: $(cat "$work/out")"
done

# A recording that ends in the middle of a line, and one that is none from the first.
xz -dc "${SYNWARD_SOURCE:-.}"/tests/scenarios/recordings/flood-0.jsonl.xz 2>/dev/null | head -c 300000 >"$work/cut.jsonl"
if [ -s "$work/cut.jsonl" ]; then
        run 3 "${empty[@]}" --replay "$work/cut.jsonl"
        [ "$(last .kind) $(last .complete)" = "recording false" ] || not_ok "a cut recording: $out"
        complains "cut.jsonl: line "
fi
run 3 "${empty[@]}" --replay "$work/cut.pcap" --compare "$work/empty.yaml"
complains "cut short after packet 17"

# --- two policies on it ---
model=(--replay "$work/flood.pcap" --replay-backlog 128)
run 0 "${empty[@]}" "${model[@]}" --compare "$work/empty.yaml"
says "No difference between A ($work/empty.yaml) and B ($work/empty.yaml)"
# Holds on for longer than the capture is, and asks for nothing but to be told.
printf '%s\n' 'detect: { hold: 1m }' 'policy: [ { when: { state: flood }, do: [ alert ] } ]' \
        >"$work/other.yaml"
run 11 "${empty[@]}" "${model[@]}" --compare "$work/other.yaml"
says "only in A: flood-update: nothing of the flood arrives any more"
says "A: flood flood-spoofed +syncookies"
says "B: flood flood-spoofed"
says "A: recovering "
says "events only in A, 0 only in B"
run 11 -c "$work/other.yaml" "${model[@]}" --compare "$work/empty.yaml" --json
jq -es 'all(.schema == "synward.comparison.v1") and (.[-1] | .kind == "summary" and (.same | not) and
        .events_second >= 1 and .events_first == 0) and
        any(.kind == "event" and .only_in == "second" and .event.state == "recovering") and
        any(.kind == "interval" and .subject == "host" and .first.state == "flood" and
                .second.state == "recovering" and .duration_s > 1)' "$work/out" >/dev/null || not_ok "the comparison as JSON: $out"
run 0 "${empty[@]}" "${model[@]}" --compare "$work/empty.yaml" --json
jq -es 'length == 1 and .[0].same' "$work/out" >/dev/null || not_ok "no difference as JSON: $out"
# --- diagnosing, as whoever we are: there may be little to see, but no crash ---
timeout 20 "$daemon" "${empty[@]}" --diagnose=1s --json >"$work/out" 2>"$work/err"
case $? in
0 | 10) [ "$(jq -s 'length == 1 and .[0].schema == "synward.status.v1"' "$work/out")" = true ] ||
        not_ok "--diagnose --json: $(cat "$work/out")" ;;
77) grep -q 'nothing can be seen' "$work/err" || not_ok "77 without a reason: $(cat "$work/err")" ;;
*) not_ok "--diagnose=1s: $(cat "$work/out" "$work/err")" ;;
esac

exit $failed
