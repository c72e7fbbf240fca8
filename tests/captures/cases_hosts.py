# SPDX-License-Identifier: GPL-2.0-or-later
"""Which host it is, and from where it was captured: captures, each with what it has to be told to be."""
from cases import *


# --- which host --------------------------------------------------------------------------------------------

@case("flood", r"at port 8443 of 203\.0\.113\.0/24: 4,000 handshakes", "flood", "flood-spoofed", unlike="more listener")
def over_a_network(r):
    t = Traffic(r)
    for i in range(4000):
        t.syn(1 + i / 800, t.stranger(), t.port(), "203.0.113.%d" % r.randrange(256), 8443, (0, 1, 3))
    return pcap(wrapped(t))


@case("flood", r"at port 443 of 203\.0\.112\.0/2\d: 6,000 handshakes.*answers none", "flood", "flood-spoofed")
def over_several_networks_unanswered(r):
    t = Traffic(r)
    for i in range(6000):
        t.syn(1 + i / 800, t.stranger(), t.port(), "203.0.%d.%d" % (112 + i % 4, r.randrange(256)), 443)
    return pcap(wrapped(t))


@case("flood", r"at port 443 of 2001:db8:5:1::/64", "flood", "flood-spoofed")
def over_a_network_of_ipv6(r):
    t = Traffic(r)
    for i in range(4000):
        t.syn(1 + i / 800, str(ipaddress.ip_address(0x2A00 << 112 | r.getrandbits(110))), t.port(),
              "2001:db8:5:1::%x" % r.randrange(1, 40), 443, (0, 1, 3))
    return pcap(wrapped(t))


@case("flood", r"at port 443 of 2001:db8:5::/5\d: 4,000", "flood", "flood-spoofed")
def over_many_networks_of_ipv6(r):
    t = Traffic(r)
    for i in range(4000):
        t.syn(1 + i / 800, str(ipaddress.ip_address(0x2A00 << 112 | r.getrandbits(110))), t.port(),
              "2001:db8:5:%x::1" % r.randrange(0, 2000), 443, (0, 1))
    return pcap(wrapped(t))


@case("no-flood", "all finished", "honest", listener=("127.0.0.1", 5432), copies=True)
def loopback_seen_twice(r):
    t = Traffic(r)
    t.honest(0, 10, 30, "127.0.0.1", 5432, net="127.0.8.0/24")
    frames = []
    for at, p, _ in t.sort_by_time():
        frames += [(at, sll2(p, 4)), (at + 0.00001, sll2(p, 0))]
    return pcap(frames, SLL2)


@case("flood", "at 192.0.2.80:80: 1,600 handshakes", "flood", syns=1600)
def both_sides_of_a_bridge(r):
    frames = []
    for at, p, _ in flooded(r).sort_by_time():
        frames += [(at, sll(p)), (at + 0.00002, sll(p, 4)), (at + 0.00003, sll(p, 3))]
    return pcap(frames, SLL)


@case("no-flood", "all finished", "honest", listener=(HOST, 443), unlike="8.8.8.8")
def also_asks_others(r):
    t = Traffic(r)
    t.honest(0, 10, 30, HOST, 443)
    for i in range(100):
        t.connection(i / 10, HOST, t.port(), "8.8.8.8", 53)
    return pcap(wrapped(t))


@case("cannot-tell", "nothing here is aimed at a listener: its 400 handshakes are this host's own", "nothing-aimed-here")
def captured_at_a_client(r):
    t = Traffic(r)
    for i in range(400):
        t.connection(i / 40, "10.1.1.1", t.port(), t.stranger(), 443)
    return pcap(wrapped(t))


@case("flood", r"spoofed addresses at 192\.0\.2\.80:80", "flood", "flood-spoofed", unlike=r"10\.0\.0")
def flood_beside_checks(r):
    t = flooded(r, 5)
    for i in range(2000):
        seq = t.syn(i / 200, "10.0.0.9", 20000 + i, HOST, 80, (0,))
        t.client(i / 200 + 0.001, "10.0.0.9", 20000 + i, HOST, 80, RST, seq + 1)
    return pcap(wrapped(t))


@case("flood", r"at 203\.0\.113\.12:443", "flood", "flood-spoofed", unlike="more listener")
def mirrored_port(r):
    t = Traffic(r)
    for k in range(5):
        t.honest(0, 10, 20, "203.0.113.%d" % (10 + k), 443)
    t.flood(3, 5, 500, "203.0.113.12", 443)
    for i in range(200):
        t.connection(i / 20, "203.0.113.10", t.port(), t.stranger(), 443)
    return pcap(wrapped(t))


@case("cannot-tell", r"nothing here is aimed at a listener: 3,000 SYN-ACKs from .* answer SYNs that 192\.0\.2\.80 never sent",
      "backscatter")
def backscatter(r):
    t = Traffic(r)
    for i in range(3000):
        source, port = t.stranger(), t.port()
        for copy in (0, 1):
            t.server(1 + i / 500 + copy, source, 443, HOST, port, SYN | ACK, 99, r.getrandbits(32))
            t.client(1 + i / 500 + copy + 0.0001, HOST, port, source, 443, RST, 1)
    return pcap(wrapped(t))


@case("no-flood", "all finished", "honest", listener=(HOST, 443), note="SYN-ACKs answer SYNs that are not in the capture")
def reflectors_beside_honest(r):
    t = Traffic(r)
    t.honest(0, 10, 40, HOST, 443)
    for i in range(2000):
        t.server(1 + i / 400, t.stranger(), 80, HOST, t.port(), SYN | ACK, 99, r.getrandbits(32))
    return pcap(wrapped(t))


@case("cannot-tell", r"nothing here is aimed at a listener: 1,9\d\d SYN-ACKs from [345] addresses answer SYNs that 192\.0\.2\.80 never",
      "backscatter")
def few_reflectors(r):
    t = Traffic(r)
    for i in range(2000):
        source, port = "45.3.3.%d" % (1 + i % 4), t.port()
        t.server(1 + i / 400, source, 80, HOST, port, SYN | ACK, 99, r.getrandbits(32))
        t.client(1.0001 + i / 400, HOST, port, source, 80, RST, 1)
    return pcap(wrapped(t))


@case("cannot-tell", r"nothing here is aimed at a listener: 4,000 SYNs to many ports.*forged by the look", "many-ports")
def forged_to_random_ports(r):
    t = Traffic(r)
    for i in range(4000):
        t.refused(i / 800, t.stranger(), t.port(), HOST, r.randrange(1, 65536))
    return pcap(wrapped(t))


@case("no-flood", r"a scan by 45\.2\.2\.2", "port-scan", "port-scan")
def scan_of_open_ports(r):
    t = Traffic(r)
    for i in range(100):
        to = "192.0.2.%d" % (1 + i)
        seq = t.syn(i / 40, "45.2.2.2", 50000 + i, to, 8000 + i, (0,))
        t.client(i / 40 + 0.02, "45.2.2.2", 50000 + i, to, 8000 + i, RST, seq + 1)
    return pcap(wrapped(t))


@case("no-flood", "no flood, but 3. handshakes are finished by nobody", "few-unfinished")
def a_few_strays(r):
    t = flooded(r, 12, 3)
    t.connection(0.5, "198.51.100.9", 5555, HOST, 80)
    return pcap(wrapped(t))


@case("cannot-tell", "nothing here is aimed at a listener.*a scan", "port-scan", "port-scan")
def scan(r):
    t = Traffic(r)
    for i in range(4000):
        port = r.randrange(1, 65536)
        seq = t.syn(i / 400, "45.2.2.2", 50000, HOST, port)
        if i % 3:
            t.server(i / 400 + 0.0001, HOST, port, "45.2.2.2", 50000, RST | ACK, 0, seq + 1)
    return pcap(wrapped(t))


@case("flood", r"at \*:80: ", "flood", options=("--replay-listen", "*:80"))
def any_address_named(r):
    t = flooded(r)
    t.flood(1, 4, 300, "198.18.0.1", 80)
    return pcap(wrapped(t))


@case("cannot-tell", "nothing here is aimed at a listener", options=("--replay-local", "10.0.0.0/8"))
def another_host_is_meant(r):
    return pcap(wrapped(flooded(r)))


# --- one direction -----------------------------------------------------------------------------------------

def one_way(traffic, by_server):
    return [(t, ether(p)) for t, p, server in traffic.sort_by_time() if server == by_server]


@case("flood", r"only one direction \(what the server sent\).*a flood by the look of it", "one-direction", answered=1600)
def flood_outgoing(r):
    return pcap(one_way(flooded(r), True))


@case("flood", "spoofed addresses at", "flood", handshakes=1800, finished=200)
def flood_incoming_beside_honest(r):
    t = flooded(r)
    t.honest(0, 10, 20, HOST, 80)
    return pcap(one_way(t, False))


@case("flood", "spoofed addresses at", "flood", unanswered=1600)
def flood_incoming(r):
    return pcap(one_way(flooded(r), False))


@case("cannot-tell", r"only one direction \(what came in\); nothing in it looks like a flood", "one-direction", finished=500)
def honest_incoming(r):
    t = Traffic(r)
    t.honest(0, 10, 50, HOST, 80)
    return pcap(one_way(t, False))


@case("cannot-tell", r"only one direction \(what the server sent\); nothing in it looks like a flood", "one-direction", finished=500)
def honest_outgoing(r):
    t = Traffic(r)
    t.honest(0, 10, 50, HOST, 80)
    return pcap(one_way(t, True))


@case("cannot-tell", "only SYNs and SYN-ACKs are in it", "only-syns", unlike="no flood")
def honest_by_a_filter_for_syns(r):
    t = Traffic(r)
    t.honest(0, 10, 50, HOST, 80)
    return pcap([(at, ether(p)) for at, p, _ in t.sort_by_time() if p[33] & SYN])


@case("flood", "spoofed", "flood")
def flood_by_a_filter_for_syns(r):
    t = flooded(r)
    t.honest(0, 10, 20, HOST, 80)
    return pcap([(at, ether(p)) for at, p, _ in t.sort_by_time() if p[33] & SYN])


# --- asked by few, or for nobody here ----------------------------------------------------------------------

@case("no-flood", r"2,997 SYNs to many ports or addresses, few to each: a scan by 45\.2\.2\.2; beside it 3 handshakes",
      "port-scan", "port-scan")
def scan_that_finds_some_ports_open(r):
    t = Traffic(r)
    for port in range(1, 3001):
        if port not in (22, 80, 443):
            t.refused(port / 300, "45.2.2.2", 50000, HOST, port)
            continue
        seq = t.syn(port / 300, "45.2.2.2", 50000, HOST, port, (0,))
        t.client(port / 300 + 0.02, "45.2.2.2", 50000, HOST, port, RST, seq + 1)
    return pcap(wrapped(t))


@case("no-flood", r"a scan( by \S+)? of port 22 of 192\.0\.\S+/\d\d", "port-scan", "port-scan", unlike="flood-")
def sweep_of_a_network(r):
    """Two who look for ssh on three thousand addresses, of which some answer."""
    t = Traffic(r)
    for i in range(3000):
        to = "192.0.%d.%d" % (2 + i // 250, 1 + i % 250)
        for source in ("45.2.2.2", "77.3.3.3"):
            seq = t.syn(i / 500, source, 50000, to, 22, (0,) if i % 20 == 0 else ())
            if i % 20 == 0:
                t.client(i / 500 + 0.02, source, 50000, to, 22, RST, seq + 1)
    return pcap(wrapped(t))


@case("flood", r"at port 443 of 203\.0\.113\.0/24.*45\.2\.2\.2 sends (9\d|100) %", "flood", "flood-concentrated")
def one_source_at_a_network(r):
    t = Traffic(r)
    for i in range(6400):
        t.syn(1 + i / 1000, "45.2.2.2", t.port(), "203.0.113.%d" % (i % 64), 443, (0, 1, 3))
    return pcap(wrapped(t))


@case("cannot-tell", r"4,000 SYNs go out to 203\.0\.113\.9:80 from 192\.0\.2\.80, .*floods that one", "outgoing", unlike="scan")
def flood_that_goes_out(r):
    t = Traffic(r)
    for i in range(4000):
        t.syn(i / 800, HOST, t.port(), "203.0.113.9", 80, (0,))
    return pcap([(at, sll2(p, 0 if server else 4)) for at, p, server in t.sort_by_time()], SLL2)


@case("cannot-tell", r"of those that were named none is in it; 1,600 SYNs go elsewhere, most to 192\.0\.2\.80:80",
      "nothing-aimed-here", options=("--replay-listen", "192.0.2.99:80"), unlike="scan|many ports")
def another_listener_is_meant(r):
    return pcap(wrapped(flooded(r)))


@case("flood", r"at \*:80: 2,800 handshakes", "flood", options=("--replay-listen", "*:80"), unlike="more listener", handshakes=2800)
def any_address_of_both_families(r):
    t = flooded(r)
    t.flood(1, 4, 300, SIX, 80, sources=six(r))
    return pcap(wrapped(t))


@case("flood", r"at 203\.0\.113\.5:443: ", "flood", "flood-spoofed", unlike=r"more listener|10\.1\.0")
def balancer_that_connects_and_checks_from_one_address(r):
    t = Traffic(r)
    t.honest(0, 10, 60, "203.0.113.5", 443)
    t.flood(2, 5, 800, "203.0.113.5", 443)
    balance(t)
    return pcap(wrapped(t))


@case("no-flood", r"half-open checks from 10\.1\.0\.1 \(400", "half-open-checks", finished=600)
def balancer_behind(r):
    t = Traffic(r)
    balance(t)
    return pcap(wrapped(t))


def balance(t):
    """A balancer's connections to four servers, and its half-open checks of them."""
    for i in range(600):
        t.connection(i / 60 + 0.001, "10.1.0.1", t.port(), "10.1.0.%d" % (10 + i % 4), 8443, rtt=0.001)
    for i in range(400):
        server, port = "10.1.0.%d" % (10 + i % 4), 20000 + i
        seq = t.syn(i / 40, "10.1.0.1", port, server, 8443, (0,))
        t.client(i / 40 + 0.0005, "10.1.0.1", port, server, 8443, RST, seq + 1)
