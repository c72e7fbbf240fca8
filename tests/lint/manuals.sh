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
# section NAME: of synward.7, whose figures are not in here: they are made from their table.
section() { sed -n "/^\.Sh $1/,/^\.Sh /p" doc/synward.7.in; }

same "events and their severities" \
        "$(sed -n 's/.*\[EVENT_[A-Z_]*\] = { "\(.*\)", SEVERITY_\([A-Z]*\) }.*/\1 \L\2/p' daemon/core/event.c)" \
        "$(section EVENTS | sed -n 's/^\.It \([a-z-]*\) Ta \([a-z]*\) Ta .*/\1 \2/p')"
same "fields of events but figures" \
        "$(sed -n 's/.*add_[a-z]*([^"]*"\([a-z_]*\)".*/\1/p' daemon/format/event_fields.c)" \
        "$(section EVENTS | sed -n 's/^\.It Va //p' | tr -d ' ' | tr , '\n')"
same "states" "$(names state_names daemon/core/verdict.c)" "$(section STATES | sed -n 's/^\.It Cm //p')"
same "diagnoses" "$(names diagnosis_names daemon/core/verdict.c)" "$(section DIAGNOSES | sed -n 's/^\.It Cm //p')"

# Settings by their whole names, in all manuals and pages.
pages=$(cat doc/*.7.in daemon/*.8 ctl/*.1 config/*.5.in doc/*.md README.md)
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

for page in doc/*.7.in daemon/*.8 ctl/*.1; do
        mandoc -T lint -W warning "$page" || status=1
done
[ $status -ne 0 ] || echo "ok - manuals"
exit $status
