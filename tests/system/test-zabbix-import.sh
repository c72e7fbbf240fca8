#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# contrib's Zabbix template, by the import of Zabbix' own frontend: it takes it, and does not take it once
# something in it is wrong. Debian's package is unpacked, not installed, for it takes a web server and a
# database with it. (What the agent answers to the template: test-contrib.sh.)
set -eu

here=$(cd "$(dirname "$0")" && pwd)
template=$here/../../contrib/zabbix/synward.yaml
frontend=/usr/share/zabbix
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

php=$(command -v php) && "$php" -r 'exit(function_exists("yaml_parse") && function_exists("mb_strlen") ? 0 : 1);' ||
        { echo "SKIP: no php with yaml and mbstring here"; exit 77; }
if [ ! -e "$frontend/include/classes/import" ]; then
        (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download zabbix-frontend-php && dpkg-deb -x zabbix-*.deb .) >/dev/null 2>&1 ||
                { echo "SKIP: no zabbix-frontend-php here, nor in a Debian archive"; exit 77; }
        frontend=$work/usr/share/zabbix
fi

"$php" "$here/zabbix-import.php" "$frontend" "$(realpath "$template")" >"$work/said" || { status=$?; cat "$work/said"; exit $status; }
echo "ok: $(cat "$work/said")"

# refused WHAT SED: one that is changed so.
refused() {
        sed "$2" "$template" >"$work/wrong.yaml"
        ! cmp -s "$template" "$work/wrong.yaml" || { echo "FAIL: nothing to make wrong: $1"; exit 1; }
        ! "$php" "$here/zabbix-import.php" "$frontend" "$work/wrong.yaml" >"$work/said" || { echo "FAIL: taken, though $1"; exit 1; }
        grep -q '^FAIL: ' "$work/said" || { echo "FAIL: $(cat "$work/said")"; exit 1; }
        echo "ok: refused, for $1: $(cut -c 7-100 "$work/said")"
}

refused "a type is none" '0,/type: DEPENDENT/s//type: NONE_SUCH/'
refused "a field is none" '0,/value_type: /s//kind_of_value: /'
refused "a key is none" "0,/key: synward.status/s//key: 'synward status['/"
refused "an expression does not end" '0,/expression: .*/s//expression: "last(\/x\/y"/'
