# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for synwardctl

_synwardctl() {
        local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command='' i socket=()

        case $prev in
        -s | --socket)
                mapfile -t COMPREPLY < <(compgen -f -- "$cur")
                return
                ;;
        --proc)
                mapfile -t COMPREPLY < <(compgen -d -- "$cur")
                return
                ;;
        esac
        for ((i = 1; i < COMP_CWORD; i++)); do
                case ${COMP_WORDS[i]} in
                -s | --socket)
                        ((i++))
                        [ "${COMP_WORDS[i]}" != = ] || ((i++))
                        socket=(--socket "${COMP_WORDS[i]}")
                        ;;
                -*) ;;
                *)
                        command=${COMP_WORDS[i]}
                        break
                        ;;
                esac
        done
        case $command in
        '') i="$(command synwardctl --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p') --socket --json --version --help" ;;
        listeners) i='-n --json' ;;
        sources) i='-n --prefix --bucket --json' ;;
        history) i='-n --csv --json' ;;
        incidents)
                i=$(command synwardctl "${socket[@]}" incidents 2>/dev/null | awk '$1 ~ /^[0-9]+$/ { print $1 }')
                i+=' --html --text --json'
                ;;
        metrics) i='--http --json' ;;
        events) i='-f -n --json' ;;
        check) i='-w -c' ;;
        doctor) i='--fix --proc --json' ;;
        *) i='--json' ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$i" -- "$cur")
}
complete -F _synwardctl synwardctl
