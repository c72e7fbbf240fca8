# SPDX-License-Identifier: GPL-2.0-or-later
"""What servers answer, who floods, how long, how far: captures, each with what it has to be told to be."""
from cases import *


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


# --- refused by ICMP, checks that are none, both at once ------------------------------------------------------

@case("no-flood", r"nobody listens on 192\.0\.2\.80:8080, 5 clients keep trying \(600 refused", "closed-port", refused=600)
def rejected_by_icmp(r):
    """As REJECT of iptables does by default."""
    t = Traffic(r)
    t.honest(0, 20, 20, HOST, 443)
    for i in range(600):
        syn = segment("198.51.100.%d" % (1 + i % 5), t.port(), HOST, 8080, SYN, i)
        t += [(i / 30, syn, False), (i / 30 + 0.0001, unreachable(syn), True)]
    return pcap(wrapped(t))


@case("no-flood", r"nobody listens on \[2001:db8:80::1\]:8080", "closed-port", refused=600)
def rejected_by_icmp6(r):
    t = Traffic(r)
    t.honest(0, 20, 20, HOST, 443)
    for i in range(600):
        syn = segment("2001:db8:1::%x" % (1 + i % 5), t.port(), SIX, 8080, SYN, i)
        t += [(i / 30, syn, False), (i / 30 + 0.0001, unreachable(syn), True)]
    return pcap(wrapped(t))


@case("flood", "1,600 handshakes in 7.0 s, none finished", "flood", "flood-spoofed", refused=0, reset=80)
def flood_whose_answers_find_nobody(r):
    """Routers answer some SYN-ACKs: host unreachable."""
    t = Traffic(r)
    for i in range(1600):
        source, port, at = t.stranger(), t.port(), 1 + i / 400
        seq = t.syn(at, source, port, HOST, 80, (0, 1, 3) if i % 20 else (0,))
        if i % 20 == 0:
            t.append((at + 0.1, unreachable(segment(HOST, 80, source, port, SYN | ACK, 4000, seq + 1), "62.1.2.3", 1), False))
    return pcap(wrapped(t))


@case("flood", r"45\.9\.8\.7 sends 100 %", "flood", "flood-concentrated", unlike="checks")
def too_many_for_checks(r):
    """One source, whose own kernel resets what its flooder began."""
    t = Traffic(r)
    for i in range(20000):
        seq = t.syn(i / 10000, "45.9.8.7", 1024 + i, HOST, 80, (0,))
        t.client(i / 10000 + 0.02, "45.9.8.7", 1024 + i, HOST, 80, RST, seq + 1)
    return pcap(wrapped(t))


@case("flood", r"aimed at a victim \(SYN reflection\) at 192\.0\.2\.80:80", "flood", "flood-reflected", unlike="more listener")
def reflected_beside_checks_elsewhere(r):
    t = Traffic(r)
    for i in range(3000):
        source, port = "45.%d.3.%d" % (i % 20, r.randrange(1, 255)), t.port()
        seq = t.syn(1 + i / 500, source, port, HOST, 80, (0,), ttl=243)
        t.client(1 + i / 500 + 0.08, source, port, HOST, 80, RST, seq + 1, ttl=49)
    for i in range(5000):
        seq = t.syn(i / 500, "10.0.0.5", 20000 + i, HOST, 443, (0,))
        t.client(i / 500 + 0.001, "10.0.0.5", 20000 + i, HOST, 443, RST, seq + 1)
    return pcap(wrapped(t))


@case("no-flood", "100 handshakes in 9.9 s, all finished", "honest", handshakes=100, pipe=False)  # one SYN to each port: too few there
def both_ask_at_once(r):
    t = Traffic(r)
    for i in range(100):
        at, port = i / 10, 20000 + i
        t.client(at, "198.51.100.7", port, HOST, port, SYN, 5)
        t.server(at + 0.001, HOST, port, "198.51.100.7", port, SYN, 9)
        t.client(at + 0.02, "198.51.100.7", port, HOST, port, SYN | ACK, 5, 10)
        t.server(at + 0.02, HOST, port, "198.51.100.7", port, SYN | ACK, 9, 6)
    return pcap(wrapped(t))


@case("cannot-tell", "too short to tell: 2,000 handshakes in 0.2 s, none finished", "too-short")
def cut_before_anybody_came_back(r):
    """A crowd of one far network, seen for less than its round trip."""
    t = Traffic(r)
    t.honest(0, 0.25, 8000, HOST, 80, clients=500, rtt=0.3)
    return pcap([f for f in wrapped(t) if f[0] < 0.25])


@case("no-flood", "no flood, but 200 handshakes in 2.. s are finished by nobody", "few-unfinished")
def a_small_burst(r):
    t = flooded(r, 2, 100, answers=(0,))
    t.honest(0, 10, 50, HOST, 80)
    return pcap(wrapped(t))


@case("no-flood", r"12,000 finished \(90 %\)", "honest", note="1,200 handshakes, 1.9 a second, are finished by nobody: they hold about 120")
def a_trickle_beside_honest(r):
    t = flooded(r, 600, 2, answers=(0, 1, 3, 7, 15, 31))
    t.honest(0, 600, 20, HOST, 80)
    return pcap(wrapped(t))


# --- gaps ------------------------------------------------------------------------------------------------------

@case("cannot-tell", r"packets are missing: \d\d % of the finished handshakes have no SYN-ACK", "gaps", unlike="SYN flood|otherwise")
def one_packet_in_ten_of_honest(r):
    t = Traffic(r)
    t.honest(0, 20, 300, HOST, 80)
    return pcap(wrapped(t)[::10])


@case("flood", "spoofed", "flood", note="packets are missing")
def one_packet_in_ten_of_a_flood(r):
    t = flooded(r, 10, 5000)
    t.honest(0, 12, 100, HOST, 80)
    return pcap(wrapped(t)[::10])


@case("no-flood", "finished", "honest", note="packets are missing")
def a_third_is_lost(r):
    t = Traffic(r)
    t.honest(0, 20, 200, HOST, 80)
    return pcap([f for f in wrapped(t) if r.random() > 0.3])


@case("no-flood", r"(9,000|8,\d\d\d) addresses ask once each, forged by the look of it", "closed-port", refused=9000)
def forged_at_a_closed_port(r):
    t = Traffic(r)
    for i in range(9000):
        t.refused(i / 3000, t.stranger(), t.port(), HOST, 8080)
    t.honest(0, 5, 20, HOST, 443)
    return pcap(wrapped(t))


@case("no-flood", r"most at 192\.0\.2\.80:443", "honest", refused=300)
def strangers_at_closed_ports_beside_honest(r):
    t = Traffic(r)
    t.honest(0, 60, 30, HOST, 443)
    for i in range(300):
        t.refused(i / 5, t.stranger(), t.port(), HOST, r.choice((22, 23, 81, 445, 1433, 2323, 3389, 5555, 6379, 8080)))
    return pcap(wrapped(t))


@case("flood", r"at port 443 of 203\.0\.112\.0/22, most of it for 203\.0\.114\.11: ", "flood", "flood-spoofed")
def one_of_many_hosts_of_a_router(r):
    t = Traffic(r)
    for k in range(40):
        t.honest(0, 10, 4, "203.0.%d.%d" % (113 + k % 3, 10 + k), 443)
    t.flood(2, 6, 600, "203.0.114.11", 443)
    return pcap(wrapped(t))
