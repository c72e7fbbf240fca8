#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests for promtool of contrib's fleet rules: hosts with a day's rhythm, crowds of real clients,
restarts and lost scrapes, with or without a thin flood. What is printed depends on the seed alone.

  fleet-series.py RULES flood HOSTS    four hours (90 minutes for more than 100 hosts), of which the
                                       last eight minutes have the flood
  fleet-series.py RULES crowd HOSTS    the same with a crowd at every host for an hour, and no flood
  fleet-series.py RULES week HOSTS     a week of crowds, scraped once a minute
  fleet-series.py RULES sources HOSTS  the sketches of 90 minutes, scraped every 30 s, of which the last
                                       eight minutes have a flood of three /24s
  fleet-series.py RULES everybody HOSTS  the same with a crowd at every host at their end, and no flood
"""
import math
import random
import sys

HONEST_PER_S = 200       # finished at a busy hour, each host
LOSS = 0.002             # of them left unfinished by lost packets
FLOOD_PER_S = 3          # each host
# Of the sketches, which count what is unfinished after 5 s: less than LOSS, which is taken all the same.
FLEET_FLOOD_PER_S = 60   # all hosts together, by three prefixes; with more than 200 hosts …
FLEET_FLOOD_HOST_PER_S = 0.3  # … each, for what it has to stand out of grows with them
PREFIXES = 3000          # of honest clients, by Zipf's law, and …
CARRIER = 0.1            # … of all of them behind one carrier's NAT
CELLS, REGISTERS = 64, 64
# promtool takes 10,000 samples in a query, and a sum of rates is two a series: no more than 128 cells of 38
# hosts. So of more hosts each tells by itself the cells of the first row that the flood is in, 3,000 series of
# 1,000 hosts; the other cells and the registers are told by this many, as a Prometheus of each site would sum
# them up for another.
GROUPS = 20
GROUPS_OF_REST = 10


def poisson(mean):
    """By the normal distribution where that is as good."""
    if mean > 30:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    limit, n, product = math.exp(-mean), 0, random.random()
    while product > limit:
        n, product = n + 1, product * random.random()
    return n


def rhythm(second):
    return 0.65 - 0.35 * math.cos(2 * math.pi * second / 86400)


def crowd(second, host, crowd_from):
    """Everywhere for an hour, six times the usual; and each host has its own."""
    factor = 6 if crowd_from <= second < crowd_from + 3600 else 1
    if (second // 3600 + 37 * host) % 61 == 0:
        factor *= 4
    return factor


def lossy(second, host):
    """Now and then one host's own path loses a twentieth."""
    return 0.05 if (second // 7200 + 5 * host) % 83 == 0 else LOSS


def series(host, seconds, step, flood_from, crowd_from):
    completed, unanswered, values = 0, 0, ([], [])
    for second in range(0, seconds, step):
        honest = HONEST_PER_S * rhythm(second) * crowd(second, host, crowd_from)
        completed += poisson(honest * step)
        unanswered += poisson(honest * step * (lossy(second, host) if seconds > 86400 else LOSS))
        if second >= flood_from:
            unanswered += poisson(FLOOD_PER_S * step)
        if random.random() < 0.00005:
            completed = unanswered = 0  # a restart
        lost = random.random() < 0.001
        values[0].append("_" if lost else str(completed))
        values[1].append("_" if lost else str(unanswered))
    return values


def write_series(hosts, seconds, step, flood_from, crowd_from):
    print("    input_series:")
    for host in range(hosts):
        for name, values in zip(("completed", "unanswered"), series(host, seconds, step, flood_from, crowd_from)):
            labels = f'instance="h{host}",job="synward",address="0.0.0.0",port="80"'
            print(f"      - series: 'synward_listener_{name}_total{{{labels}}}'")
            print(f"        values: {' '.join(values)}")


def place(prefix):
    """Cell of either row, register and rank, as of a hash."""
    draw = random.Random(f"prefix {prefix}")
    rank = 1
    while rank < 47 and draw.random() < 0.5:
        rank += 1
    return draw.randrange(CELLS), draw.randrange(CELLS), draw.randrange(REGISTERS), rank


class Sketches:
    """Of one host after the other; what the fleet's last minute told is kept."""

    def __init__(self, hosts, seconds, step, flood_from, crowd_from):
        self.seconds, self.step = seconds, step
        self.flood_from, self.crowd_from = flood_from, crowd_from
        self.weights = [1 / (n + 1) ** 0.9 for n in range(PREFIXES)]
        self.weights.append(CARRIER / (1 - CARRIER) * sum(self.weights))
        self.flooders = [PREFIXES + 1 + n for n in range(3)]
        self.places = [place(n) for n in range(PREFIXES + 4)]
        self.flood_per_s = max(FLEET_FLOOD_PER_S / hosts, FLEET_FLOOD_HOST_PER_S)
        self.last = set()
        # The cells that each host tells by itself.
        self.alone = sorted({self.places[p][0] for p in self.flooders}) if hosts > GROUPS else []

    def cells_of(self, prefix):
        return self.places[prefix][0], CELLS + self.places[prefix][1]

    def of_minute(self, host, minute):
        """The prefixes of each handshake that was left unfinished in it."""
        honest = HONEST_PER_S * rhythm(minute * 60) * crowd(minute * 60, host, self.crowd_from)
        found = random.choices(range(PREFIXES + 1), self.weights, k=poisson(honest * 60 * LOSS))
        if minute * 60 >= self.flood_from:
            # It takes 5 s for the first to be that old.
            counted_s = 55 if minute * 60 < self.flood_from + 60 else 60
            found += random.choices(self.flooders, k=poisson(self.flood_per_s * counted_s))
        return found

    def close(self, minute, cells, registers, own):
        """What these hosts tell of a minute, added up but for the cells that each has of its own."""
        registers[:] = [0] * REGISTERS
        for host in own:
            found = self.of_minute(host, minute)
            for prefix in found:
                _, _, register, rank = self.places[prefix]
                for cell in self.cells_of(prefix):
                    (own[host] if cell in own[host] else cells)[cell] += 1
                registers[register] = max(registers[register], rank)
            # The last minute that a scrape has.
            if (minute + 2) * 60 >= self.seconds - self.step:
                self.last.update(found)

    def write(self, name, hosts):
        cells, registers = [0] * 2 * CELLS, [0] * REGISTERS
        own = {host: dict.fromkeys(self.alone, 0) for host in hosts}
        values = [[] for _ in range(2 * CELLS + REGISTERS)]
        own_values = {host: {cell: [] for cell in self.alone} for host in hosts}
        closed = 0
        for second in range(0, self.seconds, self.step):
            # A minute is told after its end, and a scrape at its end does not have it.
            while (closed + 1) * 60 < second:
                self.close(closed, cells, registers, own)
                closed += 1
            if random.random() < 0.00005:
                cells, registers = [0] * 2 * CELLS, [0] * REGISTERS  # a restart
            lost = random.random() < 0.001
            for v, n in zip(values, cells + registers):
                v.append("_" if lost else str(n))
            for host in hosts if self.alone else []:
                if random.random() < 0.00005:
                    own[host] = dict.fromkeys(self.alone, 0)
                lost = random.random() < 0.001
                for cell, n in own[host].items():
                    own_values[host][cell].append("_" if lost else str(n))
        for i, v in enumerate(values):
            if i not in self.alone:
                self.put(name, i, v)
        for host in hosts:
            for cell, v in own_values[host].items():
                self.put(f"alone{host}", cell, v)

    @staticmethod
    def put(instance, i, values):
        labels = f'instance="{instance}",job="synward",key="5c1e"'
        series = (f'synward_fleet_cell_total{{{labels},row="{i // CELLS}",cell="{i % CELLS}"}}' if i < 2 * CELLS else
                  f'synward_fleet_register{{{labels},register="{i - 2 * CELLS}"}}')
        print(f"      - series: '{series}'\n        values: {' '.join(values)}")


def expect(expression, at, value):
    print(f"      - expr: {expression}")
    print(f"        eval_time: {at}s")
    print(f"        exp_samples: [ {{ labels: '{{}}', value: {value} }} ]")


def sketches(kind, hosts):
    step, seconds = 30, 5400
    flood_from = seconds - 480 if kind == "sources" else seconds
    crowd_from = seconds - 1200 if kind == "everybody" else seconds
    fleet = Sketches(hosts, seconds, step, flood_from, crowd_from)
    print(f"evaluation_interval: {step}s\ntests:\n  - interval: {step}s\n    input_series:")
    groups = hosts if hosts <= GROUPS else GROUPS_OF_REST
    for group in range(groups):
        fleet.write(f"h{group}", range(group, hosts, groups))
    print("    promql_expr_test:")
    # Whatever the rule says, there was something for it to say it of.
    expect("count(row_cell:synward_fleet_cell:strength2m)", seconds - step, 2 * CELLS)
    expect("count(row_cell:synward_fleet_cell:usual1d)", seconds - step, 2 * CELLS)
    expect(f"'sum(abs(fleet:synward_fleet_sources:estimate / {len(fleet.last)} - 1) < bool 0.4)'", seconds - step, 1)
    if kind == "everybody":
        firing("SynwardFleetSources", seconds - step, 0)
        return
    firing("SynwardFleetSources", flood_from, 0)
    hit = [sorted({fleet.places[p][row] for p in fleet.flooders}) for row in (0, 1)]
    # Two minutes after it began these, and no others till the end.
    for row in (0, 1):
        names = "|".join(str(cell) for cell in hit[row])
        expect(f"'count(ALERTS{{alertname=\"SynwardFleetSources\",alertstate=\"firing\",row=\"{row}\","
               f"cell=~\"{names}\"}})'", flood_from + 120, len(hit[row]))
    firing("SynwardFleetSources", seconds - step, len(hit[0]) + len(hit[1]))


def firing(alert, at, times):
    """Of the alert's evaluations up to that time, how many fired; 0: none may have."""
    print(f"      - expr: count(count_over_time(ALERTS{{alertname=\"{alert}\",alertstate=\"firing\"}}[8d])) or vector(0)")
    print(f"        eval_time: {at}s")
    print(f"        exp_samples: [ {{ labels: '{{}}', value: {times} }} ]")


def main():
    rules, kind, hosts = sys.argv[1], sys.argv[2], int(sys.argv[3])
    random.seed(1)
    print(f"rule_files: [ {rules} ]")
    if kind in ("sources", "everybody"):
        sketches(kind, hosts)
        return
    step = 60 if kind == "week" else 15
    seconds = 7 * 86400 if kind == "week" else 4 * 3600
    if hosts > 100:
        seconds = min(seconds, 5400)  # as short as the rules can do: promtool takes a second for each minute
    flood_from = seconds - 480 if kind == "flood" else seconds
    crowd_from = {"week": 2 * 86400 + 64800, "crowd": seconds * 5 // 8, "flood": seconds}[kind]
    print(f"evaluation_interval: {step}s")
    print("tests:")
    print(f"  - interval: {step}s")
    write_series(hosts, seconds, step, flood_from, crowd_from)
    print("    promql_expr_test:")
    for alert in ("SynwardFleetFlood", "SynwardFleetSpread"):
        if kind == "flood":
            firing(alert, flood_from, 0)
            firing(alert, flood_from + 120, 1)
        else:
            firing(alert, seconds - step, 0)
    # Whatever the alerts say, there was something for them to say it of.
    expect("count(port:synward_unanswered:usual1d)", seconds - step, 1)
    expect("count(instance_port:synward_unanswered:usual1d)", seconds - step, hosts)


main()
