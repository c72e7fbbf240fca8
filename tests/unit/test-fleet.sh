#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The fleet rules: hosts with 3 SYN/s each alarm within two minutes; a crowd at all of them does
# not, nor does a week of the same fleet with crowds, restarts, lossy hosts and lost scrapes. Of
# the sketches: three /24s that flood all of them are named within two minutes, and a crowd is not.
#   test-fleet.sh [flood|crowd|week|sources|everybody [HOSTS]]     (flood, sources, everybody; 20 hosts)
# tests/system runs the week, which takes minutes, and "make bench" 1,000 hosts.
set -u
source=$(cd "${srcdir:-.}" && pwd)
[ -d "$source/contrib" ] || source=$(cd "$source/../.." && pwd)
rules=$source/contrib/prometheus/fleet.rules.yaml
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
failed=0

for program in promtool python3; do
        command -v $program >/dev/null || { echo "SKIP: no $program here"; exit 77; }
done
promtool check rules "$rules" >"$work/said" 2>&1 || { cat "$work/said"; failed=1; }
hosts=${2:-20}
for kind in ${1:-flood sources everybody}; do
        start=$SECONDS
        python3 "$source/tests/unit/fleet-series.py" "$rules" "$kind" "$hosts" >"$work/$kind.yaml"
        if promtool test rules "$work/$kind.yaml" >"$work/said" 2>&1; then
                echo "$kind of $hosts hosts: as it should be, in $((SECONDS - start)) s"
        else
                cut -c 1-300 "$work/said" | tail -n 20
                failed=1
        fi
        rm -f "$work/$kind.yaml"
done
exit "$failed"
