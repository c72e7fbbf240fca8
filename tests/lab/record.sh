#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# record.sh NAME FILE: runs one scenario under "synwardd --record FILE".
# FILE.truth then holds what really happened, one JSON line, times by the
# observations' realtime: when the flood's first and last SYN went out (null: no
# flood), and what the daemon should have called it.
. "$(dirname "$0")/lab.sh"

usage() {
        echo "usage: record.sh NAME FILE; NAME: flood-0 flood-1 flood-2 slow one distributed prefix" \
                "ipv6 hidden strays quiet honest crowd loadtest storm lossy stall defer" >&2
        exit 2
}
[ $# -eq 2 ] || usage
name=$1 file=$(realpath -m "$2")

up=() server=(--listen 0.0.0.0:80 --listen '[::]:443' --v6only --backlog 511)
honest=(--rate 200) extra=() flood=() diagnosis=quiet seconds=20
case $name in
flood-[012]) up=(cookies="${name#flood-}") flood=(rate=1000 seconds=15) diagnosis=flood-spoofed ;;
slow) server=(--listen 0.0.0.0:80 --backlog 128) honest=(--rate 5)
        flood=(rate=20 seconds=20) diagnosis=flood-spoofed ;;
one) flood=(rate=1000 seconds=15 from=one) diagnosis=flood-concentrated ;;
distributed) flood=(rate=1000 seconds=15 from=500) diagnosis=flood-distributed ;;
prefix) flood=(rate=1000 seconds=15 from=198.51.100.0/24) diagnosis=flood-concentrated ;;
ipv6) flood=(rate=1000 seconds=15 to="$LAB_SERVER6:443") diagnosis=flood-spoofed ;;
hidden) honest=(--rate 1500) flood=(rate=1000 seconds=15) diagnosis=flood-spoofed ;;
strays) honest=() server=(--listen 0.0.0.0:80 --backlog 128) flood=(rate=2 seconds=60) ;;
quiet) honest=() ;;
honest) honest=(--rate 3000) seconds=30 diagnosis=busy ;;
crowd) extra=(--rate 6000 --duration 10s) diagnosis=flash-crowd ;;
loadtest) extra=(--rate 3000 --duration 10s --from 100.65.0.1/32) diagnosis=flash-crowd ;;
storm) extra=(--rate 0 --burst 9000 --hold 5s --duration 8s) diagnosis=flash-crowd ;;
lossy) up=(loss=25) honest=(--rate 150) seconds=30 diagnosis=lossy-clients ;;
stall) server+=(--accept never) honest=(--rate 100 --timeout 3s) seconds=20 diagnosis=accept-stall ;;
defer) server+=(--defer 30) honest=(--rate 100 --hold 5s) seconds=20 ;;
*) usage ;;
esac

lab_need
lab_need_daemon
lab_up delay=60ms "${up[@]}"
if [ "$name" = loadtest ]; then
        lab_batch client "route add local 100.65.0.1/32 dev lo"
        lab_batch server "route add 100.65.0.1/32 via 10.77.1.2"
fi
lab_server web "${server[@]}"
lab_daemon --record "$file"
[ ${#honest[@]} -eq 0 ] ||
        lab_honest clients --to $LAB_SERVER4:80 --poisson --duration 300s "${honest[@]}"
lab_pause 10
start=null end=null
if [ ${#flood[@]} -gt 0 ]; then
        lab_flood "${flood[@]}"
        lab_flood_wait
        start=$lab_flood_start_us end=$lab_flood_end_us
elif [ ${#extra[@]} -gt 0 ]; then
        lab_honest extra --to $LAB_SERVER4:80 --first 100000 "${extra[@]}"
        lab_finish extra
fi
lab_pause "$seconds"
[[ $diagnosis == flood-* ]] || start=null end=null
lab_end watch
lab_end daemon
printf '{"scenario":"%s","flood_start_us":%s,"flood_end_us":%s,"diagnosis":"%s"}\n' \
        "$name" "$start" "$end" "$diagnosis" >"$file.truth"
lab_note "$(wc -l <"$file") observations in $file"
lab_down
