# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# shellcheck disable=SC2154,SC2034 # names of lab.sh
#
# Floods from the attacker's namespace, sourced by lab.sh. All are limited in
# packets and in time.

# Below 50,000 SYN/s by synflood.c, which is even to the millisecond (trafgen
# --rate sends a second's share in one burst, --gap up to a third too few);
# above by trafgen.

# lab_flood rate=N seconds=N [from=spoofed|one|N|PREFIX,...] [to=ADDRESS:PORT] [name=flood]
#           [more="--copies 2 ..."]
# Starts an evenly spaced flood in the background; lab_flood_start_us is its
# first SYN, by CLOCK_REALTIME. more: see synflood --help.
lab_flood() {
        local rate=1000 seconds=10 from=spoofed to=$LAB_SERVER4:80 name=flood seed=1 more='' "$@"

        # shellcheck disable=SC2086 # several words
        lab_spawn "$name" attacker "$SYNWARD_BUILD/tests/lab/synflood" --device swlabflood \
                --ethernet "$lab_server_attack_mac" --to "$to" --rate "$rate" --from "$from" \
                --packets "$(awk "BEGIN { printf \"%d\", $rate * $seconds + 1 }")" \
                --duration "${seconds}s" --seed "$seed" $more
        lab_wait_for 5 grep -q '"start"' "$lab_temp/$name.out" ||
                lab_abort "the flood did not start: $(cat "$lab_temp/$name.err")"
        lab_flood_start_us=$(sed -n 's/.*"start","realtime_us":\([0-9]*\).*/\1/p' "$lab_temp/$name.out")
}

# Waits for the flood's own end: lab_flood_end_us, and says what was really sent.
lab_flood_wait() {
        local name=${1:-flood}

        lab_finish "$name"
        lab_flood_end_us=$(lab_field "$name" realtime_us)
        lab_note "flood: $(lab_field "$name" sent) SYNs in $(lab_field "$name" seconds) s" \
                "($(lab_field "$name" per_s)/s, at most $(lab_field "$name" late_max_ms) ms late)"
}

# lab_flood_fast packets=N seconds=N [to_port=80]: as fast as trafgen goes,
# spoofed all over IPv4, some of it martians, which the kernel drops.
lab_flood_fast() {
        local packets=1000000 seconds=10 to_port=80 cpus=1 "$@"

        command -v trafgen >/dev/null || lab_skip "needs trafgen (netsniff-ng)"
        cat >"$lab_temp/flood.tg" <<-END
        { eth(daddr=$lab_server_attack_mac, saddr=$lab_attacker_mac),
          ipv4(saddr=drnd(), daddr=$LAB_SERVER4, ttl=57),
          tcp(sport=drnd(), dport=$to_port, syn, seq=drnd(), win=64240) }
	END
        lab_flood_start_us=${EPOCHREALTIME/./}
        lab_spawn flood attacker timeout -k 2 "$seconds" trafgen -i "$lab_temp/flood.tg" \
                -o swlabflood -n "$packets" --cpus "$cpus" --no-sock-mem
}
