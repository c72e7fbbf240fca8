# SPDX-License-Identifier: GPL-2.0-or-later
"""What packets are wrapped in, files, time: captures, each with what it has to be told to be."""
from cases import *


# --- floods, by what they are wrapped in -------------------------------------------------------------

SPOOFED = dict(verdict="flood", words="spoofed addresses at 192.0.2.80:80: 1,600 handshakes", diagnosis="flood-spoofed",
               situation="flood", listener=(HOST, 80), handshakes=1600, finished=0, answered=1600, syns=1600)
for name, wrap, link in (
        ("ethernet", ether, ETHERNET), ("vlan", tags(0x8100), ETHERNET), ("qinq", tags(0x88A8, 0x8100), ETHERNET),
        ("three_old_tags", tags(0x9100, 0x9200, 0x8100), ETHERNET), ("pppoe", pppoe, ETHERNET),
        ("pppoe_in_vlan", lambda p: pppoe(p, 0x8100), ETHERNET), ("mpls_two_labels", mpls(17, 3000), ETHERNET),
        ("mpls_pseudowire", lambda p: mpls(17)(bytes(4) + ether(p)), ETHERNET),
        ("mpls_no_control_word", lambda p: mpls(17)(b"\2\0\0\0\0\1\xc2\0\0\0\0\2" + ether(p)[12:]), ETHERNET),
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


for name, data, words in (
        ("gzip", b"\x1f\x8b\x08\0", r"packed by gzip: unpack it first \(gzip -d\)"), ("bzip2", b"BZh9", "packed by bzip2"),
        ("zstd", b"\x28\xb5\x2f\xfd", "packed by zstd"), ("xz", b"\xfd7zX", "packed by xz"),
        ("lz4", b"\4\x22\x4d\x18", "packed by lz4"), ("zip", b"PK\3\4", "a zip archive"),
        ("snoop", b"snoop\0\0\0", "a capture of snoop: convert it first .editcap"),
        ("netmon", b"GMBU\0\2", "Network Monitor: convert it first .editcap"),
        ("erf", bytes(8) + b"\2\4", "what Wireshark reads, editcap"),
        ("printed", b"12:00:01.0 IP 1.2.3.4.5 > ", "a capture is written by tcpdump -w"),
        ("nothing", b"", "there is nothing in it"), ("half_a_heading", pcap([])[:10], "cut short")):
    def make(r, data=data):
        return data + (bytes(64) if len(data) not in (0, 10) else b"")
    make.__name__ = "no_capture_" + name
    case(None, words, status=1)(make)


@case("cannot-tell", "96 bytes of each packet: TCP flags are not in it; capture with -s 256", "unusable", status=3)
def kept_96_bytes_of_long_headers(r):
    """The remedy is not what was done already."""
    return pcap(wrapped(flooded(r, to=SIX, sources=six(r)), lambda p: ether(in_ip(p, ("2001:db8::a", "2001:db8::b")))), snap=96)


@case("cannot-tell", r"cannot tell: 6,400 of \S+ packets could not be used, kept too short.*in the rest: 250 handshakes",
      "partly-unusable", status=3)
def kept_too_little_of_ipv6_only(r):
    t = flooded(r, to=SIX, sources=six(r))
    t.honest(0, 5, 50, HOST, 80)
    return pcap(wrapped(t), snap=60)


@case("cannot-tell", r"cannot tell: 6,400 of \S+ packets could not be used, in VXLAN.*in the rest: 20 handshakes",
      "partly-unusable", status=3)
def vxlan_beside_ssh(r):
    t = Traffic(r)
    t.honest(0, 10, 2, "203.0.113.2", 22)
    return pcap(sorted(wrapped(flooded(r), vxlan) + wrapped(t)))


@case("no-flood", "all finished", "honest", status=3)
def a_little_vxlan_beside_honest(r):
    t = Traffic(r)
    t.honest(0, 10, 100, HOST, 80)
    return pcap(sorted(wrapped(flooded(r, 1, 20), vxlan) + wrapped(t)))


@case("flood", "1,600 handshakes", "flood", unlike="broken")
def frames_of_no_bytes_between(r):
    frames = wrapped(flooded(r))
    return pcap([f for t, p in frames for f in ((t, p), (t, b""))])


@case("flood", r"at \[2001:db8:80::1\]:80: 1,600", "flood", handshakes=1600)
def extension_headers(r):
    t = flooded(r, to=SIX, sources=six(r))
    return pcap([(at, ether(extended(p, *((0, 60, 43), (44,), (51,))[i % 3]))) for i, (at, p, _) in enumerate(t.sort_by_time())])


@case("flood", "spoofed", "flood", handshakes=2100, finished=500, steps=1)
def two_files_by_cat(r):
    """The second file's heading stands where a packet would, and its format differs."""
    t = Traffic(r)
    t.honest(0, 10, 50, HOST, 80)
    return pcap(wrapped(t)) + pcap(wrapped(flooded(r)), nano=True, big=True)


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


@case("no-flood", "1,000 handshakes in 20 s, all finished", note="nothing was captured for 54 years within it")
def the_clock_is_set_from_1970(r):
    t = Traffic(r)
    t.honest(0, 20, 50, HOST, 80)
    return pcap([(at - 1_700_000_000 if i < 1000 else at, f) for i, (at, f) in enumerate(wrapped(t))])


@case("no-flood", "1,000 handshakes in 20 s, all finished", note="nothing was captured for 24 h within it")
def the_last_packet_a_day_ahead(r):
    t = Traffic(r)
    t.honest(0, 20, 50, HOST, 80)
    frames = wrapped(t)
    return pcap(frames[:-1] + [(frames[-1][0] + 86400, frames[-1][1])])


@case("flood", "a slow fill", "slow-fill", note="nothing was captured for")
def a_slow_fill_before_the_clock_is_set(r):
    t = flooded(r, 70, 1.6)
    t.honest(86400 * 9, 1, 5, HOST, 80)
    return pcap(wrapped(t))


@case("no-flood", "20 handshakes in 5 h, all finished", "honest", unlike="nothing was captured")
def a_quiet_server(r):
    t = Traffic(r)
    for i in range(20):
        t.connection(900 * i, "198.51.100.7", t.port(), HOST, 22)
    return pcap(wrapped(t))


@case("cannot-tell", r"not in the order of time.*reordercap", "unordered")
def backwards(r):
    t = Traffic(r)
    t.honest(0, 10, 30, HOST, 80)
    return pcap(wrapped(t)[::-1])


@case("flood", "1,600 handshakes", "flood", unlike="inf|nan", note="no time passes in it")
def all_stamped_alike(r):
    return pcap([(0, f) for _, f in wrapped(flooded(r))])
