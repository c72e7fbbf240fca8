#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The fleet rules: 20 hosts with 3 SYN/s each alarm within two minutes; a week of the same fleet
# with crowds, restarts, lossy hosts and lost scrapes does not.
#   test-fleet.sh [flood|week]     (flood; tests/system runs the week, which takes minutes)
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
kind=${1:-flood}
start=$SECONDS
python3 "$source/tests/unit/fleet-series.py" "$rules" "$kind" 20 >"$work/$kind.yaml"
if promtool test rules "$work/$kind.yaml" >"$work/said" 2>&1; then
        echo "$kind: as it should be, in $((SECONDS - start)) s"
else
        cut -c 1-300 "$work/said" | tail -n 20
        failed=1
fi
exit "$failed"
