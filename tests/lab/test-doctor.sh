#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# synwardctl doctor on what is beside a listener and its settings.
#   others    network namespaces, as a host sees those of its containers: a listener where SYN
#             cookies are off, its twin where they are on, one on loopback only: only the first
#             is told as serious, and the command of --fix mends it
#   programs  an XDP program, bpftune (its name alone), SYNPROXY: told while they are there
#   firewall  rules that drop or limit SYNs before a listener, and what a client of it finds: told; rules
#             such as distributions write, with the listener's port open: not
#
# shellcheck disable=SC2154 # names of lab.sh
. "$(dirname "$0")/lab.sh"
lab_need jq nft nsenter setpriv

doctor() { "$@" "$SYNWARD_BUILD/synwardctl" --socket "$lab_temp/none.sock" --json doctor >"$lab_temp/doctor.json"; }

# told FILTER: how many findings of the last look it holds for, in which $pid is that of the listener
told() { jq --arg pid "$1" "[.findings[] | select($2)] | length" "$lab_temp/doctor.json"; }
off='.id == "namespace_syncookies" and .severity == "serious" and (.command | contains(" \($pid) "))'
listed='.id == "namespaces" and (.why | contains("(pid \($pid))"))'

cookies() { lab_in "$1" cat /proc/sys/net/ipv4/tcp_syncookies; }

others() {
        local web twin inside command

        lab_up cookies=0 router=1
        lab_write_sysctls inner ipv4/tcp_syncookies=0
        lab_server web --listen 0.0.0.0:80 --listen '[::]:443' --backlog 511
        LAB_SERVER_IN=client lab_server twin --listen 0.0.0.0:80 --backlog 511
        LAB_SERVER_IN=inner lab_server inside --listen 127.0.0.1:80 --listen '[::1]:80' --backlog 511
        web=${lab_pid[web]} twin=${lab_pid[twin]} inside=${lab_pid[inside]}

        doctor env
        lab_check "an exit status of 1" "$? == 1"
        lab_check "cookies are off beside an open port: serious" "$(told "$web" "$off") == 1"
        lab_check "its ports are told" "$(told "$web" "$off and (.why | test(\"open ports: (80, 443|443, 80)[.]\"))") == 1"
        lab_check "they are on: it is not" "$(told "$twin" "$off") == 0"
        lab_check "nobody but itself can reach it: neither" "$(told "$inside" "$off") + $(told "$inside" "$listed") == 0"
        lab_check "looking changes nothing" "$(cookies server) == 0 && $(cookies client) == 1"

        doctor lab_in client
        lab_check "seen from the twin's, that is no other" "$(told "$twin" "$listed") == 0"
        lab_check "the first still is" "$(told "$web" "$off") == 1"

        doctor setpriv --reuid=65534 --regid=65534 --clear-groups
        lab_check "who may not look is told so" "$(told "$web" '.id == "namespaces_unseen"') == 1"
        lab_check "and finds nothing fine, nor off" "$(told "$web" '.id == "namespaces" and .severity == "fine"') + $(told "$web" "$off") == 0"

        # Root without CAP_SYS_ADMIN sees them, and may not enter.
        doctor setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin
        lab_check "who may not enter: not known, not off" "$(told "$web" "$off") == 0"
        lab_check "and how to look is told" \
                "$(told "$web" '.id == "namespaces" and (.why | test(": not known.* nsenter -t [0-9]+ -n sysctl net.ipv4.tcp_syncookies"))') == 1"

        "$SYNWARD_BUILD/synwardctl" --socket "$lab_temp/none.sock" doctor --fix >"$lab_temp/fix"
        command=$(grep "^nsenter -t $web -n sysctl -w net.ipv4.tcp_syncookies=1$" "$lab_temp/fix")
        lab_check "--fix has the command" "${#command} > 0"
        sh -c "$command" >/dev/null
        doctor env
        lab_check "carried out, it is mended" "$(cookies server) == 1 && $(told "$web" "$off") == 0"
        lab_down
}

# has ID TEXT [WHY]: a finding, of which WHY is a part
has() { lab_check "$2" "$(jq --arg id "$1" --arg why "${3:-}" '[.findings[] | select(.id == $id and (.why | contains($why)))] | length' "$lab_temp/doctor.json") == 1"; }
has_not() { lab_check "$2" "$(jq --arg id "$1" '[.findings[] | select(.id == $id)] | length' "$lab_temp/doctor.json") == 0"; }

programs() {
        lab_up cookies=1
        doctor lab_in server
        has_not xdp "no XDP program: none is told"
        has_not synproxy "no SYNPROXY: none is told"

        lab_spawn xdp server "$SYNWARD_BUILD/tests/lab/xdp-pass" lo
        if lab_wait_for 5 grep -q ready "$lab_temp/xdp.out"; then
                doctor lab_in server
                has xdp "an XDP program is told" "lo (program $(sed -n 's/^ready //p' "$lab_temp/xdp.out"))"
                doctor lab_in client
                has_not xdp "that of another network namespace is not"
                lab_end xdp
                doctor lab_in server
                has_not xdp "it has gone: no longer"
        else
                lab_note "no XDP here: $(cat "$lab_temp/xdp.err")"
        fi

        cp "$(command -v sleep)" "$lab_temp/bpftune"
        lab_spawn bpftune server "$lab_temp/bpftune" 60
        lab_wait_for 5 grep -qx bpftune "/proc/${lab_pid[bpftune]}/comm" || lab_abort "bpftune did not start"
        doctor lab_in server
        has bpftune "bpftune is told" "(pid ${lab_pid[bpftune]})"
        lab_end bpftune

        lab_server web --listen 0.0.0.0:443 --backlog 511
        lab_write_sysctls server netfilter/nf_conntrack_tcp_loose=1
        if lab_in server nft "table inet own {
                chain pre { type filter hook prerouting priority raw; tcp dport 443 tcp flags syn notrack; };
                chain in { type filter hook input priority 0; tcp dport 443 ct state invalid,untracked synproxy mss 1460 \
                        wscale 7 timestamp sack-perm; ct state invalid drop; }; }" 2>"$lab_temp/nft.err"; then
                doctor lab_in server
                has_not synproxy "SYNPROXY that has seen no SYN is not told"
                lab_honest clients --to $LAB_SERVER4:443 --rate 50 --duration 1s --timeout 1s
                lab_finish clients
                doctor lab_in server
                has synproxy "SYNPROXY in use is told" "must be invalid to tracking"
                lab_write_sysctls server netfilter/nf_conntrack_tcp_loose=0
                doctor lab_in server
                has synproxy "with tcp_loose 0 as well"
                lab_check "but without a command" "$(jq '[.findings[] | select(.id == "synproxy" and .command == null)] | length' "$lab_temp/doctor.json") == 1"
        else
                lab_note "this kernel has no SYNPROXY: $(head -n 1 "$lab_temp/nft.err")"
        fi
        lab_down
}

# rules TEXT: these, and no others; what doctor says of them in the end
rules() {
        lab_in server nft flush ruleset
        lab_in server nft "$1" || lab_abort "nft refused the rules"
        doctor lab_in server
}

# silent TEXT: nothing is said of a firewall but that nothing is known
silent() {
        lab_check "$1: nobody is accused" "$(jq '[.findings[] | select(.id | startswith("firewall")) | select(.severity != "fine")] | length' "$lab_temp/doctor.json") == 0"
}

# passes PORT: whether a client gets through, 1 or 0
passes() { lab_in client timeout 1 bash -c "exec 3<>/dev/tcp/$LAB_SERVER4/$1" 2>/dev/null && echo 1 || echo 0; }

debian='table inet filter {
        chain input { type filter hook input priority filter; }
        chain forward { type filter hook forward priority filter; }
        chain output { type filter hook output priority filter; }
}'

# As many write it by hand.
workstation='table inet filter {
        set open { type inet_service; flags interval; elements = { 80, 8000-8100 }; }
        chain input {
                type filter hook input priority filter; policy drop;
                ct state vmap { established : accept, related : accept, invalid : drop }
                iifname "lo" accept
                tcp flags & (fin|syn|rst|ack) != syn ct state new drop
                fib saddr . iif oif missing drop
                ip protocol icmp limit rate 5/second accept
                meta l4proto ipv6-icmp accept
                udp dport { 53, 5353 } accept
                ip saddr 10.0.0.0/8 tcp dport 443 accept
                tcp dport @open ct state new accept
                limit rate 3/minute log prefix "dropped "
                counter reject with icmpx admin-prohibited
        }
}'

# In the manner of firewalld 1.3: by zones, ended by a reject.
firewalld='table inet firewalld {
        chain filter_PREROUTING { type filter hook prerouting priority filter + 10; policy accept;
                icmpv6 type { nd-router-advert, nd-neighbor-solicit } accept
                meta nfproto ipv6 fib saddr . mark . iif oif missing drop
        }
        chain mangle_PREROUTING { type filter hook prerouting priority mangle + 10; policy accept; jump mangle_ZONES; }
        chain mangle_ZONES { return; }
        chain nat_PREROUTING { type nat hook prerouting priority dstnat + 10; policy accept; jump nat_ZONES; }
        chain nat_ZONES { return; }
        chain filter_INPUT { type filter hook input priority filter + 10; policy accept;
                ct state { established, related } accept
                ct status dnat accept
                iifname "lo" accept
                ct state invalid drop
                jump filter_INPUT_ZONES
                reject with icmpx admin-prohibited
        }
        chain filter_INPUT_ZONES { iifname "eth9" goto filter_IN_internal; goto filter_IN_public; }
        chain filter_IN_internal { tcp dport 22 accept; }
        chain filter_IN_public { jump filter_IN_public_allow; meta l4proto { icmp, ipv6-icmp } accept; }
        chain filter_IN_public_allow { tcp dport 80 accept; tcp dport 443 accept; }
}'

# What docker and ufw have iptables-nft write, in short.
docker='*nat
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 172.17.0.2:80
COMMIT
*filter
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-USER -j RETURN
COMMIT'
ufw='*filter
:INPUT DROP [0:0]
:ufw-before-input - [0:0]
:ufw-user-input - [0:0]
:ufw-not-local - [0:0]
:ufw-track-input - [0:0]
-A INPUT -j ufw-before-input
-A INPUT -j ufw-user-input
-A INPUT -j ufw-track-input
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -m conntrack --ctstate INVALID -j DROP
-A ufw-before-input -p icmp -j ACCEPT
-A ufw-before-input -j ufw-not-local
-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN
-A ufw-not-local -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW BLOCK] "
-A ufw-not-local -d 239.0.0.0/8 -j DROP
-A ufw-user-input -p tcp -m tcp --dport 80 -j ACCEPT
-A ufw-user-input -p tcp -m tcp --dport 443 -j ACCEPT
COMMIT'

# saved NAME RULES: as iptables-save writes them
saved() {
        lab_in server nft flush ruleset
        if lab_in server iptables-nft-restore <<<"$2" 2>"$lab_temp/restore.err"; then
                doctor lab_in server
                silent "$1"
        else
                lab_note "iptables-nft does not take the rules of $1: $(head -n 1 "$lab_temp/restore.err")"
        fi
}

firewall() {
        local closed='table inet own { chain in { type filter hook input priority 0; policy drop; ct state established accept; iif lo accept; tcp dport 443 accept; }; }'

        lab_up cookies=1
        lab_server web --listen 0.0.0.0:80 --listen 0.0.0.0:443 --listen 127.0.0.1:8080 --backlog 511

        rules "$closed"
        has firewall_drops "the policy drops: told" "0.0.0.0:80: no new connection"
        lab_check "of that port only, and its client finds it so" "$(jq '[.findings[] | select(.id | startswith("firewall")) | select(.why | test("443|8080"))] | length' "$lab_temp/doctor.json") == 0 && $(passes 80) == 0 && $(passes 443) == 1"
        rules "table ip own { chain in { type filter hook input priority 0; tcp dport 80 counter drop; }; }"
        passes 80 >/dev/null
        doctor lab_in server
        has firewall_drops "a rule that drops: told, with what it dropped" "rule 2 (chain ip own in, by its counter"
        lab_check "which was something" "$(jq -r '.findings[] | select(.id == "firewall_drops") | .why | capture("counter (?<n>[0-9]+)").n' "$lab_temp/doctor.json") > 0"
        rules "table ip own { chain pre { type filter hook prerouting priority raw; tcp dport 80 tcp flags syn drop; }; }"
        has firewall_drops "before connection tracking: told" "chain ip own pre"
        rules "table inet own { chain in { type filter hook input priority 0; tcp dport 80 tcp flags syn limit rate over 5/second drop; }; }"
        has firewall_limits "a rate for all: told" "lets 5 SYNs a second pass"
        rules "table inet own { set s { type ipv4_addr; flags dynamic; timeout 1m; }
                chain in { type filter hook input priority 0; tcp dport 80 ct state new add @s { ip saddr limit rate over 5/second } drop; }; }"
        has firewall_limits_each "a rate for each source: told" "lets 5 SYNs a second of each pass"

        rules "$debian"
        silent "Debian's own"
        has firewall "and that it was looked at" "0 rules"
        rules "$workstation"
        silent "one port in a set, one for some addresses"
        lab_check "its client finds it so" "$(passes 80) == 1"
        rules "$firewalld"
        silent "firewalld's"
        lab_check "its client finds it so" "$(passes 80) + $(passes 443) == 2"
        saved docker "$docker"
        saved ufw "$ufw"
        lab_in server nft flush ruleset

        doctor lab_in server setpriv --reuid=65534 --regid=65534 --clear-groups
        has firewall_unseen "who may not look is told so" "takes root"
        has_not firewall "and finds nothing fine"
        rules "$closed"
        lab_check "looking changes nothing" "$(lab_in server nft list ruleset | grep -c 'tcp dport 443 accept') == 1"
        lab_down
}

lab_scenarios "others programs firewall" "$@"
lab_done
