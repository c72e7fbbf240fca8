#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the shells offer behind synwardctl: its commands and their options, all and no
# others, and the incidents of the daemon that the line names.
set -u
export LC_ALL=C.UTF-8

top=$(cd "${top_builddir:-.}" && pwd)
source=$(cd "${srcdir:-.}" && pwd)
completions=$source/contrib/completions
work=$(mktemp -d) || exit 99
socket=$work/control.sock
failed=0
skipped=

mkfifo "$work/in"
"$top/tests/unit/fake-daemon" "$socket" flood <"$work/in" >"$work/ready" &
daemon=$!
exec {to_daemon}>"$work/in"
# shellcheck disable=SC2317 # called by the trap
clean_up() {
        exec {to_daemon}>&-
        wait "$daemon"
        rm -rf "$work"
}
trap clean_up EXIT
for ((i = 0; i < 200; i++)); do
        [ ! -s "$work/ready" ] || break
        sleep 0.05
done
[ -s "$work/ready" ] || { echo "the fake daemon does not start"; exit 99; }
mkdir "$work/bin" "$work/home"
ln -s "$top/synwardctl" "$work/bin/synwardctl"
export PATH=$work/bin:$PATH HOME=$work/home

# The code: commands, and "command --long -short" of each option.
commands=$(sed -n '/^} commands\[\]/,/^};/s/^        { "\([a-z]*\)", .*/\1/p' "$source/ctl/main.c")
options=$(awk '
        FNR == 1 { name = FILENAME; gsub(/.*\/|\.c/, "", name) }
        match($0, /^int command_[a-z]*/) { name = substr($0, 13, RLENGTH - 12) }
        { rest = $0 }
        rest ~ /{ "[a-z]*", (no|required)_argument, NULL/ {
                while (match(rest, /{ "[a-z]*", [a-z]*_argument, NULL, .[a-zA-Z]/)) {
                        n = split(substr(rest, RSTART, RLENGTH), part, /"/)
                        print name, "--" part[2], "-" substr(rest, RSTART + RLENGTH - 1, 1)
                        rest = substr(rest, RSTART + RLENGTH)
                }
        }' "$source"/ctl/*.c)
[ "$(wc -w <<<"$commands")" -ge 13 ] && [ "$(wc -l <<<"$options")" -ge 18 ] ||
        { echo "the code's tables are not read: $commands; $options"; exit 99; }

# not_ok SHELL TEXT
not_ok() { echo "FAILED: $1: $2"; failed=$((failed + 1)); }

# compare SHELL: the code with what it offers.
compare() {
        local shell=$1 offered name long short word expected before=$failed

        offered=$("offer_$shell" '' '' | grep -v '^-' | sort | tr '\n' ' ')
        [ "$offered" = "$(sort <<<"$commands" | tr '\n' ' ')" ] || not_ok "$shell" "commands: $offered"
        for name in main $commands; do
                offered=" $("offer_$shell" "${name#main}" - | grep '^-' | tr '\n' ' ') "
                expected=" --json -j "
                while read -r long short; do
                        expected+="$long $short "
                        [[ $offered = *" $long "* || $offered = *" $short "* ]] ||
                                not_ok "$shell" "$name: no $long in$offered"
                done < <(sed -n "s/^$name //p" <<<"$options")
                for word in $offered; do
                        [[ $expected = *" $word "* ]] || not_ok "$shell" "$name: has no $word"
                done
        done
        offered=$("offer_$shell" incidents '' | grep -v '^-' | tr '\n' ' ')
        [ "$offered" = "3 " ] || not_ok "$shell" "incidents: $offered"
        [ $failed != "$before" ] || echo "ok: $shell"
}

# offer_SHELL COMMAND WORD: what it makes of the word behind "synwardctl --socket SOCKET COMMAND"; without a COMMAND, behind "synwardctl".
offer_bash() {
        bash --norc -c '. "$1"; shift
                COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
                _synwardctl && printf "%s\n" "${COMPREPLY[@]}"' \
                bash "$completions/synwardctl.bash" synwardctl ${1:+--socket "$socket" "$1"} "$2"
}

offer_fish() {
        fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$completions/synwardctl.fish" \
                "synwardctl ${1:+--socket $socket $1 }$2" | cut -f 1
}

# In a terminal: what its completion adds, until the key behind the line is read.
offer_zsh() {
        rm -f "$work/added" "$work/done"
        zsh -f "$work/ask.zsh" "synwardctl ${1:+--socket $socket $1 }$2" || echo "zsh: no answer to $*" >&2
        cat "$work/added"
}

cat >"$work/ask.zsh" <<END
zmodload zsh/zpty
wait_for() {
        local i
        for i in {1..400}; do
                [ ! -e \$1 ] || return 0
                zpty -rt z >/dev/null
                sleep 0.02
        done
        return 1
}
zpty -b z zsh -f -i
zpty -w z '. $work/asked.zsh'
wait_for $work/ready.zsh || exit 1
rm $work/ready.zsh
zpty -w -n z "\$1"\$'\t\x18'
wait_for $work/done
END
cat >"$work/asked.zsh" <<END
fpath=($completions \$fpath)
autoload -Uz compinit
compinit -u -d $work/dump
compadd() {
        local -a added
        [[ \${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]] || { builtin compadd "\$@"; return }
        builtin compadd -A added "\$@"
        print -rl -- \$added >>$work/added
}
finish() { : >$work/done }
zle -N finish
bindkey '^I' complete-word
bindkey '^X' finish
: >>$work/added
: >$work/ready.zsh
END

for shell in bash fish zsh; do
        if command -v $shell >/dev/null; then
                compare $shell
        else
                echo "not tried: no $shell here"
                skipped+=" $shell"
        fi
done
[ $failed = 0 ] || exit 1
[ -z "$skipped" ] || { echo "SKIP: no$skipped here"; exit 77; }
