#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures of what people meet, made here, through synwardd --replay: what each is told to be.

usage: test-captures.py [--keep DIR] [NAME ...]"""
import json
import os
import random
import re
import subprocess
import sys
import tempfile

from wire import *

HOST, SIX = "192.0.2.80", "2001:db8:80::1"
DAEMON = os.path.join(os.environ.get("SYNWARD_BUILD", "."), "synwardd")
CASES = []


def case(verdict, words, situation=None, diagnosis=None, status=0, options=(), unlike=None, listener=None, **totals):
    """What the summary of the capture that the function makes has to be."""
    def add(make):
        CASES.append((make, verdict, words, situation, diagnosis, status, options, unlike, listener, totals))
        return make
    return add


def wrapped(traffic, wrap=ether):
    return [(t, wrap(p)) for t, p, _ in traffic.sort_by_time()]


def flooded(r, seconds=4, rate=400, to=HOST, port=80, **more):
    t = Traffic(r)
    t.flood(1, seconds, rate, to, port, **more)
    return t


def in_turn(t, send, count, start, rate, clients, port, **more):
    """So many handshakes, of clients that take turns."""
    for i in range(count):
        send(start + i / rate, "198.51.100.%d" % (1 + i % clients), t.port(), HOST, port, **more)


# --- floods, by what they are wrapped in -------------------------------------------------------------

SPOOFED = dict(verdict="flood", words="spoofed addresses at 192.0.2.80:80: 1,600 handshakes", diagnosis="flood-spoofed",
               situation="flood", listener=(HOST, 80), handshakes=1600, finished=0, answered=1600, syns=1600)
for name, wrap, link in (
        ("ethernet", ether, ETHERNET), ("vlan", tags(0x8100), ETHERNET), ("qinq", tags(0x88A8, 0x8100), ETHERNET),
        ("three_old_tags", tags(0x9100, 0x9200, 0x8100), ETHERNET), ("pppoe", pppoe, ETHERNET),
        ("pppoe_in_vlan", lambda p: pppoe(p, 0x8100), ETHERNET), ("mpls_two_labels", mpls(17, 3000), ETHERNET),
        ("mpls_pseudowire", lambda p: mpls(17)(bytes(4) + ether(p)), ETHERNET),
        ("gre_key_sequence", lambda p: ether(gre(p, key=9, sequence=4, checksum=True)), ETHERNET),
        ("gre_in_vlan", lambda p: tags(0x8100)(gre(p)), ETHERNET),
        ("gre_of_ethernet", lambda p: ether(gre(ether(p), type_=0x6558)), ETHERNET),
        ("ipip", lambda p: ether(in_ip(p)), ETHERNET), ("ipip_in_gre_in_pppoe", lambda p: pppoe(gre(in_ip(p))), ETHERNET),
        ("in_ipv6", lambda p: ether(in_ip(p, ("2001:db8::1", "2001:db8::2"))), ETHERNET),
        ("raw", raw, RAW), ("sll", sll, SLL), ("sll2", sll2, SLL2), ("sll_vlan", lambda p: sll(p)[:14] + b"\x81\0\0\5\x08\0" + p, SLL),
        ("null", null, NULL), ("loop", loop, LOOP), ("nflog", nflog, NFLOG), ("ppp", lambda p: b"\xff\3\0\x21" + p, PPP)):
    def make(r, wrap=wrap, link=link):
        return pcap(wrapped(flooded(r), wrap), link)
    make.__name__ = "flood_in_" + name
    case(**SPOOFED)(make)


@case("flood", r"at \[2001:db8:80::1\]:443", "flood", "flood-spoofed", handshakes=1600)
def flood_in_6in4(r):
    t = flooded(r, to=SIX, port=443, sources=lambda i: str(ipaddress.ip_address(0x2A00 << 112 | r.getrandbits(100))))
    return pcap(wrapped(t, lambda p: ether(in_ip(p))))


@case("flood", "at 192.0.2.80:80", "flood", finished=1)
def flood_in_a_tunnel_beside_ssh(r):
    t = flooded(r)
    frames = wrapped(t, lambda p: ether(gre(p)))
    s = Traffic(r)
    s.connection(0.5, "198.51.100.9", 5555, "203.0.113.2", 22)
    return pcap(sorted(frames + wrapped(s)))


for name, wrap, word in (("vxlan", vxlan, "vxlan"), ("vxlan_of_old_linux", lambda p: vxlan(p, 8472), "vxlan"),
                         ("gtp", gtp, "gtp"), ("erspan", erspan, "erspan")):
    def make(r, wrap=wrap):
        return pcap(wrapped(flooded(r, 1, 50), wrap))
    make.__name__ = "named_" + name
    case("cannot-tell", r"in a tunnel \(%s\) that is not decoded" % word, "unusable", status=3)(make)


@case("flood", "spoofed", status=3)
def vxlan_beside_a_flood(r):
    t = flooded(r)
    other = flooded(r, 1, 50)
    return pcap(sorted(wrapped(t) + wrapped(other, vxlan)))


@case("cannot-tell", r"link type 127 \(802.11 with radiotap\)", "unusable", status=3)
def radiotap(r):
    return pcap(wrapped(flooded(r, 1, 50)), RADIOTAP)


# --- files --------------------------------------------------------------------------------------------

for name, options in (("nanoseconds", dict(nano=True)), ("big_endian", dict(big=True)),
                      ("big_endian_nanoseconds", dict(nano=True, big=True)), ("96_bytes", dict(snap=96)),
                      ("up_to_the_flags", dict(snap=14 + 20 + 14)), ("the_year_2105", dict(start=2**32 - 100)),
                      ("1970", dict(start=0))):
    def make(r, options=options):
        return pcap(wrapped(flooded(r)), **options)
    make.__name__ = "pcap_" + name
    case(**SPOOFED)(make)


@case("flood", "1,600 handshakes in 7.0 s", "flood", handshakes=1600, unlike="usable time|back in time|far ahead")
def pcapng_of_many_interfaces(r):
    """Different links, lengths kept, clocks: what libpcap refuses."""
    wraps = [ether, raw, sll, sll2]
    frames = [(t, wraps[i % 4](p), i % 4) for i, (t, p, _) in enumerate(flooded(r).sort_by_time())]
    return pcapng(frames, [(ETHERNET, 96, 6, 0), (RAW, 0, 9, 3600), (SLL, 128, 0x80 | 20, -5), (SLL2, 262144, 3, 0)])


@case("flood", "spoofed", "flood", handshakes=1600)
def pcapng_big_endian_and_a_section_more(r):
    frames = [(t, ether(p), 0) for t, p, _ in flooded(r).sort_by_time()]
    half = len(frames) // 2
    return pcapng(frames[:half], [(ETHERNET, 0, 6, 0)], ">") + pcapng(frames[half:], [(ETHERNET, 0, 9, 0)], "<")


@case("cannot-tell", "too short to tell", "too-short")
def pcapng_without_times(r):
    return pcapng([(t, ether(p), 0) for t, p, _ in flooded(r, 1, 20).sort_by_time()], [(ETHERNET, 0, 6, 0)], simple=True)


@case("flood", "spoofed", status=3, unlike="cut short after packet 6,399")
def cut_in_a_header(r):
    return pcap(wrapped(flooded(r)))[:-(16 + 54 + 3)]


@case("flood", "spoofed", status=3)
def damaged_in_the_middle(r):
    data = bytearray(pcap(wrapped(flooded(r))))
    at = 24 + 5000 * (16 + 54)
    data[at:at + 16] = b"\xff" * 16
    return bytes(data)


@case("flood", "spoofed", status=3)
def pcapng_cut(r):
    frames = [(t, ether(p), 0) for t, p, _ in flooded(r).sort_by_time()]
    return pcapng(frames, [(ETHERNET, 0, 6, 0)])[:-7]


@case("cannot-tell", "40 bytes of each packet: TCP flags are not in it; capture with -s 96", "unusable", status=3)
def kept_40_bytes(r):
    return pcap(wrapped(flooded(r)), snap=40)


@case("cannot-tell", "there is no packet in it", "empty")
def no_packets(r):
    return pcap([])


@case("cannot-tell", "too short to tell", "too-short", handshakes=1, finished=1)
def one_connection(r):
    t = Traffic(r)
    t.connection(0, "198.51.100.4", 4444, HOST, 443)
    return pcap(wrapped(t))


@case("cannot-tell", "nothing here is aimed at a listener: there is no TCP in it", "nothing-aimed-here")
def only_udp(r):
    return pcap([(i / 50, ether(udp("198.51.100.5", 5353, HOST, 53, b"question"))) for i in range(500)])


@case("cannot-tell", "nothing here is aimed at a listener: there is no SYN", "nothing-aimed-here")
def no_syn(r):
    t = Traffic(r)
    for i in range(500):
        t.client(i / 50, "198.51.100.5", 40001, HOST, 443, ACK | PUSH, i * 9, i * 5, b"some data")
        t.server(i / 50 + 0.001, HOST, 443, "198.51.100.5", 40001, ACK, i * 5, i * 9 + 9)
    return pcap(wrapped(t))


@case("flood", "spoofed", fragments=1)
def later_fragments(r):
    t = flooded(r)
    for i in range(100):
        t.append((1 + i / 50, ip("198.51.100.6", HOST, 17, bytes(64), fragment=100), False))
    return pcap(wrapped(t))


# --- time --------------------------------------------------------------------------------------------

@case("flood", "1,600 handshakes in", unlike="120 min|2 h", listener=(HOST, 80))
def one_packet_far_ahead(r):
    frames = wrapped(flooded(r))
    frames[3000] = (frames[3000][0] + 7200, frames[3000][1])
    return pcap(frames)


@case("flood", "spoofed")
def several_packets_far_ahead(r):
    frames = wrapped(flooded(r, 8))
    for i in range(3000, 3005):
        frames[i] = (frames[i][0] + 90000, frames[i][1])
    return pcap(frames)


@case("flood", "spoofed")
def the_clock_is_set_back_in_mid_flood(r):
    frames = wrapped(flooded(r, 8))
    return pcap([(t - 3600 if i > len(frames) // 2 else t, f) for i, (t, f) in enumerate(frames)], start=1_700_010_000)


@case("no-flood", "500 handshakes in 1[0-3] s, all finished", "honest", steps=1)
def two_clocks_that_take_turns(r):
    """Two interfaces whose clocks are two seconds apart, joined by the order of arrival."""
    t = Traffic(r)
    t.honest(0, 10, 50, HOST, 443)
    return pcap([(at + 2 * (i % 2), f) for i, (at, f) in enumerate(wrapped(t))])


@case("no-flood", "2,400 handshakes in 2[45] s, all finished", "honest", steps=2)
def three_captures_joined(r):
    frames = []
    for start in (5000, 100, 40):
        t = Traffic(r)
        t.honest(start, 8, 100, HOST, 443)
        frames += wrapped(t)
    return pcap(frames)


@case("no-flood", "all finished", "honest", handshakes=1600)
def the_same_capture_twice(r):
    t = Traffic(r)
    t.honest(0, 8, 100, HOST, 443)
    return pcap(wrapped(t) * 2)


@case("no-flood", "all finished", "honest")
def packets_overtake_each_other(r):
    t = Traffic(r)
    t.honest(0, 8, 100, HOST, 443)
    return pcap(sorted(wrapped(t), key=lambda f: f[0] + r.random() * 0.0002))


@case("no-flood", "all finished", "honest")
def an_hour_of_silence(r):
    t = Traffic(r)
    t.honest(0, 5, 40, HOST, 443)
    t.honest(3600, 5, 40, HOST, 443)
    return pcap(wrapped(t))


# --- what the server answers ------------------------------------------------------------------------------

@case("flood", "at 192.0.2.80:80.*the server answers none of it", "flood", finished=200, unanswered=1600)
def unanswered_beside_answered(r):
    t = flooded(r, answers=())
    t.honest(0, 10, 20, HOST, 443)
    return pcap(wrapped(t))


@case("no-flood", r"nobody listens on 192\.0\.2\.80:9000, 7 clients keep trying", "closed-port", refused=800, unlike="flood-")
def closed_port(r):
    t = Traffic(r)
    in_turn(t, t.refused, 800, 0, 50, 7, 9000)
    return pcap(wrapped(t))


@case("no-flood", "nobody listens on", "closed-port", handshakes=100, syns=400, refused=100)
def closed_port_tried_again_with_the_same_syn(r):
    t = Traffic(r)
    in_turn(t, t.refused, 100, 0, 10, 50, 81, tries=(0, 0.5, 1, 1.5))
    return pcap(wrapped(t))


@case("no-flood", r"was a closed port for 2\.\d s \(1\d\d refused\)", "closed-port")
def restarted(r):
    t = Traffic(r)
    t.honest(0, 8, 50, HOST, 443)
    in_turn(t, t.refused, 150, 8.3, 60, 90, 443)
    t.honest(11, 8, 50, HOST, 443)
    return pcap(wrapped(t))


@case("no-flood", "clients send their SYNs again and nobody answers", "unanswered", "lossy-clients")
def outage(r):
    t = Traffic(r)
    t.honest(0, 8, 50, HOST, 443)
    in_turn(t, t.syn, 600, 8, 60, 150, 443, tries=(0, 1, 3, 7))
    return pcap(wrapped(t))


@case("no-flood", "clients send their SYNs again and nobody answers", "unanswered", "lossy-clients")
def outage_all_the_time(r):
    t = Traffic(r)
    in_turn(t, t.syn, 400, 0, 40, 100, 443, tries=(0, 1, 3))
    return pcap(wrapped(t))


@case("no-flood", "the answers are lost on the way", "lossy", "lossy-clients")
def no_way_back(r):
    t = Traffic(r)
    t.honest(0, 5, 50, HOST, 443)
    in_turn(t, t.syn, 300, 5, 30, 150, 443, answers=(0, 1, 3), tries=(0, 1, 3, 7))
    return pcap(wrapped(t))


@case("no-flood", "half-open checks from 10.1.1.5, 10.1.1.6|half-open checks from 10.1.1.6, 10.1.1.5", "half-open-checks")
def half_open_checks(r):
    t = Traffic(r)
    for i in range(3000):
        source, port = "10.1.1.%d" % (5 + i % 2), 30000 + i
        seq = t.syn(i / 150, source, port, HOST, 80, (0,))
        t.client(i / 150 + 0.001, source, port, HOST, 80, RST, seq + 1)
    t.honest(0, 20, 30, HOST, 80)
    return pcap(wrapped(t))


@case("no-flood", r"half-open checks from 192\.168\.7\.7", "half-open-checks")
def half_open_checks_from_afar(r):
    t = Traffic(r)
    for i in range(2000):
        port = t.port()
        seq = t.syn(i / 100, "192.168.7.7", port, HOST, 80, (0,))
        t.client(i / 100 + 0.03, "192.168.7.7", port, HOST, 80, RST | ACK, seq + 1, 4001)
    t.honest(0, 20, 30, HOST, 80)
    return pcap(wrapped(t))


@case("flood", "aimed at a victim", "flood", "flood-reflected")
def reflected(r):
    t = Traffic(r)
    for i in range(3000):
        source, port = "45.%d.3.%d" % (i % 20, r.randrange(1, 255)), t.port()
        seq = t.syn(1 + i / 500, source, port, HOST, 80, (0,), ttl=243)
        t.client(1 + i / 500 + 0.08, source, port, HOST, 80, RST, seq + 1, ttl=49)
    t.honest(0, 8, 30, HOST, 80)
    return pcap(wrapped(t))


@case("flood", "aimed at a victim", "flood", "flood-reflected")
def reflected_at_one_victim(r):
    t = Traffic(r)
    for i in range(3000):
        port = t.port()
        seq = t.syn(1 + i / 500, "45.9.8.7", port, HOST, 80, (0,), ttl=243)
        t.client(1 + i / 500 + 0.05, "45.9.8.7", port, HOST, 80, RST, seq + 1, ttl=52)
    return pcap(wrapped(t))


# --- who floods --------------------------------------------------------------------------------------------

@case("flood", r"few sources or one network at .*; 45\.1\.2\.3 sends (9\d|100) %", "flood", "flood-concentrated")
def one_source(r):
    t = flooded(r, sources=lambda i: "45.1.2.3")
    t.honest(0, 8, 50, HOST, 80)
    return pcap(wrapped(t))


@case("flood", r"; 45\.1\.2\.0/24 sends (9\d|100) %", "flood", "flood-concentrated")
def one_network(r):
    t = flooded(r, sources=lambda i: "45.1.2.%d" % (i % 256))
    t.honest(0, 8, 50, HOST, 80)
    return pcap(wrapped(t))


@case("flood", "many sources that keep coming", "flood", "flood-distributed")
def many_real_sources(r):
    t = flooded(r, 8, 500, sources=lambda i: "45.%d.%d.9" % (i % 20, i % 19))
    t.honest(0, 10, 50, HOST, 80)
    return pcap(wrapped(t))


@case("flood", r"a SYN flood from spoofed addresses at \S+:80.*and 1 more listener", "flood", finished=0)
def two_listeners(r):
    t = flooded(r, 4, 500)
    t.flood(1, 4, 300, HOST, 443)
    return pcap(wrapped(t))


@case("flood", r"a slow fill.*at 192\.0\.2\.80:80", "slow-fill", answered=112)
def slow_fill(r):
    return pcap(wrapped(flooded(r, 70, 1.6, sources=lambda i: "45.7.%d.%d" % (i % 4, i * 2 % 256))))


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


# --- short, far, many ---------------------------------------------------------------------------------------

@case("flood", r"spoofed.*9,000 handshakes in 0\.3 s, none finished, (29,9|30,0)\d\d a second.*a short capture", "flood", handshakes=9000)
def three_hundred_milliseconds(r):
    return pcap(wrapped(flooded(r, 0.3, 30000, answers=(0,))))


@case("flood", r"spoofed.*3,000 handshakes in 0\.1 s, none finished", "flood")
def a_hundred_milliseconds(r):
    return pcap(wrapped(flooded(r, 0.1, 30000, answers=())))


@case("cannot-tell", "too short to tell", "too-short")
def honest_for_a_hundred_milliseconds(r):
    t = Traffic(r)
    t.honest(0, 0.06, 3000, HOST, 80, rtt=0.02)
    return pcap(wrapped(t))


@case("flood", r"spoofed.*3,0\d\d handshakes in 0\.[12] s", "flood")
def a_tenth_of_a_second_in_a_minute(r):
    t = flooded(r, 0.1, 30000)
    t.honest(0, 60, 2, HOST, 80)
    return pcap(wrapped(t))


@case("flood", "spoofed", "flood")
def a_burst_in_a_calm_minute(r):
    t = flooded(r, 0.4, 30000, answers=(0, 1))
    t.honest(0, 60, 20, HOST, 80)
    return pcap(wrapped(t))


@case("cannot-tell", "too short to tell", "too-short", finished=60)
def honest_for_a_second(r):
    t = Traffic(r)
    t.honest(0, 0.8, 75, HOST, 80)
    return pcap(wrapped(t))


@case("no-flood", "a crowd from far away", "crowd", "flash-crowd")
def far_crowd(r):
    t = Traffic(r)
    t.honest(0, 15, 4, HOST, 80, rtt=0.04)
    t.honest(15, 15, 120, HOST, 80, rtt=0.9)
    return pcap(wrapped(t))


@case("no-flood", "a crowd; ", "crowd", "flash-crowd")
def near_crowd(r):
    t = Traffic(r)
    t.honest(0, 15, 4, HOST, 80)
    t.honest(15, 10, 400, HOST, 80, clients=500)
    return pcap(wrapped(t))


@case("no-flood", "finished", "honest", unlike="flood-")
def two_percent_lost(r):
    t = Traffic(r)
    t.honest(0, 20, 100, HOST, 80)
    return pcap([f for f in wrapped(t) if r.random() > 0.02])


@case("no-flood", "3,000 handshakes in 10 s, all finished", "honest", status=3, handshakes=3000,
      note="22 listeners more than the 128 that the detector follows")
def many_services(r):
    t = Traffic(r)
    for i in range(150):
        t.honest(0, 10, 2, "192.0.2.%d" % (i % 5 + 1), 8000 + i)
    return pcap(wrapped(t))


# --- running them ---------------------------------------------------------------------------------------------

def check(made, verdict, words, situation, diagnosis, status, options, unlike, listener, totals, folder, keep):
    path = os.path.join(keep or folder, made.__name__ + ".pcap")
    with open(path, "wb") as f:
        f.write(made(random.Random(made.__name__)))
    done = subprocess.run([DAEMON, "-c", os.path.join(folder, "empty.yaml"), "--replay", path, *options],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    if not keep:
        os.unlink(path)
    if not done.stdout:
        return ["exit status %d: %s" % (done.returncode, done.stderr)], None
    s = json.loads(done.stdout.splitlines()[-1])
    wrong = []

    def want(what, is_it):
        if not is_it:
            wrong.append(what)
    want("exit status %d, not %d" % (done.returncode, status), done.returncode == status)
    want("schema", s["schema"] == "synward.replay.v1" and s["kind"] == "capture")
    want("verdict %s, not %s" % (s["verdict"], verdict), s["verdict"] == verdict)
    want("not said: " + words, re.search(words, s["message"]))
    want("not in words: " + done.stderr, s["message"] in done.stderr)
    want("situation %s, not %s" % (s["situation"], situation), situation in (None, s["situation"]))
    want("diagnosis %s, not %s" % (s["diagnosis"], diagnosis), diagnosis in (None, s["diagnosis"]))
    want("complete", s["complete"] == (status == 0))
    want("a flood has a flood's diagnosis", s["diagnosis"].startswith("flood-") == (verdict == "flood"))
    want("no flood is said", verdict == "no-flood" or "no flood" not in s["message"])
    text = s["message"] + " ".join(n["message"] for n in s["unused"] + s["notes"])
    want("said: %s" % unlike, not unlike or not re.search(unlike, text) or unlike.startswith("cut short"))
    if listener:
        want("listener %s:%d" % listener, any((l["address"], l["port"]) == listener for l in s["listeners"]))
    reasons = {n["reason"]: n["packets"] for n in s["unused"] + s["notes"]}
    if totals.pop("copies", False):
        want("copies", "copies" in reasons)
    if totals.pop("fragments", False):
        want("fragments", "fragment" in reasons)
    if "steps" in totals:
        want("steps back", reasons.get("time-steps-back") == totals.pop("steps"))
    if "note" in totals:
        want("a note", totals.pop("note") in text)
    for name, count in totals.items():
        want("%s %d, not %d" % (name, s["totals"][name], count), s["totals"][name] == count)
    return wrong, s


def main(arguments):
    keep = arguments.pop(1) if arguments[:1] == ["--keep"] else None
    names = [a for a in arguments if not a.startswith("--")]
    failed = 0
    if not os.access(DAEMON, os.X_OK):
        sys.exit("no %s here: build it first" % DAEMON)
    with tempfile.TemporaryDirectory() as folder:
        open(os.path.join(folder, "empty.yaml"), "w").close()
        if keep:
            os.makedirs(keep, exist_ok=True)
        for made, *rest in CASES:
            if names and made.__name__ not in names:
                continue
            wrong, s = check(made, *rest[:-1], dict(rest[-1]), folder, keep)
            print("%s - %s" % ("not ok" if wrong else "ok", made.__name__))
            for line in wrong:
                print("#   " + line)
            if wrong and s:
                print("#   " + json.dumps(s)[:1500])
            failed += bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
