#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What is made from the table of keys agrees with it: the shipped file, the manual. And the two
# manuals that are made, this and synward(7), have no mistakes of form.
set -eu

failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

config/describe example >"$work/synward.yaml"
if ! diff -u "$srcdir/config/synward.yaml" "$work/synward.yaml"; then
	echo "config/synward.yaml is not what the table says; run: make update-config"
	failed=1
fi

# Every key of the shipped file is in the manual, with the same default.
config/describe manual >"$work/keys"
[ "$(grep -c '^\.It Ic ' "$work/keys")" -ge 40 ] || { echo "the reference is short"; failed=1; }
grep '^\.It Ic ' "$work/keys" | while read -r line; do
	grep -qxF "$line" config/synward.yaml.5 || { echo "manual lacks $line"; exit 1; }
done || failed=1
if grep -n '@[A-Za-z_]*@' config/synward.yaml.5 doc/synward.7; then
	echo "a manual has unfilled places"
	failed=1
fi

if command -v mandoc >/dev/null; then
	# Whether other pages are installed says nothing of these.
	mandoc -Tlint config/synward.yaml.5 doc/synward.7 2>/dev/null |
		grep -v 'referenced manual not found' >"$work/lint" || true
	if [ -s "$work/lint" ]; then
		cat "$work/lint"
		failed=1
	fi
else
	echo "no mandoc: the manuals' form is not checked"
fi
exit $failed
