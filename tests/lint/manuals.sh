#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The manuals say what the tables in the code say: every event with its severity, every
# field, state and diagnosis, every setting that is named, every option and command; the
# packages all have the version that configure has.
cd "$(dirname "$0")/../.." || exit 1
status=0

# same WHAT CODE MANUAL: two lists of lines.
same() {
        local difference

        difference=$(diff <(sort -u <<<"$2") <(sort -u <<<"$3"))
        if [ -z "$2" ] || [ -n "$difference" ]; then
                printf 'not ok - %s: the code (<) and the manual (>):\n%s\n' "$1" "$difference"
                status=1
        else
                printf 'ok - %s (%d)\n' "$1" "$(wc -l <<<"$2")"
        fi
}

# every WHAT LIST TEXT: each line of the list is a word of the text.
every() {
        local word missing=

        for word in $2; do
                grep -qF -- "$word" <<<"$3" || missing+=" $word"
        done
        if [ -z "$2" ] || [ -n "$missing" ]; then
                printf 'not ok - %s:%s\n' "$1" "$missing"
                status=1
        else
                printf 'ok - %s (%d)\n' "$1" "$(wc -w <<<"$2")"
        fi
}

names() { sed -n "/$1.*{\$/,/^};/s/.*\] = \"\([a-z_-]*\)\".*/\1/p" "$2"; }
# section NAME: of synward.7.
section() { sed -n "/^\.Sh $1/,/^\.Sh /p" doc/synward.7; }

same "events and their severities" \
        "$(sed -n 's/.*\[EVENT_[A-Z_]*\] = { "\(.*\)", SEVERITY_\([A-Z]*\) }.*/\1 \L\2/p' daemon/core/event.c)" \
        "$(section EVENTS | sed -n 's/^\.It \([a-z-]*\) Ta \([a-z]*\) Ta .*/\1 \2/p')"
same "fields of events" \
        "$(sed -n 's/.*add_[a-z]*([^"]*"\([a-z_]*\)".*/\1/p; s/^ *ROW(\([a-z_]*\), FIGURE_[A-Z]*, FIGURE_[A-Z]*, \(ALL\|EVENT\).*/\1/p' daemon/format/event_fields.c daemon/core/figures.c)" \
        "$(section EVENTS | sed -n 's/^\.It Va //p' | tr -d ' ' | tr , '\n')"
# figures PLACE: those that the table has for it, with their types on the control socket.
figures() {
        tr -s '\n ' '  ' <daemon/core/figures.c |
                grep -oE 'ROW\([a-z_]+, FIGURE_[A-Z]+, FIGURE_[A-Z]+, [A-Z| ]+|\.name = "[^}]*\.places = [A-Z| ]+' |
                sed -E 's/^ROW\(([a-z_]+), FIGURE_([A-Z]+), FIGURE_[A-Z]+, (.*)/\1 \2 \3/; s/^\.name = "([a-z_]+)".*\.unit = FIGURE_([A-Z]+), \.kind = FIGURE_[A-Z]+, \.places = (.*)/\1 \2 \3/' |
                awk -v place="$1" '{ for (i = 3; i <= NF; i++) if ($i == place || $i == "ALL") { print $1 ":" ($2 == "COUNT" ? "int" : "float"); next } }'
}
# told TYPE: the figures of io.synward.varlink there, which are what may be null and is neither text nor a device.
told() {
        sed -n "/^type $1 (/,/^)/s/^  \([a-z_]*\): ?\(int\|float\),*\$/\1:\2/p" daemon/control/io.synward.varlink | grep -v '^ifindex:'
}
same "figures of the host" "$(figures HOST)" "$(told Host)"
same "figures of listeners" "$(figures LISTENER)" "$(told Listener)"
same "states" "$(names state_names daemon/core/verdict.c)" "$(section STATES | sed -n 's/^\.It Cm //p')"
same "diagnoses" "$(names diagnosis_names daemon/core/verdict.c)" "$(section DIAGNOSES | sed -n 's/^\.It Cm //p')"

# Settings by their whole names, in all manuals and pages.
pages=$(cat doc/*.[17] daemon/*.8 ctl/*.1 config/*.5.in doc/*.md README.md 2>/dev/null)
keys=$(sed -n 's/^#*\([a-z_]*\):.*/\1/p; s/^# *\([a-z_]*\): .*/\1/p; s/^ *#* *\([a-z_]*\):.*/\1/p' config/synward.yaml | sort -u)
for name in $(grep -oE '\b(poll|nflog|detect|syncookies|alerts|block|incidents|metrics|probe)\.[a-z_]+\b' <<<"$pages" | sort -u); do
        case $name in *.json | *.yaml | *.md | *.d | *.trouble | incidents.jsonl | block.entries | block.dropped* | metrics.socket) continue ;; esac
        grep -qx -- "${name#*.}" <<<"$keys" || { echo "not ok - there is no setting $name"; status=1; }
done

every "options of synwardd" \
        "$(sed -n 's/^        { "\([a-z-]*\)", .*/-\1/p' daemon/options.c | grep -v -- -verbose)" "$(cat daemon/synwardd.8)"
same "situations of a capture" \
        "$(cat daemon/replay/capture_*.c | tr '\n' ' ' | grep -oE '(say_verdict\(|situation = )[^;]*;' | grep -oE '"[a-z-]+"' | tr -d '"')" \
        "$(sed -n '/^\.Va situation$/,/^\.Ql empty/s/^\.Ql \([a-z-]*\).*/\1/p' daemon/synwardd.8)"
every "commands of synwardctl" \
        "$(sed -n 's/^        { "\([a-z]*\)", *[a-z_]*,.*/\1/p' ctl/main.c)" "$(cat ctl/synwardctl.1)"

version=$(sed -n 's/^AC_INIT(\[synward\], \[\(.*\)\])/\1/p' configure.ac)
for file in debian/changelog contrib/packaging/synward.spec contrib/packaging/PKGBUILD contrib/packaging/synward.nix NEWS; do
        grep -qF "$version" "$file" || { echo "not ok - $file is not of version $version"; status=1; }
done

for page in doc/*.7 daemon/*.8 ctl/*.1; do
        mandoc -T lint -W warning "$page" || status=1
done
[ $status -ne 0 ] || echo "ok - manuals"
exit $status
