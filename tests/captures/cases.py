# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of captures that test-captures.py plays, and what several of them are made of."""
from wire import *

HOST, SIX = "192.0.2.80", "2001:db8:80::1"
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


def six(r):
    """Sources of IPv6 that are seen once."""
    return lambda i: str(ipaddress.ip_address(0x2A00 << 112 | r.getrandbits(100)))


def in_turn(t, send, count, start, rate, clients, port, **more):
    """So many handshakes, of clients that take turns."""
    for i in range(count):
        send(start + i / rate, "198.51.100.%d" % (1 + i % clients), t.port(), HOST, port, **more)
