# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets, what wraps them, and capture files of them: for the tests of --replay.
Everything is made here from RFCs and the pcap drafts, byte by byte."""
import ipaddress
import struct

FIN, SYN, RST, PUSH, ACK = 1, 2, 4, 8, 16
ETHERNET, PPP, RAW, LOOP, SLL, NFLOG, SLL2, NULL, RADIOTAP = 1, 9, 101, 108, 113, 239, 276, 0, 127


def segment(source, sport, destination, dport, flags, seq=0, ack=0, data=b"", ttl=64, fragment=0):
    """An IP packet with a TCP segment; checksums are left out, nothing reads them."""
    a, b = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    tcp = struct.pack(">HHIIBBHHH", sport, dport, seq % 2**32, ack % 2**32, 0x50, flags, 29200, 0, 0) + data
    return ip(a, b, 6, tcp, ttl, fragment)


def ip(a, b, protocol, payload, ttl=64, fragment=0):
    a, b = ipaddress.ip_address(a), ipaddress.ip_address(b)
    if a.version == 4:
        return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 7, fragment, ttl, protocol, 0) + a.packed + b.packed + payload
    return struct.pack(">IHBB", 0x60000000, len(payload), protocol, ttl) + a.packed + b.packed + payload


def udp(source, sport, destination, dport, payload):
    return ip(source, destination, 17, struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload)


def kind(packet):
    return 0x0800 if packet[0] >> 4 == 4 else 0x86DD


# --- what a frame's packet stands in; each takes a packet and gives what is around it ------------

def ether(packet, type_=None):
    return bytes(12) + struct.pack(">H", kind(packet) if type_ is None else type_) + packet


def tags(*ids):
    def wrap(packet):
        inner = b"".join(struct.pack(">HH", n + 1, t) for n, t in enumerate(list(ids[1:]) + [kind(packet)]))
        return ether(inner + packet, ids[0])
    return wrap


def pppoe(packet, outer=None):
    ppp = struct.pack(">H", 0x21 if kind(packet) == 0x0800 else 0x57) + packet
    session = struct.pack(">BBHH", 0x11, 0, 77, len(ppp)) + ppp
    if outer:  # within a VLAN
        return ether(struct.pack(">HH", 7, 0x8864) + session, outer)
    return ether(session, 0x8864)


def mpls(*labels):
    def wrap(packet):
        stack = b"".join(struct.pack(">I", label << 12 | (n == len(labels) - 1) << 8 | 64) for n, label in enumerate(labels))
        return ether(stack + packet, 0x8847)
    return wrap


def gre(packet, key=None, sequence=None, checksum=False, outer=("203.0.113.1", "203.0.113.2"), type_=None):
    flags = (0x8000 if checksum else 0) | (0x2000 if key is not None else 0) | (0x1000 if sequence is not None else 0)
    head = struct.pack(">HH", flags, kind(packet) if type_ is None else type_)
    head += b"\1\2\3\4" if checksum else b""
    head += struct.pack(">I", key) if key is not None else b""
    head += struct.pack(">I", sequence) if sequence is not None else b""
    return ip(outer[0], outer[1], 47, head + packet)


def in_ip(packet, outer=("203.0.113.1", "203.0.113.2")):
    return ip(outer[0], outer[1], 4 if packet[0] >> 4 == 4 else 41, packet)


def unreachable(segment_, by=None, code=3):
    """What REJECT of a firewall sends: ICMP, from whom the segment was meant for, that quotes it."""
    v4 = segment_[0] >> 4 == 4
    source, to = (segment_[12:16], segment_[16:20]) if v4 else (segment_[8:24], segment_[24:40])
    quoted = segment_[:28] if v4 else segment_
    return ip(to if by is None else ipaddress.ip_address(by).packed, source, 1 if v4 else 58,
              bytes([3 if v4 else 1, code if v4 else 4]) + bytes(6) + quoted)


def extended(packet, *kinds):
    """IPv6 extension headers put in: options of 16 bytes, an atomic fragment (44), AH (51)."""
    inner, body = packet[6], packet[40:]
    for n in reversed(kinds):
        body = (bytes([inner]) + (b"\0\0\0\0\0\0\7" if n == 44 else bytes([4]) + bytes(22) if n == 51 else b"\1" + bytes(14))) + body
        inner = n
    return packet[:4] + struct.pack(">HB", len(body), inner) + packet[7:40] + body


def vxlan(packet, port=4789):
    return ether(udp("203.0.113.1", 40000, "203.0.113.2", port, b"\x08\0\0\0\0\0\5\0" + ether(packet)))


def gtp(packet):
    return ether(udp("203.0.113.1", 2152, "203.0.113.2", 2152, struct.pack(">BBHI", 0x30, 255, len(packet), 9) + packet))


def erspan(packet):
    return ether(gre(b"\x10\1\0\0\0\0\0\0" + ether(packet), sequence=5, type_=0x88BE))


def sll(packet, way=0):
    return struct.pack(">HHH8sH", way, 1, 6, bytes(8), kind(packet)) + packet


def sll2(packet, way=0):
    return struct.pack(">HHIHBB8s", kind(packet), 0, 2, 1, way, 6, bytes(8)) + packet


def null(packet):
    return struct.pack("<I", 2 if packet[0] >> 4 == 4 else 10) + packet


def loop(packet):
    return struct.pack(">I", 2 if packet[0] >> 4 == 4 else 24) + packet


def raw(packet):
    return packet


def nflog(packet):
    def attribute(type_, value):
        return struct.pack("<HH", 4 + len(value), type_) + value + bytes(-len(value) % 4)
    return bytes(4) + attribute(1, b"\x08\0\1\0") + attribute(10, b"in:\0") + attribute(9, packet)


# --- traffic: lists of (time, packet, sent by the server) -----------------------------------------------

class Traffic(list):
    """What happens, in seconds; random numbers of its own, so that a case is always the same."""

    def __init__(self, random):
        super().__init__()
        self.random = random

    def stranger(self):
        r = self.random
        return "%d.%d.%d.%d" % (r.choice((r.randrange(11, 127), r.randrange(128, 192), r.randrange(193, 223))), r.randrange(256), r.randrange(256), r.randrange(1, 255))

    def port(self):
        return self.random.randrange(1024, 65536)

    def client(self, t, *packet, **more):
        self.append((t, segment(*packet, **more), False))

    def server(self, t, *packet, **more):
        self.append((t, segment(*packet, **more), True))

    def syn(self, t, source, sport, to, port, answers=(), seq=None, tries=(0,), **more):
        """A SYN, and SYN-ACKs so many seconds later."""
        seq = self.random.getrandbits(32) if seq is None else seq
        for later in tries:
            self.client(t + later, source, sport, to, port, SYN, seq, **more)
        for later in answers:
            self.server(t + 0.0003 + later, to, port, source, sport, SYN | ACK, 4000, seq + 1)
        return seq

    def refused(self, t, source, sport, to, port, seq=None, tries=(0,)):
        seq = self.syn(t, source, sport, to, port, seq=seq, tries=tries)
        for later in tries:
            self.server(t + later + 0.0002, to, port, source, sport, RST | ACK, 0, seq + 1)

    def flood(self, at, seconds, rate, to, port, answers=(0, 1, 3), sources=None, **more):
        for i in range(int(seconds * rate)):
            source = sources(i) if sources else self.stranger()
            self.syn(at + i / rate, source, self.port(), to, port, answers, **more)

    def connection(self, t, source, sport, to, port, rtt=0.03, close=True):
        seq = self.syn(t, source, sport, to, port, (0,))
        self.client(t + rtt, source, sport, to, port, ACK, seq + 1, 4001)
        self.client(t + rtt + 0.001, source, sport, to, port, ACK | PUSH, seq + 1, 4001, b"GET /")
        self.server(t + rtt + 0.004, to, port, source, sport, ACK | PUSH, 4001, seq + 6, b"200 OK")
        if close:
            self.client(t + 2 * rtt + 0.005, source, sport, to, port, ACK | FIN, seq + 6, 4007)

    def honest(self, at, seconds, rate, to, port, clients=150, net="198.51.100.0/23", rtt=None):
        base = int(ipaddress.ip_network(net)[0])
        for i in range(int(seconds * rate)):
            source = str(ipaddress.ip_address(base + 1 + self.random.randrange(clients)))
            t = at + (i + self.random.random() * 0.8) / rate
            self.connection(t, source, self.port(), to, port, rtt or 0.005 + 0.09 * self.random.random())

    def sort_by_time(self):
        self.sort(key=lambda p: p[0])
        return self


# --- files ------------------------------------------------------------------------------------------------

def pcap(frames, link=ETHERNET, snap=262144, nano=False, big=False, start=1_700_000_000):
    order, unit = ">" if big else "<", 10**9 if nano else 10**6
    out = [struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, snap, link)]
    for t, frame in frames:
        stamp = round((start + t) * unit) if not nano else start * unit + round(t * unit)
        out.append(struct.pack(order + "IIII", stamp // unit % 2**32, stamp % unit, min(snap, len(frame)), len(frame)) + frame[:snap])
    return b"".join(out)


def block(type_, body, order="<"):
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", type_, 12 + len(body)) + body + struct.pack(order + "I", 12 + len(body))


def option(code, value, order="<"):
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def pcapng(frames, interfaces, order="<", start=1_700_000_000, simple=False):
    """frames: (time, frame, interface); interfaces: (link, snap, if_tsresol, if_tsoffset)."""
    out = [block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)]
    for link, snap, resolution, offset in interfaces:
        options = option(9, bytes([resolution]), order) + option(14, struct.pack(order + "q", offset), order) + option(0, b"", order)
        out.append(block(1, struct.pack(order + "HHI", link, 0, snap) + options, order))
        out.append(block(0xBAD, b"some vendor's own", order))
    for t, frame, interface in frames:
        resolution, offset, snap = interfaces[interface][2], interfaces[interface][3], interfaces[interface][1]
        units = 1 << (resolution & 0x7F) if resolution & 0x80 else 10**resolution
        stamp = (start - offset) * units + int(t * units)
        kept = frame[:snap] if snap else frame
        if simple:
            out.append(block(3, struct.pack(order + "I", len(frame)) + kept, order))
        else:
            out.append(block(6, struct.pack(order + "IIIII", interface, stamp >> 32, stamp % 2**32, len(kept), len(frame)) + kept, order))
    return b"".join(out)
