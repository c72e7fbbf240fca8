#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every number by which the detector decides has a row in doc/detector.md, with the value that
# the code has; and every row is of a number that is there.
#   tests/lint/constants.sh
# A row is | `NAME` | file | value | unit | kind | …, for a bare number | `0.5` | file | …. Values of names
# that end in _US are told in seconds. The page says what the kinds are. What was chosen has to be
# trusted, so there is never more of it than there was.
cd "$(dirname "$0")/../.." || exit 1
page=doc/detector.md
kinds=' chosen derived kernel size words unit '
chosen_at_most=46 # lower it with each that goes; never raise it

# Of daemon/core what decides nothing about a flood: tcp_syncookies and its protocol, words and
# figures, settings, what is kept of the past. A new file counts.
elsewhere=' address advice block_news cookie_governor engine event explain figures finished
fleet_sketch history impact keyed_hash listener_accounts listener_totals
observation_ring picture probe_course queue_course rate settings siphash snapshot symptoms syn '

files=()
for f in daemon/core/*.[ch]; do
        name=${f##*/}
        [[ $elsewhere == *[[:space:]]${name%.*}[[:space:]]* ]] || files+=("$f")
done

report=$(awk -v page="$page" -v kinds="$kinds" -v chosen_at_most="$chosen_at_most" '
        function seconds(name, value) {
                return name ~ /_US$/ && value ~ /^[0-9]+$/ ? value / 1000000 "" : value
        }
        # Once for each place and name: FILE:LINE and value.
        function found(file, name, value) {
                gsub(/U?INT(32|64)_C/, "", value)
                if (value ~ /^\([0-9]+\)$/)
                        value = substr(value, 2, length(value) - 2)
                code[file, name] = seconds(name, value)
                at[file, name] = FILENAME ":" FNR
        }
        function trim(s) {
                gsub(/^[ \t`]+|[ \t`]+$/, "", s)
                return s
        }
        FNR == 1 {
                file = FILENAME
                sub(/.*\//, "", file)
                comment = 0
        }
        FILENAME == page {
                if ($0 !~ /^\| `[A-Z0-9][A-Z_0-9.]*` \|/)
                        next
                split($0, cell, /\|/)
                name = trim(cell[2])
                row[trim(cell[3]), name] = trim(cell[4])
                row_at[trim(cell[3]), name] = FILENAME ":" FNR
                kind_of[trim(cell[3]), name] = trim(cell[6])
                next
        }
        {
                line = $0
                gsub(/\/\*.*\*\//, "", line)
                gsub(/"[^"]*"/, "", line)
                if (comment) {
                        if (line !~ /\*\//)
                                next
                        sub(/.*\*\//, "", line)
                        comment = 0
                }
                if (line ~ /\/\*/) {
                        sub(/\/\*.*/, "", line)
                        comment = 1
                }
        }
        line ~ /^#define [A-Z][A-Z_0-9]* .*[0-9(]/ && line !~ /_C\(0\)/ {
                split(line, word, / +/)
                value = line
                sub(/^#define [A-Z_0-9]* +/, "", value)
                found(file, word[2], trim(value))
                next
        }
        # An enumerator with a value; a bit of a set (1 << n) is none, 0 a name for nothing, and what
        # follows from another is told there.
        {
                rest = line
                while (match(rest, /[^A-Za-z0-9_][A-Z][A-Z_0-9]* = [^,}]*/)) {
                        one = substr(rest, RSTART + 1, RLENGTH - 1)
                        rest = substr(rest, RSTART + RLENGTH)
                        split(one, part, / = /)
                        part[2] = trim(part[2])
                        if (part[2] !~ /<</ && part[2] !~ /;/ && part[2] !~ /^0$/ && part[2] !~ /[a-z|]/ && part[2] ~ /[0-9]/)
                                found(file, part[1], part[2])
                }
        }
        # A fraction in the midst of it decides as well; halves of a rounding and units do not.
        {
                rest = line
                while (match(rest, /[^A-Za-z0-9_.][0-9]+\.[0-9]+/)) {
                        one = substr(rest, RSTART + 1, RLENGTH - 1)
                        rest = substr(rest, RSTART + RLENGTH)
                        if (one !~ /\.0$/)
                                found(file, one, one)
                }
        }
        END {
                for (k in code) {
                        split(k, part, SUBSEP)
                        if (!(k in row))
                                print at[k] ": " part[2] " has no row in " page
                        else if (row[k] != code[k])
                                print row_at[k] ": " part[2] " is " row[k] ", but " code[k] " in " at[k]
                }
                for (k in row)
                        if (!(k in code)) {
                                split(k, part, SUBSEP)
                                print row_at[k] ": no " part[2] " in " part[1]
                        }
                for (k in kind_of) {
                        split(k, part, SUBSEP)
                        if (kind_of[k] == "" || index(kinds, " " kind_of[k] " ") == 0)
                                print row_at[k] ": " part[2] " is of no kind:" kinds
                        counts[kind_of[k]]++
                }
                if (counts["chosen"] > chosen_at_most)
                        print page ":0: " counts["chosen"] " are chosen, " chosen_at_most " were"
                if (counts["chosen"] < chosen_at_most)
                        print page ":0: " counts["chosen"] " are chosen: lower chosen_at_most"
                n = split(kinds, each, " ")
                for (i = 1; i <= n; i++)
                        told = told (i > 1 ? ", " : "") counts[each[i]] + 0 " " each[i]
                print "kinds " told
        }' "${files[@]}" "$page" | sort -V)
bad=$(grep -v '^kinds ' <<<"$report")
told=$(sed -n 's/^kinds //p' <<<"$report")
if [ -n "$bad" ] || [ -z "$told" ]; then
        printf 'not ok - constants of the detector and %s:\n%s\n' "$page" "$bad"
        exit 1
fi
echo "ok - constants of the detector are in $page: $told"
