# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for synwardctl

# From synwardctl's own table.
function __synwardctl_commands
        command synwardctl --help | string replace -rf '^  ([a-z]+) +(?:\[.*\] +)?(.*)' '$1\t$2'
end

# The command of the line that is typed.
function __synwardctl_command
        set -l words (commandline -opc)
        argparse --stop-nonopt s/socket= j/json version help -- $words[2..] 2>/dev/null
        and string match -- '*' $argv[1]
end

function __synwardctl_incidents
        set -l words (commandline -opc)
        argparse --stop-nonopt s/socket= j/json version help -- $words[2..] 2>/dev/null
        and command synwardctl --socket=$_flag_socket incidents 2>/dev/null |
                string replace -rf '^ *([0-9]+) +(\S+).*' '$1\t$2'
end

function __synwardctl_in
        contains -- (__synwardctl_command) $argv
end

complete -c synwardctl -f
complete -c synwardctl -n 'not __synwardctl_command' -a '(__synwardctl_commands)'
complete -c synwardctl -n 'not __synwardctl_command' -s s -l socket -rF -d 'control socket'
complete -c synwardctl -s j -l json -d 'one JSON document'
complete -c synwardctl -n 'not __synwardctl_command' -l version
complete -c synwardctl -n 'not __synwardctl_command' -l help
complete -c synwardctl -n '__synwardctl_in listeners sources history events' -s n -x -d 'at most'
complete -c synwardctl -n '__synwardctl_in sources' -l prefix -d networks
complete -c synwardctl -n '__synwardctl_in sources' -l bucket -x -d 'of the fleet sketches: row and cell'
complete -c synwardctl -n '__synwardctl_in history' -l csv -d comma-separated
complete -c synwardctl -n '__synwardctl_in incidents' -ka '(__synwardctl_incidents)'
complete -c synwardctl -n '__synwardctl_in incidents' -l html -d 'a page'
complete -c synwardctl -n '__synwardctl_in incidents' -l text -d 'for mail'
complete -c synwardctl -n '__synwardctl_in metrics' -l http -d 'one exchange'
complete -c synwardctl -n '__synwardctl_in events' -s f -d follow
complete -c synwardctl -n '__synwardctl_in check' -s w -x -d warning
complete -c synwardctl -n '__synwardctl_in check' -s c -x -d critical
complete -c synwardctl -n '__synwardctl_in doctor' -l fix -d 'print what mends it'
complete -c synwardctl -n '__synwardctl_in doctor' -l proc -xa '(__fish_complete_directories)' -d 'copy of /proc'
