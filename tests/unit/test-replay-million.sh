#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A capture of a million SYNs through synwardd --replay: what it tells, how long that
# takes, and its progress, which only a terminal sees. Needs no privilege.
set -u
export LC_ALL=C.UTF-8
unset NO_COLOR

build=${SYNWARD_BUILD:-.}
daemon=$build/synwardd
work=$(mktemp -d) || exit 99
failed=0
trap 'rm -rf "$work"' EXIT

[ -x "$daemon" ] || { echo "no $daemon here: build it first"; exit 99; }
for tool in jq python3; do
        command -v "$tool" >/dev/null || { echo "no $tool here"; exit 77; }
done

not_ok() {
        echo "FAILED: $*"
        failed=1
}

# 100 s with 20 handshakes a second; from the tenth second on a million SYNs in ten
# seconds, each from another address. Big-endian, so that one format packs it all.
python3 - "$work/million.pcap" <<'END' || exit 99
import struct, sys
packet = struct.Struct(">IIII BBHHHBBHII HHIIBBHHH").pack
server, slots, flooded, each = 0xc6336401, 2000, range(200, 400), 5000
SYN, ACK = 2, 16

def tcp(us, source, port, destination, port_there, flags):
    return packet(1700000000 + us // 1000000, us % 1000000, 40, 40,
                  0x45, 0, 40, 0, 0, 64, 6, 0, source, destination,
                  port, port_there, 1, 1, 0x50, flags, 65535, 0, 0)

with open(sys.argv[1], "wb") as f:
    f.write(struct.pack(">IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
    number = 0
    for slot in range(slots):
        us, client, port = slot * 50000, 0xcb007100 + slot % 250, 10000 + slot
        f.write(tcp(us, client, port, server, 443, SYN))
        f.write(tcp(us, server, 443, client, port, SYN | ACK))
        f.write(tcp(us, client, port, server, 443, ACK))
        for i in range(each) if slot in flooded else ():
            number += 1 # an odd factor: no address comes twice
            f.write(tcp(us + i * 10, number * 2654435761 % 2**32, 1024 + number % 60000,
                        server, 443, SYN))
END
: >"$work/empty.yaml"
replay=("$daemon" -c "$work/empty.yaml" --replay "$work/million.pcap")
# Against hanging only: under a sanitizer it takes many times as long.
limit=(timeout 300)

# --- the events, and the time ---
start=$EPOCHREALTIME
"${limit[@]}" "${replay[@]}" >"$work/out" 2>"$work/err" </dev/null || not_ok "exit status $?"
took_us=$((${EPOCHREALTIME/./} - ${start/./}))
printf 'a million SYNs replayed in %d.%02d s\n' $((took_us / 1000000)) $((took_us / 10000 % 100))
cat "$work/err"
jq -es '.[-1] as $summary | .[:-1] | map(select(.event == "flood-start")) as $starts | map(select(.event == "flood-end")) as $ends |
        ($starts | length) == 1 and ($ends | length) == 1 and
        .[0].event == "flood-start" and .[-1].event == "flood-end" and
        all(.diagnosis == "flood-spoofed") and all(.listener == "198.51.100.1:443") and
        ($starts[0].incident == $ends[0].incident) and
        ($summary | .schema == "synward.replay.v1" and .verdict == "flood" and .totals.handshakes == 1002000 and
                .totals.finished == 2000)' "$work/out" >/dev/null ||
        not_ok "the events: $(cat "$work/out")"
grep -q '; 1\.0 M SYNs$' "$work/err" || not_ok "not a million SYNs: $(cat "$work/err")"

# --- progress: nothing of it without a terminal, on one a line that goes away ---
! grep -q $'[\r\e]' "$work/err" || not_ok "progress without a terminal: $(cat -v "$work/err")"
command -v script >/dev/null || { echo "no script here: progress on a terminal is not tested"; exit $((failed ? 1 : 77)); }

# on_terminal TERM: everything that a terminal gets, in $work/terminal
on_terminal() {
        export command
        printf -v command '%q ' "${replay[@]}"
        TERM=$1 SHELL=/bin/bash "${limit[@]}" script -qec 'eval "$command"' /dev/null \
                >"$work/terminal" </dev/null || not_ok "on a terminal ($1): exit status $?"
}
# On a terminal or not, and how long it took, is all that may differ.
plain() { sed -e 's/\r$//' -e 's/played in [0-9.]* s/played/' "$1"; }
# What stays on the terminal: a line is written over by the next one, or by nothing.
without_progress() {
        sed -e ':next; s/\r[^\r\x1b]*\x1b\[K\r/\r/; t next; s/\r\x1b\[K//g' "$1" | plain -
}

on_terminal xterm
grep -qa $'\rlooking for listeners in .*million.pcap\e\\[K' "$work/terminal" ||
        not_ok "the search for listeners is not shown: $(cat -v "$work/terminal")"
grep -qaE $'\r *[0-9]+ %  2023-11-14T[0-9:.]+Z  [0-9]+ s played in [0-9.]+ s, [0-9]+ times as fast\e\\[K' \
        "$work/terminal" || not_ok "no progress on a terminal: $(cat -v "$work/terminal")"
without_progress "$work/terminal" >"$work/stays"
grep '^{' "$work/stays" | cmp -s - "$work/out" || not_ok "progress spoils the events: $(cat -v "$work/terminal")"
grep -v '^{' "$work/stays" | cmp -s - <(plain "$work/err") ||
        not_ok "progress spoils the summary: $(cat -v "$work/terminal")"
on_terminal dumb
plain "$work/terminal" | cmp -s - "$work/stays" ||
        not_ok "progress on a dumb terminal: $(cat -v "$work/terminal")"
exit $failed
